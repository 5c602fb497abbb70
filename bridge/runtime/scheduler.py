"""Jobs at intervals, on APScheduler: a job never runs twice at once, starts with jitter, and is shown by health."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from bridge.domain.errors import StoreUnavailable
from bridge.domain.patience import STORE_AWAY, when_store_is_back
from bridge.domain.seams import Seams
from bridge.monitoring.health import CheckResult, HealthBoard, Status

log = logging.getLogger(__name__)

LATE_INTERVALS = 3.0
GRACE_SECONDS = 10.0
ONE_AT_A_TIME = {"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
"""A run is skipped if the last one of the job is still running. Several missed runs become one, however late it is."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job that runs at an interval. `at_start`: it also runs when the scheduler starts."""

    name: str
    every_seconds: float
    run: Callable[[], Awaitable[object]]
    at_start: bool = False


@dataclass(slots=True)
class State:
    """The state of a job; times of the monotonic clock. `failures`: in a row; `fault`: the last one."""

    started: float
    done: float | None = None
    failures: int = 0
    fault: str = ""


class Timetable:
    """Runs its jobs until stopped. A failure of a job is logged and shown; it does not affect other jobs or the next
    run. A job that failed because the store was unreachable runs again when the store is back, because its next run may
    be a day away.

    Each run starts up to `jitter_seconds` (at most a tenth of the interval) late. APScheduler uses the machine's clock;
    tests with their own clock call `trigger`.
    """

    def __init__(self, jobs: tuple[Job, ...], seams: Seams, board: HealthBoard, *, jitter_seconds: float) -> None:
        self._clock = seams.clock
        self._jobs = {job.name: job for job in jobs}
        self._states = {job.name: State(seams.clock.monotonic()) for job in jobs}
        self._jitter = jitter_seconds
        self._scheduler = AsyncIOScheduler(timezone=UTC, job_defaults=ONE_AT_A_TIME)
        self._runs: set[asyncio.Task[object]] = set()
        self._stopping = False
        board.add("scheduler", self.check)

    def start(self) -> None:
        """Start the scheduler on the running loop."""
        for job in self._jobs.values():
            jitter = min(self._jitter, job.every_seconds / 10)
            often = IntervalTrigger(seconds=job.every_seconds, timezone=UTC, jitter=jitter)
            when = OrTrigger([DateTrigger(timezone=UTC), often]) if job.at_start else often
            self._scheduler.add_job(self._due, when, args=[job.name], id=job.name)
        self._scheduler.start()

    async def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Start no more runs. Give the running ones `grace_seconds` to end, then cancel them."""
        self._stopping = True
        if not self._scheduler.running:
            return
        self._scheduler.pause()
        if self._runs:
            _, late = await asyncio.wait(self._runs, timeout=grace_seconds)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=grace_seconds)
        self._scheduler.shutdown(wait=False)
        await _next_turn()

    async def trigger(self, name: str) -> None:
        """Run a job now and wait for its end. Raises KeyError for an unknown job."""
        job, state = self._jobs[name], self._states[name]

        def away(error: StoreUnavailable) -> None:
            state.failures, state.fault = state.failures + 1, str(error)
            log.error("store unavailable", extra={"job": name, "reason": str(error), "once": STORE_AWAY})
            if self._stopping:
                raise error

        if not self._stopping:
            await when_store_is_back(self._clock, lambda: self._run(job, state), away=away)

    async def check(self) -> CheckResult:
        """Return a warning if a job failed in its last run, or has not ended for several of its intervals."""
        now = self._clock.monotonic()
        problems = []
        for name, state in self._states.items():
            age = now - (state.done if state.done is not None else state.started)
            if state.fault:
                problems.append(f"{name} failed {state.failures} times in a row, last: {state.fault}")
            elif age > LATE_INTERVALS * self._jobs[name].every_seconds + self._jitter:
                problems.append(f"{name} has not ended for {age:.0f} s")
        return CheckResult(Status.WARN, "; ".join(problems)) if problems else CheckResult(Status.PASS, "on time")

    async def _due(self, name: str) -> None:
        """Run a job; APScheduler calls this."""
        task = asyncio.current_task()
        assert task is not None
        self._runs.add(task)
        try:
            await self.trigger(name)
        except StoreUnavailable:
            log.warning("job was abandoned at the stop", extra={"job": name})
        except asyncio.CancelledError:
            log.warning("job was interrupted by the stop", extra={"job": name})
        finally:
            self._runs.discard(task)

    async def _run(self, job: Job, state: State) -> None:
        """Run a job once. Any error of the run is stored as its failure, except StoreUnavailable, which is raised."""
        try:
            await job.run()
        except StoreUnavailable:
            raise
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            self._failed(job, state, "something it waited for was cancelled")
        except Exception as error:
            self._failed(job, state, f"{type(error).__name__}: {error}")
        else:
            state.failures, state.fault, state.done = 0, "", self._clock.monotonic()

    @staticmethod
    def _failed(job: Job, state: State, fault: str) -> None:
        state.failures += 1
        state.fault = fault
        log.exception("job failed", extra={"job": job.name, "in_a_row": state.failures})


async def _next_turn() -> None:
    """Wait for the callback on the loop by which APScheduler shuts down."""
    loop = asyncio.get_running_loop()
    turn = loop.create_future()
    loop.call_soon(turn.set_result, None)
    await turn
