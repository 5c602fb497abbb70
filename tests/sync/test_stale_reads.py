"""Updates of unknown outcome, and reads that lag behind writes."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.connectors.protocols import Written
from bridge.domain.event import Event, EventKind, Origin
from bridge.domain.record import Fields, Gone, Record, RecordRef, Side
from bridge.store.model import Link
from tests.clock import FakeClock
from tests.product import FakeProduct, killed, lost_answer, manifest
from tests.sync.bench import PEOPLE, Bench

NewBench = Callable[..., Awaitable[Bench]]
ANA = {"name": "Ana Lund", "email": "ana@x.example", "phone": "1"}


@dataclass
class Recording(FakeProduct):
    """A product that keeps the changes of every update."""

    changes: list[Mapping[str, Any]] = field(default_factory=list)

    async def update(self, fresh: Record, changes: Fields) -> Written:
        self.changes.append(changes)
        return await super().update(fresh, changes)


@dataclass
class Stopping(FakeProduct):
    """A product whose answers to reads wait while the process is stopped."""

    stopped: float = 0.0

    async def read(self, ref: RecordRef) -> Record | Gone:
        found = await super().read(ref)
        if self.stopped:
            self.clock.advance(self.stopped)
        return found


async def _linked(new_bench: NewBench, clock: FakeClock, text: str = PEOPLE) -> tuple[Bench, str, Recording]:
    erp = Recording("erp", clock)
    bench = await new_bench(text, erp=erp)
    record_id = bench.crm.person_creates("person", **ANA)
    bench.crm.person_creates("person", name="Other", email="other@x.example")
    await bench.settle()
    clock.advance(60)
    return bench, record_id, erp


async def test_sent_is_in_the_store_while_a_write_is_under_way_and_gone_after_it(
    new_bench: NewBench, clock: FakeClock
) -> None:
    bench, record_id, _ = await _linked(new_bench, clock)
    seen: list[Any] = []

    async def failpoint(name: str) -> None:
        if name in ("update: took effect", "removal: took effect"):
            link = await bench.store.links.of("people", Side.LEFT, record_id)
            assert link is not None
            sent = link.sent_right or {}
            seen.append(sent.get("values") or sent.get("removal"))

    bench.fail_at(failpoint)
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.settle()
    bench.crm.person_deletes("person", record_id)
    await bench.settle()
    assert seen == [{"name": "Ana Berg"}, "delete"]
    assert await bench.store.links.unsettled() == []


@pytest.mark.parametrize("fault", [lost_answer, killed])
async def test_of_an_update_of_unknown_outcome_only_fields_that_show_another_value_are_sent_again(
    new_bench: NewBench, clock: FakeClock, fault: Callable[[str], Callable[[str], None]]
) -> None:
    bench, record_id, erp = await _linked(new_bench, clock)
    erp.fail = fault("after update")
    bench.crm.person_edits("person", record_id, name="Ana Berg", phone="2")
    await bench.turn_once()
    erp.rows["person", "1"].fields["phone"] = "1"  # half of the write was lost
    clock.advance(200)
    await bench.settle()
    assert erp.changes == [{"name": "Ana Berg", "phone": "2"}, {"phone": "2"}]
    assert (await _link(bench, record_id)).sent_right is None


async def _link(bench: Bench, record_id: str) -> Link:
    link = await bench.store.links.of("people", Side.LEFT, record_id)
    assert link is not None
    return link


@pytest.mark.parametrize("policy", ["crm", "erp"])
async def test_an_edit_there_of_a_field_whose_write_has_an_unknown_outcome_goes_by_the_conflict_policy(
    new_bench: NewBench, clock: FakeClock, policy: str
) -> None:
    bench, record_id, erp = await _linked(new_bench, clock, PEOPLE.replace("conflict: crm", f"conflict: {policy}"))
    erp.fail = lost_answer("before update")
    bench.crm.person_edits("person", record_id, name="Crm", phone="2")
    await bench.turn_once()
    erp.person_edits("person", "1", name="Erp")
    await bench.settle()
    for fields in (bench.crm.live("person")[record_id], erp.live("person")["1"]):
        assert (fields["name"], fields["phone"]) == (policy.capitalize(), "2")


async def test_a_stale_replica_does_not_lose_an_edit_whose_version_a_callback_reported(
    new_bench: NewBench, clock: FakeClock
) -> None:
    bench, record_id, erp = await _linked(new_bench, clock)
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    bench.crm.lag = 10.0
    await bench.tell("crm", "person", record_id, version=bench.crm.rows["person", record_id].modified)
    bench.missed("crm", "person", record_id)
    await bench.settle()
    assert erp.live("person")["1"]["name"] == "Ana Berg"


async def test_a_stale_replica_on_the_other_side_reverts_no_edit(new_bench: NewBench, clock: FakeClock) -> None:
    """Both sides are edited in turn while the erp's reads are ten seconds old."""
    bench, record_id, erp = await _linked(new_bench, clock, PEOPLE.replace("conflict: crm", "conflict: erp"))
    erp.lag = 10.0
    for number in range(3):
        clock.advance(4)
        bench.crm.person_edits("person", record_id, name=f"Ana {number}")
        await bench.tell_all()
        await bench.turn()
    clock.advance(4)
    erp.person_edits("person", "1", phone="9")
    await bench.settle()
    for fields in (bench.crm.live("person")[record_id], erp.live("person")["1"]):
        assert (fields["name"], fields["phone"]) == ("Ana 2", "9")


