"""What leaves the store: old rows that are no longer needed, and all data about a person who is to be forgotten.

Retention keeps the database bounded; task rows and totals stay. Forgetting deletes all data about a record and its
counterparts, and keeps a hash of their ids, so that the records are not copied again. Data that arrives about them
later (a callback, its body) is erased by `Forgotten.tidy`, which runs after retention.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    delete,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    tuple_,
    update,
)

from bridge.domain.errors import BridgeError
from bridge.domain.frozen import dataclass
from bridge.domain.record import SIDES, RecordRef, Side
from bridge.domain.run import instructed
from bridge.store.database import Database, delete_in_steps
from bridge.store.hooks import HookHours
from bridge.store.journal import Audit, Counters, Journal, count
from bridge.store.model import LinkState, Scope, TaskKey, TaskState
from bridge.store.records import fingerprint, forgotten_among
from bridge.store.requests import BACKUP
from bridge.store.statements import INSTRUCTED, Row, task_key, upsert
from bridge.store.tables import (
    IN_USE,
    audit,
    brake_hits,
    events,
    forgotten,
    instructions,
    intent_keys,
    journal,
    leases,
    link_refs,
    links,
    merges,
    record_keys,
    records,
    requests,
    tasks,
    unlinked_refs,
)
from bridge.store.tasks import awake

# ---- Old rows ----


DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Ages in seconds. An event's age is also how long a repeated vendor id is recognised."""

    events: float = 14 * DAY
    journal: float = 90 * DAY
    journal_rows: int | None = None
    requests: float = 7 * DAY
    brake_hits: float = 30 * DAY


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows were deleted."""

    events: int
    journal: int
    requests: int
    brake_hits: int


class Retention:
    def __init__(
        self, database: Database, journal: Journal, counters: Counters, audit: Audit, hook_hours: HookHours
    ) -> None:
        self._database = database
        self._audit = audit
        self._hook_hours = hook_hours
        self._journal = journal
        self._counters = counters

    async def prune(self, limits: Limits) -> Pruned:
        """Delete what is older than its limit, in small transactions."""
        now = self._database.now()
        await self._counters.retire()
        await self._hook_hours.prune()
        await self._audit.prune(now - limits.journal)
        answered = and_(requests.c.done_at < now - limits.requests, requests.c.kind != BACKUP)
        return Pruned(
            events=await self._older(events, events.c.stored_at < now - limits.events, events.c.stored_at),
            journal=await self._journal.prune(now - limits.journal, limits.journal_rows),
            requests=await self._older(requests, answered, requests.c.done_at),
            brake_hits=await self._older(brake_hits, brake_hits.c.at < now - limits.brake_hits, brake_hits.c.at),
        )

    async def _older(self, table: Table, old: ColumnElement[bool], by: ColumnElement[Any]) -> int:
        return await delete_in_steps(self._database, "prune", table, old, by)


# ---- Forgetting a person ----


Scopes = Mapping[str, Scope]
CODE = "forgotten"
"""The code of tasks about forgotten records (`sync.reasons.Reason.FORGOTTEN`)."""
TIDIED = 500
ERASED = "erased by `bridge forget`"
"""The answer of a request that named a forgotten record."""


class InUse(BridgeError):
    """A worker holds one of the records; nothing was erased."""


@dataclass(frozen=True, slots=True)
class Erased:
    """`records`: those that belong to one person. `rows`: by kind how many rows were erased, or would be."""

    records: tuple[RecordRef, ...]
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Held:
    """What the store holds of some records: their links, and the keys of their tasks.

    `told`: the records whose instructions are about them. `requests`, `entries`: ids of the requests and audit entries
    that name them.
    """

    refs: frozenset[RecordRef]
    keys: frozenset[TaskKey]
    links: frozenset[int]
    told: frozenset[TaskKey]
    requests: frozenset[int]
    entries: frozenset[int]


class Forgotten:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def among(self, refs: Collection[RecordRef]) -> set[RecordRef]:
        """Those of these records that are forgotten."""
        return await self._database.read(lambda conn: forgotten_among(conn, refs))

    async def at(self, ref: RecordRef) -> float | None:
        """When a record was forgotten; None when it was not."""
        query = select(forgotten.c.at).where(forgotten.c.hash == fingerprint(ref))
        return await self._database.read(lambda conn: conn.scalar(query))

    async def held(self, scopes: Scopes, ref: RecordRef) -> Erased:
        """What would be erased."""

        def work(conn: Connection) -> Erased:
            held = _held(conn, scopes, ref)
            rows = {name: _number(conn, table, where) for name, table, where in _rows(held)}
            return Erased(tuple(sorted(held.refs)), {name: number for name, number in rows.items() if number})

        return await self._database.read(work)

    async def erase(self, scopes: Scopes, ref: RecordRef, *, alone: bool) -> Erased:
        """Erase a record and its counterparts, and store that they must not be copied.

        alone: no bridge runs, so leases are not checked. Raises InUse while a worker has one of the records.
        """

        def work(conn: Connection) -> Erased:
            held = _held(conn, scopes, ref)
            if not alone:
                self._require_free(conn, scopes, held)
            rows = self._erase(conn, held)
            common = {"together": fingerprint(ref), "at": self._database.now()}
            stones = [{"hash": fingerprint(one), **common} for one in sorted(held.refs)]
            conn.execute(upsert(self._database.sqlite, forgotten).on_conflict_do_nothing(), stones)
            return Erased(tuple(sorted(held.refs)), rows)

        return await self._database.write("forget", work)

    async def take_back(self, scopes: Scopes, ref: RecordRef) -> bool:
        """Let a record, and those forgotten with it, be copied again; False when it was not forgotten."""
        common = select(forgotten.c.together).where(forgotten.c.hash == fingerprint(ref))
        gone = delete(forgotten).where(forgotten.c.together.in_(common))

        def work(conn: Connection) -> bool:
            about = _of_keys(tasks, _keys(scopes, {ref}))
            conn.execute(delete(tasks).where(about, tasks.c.code == CODE, tasks.c.pending == 0))
            return conn.execute(gone).rowcount > 0

        return await self._database.write("forget", work)

    async def tidy(self, scopes: Scopes) -> int:
        """Erase data about forgotten records that has arrived since. Returns how many rows."""
        key = (tasks.c.mapping, tasks.c.side, tasks.c.rec)
        about = (tasks.c.code == CODE, tasks.c.state == TaskState.IDLE.value, tasks.c.mapping.in_(sorted(scopes)))
        query = select(*key).where(*about).order_by(*key).limit(TIDIED)

        def work(conn: Connection) -> int:
            found, refs = [TaskKey("", Side.LEFT, "")], set[RecordRef]()
            while found and not refs:  # skip records that were taken back since
                last = found[-1]
                after = tuple_(*key) > tuple_(literal(last.mapping), literal(last.side.value), literal(last.record_id))
                found = [
                    TaskKey(name, Side(side), record_id) for name, side, record_id in conn.execute(query.where(after))
                ]
                refs = forgotten_among(
                    conn, [scopes[one.mapping].endpoint(one.side).ref(one.record_id) for one in found]
                )
            if refs:
                self._erase(conn, _all_of(conn, scopes, refs, ()))
            return len(refs)

        return await self._database.write("forget", work)

    def _require_free(self, conn: Connection, scopes: Scopes, held: _Held) -> None:
        told = {scopes[key.mapping].endpoint(key.side).ref(key.record_id) for key in held.told}
        taken = select(leases.c.rec).where(_of_refs(leases, held.refs | told), leases.c.expires > self._database.now())
        if conn.execute(taken).first() is not None:
            raise InUse("the bridge is working on the record just now")

    def _erase(self, conn: Connection, held: _Held) -> dict[str, int]:
        """Erase all rows, and return their number by kind.

        Tasks that waited for the records become due; pending events count as discarded.
        """
        pending = select(tasks.c.mapping, func.sum(tasks.c.pending)).where(_of_keys(tasks, held.keys))
        booked = {(name, "discarded"): int(number or 0) for name, number in conn.execute(pending.group_by("mapping"))}
        found: dict[str, int] = {}
        self._overwrite(conn, "ON")
        for name, table, where in _rows(held):
            blank = self._blank(name)
            change = delete(table) if blank is None else update(table).values(blank)
            number = conn.execute(change.where(where)).rowcount
            if table is tasks:
                self._clear_instructed(conn, held)
                self._wake(conn, held)
            if number:
                found[name] = number
        self._overwrite(conn, "OFF")
        count(self._database, conn, booked)
        self._database.notify(conn)
        return found

    def _blank(self, name: str) -> dict[str, Any] | None:
        """Return the values that blank a row; None: delete it. Rows of requests stay: their numbers name runs."""
        if name == BODIES:
            return {"body": b"", "actor": None}
        if name == AUDIT_ENTRIES:
            return {"arguments": {}, "answer": ERASED}
        if name == REQUESTS:  # a request that is still open is cancelled
            done_at = func.coalesce(requests.c.done_at, self._database.now())
            return {"arguments": {}, "answer": ERASED, "done_at": done_at}
        return None

    def _clear_instructed(self, conn: Connection, held: _Held) -> None:
        """Clear other records' instruction bit: a task with the bit and no instruction would be due for ever."""
        kinds = {name: tasks.c[name].bitwise_and(~INSTRUCTED) for name in ("kinds", "kinds_taken")}
        conn.execute(update(tasks).where(_of_keys(tasks, held.told - held.keys)).values(kinds))

    def _wake(self, conn: Connection, held: _Held) -> None:
        """Make due the tasks that waited for one of the records."""
        waits = [_waits_for(key) for key in held.keys]
        if waits:
            (seq,) = self._database.next_seqs(conn, 1)
            conn.execute(update(tasks).where(or_(*waits)).values(gen=seq, reason="", **awake(self._database.now())))

    def _overwrite(self, conn: Connection, word: str) -> None:
        """Let SQLite overwrite deleted data with zeros; otherwise it stays in the file until its space is reused."""
        if self._database.sqlite:
            conn.exec_driver_sql(f"PRAGMA secure_delete={word}")


