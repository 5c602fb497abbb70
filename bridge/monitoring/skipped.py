"""Rows of listings that could not be understood. The listing continues without them, and a person is told here."""

import logging
from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)


class SkippedRows:
    """How many rows each listing left out when it was last walked, by system and listing.

    `observe` is told of every row that is left out: system, listing, number.
    """

    def __init__(self, observe: Callable[[str, str, int], None] = lambda system, listing, number: None) -> None:
        self._observe = observe
        self._now: dict[tuple[str, str], int] = {}

    def begin(self, system: str, listing: str) -> None:
        """The listing is walked from its start."""
        self._now.pop((system, listing), None)

    def add(self, system: str, listing: str, number: int, why: str) -> None:
        """This many more rows were left out. Logged once until the listing starts again; `why` is the first row's."""
        key = (system, listing)
        if key not in self._now:
            told = {"system": system, "listing": listing, "reason": ascii(why)}
            log.warning("a listing holds rows that cannot be understood; they are left out", extra=told)
        self._now[key] = self._now.get(key, 0) + number
        self._observe(system, listing, number)

    def now(self) -> Mapping[tuple[str, str], int]:
        """The listings that left out rows when they were last walked."""
        return dict(sorted(self._now.items()))
