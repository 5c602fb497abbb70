"""Promise 5, created once: from either side, with or without a match key, whatever happens to the create."""

from collections.abc import Awaitable, Callable

import pytest

from bridge.connectors.protocols import Written
from bridge.domain.catalog import Lookup
from bridge.domain.errors import OutcomeUnknown
from bridge.domain.record import Fields, Record
from bridge.sync.situation import Limits
from tests.clock import FakeClock
from tests.product import FakeProduct, killed, lost_answer, manifest
from tests.sync.bench import PEOPLE, Bench

NewBench = Callable[..., Awaitable[Bench]]
ANA = {"name": "Ana Lund", "email": "ana@x.example", "phone": "+47 22 33 44 55"}
KEYS = {
    "by key": PEOPLE,
    "no key": PEOPLE.replace("match: [email]", "match: none"),
    "marker": PEOPLE.replace("match: [email]", "match: none\nmarker: {crm: notes, erp: notes}"),
}
LIMITS = Limits(lease_seconds=10, write_seconds=8)


class Slow(FakeProduct):
    """A product whose creates are slow, so that others can act meanwhile."""

    meanwhile: Callable[[], Awaitable[object]] | None = None
    loses_answer = False

    async def create(self, entity: str, fields: Fields) -> Written:
        written = await super().create(entity, fields)
        if self.meanwhile is not None:
            act, self.meanwhile = self.meanwhile, None
            await act()
            if self.loses_answer:
                raise OutcomeUnknown(self.system, "timed out")
        return written


COURSES = {
    "answered": lambda: lambda name: None,
    "answer lost": lambda: lost_answer("after create"),
    "never took effect": lambda: lost_answer("before create"),
    "died before": lambda: killed("before create"),
    "died after": lambda: killed("after create"),
}


async def _ended(bench: Bench) -> None:
    """Work until everything is done, including records that a dead worker's leases held."""
    await bench.settle()
    bench.clock.advance(LIMITS.lease_seconds + LIMITS.write_seconds + 6)
    await bench.settle()
    await bench.assert_silent()


def _emails(bench: Bench, system: str) -> list[str]:
    return sorted(fields["email"] for fields in bench.product(system).live("person").values())


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("course", COURSES)
async def test_promise_5_created_once_from_both_sides_at_a_time(new_bench: NewBench, course: str, key: str) -> None:
    bench = await new_bench(KEYS[key], limits=LIMITS)
    bench.crm.fail, bench.erp.fail = COURSES[course](), COURSES[course]()
    bench.crm.person_creates("person", name="Ana", email="ana@x.example")
    bench.erp.person_creates("person", name="Bo", email="bo@x.example")
    await _ended(bench)
    assert _emails(bench, "crm") == _emails(bench, "erp") == ["ana@x.example", "bo@x.example"]
    assert await bench.store.dead_letters.list() == []
    assert await bench.store.links.unsettled() == []


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("system", ["crm", "erp"])
async def test_promise_5_a_callback_that_overtakes_the_answer_of_the_create_makes_no_copy(
    new_bench: NewBench, clock: FakeClock, system: str, lost: bool, key: str
) -> None:
    """The new record's own callback is processed while its create is still running, or was never answered."""
    target = Slow(system, clock)
    bench = await new_bench(KEYS[key], limits=LIMITS, **{system: target})
    source = bench.erp if system == "crm" else bench.crm

    async def meanwhile() -> None:
        (record_id,) = target.live("person")
        await bench.tell(system, "person", record_id, "created")
        await bench.turn()

    target.meanwhile, target.loses_answer = meanwhile, lost
    source.person_creates("person", **ANA)
    await _ended(bench)
    assert _emails(bench, "crm") == _emails(bench, "erp") == [ANA["email"]]
    assert await bench.store.dead_letters.list() == []


async def test_promise_5_a_record_whose_own_callback_comes_only_after_its_copys_makes_no_copy(bench: Bench) -> None:
    """A sweep reported it first, then came the copy's callback, and last the callback about the person's own record."""
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.tell("crm", "person", record_id)
    await bench.turn()
    (there,) = bench.erp.live("person")
    await bench.tell("erp", "person", there, "created")
    await bench.tell("crm", "person", record_id, "created")
    await bench.settle()
    assert _emails(bench, "crm") == _emails(bench, "erp") == [ANA["email"]]


# -- what searches do not show --------------------------------------------------------------------------------------
class Indexed(FakeProduct):
    """A product whose search finds a record a minute after it was created."""

    async def find(self, entity: str, column: str, value: object) -> list[Record]:
        found = await super().find(entity, column, value)
        return [row for row in found if row.created_at and (self.clock.now() - row.created_at).total_seconds() > 60]


def _with_search(clock: FakeClock, lookup: Lookup) -> Indexed:
    return Indexed("erp", clock, manifest=manifest(lookup=lookup, lookup_columns=frozenset({"email"})))