BODIES = "contents of other callbacks"
REQUESTS = "requests"
AUDIT_ENTRIES = "contents of audit entries"


def _rows(held: _Held) -> Iterable[tuple[str, Table, ColumnElement[bool]]]:
    """Yield what is erased, by kind.

    The body of a callback about several records is stored with one of them only. So the bodies of all of a system's
    callbacks are erased: only people read them.
    """
    refs, keys, ids = held.refs, held.keys, held.links
    systems = sorted({ref.system for ref in refs})
    yield "callbacks", events, _of_refs(events, refs)
    told = or_(func.length(events.c.body) > 0, events.c.actor.is_not(None))
    others = and_(events.c.system.in_(systems), told)
    yield BODIES, events, and_(others, or_(events.c.rec.is_(None), not_(_of_refs(events, refs))))
    yield "tasks and dead letters", tasks, _of_keys(tasks, keys)
    yield "leases", leases, _of_refs(leases, refs)
    yield "pairs and what both sides agreed on", links, links.c.id.in_(ids)
    yield "keys of creates", intent_keys, intent_keys.c.link.in_(ids)
    yield "references", link_refs, or_(link_refs.c.link.in_(ids), link_refs.c.target.in_(ids))
    yield "missing references", unlinked_refs, _of_unlinked(keys)
    yield "versions", records, _of_refs(records, refs)
    yield "match keys", record_keys, _of_keys(record_keys, keys)
    yield "merges", merges, _of_merges(refs)
    yield "counted deletes", brake_hits, brake_hits.c.link.in_(ids)
    yield "instructions", instructions, _of_keys(instructions, held.told)
    yield "journal entries", journal, _of_journal(keys, ids)
    yield REQUESTS, requests, requests.c.id.in_(held.requests)
    yield AUDIT_ENTRIES, audit, audit.c.id.in_(held.entries)


