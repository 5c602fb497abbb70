"""What happens to tasks inside the caller's transaction: they are made due, locked, woken, and leased to a claim.

Intake, waits, wakes and sweeps make tasks due by the same upsert. A claim may write only while all its leases still
have its fence number. Whole transactions are in `claims` and `finish`.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Delete, and_, bindparam, case, delete, func, null, or_, select, tuple_, update

from bridge.domain.errors import LeaseLost
from bridge.domain.event import Lane
from bridge.domain.record import RecordRef, Side
from bridge.domain.seams import TRUSTED_SKEW_SECONDS
from bridge.store.database import Database
from bridge.store.model import LONGEST_QUIET, Claim, TaskKey, TaskState
from bridge.store.statements import (
    BOTH_SIDES,
    INSTRUCTED,
    Prepared,
    Row,
    among,
    chunks,
    has_key,
    keyed,
    listed,
    ref_tuple,
    task_tuple,
    upsert,
)
from bridge.store.tables import Real, leases, record_keys, records, tasks

# ---- Making tasks due ----


@dataclass(slots=True)
class Mark:
    """Makes a task due. `events`: new pending events; 0 makes it due without an event, and revives no dead letter.

    `both_sides`: both records must be read; after a callback about its own record, that one alone is enough. `run`: the
    sweep, backfill or undo that makes it due. `event`: the event of another record that makes this one due; an event of
    its own has the number `generation`. `since`: when the change was first known; None: when it is due. `quiet`:
    seconds that it waits for further edits, each of which puts it off again; `code` then says so.
    """

    key: TaskKey
    lane: Lane
    due: float
    generation: int
    events: int = 0
    kinds: int = 0
    source_at: float | None = None
    reason: str = ""
    both_sides: bool = True
    instructed: bool = False
    run: str | None = None
    since: float | None = None
    quiet: float = 0.0
    code: str | None = None
    event: int | None = None


HORIZON = bindparam("horizon", type_=Real)
"""The latest time of a vendor that is accepted. A later time, from an older version, is replaced."""


LONGEST = bindparam("longest", type_=Real)
"""How long after the first edit a record is synced even if more edits follow; 0: more edits do not delay it."""


def horizon(now: float) -> dict[str, float]:
    """The value of `HORIZON`, for the rows of a statement that names it."""
    return {"horizon": now + TRUSTED_SKEW_SECONDS}


def mark_due(database: Database, conn: Connection, marks: Iterable[Mark]) -> None:
    """Insert or revive task rows, in key order. Each mark's `generation` is new, so that a running claim sees it."""
    latest = horizon(database.now())
    rows = [mark_row(mark, latest) for mark in sorted(marks, key=lambda mark: task_tuple(mark.key))]
    if rows:
        _mark(database.sqlite).run_many(conn, rows)


def mark_row(mark: Mark, latest: Mapping[str, float]) -> dict[str, Any]:
    """The values of a statement that makes a task due (`due`). `latest`: the value of `HORIZON`."""
    return {
        **latest,
        "mapping": mark.key.mapping,
        "side": mark.key.side.value,
        "rec": mark.key.record_id,
        "state": TaskState.WAITING.value if mark.code else TaskState.DUE.value,
        "longest": LONGEST_QUIET * mark.quiet,
        "lane": mark.lane.value,
        "due": mark.due,
        "gen": mark.generation,
        "pending": mark.events,
        "kinds": mark.kinds | (BOTH_SIDES if mark.both_sides else 0) | (INSTRUCTED if mark.instructed else 0),
        "run": mark.run,
        "event": mark.generation if mark.events else mark.event,
        "source_at": mark.source_at,
        "first_due": mark.due if mark.since is None else mark.since,
        "reason": mark.reason,
        "code": mark.code,
        **EMPTY,
    }


EMPTY = {"done_gen": 0, "taken": 0, "attempts": 0, "kinds_taken": 0}


@cache
def _mark(is_sqlite: bool) -> Prepared:
    return Prepared(due(upsert(is_sqlite, tasks)))


