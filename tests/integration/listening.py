"""A guarded listener on loopback, and clients that misbehave."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from bridge.app.seams import system_seams
from bridge.callbacks.connections import Connections, End, Limits
from bridge.callbacks.listener import Listener
from bridge.callbacks.receiver import Receiver
from bridge.callbacks.routes import SERVER, callback_app
from bridge.domain.address import Addresses

PATIENCE_SECONDS = 20.0
STEP_SECONDS = 0.01


@dataclass
class Line:
    """A client's end of one connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> int:
        """Read the next answer with its body and return its status; 0 when the connection was closed instead."""
        head = await self._until(self.reader.readuntil(b"\r\n\r\n"))
        if not head:
            return 0
        lines = head.lower().split(b"\r\n")
        lengths = [int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")]
        await self._until(self.reader.readexactly(sum(lengths)))
        return int(lines[0].split()[1])

    async def rest(self) -> bytes:
        """Return everything that comes until the connection is closed."""
        return await self._until(self.reader.read())

    async def _until(self, reading: "asyncio.Future[bytes]") -> bytes:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await reading
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""

    def close(self) -> None:
        self.writer.transport.abort()


async def until(holds: Callable[[], object]) -> None:
    """Let other tasks run until the condition is true."""
    for _ in range(int(PATIENCE_SECONDS / STEP_SECONDS)):
        if holds():
            return
        await asyncio.sleep(STEP_SECONDS)
    raise AssertionError(f"not within {PATIENCE_SECONDS} s")


@dataclass
class Door:
    """`lines`: every connection that was opened, so that all are closed at the end."""

    listener: Listener
    lines: list[Line] = field(default_factory=list)

    async def line(self, first: bytes = b"") -> Line:
        line = Line(*await asyncio.open_connection("127.0.0.1", self.listener.ports[0]))
        self.lines.append(line)
        await line.send(first)
        return line

    def ended(self, reason: End) -> int:
        return self.listener.connections.ended[reason].count

    async def empty(self) -> None:
        """Wait until no connection is open."""
        await until(lambda: not len(self.listener.connections))


@asynccontextmanager
async def opened(app: web.Application, limits: Limits) -> AsyncIterator[Door]:
    served = {**SERVER, "lingering_time": 0.2}
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0, **served)
    await runner.setup()
    assert runner.server is not None
    clock = system_seams().clock
    listener = Listener("callbacks", runner.server, Connections(limits, clock.monotonic), clock, served)
    await listener.start("127.0.0.1", 0)
    door = Door(listener)
    try:
        yield door
    finally:
        await listener.stop()
        await runner.cleanup()
        for line in door.lines:
            line.close()
        await asyncio.sleep(0)


HERE = Addresses("acme", b"an instance secret of some length", "https://bridge.example")
PATH = HERE.url("crm1", "any.deal").removeprefix(HERE.public_url)
TOKEN = HERE.token("crm1", "any.deal")
PATIENT = Limits(100, head_seconds=60, idle_seconds=60, answer_seconds=60)


def request(body: bytes = b"7", path: str = PATH, more: str = "", length: int | None = None) -> bytes:
    password = HERE.secret("crm1", "any.deal").password
    length = len(body) if length is None else length
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {password}\r\nContent-Length: {length}\r\n{more}\r\n"
    return head.encode() + body


@asynccontextmanager
async def door(receiver: Receiver, limits: Limits = PATIENT, body_seconds: float = 60) -> AsyncIterator[Door]:
    async with opened(callback_app(receiver, max_body_bytes=2000, body_seconds=body_seconds), limits) as found:
        yield found
