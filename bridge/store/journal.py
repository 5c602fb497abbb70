"""The journal: what was decided and done, and why."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Select, and_, delete, func, insert, or_, select

from bridge.domain.ids import LONGEST_ID, storable
from bridge.domain.record import Side
from bridge.store.counters import count
from bridge.store.database import Database
from bridge.store.model import JournalEntry
from bridge.store.rows import Row
from bridge.store.tables import counters, journal

CREATIONS = ("created", "found")
UPDATES = ("updated", "undone")
REMOVALS = ("deleted", "archived")
WRITES = (*CREATIONS, *UPDATES, *REMOVALS)
"""What the entries of the bridge's own writes are called."""
PRUNED = "journal entries pruned"
"""The running total of what retention dropped."""


@dataclass(frozen=True, slots=True)
class JournalRow:
    """An entry as stored; a larger `id` is younger."""

    id: int
    at: float
    entry: JournalEntry


def write_journal(conn: Connection, entries: Sequence[JournalEntry], now: float) -> None:
    """Append inside the caller's transaction. A NUL, which PostgreSQL cannot keep, is shown as a replacement sign."""
    rows = [
        {
            "at": now,
            "mapping": entry.mapping,
            "side": entry.side.value,
            "rec": storable(entry.rec),
            "what": entry.what,
            "text": storable(entry.text),
            "detail": dict(entry.detail),
            "link": entry.link,
            "other_rec": None if entry.other_rec is None else storable(entry.other_rec)[:LONGEST_ID],
            "run": entry.run,
            "version": entry.version,
        }
        for entry in entries
    ]
    if rows:
        conn.execute(insert(journal), rows)


def _row(row: Row) -> JournalRow:
    values = {name: value for name, value in row.items() if name not in ("id", "at", "side")}
    return JournalRow(row["id"], row["at"], JournalEntry(side=Side(row["side"]), **values))


class Journal:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, entries: Sequence[JournalEntry]) -> None:
        await self._database.write("journal", lambda conn: write_journal(conn, entries, self._database.now()))

    async def about(self, mapping: str, side: Side, rec: str, limit: int = 50) -> list[JournalRow]:
        """Entries of this record and of its counterparts' work on it, newest first."""
        own = and_(journal.c.side == side.value, journal.c.rec == rec)
        other = and_(journal.c.side == side.other.value, journal.c.other_rec == rec)
        return await self._rows(select(journal).where(journal.c.mapping == mapping, or_(own, other)), limit)

    async def recent(self, limit: int = 50, mapping: str | None = None, what: str | None = None) -> list[JournalRow]:
        """The newest entries, newest first."""
        query = select(journal)
        if mapping is not None:
            query = query.where(journal.c.mapping == mapping)
        if what is not None:
            query = query.where(journal.c.what == what)
        return await self._rows(query, limit)

    async def writes(
        self,
        *,
        mapping: str | None = None,
        record: tuple[Side, str] | None = None,
        run: str | None = None,
        since: float | None = None,
        limit: int | None = None,
    ) -> list[JournalRow]:
        """Entries of what the bridge wrote and nobody undid, newest first; `record` (of `mapping`): to it."""
        query = select(journal).where(journal.c.what.in_(WRITES), journal.c.undone.is_(None))
        if mapping is not None:
            query = query.where(journal.c.mapping == mapping)
        if record is not None:
            side, rec = record
            own = and_(journal.c.side == side.value, journal.c.rec == rec)
            query = query.where(or_(own, and_(journal.c.side == side.other.value, journal.c.other_rec == rec)))
        if run is not None:
            query = query.where(journal.c.run == run)
        if since is not None:
            query = query.where(journal.c.at >= since)
        return await self._rows(query, limit)

    async def of_run(self, run: str, limit: int) -> list[JournalRow]:
        """The newest entries of a run, newest first."""
        return await self._rows(select(journal).where(journal.c.run == run), limit)

    async def reach(self) -> tuple[float, str | None] | None:
        """Since when the journal has everything, and the run of its oldest entry; None when nothing was ever pruned.

        Once it was emptied, SQLite counts its entries from 1 again: that the first one is there says nothing then.
        """
        oldest = select(journal.c.id, journal.c.at, journal.c.run).order_by(journal.c.id).limit(1)
        pruned = select(counters.c.value).where(counters.c.name == PRUNED, counters.c.value > 0).limit(1)

        def work(conn: Connection) -> tuple[float, str | None] | None:
            row, whole = conn.execute(oldest).first(), conn.scalar(pruned) is None
            if whole and (row is None or row.id == 1):
                return None
            return (self._database.now(), None) if row is None else (row.at, row.run)

        return await self._database.read(work)

    async def prune(self, before: float, keep_rows: int | None = None, batch: int = 5000) -> int:
        """Delete entries older than `before`, and the oldest beyond `keep_rows`; how many went."""

        def work(conn: Connection) -> int:
            old = journal.c.at < before
            if keep_rows is not None:
                newest = conn.scalar(select(func.max(journal.c.id))) or 0
                old = or_(old, journal.c.id <= newest - keep_rows)
            some = select(journal.c.id).where(old).order_by(journal.c.id).limit(batch)
            gone = conn.execute(delete(journal).where(journal.c.id.in_(some))).rowcount
            count(self._database, conn, {("", PRUNED): gone})
            return gone

        gone = 0
        while True:
            now_gone = await self._database.write("prune_journal", work)
            gone += now_gone
            if now_gone < batch:
                return gone

    async def _rows(self, query: Select[tuple[object, ...]], limit: int | None) -> list[JournalRow]:
        newest = query.order_by(journal.c.id.desc()).limit(limit)

        def work(conn: Connection) -> list[JournalRow]:
            return [_row(row) for row in (conn.execute(newest)).mappings()]

        return await self._database.read(work)