async def test_a_read_that_stays_old_for_ten_read_lags_is_accepted_and_journaled(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """The vendor restored a backup, so the newer state no longer exists."""
    bench, record_id, erp = await _linked(new_bench, clock)
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.settle()
    row = bench.crm.rows["person", record_id]
    row.fields, row.modified = {**row.fields, "name": "Ana Lund"}, row.modified - timedelta(seconds=50)
    await bench.tell("crm", "person", record_id)
    bench.missed("crm", "person", record_id)
    await bench.settle(10)
    assert erp.live("person")["1"]["name"] == "Ana Berg"
    await bench.settle()
    assert erp.live("person")["1"]["name"] == "Ana Lund"
    assert (await bench.story("crm", "person", record_id)).count("accepted") == 1


FAR = datetime(9990, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("kind", [EventKind.CHANGED, EventKind.DELETED, EventKind.MERGED])
async def test_a_callback_from_the_year_9990_does_not_slow_its_record(
    new_bench: NewBench, clock: FakeClock, kind: EventKind
) -> None:
    """If it were accepted, every later read would look older than the known version, and would be repeated."""
    bench, record_id, erp = await _linked(new_bench, clock)
    survivor = "2" if kind == EventKind.MERGED else None
    far = Event("crm", "person", record_id, kind, Origin.WEBHOOK, source_at=FAR, version=FAR, merged_into=survivor)
    await bench.store.events.accept([far], bench.routes)
    await bench.settle()
    clock.advance(3600)
    for number in range(3):
        bench.crm.person_edits("person", record_id, name=f"Ana {number}")
        before = clock.now()
        await bench.tell_all()
        while not await bench.turn():
            clock.advance(0.5)
        assert erp.live("person")["1"]["name"] == f"Ana {number}"
        assert (clock.now() - before).total_seconds() < 1
        await bench.settle()
        clock.advance(60)
    assert not [line for line in await bench.story("crm", "person", record_id) if "older" in line]


async def test_a_read_right_after_our_own_write_is_no_edit_back_even_without_callback_and_version(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """After the next edit the erp is read again, and still shows the name that was overwritten."""
    erp = FakeProduct("erp", clock, manifest=manifest(version_resolution=None))
    bench = await new_bench(erp=erp)
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    clock.advance(60)
    erp.lag = 1.5
    for edit in ({"name": "Ana Berg"}, {"phone": "2"}):
        bench.crm.person_edits("person", record_id, **edit)
        await bench.tell("crm", "person", record_id, version=bench.crm.rows["person", record_id].modified)
        await bench.turn()
        clock.advance(0.5)
    for system, one in (("crm", record_id), ("erp", "1")):
        bench.missed(system, "person", one)
    await bench.settle()
    for fields in (bench.crm.live("person")[record_id], erp.live("person")["1"]):
        assert (fields["name"], fields["phone"]) == ("Ana Berg", "2")


async def test_what_was_created_a_moment_ago_and_is_not_shown_yet_is_not_gone(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """It seems to be deleted on both sides: the pair would be forgotten, and the other record copied back."""
    erp = FakeProduct("erp", clock, manifest=manifest(version_resolution=0.001))
    bench = await new_bench(erp=erp)
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.tell_all()
    await bench.turn()
    (made,) = bench.erp.live("person")
    erp.lag = 1.5
    bench.crm.person_deletes("person", record_id)
    await bench.tell("crm", "person", record_id, "deleted")
    await bench.turn()
    link = await bench.store.links.of("people", Side.LEFT, record_id)
    assert link is not None, "nothing is decided yet"
    clock.advance(10)
    erp.lag = 0.0
    bench.erp.person_edits("person", made, phone="9")
    await bench.settle(600)
    assert bench.crm.live("person") == {}
    assert list(bench.erp.live("person")) == [made]


async def test_what_was_not_shown_yet_before_the_process_was_stopped_for_a_while_is_not_gone(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """The erp's read is sent too early, and its answer waits until the process continues."""
    erp = Stopping("erp", clock, manifest=manifest(version_resolution=0.001))
    bench = await new_bench(erp=erp)
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.tell_all()
    await bench.turn()
    (made,) = bench.erp.live("person")
    erp.lag = 1.5
    bench.crm.person_deletes("person", record_id)
    erp.stopped = 5.0
    await bench.tell("crm", "person", record_id, "deleted")
    await bench.turn()
    link = await bench.store.links.of("people", Side.LEFT, record_id)
    assert link is not None, "nothing is decided yet"
    erp.lag = erp.stopped = 0.0
    bench.erp.person_edits("person", made, phone="9")
    await bench.settle(600)
    assert bench.crm.live("person") == {}
    assert list(bench.erp.live("person")) == [made]