def due(insert: Any) -> Any:
    """Let an insert of tasks make those due that exist."""
    new, old = insert.excluded, tasks.c
    asleep = and_(old.state == TaskState.DEAD.value, new.pending == 0)
    revived = and_(old.state == TaskState.DEAD.value, new.pending > 0)
    newer = case(
        (or_(old.source_at.is_(None), old.source_at > HORIZON), new.source_at),
        (new.source_at.is_(None), old.source_at),
        (new.source_at > old.source_at, new.source_at),
        else_=old.source_at,
    )
    at_work = and_(LONGEST > 0, old.taken > 0)  # the running claim may or may not show the edit
    # The quiet time begins now if the task was not due, or waited for something else.
    begins = or_(old.due.is_(None), and_(LONGEST > 0, old.code.is_distinct_from(new.code)))
    edited_on, at_last = and_(LONGEST > 0, old.code == new.code), old.first_due + LONGEST
    return insert.on_conflict_do_update(
        index_elements=["mapping", "side", "rec"],
        set_={
            "state": case((asleep, old.state), else_=new.state),
            "lane": case((old.due.is_(None), new.lane), (new.lane < old.lane, new.lane), else_=old.lane),
            "due": case(
                (asleep, null()),
                (or_(old.due.is_(None), at_work), new.due),
                (and_(edited_on, new.due > at_last), at_last),
                (or_(edited_on, new.due < old.due), new.due),
                else_=old.due,
            ),
            "gen": new.gen,
            "pending": old.pending + new.pending,
            "attempts": case((revived, 0), else_=old.attempts),
            **{name: case((asleep, old[name]), else_=null()) for name in ("wait_mapping", "wait_side", "wait_rec")},
            "reason": case((asleep, old.reason), else_=new.reason),
            "code": case((asleep, old.code), else_=new.code),
            "source_at": newer,
            "first_due": case((begins, new.first_due), else_=old.first_due),
            "kinds": old.kinds.op("|")(new.kinds),
            "run": case((old.due.is_(None), new.run), else_=func.coalesce(old.run, new.run)),
            "event": case((old.due.is_(None), new.event), else_=func.coalesce(new.event, old.event)),
        },
    )


# ---- Locking tasks ----


LOCK_TASKS = Prepared(select(tasks).where(keyed(tasks)).order_by(*tasks.primary_key.columns).with_for_update())


def lock_tasks(conn: Connection, keys: Iterable[TaskKey]) -> dict[TaskKey, Row]:
    """Lock task rows in key order, and return them as they are now; absent ones are left out."""
    found: dict[TaskKey, Row] = {}
    wanted = {task_tuple(key): key for key in keys}
    for some in chunks(sorted(wanted)):
        for row in LOCK_TASKS.mappings(conn, {"keys": some}):
            found[wanted[row["mapping"], row["side"], row["rec"]]] = row
    return found


def save_decided(database: Database, conn: Connection, decided: Sequence[tuple[TaskKey, str]]) -> None:
    """Store on which row "nothing to do" was decided, without making anything due."""
    rows = [
        {
            **dict(zip(("mapping", "side", "rec"), task_tuple(key), strict=True)),
            "state": TaskState.IDLE.value,
            "lane": Lane.BACKFILL.value,
            "gen": 0,
            "pending": 0,
            "kinds": 0,
            "reason": "",
            "first_due": 0.0,
            "decided_hash": row_hash,
            **EMPTY,
        }
        for key, row_hash in sorted(decided, key=lambda entry: task_tuple(entry[0]))
    ]
    if rows:
        insert = upsert(database.sqlite, tasks)
        kept = insert.on_conflict_do_update(
            index_elements=["mapping", "side", "rec"], set_={"decided_hash": insert.excluded.decided_hash}
        )
        conn.execute(kept, rows)


# ---- Waking tasks that wait for another ----


