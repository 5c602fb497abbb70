"""What commands ask the daemon to do: rows that it acts on and answers."""

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.store.database import Database
from bridge.store.model import Json, Request
from bridge.store.notify import Wake
from bridge.store.rows import Row
from bridge.store.tables import requests


class Requests:
    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake

    async def ask(self, kind: str, arguments: Json) -> int:
        """Store a request and wake the daemon; its id."""
        now = self._database.now()
        values = {"kind": kind, "arguments": dict(arguments), "asked_at": now, "answer": ""}

        async def work(conn: AsyncConnection) -> int:
            number = (await conn.execute(insert(requests).values(**values).returning(requests.c.id))).scalar_one()
            await self._database.tell(conn)
            return int(number)

        asked = await self._database.write("request", work)
        self._wake.set()
        return asked

    async def open(self) -> list[Request]:
        """Requests not yet done, oldest first."""
        query = select(requests).where(requests.c.done_at.is_(None)).order_by(requests.c.id)

        async def work(conn: AsyncConnection) -> list[Request]:
            return [_request(row) for row in (await conn.execute(query)).mappings()]

        return await self._database.read(work)

    async def done(self, request_id: int, answer: str) -> None:
        """Answer a request; only the first answer counts."""
        change = update(requests).where(requests.c.id == request_id, requests.c.done_at.is_(None))
        stated = change.values(done_at=self._database.now(), answer=answer)
        await self._database.write("answer", lambda conn: conn.execute(stated))

    async def answer(self, request_id: int) -> str | None:
        """The answer; None while there is none."""
        query = select(requests.c.answer).where(requests.c.id == request_id, requests.c.done_at.is_not(None))
        return await self._database.read(lambda conn: conn.scalar(query))


def _request(row: Row) -> Request:
    return Request(**row)
