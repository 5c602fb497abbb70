"""A person's instructions about records. Each is kept until a claim has carried it out or refused it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, func, select, update

from bridge.domain.event import Event, EventKind, Origin
from bridge.domain.late import late
from bridge.domain.record import Side
from bridge.store.database import Database, Wake
from bridge.store.model import Fulfilled, Instruction, Route, Routes, Scope, TaskKey
from bridge.store.statements import Prepared, Row, chunks, has_key, keyed, task_key, task_tuple, upsert
from bridge.store.tables import instructions, journal
from bridge.store.tasks import lock_tasks

GIVEN_TOGETHER = 200
INTAKE = ("bridge.store.events", "Intake")
"""Imported when an instruction is given: commands that only read start without it."""
OF_KEYS = Prepared(select(instructions).where(keyed(instructions)))


def instructions_of(conn: Connection, keys: Iterable[TaskKey]) -> dict[TaskKey, Instruction]:
    """Return by record the instruction that is still to be carried out."""
    found: dict[TaskKey, Instruction] = {}
    for some in chunks(sorted({task_tuple(key) for key in keys})):
        for row in OF_KEYS.mappings(conn, {"keys": some}):
            found[task_key(row)] = _instruction(row)
    return found


def fulfil(conn: Connection, ended: Sequence[Fulfilled]) -> None:
    """Delete instructions that ended. A newer one about the same record stays."""
    for one in sorted(ended, key=lambda one: task_tuple(one.key)):
        here = delete(instructions).where(has_key(instructions, [task_tuple(one.key)]))
        conn.execute(here.where(instructions.c.run == one.run))
        for some in chunks(sorted(one.undone)):
            conn.execute(update(journal).where(journal.c.id.in_(some)).values(undone=one.run))
        if one.redone is not None:
            about = (journal.c.mapping == one.key.mapping, journal.c.undone == one.redone)
            pair = select(journal.c.link).where(journal.c.id.in_(one.undone)).scalar_subquery()
            conn.execute(update(journal).where(*about, journal.c.link.in_(pair)).values(undone=None))


def forget(conn: Connection, keys: Iterable[TaskKey]) -> None:
    """Delete the instructions about these records, because a person discarded their dead letters."""
    for key in sorted(keys, key=task_tuple):
        conn.execute(delete(instructions).where(has_key(instructions, [task_tuple(key)])))


def _instruction(row: Row) -> Instruction:
    return Instruction(task_key(row), row["kind"], row["detail"], row["run"], row["at"])


class _Overtaken(Exception):
    """Another transaction has just stored an instruction about one of the records."""


class Instructions:
    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake

    async def give(self, scope: Scope, given: Sequence[Instruction]) -> dict[TaskKey, Instruction]:
        """Store instructions about records of one mapping, and make the records due.

        A record with an open instruction of another run gets none. The open ones are returned by record.

        Each instruction counts as an event, so that a dead letter wakes up and every outcome is counted.
        """
        before: dict[TaskKey, Instruction] = {}
        for start in range(0, len(given), GIVEN_TOGETHER):
            before |= await self._give(scope, given[start : start + GIVEN_TOGETHER])
        self._wake.set()
        return before

    async def _give(self, scope: Scope, given: Sequence[Instruction]) -> dict[TaskKey, Instruction]:
        def work(conn: Connection) -> dict[TaskKey, Instruction]:
            keys = [one.key for one in given]
            lock_tasks(conn, keys)
            before = instructions_of(conn, keys)
            free = [one for one in given if one.key not in before]
            if free:
                self._insert(conn, scope, free)
            runs = {one.key: one.run for one in given}  # an instance that takes a request over gives the same run again
            return {key: one for key, one in before.items() if one.run != runs[key]}

        while True:
            try:
                return await self._database.write("instruct", work)
            except _Overtaken:
                continue

    def _insert(self, conn: Connection, scope: Scope, free: Sequence[Instruction]) -> None:
        """Raises _Overtaken if another transaction stored one about a record without a task, which cannot be locked.

        Otherwise the task would have the bit of an instruction that does not exist.
        """
        events: defaultdict[Side, list[Event]] = defaultdict(list)
        for one in free:
            end = scope.endpoint(one.key.side)
            events[one.key.side].append(
                Event(end.system, end.entity, one.key.record_id, EventKind.CHANGED, Origin.PERSON)
            )
        routed = [(events[side], _route(scope, side)) for side in sorted(events)]
        late(*INTAKE)(self._database, routed, min(one.run for one in free), instructed=True).store(conn)
        rows = [
            {"kind": one.kind, "detail": dict(one.detail), "run": one.run, "at": one.at, **_columns(one.key)}
            for one in sorted(free, key=lambda one: task_tuple(one.key))
        ]
        new = upsert(self._database.sqlite, instructions).on_conflict_do_nothing().returning(instructions.c.rec)
        if len(conn.execute(new, rows).all()) < len(rows):
            raise _Overtaken

    async def waiting(self, run: str | None = None) -> int:
        """How many instructions, of one run or of all runs, are still to be carried out."""
        query = select(func.count()).select_from(instructions)
        if run is not None:
            query = query.where(instructions.c.run == run)
        return await self._database.read(lambda conn: conn.scalar(query)) or 0

    async def of(self, keys: Iterable[TaskKey]) -> dict[TaskKey, Instruction]:
        """Return by record the instruction that is still to be carried out."""
        wanted = list(keys)
        return await self._database.read(lambda conn: instructions_of(conn, wanted))

    async def by_run(self) -> dict[str, int]:
        """How many instructions of each run are still to be carried out."""
        query = select(instructions.c.run, func.count()).group_by(instructions.c.run).order_by(instructions.c.run)
        return await self._database.read(lambda conn: {run: int(number) for run, number in conn.execute(query)})


def _columns(key: TaskKey) -> dict[str, str]:
    return {"mapping": key.mapping, "side": key.side.value, "rec": key.record_id}


def _route(scope: Scope, side: Side) -> Routes:
    endpoint = scope.endpoint(side)
    return {(endpoint.system, endpoint.entity): (Route(scope.mapping, side, endpoint),)}
