"""Intake: events and the tasks they make due, in one transaction; group commit for callbacks."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, bindparam, func, select

from bridge.domain.event import LANE_OF, Event, EventKind, Origin
from bridge.domain.record import LONGEST_ID, RecordRef, storable
from bridge.domain.seams import epoch, plausible_time
from bridge.store.cursors import CursorMove, move_cursor, request_sweep
from bridge.store.database import Batcher, Database, Wake
from bridge.store.journal import count, count_rows, grown
from bridge.store.model import (
    KeyNote,
    Quiet,
    RecordNote,
    Routes,
    TaskKey,
    of_event,
    of_notes,
    of_tasks,
    require_storable,
)
from bridge.store.records import newest, note_keys, note_merges, note_records, record_row
from bridge.store.statements import KIND_BITS, Prepared, chunks, keyed, upsert
from bridge.store.tables import counters, events, records, tasks
from bridge.store.tasks import Mark, due, horizon, lock_tasks, mark_due, mark_row, save_decided

BATCH = 256
QUEUE = 10_000
Routed = tuple[Sequence[Event], Routes]


class Events:
    """`queue_limit`: callbacks that may wait for their commit; above it `submit` raises StoreUnavailable at once."""

    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake
        self._batcher: Batcher[Routed, list[int | None]] = Batcher(self._commit, BATCH, QUEUE, database.seams.clock)

    @property
    def queue_limit(self) -> int:
        return self._batcher.limit

    @queue_limit.setter
    def queue_limit(self, limit: int) -> None:
        self._batcher.limit = limit

    async def close(self) -> None:
        await self._batcher.close()

    async def submit(self, batch: Sequence[Event], routes: Routes) -> list[bool]:
        """Store events together with those of other callers; True for each that is new. Returns after the commit.

        Raises Unstorable as `take_in` does.
        """
        return [number is not None for number in await self.take_in(batch, routes)]

    async def take_in(self, batch: Sequence[Event], routes: Routes) -> list[int | None]:
        """Like `submit`, but return the number of each new event (None: repeated), as logs, journal and traces name it.

        Raises Unstorable before anything is stored if a name or id cannot be stored, so that callers who share the
        transaction are not affected.
        """
        for event in batch:
            require_storable(of_event(event))
        return await self._batcher.submit((batch, routes))

    async def accept(
        self,
        batch: Sequence[Event],
        routes: Routes,
        cursor: CursorMove | None = None,
        records: Sequence[RecordNote] = (),
        keys: Sequence[KeyNote] = (),
        decided: Sequence[tuple[TaskKey, str]] = (),
        run: str | None = None,
    ) -> list[bool]:
        """Store events and all else that a page of a sweep showed in one transaction; True for each event that is new.

        `run`: the sweep or backfill that they belong to.

        Raises CursorMoved if another sweep was faster, and Unstorable if an id cannot be stored; then nothing is
        stored.
        """
        for event in batch:
            require_storable(of_event(event))
        require_storable(of_notes(records, keys))
        require_storable(of_tasks(key for key, _ in decided))

        def work(conn: Connection) -> list[bool]:
            intake = Intake(self._database, [(batch, routes)], run)
            return intake.store(conn, cursor, records, keys, decided)

        result = await self._database.write("accept", work)
        self._wake.set()
        return result

    async def _commit(self, batch: Sequence[Routed]) -> list[list[int | None]]:
        is_one = not self._database.sqlite and sum(len(some) for some, _ in batch) == 1

        def work(conn: Connection) -> list[int | None]:
            if is_one and (number := Intake(self._database, batch).store_one(conn)) is not None:
                return [number]
            intake = Intake(self._database, batch)
            return intake.numbers(intake.store(conn))

        left = iter(await self._database.write("intake", work))
        self._wake.set()
        return [[next(left) for _ in some] for some, _ in batch]


class Intake:
    """One intake transaction, step by step. Each attempt builds a new one."""

    def __init__(
        self, database: Database, batch: Sequence[Routed], run: str | None = None, *, instructed: bool = False
    ) -> None:
        self._database = database
        self._run, self._instructed = run, instructed
        self._now = database.now()
        self._items = [(event, routes) for some, routes in batch for event in some]
        self._seqs: list[int] = []
        self._counts: Counter[tuple[str, str]] = Counter()

    def store(
        self,
        conn: Connection,
        cursor: CursorMove | None = None,
        notes: Sequence[RecordNote] = (),
        keys: Sequence[KeyNote] = (),
        decided: Sequence[tuple[TaskKey, str]] = (),
    ) -> list[bool]:
        """Store everything in the fixed order of tables. Return for each event whether it is new."""
        *self._seqs, spare = self._database.next_seqs(conn, len(self._items) + 1)
        news = self._insert_events(conn)
        marks = self._marks(conn, news)
        if decided:
            lock_tasks(conn, [*marks, *(key for key, _ in decided)])
            save_decided(self._database, conn, decided)
        mark_due(self._database, conn, marks.values())
        if of_events := self._notes(news):
            note_records(self._database, conn, of_events, min(of_events.values()))
        sweep = cursor.expect_sweep if cursor is not None and cursor.kind == "full" else None
        note_records(self._database, conn, notes, spare, sweep)
        note_keys(self._database, conn, keys)
        note_merges(self._database, conn, self._merges(news), spare)
        self._request_sweeps(conn, news)
        if cursor is not None:
            move_cursor(conn, cursor, len(notes), sum(news), self._now)
        self._counts["", "repeated"] += news.count(False)
        count(self._database, conn, self._counts)
        self._database.notify(conn)
        return news

    def store_one(self, conn: Connection) -> int | None:
        """Store the only event, if it is new, with its task by one statement, and return its number (PostgreSQL).

        None: nothing was stored, because the event is repeated, or more must be stored than one statement can. Then a
        new intake stores it step by step.
        """
        self._seqs, new = [0], [True]  # PostgreSQL draws the number
        marks, notes = self._marks(conn, new), self._notes(new)
        counts = count_rows(self._counts, self._database.seams.instance)
        if self._merges(new) or not len(marks) == len(notes) == len(counts) == 1:
            return None
        (mark,), (note,), (total,) = marks.values(), notes, counts
        values = {
            **_named(events, self._event_row(0, self._items[0][0])),
            **_named(tasks, mark_row(mark, horizon(self._now))),
            **_named(records, record_row(note, 0, None, self._now)),
            **_named(counters, total),
        }
        number: int | None = _intake_of_one(tuple(values)).one(conn, values)
        if number is not None:
            self._database.notify(conn)
        return number

    def numbers(self, news: Sequence[bool]) -> list[int | None]:
        """Return the number of each new event, None for the others."""
        return [seq if new else None for seq, new in zip(self._seqs, news, strict=True)]

    def _insert_events(self, conn: Connection) -> list[bool]:
        rows = [self._event_row(seq, event) for seq, (event, _) in zip(self._seqs, self._items, strict=True)]
        rows.sort(key=lambda row: (row["system"], row["vendor_id"] or "", row["seq"]))
        stored: set[int] = set()
        if rows:
            stored.update(seq for (seq,) in _event_insert(self._database.sqlite).rows_of_many(conn, rows))
        return [seq in stored for seq in self._seqs]

    def _event_row(self, seq: int, event: Event) -> dict[str, Any]:
        return {
            "seq": seq,
            "system": event.system,
            "entity": event.entity,
            "rec": event.id,
            "kind": event.kind.value,
            "origin": event.origin.value,
            "vendor_id": event.vendor_id,
            "source_at": self._accepted(event.source_at),
            "version": self._accepted(event.version),
            "body": event.body,
            "stored_at": self._now,
            "actor": None if event.actor is None else storable(event.actor)[:LONGEST_ID],
        }

    def _accepted(self, moment: datetime | None) -> float | None:
        return plausible_time(epoch(moment), self._now) if moment is not None else None

    def _new_items(self, news: Sequence[bool]) -> list[tuple[int, Event, Routes]]:
        pairs = zip(self._seqs, self._items, news, strict=True)
        return [(seq, event, routes) for seq, (event, routes), new in pairs if new]

    def _marks(self, conn: Connection, news: Sequence[bool]) -> dict[TaskKey, Mark]:
        marks: dict[TaskKey, Mark] = {}
        new = self._new_items(news)
        written = self._own_writes(conn, new)
        for seq, event, routes in new:
            if event.id is None:
                continue
            for route in routes.get((event.system, event.entity), ()):
                due = self._now
                if not route.endpoint.versioned:
                    own = written.get((event.system, event.entity, event.id), float("-inf"))
                    if due < own + route.endpoint.read_lag:  # mostly our own write's echo: one read serves both
                        due += route.endpoint.read_lag
                mark = Mark(TaskKey(route.mapping, route.side, event.id), LANE_OF[event.origin], due, seq, 1)
                if route.quiet is not None:
                    self._wait_for_quiet(mark, event, route.quiet)
                mark.kinds = KIND_BITS[event.kind]
                mark.both_sides = event.origin is not Origin.WEBHOOK
                mark.source_at = self._accepted(event.source_at)
                mark.run, mark.instructed = self._run, self._instructed
                marks[mark.key] = _merged(marks[mark.key], mark) if mark.key in marks else mark
                self._counts[route.mapping, "accepted"] += 1
        return marks

    def _wait_for_quiet(self, mark: Mark, event: Event, quiet: Quiet) -> None:
        """Let an edit wait for the quiet time. Deletions and merges are not edits; a person's request does not wait."""
        if event.kind not in (EventKind.CREATED, EventKind.CHANGED):
            return
        if event.origin not in (Origin.WEBHOOK, Origin.RECONCILE):
            return
        mark.due, mark.since = max(mark.due, self._now + quiet.seconds), self._now
        mark.code, mark.reason = quiet.code, quiet.reason
        if event.origin is Origin.WEBHOOK:  # a sweep shows an older edit
            mark.quiet = quiet.seconds

    def _own_writes(
        self, conn: Connection, new: Sequence[tuple[int, Event, Routes]]
    ) -> dict[tuple[str, str, str], float]:
        """When we last wrote the records whose endpoints show no versions."""
        wanted = {
            (event.system, event.entity, event.id)
            for _, event, routes in new
            if event.id is not None
            and any(not route.endpoint.versioned for route in routes.get((event.system, event.entity), ()))
        }
        found: dict[tuple[str, str, str], float] = {}
        for some in chunks(sorted(wanted)):
            for system, entity, record_id, at in OWN_WRITES.rows(conn, {"keys": some}):
                if at is not None:
                    found[system, entity, record_id] = at
        return found

    def _notes(self, news: Sequence[bool]) -> dict[RecordNote, int]:
        """The records of these events, what the events say about their versions, and the number of the first event."""
        first: dict[RecordRef, int] = {}
        versions: dict[RecordRef, float] = {}
        told: dict[RecordRef, float] = {}
        for seq, event, routes in self._new_items(news):
            if event.id is None:
                continue
            ref = RecordRef(event.system, event.entity, event.id)
            first.setdefault(ref, seq)
            if self._reports_no_version(event, routes):
                told[ref] = self._now
            version = self._accepted(event.version)
            if version is not None:
                versions[ref] = max(versions.get(ref, float("-inf")), version)
        return {RecordNote(ref, version=versions.get(ref), told_at=told.get(ref)): seq for ref, seq in first.items()}

    def _reports_no_version(self, event: Event, routes: Routes) -> bool:
        """Whether a callback reported an edit without a version, so that no read can be known to show the edit."""
        if event.origin is not Origin.WEBHOOK or event.kind not in (EventKind.CREATED, EventKind.CHANGED):
            return False
        endpoints = [route.endpoint for route in routes.get((event.system, event.entity), ())]
        return self._accepted(event.version) is None or not all(endpoint.versioned for endpoint in endpoints)

    def _merges(self, news: Sequence[bool]) -> list[tuple[RecordRef, str]]:
        return [
            (RecordRef(event.system, event.entity, event.id), event.merged_into)
            for _, event, _ in self._new_items(news)
            if event.kind is EventKind.MERGED and event.id is not None and event.merged_into is not None
        ]

    def _request_sweeps(self, conn: Connection, news: Sequence[bool]) -> None:
        hints = {(event.system, event.entity) for _, event, _ in self._new_items(news) if event.id is None}
        for system, entity in sorted(hints):
            request_sweep(self._database, conn, system, entity, "incremental", "callback", self._now)


