"""Versioned record tables, so that reads can be made to lag behind writes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bridge.simulators.world import Clock

Record = dict[str, Any]

KEEP_SECONDS = 3600.0
"""Superseded versions older than this are forgotten; a longer read lag shows the oldest one kept."""

KEEP_VERSIONS = 200
"""So many of one record at most, however fast it is edited."""


@dataclass
class _History:
    versions: list[tuple[float, Record]] = field(default_factory=list)


class Table:
    """Records of one entity by id (text), in order of creation.

    Stored records must not be changed in place: put a new one.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rows: dict[str, _History] = {}

    def put(self, record_id: str, record: Record) -> None:
        """Makes `record` the present version."""
        now = self._clock.now()
        history = self._rows.setdefault(record_id, _History())
        history.versions.append((now, record))
        versions = history.versions
        while len(versions) > 1 and (versions[1][0] < now - KEEP_SECONDS or len(versions) > KEEP_VERSIONS):
            versions.pop(0)
            versions[0] = (float("-inf"), versions[0][1])

    def remove(self, record_id: str) -> None:
        """Forgets the record at once and completely. KeyError when unknown."""
        del self._rows[record_id]

    def get(self, record_id: str, lag: float = 0.0) -> Record | None:
        """The record as a reader sees it whose view is `lag` seconds old; None when not (yet) there."""
        history = self._rows.get(record_id)
        return None if history is None else self._seen(history, lag)

    def rows(self, lag: float = 0.0) -> Iterator[tuple[str, Record]]:
        """All records as seen `lag` seconds ago."""
        for record_id, history in list(self._rows.items()):
            seen = self._seen(history, lag)
            if seen is not None:
                yield record_id, seen

    def _seen(self, history: _History, lag: float) -> Record | None:
        if lag <= 0:
            return history.versions[-1][1]
        horizon = self._clock.now() - lag
        for written, record in reversed(history.versions):
            if written <= horizon:
                return record
        return None
