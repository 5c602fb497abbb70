"""Sweeps over a real store with the worker behind them, without any callback. Promise 14."""

import asyncio
from typing import Any

import pytest

from bridge.connectors.protocols import Page
from bridge.domain.errors import RateLimited, RetryLater
from bridge.domain.record import Side
from bridge.reconcile.reconciler import OVERLAP_SECONDS
from bridge.store.model import LinkState
from tests.clock import FakeClock
from tests.integration.sweep_bench import ANA, NewSweepBench, PagedProduct, SkewedClock, failing, linked, start
from tests.product import manifest
from tests.sync.bench import PEOPLE

FILTERED = PEOPLE.replace("direction: both\n", "direction: both\nwhere: {crm: {notes: customer}}\n")
ONE_WAY = """
mapping: people
sides: {crm: fake person, erp: fake person}
direction: crm -> erp
creates: [erp]
match: [email]
fields:
  name:  {crm: name, erp: name}
  email: {crm: email, erp: email, type: email}
"""


# -- promise 14 -----------------------------------------------------------------------------------------------------
async def test_promise_14_a_missed_edit_crosses_with_the_next_incremental_sweep(
    new_bench: NewSweepBench,
) -> None:
    bench, record_id = await linked(new_bench)
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    report = await bench.reconciler.sweep("crm", "person", "incremental")
    assert (report.marked, report.missed) == (1, 1)
    await bench.work()
    assert bench.names("erp") == ["Ana Berg"]


async def test_promise_14_edits_cross_in_both_directions(new_bench: NewSweepBench) -> None:
    bench, _ = await linked(new_bench)
    (there,) = bench.erp.live("person")
    bench.erp.person_edits("person", there, phone="+47 22 33 44 55")
    await bench.sweep()
    assert [fields["phone"] for fields in bench.crm.live("person").values()] == ["+47 22 33 44 55"]


async def test_promise_14_a_missed_delete_is_found_by_the_next_full_sweep(new_bench: NewSweepBench) -> None:
    bench, record_id = await linked(new_bench)
    bench.crm.person_deletes("person", record_id)
    await bench.sweep("incremental")
    assert bench.names("erp") == ["Ana Lund"]
    await bench.sweep("full")
    assert bench.names("erp") == []


async def test_promise_14_a_missed_delete_that_a_listing_flags_is_found_by_the_next_incremental_sweep(
    new_bench: NewSweepBench,
) -> None:
    bench, record_id = await linked(new_bench, crm={"flags_deletes": True})
    bench.crm.person_deletes("person", record_id)
    await bench.sweep("incremental")
    assert bench.names("erp") == []


async def test_promise_14_a_missed_edit_without_a_time_stamp_crosses_with_the_next_full_sweep(
    new_bench: NewSweepBench,
) -> None:
    bench, record_id = await linked(new_bench)
    row = bench.crm.rows["person", record_id]
    row.fields = {**row.fields, "name": "Ana Berg"}
    await bench.sweep("incremental")
    assert bench.names("erp") == ["Ana Lund"]
    await bench.sweep("full")
    assert bench.names("erp") == ["Ana Berg"]


async def test_a_change_that_a_callback_reported_is_not_counted_as_missed(new_bench: NewSweepBench) -> None:
    bench, record_id = await linked(new_bench)
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.bench.tell("crm", "person", record_id)
    report = await bench.reconciler.sweep("crm", "person", "incremental")
    assert (report.marked, report.missed) == (1, 0)


@pytest.mark.parametrize("answers_record", [True, False])
async def test_our_own_writes_are_not_marked(new_bench: NewSweepBench, answers_record: bool) -> None:
    bench = await new_bench(erp={"answers_record": answers_record})
    await bench.go_live()
    bench.clock.advance(3600)
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.sweep()
    assert (await bench.sweep("incremental"), await bench.sweep("full")) == ({"crm": 0, "erp": 0},) * 2
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.sweep()
    assert (await bench.sweep("incremental"), await bench.sweep("full")) == ({"crm": 0, "erp": 0},) * 2


# -- going live -----------------------------------------------------------------------------------------------------
async def test_going_live_starts_from_now(new_bench: NewSweepBench) -> None:
    bench = await new_bench(begin=False)
    for number in range(5):
        bench.crm.person_creates("person", name=f"Old {number}", email=f"old{number}@x.example")
    bench.clock.advance(10)
    await start(bench)
    await bench.go_live()
    assert bench.names("erp") == []
    bench.clock.advance(10)
    bench.crm.person_creates("person", name="New", email="new@x.example")
    bench.crm.person_edits("person", "3", name="Old but edited")
    await bench.sweep()
    assert bench.names("erp") == ["New", "Old but edited"]
    await bench.sweep("full")
    assert bench.names("erp") == ["New", "Old but edited"]


