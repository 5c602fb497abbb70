"""Complete listings, sweeps on demand, and backfills; there are no callbacks."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bridge.connectors.protocols import Page
from bridge.domain.errors import Rejected, RetryLater
from bridge.domain.record import Evidence, Gone, Record, RecordRef, Side
from bridge.domain.seams import Seams
from bridge.store.model import Mode, SystemRow
from tests.integration.sweep_bench import ANA, NewSweepBench, SweepBench, failing, linked, start
from tests.sync.bench import PEOPLE


# -- complete listings ----------------------------------------------------------------------------------------------
async def test_absence_in_a_listing_that_fails_midway_is_ignored(new_bench: NewSweepBench) -> None:
    bench, record_id = await linked(new_bench)
    for number in range(5):
        bench.crm.person_creates("person", name=f"New {number}", email=f"new{number}@x.example")
    await bench.sweep()
    bench.crm.person_deletes("person", record_id)
    bench.crm.before_page = failing("3", RetryLater("crm", "busy"))
    assert (await bench.reconciler.sweep("crm", "person", "full")).marked == 0
    assert (await bench.reconciler.sweep("crm", "person", "full")).marked == 1


async def test_a_listing_shorter_than_its_own_total_counts_as_incomplete(new_bench: NewSweepBench) -> None:
    bench = await new_bench(crm={"states_total": True, "hidden": 1})
    report = await bench.reconciler.sweep("crm", "person", "full")
    assert "incomplete" in report.fault
    assert Side.LEFT not in (await bench.store.mappings.states())["people"].indexed
    assert (await bench.store.cursors.get("crm", "person", "full")).done_at is None
    bench.crm.hidden = 0
    assert (await bench.reconciler.sweep("crm", "person", "full")).fault == ""
    assert Side.LEFT in (await bench.store.mappings.states())["people"].indexed


async def test_a_full_sweep_that_was_cut_off_continues_where_it_was(new_bench: NewSweepBench) -> None:
    bench = await new_bench()
    for number in range(7):
        bench.crm.person_creates("person", name=f"New {number}", email=f"new{number}@x.example")
    await bench.go_live()
    bench.crm.before_page = failing("4", RetryLater("crm", "busy"))
    await bench.reconciler.sweep("crm", "person", "full")
    bench.crm.tokens.clear()
    report = await bench.reconciler.sweep("crm", "person", "full")
    assert (bench.crm.tokens, report.fault, report.marked) == (["4", "6"], "", 0)


async def test_the_first_full_sweep_starts_again_when_it_was_cut_off(new_bench: NewSweepBench) -> None:
    bench = await new_bench()
    for number in range(7):
        bench.crm.person_creates("person", name=f"New {number}", email=f"new{number}@x.example")
    bench.crm.before_page = failing("4", RetryLater("crm", "busy"))
    await bench.reconciler.sweep("crm", "person", "full")
    bench.crm.tokens.clear()
    await bench.reconciler.sweep("crm", "person", "full")
    assert bench.crm.tokens == [None, "2", "4", "6"]


async def test_a_page_that_the_vendor_no_longer_knows_makes_the_sweep_start_again(new_bench: NewSweepBench) -> None:
    bench = await new_bench()
    for number in range(7):
        bench.crm.person_creates("person", name=f"New {number}", email=f"new{number}@x.example")
    await bench.go_live()
    bench.crm.before_page = failing("4", RetryLater("crm", "busy"))
    await bench.reconciler.sweep("crm", "person", "full")
    bench.crm.before_page = failing("4", Rejected("crm", "the cursor has expired"))
    report = await bench.reconciler.sweep("crm", "person", "full")
    assert (report.fault, bench.crm.tokens[-4:]) == ("", [None, "2", "4", "6"])


async def test_a_full_sweep_that_ended_early_for_another_instances_sweep_is_repeated(
    new_bench: NewSweepBench, new_seams: Callable[..., Seams]
) -> None:
    """A full reconcile on request must be complete, whatever the other instance's schedule does."""
    bench, _rec = await linked(new_bench)
    for number in range(5):
        bench.crm.person_creates("person", name=f"New {number}", email=f"new{number}@x.example")
    other = type(bench.reconciler)(bench.reconciler.connectors, bench.reconciler.work, bench.store, new_seams("copy-2"))
    listed, entered = bench.crm.list, []

    async def interrupted(*args: Any, page: str | None, **more: Any) -> Any:
        if page is None and not entered:
            entered.append(True)
            assert (await other.sweep("crm", "person", "full")).fault == ""
        return await listed(*args, page=page, **more)

    bench.crm.list = interrupted  # type: ignore[method-assign]
    report = await bench.reconciler.sweep("crm", "person", "full")
    assert (report.fault, report.rows) == ("", 6)
    assert (await bench.store.cursors.get("crm", "person", "full")).asked_at is None
    await bench.work()
    assert len(bench.erp.live("person")) == 6