OWN_WRITES = Prepared(
    select(records.c.system, records.c.entity, records.c.rec, records.c.own_write_at).where(keyed(records))
)


@cache
def _event_insert(is_sqlite: bool) -> Prepared:
    return Prepared(_if_new(upsert(is_sqlite, events)).returning(events.c.seq))


def _if_new(insert: Any) -> Any:
    target = {"index_elements": ["system", "vendor_id"], "index_where": events.c.vendor_id.is_not(None)}
    return insert.on_conflict_do_nothing(**target)


@cache
def _intake_of_one(names: tuple[str, ...]) -> Prepared:
    """The statement that stores an event if it is new, and then its task, its record and its total (PostgreSQL).

    `names`: those of its values, see `_named`. PostgreSQL runs these inserts from the last to the first, so they lock
    rows in the order of all other transactions. It does not promise that; another order might cause deadlocks, after
    which a transaction is tried again.
    """

    def values(table: Table) -> dict[str, Any]:
        named = {column.key: f"{table.name}_{column.key}" for column in table.c}
        return {key: bindparam(name, type_=table.c[key].type) for key, name in named.items() if name in names}

    def follows(table: Table, *numbers: str) -> Any:
        """An insert into this table, if the event is new. These columns get the event's number."""
        row = values(table) | dict.fromkeys(numbers, event.c.seq)
        return upsert(False, table).from_select(list(row), select(*row.values()).select_from(event))

    row = values(events) | {"seq": func.nextval("bridge_seq")}
    event = _if_new(upsert(False, events).values(row)).returning(events.c.seq).cte("event")
    last = grown(follows(counters))
    middle = newest(follows(records, "first_seq"), alive=False)
    first = due(follows(tasks, "gen", "event"))
    return Prepared(select(event.c.seq).add_cte(last.cte("total"), middle.cte("record"), first.cte("task")))


def _named(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a row as `_intake_of_one` names them: columns of several tables have the same name."""
    return {f"{table.name}_{name}" if name in table.c else name: value for name, value in row.items()}


def _merged(one: Mark, two: Mark) -> Mark:
    times = [at for at in (one.source_at, two.source_at) if at is not None]
    waits = one.code if one.code == two.code else None
    return Mark(
        key=one.key,
        lane=min(one.lane, two.lane),
        due=max(one.due, two.due) if waits else min(one.due, two.due),
        generation=max(one.generation, two.generation),
        events=one.events + two.events,
        kinds=one.kinds | two.kinds,
        both_sides=one.both_sides or two.both_sides,
        source_at=max(times, default=None),
        instructed=one.instructed or two.instructed,
        run=one.run or two.run,
        since=one.since if waits else None,
        quiet=max(one.quiet, two.quiet) if waits else 0.0,
        code=waits,
        reason=one.reason if waits else "",
    )
