"""The journal: what was decided and done, and why."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, func, insert, select

from bridge.domain.ids import LONGEST_ID, storable
from bridge.domain.record import RecordRef, Side
from bridge.store.counters import count
from bridge.store.database import Database, delete_in_steps
from bridge.store.model import JournalEntry
from bridge.store.statements import Prepared, Row, chunks, walked_by_id
from bridge.store.tables import counters, events, journal

CREATIONS = ("created", "found")
UPDATES = ("updated", "undone")
REMOVALS = ("deleted", "archived")
WRITES = (*CREATIONS, *UPDATES, *REMOVALS)
"""The kinds of entries about the bridge's own writes."""
PRUNED = "journal entries pruned"
"""The running total of entries that retention deleted."""


INSERT = Prepared(insert(journal))


class JournalRow(NamedTuple):
    """An entry as stored. A larger `id` is newer."""

    id: int
    at: float
    entry: JournalEntry


def write_journal(conn: Connection, entries: Sequence[JournalEntry], now: float) -> None:
    """Append inside the caller's transaction. A NUL, which PostgreSQL cannot store, becomes a replacement character."""
    rows = [
        {
            "at": now,
            "mapping": entry.mapping,
            "side": entry.side.value,
            "rec": storable(entry.record_id),
            "what": entry.what,
            "text": storable(entry.text),
            "detail": dict(entry.detail),
            "link": entry.link,
            "other_rec": None if entry.other_record_id is None else storable(entry.other_record_id)[:LONGEST_ID],
            "run": entry.run,
            "version": entry.version,
            "event": entry.event,
        }
        for entry in entries
    ]
    if rows:
        INSERT.run_many(conn, rows)


def _row(row: Row) -> JournalRow:
    apart = ("id", "at", "side", "rec", "other_rec")
    values = {name: value for name, value in row.items() if name not in apart}
    entry = JournalEntry(side=Side(row["side"]), record_id=row["rec"], other_record_id=row["other_rec"], **values)
    return JournalRow(row["id"], row["at"], entry)


PORTION = 1000
"""Ids that are searched at once."""
STANDING = and_(journal.c.what.in_(WRITES), journal.c.undone.is_(None))


def first_since(since: float) -> Select[Any]:
    """Select the lowest id. `+ 0` makes SQLite use the index of times; otherwise it reads all entries before."""
    return select(func.min(journal.c.id + 0)).where(journal.c.at >= since)


def of_record(mapping: str, side: Side, record_id: str) -> list[Select[Any]]:
    """Select a record's own entries, and those of counterparts that name it. One query would read the whole mapping."""
    c = journal.c
    own = select(journal).where(c.mapping == mapping, c.side == side.value, c.rec == record_id)
    other = walked_by_id(c.side) == side.other.value  # otherwise SQLite may use the index of the records' own entries
    return [own, select(journal).where(c.mapping == mapping, other, c.other_rec == record_id)]


def written_within(mapping: str, since: float, after: int, last: int) -> Select[Any]:
    """Select a mapping's writes with an id above `after` and up to `last`."""
    within = (journal.c.id > after, journal.c.id <= last, journal.c.at >= since)
    return select(journal).where(*within, STANDING, walked_by_id(journal.c.mapping) == mapping)


