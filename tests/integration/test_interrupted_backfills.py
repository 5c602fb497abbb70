"""A backfill that an outage, a quota, a stop or a pause cuts off continues where it was, without a new request."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from bridge.domain.errors import RateLimited, RetryLater, Unreachable
from bridge.domain.seams import Seams
from bridge.reconcile.reconciler import RESUME_LOOK_SECONDS, Reconciler
from bridge.store import Store, open_store
from tests.integration.sweep_bench import NewSweepBench, SweepBench, start
from tests.product import unreachable


async def before_going_live(new_bench: NewSweepBench, count: int = 6, **options: Any) -> SweepBench:
    bench = await new_bench(begin=False, **options)
    for number in range(count):
        bench.crm.person_creates("person", name=f"Old {number}", email=f"old{number}@x.example")
    bench.clock.advance(10)
    await start(bench)
    await bench.go_live()
    bench.crm.tokens.clear()
    return bench


async def look(bench: SweepBench) -> list[str]:
    """Run the check for backfills that were cut off; return why each one ended early."""
    bench.clock.advance(RESUME_LOOK_SECONDS)
    return [(await task).fault for task in await bench.reconciler.resume_backfills()]


def failing_from(at: str, error: Exception) -> tuple[Callable[[str | None], None], list[Exception]]:
    """Fail every page from this one on, while the list holds the error."""
    left = [error]

    def before_page(token: str | None) -> None:
        if left and token is not None and int(token) >= int(at):
            raise left[0]

    return before_page, left


@pytest.mark.parametrize(
    "error",
    [
        RetryLater("crm", "busy"),
        Unreachable("crm", "no answer"),
        RateLimited("crm", "quota used up", 7200.0),
        RateLimited("crm", "the day's budget is used up", 50_000.0, daily=True),
    ],
    ids=["errors", "outage", "quota", "day budget"],
)
async def test_a_backfill_that_its_source_cut_off_continues_from_its_page_when_the_source_answers_again(
    new_bench: NewSweepBench, error: Exception
) -> None:
    bench = await before_going_live(new_bench)
    bench.crm.before_page, left = failing_from("4", error)
    assert str(error) in (await bench.reconciler.backfill("people")).fault
    assert [str(error) in fault for fault in await look(bench)] == [True]
    assert [str(error) in fault for fault in await look(bench)] == [True]
    bench.crm.tokens.clear()
    left.clear()
    assert await look(bench) == [""]
    assert bench.crm.tokens == ["4"], "from its page"
    await bench.work()
    assert len(bench.erp.live("person")) == 6
    assert await look(bench) == []


@pytest.mark.parametrize("system", ["crm", "erp"])
async def test_a_backfill_requested_while_a_system_is_down_begins_when_it_is_up(
    new_bench: NewSweepBench, system: str
) -> None:
    bench = await before_going_live(new_bench)
    await bench.bench.systems._mark_down(system, "no answer")
    assert f"{system} is down" in (await bench.reconciler.backfill("people")).fault
    assert [f"{system} is down" in fault for fault in await look(bench)] == [True]
    await bench.bench.systems.check(system)
    assert await look(bench) == [""]
    await bench.work()
    assert len(bench.erp.live("person")) == 6


async def test_a_target_that_goes_down_meanwhile_loses_no_record(new_bench: NewSweepBench) -> None:
    bench = await before_going_live(new_bench)
    bench.erp.fail = unreachable("before create", "before probe", "before identity")
    await bench.reconciler.backfill("people")
    await bench.work(60)
    assert bench.bench.systems.blocked == {"erp"}
    bench.erp.fail = lambda name: None
    await bench.bench.systems.check("erp")
    await bench.work()
    assert len(bench.erp.live("person")) == 6


async def test_a_backfill_that_a_stop_cut_off_continues_at_the_first_check_after_the_start(
    new_bench: NewSweepBench,
) -> None:
    bench = await before_going_live(new_bench)
    bench.crm.before_page, left = failing_from("4", RateLimited("crm", "quota used up", 7200.0))
    await bench.reconciler.backfill("people")
    left.clear()
    old = bench.reconciler
    bench.reconciler = Reconciler(old.connectors, old.work, old.store, old.seams)
    assert [(await task).fault for task in await bench.reconciler.resume_backfills()] == [""]
    await bench.work()
    assert len(bench.erp.live("person")) == 6


async def test_a_backfill_of_a_paused_mapping_stops_at_the_limit_of_waiting_tasks_and_then_continues(
    new_bench: NewSweepBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.reconcile.backfill.WAITING", 2)
    bench = await before_going_live(new_bench)
    await bench.store.mappings.set_paused("people", True, "holiday")
    going_on = asyncio.create_task(bench.reconciler.backfill("people"))
    async with asyncio.timeout(20):
        while await bench.store.tasks.waiting(mapping="people") < 2:  # noqa: ASYNC110 - the store sets no event
            await asyncio.sleep(0)
    assert await look(bench) == [], "it is running"
    assert await bench.store.tasks.waiting(mapping="people") == 2
    await bench.store.mappings.set_paused("people", False)
    async with asyncio.timeout(20):
        while not going_on.done():
            await bench.bench.turn()
    await bench.work()
    assert len(bench.erp.live("person")) == 6


async def test_a_running_backfill_is_not_started_a_second_time(new_bench: NewSweepBench) -> None:
    bench = await before_going_live(new_bench)
    first, second = await asyncio.gather(bench.reconciler.backfill("people"), bench.reconciler.backfill("people"))
    assert (first.fault, second.fault) == ("", "it is already running")
    assert first.rows == 6


async def test_a_backfill_of_another_instance_is_not_taken_over_until_it_stands_still(
    new_bench: NewSweepBench, made_url: str, new_seams: Callable[..., Seams]
) -> None:
    bench = await before_going_live(new_bench)
    store: Store = await open_store(made_url, new_seams("copy-2"))
    store.database.offset = bench.store.database.offset
    other = Reconciler(bench.reconciler.connectors, bench.reconciler.work, store, new_seams("copy-2"))
    bench.crm.before_page, left = failing_from("2", RetryLater("crm", "busy"))
    await other.backfill("people")
    assert [bool(fault) for fault in await look(bench)] == [True]  # the first check, as at a start
    left[:] = []
    bench.crm.before_page, left = failing_from("4", RetryLater("crm", "busy"))
    await other.backfill("people")
    left.clear()
    assert await look(bench) == [], "it advanced since the last check"
    assert await look(bench) == [""], "it stands still"
    await store.close()
    await bench.work()
    assert len(bench.erp.live("person")) == 6
