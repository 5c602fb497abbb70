"""Rows of listings that could not be understood. The listing continues without them, and they are reported here."""

import logging
from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)


class SkippedRows:
    """How many rows each listing left out when it was last read, by system and listing.

    `observe` is called for the rows that are left out, with system, listing and number.
    """

    def __init__(self, observe: Callable[[str, str, int], None] = lambda system, listing, number: None) -> None:
        self._observe = observe
        self._now: dict[tuple[str, str], int] = {}

    def begin(self, system: str, listing: str) -> None:
        """Note that the listing is read from its start."""
        self._now.pop((system, listing), None)

    def add(self, system: str, listing: str, number: int, why: str) -> None:
        """Count rows that were left out. It is logged once until the listing starts again. `why`: the reason for the
        first one."""
        key = (system, listing)
        if key not in self._now:
            told = {"system": system, "listing": listing, "reason": ascii(why)}
            log.warning("a listing holds rows that cannot be understood; they are left out", extra=told)
        self._now[key] = self._now.get(key, 0) + number
        self._observe(system, listing, number)

    def now(self) -> Mapping[tuple[str, str], int]:
        """Return the listings that left out rows when they were last read."""
        return dict(sorted(self._now.items()))
