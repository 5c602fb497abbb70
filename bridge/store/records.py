"""What is known of records: versions, our own writes, match keys, merges, and which of them a person had forgotten.

Also the references that could not be written because their record was not linked: they are noted, and processed once it
is linked.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, bindparam, case, delete, exists, func, insert, null, or_, select

from bridge.domain.event import Lane
from bridge.domain.record import SIDES, RecordRef, Side
from bridge.domain.seams import plausible_time
from bridge.store.database import Database
from bridge.store.model import (
    KeyNote,
    KnownRecord,
    LinkState,
    Outcome,
    RecordNote,
    Scope,
    TaskKey,
    TaskState,
    of_notes,
    require_storable,
)
from bridge.store.statements import (
    Prepared,
    among,
    chunks,
    has_key,
    keyed,
    known_from,
    listed,
    ref_tuple,
    task_tuple,
    upsert,
)
from bridge.store.tables import forgotten, links, merges, record_keys, records, tasks, unlinked_refs
from bridge.store.tasks import HORIZON, OWNER, SHOWN_KEYS, Mark, horizon, mark_due

# ---- Noting what a claim, an event or a sweep showed ----


def note_records(
    database: Database,
    conn: Connection,
    notes: Iterable[RecordNote],
    first_seq: int,
    sweep: int | None = None,
    known: Mapping[RecordRef, int] = MappingProxyType({}),
) -> None:
    """Upsert new facts, in key order. The newest version is kept. `first_seq` is for records that are not in `known`.

    A version in the future of our clock is ignored, because every later read would look older than it. The version in
    the answer to our own write is accepted.
    """
    now = database.now()
    ordered = sorted(notes, key=lambda note: note.ref)
    for alive in (False, True):
        some = [note for note in ordered if note.alive is alive]
        rows = [record_row(note, known.get(note.ref, first_seq), sweep, now) for note in some]
        if rows:
            _record_upsert(database.sqlite, alive).run_many(conn, rows)


def record_row(note: RecordNote, first_seq: int, sweep: int | None, now: float) -> dict[str, Any]:
    """The values of a statement that stores what is known of a record (`newest`)."""
    shown = plausible_time(note.version, now)
    versions = [version for version in (shown, note.own_version) if version is not None]
    return {
        **horizon(now),
        **dict(zip(("system", "entity", "rec"), ref_tuple(note.ref), strict=True)),
        "first_seq": first_seq,
        "version": max(versions, default=None),
        "own_version": note.own_version,
        "own_write_at": note.own_write_at,
        "told_at": note.told_at,
        "row_hash": note.row_hash,
        "seen_sweep": sweep,
        "gone_at": None if note.alive else note.gone_at,
        "gone_how": None if note.alive else note.gone_how,
    }


@cache
def _record_upsert(is_sqlite: bool, alive: bool) -> Prepared:
    return Prepared(newest(upsert(is_sqlite, records), alive))


def newest(insert: Any, alive: bool) -> Any:
    """Let an insert of records keep the newest of what is known."""
    new, old = insert.excluded, records.c
    kept: dict[str, Any] = {
        name: func.coalesce(new[name], old[name])
        for name in ("own_version", "own_write_at", "told_at", "row_hash", "seen_sweep")
    }
    for name in ("gone_at", "gone_how"):
        kept[name] = null() if alive else func.coalesce(new[name], old[name])
    unasked = or_(old.own_version.is_(None), old.version > old.own_version)
    known = case((and_(old.version > HORIZON, unasked), old.own_version), else_=old.version)
    kept["version"] = case(
        (new.version.is_(None), known),
        (known.is_(None), new.version),
        (new.version > known, new.version),
        else_=known,
    )
    return insert.on_conflict_do_update(index_elements=["system", "entity", "rec"], set_=kept)


def note_keys(database: Database, conn: Connection, notes: Sequence[KeyNote]) -> None:
    """Replace the index entries of these records. The last note of a record counts."""
    last = {(note.mapping, note.side.value, note.record_id): note for note in notes}
    changed: list[tuple[str, str, str]] = []
    for some in chunks(sorted(last)):
        shown: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
        for *owner, key in SHOWN_KEYS.rows(conn, {"owners": some}):
            shown[owner[0], owner[1], owner[2]].add(key)
        changed += [owner for owner in some if shown[owner] != set(last[owner].hashes)]
    for some in chunks(changed):
        FORGET_KEYS.run(conn, {"owners": some})
    rows = [
        {"mapping": mapping, "side": side, "hash": key, "rec": record_id}
        for mapping, side, key, record_id in sorted(
            {(*owner[:2], key, owner[2]) for owner in changed for key in last[owner].hashes}
        )
    ]
    if rows:
        _key_insert(database.sqlite).run_many(conn, rows)


@cache
def _key_insert(is_sqlite: bool) -> Prepared:
    return Prepared(upsert(is_sqlite, record_keys).on_conflict_do_nothing())


FORGET_KEYS = Prepared(delete(record_keys).where(among(OWNER, "owners")))


def note_merges(database: Database, conn: Connection, facts: Iterable[tuple[RecordRef, str]], seq: int) -> None:
    """Store (loser, survivor id); a later fact about the same loser replaces an earlier one."""
    rows = [
        {"system": loser.system, "entity": loser.entity, "loser": loser.id, "survivor": survivor, "seq": seq}
        for loser, survivor in sorted(dict(facts).items())
        if loser.id != survivor
    ]
    if rows:
        insert = upsert(database.sqlite, merges)
        kept = {"survivor": insert.excluded.survivor, "seq": insert.excluded.seq}
        conn.execute(insert.on_conflict_do_update(index_elements=["system", "entity", "loser"], set_=kept), rows)


# ---- Looking records up ----


CHAIN_LIMIT = 50
KNOWN = Prepared(select(records).where(keyed(records)))


def known_records(conn: Connection, refs: Iterable[RecordRef]) -> dict[RecordRef, KnownRecord]:
    """Rows of the records among `refs` that are known at all."""
    found: dict[RecordRef, KnownRecord] = {}
    for some in chunks(sorted({ref_tuple(ref) for ref in refs})):
        for row in KNOWN.mappings(conn, {"keys": some}):
            known = known_from(row)
            found[known.ref] = known
    return found


SHARING = Prepared(
    select(record_keys.c.hash, record_keys.c.rec).where(
        record_keys.c.mapping == bindparam("of"),
        record_keys.c.side == bindparam("on"),
        listed(record_keys.c.hash, "hashes"),
    )
)


def records_with_keys(conn: Connection, mapping: str, side: Side, hashes: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return by match-key hash the ids of records that last showed it, sorted. Hashes without records are left out."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for some in chunks(sorted(set(hashes))):
        for key, record_id in SHARING.rows(conn, {"of": mapping, "on": side.value, "hashes": some}):
            found[key].append(record_id)
    return {key: tuple(sorted(record_ids)) for key, record_ids in found.items()}


SURVIVORS = Prepared(select(merges.c.system, merges.c.entity, merges.c.loser, merges.c.survivor).where(keyed(merges)))


def survivors_of(conn: Connection, losers: Iterable[RecordRef]) -> dict[RecordRef, str]:
    """Return by record that was merged away the id of its survivor, along a chain of merges."""
    found: dict[RecordRef, str] = {}
    passed = {loser: {loser} for loser in losers}
    ends = {loser: loser for loser in passed}
    for _ in range(CHAIN_LIMIT):
        if not ends:
            break
        survivors: dict[RecordRef, str] = {}
        for some in chunks(sorted({ref_tuple(end) for end in ends.values()})):
            for system, entity, loser, survivor in SURVIVORS.rows(conn, {"keys": some}):
                survivors[RecordRef(system, entity, loser)] = survivor
        onward: dict[RecordRef, RecordRef] = {}
        for loser, end in ends.items():
            if end not in survivors:
                continue
            at = RecordRef(end.system, end.entity, survivors[end])
            if at not in passed[loser]:
                passed[loser].add(at)
                found[loser] = at.id
                onward[loser] = at
        ends = onward
    return found


# ---- Which records are forgotten (`bridge forget`) ----


def fingerprint(ref: RecordRef) -> str:
    """Return the hash that is kept of a record. It contains no text, but an id can be compared with it."""
    text = "\x1f".join((ref.system, ref.entity, ref.id))
    return hashlib.blake2b(text.encode(), digest_size=16, person=b"bridge forgotten").hexdigest()


AMONG = Prepared(select(forgotten.c.hash).where(listed(forgotten.c.hash, "hashes")))


def forgotten_among(conn: Connection, refs: Collection[RecordRef]) -> set[RecordRef]:
    """Those of these records that are forgotten, inside the caller's transaction."""
    hashes = {fingerprint(ref): ref for ref in refs}
    found: set[RecordRef] = set()
    for some in chunks(sorted(hashes)):
        found |= {hashes[one] for (one,) in AMONG.rows(conn, {"hashes": some})}
    return found


