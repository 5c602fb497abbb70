"""Jobs at intervals, on APScheduler: never two of one job at once, with jitter, and seen by health."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bridge.domain.seams import Seams
from bridge.monitoring.health import CheckResult, HealthBoard, Status

log = logging.getLogger(__name__)

LATE_INTERVALS = 3.0


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do every so often. `at_start`: also as soon as the scheduler starts."""

    name: str
    every_seconds: float
    run: Callable[[], Awaitable[object]]
    at_start: bool = False


@dataclass(slots=True)
class State:
    """How a job fares; moments by the monotonic clock."""

    started: float
    done: float | None = None
    fault: str = ""


class Timetable:
    """Runs its jobs until stopped. A job that fails is logged and shown; the others and its next run are not touched."""

    def __init__(self, jobs: tuple[Job, ...], seams: Seams, board: HealthBoard, *, jitter_seconds: float) -> None:
        self._seams = seams
        self._jobs = {job.name: job for job in jobs}
        self._states = {job.name: State(seams.clock.monotonic()) for job in jobs}
        self._running: dict[str, asyncio.Lock] = {job.name: asyncio.Lock() for job in jobs}
        self._jitter = jitter_seconds
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        board.add("scheduler", self.check)

    def start(self) -> None:
        """Start the scheduler on the running loop."""
        now = self._seams.clock.now()
        for job in self._jobs.values():
            jitter = min(self._jitter, job.every_seconds / 10)
            first = now if job.at_start else now + timedelta(seconds=job.every_seconds)
            self._scheduler.add_job(
                self.trigger,
                IntervalTrigger(seconds=job.every_seconds, jitter=jitter or None),
                args=[job.name],
                id=job.name,
                next_run_time=first,
                max_instances=1,
                coalesce=True,
                misfire_grace_time=None,
            )
        self._scheduler.start()

    async def stop(self) -> None:
        """Start nothing more, and wait for what runs."""
        if self._scheduler.running:
            self._scheduler.pause()
            for lock in self._running.values():
                async with lock:
                    pass
            self._scheduler.shutdown(wait=False)

    async def trigger(self, name: str) -> None:
        """Run a job now, after the run that may be under way."""
        job, state = self._jobs[name], self._states[name]
        async with self._running[name]:
            try:
                await job.run()
                state.fault, state.done = "", self._seams.clock.monotonic()
            except Exception as error:
                state.fault = f"{type(error).__name__}: {error}"
                log.exception("job failed", extra={"job": name})

    async def check(self) -> CheckResult:
        """A warning for a job that failed last time or has not ended for several of its intervals."""
        now = self._seams.clock.monotonic()
        faults = []
        for name, state in self._states.items():
            age = now - (state.done if state.done is not None else state.started)
            if state.fault:
                faults.append(f"{name} failed: {state.fault}")
            elif age > LATE_INTERVALS * self._jobs[name].every_seconds + self._jitter:
                faults.append(f"{name} has not ended for {age:.0f} s")
        return CheckResult(Status.WARN, "; ".join(faults)) if faults else CheckResult(Status.PASS, "on time")
