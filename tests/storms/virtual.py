"""Virtual time: an event loop that jumps to the next due time when nothing is ready, and clocks that follow it."""

import asyncio
import selectors
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class NothingEver(RuntimeError):
    """All tasks wait and nothing is due: a real process would hang for ever."""


class Jumping(selectors.SelectSelector):
    """Does not wait, but advances the loop's time. No thread or socket may work for such a loop."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise NothingEver("everything waits and nothing is due")
        self.passed += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """`time()` starts at 0 and moves only while all tasks wait."""

    def __init__(self) -> None:
        self._jumping = Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.passed


class VirtualClock:
    """The loop's time as the bridge's Clock. Simulators take `SimulatorClock`."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def now(self) -> datetime:
        return START + timedelta(seconds=self._loop.time())

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


class SimulatorClock:
    """The same time in epoch seconds; `skew` seconds ahead of the bridge's."""

    def __init__(self, clock: VirtualClock, skew: float = 0.0) -> None:
        self._clock, self._skew = clock, skew

    def now(self) -> float:
        return self._clock.now().timestamp() + self._skew

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
