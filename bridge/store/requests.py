"""What people ask of a running bridge: requests of commands, and instructions about records.

A request is a row that the daemon carries out and answers. An instruction is kept until a claim has carried it out or
refused it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from bridge.domain.event import Event, EventKind, Origin
from bridge.domain.late import late
from bridge.domain.record import Side
from bridge.store.database import Database, Wake
from bridge.store.journal import note_action, note_answer
from bridge.store.model import Fulfilled, Instruction, Json, Route, Routes, Scope, TaskKey
from bridge.store.statements import Prepared, Row, chunks, has_key, keyed, task_key, task_tuple, upsert
from bridge.store.tables import instructions, journal, requests
from bridge.store.tasks import lock_tasks

# ---- Requests of commands to the daemon ----


BACKUP = "backup"
"""A request that the command itself has carried out: the last backup, kept until the next one."""

RESTORED = "verify restored"
"""A request to verify a mapping once both sides were compared after a restore; it is open until then."""

ABANDONED_SECONDS = 120.0


class Answer(NamedTuple):
    """The result of a request. `failed`: nothing was done; the command then ends with exit code 1."""

    text: str
    failed: bool = False

    def __str__(self) -> str:
        """The answer as the audit log contains it."""
        return f"failed: {self.text}" if self.failed else self.text


class Request(NamedTuple):
    """One request of a command to the daemon."""

    id: int
    kind: str
    arguments: Json
    asked_at: float
    taken_at: float | None = None
    done_at: float | None = None
    answer: Answer = Answer("")


class Requests:
    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake

    async def add(self, kind: str, arguments: Json, by: str = "", *, mine: bool = False) -> int:
        """Store a request, wake the daemon, and return the request's id.

        `by`: the person who requests it, for the audit log. `mine`: the caller carries it out itself, and answers it.
        """
        now = self._database.now()
        taken = {"taken_at": now} if mine else {}
        values = {"kind": kind, "arguments": dict(arguments), "asked_at": now, "answer": "", **taken}

        def work(conn: Connection) -> int:
            number = add_request(self._database, conn, values)
            if by:
                note_action(conn, now, by, kind, arguments, number)
            self._database.notify(conn)
            return number

        asked = await self._database.write("request", work)
        self._wake.set()
        return asked

    async def take(self) -> list[Request]:
        """Take the requests that no instance processes, oldest first.

        A request that its instance has neither answered nor renewed for two minutes is free again: that instance is
        gone.
        """
        now = self._database.now()
        free = or_(requests.c.taken_at.is_(None), requests.c.taken_at < now - ABANDONED_SECONDS)
        change = update(requests).where(requests.c.done_at.is_(None), free).values(taken_at=now).returning(requests)

        def work(conn: Connection) -> list[Request]:
            return sorted((_request(row) for row in (conn.execute(change)).mappings()), key=lambda one: one.id)

        waiting = select(requests.c.id).where(requests.c.done_at.is_(None), free).limit(1)
        if await self._database.read(lambda conn: conn.scalar(waiting)) is None:
            return []
        return await self._database.write("take_requests", work)

    async def keep(self, ids: Collection[int]) -> None:
        """Renew these requests, because the caller still works on them."""
        same = update(requests).where(requests.c.id.in_(sorted(ids)), requests.c.done_at.is_(None))
        kept = same.values(taken_at=self._database.now())
        await self._database.write("keep_requests", lambda conn: conn.execute(kept))

    async def done(self, request_id: int, answer: Answer) -> None:
        """Answer a request; only the first answer counts."""
        change = update(requests).where(requests.c.id == request_id, requests.c.done_at.is_(None))
        stated = change.values(done_at=self._database.now(), answer=answer.text, failed=answer.failed)

        def work(conn: Connection) -> None:
            if conn.execute(stated).rowcount:
                note_answer(conn, request_id, str(answer))

        await self._database.write("answer", work)

    async def answer(self, request_id: int) -> Answer | None:
        """The answer; None while it is open."""
        found = await self.get(request_id)
        return None if found is None or found.done_at is None else found.answer

    async def get(self, request_id: int) -> Request | None:
        """The request with its answer; None if there is none with this id, or it was done long ago."""
        query = select(requests).where(requests.c.id == request_id)

        def work(conn: Connection) -> Request | None:
            row = conn.execute(query).mappings().first()
            return None if row is None else _request(row)

        return await self._database.read(work)

    async def open(self, kind: str) -> list[Request]:
        """Requests of this kind that are not answered yet, oldest first."""
        query = select(requests).where(requests.c.kind == kind, requests.c.done_at.is_(None)).order_by(requests.c.id)
        return await self._database.read(lambda conn: [_request(row) for row in conn.execute(query).mappings()])

    async def note_backup(self, taken_at: float, text: str) -> None:
        """Store the last backup, in place of the one before."""
        values = {"kind": BACKUP, "arguments": {}, "asked_at": taken_at, "taken_at": taken_at, "done_at": taken_at}

        def work(conn: Connection) -> None:
            conn.execute(delete(requests).where(requests.c.kind == BACKUP))
            add_request(self._database, conn, {**values, "answer": text})

        await self._database.write("note_backup", work)

    async def last_backup(self) -> tuple[float, str] | None:
        """When the store was last backed up (epoch seconds), and what was written; None when it never was."""
        query = select(requests.c.done_at, requests.c.answer).where(requests.c.kind == BACKUP)
        found = await self._database.read(lambda conn: conn.execute(query).first())
        return None if found is None else (float(found[0]), str(found[1]))


def add_request(database: Database, conn: Connection, values: Json) -> int:
    """Add a request inside the caller's transaction. Return its id, which no other request ever had.

    Journal and audit log name requests by id long after they were deleted, and SQLite would assign the id of a deleted
    newest request again. So ids come from the store's counter. Ids of a former version may be ahead of it.
    """
    (number,) = database.next_seqs(conn, 1)
    ahead = (conn.scalar(select(func.max(requests.c.id))) or 0) - number
    if ahead >= 0:
        number = database.next_seqs(conn, ahead + 1)[-1]
    conn.execute(insert(requests).values(id=number, **values))
    return number


def _request(row: Row) -> Request:
    told = {name: value for name, value in row.items() if name != "failed"}
    return Request(**{**told, "answer": Answer(row["answer"], row["failed"])})


# ---- Instructions about records ----


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


def forget_instructions(conn: Connection, keys: Iterable[TaskKey]) -> None:
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
