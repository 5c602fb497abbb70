"""Tables of versioned records, so that reads can lag behind writes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from bridge.simulators.world import Clock

Record = dict[str, Any]

KEEP_SECONDS = 3600.0
"""Replaced versions older than this are forgotten. A longer read lag shows the oldest version that is kept."""

KEEP_VERSIONS = 200
"""The most versions of one record, however fast it is edited."""


@dataclass
class _History:
    versions: list[tuple[float, Record]] = field(default_factory=list)


class Table:
    """The records of one entity by id (text), in order of creation.

    A stored record must not be changed in place: put a new one.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rows: dict[str, _History] = {}
        self._population = 0
        self._make: Callable[[int], Record] | None = None

    def populate(self, count: int, make: Callable[[int], Record]) -> None:
        """Add the records 1 to `count`, which were never edited. Each is made when it is read, and not stored."""
        self._population, self._make = count, make

    def put(self, record_id: str, record: Record) -> None:
        """Make `record` the present version."""
        now = self._clock.now()
        history = self._rows.setdefault(record_id, _History())
        history.versions.append((now, record))
        versions = history.versions
        while len(versions) > 1 and (versions[1][0] < now - KEEP_SECONDS or len(versions) > KEEP_VERSIONS):
            versions.pop(0)
            versions[0] = (float("-inf"), versions[0][1])

    def remove(self, record_id: str) -> None:
        """Forget the record at once and completely. Raises KeyError when it is unknown."""
        if self._made(record_id):
            self._rows[record_id] = _History()
        else:
            del self._rows[record_id]

    def get(self, record_id: str, lag: float = 0.0) -> Record | None:
        """The record as it was `lag` seconds ago; None when it did not exist (yet)."""
        history = self._rows.get(record_id)
        if history is None:
            return self._make(int(record_id)) if self._make is not None and self._made(record_id) else None
        return self._seen(history, lag)

    def rows(self, lag: float = 0.0, after: int = 0) -> Iterator[tuple[str, Record]]:
        """All records as they were `lag` seconds ago. `after`: only those with a higher id; the ids must be numbers."""
        made = map(str, range(after + 1, self._population + 1))
        own = [
            record_id for record_id in self._rows if not self._made(record_id) and (not after or int(record_id) > after)
        ]
        for record_id in chain(made, own):
            seen = self.get(record_id, lag)
            if seen is not None:
                yield record_id, seen

    def window(
        self, start: int, size: int, shown: Callable[[Record], bool], lag: float = 0.0
    ) -> tuple[list[Record], int]:
        """`size` of the records for which `shown` is true, from place `start`; and how many there are in all.

        Records of `populate` count as shown. Only those in the window are made.
        """
        seen = {record_id: self._seen(history, lag) for record_id, history in self._rows.items()}
        hidden = [int(one) for one, record in seen.items() if self._made(one) and not (record and shown(record))]
        own = [record for one, record in seen.items() if not self._made(one) and record and shown(record)]
        made = self._population - len(hidden)
        first = start + 1
        for number in sorted(hidden):
            first += number <= first
        gone = set(hidden)
        numbers = (number for number in range(first, self._population + 1) if number not in gone)
        found = [record for number in islice(numbers, size) if (record := self.get(str(number), lag)) is not None]
        return found + own[max(0, start - made) : max(0, start + size - made)], made + len(own)

    def _made(self, record_id: str) -> bool:
        return self._population > 0 and record_id.isdecimal() and 1 <= int(record_id) <= self._population

    def _seen(self, history: _History, lag: float) -> Record | None:
        if lag <= 0:
            return history.versions[-1][1] if history.versions else None
        horizon = self._clock.now() - lag
        for written, record in reversed(history.versions):
            if written <= horizon:
                return record
        return None
