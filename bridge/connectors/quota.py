"""What is known of an account's budget before the first call, and what its answers say about it."""

from collections.abc import Callable

from bridge.domain.budget import Day
from bridge.domain.frozen import dataclass

BURST = 4.0
"""The most calls that may be saved up at a slow pace, where the vendor publishes no number."""
BURST_SECONDS = 0.05
"""At a fast pace, the calls of this time may be saved up, so that calls which are ready together are sent together. If
each waited a millisecond for the one before it, its answer, callback and transaction would come alone as well."""


@dataclass(frozen=True, slots=True)
class Quota:
    """The limits in the options and in the vendor's pages.

    `at_once`: calls under way at the same time. `per_second`: calls, None where nothing is known. `per_day`: the most
    of `unit` that the settings allow, None for no limit of our own. `cost`: how many of the day's units a call of this
    method and path takes.
    """

    at_once: int
    per_second: float | None = None
    per_day: int | None = None
    unit: str = ""
    cost: Callable[[str, str], int] = lambda method, path: 1

    def pace(self) -> tuple[float, float] | None:
        """Calls per second, and how many may be saved up, so that no second holds more than `per_second` + BURST."""
        if self.per_second is None:
            return None
        burst = max(BURST, self.per_second * BURST_SECONDS)
        return self.per_second - (burst - BURST), burst


@dataclass(frozen=True, slots=True)
class Learned:
    """What an answer says about the account's limits. `calls` in any `seconds`; `day`: as the vendor counts it."""

    calls: int | None = None
    seconds: float = 1.0
    day: Day | None = None

    def pace(self) -> tuple[float, float] | None:
        """Calls per second, and how many may be saved up, so that no window of the vendor holds more than `calls`."""
        if self.calls is None or self.calls < 1:
            return None
        burst = max(1.0, self.calls / 8)
        return max(self.calls - burst, 0.5) / self.seconds, burst
