"""How fast calls to one system follow one another."""

from bridge.domain.seams import Clock


class Pace:
    """Spreads calls evenly after a small burst, for vendors that meter calls and publish no limit."""

    BURST = 4

    def __init__(self, per_second: float, clock: Clock) -> None:
        self._gap, self._clock = 1.0 / per_second, clock
        self._next = float("-inf")

    async def turn(self) -> None:
        now = self._clock.monotonic()
        begin = max(self._next, now - (self.BURST - 1) * self._gap)
        self._next = begin + self._gap
        if begin > now:
            await self._clock.sleep(begin - now)
