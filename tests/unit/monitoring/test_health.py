"""Health: the worst part decides, and no part can delay or break the report."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bridge.monitoring.health import Check, CheckResult, HealthBoard, Status
from tests.clock import FakeClock


def always(result: CheckResult) -> Check:
    async def check() -> CheckResult:
        return result

    return check


@pytest.fixture
async def never() -> AsyncIterator[asyncio.Event]:
    """An event that is set when the test is over."""
    event = asyncio.Event()
    yield event
    event.set()
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("states", "whole"),
    [
        ((), Status.PASS),
        ((Status.PASS, Status.PASS), Status.PASS),
        ((Status.PASS, Status.WARN), Status.WARN),
        ((Status.FAIL, Status.WARN), Status.FAIL),
    ],
)
async def test_the_worst_part_decides(states: tuple[Status, ...], whole: Status) -> None:
    board = HealthBoard()
    for number, state in enumerate(states):
        board.add(f"part {number}", always(CheckResult(state)))
    assert (await board.report()).status is whole


async def test_a_check_that_raises_is_a_failure_of_its_part_with_the_reason() -> None:
    async def broken() -> CheckResult:
        raise OSError("disk is full")

    async def silent() -> CheckResult:
        raise TimeoutError

    board = HealthBoard()
    board.add("store", broken)
    board.add("systems", silent)
    board.add("worker", always(CheckResult(output="running")))
    report = await board.report()
    assert report.checks["store"] == CheckResult(Status.FAIL, "OSError: disk is full")
    assert report.checks["systems"] == CheckResult(Status.FAIL, "TimeoutError")
    assert report.checks["worker"].status is Status.PASS


async def test_a_slow_check_fails_in_time_and_is_cancelled(never: asyncio.Event) -> None:
    cancelled = asyncio.Event()

    async def slow() -> CheckResult:
        try:
            await never.wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return CheckResult()

    board = HealthBoard(check_seconds=0.01)
    board.add("slow", slow)
    assert (await board.report()).checks["slow"] == CheckResult(Status.FAIL, "no answer within 0.01 s")
    assert cancelled.is_set()
    assert (await board.report()).checks["slow"].output == "no answer within 0.01 s"


async def test_a_check_that_cannot_be_cancelled_is_not_started_again_while_it_lasts(never: asyncio.Event) -> None:
    started = 0

    async def stubborn() -> CheckResult:
        nonlocal started
        started += 1
        while not never.is_set():
            try:
                await never.wait()
            except asyncio.CancelledError:
                continue
        raise OSError("seen by nobody")

    board = HealthBoard(check_seconds=0.01)
    board.add("stubborn", stubborn)
    assert (await board.report()).status is Status.FAIL
    assert (await board.report()).checks["stubborn"].output == "an earlier check has still not answered"
    assert started == 1
    never.set()
    await asyncio.sleep(0.01)
    await board.report()
    assert started == 2


async def test_checks_run_side_by_side() -> None:
    barrier = asyncio.Barrier(3)

    async def meets() -> CheckResult:
        await barrier.wait()
        return CheckResult()

    board = HealthBoard()
    for number in range(3):
        board.add(str(number), meets)
    assert (await board.report()).status is Status.PASS


async def test_results_are_stamped_with_the_clock_given() -> None:
    clock = FakeClock()
    board = HealthBoard(clock.now)
    board.add("a", always(CheckResult()))
    clock.advance(60)
    assert (await board.report()).checks["a"].time == clock.now()
