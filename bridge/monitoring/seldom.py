"""Limits repeated log lines: an event that an outsider can cause at will must not fill the log."""

from collections import Counter
from collections.abc import Callable

EVERY_SECONDS = 60.0


class Seldom:
    """Lets one line of each kind through per minute. `now`: seconds that never decrease."""

    def __init__(self, now: Callable[[], float], every_seconds: float = EVERY_SECONDS) -> None:
        self._now = now
        self._every = every_seconds
        self._last: dict[str, float] = {}
        self._silent: Counter[str] = Counter()

    def may_say(self, kind: str) -> int | None:
        """Return how many lines of this kind were left out before this one; None if this one is left out as well.

        Kinds are words of the program, never text from a caller.
        """
        now = self._now()
        if now - self._last.get(kind, float("-inf")) < self._every:
            self._silent[kind] += 1
            return None
        self._last[kind] = now
        return self._silent.pop(kind, 0)
