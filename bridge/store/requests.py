"""Requests of commands to the daemon: rows that it carries out and answers."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from bridge.store.database import Database, Wake
from bridge.store.journal import note_action, note_answer
from bridge.store.model import Json
from bridge.store.statements import Row
from bridge.store.tables import requests

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
