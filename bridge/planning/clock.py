"""A clock that skips every wait: what is due later in a plan is processed now, as if the time had passed."""

from datetime import datetime, timedelta

from bridge.connectors.turns import OthersTurn
from bridge.domain.seams import Clock


class SkippingClock:
    """The machine's clock, moved ahead by every wait."""

    def __init__(self, real: Clock) -> None:
        self._real = real
        self._skipped = 0.0

    def now(self) -> datetime:
        return self._real.now() + timedelta(seconds=self._skipped)

    def monotonic(self) -> float:
        return self._real.monotonic() + self._skipped

    async def sleep(self, seconds: float) -> None:
        self.skip(seconds)
        await OthersTurn()

    def skip(self, seconds: float) -> None:
        """Move the clock ahead by this many seconds."""
        self._skipped += max(0.0, seconds)
