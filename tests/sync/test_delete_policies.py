"""Deletes by policy and direction, tombstones, edits against deletes, and reads that are rejected."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bridge.domain.record import Side
from bridge.store.model import LinkState
from bridge.store.questions import LinksNaming
from bridge.sync.situation import Limits
from tests.clock import FakeClock
from tests.product import FakeProduct, manifest
from tests.sync.bench import PEOPLE, Bench

NewBench = Callable[..., Awaitable[Bench]]


class Archiving(FakeProduct):
    """A product that archives records instead of deleting them."""

    async def archive(self, fresh: Any) -> None:
        self._called("archive")
        self.rows[fresh.ref.entity, fresh.ref.id].fields["notes"] = "archived"


def _with(crm: str, erp: str, more: str = "") -> str:
    return PEOPLE.replace("deleted: {crm: delete, erp: unlink}", f"deleted: {{crm: {crm}, erp: {erp}}}{more}")


async def _linked(new_bench: NewBench, number: int = 2, **more: Any) -> Bench:
    bench = await new_bench(**more)
    for one in range(1, number + 1):
        bench.crm.person_creates("person", name=f"P{one}", email=f"p{one}@x.example", phone=str(one))
    await bench.settle()
    bench.clock.advance(60)
    return bench


@pytest.mark.parametrize("deleted_in", ["crm", "erp"])
@pytest.mark.parametrize("policy", ["ignore", "unlink", "archive", "delete"])
async def test_promise_12_each_direction_follows_its_own_policy(
    new_bench: NewBench, clock: FakeClock, policy: str, deleted_in: str
) -> None:
    """The other direction has the opposite policy, so that the test fails if the two are mixed up."""
    opposite = "delete" if policy in ("ignore", "unlink") else "unlink"
    text = _with(policy, opposite) if deleted_in == "crm" else _with(opposite, policy)
    products = {name: Archiving(name, clock, manifest=manifest(archives=True)) for name in ("crm", "erp")}
    bench = await _linked(new_bench, text=text, **products)
    source, target = products[deleted_in], products["erp" if deleted_in == "crm" else "crm"]
    source.person_deletes("person", "1")
    await bench.settle()
    await bench.assert_silent()
    shown = {record_id: fields["notes"] for record_id, fields in target.live("person").items()}
    assert (
        shown
        == {
            "ignore": {"1": None, "2": None},
            "unlink": {"1": None, "2": None},
            "archive": {"1": "archived", "2": None},
            "delete": {"2": None},
        }[policy]
    )
    assert list(source.live("person")) == ["2"]  # a survivor is not copied back
    (link,) = await bench.store.questions.one(LinksNaming("people", Side.LEFT, "1"))
    assert link.state is LinkState.TOMBSTONE


async def test_promise_12_the_default_policy_is_unlink(new_bench: NewBench) -> None:
    bench = await _linked(new_bench, text=PEOPLE.replace("deleted: {crm: delete, erp: unlink}\n", ""))
    bench.crm.person_deletes("person", "1")
    await bench.settle()
    assert sorted(bench.erp.live("person")) == ["1", "2"]
    assert "unlinked" in await bench.story("crm", "person", "1")


async def test_a_tombstone_outlives_edits_and_new_callbacks_of_its_survivor(new_bench: NewBench) -> None:
    bench = await _linked(new_bench)
    bench.erp.person_deletes("person", "1")
    await bench.settle()
    for number in range(3):
        bench.clock.advance(3600)
        bench.crm.person_edits("person", "1", name=f"Edited {number}", email=f"other{number}@x.example")
        await bench.settle()
    assert list(bench.erp.live("person")) == ["2"]


@pytest.mark.parametrize(("says", "stays"), [("keep", True), ("delete", False)])
async def test_deleted_here_and_edited_there_goes_by_delete_conflict(
    new_bench: NewBench, says: str, stays: bool
) -> None:
    bench = await _linked(new_bench, text=_with("delete", "unlink", f"\ndelete-conflict: {says}"))
    bench.erp.person_edits("person", "1", phone="99")
    bench.missed("erp", "person", "1")
    bench.crm.person_deletes("person", "1")
    await bench.settle()
    assert ("1" in bench.erp.live("person")) is stays
    assert list(bench.crm.live("person")) == ["2"]
    kept = [entry.text for entry in await bench.journal("crm", "person", "1") if entry.what == "unlinked"]
    assert bool(kept) is stays
    assert all("phone was edited there meanwhile" in text for text in kept)


async def test_a_record_restored_before_the_second_read_was_never_deleted(new_bench: NewBench) -> None:
    bench = await _linked(new_bench)
    bench.crm.person_deletes("person", "1")
    await bench.turn_once()
    bench.crm.person_restores("person", "1")
    await bench.settle()
    assert sorted(bench.erp.live("person")) == ["1", "2"]
    bench.clock.advance(60)
    bench.crm.person_edits("person", "1", name="Back")
    await bench.settle()
    assert bench.erp.live("person")["1"]["name"] == "Back"


@pytest.mark.parametrize("restored_in", ["crm", "erp"])
async def test_a_record_restored_after_both_were_deleted_begins_anew_once(
    new_bench: NewBench, restored_in: str
) -> None:
    """Its link is not revived, because the other record no longer exists."""
    bench = await _linked(new_bench)
    bench.crm.person_deletes("person", "1")
    await bench.settle()
    assert list(bench.erp.live("person")) == ["2"]
    bench.clock.advance(60)
    bench.product(restored_in).person_restores("person", "1")
    await bench.settle()
    assert sorted(fields["name"] for fields in bench.crm.live("person").values()) == ["P1", "P2"]
    assert sorted(fields["name"] for fields in bench.erp.live("person").values()) == ["P1", "P2"]
    await bench.assert_silent()


# -- lost visibility ------------------------------------------------------------------------------------------------
async def test_promise_12_the_canary_of_another_account_deletes_nothing_and_stops_the_system(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """The credentials were exchanged while the bridge ran, so none of our records is found."""
    crm = FakeProduct("crm", clock, manifest=manifest(delete_evidence=False))
    bench = await _linked(new_bench, crm=crm)
    crm.rows, crm.account = {}, "account-2"
    strange = crm.person_creates("person", name="Stranger", email="s@x.example")
    bench.missed("crm", "person", strange)
    await bench.tell("crm", "person", "1", "deleted")
    await bench.settle(60)
    assert sorted(bench.erp.live("person")) == ["1", "2"]
    assert bench.systems.blocked == {"crm"}
    assert "another account" in (await bench.store.systems.get("crm")).stopped


async def test_a_system_that_opens_another_account_at_start_stops_until_the_old_one_is_back(
    new_bench: NewBench, clock: FakeClock
) -> None:
    bench = await _linked(new_bench)
    bench.erp.account = "account-2"
    await bench.systems.start()
    bench.crm.person_edits("person", "1", name="Ana")
    before = len(bench.erp.calls)
    await bench.settle(60)
    assert len(bench.erp.calls) == before
    assert bench.erp.live("person")["1"]["name"] == "P1"
    assert "account-2, not account-1" in (await bench.store.systems.get("erp")).stopped
    bench.erp.account = "account-1"
    clock.advance(400)
    await bench._probe()
    await bench.settle()
    assert bench.erp.live("person")["1"]["name"] == "Ana"


async def test_promise_12_a_system_that_shows_nothing_at_all_has_lost_visibility(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """There is no flag, no other record, and an empty listing: the account has lost its permissions."""
    crm = FakeProduct("crm", clock, manifest=manifest(delete_evidence=False), hard_delete=True)
    bench = await _linked(new_bench, crm=crm)
    for record_id in ("1", "2"):
        crm.rows["person", record_id].deleted = True
        await bench.tell("crm", "person", record_id, "deleted")
        bench.missed("crm", "person", record_id)
    await bench.settle(900)
    assert sorted(bench.erp.live("person")) == ["1", "2"]


# -- the deletion threshold ------------------------------------------------------------------------
async def test_promise_12_the_threshold_counts_deletes_archives_and_blanked_fields_together(
    new_bench: NewBench, clock: FakeClock
) -> None:
    products = {name: Archiving(name, clock, manifest=manifest(archives=True)) for name in ("crm", "erp")}
    bench = await _linked(
        new_bench, number=5, text=_with("archive", "delete"), limits=Limits(deletion_limit=3), **products
    )
    bench.crm.person_deletes("person", "1")
    await bench.settle(30)
    bench.erp.person_deletes("person", "2")
    await bench.settle(30)
    bench.crm.person_edits("person", "3", phone=None)
    await bench.settle(30)
    assert bench.erp.live("person")["1"]["notes"] == "archived"
    assert "2" not in bench.crm.live("person")
    assert bench.erp.live("person")["3"]["phone"] is None
    bench.crm.person_deletes("person", "4")
    bench.erp.person_edits("person", "5", phone=None)
    await bench.settle(30)
    assert bench.erp.live("person")["4"]["notes"] is None
    assert bench.crm.live("person")["5"]["phone"] == "5"
    await bench.settle(3 * 3600)  # the window moves on, without an approval
    assert bench.erp.live("person")["4"]["notes"] == "archived"
    assert bench.crm.live("person")["5"]["phone"] is None


async def test_promise_12_the_threshold_is_each_mappings_own_and_holds_no_other_write(new_bench: NewBench) -> None:
    bench = await _linked(new_bench, number=4, limits=Limits(deletion_limit=1))
    for record_id in ("1", "2"):
        bench.crm.person_deletes("person", record_id)
    bench.crm.person_edits("person", "3", name="Ana")
    bench.crm.person_creates("person", name="New", email="new@x.example")
    await bench.settle(60)
    names = sorted(fields["name"] for fields in bench.erp.live("person").values())
    assert names == ["Ana", "New", "P2", "P4"] or names == ["Ana", "New", "P1", "P4"]
