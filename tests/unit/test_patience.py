"""One way to wait until an unreachable store is reachable again."""

from collections.abc import Awaitable, Callable

import pytest

from bridge.domain.errors import LeaseLost, StoreUnavailable
from bridge.domain.patience import when_store_is_back
from tests.clock import FakeClock


def away_for(times: int, then: Exception | None = None) -> tuple[Callable[[], Awaitable[str]], list[int]]:
    calls: list[int] = []

    async def work() -> str:
        calls.append(1)
        if len(calls) <= times:
            raise StoreUnavailable("connection refused")
        if then is not None:
            raise then
        return "done"

    return work, calls


async def test_the_work_is_done_once_the_store_is_back(clock: FakeClock) -> None:
    work, calls = away_for(3)
    assert await when_store_is_back(clock, work) == "done"
    assert (len(calls), clock.monotonic()) == (4, 3.0)


async def test_other_errors_end_the_wait_at_once(clock: FakeClock) -> None:
    work, calls = away_for(1, LeaseLost("taken over"))
    with pytest.raises(LeaseLost):
        await when_store_is_back(clock, work)
    assert len(calls) == 2


async def test_the_wait_ends_at_its_limit_and_the_work_is_tried_at_least_once(clock: FakeClock) -> None:
    for seconds, tries in ((-5.0, 1), (0.0, 1), (2.0, 3)):
        work, calls = away_for(99)
        with pytest.raises(StoreUnavailable):
            await when_store_is_back(clock, work, at_most=seconds)
        assert len(calls) == tries


async def test_each_retry_is_reported_and_the_caller_may_give_up(clock: FakeClock) -> None:
    told: list[str] = []

    def away(error: StoreUnavailable) -> None:
        told.append(str(error))
        if len(told) == 2:
            raise error

    work, calls = away_for(99)
    with pytest.raises(StoreUnavailable):
        await when_store_is_back(clock, work, away=away)
    assert (len(told), len(calls)) == (2, 2)
