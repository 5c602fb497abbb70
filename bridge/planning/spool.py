"""Keeps the rows of a plan and what records would hold in a file, so that memory does not grow with the plan."""

import json
import pickle
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bridge.domain.record import Gone, Record, RecordRef
from bridge.planning.rows import Kind, Row, row_from
from bridge.store.model import TaskKey

TABLES = (
    "CREATE TABLE rows (n INTEGER PRIMARY KEY, mapping TEXT, kind TEXT, body TEXT)",
    "CREATE INDEX grouped ON rows (mapping, kind, n)",
    "CREATE TABLE ends (mapping TEXT, side TEXT, rec TEXT, outcome TEXT, code TEXT, body TEXT,"
    " PRIMARY KEY (mapping, side, rec))",
    "CREATE TABLE pretended (system TEXT, entity TEXT, rec TEXT, body BLOB, PRIMARY KEY (system, entity, rec))",
)


class Spool:
    """A file in a folder of its own, which is deleted with the plan."""

    def __init__(self, folder: Path) -> None:
        self._file = sqlite3.connect(folder / "spool.sqlite", isolation_level=None)
        self._file.execute("PRAGMA journal_mode=OFF")
        self._file.execute("PRAGMA synchronous=OFF")
        for table in TABLES:
            self._file.execute(table)

    def close(self) -> None:
        self._file.close()

    # Rows, in the order in which they would be carried out.

    def add(self, row: Row) -> None:
        values = (row.mapping, row.kind.value, _dumped(row))
        self._file.execute("INSERT INTO rows (mapping, kind, body) VALUES (?, ?, ?)", values)

    def totals(self) -> Counter[tuple[str, Kind]]:
        """Return how many rows each mapping has of each kind."""
        found = self._file.execute("SELECT mapping, kind, count(*) FROM rows GROUP BY mapping, kind")
        return Counter({(mapping, Kind(kind)): number for mapping, kind, number in found})

    def rows(self, mapping: str | None = None, kind: Kind | None = None, most: int = -1) -> Iterator[Row]:
        """Yield the rows of a mapping and a kind, or all rows, but not more than `most`."""
        query = "SELECT body FROM rows WHERE (? IS NULL OR mapping = ?) AND (? IS NULL OR kind = ?) ORDER BY n LIMIT ?"
        for (body,) in self._file.execute(query, (mapping, mapping, kind, kind, most)):
            yield row_from(json.loads(body))

    # The ends of claims that did nothing. Only the last one of each record counts.

    def ends(self, key: TaskKey, outcome: str, code: str, row: Row) -> None:
        values = (key.mapping, key.side.value, key.record_id, outcome, code, _dumped(row))
        self._file.execute("INSERT OR REPLACE INTO ends VALUES (?, ?, ?, ?, ?, ?)", values)

    def goes_on(self, key: TaskKey) -> None:
        gone = "DELETE FROM ends WHERE mapping = ? AND side = ? AND rec = ?"
        self._file.execute(gone, (key.mapping, key.side.value, key.record_id))

    def settle(self) -> None:
        """Turn the ends of records that wait or need a person into rows. Called when the plan is complete."""
        for (body,) in self._file.execute("SELECT body FROM ends WHERE outcome IN ('waiting', 'dead')").fetchall():
            self.add(row_from(json.loads(body)))

    def nothing_done(self) -> Counter[tuple[str, str, str]]:
        """Return how many records are left alone or in sync, by mapping, outcome and code."""
        query = "SELECT mapping, outcome, code, count(*) FROM ends WHERE outcome IN ('filtered', 'unchanged')"
        found = self._file.execute(f"{query} GROUP BY mapping, outcome, code")
        return Counter({(mapping, outcome, code): number for mapping, outcome, code, number in found})

    def left_alone(self, mapping: str, most: int) -> Iterator[Row]:
        query = "SELECT body FROM ends WHERE mapping = ? AND outcome = 'filtered' LIMIT ?"
        for (body,) in self._file.execute(query, (mapping, most)):
            yield row_from(json.loads(body))

    # What records would hold.

    def pretend(self, ref: RecordRef, state: Record | Gone) -> None:
        values = (ref.system, ref.entity, ref.id, pickle.dumps(state))
        self._file.execute("INSERT OR REPLACE INTO pretended VALUES (?, ?, ?, ?)", values)

    def pretended(self, ref: RecordRef) -> Record | Gone | None:
        """Return what the record would hold; None if nothing would be written to it."""
        query = "SELECT body FROM pretended WHERE system = ? AND entity = ? AND rec = ?"
        found = self._file.execute(query, (ref.system, ref.entity, ref.id)).fetchone()
        state: Record | Gone | None = pickle.loads(found[0]) if found else None  # noqa: S301 - our own file
        return state


def _dumped(row: Row) -> str:
    return json.dumps(row.as_json(), ensure_ascii=False)