async def test_of_two_instances_that_sweep_at_once_one_completes_and_nothing_is_lost(
    new_bench: NewSweepBench, new_seams: Callable[..., Seams]
) -> None:
    bench, _rec = await linked(new_bench)
    for number in range(5):
        bench.crm.person_creates("person", name=f"New {number}", email=f"new{number}@x.example")
    other = type(bench.reconciler)(bench.reconciler.connectors, bench.reconciler.work, bench.store, new_seams("copy-2"))
    listed, entered = bench.crm.list, []

    async def interrupted(*args: Any, page: str | None, **more: Any) -> Any:
        if page == "3" and not entered:
            entered.append(True)
            assert (await other.sweep("crm", "person", "incremental")).fault == ""
        return await listed(*args, page=page, **more)

    bench.crm.list = interrupted  # type: ignore[method-assign]
    report = await bench.reconciler.sweep("crm", "person", "incremental")
    assert "not the current one" in report.fault
    await bench.work()
    assert len(bench.erp.live("person")) == 6


@pytest.mark.parametrize("state", [{"stopped": "another account"}, {"down_since": 5.0, "down_reason": "no answer"}])
async def test_a_system_that_is_stopped_or_down_is_not_listed(new_bench: NewSweepBench, state: dict[str, Any]) -> None:
    bench, record_id = await linked(new_bench)
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.store.systems.save(SystemRow("crm", "account-1", **state))
    bench.crm.calls.clear()
    for report in (
        await bench.reconciler.sweep("crm", "person", "full"),
        await bench.reconciler.backfill("people"),
        await bench.reconciler.backfill("people", preview=True),
    ):
        assert "crm is " in report.fault
    assert bench.crm.calls == []
    await bench.store.systems.save(SystemRow("crm", "account-1"))
    bench.clock.advance(120)
    assert [report.marked for report in await bench.reconciler.sweep_requested()] == [1]


async def test_a_record_we_created_after_the_last_page_is_not_missing(new_bench: NewSweepBench) -> None:
    bench, _ = await linked(new_bench)
    bench.crm.person_creates("person", name="New", email="new@x.example")
    await bench.reconciler.sweep("crm", "person", "incremental")
    listed = bench.erp.list

    async def then_created(*args: Any, **more: Any) -> Any:
        page = await listed(*args, **more)
        await bench.work()
        return page

    bench.erp.list = then_created  # type: ignore[method-assign]
    report = await bench.reconciler.sweep("erp", "person", "full")
    assert (bench.names("erp"), report.rows, report.marked) == (["Ana Lund", "New"], 1, 0)


ODD_IDS = pytest.mark.parametrize(
    "odd", ["1\ud800", "1\x00", "1" * 201, "1" * 5000], ids=["half a character", "NUL", "201 digits", "5,000 digits"]
)


@ODD_IDS
async def test_promise_10_a_row_that_the_store_cannot_hold_stops_no_other(
    new_bench: NewSweepBench, odd: str, caplog: pytest.LogCaptureFixture
) -> None:
    bench, _ = await linked(new_bench)
    for number in range(2):
        bench.crm.person_creates("person", name=f"New {number}", email=f"new{number}@x.example")
    listed = bench.crm.list

    async def with_a_bad_row(*args: Any, **more: Any) -> Page:
        page = await listed(*args, **more)
        bad = Record(RecordRef("crm", "person", odd), {**ANA, "name": "Bad"}, bench.clock.now())
        return replace(page, rows=[bad, *page.rows])

    bench.crm.list = with_a_bad_row  # type: ignore[method-assign]
    report = await bench.reconciler.sweep("crm", "person", "incremental")
    assert (report.fault, report.marked) == ("", 2)
    await bench.work()
    assert bench.names("erp") == ["Ana Lund", "New 0", "New 1"]
    (told,) = [one for one in caplog.records if one.getMessage() == "a row of a listing was left out"]
    assert str(vars(told)["record"]).isprintable()
    assert len(str(vars(told))) < 2000