class Journal:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, entries: Sequence[JournalEntry]) -> None:
        await self._database.write("journal", lambda conn: write_journal(conn, entries, self._database.now()))

    async def about(self, mapping: str, side: Side, record_id: str, limit: int = 50) -> list[JournalRow]:
        """Entries of this record, and its counterparts' entries that name it, newest first."""
        newest = (half.order_by(journal.c.id.desc()).limit(limit) for half in of_record(mapping, side, record_id))
        return (await self._both(list(newest)))[:limit]

    async def actors(self, rows: Sequence[JournalRow]) -> dict[int, tuple[RecordRef, str]]:
        """By the number of the event that caused an entry: the record that it reported, and who changed that.

        Events that do not say who, and events that are no longer stored, are left out.
        """
        wanted = sorted({row.entry.event for row in rows if row.entry.event is not None})
        columns = (events.c.seq, events.c.system, events.c.entity, events.c.rec, events.c.actor)
        query = select(*columns).where(events.c.actor.is_not(None), events.c.rec.is_not(None))

        def work(conn: Connection) -> dict[int, tuple[RecordRef, str]]:
            parts = (conn.execute(query.where(events.c.seq.in_(some))) for some in chunks(wanted))
            return {seq: (RecordRef(*ref), actor) for part in parts for seq, *ref, actor in part}

        return await self._database.read(work)

    async def recent(self, limit: int = 50, mapping: str | None = None, what: str | None = None) -> list[JournalRow]:
        """The newest entries, newest first."""
        query = select(journal)
        if mapping is not None:
            query = query.where(journal.c.mapping == mapping)
        if what is not None:
            query = query.where(journal.c.what == what)
        return await self._rows(query, limit)

    # Writes of the bridge that are not undone, newest first.

    async def writes_to(self, mapping: str, side: Side, record_id: str, since: float | None = None) -> list[JournalRow]:
        """Writes to a record and its counterpart."""
        halves = [half.where(STANDING) for half in of_record(mapping, side, record_id)]
        return await self._both(halves if since is None else [half.where(journal.c.at >= since) for half in halves])

    async def writes_of(self, run: str) -> list[JournalRow]:
        """Writes of a run."""
        return await self._rows(select(journal).where(STANDING, journal.c.run == run), None)

    async def writes_since(self, mapping: str, since: float) -> list[JournalRow]:
        """Writes of a mapping since a time. They are read in portions, between which the daemon does other work."""
        found: list[JournalRow] = []
        first = await self._database.read(lambda conn: conn.scalar(first_since(since)))
        before = await self._database.read(lambda conn: conn.scalar(select(func.max(journal.c.id)))) or 0
        while first is not None and before >= first:
            query = written_within(mapping, since, before - PORTION, before)
            found += await self._rows(query.where(journal.c.id >= first), None)
            before -= PORTION
            await self._database.seams.clock.sleep(0)
        return found

    async def of_run(self, run: str, limit: int) -> list[JournalRow]:
        """The newest entries of a run, newest first."""
        return await self._rows(select(journal).where(journal.c.run == run), limit)

    async def reach(self) -> tuple[float, str | None] | None:
        """Since when the journal is complete, and the run of its oldest entry; None if nothing was ever pruned.

        Once it was emptied, SQLite numbers its entries from 1 again. So entry 1 alone does not show that it is
        complete.
        """
        oldest = select(journal.c.id, journal.c.at, journal.c.run).order_by(journal.c.id).limit(1)
        pruned = select(counters.c.value).where(counters.c.name == PRUNED, counters.c.value > 0).limit(1)

        def work(conn: Connection) -> tuple[float, str | None] | None:
            row, whole = conn.execute(oldest).first(), conn.scalar(pruned) is None
            if whole and (row is None or row.id == 1):
                return None
            return (self._database.now(), None) if row is None else (row.at, row.run)

        return await self._database.read(work)

    async def prune(self, before: float, keep_rows: int | None = None) -> int:
        """Delete entries older than `before`, and the oldest beyond `keep_rows`. Return how many."""

        def counted(conn: Connection, gone: int) -> None:
            count(self._database, conn, {("", PRUNED): gone})

        old: list[tuple[ColumnElement[bool], ColumnElement[Any]]] = [(journal.c.at < before, journal.c.at)]
        if keep_rows is not None:
            newest = await self._database.read(lambda conn: conn.scalar(select(func.max(journal.c.id)))) or 0
            old.append((journal.c.id <= newest - keep_rows, journal.c.id))
        steps = [await delete_in_steps(self._database, "prune_journal", journal, *one, counted) for one in old]
        return sum(steps)

    async def _both(self, queries: Sequence[Select[Any]]) -> list[JournalRow]:
        def work(conn: Connection) -> list[JournalRow]:
            return [_row(row) for query in queries for row in conn.execute(query).mappings()]

        return sorted(await self._database.read(work), key=lambda row: -row.id)

    async def _rows(self, query: Select[Any], limit: int | None) -> list[JournalRow]:
        newest = query.order_by(journal.c.id.desc()).limit(limit)

        def work(conn: Connection) -> list[JournalRow]:
            return [_row(row) for row in (conn.execute(newest)).mappings()]

        return await self._database.read(work)