# ---- For the rest of the bridge ----


class Records:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def known(self, refs: Iterable[RecordRef]) -> dict[RecordRef, KnownRecord]:
        """Rows of the records among `refs` that are known at all."""

        return await self._database.read(lambda conn: known_records(conn, refs))

    async def linked_sample(
        self, scope: Scope, side: Side, limit: int = 3, exclude: Collection[str] = ()
    ) -> list[RecordRef]:
        """Records of other live links of the mapping, newest links first, for the canary read before a delete."""
        column = links.c[side.value]
        query = (
            select(column)
            .where(links.c.mapping == scope.mapping, links.c.state == LinkState.LIVE.value, column.is_not(None))
            .where(column.not_in(list(exclude)), links.c[f"gone_{side.value}"].is_(None))
            .order_by(links.c.id.desc())
            .limit(limit)
        )

        def work(conn: Connection) -> list[RecordRef]:
            return [scope.endpoint(side).ref(record_id) for record_id in (conn.execute(query)).scalars()]

        return await self._database.read(work)

    async def note(self, notes: Sequence[RecordNote] = (), keys: Sequence[KeyNote] = ()) -> None:
        """Store facts from outside a claim or a sweep. Raises Unstorable if an id cannot be stored."""
        require_storable(of_notes(notes, keys))

        def work(conn: Connection) -> None:
            (seq,) = self._database.next_seqs(conn, 1)
            note_records(self._database, conn, notes, seq)
            note_keys(self._database, conn, keys)

        await self._database.write("note", work)

    async def note_merge(self, loser: RecordRef, survivor: str) -> None:
        """Store that a record was merged, as a connector's answer said. Raises Unstorable if an id cannot be stored."""
        named = f"{loser.system} {loser.entity}"
        require_storable([(f"the id of a {named}", loser.id), (f"the id of the {named} that survived", survivor)])

        def work(conn: Connection) -> None:
            (seq,) = self._database.next_seqs(conn, 1)
            note_merges(self._database, conn, [(loser, survivor)], seq)

        await self._database.write("merge", work)

    async def forget_merge(self, loser: RecordRef) -> None:
        """Delete what is stored about a merge, because the record that was merged away exists again."""
        gone = delete(merges).where(has_key(merges, [ref_tuple(loser)]))
        await self._database.write("merge", lambda conn: conn.execute(gone))


