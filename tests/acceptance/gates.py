"""A TCP gate between two parties: a load balancer that skips dead instances, or a database connection to cut."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Self

HOST = "127.0.0.1"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Open = Callable[[], Awaitable[Streams]]


def port(number: int) -> Open:
    return lambda: asyncio.open_connection(HOST, number)


def unix(path: str) -> Open:
    return lambda: asyncio.open_unix_connection(path)


class Gate:
    """Passes each connection on to the next server of `behind` that accepts it; closes the connection if none does.

    `used`: how many connections each server got.
    """

    def __init__(self, behind: Sequence[Open]) -> None:
        self._behind = list(behind)
        self._turn = 0
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[None]] = set()
        self._shut = False
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.port = 0
        self.used = [0] * len(behind)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Self]:
        await self._listen()
        try:
            yield self
        finally:
            await self.cut()

    async def cut(self, *, refuse: bool = True) -> None:
        """Break every connection. New ones are refused (nothing listens), or accepted and broken at once."""
        self._shut = True
        if refuse and self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._passing):
            task.cancel()
        if self._passing:
            await asyncio.wait(self._passing)

    def stall(self) -> None:
        """Stop passing data in both directions, without closing a connection."""
        self._flowing.clear()

    async def mend(self) -> None:
        self._flowing.set()
        self._shut = False
        if self._server is None:
            await self._listen()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._take, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        try:
            if not self._shut:
                await self._pass(reader, writer)
                writer.close()
        except asyncio.CancelledError:
            task.uncancel()
        finally:
            if self._shut:
                writer.transport.abort()
            self._passing.discard(task)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass data in both directions until one end closes."""
        streams = await self._next()
        if streams is None:
            return
        onward, backward = streams
        ways = [asyncio.ensure_future(self._copy(reader, backward)), asyncio.ensure_future(self._copy(onward, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            backward.close()

    async def _next(self) -> Streams | None:
        for _ in self._behind:
            number = self._turn
            self._turn = (self._turn + 1) % len(self._behind)
            with suppress(OSError):
                streams = await self._behind[number]()
                self.used[number] += 1
                return streams
        return None

    async def _copy(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Pass data in one direction until its source ends."""
        with suppress(OSError):
            while data := await source.read(65536):
                await self._flowing.wait()
                sink.write(data)
                await sink.drain()
