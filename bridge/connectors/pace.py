"""How fast calls to one system follow one another."""

from contextlib import suppress

from bridge.connectors.protocols import RateBudget
from bridge.domain.errors import StoreUnavailable
from bridge.domain.seams import Clock


class Pace:
    """Spreads calls evenly after a small burst, for vendors that meter calls and publish no limit.

    With a budget the copies share one pace; while the store is away each keeps its own.
    """

    BURST = 4

    def __init__(self, per_second: float, clock: Clock, system: str = "", budget: RateBudget | None = None) -> None:
        self._gap, self._clock = 1.0 / per_second, clock
        self._system, self._budget = system, budget
        self._next = float("-inf")

    async def turn(self) -> None:
        wait = await self._shared()
        if wait is None:
            wait = self._own()
        if wait > 0:
            await self._clock.sleep(wait)

    async def _shared(self) -> float | None:
        if self._budget is not None:
            with suppress(StoreUnavailable):
                return await self._budget.turn(self._system, self._gap, self.BURST)
        return None

    def _own(self) -> float:
        now = self._clock.monotonic()
        begin = max(self._next, now - (self.BURST - 1) * self._gap)
        self._next = begin + self._gap
        return begin - now
