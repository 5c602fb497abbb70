"""What people see of the records, and decide about them.

Their tasks, those that wait, were left alone or need a person, conflicts to be decided, and how a record is found by
what people know of it.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from itertools import product
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    type_coerce,
    union_all,
    update,
)

from bridge.domain.event import Lane
from bridge.domain.frozen import dataclass
from bridge.domain.late import late
from bridge.domain.priority import Priority, priority_of
from bridge.domain.record import SIDES, Side
from bridge.store.database import Database, Wake
from bridge.store.journal import count
from bridge.store.model import Json, Link, LinkState, Scope, Task, TaskKey, TaskState
from bridge.store.requests import forget_instructions
from bridge.store.statements import IN_USE, Row, among, chunks, has_key, link_from, task_from, task_key, task_tuple
from bridge.store.tables import counters, journal, link_refs, links, mappings, record_keys, tasks
from bridge.store.tasks import Mark, lock_tasks, mark_due

BOOKED = ("accepted", "applied", "unchanged", "coalesced", "filtered", "discarded")
TOTALS = (*BOOKED, "waiting", "dead")
LOCK_LINKS = ("bridge.store.links", "lock_links")
"""Imported when a person decides a conflict, so that commands that only read start without it."""


class Standing:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, key: TaskKey) -> Task | None:
        def work(conn: Connection) -> Task | None:
            row = (conn.execute(select(tasks).where(has_key(tasks, [task_tuple(key)])))).mappings().first()
            return None if row is None else task_from(row)

        return await self._database.read(work)

    async def about(self, system: str, entity: str, record_id: str, scopes: Mapping[str, Scope]) -> list[Task]:
        """The tasks of one record in every mapping that has its entity."""
        keys = [
            (name, side.value, record_id)
            for name, scope in sorted(scopes.items())
            for side in SIDES
            if (scope.endpoint(side).system, scope.endpoint(side).entity) == (system, entity)
        ]

        def work(conn: Connection) -> list[Task]:
            query = select(tasks).where(or_(*(has_key(tasks, [key]) for key in keys)))
            return [task_from(row) for row in (conn.execute(query.order_by(*tasks.primary_key.columns))).mappings()]

        return await self._database.read(work) if keys else []

    async def waiting(self, lane: Lane | None = None, mapping: str | None = None, since: float | None = None) -> int:
        """How many tasks are due or waiting; `since`: only those that became due by then (epoch seconds)."""
        query = select(func.count()).select_from(tasks).where(tasks.c.due.is_not(None))
        if lane is not None:
            query = query.where(tasks.c.lane == lane.value)
        if mapping is not None:
            query = query.where(tasks.c.mapping == mapping)
        if since is not None:
            query = query.where(tasks.c.first_due <= since)
        return await self._database.read(lambda conn: conn.scalar(query)) or 0

    async def waiting_for(self, key: TaskKey, limit: int) -> list[Task]:
        """The tasks that wait for this one, by key."""
        waits = (tasks.c.wait_mapping, tasks.c.wait_side, tasks.c.wait_rec)
        query = select(tasks).where(*(column == value for column, value in zip(waits, task_tuple(key), strict=True)))
        query = query.order_by(*tasks.primary_key.columns).limit(limit)

        def work(conn: Connection) -> list[Task]:
            return [task_from(row) for row in conn.execute(query).mappings()]

        return await self._database.read(work)

    async def totals(self) -> dict[str, dict[str, int]]:
        """By mapping how many events were accepted, have each outcome, wait or are dead; accepted is the sum."""
        booked = select(counters.c.mapping, counters.c.name, func.sum(counters.c.value).label("number"))
        booked = booked.where(counters.c.name.in_(BOOKED)).group_by(counters.c.mapping, counters.c.name)
        parts = [booked]
        for name, where in (("waiting", tasks.c.due.is_not(None)), ("dead", tasks.c.state == TaskState.DEAD.value)):
            number = func.sum(tasks.c.pending).label("number")
            parts.append(select(tasks.c.mapping, literal(name), number).where(where).group_by(tasks.c.mapping))

        def work(conn: Connection) -> dict[str, dict[str, int]]:
            found: dict[str, dict[str, int]] = {}
            for mapping, total, number in conn.execute(union_all(*parts)):  # one statement, one snapshot
                found.setdefault(mapping, dict.fromkeys(TOTALS, 0))[total] = int(number)
            return found

        return await self._database.read(work)


# ---- Records that wait ----


class Waiting:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self, mapping: str | None = None, most: int | None = None) -> list[Task]:
        """All records that wait, the longest wait first; at most `most` of them."""
        return await self._database.read(
            lambda conn: self._longest(conn, most, *([] if mapping is None else [tasks.c.mapping == mapping]))
        )

    async def numbers(self) -> dict[tuple[str, str], int]:
        """How many wait, by mapping and code ("" for none)."""
        return await self._database.read(self._numbers)

    async def by_priority(self, held: str) -> dict[tuple[str, Priority], int]:
        """How many records are ready, by mapping and priority: due ones, and those that wait only for their system.

        `held`: the code of records that wait until their system may be called again.
        """
        ready = (tasks.c.due.is_not(None), or_(tasks.c.due <= self._database.now(), tasks.c.code == held))
        kinds = list(product(Lane, (False, True)))
        numbers = [
            func.count().filter(tasks.c.lane == lane.value, tasks.c.attempts > 0 if again else tasks.c.attempts == 0)
            for lane, again in kinds
        ]
        query = select(tasks.c.mapping, *numbers).where(*ready).group_by(tasks.c.mapping)

        def work(conn: Connection) -> dict[tuple[str, Priority], int]:
            found = Counter[tuple[str, Priority]]()
            for mapping, *counted in conn.execute(query):
                for (lane, again), number in zip(kinds, counted, strict=True):
                    found[mapping, priority_of(lane, again=again)] += number
            return {key: number for key, number in found.items() if number}

        return await self._database.read(work)

    async def groups(self) -> list[tuple[Task, int]]:
        """By mapping and code, the record that waits longest and how many wait; the longest wait first."""

        def work(conn: Connection) -> list[tuple[Task, int]]:
            found: list[tuple[Task, int]] = []
            for (mapping, code), number in self._numbers(conn).items():
                alike = tasks.c.code == code if code else tasks.c.code.is_(None)
                longest = self._longest(conn, 1, tasks.c.mapping == mapping, alike)
                found += [(task, number) for task in longest]
            return sorted(found, key=lambda one: (one[0].first_due, one[0].key.mapping, one[0].code))

        return await self._database.read(work)

    def _longest(self, conn: Connection, most: int | None, *more: ColumnElement[bool]) -> list[Task]:
        query = (
            select(tasks)
            .where(*_waits(self._database.now()), *more)
            .order_by(tasks.c.first_due, *tasks.primary_key.columns)
        )
        return [task_from(row) for row in conn.execute(query.limit(most)).mappings()]

    def _numbers(self, conn: Connection) -> dict[tuple[str, str], int]:
        rows = conn.execute(counted(self._database.now()))
        return {(mapping, code or ""): int(number) for mapping, code, number in rows}


def _waits(now: float) -> tuple[ColumnElement[bool], ...]:
    return tasks.c.due.is_not(None), tasks.c.first_due <= now


def counted(now: float) -> Select[Any]:
    """Select how many wait, by mapping and code. The index alone answers it, in its order."""
    names = (tasks.c.mapping, tasks.c.code)
    return select(*names, func.count()).where(*_waits(now)).group_by(*names)


# ---- Records that were left alone ----


IDLE = tasks.c.state == TaskState.IDLE.value
KEY = (tasks.c.mapping, tasks.c.side, tasks.c.rec)
ABOUT = (journal.c.mapping, journal.c.side, journal.c.rec)
LAST = select(journal.c.detail).where(
    journal.c.id.in_(select(func.max(journal.c.id)).where(among(ABOUT)).group_by(*ABOUT).scalar_subquery())
)


LINKED = select(links.c.id).where(
    links.c.mapping == tasks.c.mapping,
    or_(*(and_(tasks.c.side == side.value, links.c[side.value] == tasks.c.rec) for side in SIDES)),
)
NEVER = "never looked at"
"""Stands in place of a code for records about which no decision was ever made."""
TOGETHER = 500
"""How many records are made due in one transaction."""


class LeftAlone:
    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake

    async def numbers(self, codes: Collection[str]) -> dict[str, dict[str, int]]:
        """How many records were left alone for one of these reasons, by mapping and code.

        The code NEVER stands for records from before going live that a listing showed and that were never processed.
        """
        alike: list[ColumnElement[bool]] = [tasks.c.code.in_(sorted(codes))]
        code: ColumnElement[str] = tasks.c.code
        if NEVER in codes:
            alike.append(and_(tasks.c.gen == 0, tasks.c.decided_hash.is_not(None), ~LINKED.exists()))
            code = case((tasks.c.gen == 0, literal(NEVER)), else_=tasks.c.code)
        query = select(tasks.c.mapping, code.label("why"), func.count()).where(IDLE, or_(*alike))
        query = query.group_by("mapping", "why").order_by("mapping", "why")

        def work(conn: Connection) -> dict[str, dict[str, int]]:
            found: dict[str, dict[str, int]] = {}
            for mapping, code, number in conn.execute(query):
                found.setdefault(mapping, {})[code] = int(number)
            return found

        return await self._database.read(work)

    async def keys(self, codes: Collection[str]) -> list[TaskKey]:
        """The records left alone for one of these reasons, by key."""
        query = select(*KEY).where(IDLE, tasks.c.code.in_(sorted(codes))).order_by(*KEY)
        return await self._database.read(
            lambda conn: [TaskKey(name, Side(side), record_id) for name, side, record_id in conn.execute(query)]
        )

    async def details(self, mapping: str, codes: Collection[str], most: int) -> list[Json]:
        """The last journal details of records left alone for one of these reasons, at most `most` of them."""
        query = select(*KEY).where(IDLE, tasks.c.mapping == mapping, tasks.c.code.in_(sorted(codes)))

        def work(conn: Connection) -> list[Json]:
            keys = [tuple(row) for row in conn.execute(query.order_by(*KEY).limit(most))]
            return [detail for some in chunks(keys) for detail in conn.execute(LAST, {"keys": some}).scalars()]

        return await self._database.read(work)

    async def make_due_again(self, mapping: str, codes: Collection[str]) -> int:
        """Make records due, after all other work, that were left alone for one of these reasons; returns how many."""
        left = (IDLE, tasks.c.mapping == mapping, tasks.c.code.in_(sorted(codes)))
        query = select(*KEY).where(*left).order_by(*KEY).limit(TOGETHER).with_for_update()

        def work(conn: Connection) -> int:
            keys = [TaskKey(name, Side(side), record_id) for name, side, record_id in conn.execute(query)]
            now, why = self._database.now(), "it was decided in shadow mode"
            seqs = self._database.next_seqs(conn, len(keys))
            marks = [Mark(key, Lane.BACKFILL, now, seq, reason=why) for key, seq in zip(keys, seqs, strict=True)]
            mark_due(self._database, conn, marks)
            self._database.notify(conn)
            return len(keys)

        found = 0
        while some := await self._database.write("make_due_again", work):
            found += some
            self._wake.set()
        return found


# ---- Tasks that need a person ----


RETRIED = "retried by a person"
WAITS_FOR_NOTHING: dict[str, Any] = {"wait_mapping": None, "wait_side": None, "wait_rec": None}

RECORD_OF_LETTER = (journal.c.mapping, journal.c.side, journal.c.rec)
LAST_SAID = select(journal).where(
    journal.c.id.in_(
        select(func.max(journal.c.id)).where(among(RECORD_OF_LETTER)).group_by(*RECORD_OF_LETTER).scalar_subquery()
    )
)


class DeadLetters:
    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake

    async def list(self, mapping: str | None = None) -> list[tuple[Task, str]]:
        """Dead tasks by key, each with the text of the last journal entry about its record ("" when pruned)."""
        query = select(tasks).where(tasks.c.state == TaskState.DEAD.value).order_by(*tasks.primary_key.columns)
        if mapping is not None:
            query = query.where(tasks.c.mapping == mapping)

        def work(conn: Connection) -> list[tuple[Task, str]]:
            rows = list((conn.execute(query)).mappings())
            said: dict[TaskKey, str] = {}
            for some in chunks([(row["mapping"], row["side"], row["rec"]) for row in rows]):
                entries = conn.execute(LAST_SAID, {"keys": some})
                said.update({task_key(entry): entry["text"] for entry in entries.mappings()})
            return [(task_from(row), said.get(task_key(row), "")) for row in rows]

        return await self._database.read(work)

    async def retry(self, keys: Sequence[TaskKey] | None) -> int:
        """Make dead tasks (None: all) due now, with no attempts counted. Return how many."""

        def change(conn: Connection, dead: dict[TaskKey, Row]) -> None:
            now = self._database.now()
            ordered = sorted(dead, key=task_tuple)
            for key, seq in zip(ordered, self._database.next_seqs(conn, len(ordered)), strict=True):
                values = {"state": TaskState.DUE.value, "due": now, "first_due": now, "attempts": 0, "gen": seq}
                values |= {"lane": Lane.LIVE.value, "reason": RETRIED, "code": None, "retried": True}
                _set(conn, key, {**values, **WAITS_FOR_NOTHING})

        return await self._each("retry", keys, change)

    async def discard(self, keys: Sequence[TaskKey] | None) -> int:
        """Discard dead tasks (None: all): their events count as discarded. Return how many."""

        def change(conn: Connection, dead: dict[TaskKey, Row]) -> None:
            booked: dict[tuple[str, str], int] = {}
            for key, row in dead.items():
                total = (key.mapping, "discarded")
                booked[total] = booked.get(total, 0) + row["pending"]
                values = {"state": TaskState.IDLE.value, "pending": 0, "taken": 0, "attempts": 0, "kinds": 0}
                cleared: dict[str, Any] = {"kinds_taken": 0, "source_at": None, "stale_since": None, "gone_since": None}
                cleared |= {"outcome": None, "code": None, "retried": False, **WAITS_FOR_NOTHING}
                _set(conn, key, {**values, **cleared, "done_gen": row["gen"], "reason": "discarded by a person"})
            count(self._database, conn, booked)
            forget_instructions(conn, dead)

        return await self._each("discard", keys, change)

    async def _each(self, name: str, keys: Sequence[TaskKey] | None, change: Any) -> int:
        def work(conn: Connection) -> int:
            wanted = keys
            if wanted is None:
                all_dead = select(tasks.c.mapping, tasks.c.side, tasks.c.rec)
                rows = conn.execute(all_dead.where(tasks.c.state == TaskState.DEAD.value))
                wanted = [task_key(row) for row in rows.mappings()]
            locked = lock_tasks(conn, wanted)
            dead = {key: row for key, row in locked.items() if row["state"] == TaskState.DEAD.value}
            change(conn, dead)
            self._database.notify(conn)
            return len(dead)

        number = await self._database.write(name, work)
        self._wake.set()
        return number


def _set(conn: Connection, key: TaskKey, values: dict[str, Any]) -> None:
    conn.execute(update(tasks).where(has_key(tasks, [task_tuple(key)])).values(**values))


# ---- Conflicts that wait for a choice ----


class OpenConflict(NamedTuple):
    """A conflict: one field of one link. `values`: by side name, as people read them. `chosen`: the side that wins.

    `edited`: by side name when the record was last changed and by whom, see `sync.compare.edited`.
    """

    link: Link
    field: str
    values: Json
    chosen: Side | None
    edited: Json


class Conflicts:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def waiting(self, mapping: str | None = None) -> list[OpenConflict]:
        """Every conflict that waits for a person, oldest link first."""
        query = select(links).where(links.c.held.is_not(None), links.c.state == LinkState.LIVE.value)
        if mapping is not None:
            query = query.where(links.c.mapping == mapping)

        def work(conn: Connection) -> list[Link]:
            return [link_from(row) for row in (conn.execute(query.order_by(links.c.id))).mappings()]

        return [question for link in await self._database.read(work) for question in open_conflicts(link)]

    async def choose(self, link_id: int, fields: Collection[str], winner: Side) -> list[str]:
        """Store a person's choice for these fields. Return those that still waited."""

        def work(conn: Connection) -> list[str]:
            link: Link | None = late(*LOCK_LINKS)(conn, [link_id]).get(link_id)
            waiting = [question.field for question in open_conflicts(link) if question.field in fields] if link else []
            if link is not None and waiting:
                held = {name: {**entry} for name, entry in (link.held or {}).items()}
                for name in waiting:
                    held[name]["chosen"] = winner.value
                conn.execute(update(links).where(links.c.id == link_id).values(held=held))
            return waiting

        return await self._database.write("choose", work)