WAITING_FOR = Prepared(
    select(*tasks.primary_key.columns, tasks.c.state, tasks.c.wait_mapping, tasks.c.wait_side, tasks.c.wait_rec)
    .where(among((tasks.c.wait_mapping, tasks.c.wait_side, tasks.c.wait_rec)), tasks.c.wait_rec.is_not(None))
    .order_by(*tasks.primary_key.columns)
    .with_for_update()
)


OWNER = (record_keys.c.mapping, record_keys.c.side, record_keys.c.rec)
SHOWN_KEYS = Prepared(select(*OWNER, record_keys.c.hash).where(among(OWNER, "owners")))
"""The match keys that records showed last, each with its owner."""


def wake_waiting(
    database: Database,
    conn: Connection,
    finished: Iterable[TaskKey],
    now: float,
    shown: Mapping[TaskKey, Collection[str]],
) -> bool:
    """Make tasks that wait for one of these due now. Their generation changes, so a running claim stays due as well.

    A waiting dead letter is processed again as well, because the end of its wait may resolve it. This is not done if
    the awaited record still shows (`shown`) the same match key as the dead letter's record, because there may be
    thousands of those.
    """
    woken: dict[tuple[str, str, str], None] = {}
    dead: dict[tuple[str, str, str], Collection[str]] = {}
    for some in chunks(sorted({task_tuple(key) for key in finished})):
        for mapping, side, record_id, state, *waits in WAITING_FOR.rows(conn, {"keys": some}):
            woken[mapping, side, record_id] = None
            if state == TaskState.DEAD.value:
                dead[mapping, side, record_id] = shown.get(TaskKey(waits[0], Side(waits[1]), waits[2]), ())
    for some in chunks(sorted(one for one, keys in dead.items() if keys)):
        for mapping, side, record_id, key in SHOWN_KEYS.rows(conn, {"owners": some}):
            if key in dead[mapping, side, record_id]:
                woken.pop((mapping, side, record_id), None)
    if not woken:
        return False
    seqs = database.next_seqs(conn, len(woken))
    for key, seq in zip(sorted(woken), seqs, strict=True):
        conn.execute(update(tasks).where(has_key(tasks, [key])).values(gen=seq, **awake(now)))
    return True


def awake(now: float) -> dict[str, Any]:
    """The columns of a task that no longer waits. A dead letter starts again without its attempts."""
    dead = tasks.c.state == TaskState.DEAD.value
    return {
        "wait_mapping": None,
        "wait_side": None,
        "wait_rec": None,
        "due": now,
        "state": TaskState.DUE.value,
        "attempts": case((dead, 0), else_=tasks.c.attempts),
        "first_due": case((dead, now), else_=tasks.c.first_due),
    }


# ---- Leases and fences ----


MARGIN = 5.0
"""Seconds that another instance waits after a lease has expired before it takes it over."""


LOCK_LEASES = Prepared(
    select(leases).where(listed(leases.c.fence, "fences")).order_by(*leases.primary_key.columns).with_for_update()
)


LOCK_LEASES_REPORTED = Prepared(
    select(leases, records.c.told_at)
    .outerjoin(records, and_(*(leases.c[name] == records.c[name] for name in ("system", "entity", "rec"))))
    .where(listed(leases.c.fence, "fences"))
    .order_by(*leases.primary_key.columns)
    .with_for_update(of=leases)
)


def fences_held(conn: Connection, claims: Sequence[Claim]) -> set[int]:
    """Lock the claims' leases in key order. Return the fences under which every leased record is still held."""
    return _whole(_leased(conn, LOCK_LEASES, claims), claims)


def fences_and_reports(conn: Connection, claims: Sequence[Claim]) -> tuple[set[int], dict[RecordRef, float]]:
    """`fences_held`, and when a callback last reported each leased record without its version."""
    rows = _leased(conn, LOCK_LEASES_REPORTED, claims)
    told = {RecordRef(*_key(row)): row["told_at"] for row in rows if row["told_at"] is not None}
    return _whole(rows, claims), told


