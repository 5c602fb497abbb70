"""What each of several copies reads and writes at the simulated products, told apart by the port it calls."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

from aiohttp import web

from tests.acceptance.gates import HOST
from tests.storms.ledger import Place
from tests.storms.watch import Watch
from tests.storms.wire import Exchange

GONE = web.HTTPBadRequest  # whoever asked was killed, and reads no answer


class SeenBy(Watch):
    """What one copy reads and writes at the products. A write counts as known to it once the store says so."""

    def __init__(self, copies: Any) -> None:
        self.wire, self.life = SimpleNamespace(), SimpleNamespace(dead=False)
        self.crm, self.erp, self.clock = copies.crm, copies.erp, copies.clock
        self.open: list[tuple[Place, Exchange]] = []
        super().__init__(self, copies.eyes, copies.ledger)

    def _wrote(self, exchange: Exchange, place: Place, before: dict[str, Any]) -> None:
        exchange.task = asyncio.get_running_loop().create_future()
        super()._wrote(exchange, place, before)
        self.open.append((place, exchange))

    def know(self, waiting: Sequence[tuple[Place, Exchange]], settled: set[Place]) -> None:
        for place, exchange in waiting:
            if place in settled:
                self.open.remove((place, exchange))
                exchange.answered = True
                exchange.task.set_result(None)


def watched(app: web.Application, host: str, ports: Mapping[int, SeenBy], faults: list[str]) -> None:
    """Let each call be seen right before and after it takes effect."""

    @web.middleware
    async def mark(request: web.Request, handler: Any) -> web.StreamResponse:
        if request.transport is None:
            raise GONE from None
        request["by"] = ports[request.transport.get_extra_info("sockname")[1]]
        return await handler(request)

    @web.middleware
    async def see(request: web.Request, handler: Any) -> web.StreamResponse:
        seen = request["by"]
        try:
            body = await request.read()
        except ConnectionError:
            raise GONE from None
        exchange = Exchange(request.method, host, request.path, body, time.monotonic(), None)
        token = seen.wire.before(exchange)
        try:
            return await handler(request)
        finally:
            try:
                seen.wire.after(exchange, token)
            except Exception as error:
                faults.append(f"{request.method} {request.path}: {error!r}")

    app.middlewares.insert(0, mark)
    app.middlewares.append(see)


@asynccontextmanager
async def served(app: web.Application, ports: int) -> AsyncIterator[list[int]]:
    """The numbers of the so many ports on which an application is served."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        for _ in range(ports):
            await web.TCPSite(runner, HOST, 0).start()
        yield [address[1] for address in runner.addresses]
    finally:
        await runner.cleanup()