@ODD_IDS
async def test_a_backfill_leaves_out_a_row_that_the_store_cannot_hold(new_bench: NewSweepBench, odd: str) -> None:
    bench = await new_bench()
    await bench.go_live()
    for number in range(3):
        bench.crm.person_creates("person", name=f"Old {number}", email=f"old{number}@x.example")
    listed = bench.crm.list

    async def with_bad_rows(*args: Any, **more: Any) -> Page:
        page = await listed(*args, **more)
        bad = Record(RecordRef("crm", "person", odd), {**ANA, "name": "Bad"}, bench.clock.now())
        gone = Gone(RecordRef("crm", "person", odd), Evidence.FLAG, odd)
        merged = Gone(RecordRef("crm", "person", "77"), Evidence.FLAG, odd)
        return replace(page, rows=[bad, *page.rows, gone, merged])

    bench.crm.list = with_bad_rows  # type: ignore[method-assign]
    assert (await bench.reconciler.backfill("people", preview=True)).fault == ""
    assert (await bench.reconciler.backfill("people")).fault == ""
    await bench.work()
    assert bench.names("erp") == ["Old 0", "Old 1", "Old 2"]


@ODD_IDS
async def test_a_row_that_the_store_cannot_hold_does_not_make_a_listing_incomplete(
    new_bench: NewSweepBench, odd: str
) -> None:
    bench = await new_bench()
    bench.crm.person_creates("person", **ANA)
    listed = bench.crm.list

    async def with_a_bad_row(*args: Any, **more: Any) -> Page:
        page = await listed(*args, **more)
        bad = Record(RecordRef("crm", "person", odd), {**ANA, "name": "Bad"}, bench.clock.now())
        return replace(page, rows=[bad, *page.rows], total=len(page.rows) + 1)

    bench.crm.list = with_a_bad_row  # type: ignore[method-assign]
    assert (await bench.reconciler.sweep("crm", "person", "full")).fault == ""
    assert Side.LEFT in (await bench.store.mappings.states())["people"].indexed


async def test_a_listing_that_cannot_be_read_stops_no_other_entity(new_bench: NewSweepBench) -> None:
    bench, _ = await linked(new_bench)

    async def garbled(*args: Any, **more: Any) -> Page:
        raise KeyError("id")

    bench.crm.list = garbled  # type: ignore[method-assign]
    faults = {report.system: report.fault for report in await bench.reconciler.sweep_all("full")}
    assert faults == {"crm": "KeyError: 'id'", "erp": ""}
    assert (await bench.store.cursors.get("crm", "person", "full")).asked_by == "unfinished sweep"


# -- on demand ------------------------------------------------------------------------------------------------------
async def test_hints_of_callbacks_cause_at_most_one_sweep_a_minute(new_bench: NewSweepBench) -> None:
    bench, _rec = await linked(new_bench)
    bench.clock.advance(120)
    done = 0
    for _ in range(30):
        bench.clock.advance(4)
        await bench.store.cursors.request("crm", "person", "incremental", by="callback")
        done += len(await bench.reconciler.sweep_requested())
    assert done == 2


async def test_a_repaired_hook_has_its_window_swept_at_once_and_once(new_bench: NewSweepBench) -> None:
    bench, record_id = await linked(new_bench)
    bench.crm.person_edits("person", record_id, name="Ana Berg")
    await bench.store.cursors.request("crm", "person", "incremental", by="hook repair")
    assert [report.marked for report in await bench.reconciler.sweep_requested()] == [1]
    assert await bench.reconciler.sweep_requested() == []


# -- backfill -------------------------------------------------------------------------------------------------------
async def old_people(new_bench: NewSweepBench, count: int, **options: Any) -> SweepBench:
    bench = await new_bench(begin=False, **options)
    for number in range(count):
        bench.crm.person_creates("person", name=f"Old {number}", email=f"old{number}@x.example")
    bench.clock.advance(10)
    await start(bench)
    await bench.go_live()
    return bench


@pytest.mark.parametrize("own", ["crm", "erp"])
async def test_a_preview_says_which_records_would_be_held_as_duplicates(new_bench: NewSweepBench, own: str) -> None:
    """One is linked and two are like it; of two other new ones that are alike, the second one."""
    bench = await new_bench()
    product = bench.crm if own == "crm" else bench.erp
    product.person_creates("person", **ANA)
    await bench.go_live(backfill=True)
    for email in (ANA["email"], "bo@x.example", "bo@x.example", "ANA@x.example", "cy@x.example", None):
        product.person_creates("person", name="B", email=email)
    await bench.reconciler.sweep_all("full")
    preview = await bench.reconciler.backfill("people", preview=True)
    ids = sorted(product.live("person"))
    assert (preview.marked, preview.held) == (6, 3)
    named = [
        f"{own} person {ids[at]} has the same match key as {own} person {ids[first]}"
        for at, first in ((1, 0), (3, 2), (4, 0))
    ]
    assert preview.duplicates == named
    assert f"6 to sync, 3 of them would be held as duplicates ({'; '.join(named)})" in str(preview)