# ---- References to records that are not linked ----


CHILD = (unlinked_refs.c.mapping, unlinked_refs.c.side, unlinked_refs.c.rec)
PARENT = (unlinked_refs.c.parent_mapping, unlinked_refs.c.parent_side, unlinked_refs.c.parent_rec)
FORGET = Prepared(delete(unlinked_refs).where(among(CHILD)))
CHILDREN = Prepared(select(*CHILD).where(among(PARENT)))
NAMED_BY = select(unlinked_refs).where(among(CHILD)).order_by(*unlinked_refs.primary_key.columns)


def note_unlinked(conn: Connection, noted: Mapping[TaskKey, Sequence[TaskKey]]) -> None:
    """Replace the entries of these tasks: the unlinked records that they name."""
    for some in chunks(sorted(task_tuple(key) for key in noted)):
        FORGET.run(conn, {"keys": some})
    names = [column.name for column in unlinked_refs.columns]
    pairs = sorted({(*task_tuple(child), *task_tuple(one)) for child, parents in noted.items() for one in parents})
    if pairs:
        conn.execute(insert(unlinked_refs), [dict(zip(names, pair, strict=True)) for pair in pairs])


def mark_children(database: Database, conn: Connection, linked: Iterable[TaskKey], now: float) -> None:
    """Make the records due that were written without a reference to one of these records."""
    children: set[TaskKey] = set()
    for some in chunks(sorted(task_tuple(key) for key in linked)):
        rows = CHILDREN.rows(conn, {"keys": some})
        children.update(TaskKey(mapping, Side(side), record_id) for mapping, side, record_id in rows)
    ordered = sorted(children, key=task_tuple)
    seqs = database.next_seqs(conn, len(ordered))
    why = "a record it names was linked"
    mark_due(
        database, conn, [Mark(key, Lane.LIVE, now, seq, reason=why) for key, seq in zip(ordered, seqs, strict=True)]
    )


