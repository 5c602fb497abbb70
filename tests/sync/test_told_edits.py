"""Callbacks without a version: the edit that they report counts, although reads do not show it yet."""

from collections.abc import Awaitable, Callable

import pytest

from bridge.connectors.protocols import Written
from bridge.domain.record import Fields, Gone, Record, RecordRef
from tests.clock import FakeClock
from tests.product import FakeProduct, manifest
from tests.sync.bench import PEOPLE, Bench

NewBench = Callable[..., Awaitable[Bench]]
ANA = {"name": "Ana Lund", "email": "ana@x.example", "phone": "1"}
LAG = 1.5


class WholeRecords(FakeProduct):
    """A product that stores whole records: an update replaces every field."""

    async def update(self, fresh: Record, changes: Fields) -> Written:
        return await super().update(fresh, {**fresh.fields, **changes})


async def _linked(
    new_bench: NewBench, clock: FakeClock, text: str = PEOPLE, resolution: float | None = None
) -> tuple[Bench, str, WholeRecords]:
    """A pair that is in sync. The erp accepts whole records, and its reads lag."""
    facts = manifest(version_resolution=resolution, whole_record=True)
    erp = WholeRecords("erp", clock, manifest=facts, answers_record=False)
    bench = await new_bench(text, erp=erp)
    record_id = bench.crm.person_creates("person", **ANA)
    bench.crm.person_creates("person", name="Other", email="other@x.example")
    await bench.settle()
    clock.advance(60)
    erp.lag = LAG
    bench.crm.calls.clear()
    erp.calls.clear()
    return bench, record_id, erp


@pytest.mark.parametrize("resolution", [None, 1.0, 1e-6])
@pytest.mark.parametrize("apart", [0.0, 0.5, 1.9])
async def test_promise_7_an_edit_that_a_callback_reported_is_not_overwritten_although_reads_lag(
    new_bench: NewBench, clock: FakeClock, apart: float, resolution: float | None
) -> None:
    """Otherwise the whole record would be written to the erp as it was before the edit there."""
    bench, record_id, erp = await _linked(new_bench, clock, resolution=resolution)
    erp.person_edits("person", "1", phone="9")
    if apart:
        await bench.turn_once()
        clock.advance(apart)
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.settle()
    for fields in (bench.crm.live("person")[record_id], erp.live("person")["1"]):
        assert (fields["name"], fields["phone"]) == ("Ana Berg", "9")


