"""The lower bound: a durable forwarder that makes the same calls as the bridge and decides nothing.

A callback is answered once it is in SQLite (WAL, synchronous=FULL). Then, 16 events at a time: read the person, read
the contact, write it, read it back; a new person is read and created.
"""

import asyncio
import json
import sqlite3
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp
from aiohttp import web

from bridge.simulators.serve import serving
from tests.bench.child import end_with_parent, say

AT_ONCE = 16
REFRESH = "sandbox-refresh"
TABLES = """
PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
CREATE TABLE IF NOT EXISTS inbox (id INTEGER PRIMARY KEY, body BLOB NOT NULL, done INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS pairs (person TEXT PRIMARY KEY, contact TEXT NOT NULL);
"""
ACCEPT = "INSERT INTO inbox (body) VALUES (?)"
PAIR = "INSERT OR REPLACE INTO pairs VALUES (?, ?)"
DONE = "UPDATE inbox SET done = 1 WHERE id = ?"
Statements = list[tuple[str, tuple[Any, ...]]]


class Inbox:
    """Writes requested during a commit are committed together; each caller waits for that commit."""

    def __init__(self, file: str) -> None:
        self.db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self.db.executescript(TABLES)
        self._thread = ThreadPoolExecutor(1)
        self._asked: list[tuple[Statements, asyncio.Future[int]]] = []
        self._wake = asyncio.Event()
        self.counts = Counter[str]()

    async def write(self, statements: Statements) -> int:
        """Return the row id of the last statement, once it is on the disk."""
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._asked.append((statements, done))
        self._wake.set()
        return await done

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            batch, self._asked = self._asked, []
            ids = await asyncio.get_running_loop().run_in_executor(self._thread, self._commit, batch)
            for (_, done), number in zip(batch, ids, strict=True):
                done.set_result(number)

    def _commit(self, batch: list[tuple[Statements, asyncio.Future[int]]]) -> list[int]:
        self.db.execute("BEGIN IMMEDIATE")
        ids = [[self.db.execute(*one).lastrowid or 0 for one in statements][-1] for statements, _ in batch]
        self.db.execute("COMMIT")
        self.counts.update(statements=sum(len(statements) for statements, _ in batch), transactions=1)
        return ids


class Forwarder:
    def __init__(self, session: aiohttp.ClientSession, inbox: Inbox, crm: str, erp: str) -> None:
        self._session, self._inbox, self._crm, self._erp = session, inbox, crm, erp
        self._headers = {"x-api-token": "sandbox-token"}
        self._pairs: dict[str, str] = dict(inbox.db.execute("SELECT person, contact FROM pairs").fetchall())
        self._events: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()
        self._going = asyncio.Event()
        self._going.set()
        self._waiting = 0
        for event in inbox.db.execute("SELECT id, body FROM inbox WHERE done = 0 ORDER BY id").fetchall():
            self._put(*event)

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/callbacks", self.take), web.post("/{verb}", self.steer), web.get("/", self.status)]

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self._put(await self._inbox.write([(ACCEPT, (body,))]), body)
        return web.Response()

    async def steer(self, request: web.Request) -> web.Response:
        (self._going.clear if request.match_info["verb"] == "pause" else self._going.set)()
        return web.Response()

    async def status(self, _request: web.Request) -> web.Response:
        return web.json_response({"waiting": self._waiting, **self._inbox.counts})

    async def connect(self, address: str) -> None:
        """Log in at the target and register `address` at the source."""
        renewal = f"{self._erp}/v1/iam/auth/app/getrefreshtoken"
        self._headers["x-access-token"] = (await self._call("POST", renewal, {"refreshToken": REFRESH}))["accessToken"]
        hook = {"name": "forwarder", "subscription_url": address, "event_action": "*", "event_object": "person"}
        await self._call("POST", f"{self._crm}/v1/webhooks", hook)

    async def work(self) -> None:
        while True:
            number, body = await self._events.get()
            await self._going.wait()
            done = await self._forward(json.loads(body)["meta"]["entity_id"])
            await self._inbox.write([*done, (DONE, (number,))])
            self._waiting -= 1

    def _put(self, number: int, body: bytes) -> None:
        self._waiting += 1
        self._events.put_nowait((number, body))

    async def _forward(self, person: str) -> Statements:
        read = (await self._call("GET", f"{self._crm}/api/v2/persons/{person}"))["data"]
        phone = read["phones"][0]["value"]
        fields = {"name": read["name"], "email": read["emails"][0]["value"], "phone": phone, "type": "person"}
        contacts = f"{self._erp}/v1/crm/contacts"
        if person not in self._pairs:
            self._pairs[person] = str((await self._call("POST", contacts, fields))["id"])
            return [(PAIR, (person, self._pairs[person]))]
        one = f"{contacts}/{self._pairs[person]}"
        await self._call("PUT", one, {**await self._call("GET", one), **fields})
        await self._call("GET", one)
        return []

    async def _call(self, method: str, url: str, body: Any = None) -> Any:
        async with self._session.request(method, url, json=body, headers=self._headers) as answer:
            answer.raise_for_status()
            return json.loads(await answer.read() or b"{}")


async def main(crm: str, erp: str, file: str) -> None:
    end_with_parent()
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
        forwarder = Forwarder(session, inbox := Inbox(file), crm, erp)
        app = web.Application()
        app.add_routes(forwarder.routes())
        async with serving(app) as url:
            tasks.create_task(inbox.run())
            await forwarder.connect(f"{url}/callbacks")
            for _ in range(AT_ONCE):
                tasks.create_task(forwarder.work())
            say(url=url)
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
