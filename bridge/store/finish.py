"""Finishing claims: the outcome, links and everything gathered in one transaction, under the claim's fence."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.exc import IntegrityError

from bridge.domain.errors import LeaseLost
from bridge.domain.event import Lane
from bridge.domain.record import SIDES, storable
from bridge.store.database import Batcher, Database, Wake
from bridge.store.journal import count, write_journal
from bridge.store.links import linked_meanwhile, links_of, lock_links, store_created_id, write_links
from bridge.store.model import (
    Claim,
    Completion,
    Link,
    LinkState,
    LinkTaken,
    Mode,
    Move,
    Outcome,
    Task,
    TaskKey,
    TaskState,
    of_completion,
    of_tasks,
    require_storable,
)
from bridge.store.moves import KEEPING, Kind
from bridge.store.records import mark_children, note_keys, note_records, note_unlinked
from bridge.store.requests import fulfil
from bridge.store.statements import BOTH_SIDES, INSTRUCTED, Prepared, Row, listed, task_tuple
from bridge.store.tables import mappings, tasks
from bridge.store.tasks import Mark, give_back_held, lock_tasks, mark_due, require_fence, wake_waiting

BATCH = 64
QUEUE = 10_000
KEPT = (Outcome.WAITING, Outcome.DEAD)
RUNNING = Prepared(
    select(mappings.c.name, mappings.c.fingerprint)
    .where(listed(mappings.c.name, "names"), mappings.c.mode == Mode.LIVE.value)
    .order_by(mappings.c.name)
    .with_for_update(read=True)
)
COLUMNS = (
    "state",
    "lane",
    "due",
    "done_gen",
    "pending",
    "taken",
    "attempts",
    "wait_mapping",
    "wait_side",
    "wait_rec",
    "reason",
    "source_at",
    "first_due",
    "kinds",
    "kinds_taken",
    "decided_hash",
    "stale_since",
    "gone_since",
    "outcome",
    "code",
    "retried",
)


class Finishing:
    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake
        self._batcher: Batcher[Completion, bool] = Batcher(self.finish, BATCH, QUEUE, database.seams.clock)

    async def close(self) -> None:
        await self._batcher.close()

    async def submit(self, completion: Completion, within: float = 0.0) -> None:
        """Finish a claim, together with others that end in the next `within` seconds. Raises LeaseLost, LinkTaken,
        Unstorable for this one alone."""
        require_storable(of_completion(completion))
        if not await self._batcher.submit(completion, within):
            key = completion.claim.key
            raise LeaseLost(f"{key.mapping} {key.record_id}: another worker has taken the record over")

    async def finish(self, completions: Sequence[Completion]) -> list[bool]:
        """Finish claims in one transaction; False for those that lost their fence: of them only new ids are stored.

        Raises LinkTaken, with nothing written, if a link would name a record that another link names.
        """
        for completion in completions:
            if completion.outcome is Outcome.WAITING and completion.due is None:
                raise ValueError(f"{completion.claim.key}: nothing waits without a time at which it is looked at again")
        try:
            held = await self._database.write("finish", lambda conn: Booking(self._database, conn).finish(completions))
        except IntegrityError as error:
            raise LinkTaken(f"a record is already linked: {error.orig}") from error
        self._wake.set()
        return held

    async def wait_for(self, claim: Claim, parent: TaskKey) -> Link | None:
        """Make the parent due, then look for its link: returned if live or frozen, otherwise the task waits.

        Both rows are locked in key order, so that a parent that finishes meanwhile is seen here, or sees the wait.
        Raises LeaseLost, and Unstorable if the parent's id cannot be stored.
        """
        require_storable(of_tasks((parent,)))

        def work(conn: Connection) -> Link | None:
            now = self._database.now()
            rows = lock_tasks(conn, [claim.key, parent])
            require_fence(conn, claim)
            lane = Lane(rows[claim.key]["lane"]) if claim.key in rows else Lane.LIVE
            (seq,) = self._database.next_seqs(conn, 1)
            mark_due(
                self._database,
                conn,
                [
                    Mark(
                        parent,
                        lane,
                        now,
                        seq,
                        reason="another record waits for it",
                        run=claim.run,
                        event=claim.event,
                    )
                ],
            )
            link = links_of(conn, [parent]).get(parent)
            self._database.notify(conn)
            if link is not None and link.state is not LinkState.INTENDED:
                return link
            child = update(tasks).where(*_is_task(claim.key))
            conn.execute(
                child.values(wait_mapping=parent.mapping, wait_side=parent.side.value, wait_rec=parent.record_id)
            )
            return None

        found = await self._database.write("wait_for", work)
        self._wake.set()
        return found


class Booking:
    """One finishing transaction, in the fixed order of tables."""

    def __init__(self, database: Database, conn: Connection) -> None:
        self._database = database
        self._conn = conn
        self._now = database.now()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._running: dict[str, str] = {}  # mapping -> fingerprint of its live definition

    def finish(self, completions: Sequence[Completion]) -> list[bool]:
        self._learn_running({one.claim.key.mapping for one in completions if one.outcome is Outcome.FILTERED})
        rows = lock_tasks(self._conn, {key for one in completions for key in _locked(one)})
        held = give_back_held(self._conn, [one.claim for one in completions])
        mine = [one for one in completions if one.claim.fence in held]
        self._book(mine, rows)
        moves: defaultdict[str, list[Move]] = defaultdict(list)
        for one in mine:
            moves[one.claim.key.mapping] += one.links
        before = lock_links(self._conn, [move.id for some in moves.values() for move in some if move.id is not None])
        linked = write_links(self._database, self._conn, moves, before)
        woken = {key for one in mine if one.outcome is not Outcome.WAITING for key in _looked_at(one)} | linked
        for one in completions:
            if one.claim.fence not in held:
                self._keep_created_ids(one)
        self._mark(mine)
        noted = {child: parents for one in mine for child, parents in one.unlinked.items()}
        note_unlinked(self._conn, noted)
        linked |= linked_meanwhile(self._conn, {parent for parents in noted.values() for parent in parents})
        if linked:
            mark_children(self._database, self._conn, linked, self._now)
        if woken:
            wake_waiting(self._database, self._conn, woken, self._now, _shown_keys(mine))
        self._note(mine)
        self._database.notify(self._conn)
        return [one.claim.fence in held for one in completions]

    def _learn_running(self, names: set[str]) -> None:
        """Read and lock the live definitions of these mappings until this transaction ends."""
        if names:
            self._running = dict(map(tuple, RUNNING.rows(self._conn, {"names": sorted(names)})))

    def _decided(self, one: Completion) -> bool:
        """Whether the outcome is that of the mapping's present definition.

        An outcome of shadow mode is not, nor is that of a claim that began before the mapping was changed.
        """
        scope = one.claim.scope
        running = self._running.get(scope.mapping) == scope.fingerprint
        return one.outcome is not Outcome.FILTERED or (scope.mode is Mode.LIVE and running)

    def _book(self, completions: Sequence[Completion], rows: dict[TaskKey, Row]) -> None:
        changed: list[dict[str, Any]] = []
        for one in completions:
            booked = 0
            for task in one.claim.tasks:
                row = rows[task.key]
                new = _booked(one, task, row, self._now)
                if one.outcome not in KEPT:
                    new["outcome"] = one.outcome.value if self._decided(one) else None
                booked += row["pending"] - new["pending"]
                changed.append({f"new_{name}": new[name] for name in COLUMNS} | _key_parameters(task.key))
            if booked:
                self._counts[one.claim.key.mapping, one.outcome.value] += 1
                self._counts[one.claim.key.mapping, "coalesced"] += booked - 1
        if changed:
            changed.sort(key=lambda row: (row["key_mapping"], row["key_side"], row["key_rec"]))
            UPDATE.run_many(self._conn, changed)

    def _keep_created_ids(self, one: Completion) -> None:
        for write in one.links:
            if write.id is None or write.values.get("state") != LinkState.LIVE:
                continue
            for side in SIDES:
                record_id = write.values.get(side.value)
                if record_id is not None:
                    store_created_id(self._database, self._conn, write.id, side, record_id)

    def _mark(self, completions: Sequence[Completion]) -> None:
        lanes: dict[TaskKey, Lane] = {}
        causes: dict[TaskKey, Claim] = {}
        for one in completions:
            further = () if one.outcome in KEPT else _unfulfilled(one)
            for key in (*one.mark, *further):
                lanes[key] = min(lanes.get(key, Lane.BACKFILL), one.claim.tasks[0].lane)
                causes[key] = one.claim
        seqs = self._database.next_seqs(self._conn, len(lanes))
        ordered = sorted(lanes, key=task_tuple)
        marks = [
            Mark(key, lanes[key], self._now, seq, run=causes[key].run, event=causes[key].event)
            for key, seq in zip(ordered, seqs, strict=True)
        ]
        mark_due(self._database, self._conn, marks)

    def _note(self, completions: Sequence[Completion]) -> None:
        notes = [note for one in completions for note in one.records]
        known = {ref: row.first_seq for one in completions for ref, row in one.claim.known.items() if row is not None}
        unknown = any(note.ref not in known for note in notes)
        seq = self._database.next_seqs(self._conn, 1)[0] if unknown else 0
        note_records(self._database, self._conn, notes, seq, known=known)
        note_keys(self._database, self._conn, [note for one in completions for note in one.keys])
        if fulfilled := [one.fulfilled for one in completions if one.fulfilled is not None]:
            fulfil(self._conn, fulfilled)
        write_journal(self._conn, [entry for one in completions for entry in one.journal], self._now)
        count(self._database, self._conn, self._counts)


def _unfulfilled(one: Completion) -> list[TaskKey]:
    """Return the claim's records that have an instruction which is still to be carried out."""
    ended = one.fulfilled.key if one.fulfilled is not None else None
    return [task.key for task in one.claim.tasks if task.instructed and task.key != ended]