async def test_promise_7_reads_that_lag_are_not_accepted_because_the_bridge_was_away_meanwhile(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """Such a read is accepted after callbacks have come for long, but time in which nothing was read does not count."""
    bench, record_id, erp = await _linked(new_bench, clock)
    erp.person_edits("person", "1", phone="8")
    bench.crm.person_edits("person", record_id, name="Ana B")
    await bench.turn_once()
    clock.advance(60)
    erp.person_edits("person", "1", phone="9")
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.settle()
    for fields in (bench.crm.live("person")[record_id], erp.live("person")["1"]):
        assert (fields["name"], fields["phone"]) == ("Ana Berg", "9")


@pytest.mark.parametrize("policy", ["crm", "erp"])
async def test_promise_7_a_field_edited_on_both_sides_goes_by_the_policy_although_one_read_does_not_show_it_yet(
    new_bench: NewBench, clock: FakeClock, policy: str
) -> None:
    text = PEOPLE.replace("conflict: crm", f"conflict: {policy}")
    bench, record_id, erp = await _linked(new_bench, clock, text)
    erp.person_edits("person", "1", name="Erp")
    bench.crm.person_edits("person", record_id, name="Crm")
    await bench.settle()
    assert bench.crm.live("person")[record_id]["name"] == erp.live("person")["1"]["name"] == policy.capitalize()
    assert "conflict" in await bench.story("crm", "person", record_id)


async def test_promise_4_an_edit_crosses_by_its_callback_although_the_first_read_does_not_show_it(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """No sweep is needed for it."""
    bench, record_id, erp = await _linked(new_bench, clock)
    erp.person_edits("person", "1", phone="9")
    await bench.settle()
    assert bench.crm.live("person")[record_id]["phone"] == "9"
    await bench.assert_accounted()


async def test_promise_4_of_two_edits_shortly_after_each_other_the_second_crosses_too(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """The read shows only the first edit, and two callbacks came."""
    bench, record_id, erp = await _linked(new_bench, clock)
    erp.person_edits("person", "1", phone="8")
    clock.advance(LAG + 0.1)
    erp.person_edits("person", "1", phone="9")
    await bench.tell("erp", "person", "1")
    await bench.settle()
    assert bench.crm.live("person")[record_id]["phone"] == "9"


async def test_promise_4_an_edit_right_after_a_record_was_made_crosses_too(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """The read shows the record as it was created, and not yet the edit that was also reported."""
    bench, _, erp = await _linked(new_bench, clock)
    record_id = erp.person_creates("person", name="Bo", email="bo@x.example")
    await bench.tell("erp", "person", record_id, "created")
    clock.advance(LAG + 0.1)
    erp.person_edits("person", record_id, name="Bo Berg")
    await bench.settle()
    assert "Bo Berg" in [row["name"] for row in bench.crm.live("person").values()]


async def test_promise_12_a_record_is_not_deleted_while_reads_do_not_show_a_reported_edit_of_it(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """Deleted in the crm and edited in the erp: it stays (delete-conflict: keep)."""
    bench, record_id, erp = await _linked(new_bench, clock)
    bench.crm.person_deletes("person", record_id)
    await bench.turn_once()
    clock.advance(1.9)
    erp.person_edits("person", "1", phone="9")
    await bench.settle()
    assert erp.live("person")["1"]["phone"] == "9"


async def test_an_edit_that_is_shown_at_once_is_not_waited_for(new_bench: NewBench, clock: FakeClock) -> None:
    bench, record_id, erp = await _linked(new_bench, clock)
    erp.lag = 0.0
    erp.person_edits("person", "1", phone="9")
    await bench.turn_once()
    assert bench.crm.live("person")[record_id]["phone"] == "9"
    await bench.settle()
    assert erp.calls == ["read"]


async def test_a_newer_version_shows_that_the_edit_was_of_something_else(new_bench: NewBench, clock: FakeClock) -> None:
    """No field rule uses the column, so only the version shows the edit."""
    bench, _, erp = await _linked(new_bench, clock, resolution=1.0)
    erp.lag = 0.0
    erp.person_edits("person", "1", notes="called back")
    await bench.settle()
    assert erp.calls == ["read"]


async def test_a_record_that_callbacks_report_all_the_time_is_still_written(
    new_bench: NewBench, clock: FakeClock
) -> None:
    bench, record_id, erp = await _linked(new_bench, clock)
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    for _ in range(60):
        await bench.tell("erp", "person", "1")
        await bench.turn_once()
        clock.advance(0.5)
    assert erp.live("person")["1"]["name"] == "Ana Berg"
    assert "accepted" in await bench.story("erp", "person", "1")


async def test_a_write_and_its_echo_take_one_read_more_although_the_callback_has_no_version(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """The target is read once and written once. One more read serves as confirmation and for the echo."""
    bench, record_id, erp = await _linked(new_bench, clock)
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.turn_once()
    clock.advance(0.3)
    await bench.settle()
    assert erp.calls == ["read", "update", "read"]
    assert erp.live("person")["1"]["name"] == "Ana Berg"


async def test_a_callback_without_a_version_that_changed_nothing_causes_two_reads(
    new_bench: NewBench, clock: FakeClock
) -> None:
    bench, _, erp = await _linked(new_bench, clock)
    await bench.tell("erp", "person", "1")
    await bench.settle()
    assert (erp.calls, bench.crm.calls) == (["read", "read"], [])


@pytest.mark.parametrize("resolution", [None, 1.0])
async def test_promise_7_an_edit_reported_while_the_claim_waits_for_its_turn_is_not_overwritten(
    new_bench: NewBench, clock: FakeClock, resolution: float | None
) -> None:
    """The claim began before the callback, and reads the record before reads show the edit."""
    bench, record_id, erp = await _linked(new_bench, clock, resolution=resolution)
    read = bench.crm.read

    async def meanwhile(ref: RecordRef) -> Record | Gone:
        bench.crm.read = read  # type: ignore[method-assign]
        erp.person_edits("person", "1", phone="9")
        await bench.tell("erp", "person", "1")
        clock.advance(1.2)
        return await read(ref)

    bench.crm.person_edits("person", record_id, name="Ana Berg")
    bench.crm.read = meanwhile  # type: ignore[method-assign]
    await bench.settle()
    for fields in (bench.crm.live("person")[record_id], erp.live("person")["1"]):
        assert (fields["name"], fields["phone"]) == ("Ana Berg", "9")
    await bench.assert_accounted()


async def test_promise_12_a_record_is_not_deleted_when_an_edit_of_it_is_reported_while_the_claim_waits(
    new_bench: NewBench, clock: FakeClock
) -> None:
    bench, record_id, erp = await _linked(new_bench, clock)
    read = bench.crm.read

    async def meanwhile(ref: RecordRef) -> Record | Gone:
        bench.crm.read = read  # type: ignore[method-assign]
        erp.person_edits("person", "1", phone="9")
        await bench.tell("erp", "person", "1")
        return await read(ref)

    bench.crm.person_deletes("person", record_id)
    bench.crm.read = meanwhile  # type: ignore[method-assign]
    await bench.settle()
    assert erp.live("person")["1"]["phone"] == "9"


async def test_a_record_that_is_reported_without_end_is_written_after_a_while(
    new_bench: NewBench, clock: FakeClock
) -> None:
    bench, record_id, erp = await _linked(new_bench, clock)
    read = erp.read

    async def told_again(ref: RecordRef) -> Record | Gone:
        found = await read(ref)
        clock.advance(0.5)
        if erp.live("person")["1"]["name"] != "Ana Berg":
            await bench.tell("erp", "person", "1")
        return found

    erp.read = told_again  # type: ignore[method-assign]
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.settle()
    assert erp.live("person")["1"]["name"] == "Ana Berg"
