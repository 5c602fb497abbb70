"""A sweep that an outage or a quota cuts off is continued automatically, and not more often than useful."""

from typing import Any

import pytest

from bridge.domain.errors import RateLimited, RetryLater, StoreUnavailable
from tests.integration.sweep_bench import NewSweepBench, SweepBench, start
from tests.integration.test_interrupted_backfills import failing_from


async def running(new_bench: NewSweepBench) -> SweepBench:
    bench = await new_bench(begin=False)
    for number in range(6):
        bench.crm.person_creates("person", name=f"Old {number}", email=f"old{number}@x.example")
    bench.clock.advance(10)
    await start(bench)
    await bench.go_live()
    bench.clock.advance(600)
    bench.crm.tokens.clear()
    return bench


@pytest.mark.parametrize(
    "error", [RetryLater("crm", "busy"), RateLimited("crm", "the day's budget is used up", 50_000.0, daily=True)]
)
async def test_a_full_sweep_continues_from_its_page_once_and_is_tried_once_a_minute(
    new_bench: NewSweepBench, error: Exception
) -> None:
    bench = await running(new_bench)
    bench.crm.before_page, left = failing_from("4", error)
    assert str(error) in (await bench.reconciler.sweep("crm", "person", "full")).fault
    tried = 0
    for _ in range(300):
        bench.clock.advance(1)
        tried += len(await bench.reconciler.sweep_requested())
    assert 3 <= tried <= 6
    left.clear()
    bench.crm.tokens.clear()
    bench.clock.advance(61)
    assert [report.fault for report in await bench.reconciler.sweep_requested()] == [""]
    assert bench.crm.tokens == ["4"]
    bench.clock.advance(61)
    assert await bench.reconciler.sweep_requested() == [], "once is enough"


async def test_a_failed_incremental_sweep_is_repeated(new_bench: NewSweepBench) -> None:
    bench = await running(new_bench)
    bench.crm.person_edits("person", "1", name="Ana Berg")
    before, left = failing_from("0", RetryLater("crm", "busy"))
    bench.crm.before_page = lambda token: before("0")
    assert (await bench.reconciler.sweep("crm", "person", "incremental")).fault
    left.clear()
    bench.clock.advance(61)
    assert [(report.fault, report.marked) for report in await bench.reconciler.sweep_requested()] == [("", 1)]


async def test_while_a_system_is_down_its_sweeps_wait_and_make_no_calls(new_bench: NewSweepBench) -> None:
    bench = await running(new_bench)
    await bench.bench.systems._mark_down("crm", "no answer")
    await bench.reconciler.sweep_all("full")
    tried = 0
    for _ in range(300):
        bench.clock.advance(1)
        tried += len(await bench.reconciler.sweep_requested())
    assert tried <= 6
    assert bench.crm.tokens == []
    await bench.bench.systems.check("crm")
    bench.clock.advance(61)
    assert [report.fault for report in await bench.reconciler.sweep_requested()] == [""]


async def test_a_full_sweep_that_a_stop_or_the_store_cut_off_continues_from_its_page(new_bench: NewSweepBench) -> None:
    bench = await running(new_bench)
    bench.crm.before_page, left = failing_from("4", StoreUnavailable("the disk is full"))
    with pytest.raises(StoreUnavailable):
        await bench.reconciler.sweep("crm", "person", "full")
    left.clear()
    bench.crm.tokens.clear()
    assert await bench.reconciler.sweep_requested() == []
    await bench.reconciler._request_full_sweeps(86_400.0)
    bench.clock.advance(61)
    assert [report.fault for report in await bench.reconciler.sweep_requested()] == [""]
    assert bench.crm.tokens == ["4"]


async def test_a_bridge_that_is_restarted_often_does_its_full_sweeps_when_they_are_overdue(
    new_bench: NewSweepBench,
) -> None:
    bench = await running(new_bench)
    assert (await bench.reconciler.sweep("crm", "person", "full")).fault == ""
    await bench.reconciler._request_full_sweeps(86_400.0)
    assert not [one for one in await bench.store.cursors.all() if one.kind == "full" and one.asked_at is not None]
    bench.clock.advance(90_000)
    await bench.reconciler._request_full_sweeps(86_400.0)
    asked = {one.entity for one in await bench.store.cursors.all() if one.kind == "full" and one.asked_at is not None}
    assert "person" in asked


async def test_promise_4_changes_made_while_the_store_was_unreachable_after_the_first_full_sweep_are_found(
    new_bench: NewSweepBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = await new_bench()
    cursors = bench.store.cursors

    async def away(*_about: object, **_more: object) -> None:
        raise StoreUnavailable("the disk is full")

    with monkeypatch.context() as patch:
        start_sweep = cursors.start

        async def start_full(system: str, entity: str, kind: str, **more: Any) -> object:
            return await (start_sweep if kind == "full" else away)(system, entity, kind, **more)

        patch.setattr(cursors, "start", start_full)
        with pytest.raises(StoreUnavailable):
            await bench.reconciler.sweep("crm", "person", "full")
    bench.clock.advance(1)
    bench.crm.person_creates("person", name="Meanwhile", email="meanwhile@x.example")
    bench.clock.advance(600)
    report = await bench.reconciler.sweep("crm", "person", "incremental")
    assert (report.kind, report.fault, report.marked) == ("incremental", "", 1)
