"""Both simulators in a separate process, with the routes that a benchmark needs besides the products' own.

Nothing slows it down: no rate limit, no read lag, no fault. Callbacks are sent over kept connections, many at a time,
as a vendor with many senders does; a simulator alone sends the next callback of a hook only after the answer to the
last.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler

from bridge.simulators.deskera import DeskeraSimulator
from bridge.simulators.pipedrive import Options, PipedriveSimulator
from bridge.simulators.serve import serving
from bridge.simulators.world import WallClock, make_world
from tests.bench.child import end_with_parent, say

ACCOUNT = Options(burst_limit=None, search_burst_limit=None, daily_tokens=1_000_000_000)
AT_ONCE = 32
TRIES, AGAIN_SECONDS = 40, 0.25
SHOWN_SECONDS = 30.0
LOOK_SECONDS = 0.001


class Wire:
    """Sends callbacks in the background, or keeps them while `kept` is a list."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._open: set[asyncio.Task[None]] = set()
        self.counts: Counter[str] = Counter()
        self.last_taken = 0.0
        self.kept: list[dict[str, Any]] | None = None

    @property
    def waiting(self) -> int:
        return len(self._open)

    async def idle(self) -> None:
        """Wait until everything sent so far is accepted or lost."""
        if self._open:
            await asyncio.wait(set(self._open))

    async def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout: float) -> int:
        if self.kept is not None:
            self.kept.append({"url": url, "headers": dict(headers), "body": body.decode()})
            return 200
        task = asyncio.create_task(self._send(method, url, headers, body))
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        return 200

    async def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> None:
        for _ in range(TRIES):
            try:
                async with self._session.request(method, url, headers=headers, data=body) as answer:
                    if answer.status < 300:
                        self.last_taken = time.time()
                        return
            except aiohttp.ClientError:
                pass
            self.counts["refused"] += 1
            await asyncio.sleep(AGAIN_SECONDS)
        self.counts["lost"] += 1


