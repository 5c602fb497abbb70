"""The timetable: when each job runs, never two runs of one job at once, and a stop that leaves nothing behind."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from bridge.domain.errors import StoreUnavailable
from bridge.domain.seams import Seams
from bridge.monitoring.health import CheckResult, HealthBoard, Status
from bridge.runtime.scheduler import Job, Timetable
from tests.clock import FakeClock

HOUR = 3600.0
OFTEN = 0.01


class Counted:
    """A job that counts its runs; it can be held until it is released."""

    def __init__(self) -> None:
        self.runs = self.now = self.most = 0
        self.go = asyncio.Event()
        self.go.set()
        self.turn = asyncio.Condition()

    async def __call__(self) -> None:
        self.runs, self.now = self.runs + 1, self.now + 1
        self.most = max(self.most, self.now)
        async with self.turn:
            self.turn.notify_all()
        try:
            await self.go.wait()
        finally:
            self.now -= 1

    async def ran(self, times: int) -> None:
        async with asyncio.timeout(20), self.turn:
            await self.turn.wait_for(lambda: self.runs >= times)


Make = Callable[..., Timetable]


@pytest.fixture
def board() -> HealthBoard:
    return HealthBoard()


@pytest.fixture
async def make(board: HealthBoard, clock: FakeClock) -> AsyncIterator[Make]:
    made: list[Timetable] = []

    def make(*jobs: Job) -> Timetable:
        seams = Seams(clock, random.Random(1), lambda: "id", "copy")
        made.append(Timetable(jobs, seams, board, jitter_seconds=10))
        return made[-1]

    yield make
    for timetable in made:
        await timetable.stop(grace_seconds=1)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def check(board: HealthBoard) -> CheckResult:
    return (await board.report()).checks["scheduler"]


async def fails() -> None:
    raise OSError("no route")


async def test_a_job_runs_at_start_only_when_configured(make: Make) -> None:
    at_once, later = Counted(), Counted()
    make(Job("later", HOUR, later), Job("at once", HOUR, at_once, at_start=True)).start()
    await at_once.ran(1)
    assert (at_once.runs, later.runs) == (1, 0)


async def test_a_job_without_a_reachable_store_runs_once_the_store_is_back(
    make: Make, board: HealthBoard, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Its next run may be a day away: a full sweep must not be skipped because of a short outage of the store."""
    shown, runs = list[CheckResult](), 0

    async def sweep() -> None:
        nonlocal runs
        runs += 1
        shown.append(await check(board))
        if runs < 3:
            raise StoreUnavailable("connection refused")

    with caplog.at_level(logging.ERROR):
        await make(Job("full sweep", HOUR, sweep)).trigger("full sweep")
    assert runs == 3
    assert [one.status for one in shown] == [Status.PASS, Status.WARN, Status.WARN]
    assert await check(board) == CheckResult(Status.PASS, "on time")
    assert [record.message for record in caplog.records] == ["store unavailable"] * 2
    assert not any(record.exc_info for record in caplog.records)


async def test_a_job_runs_again_and_again(make: Make, board: HealthBoard) -> None:
    job = Counted()
    make(Job("often", OFTEN, job)).start()
    await job.ran(3)
    assert await check(board) == CheckResult(Status.PASS, "on time")


async def test_a_job_never_runs_twice_at_once(make: Make) -> None:
    slow, quick = Counted(), Counted()
    slow.go.clear()
    timetable = make(Job("slow", OFTEN, slow, at_start=True), Job("quick", OFTEN, quick))
    timetable.start()
    await slow.ran(1)
    seen = quick.runs
    await quick.ran(seen + 4)  # the slow job was due about as often
    assert slow.runs == 1
    slow.go.set()
    await slow.ran(3)
    assert slow.most == 1