class Overdue(NamedTuple):
    """References from records of `mapping` to records of `parent_mapping` that should exist. `child`: one of these."""

    mapping: str
    parent_mapping: str
    number: int
    child: TaskKey


class UnlinkedReferences:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def overdue(self) -> list[Overdue]:
        """References of linked records that were not written, without a decision to leave them out.

        References to a filtered or deleted record do not count, because it has no counterpart. Nor do those to one that
        is due or waits.
        """

        def work(conn: Connection) -> list[Overdue]:
            found = [
                Overdue(mapping, parent, int(number), TaskKey(mapping, side, record_id))
                for side in SIDES
                for mapping, parent, number, record_id in conn.execute(OVERDUE[side])
            ]
            return sorted(found, key=lambda one: (one.mapping, one.parent_mapping, one.child.side.value))

        return await self._database.read(work)

    async def of(self, child: TaskKey) -> list[TaskKey]:
        """The records this one refers to that were not linked when it was last processed."""

        def work(conn: Connection) -> list[TaskKey]:
            rows = conn.execute(NAMED_BY, {"keys": [task_tuple(child)]}).mappings()
            return [TaskKey(row["parent_mapping"], Side(row["parent_side"]), row["parent_rec"]) for row in rows]

        return await self._database.read(work)


PARENT_TASK = and_(
    tasks.c.mapping == unlinked_refs.c.parent_mapping,
    tasks.c.side == unlinked_refs.c.parent_side,
    tasks.c.rec == unlinked_refs.c.parent_rec,
)
NOT_DECIDED = and_(
    tasks.c.due.is_(None),
    or_(tasks.c.state == TaskState.DEAD.value, tasks.c.outcome.is_(None), tasks.c.outcome != Outcome.FILTERED.value),
)


ENDED = links.alias("ended")
PARENT_ENDED = exists().where(
    ENDED.c.mapping == unlinked_refs.c.parent_mapping,
    ENDED.c.state == LinkState.TOMBSTONE.value,
    or_(
        *(
            and_(unlinked_refs.c.parent_side == side.value, ENDED.c[side.value] == unlinked_refs.c.parent_rec)
            for side in SIDES
        )
    ),
)
"""The record that is named, or its counterpart, was deleted."""


def _overdue(side: Side) -> Select[Any]:
    """Select the overdue references of one side. A query of both sides would read all links."""
    linked = and_(
        links.c.mapping == unlinked_refs.c.mapping,
        links.c.state == LinkState.LIVE.value,
        links.c[side.value] == unlinked_refs.c.rec,
    )
    pair = (unlinked_refs.c.mapping, unlinked_refs.c.parent_mapping)
    query = select(*pair, func.count(), func.min(unlinked_refs.c.rec)).where(unlinked_refs.c.side == side.value)
    query = query.join(links, linked).outerjoin(tasks, PARENT_TASK)
    return query.where(or_(tasks.c.rec.is_(None), NOT_DECIDED), ~PARENT_ENDED).group_by(*pair)


OVERDUE = {side: _overdue(side) for side in SIDES}
