"""One line for many: what an outsider can cause as often as they like must not fill the log."""

from collections import Counter
from collections.abc import Callable

EVERY_SECONDS = 60.0


class Seldom:
    """Lets one line of a kind through every minute. `now`: seconds that only grow."""

    def __init__(self, now: Callable[[], float], every_seconds: float = EVERY_SECONDS) -> None:
        self._now = now
        self._every = every_seconds
        self._last: dict[str, float] = {}
        self._silent: Counter[str] = Counter()

    def may_say(self, kind: str) -> int | None:
        """How many of this kind were left out before this one; None when this one is left out as well.

        Kinds are words of the program, never what a caller sent.
        """
        now = self._now()
        if now - self._last.get(kind, float("-inf")) < self._every:
            self._silent[kind] += 1
            return None
        self._last[kind] = now
        return self._silent.pop(kind, 0)
