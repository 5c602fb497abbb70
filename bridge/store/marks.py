"""Making tasks due, inside the caller's transaction. Intake, waits, wakes and sweeps all use the same upsert."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, func, null, or_, select, update

from bridge.domain.event import Lane
from bridge.domain.record import Side
from bridge.domain.seams import TRUSTED_SKEW_SECONDS
from bridge.store.database import Database
from bridge.store.model import LONGEST_QUIET, TaskKey, TaskState
from bridge.store.statements import (
    BOTH_SIDES,
    INSTRUCTED,
    Prepared,
    Row,
    among,
    chunks,
    has_key,
    keyed,
    task_tuple,
    upsert,
)
from bridge.store.tables import Real, record_keys, tasks


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
