"""A backfill that an outage, a quota, a stop or a pause cuts off goes on where it was, and nobody has to ask again."""

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
    """What a look for backfills that were cut off leads to: why each ended early."""
    bench.clock.advance(RESUME_LOOK_SECONDS)
    return [(await task).fault for task in await bench.reconciler.resume_backfills()]


def failing_from(at: str, error: Exception) -> tuple[Callable[[str | None], None], list[Exception]]:
    """Every page from this one on fails, while the list holds the error."""
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
async def test_what_the_source_cuts_off_goes_on_from_its_page_when_it_answers_again(
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
async def test_one_that_was_asked_for_while_a_system_is_down_begins_when_it_is_up(
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


async def test_a_target_that_goes_down_meanwhile_keeps_no_record_back(new_bench: NewSweepBench) -> None:
    bench = await before_going_live(new_bench)
    bench.erp.fail = unreachable("before create", "before probe", "before identity")
    await bench.reconciler.backfill("people")
    await bench.work(60)
    assert bench.bench.systems.blocked == {"erp"}
    bench.erp.fail = lambda name: None
    await bench.bench.systems.check("erp")
    await bench.work()
    assert len(bench.erp.live("person")) == 6


async def test_one_that_a_stop_cut_off_goes_on_at_the_first_look_after_the_start(new_bench: NewSweepBench) -> None:
    bench = await before_going_live(new_bench)
    bench.crm.before_page, left = failing_from("4", RateLimited("crm", "quota used up", 7200.0))
    await bench.reconciler.backfill("people")
    left.clear()
    old = bench.reconciler
    bench.reconciler = Reconciler(old.connectors, old.work, old.store, old.seams)
    assert [(await task).fault for task in await bench.reconciler.resume_backfills()] == [""]
    await bench.work()
    assert len(bench.erp.live("person")) == 6


async def test_while_its_mapping_is_paused_it_marks_no_more_than_there_is_room_for_and_then_goes_on(
    new_bench: NewSweepBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.reconcile.backfill.WAITING", 2)
    bench = await before_going_live(new_bench)
    await bench.store.mappings.set_paused("people", True, "holiday")
    going_on = asyncio.create_task(bench.reconciler.backfill("people"))
    async with asyncio.timeout(20):
        while await bench.store.tasks.waiting(mapping="people") < 2:  # noqa: ASYNC110 - the store sets no event
            await asyncio.sleep(0)
    assert await look(bench) == [], "it is under way"
    assert await bench.store.tasks.waiting(mapping="people") == 2
    await bench.store.mappings.set_paused("people", False)
    async with asyncio.timeout(20):
        while not going_on.done():
            await bench.bench.turn()
    await bench.work()
    assert len(bench.erp.live("person")) == 6


async def test_one_that_is_under_way_is_not_begun_a_second_time(new_bench: NewSweepBench) -> None:
    bench = await before_going_live(new_bench)
    first, second = await asyncio.gather(bench.reconciler.backfill("people"), bench.reconciler.backfill("people"))
    assert (first.fault, second.fault) == ("", "it is already running")
    assert first.rows == 6


async def test_one_that_another_copy_is_at_is_left_alone_until_it_stands_still(
    new_bench: NewSweepBench, made_url: str, new_seams: Callable[..., Seams]
) -> None:
    bench = await before_going_live(new_bench)
    store: Store = await open_store(made_url, new_seams("copy-2"))
    store.database.offset = bench.store.database.offset
    other = Reconciler(bench.reconciler.connectors, bench.reconciler.work, store, new_seams("copy-2"))
    bench.crm.before_page, left = failing_from("2", RetryLater("crm", "busy"))
    await other.backfill("people")
    assert [bool(fault) for fault in await look(bench)] == [True]  # the first look, as at a start
    left[:] = []
    bench.crm.before_page, left = failing_from("4", RetryLater("crm", "busy"))
    await other.backfill("people")
    left.clear()
    assert await look(bench) == [], "it moved since the last look"
    assert await look(bench) == [""], "it stands still"
    await store.close()
    await bench.work()
    assert len(bench.erp.live("person")) == 6