async def test_a_job_that_fails_is_logged_and_shown_and_runs_again(
    make: Make, board: HealthBoard, caplog: pytest.LogCaptureFixture
) -> None:
    outcomes: list[Callable[[], Awaitable[None]]] = [fails, fails]

    async def job() -> None:
        if outcomes:
            await outcomes.pop()()

    timetable, other = make(Job("audit", HOUR, job), Job("other", HOUR, job)), Counted()
    with caplog.at_level(logging.ERROR):
        await timetable.trigger("audit")
        await timetable.trigger("audit")
    told = await check(board)
    assert told == CheckResult(Status.WARN, "audit failed 2 times in a row, last: OSError: no route")
    assert [record.message for record in caplog.records] == ["job failed", "job failed"]
    await timetable.trigger("audit")
    assert (await check(board)).status is Status.PASS
    assert other.runs == 0


async def test_a_failing_job_does_not_stop_the_scheduler(make: Make) -> None:
    good, tries = Counted(), Counted()

    async def bad() -> None:
        await tries()
        raise ValueError

    make(Job("bad", OFTEN, bad), Job("good", OFTEN, good)).start()
    await tries.ran(3)
    await good.ran(3)


async def test_a_job_that_awaited_something_cancelled_has_failed(make: Make, board: HealthBoard) -> None:
    async def job() -> None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    await make(Job("audit", HOUR, job)).trigger("audit")
    assert "audit failed 1 times in a row" in (await check(board)).output


async def test_a_job_that_has_not_ended_for_long_is_shown(make: Make, board: HealthBoard, clock: FakeClock) -> None:
    timetable = make(Job("sweep", 100, Counted()))
    clock.advance(310)
    assert (await check(board)).status is Status.PASS
    clock.advance(1)
    assert await check(board) == CheckResult(Status.WARN, "sweep has not ended for 311 s")
    await timetable.trigger("sweep")
    assert (await check(board)).status is Status.PASS


async def test_an_unknown_job_cannot_be_triggered(make: Make) -> None:
    with pytest.raises(KeyError):
        await make().trigger("nothing")


async def test_a_stop_waits_for_running_jobs_and_starts_no_more(make: Make) -> None:
    job = Counted()
    job.go.clear()
    timetable = make(Job("sweep", OFTEN, job, at_start=True))
    timetable.start()
    await job.ran(1)
    stopping = asyncio.create_task(timetable.stop(grace_seconds=20))
    await asyncio.sleep(0)
    assert not stopping.done()
    job.go.set()
    await stopping
    await timetable.trigger("sweep")
    assert (job.runs, job.now) == (1, 0)


async def test_a_stop_cancels_a_job_that_runs_too_long(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    job = Counted()
    job.go.clear()
    timetable = make(Job("sweep", HOUR, job, at_start=True))
    timetable.start()
    await job.ran(1)
    with caplog.at_level(logging.WARNING):
        await timetable.stop(grace_seconds=0.01)
    assert job.now == 0
    assert [record.message for record in caplog.records] == ["job was interrupted by the stop"]


async def test_a_stop_does_not_wait_for_an_unreachable_store(make: Make, clock: FakeClock) -> None:
    tries = Counted()

    async def job() -> None:
        await tries()
        raise StoreUnavailable("connection refused")

    timetable = make(Job("sweep", HOUR, job, at_start=True))
    timetable.start()
    await tries.ran(2)
    await timetable.stop(grace_seconds=20)
    seen = tries.runs
    await asyncio.sleep(0)
    assert tries.runs == seen


async def test_stopping_at_once_runs_nothing(make: Make) -> None:
    job = Counted()
    timetable = make(Job("sweep", HOUR, job, at_start=True))
    timetable.start()
    await asyncio.sleep(0)  # the loop has the job but has not started it
    await timetable.stop()
    await timetable.stop()
    assert job.runs == 0


async def test_a_timetable_that_never_started_stops(make: Make) -> None:
    await make(Job("sweep", HOUR, Counted())).stop()