def _number(conn: Connection, table: Table, where: ColumnElement[bool]) -> int:
    return conn.scalar(select(func.count()).select_from(table).where(where)) or 0


def _held(conn: Connection, scopes: Scopes, ref: RecordRef) -> _Held:
    """The record, its counterparts, and what was merged into them, over all mappings.

    A pair that a person ended is erased as well. Its other record may be another person and stays; see `_one_person`.
    """
    refs, ids = {ref}, set[int]()
    while True:
        keys = _keys(scopes, refs)
        naming = or_(
            false(), *(and_(links.c.mapping == key.mapping, links.c[key.side.value] == key.record_id) for key in keys)
        )
        rows = list(conn.execute(select(links).where(or_(naming, links.c.alias_of.in_(sorted(ids))))).mappings())
        followed = [row for row in rows if row["state"] != LinkState.PARTED.value or _one_person(conn, row)]
        found = {
            scopes[row["mapping"]].endpoint(side).ref(row[side.value])
            for row in followed
            for side in SIDES
            if row["mapping"] in scopes and row[side.value] is not None
        }
        new_ids = {row["id"] for row in followed}
        if found <= refs and new_ids <= ids:
            return _all_of(conn, scopes, refs, ids | {row["id"] for row in rows})
        refs, ids = refs | found, ids | new_ids


def _one_person(conn: Connection, row: Row) -> bool:
    """Whether both records of an ended pair are one person: the bridge created one, and neither is in a new pair."""
    if row["made"] not in {f"created_{side}" for side in SIDES}:
        return False
    record_ids = or_(*(links.c[side.value] == row[side.value] for side in SIDES))
    pairs = select(links.c.id).where(links.c.mapping == row["mapping"], record_ids, IN_USE).limit(1)
    return conn.execute(pairs).first() is None