def _looked_at(one: Completion) -> set[TaskKey]:
    """Return the records that the claim was about, and those of its pair that it read or wrote."""
    claim, known = one.claim, {note.ref for note in one.records}
    looked_at = {task.key for task in claim.tasks}
    if claim.link is not None:
        pair = [(side, record_id) for side in SIDES if (record_id := claim.link.record_id(side)) is not None]
        seen = [(side, record_id) for side, record_id in pair if claim.scope.endpoint(side).ref(record_id) in known]
        looked_at |= {TaskKey(claim.key.mapping, side, record_id) for side, record_id in seen}
    return looked_at


def _shown_keys(completions: Sequence[Completion]) -> dict[TaskKey, tuple[str, ...]]:
    """Return the match keys that records showed, for claims that did not change which records are linked."""
    same = [one for one in completions if all(move.kind in KEEPING and move.kind != Kind.FOLLOW for move in one.links)]
    return {TaskKey(note.mapping, note.side, note.record_id): tuple(note.hashes) for one in same for note in one.keys}


def _locked(one: Completion) -> set[TaskKey]:
    """Return the tasks to lock: the claim's own, those of records it links, and of unlinked records that it refers to.

    So if one claim links a record and another notes it as not linked at the same time, the later one sees both.
    """
    mapping, link = one.claim.key.mapping, one.claim.link
    record_ids = {(side, write.values.get(side.value)) for write in one.links for side in SIDES}
    record_ids |= {(side, link.record_id(side)) for side in SIDES if link is not None and one.links}
    touched = {TaskKey(mapping, side, record_id) for side, record_id in record_ids if record_id is not None}
    named = {parent for parents in one.unlinked.values() for parent in parents}
    return {task.key for task in one.claim.tasks} | touched | named


