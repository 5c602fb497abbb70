"""One thing created twice: it is reported, not copied back, and settled when a person removes one of the two."""

from collections.abc import Awaitable, Callable

import pytest

from bridge.domain.record import Side
from bridge.store.model import LinkState
from bridge.store.questions import LinksNaming
from tests.clock import FakeClock
from tests.integration.sweep_bench import SkewedClock
from tests.product import FakeProduct, lost_answer
from tests.sync.bench import PEOPLE, Bench

NewBench = Callable[..., Awaitable[Bench]]
ANA = {"name": "Ana Lund", "email": "ana@x.example", "phone": "1"}


async def _made_twice(bench: Bench) -> str:
    """A person creates Ana in erp (1) while the bridge copies her there. Returns the crm record's id."""
    record_id = bench.crm.person_creates("person", **ANA)
    bench.erp.person_creates("person", **ANA)
    bench.seen["erp", "person", "1"] = (False, dict(bench.erp.rows["person", "1"].fields))
    await bench.settle()
    await bench.tell("erp", "person", "1")
    await bench.settle()
    bench.clock.advance(60)
    return record_id


async def _reported(bench: Bench) -> str:
    """The same, with the copy (2) reported. Returns the crm record's id."""
    record_id = await _made_twice(bench)
    assert await bench.story("erp", "person", "1") == ["duplicate"]
    return record_id


@pytest.mark.parametrize("seconds", [-60.0, 60.0])
async def test_promise_5_duplicates_differ_from_later_records_although_the_vendors_clock_is_wrong(
    new_bench: NewBench, clock: FakeClock, seconds: float
) -> None:
    text = PEOPLE.replace("match: [email]", "match: [email]\nduplicates: copy")  # otherwise a later one would be held
    bench = await new_bench(text=text, erp=FakeProduct("erp", SkewedClock(clock, seconds)))
    await _reported(bench)
    bench.erp.person_creates("person", **ANA)
    await bench.settle()
    assert len(bench.crm.live("person")) == 2


async def test_promise_5_a_lost_create_is_found_although_the_vendors_clock_is_behind(
    new_bench: NewBench, clock: FakeClock
) -> None:
    bench = await new_bench(erp=FakeProduct("erp", SkewedClock(clock, -300)))
    bench.erp.fail = lost_answer("after create")
    bench.crm.person_creates("person", **ANA)
    await bench.turn_once()
    bench.seen["erp", "person", "1"] = (False, dict(bench.erp.rows["person", "1"].fields))
    await bench.settle()
    assert list(bench.erp.live("person")) == ["1"]


async def test_a_duplicate_is_linked_if_the_copy_was_deleted_before_it_was_reported(bench: Bench) -> None:
    record_id = bench.crm.person_creates("person", **ANA)
    bench.erp.person_creates("person", **ANA)
    bench.seen["erp", "person", "1"] = (False, dict(bench.erp.rows["person", "1"].fields))
    await bench.settle()
    bench.erp.person_deletes("person", "2")
    await bench.tell("erp", "person", "1")
    await bench.turn()
    await bench.settle()
    assert list(bench.crm.live("person")) == [record_id]
    link = await bench.store.links.of("people", Side.LEFT, record_id)
    assert link is not None
    assert link.right == "1"


async def test_when_a_person_deletes_the_linked_one_of_two_duplicates_the_other_takes_its_place(bench: Bench) -> None:
    record_id = await _reported(bench)
    bench.erp.person_deletes("person", "2")
    await bench.settle()
    link = await bench.store.links.of("people", Side.LEFT, record_id)
    assert link is not None
    assert link.right == "1"
    bench.erp.person_edits("person", "1", name="Ana Berg")
    await bench.settle()
    assert bench.crm.live("person")[record_id]["name"] == "Ana Berg"
    await bench.assert_accounted()


@pytest.mark.parametrize("settled_by", ["merge", "delete"])
async def test_duplicates_of_which_one_is_left_are_no_longer_reported(bench: Bench, settled_by: str) -> None:
    record_id = await _reported(bench)
    if settled_by == "merge":
        bench.erp.person_merges("person", "2", "1")
    else:
        bench.erp.person_deletes("person", "2")
    await bench.settle()
    (row,) = await bench.store.questions.one(LinksNaming("people", Side.RIGHT, "1"))
    assert (row.state, row.left) == (LinkState.LIVE, record_id)


async def test_when_a_person_deletes_the_reported_one_of_two_duplicates_the_pair_stays(bench: Bench) -> None:
    record_id = await _reported(bench)
    bench.erp.person_deletes("person", "1")
    await bench.settle()
    assert (list(bench.crm.live("person")), list(bench.erp.live("person"))) == ([record_id], ["2"])


async def test_a_duplicate_that_takes_the_place_empties_nothing_on_the_other_side(bench: Bench) -> None:
    """The deleted record's values are not its base: its empty telephone number is not an edit."""
    record_id = bench.crm.person_creates("person", **ANA)
    bench.erp.person_creates("person", name="Ana Lund", email="ana@x.example")
    bench.seen["erp", "person", "1"] = (False, dict(bench.erp.rows["person", "1"].fields))
    await bench.settle()
    await bench.tell("erp", "person", "1")
    await bench.settle()
    bench.clock.advance(60)
    bench.erp.person_deletes("person", "2")
    await bench.settle()
    assert bench.crm.live("person")[record_id]["phone"] == bench.erp.live("person")["1"]["phone"] == ANA["phone"]


async def test_a_duplicate_that_was_deleted_as_well_takes_no_place(new_bench: NewBench) -> None:
    bench = await new_bench(text=PEOPLE.replace("erp: unlink", "erp: delete"))
    bench.crm.person_creates("person", name="Bo", email="bo@x.example")
    record_id = await _made_twice(bench)
    (copy,) = [one for one, row in bench.erp.live("person").items() if one != "1" and row["name"] == ANA["name"]]
    bench.erp.person_deletes("person", "1")
    bench.erp.person_deletes("person", copy)
    await bench.settle()
    assert record_id not in bench.crm.live("person")
    assert "merged" not in await bench.story("crm", "person", record_id)