class People:
    """The persons of one product and the contacts of the other."""

    def __init__(self, wire: Wire) -> None:
        world = make_world(WallClock(), random.Random(1), wire)
        self.pipedrive, self.deskera = PipedriveSimulator(world, ACCOUNT), DeskeraSimulator(world)
        self.first_call = self.last_call = 0.0
        for product in (self.pipedrive, self.deskera):
            product.app.middlewares.append(self._timed)
        self._note: str = self.pipedrive.state.add_field("person", "Note", "varchar", [])["field_code"]
        self._names: list[str] = []
        self._edits = 0
        self._contacts: dict[str, str] = {}

    @web.middleware
    async def _timed(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith("/_control"):
            self.last_call = time.time()
            self.first_call = self.first_call or self.last_call
        return await handler(request)

    def make(self, count: int) -> None:
        for number in range(len(self._names) + 1, len(self._names) + count + 1):
            name = f"Person {number:05}"
            mail = {"value": mail_of(number), "label": "work", "primary": True}
            phone = {"value": f"+47 22{number:06}", "label": "work", "primary": True}
            self.pipedrive.person_creates("persons", {"name": name, "emails": [mail], "phones": [phone]})
            self._names.append(name)

    def edit(self, number: int, *, mapped: bool) -> None:
        self._edits += 1
        fields: dict[str, Any] = {"custom_fields": {self._note: f"note {self._edits}"}}
        if mapped:
            self._names[number - 1] = f"Person {number:05} edited {self._edits}"
            fields = {"name": self._names[number - 1]}
        self.pipedrive.person_edits("persons", number, fields)

    def edit_many(self, count: int, *, mapped: bool) -> None:
        """Return one person after the other, starting again after the last."""
        for at in range(count):
            self.edit(at % len(self._names) + 1, mapped=mapped)

    def shown_at(self, number: int) -> float | None:
        """Return when this person's contact got its current name, or None while it has another."""
        if mail_of(number) not in self._contacts and self.deskera.state.window("contacts", 0, 0)[1] > len(
            self._contacts
        ):
            self._contacts = {row["email"]: str(row["id"]) for row in self.deskera.state.rows("contacts")}
        contact = self.deskera.state.get("contacts", self._contacts.get(mail_of(number), ""))
        if contact is None or contact["name"] != self._names[number - 1]:
            return None
        return datetime.fromisoformat(contact["updated_at"]).timestamp()

    def figures(self) -> dict[str, Any]:
        shown = [self.shown_at(number) for number in range(1, len(self._names) + 1)]
        times = [at for at in shown if at is not None]
        calls = {"pipedrive": dict(self.pipedrive.requests.counts), "deskera": dict(self.deskera.requests.counts)}
        return {
            "calls": calls,
            "missing": len(shown) - len(times),
            "last_write": max(times, default=0.0),
            "first_call": self.first_call,
            "last_call": self.last_call,
            "contacts": self.deskera.state.window("contacts", 0, 0)[1],
            "hooks": {"pipedrive": len(self.pipedrive.state.hooks), "deskera": len(self.deskera.state.hooks)},
        }


def mail_of(number: int) -> str:
    return f"p{number}@bench.example"


class Control:
    """The routes of the benchmark. Times are those of this machine's clock, which all its processes share."""

    def __init__(self, people: People, wire: Wire) -> None:
        self._people, self._wire = people, wire

    def app(self) -> web.Application:
        app = web.Application()
        posts = {"make": self.make, "edit": self.edit, "keep": self.keep, "touch": self.touch}
        app.add_routes([web.post(f"/{name}", answer) for name, answer in posts.items()])
        app.add_routes([web.post("/delivered", self.delivered), web.post("/populate", self.populate)])
        app.add_routes([web.get("/figures", self.figures)])
        return app

    async def make(self, request: web.Request) -> web.Response:
        began = time.time()
        self._people.make((await request.json())["count"])
        return web.json_response({"began": began})

    async def populate(self, request: web.Request) -> web.Response:
        """Create this number of the same people in both products."""
        count = (await request.json())["count"]
        self._people.pipedrive.populate("persons", count)
        self._people.deskera.populate("contacts", count)
        return web.json_response({})

    async def edit(self, request: web.Request) -> web.Response:
        asked = await request.json()
        began = time.time()
        self._people.edit_many(asked["count"], mapped=asked["mapped"])
        return web.json_response({"began": began})

    async def keep(self, request: web.Request) -> web.Response:
        """Make edits that no mapping names; their callbacks are returned instead of sent."""
        self._wire.kept = []
        self._people.edit_many((await request.json())["count"], mapped=False)
        await self._people.pipedrive.idle()
        kept, self._wire.kept = self._wire.kept, None
        return web.json_response(kept)

    async def touch(self, request: web.Request) -> web.Response:
        """Make one edit; return the seconds until the other product shows it, or 504 when it never does."""
        number = (await request.json())["number"]
        began = time.time()
        self._people.edit(number, mapped=True)
        while time.time() - began < SHOWN_SECONDS:
            await asyncio.sleep(LOOK_SECONDS)
            if (shown := self._people.shown_at(number)) is not None:
                return web.json_response({"seconds": shown - began})
        return web.json_response({}, status=504)

    async def delivered(self, _request: web.Request) -> web.Response:
        """Note when the last callback was accepted; the next call of a product counts as the first again."""
        await self._people.pipedrive.idle()
        await self._wire.idle()
        self._people.first_call = 0.0
        return web.json_response({"last": self._wire.last_taken})

    async def figures(self, _request: web.Request) -> web.Response:
        await self._people.pipedrive.idle()
        await self._people.deskera.idle()
        wire = {"waiting": self._wire.waiting, **self._wire.counts}
        return web.json_response({**self._people.figures(), **wire})


async def main() -> None:
    end_with_parent()
    async with AsyncExitStack() as stack:
        connector = aiohttp.TCPConnector(limit=AT_ONCE)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        wire = Wire(session)
        people = People(wire)
        urls = {
            "pipedrive": await stack.enter_async_context(serving(people.pipedrive.app)),
            "deskera": await stack.enter_async_context(serving(people.deskera.app)),
            "control": await stack.enter_async_context(serving(Control(people, wire).app())),
        }
        say(**urls)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
