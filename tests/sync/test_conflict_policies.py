"""Which side wins by each policy if both edited a field; and the loop alarm for a field that never stops changing."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.domain.event import Event, EventKind, Origin
from bridge.sync.situation import Limits
from tests.clock import FakeClock
from tests.product import FakeProduct, manifest
from tests.sync.bench import PEOPLE, Bench

NewBench = Callable[..., Awaitable[Bench]]
ANA = {"name": "Ana Lund", "email": "ana@x.example", "phone": "1"}


async def _linked(new_bench: NewBench, policy: str = "crm", **more: Any) -> tuple[Bench, str]:
    bench = await new_bench(PEOPLE.replace("conflict: crm", f"conflict: {policy}"), **more)
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.clock.advance(60)
    return bench, record_id


async def _lost(bench: Bench, record_id: str) -> list[Any]:
    entries = await bench.journal("crm", "person", record_id)
    return [entry.detail["lost"] for entry in entries if entry.what == "conflict" and "lost" in entry.detail]


@pytest.mark.parametrize(
    ("policy", "seconds", "winner"),
    [
        ("crm", 30, "Crm"),
        ("erp", -30, "Erp"),
        ('"newest, else crm"', 30, "Erp"),
        ('"newest, else erp"', -30, "Crm"),
        ('"newest, else crm"', 2, "Crm"),  # too close together
        ('"newest, else erp"', -2, "Erp"),
    ],
)
async def test_promise_7_a_conflict_goes_by_its_policy_and_the_loser_is_in_the_journal(
    new_bench: NewBench, policy: str, seconds: int, winner: str
) -> None:
    """`seconds`: how much later the erp was edited than the crm."""
    bench, record_id = await _linked(new_bench, policy)
    if seconds < 0:
        bench.erp.person_edits("person", "1", name="Erp")
    else:
        bench.crm.person_edits("person", record_id, name="Crm")
    bench.clock.advance(abs(seconds))
    if seconds < 0:
        bench.crm.person_edits("person", record_id, name="Crm")
    else:
        bench.erp.person_edits("person", "1", name="Erp")
    await bench.settle()
    assert bench.crm.live("person")[record_id]["name"] == bench.erp.live("person")["1"]["name"] == winner
    assert await _lost(bench, record_id) == [{"Crm": "Erp", "Erp": "Crm"}[winner]]


async def test_promise_7_fill_empty_keeps_two_values_apart_and_fills_an_empty_one(new_bench: NewBench) -> None:
    bench, record_id = await _linked(new_bench, "fill-empty")
    bench.crm.person_edits("person", record_id, name="Crm", phone=None)
    bench.erp.person_edits("person", "1", name="Erp", phone="2")
    await bench.settle()
    assert (bench.crm.live("person")[record_id]["name"], bench.erp.live("person")["1"]["name"]) == ("Crm", "Erp")
    assert bench.crm.live("person")[record_id]["phone"] == bench.erp.live("person")["1"]["phone"] == "2"


async def test_promise_7_a_field_rule_may_name_another_winner_than_its_mapping(new_bench: NewBench) -> None:
    text = PEOPLE.replace("absent: clear}", "absent: clear, conflict: erp}")
    bench = await new_bench(text)
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.crm.person_edits("person", record_id, name="Crm", phone="11")
    bench.erp.person_edits("person", "1", name="Erp", phone="22")
    await bench.settle()
    for fields in (bench.crm.live("person")[record_id], bench.erp.live("person")["1"]):
        assert (fields["name"], fields["phone"]) == ("Crm", "22")


async def _report(bench: Bench, system: str, record_id: str, *, timed: bool) -> None:
    at = bench.clock.now() if timed else None
    event = Event(system, "person", record_id, EventKind.CHANGED, Origin.WEBHOOK, source_at=at)
    await bench.store.events.accept([event], bench.routes)
    bench.missed(system, "person", record_id)


@pytest.mark.parametrize("timed", [True, False])
async def test_newest_uses_the_events_time_or_the_first_report_if_records_show_no_time(
    new_bench: NewBench, clock: FakeClock, timed: bool
) -> None:
    products = {name: FakeProduct(name, clock, manifest=manifest(version_resolution=None)) for name in ("crm", "erp")}
    bench, record_id = await _linked(new_bench, '"newest, else crm"', **products)
    bench.crm.person_edits("person", record_id, name="Crm")
    await _report(bench, "crm", record_id, timed=timed)
    clock.advance(30)
    bench.erp.person_edits("person", "1", name="Erp")
    await _report(bench, "erp", "1", timed=timed)
    await bench.settle()
    assert bench.crm.live("person")[record_id]["name"] == bench.erp.live("person")["1"]["name"] == "Erp"


async def test_newest_is_not_won_by_an_event_from_the_future(new_bench: NewBench, clock: FakeClock) -> None:
    """An event with a time in the year 9990 counts as of when it was first reported."""
    products = {name: FakeProduct(name, clock, manifest=manifest(version_resolution=None)) for name in ("crm", "erp")}
    bench, record_id = await _linked(new_bench, '"newest, else crm"', **products)
    bench.crm.person_edits("person", record_id, name="Crm")
    far = Event(
        "crm", "person", record_id, EventKind.CHANGED, Origin.WEBHOOK, source_at=datetime(9990, 1, 1, tzinfo=UTC)
    )
    await bench.store.events.accept([far], bench.routes)
    bench.missed("crm", "person", record_id)
    clock.advance(30)
    bench.erp.person_edits("person", "1", name="Erp")
    await _report(bench, "erp", "1", timed=True)
    await bench.settle()
    assert bench.crm.live("person")[record_id]["name"] == bench.erp.live("person")["1"]["name"] == "Erp"


async def test_newest_is_not_won_by_a_record_with_a_time_in_the_future(new_bench: NewBench, clock: FakeClock) -> None:
    """If a vendor's clock is days ahead, its edit counts as of when it was first reported."""
    bench, record_id = await _linked(new_bench, '"newest, else crm"')
    bench.crm.person_edits("person", record_id, name="Crm")
    bench.crm.rows["person", record_id].modified += timedelta(days=3)
    await bench.tell("crm", "person", record_id)
    bench.missed("crm", "person", record_id)
    clock.advance(30)
    bench.erp.person_edits("person", "1", name="Erp")
    await bench.settle()
    assert bench.crm.live("person")[record_id]["name"] == bench.erp.live("person")["1"]["name"] == "Erp"