async def test_a_record_created_during_the_first_listing_is_copied(new_bench: NewSweepBench) -> None:
    bench = await new_bench(begin=False, crm={"page_size": 1})
    bench.crm.person_creates("person", name="Old", email="old@x.example")
    bench.crm.person_creates("person", name="Older", email="older@x.example")
    bench.clock.advance(10)
    await start(bench)

    def meanwhile(token: str | None) -> None:
        if token == "1" and bench.names("crm") == ["Old", "Older"]:
            bench.clock.advance(5)
            bench.crm.person_creates("person", name="New", email="new@x.example")

    bench.crm.before_page = meanwhile
    await bench.go_live()
    assert bench.names("erp") == ["New"]


async def test_the_first_listing_indexes_match_keys_so_that_old_records_are_matched_and_not_copied(
    new_bench: NewSweepBench,
) -> None:
    bench = await new_bench(begin=False)
    for number in range(3):
        bench.erp.person_creates("person", name=f"Filler {number}", email=f"f{number}@x.example")
    bench.erp.person_creates("person", **{**ANA, "name": "A. Lund"})
    bench.clock.advance(10)
    await start(bench)
    await bench.go_live()
    bench.clock.advance(10)
    bench.crm.person_creates("person", **ANA)
    await bench.sweep()
    assert len(bench.erp.live("person")) == 4
    assert "Ana Lund" in bench.names("erp")


async def test_nothing_is_created_before_the_other_side_is_indexed(new_bench: NewSweepBench) -> None:
    bench = await new_bench(erp={"before_page": failing("2", RetryLater("erp", "busy"), 99)})
    for number in range(3):
        bench.erp.person_creates("person", name=f"Filler {number}", email=f"f{number}@x.example")
    bench.crm.person_creates("person", **ANA)
    await bench.go_live()
    assert len(bench.erp.live("person")) == 3
    assert (await bench.store.mappings.states())["people"].indexed == {Side.LEFT}
    bench.erp.before_page = lambda token: None
    await bench.go_live()
    assert "Ana Lund" in bench.names("erp")


async def test_rows_left_alone_are_not_read_again_until_they_change(new_bench: NewSweepBench) -> None:
    bench = await new_bench(text=ONE_WAY)
    bench.erp.person_creates("person", name="Only here", email="here@x.example")
    await bench.go_live()
    bench.clock.advance(3600)
    bench.erp.person_creates("person", name="Only here too", email="too@x.example")
    await bench.sweep("full")
    assert await bench.sweep("full") == {"crm": 0, "erp": 0}
    bench.erp.person_edits("person", "2", name="Edited")
    assert (await bench.sweep("full"))["erp"] == 1


async def test_a_survivor_of_a_delete_is_never_marked(new_bench: NewSweepBench) -> None:
    bench, record_id = await linked(new_bench)
    (there,) = bench.erp.live("person")
    bench.erp.person_deletes("person", there)  # deleted in erp: unlink
    await bench.sweep("full")
    assert bench.names("crm") == ["Ana Lund"]
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    assert (await bench.sweep("full"))["crm"] == 0


async def test_a_linked_record_that_leaves_the_filter_is_frozen_and_comes_back(new_bench: NewSweepBench) -> None:
    bench = await new_bench(text=FILTERED)
    await bench.go_live()
    record_id = bench.crm.person_creates("person", **ANA, notes="customer")
    bench.crm.person_creates("person", name="Not one", email="no@x.example", notes="prospect")
    await bench.sweep()
    assert bench.names("erp") == ["Ana Lund"]
    bench.clock.advance(60)
    bench.crm.person_edits("person", record_id, notes="former")
    await bench.sweep()
    link = await bench.store.links.of("people", Side.LEFT, record_id)
    assert link is not None
    assert (link.state, bench.names("erp")) == (LinkState.FROZEN, ["Ana Lund"])
    bench.clock.advance(60)
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    assert (await bench.sweep("full"))["crm"] == 0
    bench.crm.person_edits("person", record_id, notes="customer")
    await bench.sweep()
    assert bench.names("erp") == ["Ana Berg"]


# -- the cursor -----------------------------------------------------------------------------------------------------
async def test_the_cursor_stays_an_overlap_and_the_read_lag_behind(new_bench: NewSweepBench) -> None:
    bench, record_id = await linked(new_bench)
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    started = bench.store.now()
    await bench.sweep()
    value = (await bench.store.cursors.get("crm", "person", "incremental")).value
    assert value == started - OVERLAP_SECONDS - bench.crm.manifest.entities["person"].read_lag


@pytest.mark.parametrize("seconds", [-500.0, -30.0, 500.0])
async def test_a_wrong_clock_of_a_vendor_loses_no_edit(
    new_bench: NewSweepBench, clock: FakeClock, seconds: float
) -> None:
    bench, record_id = await linked(new_bench, crm={"clock": SkewedClock(clock, seconds)})
    for number in range(5):
        bench.clock.advance(100)
        bench.crm.person_edits("person", record_id, name=f"Ana {number}")
        await bench.sweep()
        assert bench.names("erp") == [f"Ana {number}"]


