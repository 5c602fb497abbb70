"""Keeps long-running parts alive. One that dies is restarted after growing waits, and health shows it; others continue.

If a part ends because the store is unreachable, that is not its fault. It continues when the store is back.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bridge.domain.errors import StoreUnavailable
from bridge.domain.patience import STORE_AWAY
from bridge.domain.seams import Seams
from bridge.domain.waits import backoff_seconds
from bridge.monitoring.health import CheckResult, HealthBoard, Status

log = logging.getLogger(__name__)

FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0
HEALTHY_SECONDS = 300.0  # a part that ran this long counts as healthy again: its waits start small, and health passes
GRACE_SECONDS = 10.0


@dataclass(slots=True)
class Part:
    """One supervised part. `since`: when it last started, by the monotonic clock; None while it is down."""

    name: str
    run: Callable[[], Awaitable[None]]
    since: float | None = None
    fault: str = ""
    restarts: int = 0
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class Supervisor:
    """Runs named parts until stopped."""

    def __init__(self, seams: Seams, board: HealthBoard) -> None:
        self._seams = seams
        self._board = board
        self._parts: list[Part] = []

    def add(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Add a part. Its `run` continues until it is cancelled. Parts start in the order in which they were added."""
        part = Part(name, run)
        self._parts.append(part)

        async def check() -> CheckResult:
            return self._check(part)

        self._board.add(name, check)

    def start(self) -> None:
        """Start every part on the running loop."""
        for part in self._parts:
            part.task = asyncio.get_running_loop().create_task(self._keep(part), name=f"part {part.name}")

    async def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Cancel the parts one by one, the last started first. Each gets `grace_seconds` to end."""
        for part in reversed(self._parts):
            if part.task is None:
                continue
            part.task.cancel()
            done, _ = await asyncio.wait({part.task}, timeout=grace_seconds)
            if not done:
                log.error("part does not end", extra={"name_of_part": part.name, "waited_seconds": grace_seconds})
            part.task, part.since = None, None

    async def _keep(self, part: Part) -> None:
        deaths = 0
        while True:
            started = part.since = self._seams.clock.monotonic()
            await self._run(part)
            if _being_stopped():
                return
            part.since = None
            if not part.fault or self._seams.clock.monotonic() - started >= HEALTHY_SECONDS:
                deaths = 0
            deaths += 1
            wait = backoff_seconds(deaths, FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS, self._seams.random)
            await self._seams.clock.sleep(wait)
            part.restarts += 1

    async def _run(self, part: Part) -> None:
        """Run a part until it dies, and log the reason once. If the part's task is cancelled, CancelledError passes."""
        told = {"name_of_part": part.name}
        try:
            await part.run()
        except asyncio.CancelledError:
            if _being_stopped():
                raise
            part.fault = "something it waited for was cancelled"  # not by `stop`, so the part died like any other
            log.exception("part died", extra=told)
        except StoreUnavailable as error:
            part.fault = ""
            log.error("store unavailable", extra={**told, "reason": str(error), "once": STORE_AWAY})
        except Exception as error:
            part.fault = f"{type(error).__name__}: {error}"
            log.exception("part died", extra=told)
        else:
            if not _being_stopped():
                part.fault = "it ended by itself"
                log.error("part died: %s", part.fault, extra=told)

    def _check(self, part: Part) -> CheckResult:
        """Return FAIL while the part is down, WARN until it has run for HEALTHY_SECONDS after a failure, then PASS."""
        if part.since is None:
            told = f"down, restarted {part.restarts} times: {part.fault}" if part.fault else "waits for the store"
            reason = told if part.task is not None else "not started"
            return CheckResult(Status.FAIL, reason)
        age = self._seams.clock.monotonic() - part.since
        if part.fault and age < HEALTHY_SECONDS:
            return CheckResult(Status.WARN, f"restarted {part.restarts} times, last after: {part.fault}", age, "s")
        return CheckResult(Status.PASS, "running", age, "s")


def _being_stopped() -> bool:
    """Return whether this task was cancelled. A part may simply return when it is cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
