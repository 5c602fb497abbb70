"""What was done, for people: running totals, the journal of the bridge, and the audit log of people's actions.

Each instance has its own rows of totals, which are summed, so that instances never wait for each other. An entry of the
audit log names the person and is kept as long as the journal.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, func, insert, select, update

from bridge.domain.record import LONGEST_ID, RecordRef, Side, storable
from bridge.store.database import Database, delete_in_steps
from bridge.store.model import JournalEntry
from bridge.store.statements import Prepared, Row, chunks, upsert, walked_by_id
from bridge.store.tables import audit, counters, events, journal

# ---- Running totals ----


RETIRED = ""  # the instance under which totals of stopped instances are kept


def count(
    database: Database, conn: Connection, counts: Mapping[tuple[str, str], int], instance: str | None = None
) -> None:
    """Add to totals by (mapping, name) inside the caller's transaction, in key order."""
    rows = count_rows(counts, database.seams.instance if instance is None else instance)
    if rows:
        _grown(database.sqlite).run_many(conn, rows)


def count_rows(counts: Mapping[tuple[str, str], int], instance: str) -> list[dict[str, Any]]:
    """The values of a statement that adds to totals (`grown`)."""
    return [
        {"copy": instance, "mapping": mapping, "name": name, "value": value}
        for (mapping, name), value in sorted(counts.items())
        if value
    ]


@cache
def _grown(is_sqlite: bool) -> Prepared:
    return Prepared(grown(upsert(is_sqlite, counters)))


def grown(insert: Any) -> Any:
    """Let an insert of totals add to those that exist."""
    total = {"value": counters.c.value + insert.excluded.value}
    return insert.on_conflict_do_update(index_elements=["copy", "mapping", "name"], set_=total)


class Counters:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, mapping: str, name: str, number: int = 1) -> None:
        await self._database.write("count", lambda conn: count(self._database, conn, {(mapping, name): number}))

    async def get(self, mapping: str | None = None) -> dict[tuple[str, str], int]:
        """Sums across all instances by (mapping, name)."""
        query = select(counters.c.mapping, counters.c.name, func.sum(counters.c.value))
        if mapping is not None:
            query = query.where(counters.c.mapping == mapping)

        def work(conn: Connection) -> dict[tuple[str, str], int]:
            rows = conn.execute(query.group_by(counters.c.mapping, counters.c.name))
            return {(name, counter): int(value) for name, counter, value in rows}

        return await self._database.read(work)

    async def retire(self) -> None:
        """Fold the rows of all other instances into one, so that restarts do not grow the table; sums stay the same."""

        def work(conn: Connection) -> None:
            others = counters.c.copy.not_in((self._database.seams.instance, RETIRED))
            gone = delete(counters).where(others).returning(counters.c.mapping, counters.c.name, counters.c.value)
            folded: dict[tuple[str, str], int] = {}
            for mapping, name, value in conn.execute(gone):
                folded[mapping, name] = folded.get((mapping, name), 0) + value
            count(self._database, conn, folded, RETIRED)

        await self._database.write("retire", work)


# ---- The journal: what the bridge decided and did, and why ----


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


# ---- The audit log: what people did ----


class AuditEntry(NamedTuple):
    """One action of a person. `answer`: its result; "" while it is running."""

    id: int
    at: float
    person: str
    action: str
    arguments: Mapping[str, Any]
    request: int | None
    answer: str


def note_action(
    conn: Connection, at: float, person: str, action: str, arguments: Mapping[str, Any], request: int | None
) -> None:
    """Add an entry inside the caller's transaction, so that no action happens without one."""
    values = {"at": at, "person": person, "action": action, "arguments": dict(arguments), "request": request}
    conn.execute(insert(audit).values(**values, answer=""))


def note_answer(conn: Connection, request: int, answer: str) -> None:
    conn.execute(update(audit).where(audit.c.request == request).values(answer=answer))


class Audit:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, person: str, action: str, answer: str, arguments: Mapping[str, Any]) -> int:
        """Note an action that is not a request, such as a login; returns the entry's id."""

        def work(conn: Connection) -> int:
            values = {"at": self._database.now(), "person": person, "action": action, "arguments": dict(arguments)}
            noted = insert(audit).values(**values, request=None, answer=answer).returning(audit.c.id)
            return int(conn.execute(noted).scalar_one())

        return await self._database.write("audit", work)

    async def answer(self, entry: int, answer: str) -> None:
        """Store the action's result so far."""
        change = update(audit).where(audit.c.id == entry).values(answer=answer)
        await self._database.write("audit", lambda conn: conn.execute(change))

    async def recent(self, limit: int, before: int | None = None) -> list[AuditEntry]:
        """The newest first; `before`: only those older than the one of this id."""
        query = select(audit).order_by(audit.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(audit.c.id < before)
        return await self._database.read(lambda conn: [AuditEntry(**row) for row in conn.execute(query).mappings()])

    async def since(self, action: str, moment: float) -> list[Mapping[str, Any]]:
        """The arguments of each such action from this moment (epoch seconds) on."""
        query = select(audit.c.arguments).where(audit.c.at >= moment, audit.c.action == action)
        return await self._database.read(lambda conn: [dict(one) for one in conn.execute(query).scalars()])

    async def prune(self, before: float) -> int:
        """Delete older entries, and return how many."""
        return await delete_in_steps(self._database, "prune_audit", audit, audit.c.at < before, audit.c.at)