async def test_a_page_that_fails_leaves_the_cursor_and_loses_nothing(new_bench: NewSweepBench) -> None:
    bench, _ = await linked(new_bench)
    before = (await bench.store.cursors.get("crm", "person", "incremental")).value
    for number in range(5):
        bench.crm.person_creates("person", name=f"New {number}", email=f"new{number}@x.example")
    bench.crm.before_page = failing("3", RetryLater("crm", "busy"))
    report = await bench.reconciler.sweep("crm", "person", "incremental")
    assert "busy" in report.fault
    cursor = await bench.store.cursors.get("crm", "person", "incremental")
    assert (cursor.value, cursor.asked_by) == (before, "unfinished sweep")
    await bench.sweep()
    assert len(bench.erp.live("person")) == 6


async def test_a_sweep_waits_for_the_pause_of_a_rate_limit(new_bench: NewSweepBench) -> None:
    bench, _ = await linked(new_bench)
    for number in range(5):
        bench.crm.person_creates("person", name=f"New {number}", email=f"new{number}@x.example")
    bench.crm.before_page = failing("3", RateLimited("crm", "too many requests", 20.0), 2)
    report = await bench.reconciler.sweep("crm", "person", "incremental")
    assert (report.fault, report.marked) == ("", 5)


async def test_a_days_budget_ends_the_sweep(new_bench: NewSweepBench) -> None:
    bench, _ = await linked(new_bench)
    bench.crm.before_page = failing(None, RateLimited("crm", "daily budget used up", 3600.0, daily=True))
    assert "daily budget" in (await bench.reconciler.sweep("crm", "person", "incremental")).fault


async def test_a_cursor_older_than_the_vendors_history_makes_the_sweep_a_full_one(new_bench: NewSweepBench) -> None:
    bench, record_id = await linked(new_bench, crm={"manifest": manifest(history=30 * 86400.0)})
    bench.clock.advance(31 * 86400)
    bench.crm.person_deletes("person", record_id)
    report = await bench.reconciler.sweep("crm", "person", "incremental")
    assert (report.kind, report.marked) == ("full", 1)
    assert (await bench.reconciler.sweep("crm", "person", "incremental")).kind == "incremental"


async def test_an_entity_that_cannot_be_listed_by_time_is_listed_whole(new_bench: NewSweepBench) -> None:
    bench, record_id = await linked(new_bench, crm={"manifest": manifest(since=False)})
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.store.cursors.request("crm", "person", "incremental", by="hook repair")
    (report,) = await bench.reconciler.sweep_requested()
    assert (report.kind, report.marked) == ("full", 1)
    assert await bench.reconciler.sweep_requested() == []


async def test_full_listings_in_place_of_incremental_ones_pause_for_ten_times_their_length(
    new_bench: NewSweepBench,
) -> None:
    bench = await new_bench(crm={"manifest": manifest(since=False)})
    bench.crm.before_page = lambda token: bench.clock.advance(60)
    await bench.reconciler.sweep("crm", "person", "incremental")
    bench.clock.advance(500)
    assert [report.system for report in await bench.reconciler.sweep_all("incremental")] == ["erp"]
    bench.clock.advance(200)
    assert [report.system for report in await bench.reconciler.sweep_all("incremental")] == ["crm", "erp"]


# -- a system that does not answer ----------------------------------------------------------------------------------
class Silent(PagedProduct):
    """Answers who it is, and nothing else until `answers` is set."""

    answers: asyncio.Event

    async def list(self, entity: str, **options: Any) -> Page:
        await self.answers.wait()
        return await super().list(entity, **options)


@pytest.mark.parametrize("kind", ["incremental", "full", "asked", "index"])
async def test_a_system_that_does_not_answer_does_not_delay_the_sweeps_of_others(
    new_bench: NewSweepBench, kind: str
) -> None:
    bench = await new_bench()
    silent = Silent("crm", clock=bench.clock)
    silent.answers = asyncio.Event()
    bench.reconciler.connectors = {"crm": silent, "erp": bench.erp}
    seen = asyncio.Event()
    bench.reconciler.observe = lambda system, *_: seen.set() if system == "erp" else None
    for system in ("crm", "erp") if kind == "asked" else ():
        await bench.store.cursors.request(system, "person", "full", by="hook repair")
    sweeps = {"asked": bench.reconciler.sweep_requested, "index": bench.reconciler.index}
    sweeping = asyncio.create_task(sweeps[kind]() if kind in sweeps else bench.reconciler.sweep_all(kind))
    async with asyncio.timeout(10):
        await seen.wait()
    assert not sweeping.done()
    silent.answers.set()
    assert [(report.system, report.fault) for report in await sweeping] == [("crm", ""), ("erp", "")]