def open_conflicts(link: Link) -> list[OpenConflict]:
    """Return the conflicts of one link that a person must decide, by field name."""
    return [
        OpenConflict(
            link, name, entry["values"], Side(entry["chosen"]) if entry.get("chosen") else None, entry.get("edited", {})
        )
        for name, entry in sorted((link.held or {}).items())
        if entry.get("asked")
    ]


# ---- Finding records by an id, or by a piece of text in their stored values ----


PORTION = 1000
"""Links that are searched at once. Between two portions the daemon does other work."""
SHOWN = (LinkState.INTENDED, LinkState.LIVE, LinkState.FROZEN, LinkState.UNKNOWN, LinkState.TOMBSTONE)


@dataclass(frozen=True, slots=True)
class Found:
    """A record, and the values it was found by. `other`: the id of its counterpart."""

    key: TaskKey
    other: str | None = None
    values: Json = field(default_factory=dict)


class Search:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_id(self, record_id: str, limit: int) -> list[TaskKey]:
        """Every record of this id that has a link or a task, whatever its mapping and side."""

        def work(conn: Connection) -> list[TaskKey]:
            keys: dict[TaskKey, None] = {}
            for side in SIDES:
                for name in self._names(conn):
                    task = select(tasks.c.rec).where(has_key(tasks, [(name, side.value, record_id)]))
                    link = select(links.c.id).where(links.c.mapping == name, links.c[side.value] == record_id, _shown())
                    if conn.scalar(task) is not None or conn.scalar(link.limit(1)) is not None:
                        keys[TaskKey(name, side, record_id)] = None
            return list(keys)[:limit]

        return await self._database.read(work)

    async def by_keys(self, hashes: Collection[str], limit: int) -> list[TaskKey]:
        """Records that showed one of these match keys when they were last seen."""
        owner = (record_keys.c.mapping, record_keys.c.side, record_keys.c.rec)
        if not hashes:
            return []

        def work(conn: Connection) -> list[TaskKey]:
            found: list[TaskKey] = []
            for side in SIDES:
                for name in self._names(conn):
                    for some in chunks(sorted(hashes)):
                        here = (record_keys.c.mapping == name, record_keys.c.side == side.value)
                        query = select(*owner).where(*here, record_keys.c.hash.in_(some)).limit(limit)
                        found += [
                            TaskKey(mapping, Side(at), record_id) for mapping, at, record_id in conn.execute(query)
                        ]
            return found[:limit]

        return await self._database.read(work)

    async def portion(self, text: str, after: int) -> tuple[list[Link], int | None]:
        """Links of the next portion, by id, with `text` in their base; and where to continue, None at the end."""
        last = select(links.c.id).where(links.c.id > after).order_by(links.c.id).offset(PORTION - 1).limit(1)

        def work(conn: Connection) -> tuple[list[Link], int | None]:
            end = conn.scalar(last)
            within = links.c.id > after if end is None else links.c.id.between(after + 1, end)
            query: Select[Any] = select(links).where(within, _shown(), _contains(links.c.base, text))
            rows = conn.execute(query.order_by(links.c.id)).mappings()
            return [link_from(row) for row in rows], end

        return await self._database.read(work)

    async def records(self, words: str, limit: int = 50) -> list[Found]:
        """Records with `words` in one of their stored values, in upper or lower case; linked ones first.

        A record that was read but never linked is found by its journal entries.
        """
        held = select(links.c.mapping, links.c.left, links.c.right, links.c.base)
        held = held.where(links.c.state.in_(IN_USE), _contains(links.c.base, words)).order_by(links.c.id).limit(limit)
        told = select(journal.c.mapping, journal.c.side, journal.c.rec, journal.c.other_rec, journal.c.detail)
        told = told.where(or_(_contains(journal.c.text, words), _contains(journal.c.detail, words)))
        told = told.order_by(journal.c.id.desc()).limit(limit * 10)

        def work(conn: Connection) -> list[Found]:
            return [*_linked(conn.execute(held), words), *_told(conn.execute(told))]

        found: dict[TaskKey, Found] = {}
        taken: set[TaskKey] = set()
        for one in await self._database.read(work):
            if one.key not in taken:
                found[one.key] = one
                taken |= {one.key, TaskKey(one.key.mapping, one.key.side.other, one.other or "")}
        return list(found.values())[:limit]

    async def newest(self, limit: int) -> list[Link]:
        """The newest pairs."""
        query = select(links).where(_shown()).order_by(links.c.id.desc()).limit(limit)
        return await self._database.read(lambda conn: [link_from(row) for row in conn.execute(query).mappings()])

    async def children(self, link: int, limit: int) -> list[Link]:
        """Links whose base names this link."""
        named = select(link_refs.c.link).where(link_refs.c.target == link).limit(limit)
        query = select(links).where(links.c.id.in_(named.scalar_subquery()), _shown()).order_by(links.c.id)
        return await self._database.read(lambda conn: [link_from(row) for row in conn.execute(query).mappings()])

    @staticmethod
    def _names(conn: Connection) -> list[str]:
        return list(conn.execute(select(mappings.c.name)).scalars())


