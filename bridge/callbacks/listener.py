"""A listening address: it accepts as many connections as it has places, and waits if no file descriptor is free."""

import asyncio
import errno
import logging
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from aiohttp import web

from bridge.callbacks.connection import BUSY_ANSWER, Connection, watch_requests
from bridge.callbacks.connections import Connections, End
from bridge.domain.seams import Clock
from bridge.monitoring.seldom import Seldom

log = logging.getLogger(__name__)

BACKLOG = 1024
LOOK_SECONDS = 0.5
PAUSE_SECONDS = 1.0
REFUSED_SECONDS = 2.0
MOST_REFUSED = 16
"""Refused connections that stay open until the client has read the answer; further ones are closed at once."""

EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
SKIPPED = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL})


class Listener:
    """`served`: options for aiohttp's protocol. `exhausted_at`: when descriptors last ran out (monotonic seconds)."""

    def __init__(
        self, name: str, server: web.Server, connections: Connections, clock: Clock, served: Mapping[str, Any]
    ) -> None:
        watch_requests(server)
        self.name = name
        self.server = server
        self.connections = connections
        self.clock = clock
        self.served = served
        self.seldom = Seldom(clock.monotonic)
        self.exhausted_at = float("-inf")
        self._refused: set[_Refused] = set()
        self._sockets: list[socket.socket] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, host: str, port: int) -> None:
        """Listen on every address of `host`. Raises OSError when that is not possible."""
        self._sockets = await _bound(host, port)
        self._tasks = [asyncio.create_task(self.accept(each)) for each in self._sockets]
        self._tasks.append(asyncio.create_task(self._watch()))

    @property
    def ports(self) -> list[int]:
        """The ports listened on."""
        return [int(each.getsockname()[1]) for each in self._sockets]

    @property
    def accepting(self) -> bool:
        return bool(self._tasks) and not any(task.done() for task in self._tasks)

    async def stop(self) -> None:
        """Stop accepting; open connections continue."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for each in self._sockets:
            each.close()
        for refused in list(self._refused):
            refused.close()

    async def accept(self, listening: socket.socket) -> None:
        """Accept connections until cancelled. A connection that fails does not stop the others."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                taken, _ = await loop.sock_accept(listening)
            except OSError as error:
                await self._wait(error)
                continue
            try:
                await self._take(taken)
            except OSError:  # the client hung up before the connection was set up
                taken.close()
            except Exception:
                taken.close()
                if self.seldom.may_say("broken") is not None:
                    log.exception("a connection could not be accepted")

    async def _take(self, taken: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        if self.connections.room():
            await loop.connect_accepted_socket(self._connection, taken)
            return
        self.connections.note(End.REFUSED)
        if len(self._refused) < MOST_REFUSED:
            await loop.connect_accepted_socket(lambda: _Refused(self._refused), taken)
            return
        with suppress(OSError):
            taken.send(BUSY_ANSWER)
        taken.close()
        await self.clock.sleep(0)

    def _connection(self) -> Connection:
        return Connection(self.server, self.connections, self.seldom, **self.served)

    async def _wait(self, error: OSError) -> None:
        """Wait after a failed accept. If descriptors ran out, first close a connection that waits for its client."""
        if error.errno in EXHAUSTED:
            self.exhausted_at = self.clock.monotonic()
            self.connections.give_way()
            repeated = self.seldom.may_say("exhausted")
            if repeated is not None:
                told = {"listener": self.name, "reason": error.strerror, "repeated": repeated}
                log.warning("no connection can be accepted: raise the limit of open files (ulimit -n)", extra=told)
            await self.clock.sleep(PAUSE_SECONDS)
        else:
            await self.clock.sleep(0.01)

    async def _watch(self) -> None:
        while True:
            await self.clock.sleep(LOOK_SECONDS)
            self.connections.expire()


class _Refused(asyncio.Protocol):
    """Tells a client to try again later, and closes when the client has hung up or after `REFUSED_SECONDS`.

    If it closed at once, the answer would be lost: unread bytes make the kernel reset the connection.
    """

    def __init__(self, refused: set["_Refused"]) -> None:
        self.refused = refused
        self.transport: asyncio.Transport | None = None
        self.timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.refused.add(self)
        self.timer = asyncio.get_running_loop().call_later(REFUSED_SECONDS, transport.abort)
        transport.write(BUSY_ANSWER)
        with suppress(OSError):  # the client hung up already
            transport.write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        self.refused.discard(self)
        if self.timer is not None:
            self.timer.cancel()

    def close(self) -> None:
        if self.transport is not None:
            self.transport.abort()


async def _bound(host: str, port: int) -> list[socket.socket]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    addresses = dict.fromkeys((family, where[:2]) for family, _, _, _, where in found)
    sockets: list[socket.socket] = []
    skipped: OSError | None = None
    try:
        for family, where in addresses:
            try:
                sockets.append(socket.create_server(where, family=family, backlog=BACKLOG))
            except OSError as error:
                if error.errno not in SKIPPED:
                    raise
                skipped = error
    except OSError:
        for each in sockets:
            each.close()
        raise
    if not sockets and skipped is not None:
        raise skipped
    for each in sockets:
        each.setblocking(False)
    return sockets