LEASED = Prepared(
    select(*leases.primary_key.columns).where(keyed(leases), leases.c.expires > bindparam("now", type_=Real))
)


def leased_now(conn: Connection, refs: Iterable[RecordRef], now: float) -> set[RecordRef]:
    """Which of these records some worker holds."""
    found: set[RecordRef] = set()
    for some in chunks(sorted({ref_tuple(ref) for ref in refs})):
        found |= {RecordRef(*_key(row)) for row in LEASED.mappings(conn, {"keys": some, "now": now})}
    return found


def _leased(conn: Connection, statement: Prepared, claims: Sequence[Claim]) -> Sequence[Row]:
    return statement.mappings(conn, {"fences": sorted({claim.fence for claim in claims})})


def _key(row: Row) -> tuple[str, str, str]:
    return row["system"], row["entity"], row["rec"]


def _whole(rows: Iterable[Row], claims: Sequence[Claim]) -> set[int]:
    """Return the fences of claims for which these rows contain every leased record."""
    held: defaultdict[int, set[tuple[str, str, str]]] = defaultdict(set)
    for row in rows:
        held[row["fence"]].add(_key(row))
    return {claim.fence for claim in claims if {ref_tuple(ref) for ref in claim.leased} <= held[claim.fence]}


def require_fence(conn: Connection, claim: Claim) -> None:
    """Raises LeaseLost unless the claim's leases are all still its own; locks them until the transaction ends."""
    if claim.fence not in fences_held(conn, [claim]):
        raise LeaseLost(f"{claim.key.mapping} {claim.key.record_id}: another worker has taken the record over")


def free_for(row: Row, holder: str, now: float) -> bool:
    """Whether `holder` may take this lease over."""
    margin = 0.0 if row["holder"] == holder else MARGIN
    return bool(row["expires"] + margin <= now)


def take(
    database: Database, conn: Connection, wanted: Iterable[tuple[RecordRef, int]], now: float, expires: float
) -> set[tuple[RecordRef, int]]:
    """Lease records in key order, each under its fence. Return those that were free, or already under that fence."""
    rows = [
        {
            "system": ref.system,
            "entity": ref.entity,
            "rec": ref.id,
            "fence": fence,
            "holder": database.seams.instance,
            "expires": expires,
            "now": now,
        }
        for ref, fence in sorted(wanted)
    ]
    if not rows:
        return set()
    returned = _taking(database.sqlite).rows_of_many(conn, rows)
    return {(RecordRef(system, entity, record_id), fence) for system, entity, record_id, fence in returned}


@cache
def _taking(is_sqlite: bool) -> Prepared:
    insert = upsert(is_sqlite, leases)
    new, now = insert.excluded, bindparam("now", type_=Real)
    ended = or_(
        and_(leases.c.holder == new.holder, leases.c.expires <= now),
        leases.c.expires <= now - MARGIN,
        leases.c.fence == new.fence,
    )
    set_ = {name: new[name] for name in ("fence", "holder", "expires")}
    taken = insert.on_conflict_do_update(index_elements=["system", "entity", "rec"], set_=set_, where=ended)
    return Prepared(taken.returning(leases.c.system, leases.c.entity, leases.c.rec, leases.c.fence))


GIVE_BACK = Prepared(
    delete(leases)
    .where(
        tuple_(*leases.primary_key.columns).in_(
            select(*leases.primary_key.columns)
            .where(listed(leases.c.fence, "fences"))
            .order_by(*leases.primary_key.columns)
            .with_for_update()
        )
    )
    .returning(leases.c.fence, leases.c.system, leases.c.entity, leases.c.rec)
)


def give_back_held(conn: Connection, claims: Sequence[Claim]) -> set[int]:
    """Delete these claims' leases in key order. Return the fences under which every record was still held.

    The records stay locked until this transaction ends.
    """
    return _whole(_leased(conn, GIVE_BACK, claims), claims)


def giving_back(fences: Iterable[int]) -> Delete:
    return delete(leases).where(leases.c.fence.in_(sorted(fences)))