async def test_a_preview_does_not_mention_duplicates_that_are_copied(new_bench: NewSweepBench) -> None:
    bench = await new_bench(text=PEOPLE.replace("match: [email]", "match: [email]\nduplicates: copy"))
    for _ in range(2):
        bench.crm.person_creates("person", **ANA)
    preview = await bench.reconciler.backfill("people", preview=True)
    assert (preview.marked, preview.held) == (2, 0)


async def test_a_backfill_copies_one_of_two_alike_records_and_holds_the_other(new_bench: NewSweepBench) -> None:
    bench = await new_bench()
    for _ in range(2):
        bench.crm.person_creates("person", **ANA)
    await bench.go_live(backfill=True)
    assert len(bench.erp.live("person")) == 1
    assert len(await bench.store.dead_letters.list()) == 1
    assert await bench.sweep("full") == {"crm": 0, "erp": 0}


async def test_a_backfill_copies_the_older_records_and_its_preview_only_counts(new_bench: NewSweepBench) -> None:
    bench = await old_people(new_bench, 5)
    preview = await bench.reconciler.backfill("people", preview=True)
    await bench.work()
    assert (preview.marked, bench.names("erp")) == (5, [])
    assert (await bench.reconciler.backfill("people")).marked == 5
    await bench.work()
    assert len(bench.erp.live("person")) == 5
    assert (await bench.reconciler.backfill("people", preview=True)).marked == 0


async def test_a_backfill_touches_its_own_mapping_only(new_bench: NewSweepBench) -> None:
    second = PEOPLE.replace("mapping: people", "mapping: contacts").replace("erp: fake person", "erp: fake company")
    bench = await old_people(new_bench, 3, text=PEOPLE + "---" + second)
    await bench.reconciler.backfill("people")
    await bench.work()
    assert (len(bench.erp.live("person")), len(bench.erp.live("company"))) == (3, 0)


async def test_a_backfill_that_was_cut_off_continues_where_it_was(new_bench: NewSweepBench) -> None:
    bench = await old_people(new_bench, 6)
    bench.crm.before_page = failing("4", RetryLater("crm", "busy"))
    assert "busy" in (await bench.reconciler.backfill("people")).fault
    bench.crm.tokens.clear()
    (report,) = await asyncio.gather(*await bench.reconciler.resume_backfills())
    assert (report.fault, bench.crm.tokens) == ("", ["4"])
    await bench.work()
    assert len(bench.erp.live("person")) == 6
    assert await bench.reconciler.resume_backfills() == []


async def test_a_backfill_that_was_cut_off_on_its_first_side_processes_the_other_one_as_well(
    new_bench: NewSweepBench,
) -> None:
    bench = await new_bench(begin=False)
    for number in range(6):
        bench.crm.person_creates("person", name=f"Old {number}", email=f"old{number}@x.example")
    bench.erp.person_creates("person", name="Older", email="older@x.example")
    bench.clock.advance(10)
    await start(bench)
    await bench.go_live()
    bench.crm.before_page = failing("4", RetryLater("crm", "busy"))
    await bench.reconciler.backfill("people")
    (report,) = await asyncio.gather(*await bench.reconciler.resume_backfills())
    assert report.fault == ""
    await bench.work()
    assert (len(bench.erp.live("person")), len(bench.crm.live("person"))) == (7, 7)
    assert await bench.reconciler.resume_backfills() == []


async def test_a_backfill_whose_page_expired_can_start_again(new_bench: NewSweepBench) -> None:
    bench = await old_people(new_bench, 6)
    bench.crm.before_page = failing("4", RetryLater("crm", "busy"))
    await bench.reconciler.backfill("people")
    bench.crm.before_page = failing("4", Rejected("crm", "the cursor has expired"))
    assert "expired" in (await bench.reconciler.backfill("people")).fault
    assert (await bench.reconciler.backfill("people")).fault == ""
    await bench.work()
    assert len(bench.erp.live("person")) == 6


async def test_in_shadow_mode_sweeps_mark_and_nothing_is_written(new_bench: NewSweepBench) -> None:
    bench = await new_bench(mode=Mode.SHADOW)
    await bench.go_live()
    bench.crm.person_creates("person", **ANA)
    assert (await bench.sweep())["crm"] == 1
    assert bench.names("erp") == []