def _shown() -> Any:
    return links.c.state.in_([state.value for state in SHOWN])


def _linked(rows: Iterable[Any], words: str) -> Iterator[Found]:
    for mapping, left, right, base in rows:
        values = {
            name: next(value for value in entry[:2] if isinstance(value, str) and words.casefold() in value.casefold())
            for name, entry in base.items()
            if any(isinstance(value, str) and words.casefold() in value.casefold() for value in entry[:2])
        }
        if values:  # otherwise the words are in the name of a field, or in a fingerprint
            side, record_id, other = (Side.LEFT, left, right) if left else (Side.RIGHT, right, None)
            yield Found(TaskKey(mapping, side, record_id), other, values)


def _told(rows: Iterable[Any]) -> Iterator[Found]:
    for mapping, side, record_id, other, _ in rows:
        yield Found(TaskKey(mapping, Side(side), record_id), other)


def _contains(column: ColumnElement[Any], words: str) -> ColumnElement[bool]:
    """Whether the column contains the words in any case that the database knows. JSON has non-ASCII letters escaped."""
    text = func.lower(type_coerce(column, Text))
    forms = {
        form.lower() for one in (words, words.lower(), words.title(), words.upper()) for form in (one, _escaped(one))
    }
    return or_(*(text.contains(form, autoescape=True) for form in sorted(forms)))


def _escaped(words: str) -> str:
    return json.dumps(words)[1:-1]