async def test_newest_uses_the_first_report_for_fields_whose_edit_moves_no_version(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """The crm's record has the newer version, but not because of its phone."""
    crm = FakeProduct("crm", clock, manifest=manifest(unversioned=frozenset({"phone"})))
    bench, record_id = await _linked(new_bench, '"newest, else crm"', crm=crm)
    crm.person_edits("person", record_id, phone="11")
    await _report(bench, "crm", record_id, timed=True)
    clock.advance(30)
    bench.erp.person_edits("person", "1", phone="22", name="Erp")
    await _report(bench, "erp", "1", timed=True)
    clock.advance(30)
    crm.person_edits("person", record_id, name="Crm")
    bench.missed("crm", "person", record_id)
    await bench.settle()
    for fields in (crm.live("person")[record_id], bench.erp.live("person")["1"]):
        assert (fields["name"], fields["phone"]) == ("Crm", "22")


async def test_the_loop_alarm_stops_a_pair_that_two_automations_change_and_names_only_their_field(
    new_bench: NewBench,
) -> None:
    bench, record_id = await _linked(new_bench, limits=Limits(loop_writes=6, loop_window_seconds=3600))

    def automation(product: FakeProduct, own: str, mark: str) -> Callable[[str], None]:
        def fail(name: str) -> None:
            if name == "after update":
                bench.clock.advance(3)
                product.person_edits("person", own, phone=f"{mark}{len(product.calls)}")

        return fail

    bench.crm.fail = automation(bench.crm, record_id, "+1")
    bench.erp.fail = automation(bench.erp, "1", "+2")
    bench.crm.person_edits("person", record_id, name="Ana Berg", phone="+1")
    await bench.settle(3000)
    (dead,) = {task.reason for task, _ in await bench.store.dead_letters.list()}
    assert "loop alarm" in dead
    assert "s and phone still changes" in dead
    assert len(bench.crm.writes()) + len(bench.erp.writes()) <= 1 + 6
    assert bench.erp.live("person")["1"]["name"] == "Ana Berg"