def _booked(one: Completion, task: Task, row: Row, now: float) -> dict[str, Any]:
    """Return the task's row after its claim. If its generation changed, it is due now, whatever the outcome."""
    moved = row["gen"] != task.generation
    kept = one.outcome in KEPT
    picked = task.key == one.claim.key
    quiet = moved and row["state"] == TaskState.WAITING.value and row["due"] is not None and row["due"] > now
    new: dict[str, Any] = {name: row[name] for name in COLUMNS}
    new.update(taken=0, reason=storable(one.reason), done_gen=task.generation, **_state(one, moved, picked, now))
    if quiet:  # it was edited meanwhile, and waits for its quiet time
        new.update(state=row["state"], due=row["due"], reason=row["reason"])
    new.update(
        code=row["code"] if quiet else one.code or None, retried=bool(row["retried"]) and one.outcome is Outcome.WAITING
    )
    if new["due"] is not None and moved:
        new.update(first_due=row["first_due"] if kept else now)
    if picked:
        new.update(decided_hash=one.decided_hash, stale_since=one.stale_since, gone_since=one.gone_since)
    again = BOTH_SIDES if (kept or (picked and one.due is not None)) and not one.narrow else 0
    again |= INSTRUCTED if task.key in _unfulfilled(one) else 0
    if kept:
        back = one.outcome is Outcome.WAITING and not one.attempt
        new["attempts"] = max(0, row["attempts"] - 1) if back else row["attempts"]
        if row["state"] == TaskState.DEAD.value or (one.outcome is Outcome.DEAD and moved):
            new["attempts"] = 0
        taken = row["kinds_taken"] & ~INSTRUCTED
        new.update(kinds=row["kinds"] | taken | again, kinds_taken=0)
        return new
    new.update(
        attempts=0,
        kinds=row["kinds"] | again,
        kinds_taken=0,
        pending=row["pending"] - min(row["taken"], row["pending"]),
    )
    if not moved:
        new.update(source_at=None, first_due=new["due"] or now)
    return new


def _state(one: Completion, moved: bool, picked: bool, now: float) -> dict[str, Any]:
    wait: dict[str, str | None] = {"wait_mapping": None, "wait_side": None, "wait_rec": None}
    if moved:
        return {**wait, "state": TaskState.DUE.value, "due": now}
    if one.waits_for is not None and one.outcome in KEPT:
        wait = dict(zip(wait, task_tuple(one.waits_for), strict=True))
    if one.outcome is Outcome.DEAD:
        return {**wait, "state": TaskState.DEAD.value, "due": None}
    if one.outcome is Outcome.WAITING:
        return {**wait, "state": TaskState.WAITING.value, "due": one.due}
    if one.due is not None and picked:
        return {**wait, "state": TaskState.DUE.value, "due": one.due}
    return {**wait, "state": TaskState.IDLE.value, "due": None}


def _is_task(key: TaskKey) -> tuple[Any, ...]:
    return (tasks.c.mapping == key.mapping, tasks.c.side == key.side.value, tasks.c.rec == key.record_id)


def _key_parameters(key: TaskKey) -> dict[str, str]:
    return {"key_mapping": key.mapping, "key_side": key.side.value, "key_rec": key.record_id}


UPDATE = Prepared(
    update(tasks)
    .where(
        tasks.c.mapping == bindparam("key_mapping"),
        tasks.c.side == bindparam("key_side"),
        tasks.c.rec == bindparam("key_rec"),
    )
    .values({tasks.c[name]: bindparam(f"new_{name}") for name in COLUMNS})
)
