"""What is known of an account's budget before the first call, and what its answers teach."""

from collections.abc import Callable

from bridge.domain.budget import Day
from bridge.domain.values import dataclass

BURST = 4.0
"""Calls saved up at most, where the vendor meters calls and publishes no limit."""


@dataclass(frozen=True, slots=True)
class Quota:
    """What the options and the vendor's pages say.

    `at_once`: calls under way at the same time. `per_second`: calls, None where nothing is known; `burst` of them may
    be saved up. `per_day`: the most of `unit` that the settings allow, None for no limit of our own. `cost`: what a
    call of this method and path takes of the day's units.
    """

    at_once: int
    per_second: float | None = None
    per_day: int | None = None
    unit: str = ""
    cost: Callable[[str, str], int] = lambda method, path: 1
    burst: float = BURST


@dataclass(frozen=True, slots=True)
class Learned:
    """What an answer says of the account's limits. `calls` in any `seconds`; `day`: as the vendor counts it."""

    calls: int | None = None
    seconds: float = 1.0
    day: Day | None = None

    def pace(self) -> tuple[float, float] | None:
        """Calls by the second, and how many may be saved up, so that no window of the vendor's ever has too many."""
        if self.calls is None or self.calls < 1:
            return None
        burst = max(1.0, self.calls / 8)
        return max(self.calls - burst, 0.5) / self.seconds, burst