async def test_promise_5_a_search_index_that_lags_hides_no_record_from_the_match(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """Records that were reported to the bridge or created by it are in its own index."""
    bench = await new_bench(erp=_with_search(clock, Lookup.LAGGING))
    there = bench.erp.person_creates("person", **{**ANA, "name": "A. Lund"})
    await bench.index()
    bench.missed("erp", "person", there)
    bench.crm.person_creates("person", **ANA)
    await bench.settle(30)
    assert list(bench.erp.live("person")) == [there]
    assert bench.erp.live("person")[there]["name"] == "Ana Lund"


async def test_promise_5_a_search_that_lags_does_not_stand_in_for_the_first_complete_listing(
    new_bench: NewBench, clock: FakeClock
) -> None:
    bench = await new_bench(erp=_with_search(clock, Lookup.LAGGING))
    await bench.adopt(PEOPLE.replace("match: [email]", "match: [name]"))  # other keys: the index starts empty
    bench.crm.person_creates("person", **ANA)
    await bench.settle(60)
    assert bench.erp.writes() == []
    await bench.index()
    await bench.settle()
    assert len(bench.erp.live("person")) == 1


# -- duplicates -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("first", ["crm", "erp"])
async def test_promise_5_duplicates_of_two_people_are_reported_with_both_ids_and_not_copied(
    new_bench: NewBench, first: str
) -> None:
    bench = await new_bench()
    second = "erp" if first == "crm" else "crm"
    mine = bench.product(first).person_creates("person", **ANA)
    own = bench.product(second).person_creates("person", **{**ANA, "name": "A. Lund"})
    bench.clock.advance(1)
    await bench.tell(first, "person", mine, "created")
    await bench.turn()  # the other record is not reported yet, so the bridge makes a copy
    (copy,) = set(bench.product(second).live("person")) - {own}
    await bench.settle()
    bench.clock.advance(60)
    bench.product(second).person_edits("person", own, phone="1")
    await bench.settle()
    assert list(bench.product(first).live("person")) == [mine]
    assert sorted(bench.product(second).live("person")) == sorted([own, copy])
    assert bench.product(first).live("person")[mine]["phone"] == ANA["phone"]
    (entry,) = [entry for entry in await bench.journal(second, "person", own) if entry.what == "duplicate"]
    assert f"{second} person {own} and {second} person {copy}" in entry.text
    bench.clock.advance(60)
    bench.product(second).person_merges("person", copy, own)  # the person merges the two, as the report says
    await bench.settle()
    assert list(bench.product(second).live("person")) == [own]
    bench.product(first).person_edits("person", mine, name="Ana Berg")
    await bench.settle()
    assert bench.product(second).live("person")[own]["name"] == "Ana Berg"


# -- markers --------------------------------------------------------------------------------------------------------
async def test_promise_5_a_marker_tells_our_own_record_from_another_just_like_it(new_bench: NewBench) -> None:
    bench = await new_bench(KEYS["marker"], limits=LIMITS)
    bench.erp.fail = lost_answer("after create")
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.turn_once()
    (ours,) = bench.erp.live("person")
    theirs = bench.erp.person_creates("person", **ANA)
    await bench.settle()
    bench.clock.advance(60)
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.settle()
    assert bench.erp.live("person")[ours]["name"] == "Ana Berg"
    assert bench.erp.live("person")[theirs]["name"] == "Ana Lund"
    assert await bench.store.dead_letters.list() == []


async def test_promise_5_a_marker_under_a_second_id_is_a_clone_with_a_copy_of_its_own(new_bench: NewBench) -> None:
    bench = await new_bench(KEYS["marker"])
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    ((there, fields),) = bench.erp.live("person").items()
    assert fields["notes"] == record_id
    clone = bench.erp.person_creates("person", **{**fields, "name": "Clone"})
    await bench.settle()
    assert sorted(row["name"] for row in bench.crm.live("person").values()) == ["Ana Lund", "Clone"]
    bench.clock.advance(60)
    bench.crm.person_edits("person", record_id, phone="2")
    await bench.settle()
    assert (bench.erp.live("person")[there]["phone"], bench.erp.live("person")[clone]["phone"]) == ("2", ANA["phone"])


async def test_a_lost_create_that_was_found_is_not_made_again_when_somebody_deletes_it_meanwhile(bench: Bench) -> None:
    """Promise 5 and the rule on unknown outcomes: a record that recovery found is the create's record from then on.

    The record cannot be leased when recovery finds it, and it is deleted before recovery looks again.
    """
    bench.erp.fail = lost_answer("after create")
    source = bench.crm.person_creates("person", **ANA)
    await bench.tell("crm", "person", source, "created")
    await bench.turn()
    (there,) = bench.erp.live("person")
    bench.clock.advance(40)
    await bench.tell("erp", "person", there, "created")
    limits = bench.parts.limits
    (other,) = await bench.store.tasks.claim(4, bench.parts.scopes, limits.lease_seconds)
    assert other.key.record_id == there
    bench.clock.advance(20)
    await bench.turn()  # recovery finds the record while another worker holds it
    bench.erp.person_deletes("person", there)
    await bench.tell("erp", "person", there, "deleted")
    await bench.store.tasks.release(other, bench.store.now(), "given back")
    await bench.settle(60)
    assert bench.erp.live("person") == {}
    assert len([call for call in bench.erp.writes() if "create" in str(call)]) == 1
