"""What each of several instances reads and writes at the simulated products. The port of a call shows the instance."""

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

GONE = web.HTTPBadRequest  # the caller was killed and reads no answer


class SeenBy(Watch):
    """One instance's reads and writes at the products. A write counts as known once the store shows its outcome."""

    def __init__(self, instances: Any) -> None:
        self.wire, self.life = SimpleNamespace(), SimpleNamespace(dead=False)
        self.crm, self.erp, self.clock = instances.crm, instances.erp, instances.clock
        self.open: list[tuple[Place, Exchange]] = []
        super().__init__(self, instances.eyes, instances.ledger)

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
    """Watch each call right before and right after it takes effect."""

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
    """Serve an application on this number of ports; give the port numbers."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        for _ in range(ports):
            await web.TCPSite(runner, HOST, 0).start()
        yield [address[1] for address in runner.addresses]
    finally:
        await runner.cleanup()