def _all_of(conn: Connection, scopes: Scopes, refs: Collection[RecordRef], ids: Collection[int]) -> _Held:
    """Return all data about these records and links."""
    keys = _keys(scopes, refs)
    about, runs = set[TaskKey](), set[str]()
    for row in conn.execute(select(instructions)).mappings():
        if task_key(row) in keys or _other_of(row) in keys:
            about.add(task_key(row))
            runs.add(row["run"])
    of_runs = select(journal.c.run).where(_of_journal(keys, ids), journal.c.run.is_not(None)).distinct()
    numbers = _requests_of(runs | set(conn.execute(of_runs).scalars()))
    named = _naming(scopes, keys)
    asked = select(requests.c.id, requests.c.id.label("request"), requests.c.arguments, requests.c.answer)
    entries = select(audit.c.id, audit.c.request, audit.c.arguments, audit.c.answer)
    telling = [
        {
            row.id
            for row in conn.execute(query)
            if (row.request in numbers and row.answer != ERASED) or named(row.arguments, row.answer)
        }
        for query in (asked, entries)
    ]
    return _Held(frozenset(refs), frozenset(keys), frozenset(ids), frozenset(about), *map(frozenset, telling))


def _other_of(row: Row) -> TaskKey | None:
    """Return the other record that an instruction names, which is to be linked or created again."""
    record_id = row["detail"].get("other", row["detail"].get("rec"))
    return None if record_id is None else TaskKey(row["mapping"], Side(row["side"]).other, str(record_id))


def _requests_of(runs: Iterable[str]) -> set[int]:
    """Return the numbers of the requests that caused these runs."""
    return {run.request for run in map(instructed, runs) if run is not None}


def _naming(scopes: Scopes, keys: Collection[TaskKey]) -> Callable[[Mapping[str, Any], str], bool]:
    """Return a function that says whether a request's arguments or its answer name one of the records."""
    named, facing, ids = set[tuple[str, ...]](), set[tuple[str, ...]](), {key.record_id for key in keys}
    for key in keys:
        end, other = (scopes[key.mapping].endpoint(side) for side in (key.side, key.side.other))
        named.add((end.name, end.entity, key.record_id))
        facing.add((other.name, other.entity, key.record_id))
    texts = "|".join(re.escape(" ".join(one)) for one in sorted(named))
    told = re.compile(rf"(?<!\w)(?:{texts})(?!\w)") if named else None

    def names(arguments: Mapping[str, Any], answer: str) -> bool:
        side, entity, record, other = (str(arguments.get(name)) for name in ("side", "entity", "record", "other"))
        typed = {(side, entity, record), *(tuple(map(str, parts)) for parts in arguments.get("records") or ())}
        alone = "side" not in arguments and record in ids
        in_answer = told is not None and told.search(answer) is not None
        return bool(typed & named) or (side, entity, other) in facing or alone or in_answer

    return names


def _keys(scopes: Scopes, refs: Collection[RecordRef]) -> set[TaskKey]:
    """The keys under which these records are known in mappings."""
    return {
        TaskKey(name, side, ref.id)
        for name, scope in scopes.items()
        for side in SIDES
        for ref in refs
        if (scope.endpoint(side).system, scope.endpoint(side).entity) == (ref.system, ref.entity)
    }


def _of_refs(table: Table, refs: Collection[RecordRef]) -> ColumnElement[bool]:
    columns = table.c
    same = (
        and_(columns.system == ref.system, columns.entity == ref.entity, columns.rec == ref.id) for ref in sorted(refs)
    )
    return or_(false(), *same)


def _of_keys(table: Table, keys: Collection[TaskKey]) -> ColumnElement[bool]:
    columns = table.c
    return or_(
        false(),
        *(
            and_(columns.mapping == key.mapping, columns.side == key.side.value, columns.rec == key.record_id)
            for key in keys
        ),
    )


def _of_unlinked(keys: Collection[TaskKey]) -> ColumnElement[bool]:
    c = unlinked_refs.c
    parents = (
        and_(c.parent_mapping == key.mapping, c.parent_side == key.side.value, c.parent_rec == key.record_id)
        for key in keys
    )
    return or_(_of_keys(unlinked_refs, keys), *parents)


def _of_merges(refs: Collection[RecordRef]) -> ColumnElement[bool]:
    c = merges.c
    return or_(
        false(),
        *(
            and_(c.system == ref.system, c.entity == ref.entity, or_(c.loser == ref.id, c.survivor == ref.id))
            for ref in refs
        ),
    )


def _of_journal(keys: Collection[TaskKey], ids: Collection[int]) -> ColumnElement[bool]:
    c = journal.c
    others = (
        and_(c.mapping == key.mapping, c.side == key.side.other.value, c.other_rec == key.record_id) for key in keys
    )
    return or_(_of_keys(journal, keys), c.link.in_(ids), *others)


def _waits_for(key: TaskKey) -> ColumnElement[bool]:
    c = tasks.c
    return and_(c.wait_mapping == key.mapping, c.wait_side == key.side.value, c.wait_rec == key.record_id)
