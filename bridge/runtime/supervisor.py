"""Keeps long-running parts alive: a part that dies is restarted with growing waits and shown red; the others go on."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bridge.domain.seams import Seams
from bridge.monitoring.health import CheckResult, HealthBoard, Status

log = logging.getLogger(__name__)

FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0
HEALTHY_SECONDS = 300.0


@dataclass(slots=True)
class Part:
    """One supervised part and how it fares."""

    name: str
    run: Callable[[], Awaitable[None]]
    fault: str = ""
    restarts: int = 0
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    async def check(self) -> CheckResult:
        """Red while the part is down."""
        if self.fault:
            return CheckResult(Status.FAIL, f"down, restarted {self.restarts} times: {self.fault}")
        return CheckResult(Status.PASS, "running")


class Supervisor:
    """Runs named parts until stopped."""

    def __init__(self, seams: Seams, board: HealthBoard) -> None:
        self._seams = seams
        self._board = board
        self._parts: list[Part] = []

    def add(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """A part whose `run` goes on until it is cancelled."""
        part = Part(name, run)
        self._parts.append(part)
        self._board.add(name, part.check)

    def start(self) -> None:
        """Start every part."""
        for part in self._parts:
            part.task = asyncio.get_running_loop().create_task(self._keep(part), name=f"part {part.name}")

    async def stop(self) -> None:
        """Cancel the parts, last started first, each given the time it takes to end."""
        for part in reversed(self._parts):
            if part.task is not None:
                part.task.cancel()
                await asyncio.gather(part.task, return_exceptions=True)

    async def _keep(self, part: Part) -> None:
        wait = FIRST_WAIT_SECONDS
        while True:
            started = self._seams.clock.monotonic()
            try:
                part.fault = ""
                await part.run()
                part.fault = "it ended by itself"
            except Exception as error:
                part.fault = f"{type(error).__name__}: {error}"
                log.exception("part died", extra={"name_of_part": part.name})
            if self._seams.clock.monotonic() - started >= HEALTHY_SECONDS:
                wait = FIRST_WAIT_SECONDS
            part.restarts += 1
            await self._seams.clock.sleep(wait * (0.75 + self._seams.random.random() / 2))
            wait = min(LONGEST_WAIT_SECONDS, wait * 2)
