"""Reports the state of this process to its service manager (systemd, `Type=notify`). Without one it does nothing.

The protocol is one datagram of `NAME=value` lines to the socket that NOTIFY_SOCKET names.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from bridge.domain.errors import StoreUnavailable
from bridge.domain.seams import Clock

log = logging.getLogger(__name__)

SEND_SECONDS = 0.5
"""If the manager's queue stays full this long, the message is dropped."""

LOOKS = 3
"""How many times the store is checked within the time after which the manager gives up this process."""


class ServiceManager:
    """`environ`: NOTIFY_SOCKET and WATCHDOG_USEC, as systemd sets them. `pid`: the id of this process; WATCHDOG_PID
    says for which process WATCHDOG_USEC is."""

    def __init__(self, environ: Mapping[str, str], clock: Clock, pid: int) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._clock = clock
        mine = environ.get("WATCHDOG_PID", "") in ("", str(pid))
        microseconds = environ.get("WATCHDOG_USEC", "")
        self.watchdog_seconds = int(microseconds) / 1e6 if mine and microseconds.isdigit() else 0.0
        """After this long without a sign of life the manager restarts this process; 0: it does not watch."""

    def send(self, **said: str) -> None:
        """Send one message: `send(READY="1")`. If the manager cannot be reached, that is logged and nothing else."""
        if not self._address:
            return
        text = "\n".join(f"{name}={' '.join(value.split())}" for name, value in said.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
                line.settimeout(SEND_SECONDS)
                line.connect(self._address)
                line.send(text.encode())
        except OSError as error:
            log.warning("the service manager cannot be told", extra={"reason": error.strerror or str(error)})

    @asynccontextmanager
    async def reporting(self, ask_store: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
        """Report READY now, signs of life while the block runs, and STOPPING at its end.

        A sign of life is sent only while the event loop runs and the store answers `ask_store`. A refusal is an answer:
        while the disk is full or the database unreachable, callbacks get an answer that makes vendors send them again,
        and a restart would only interrupt that. If the store never answers (a disk that hangs), the signs of life end,
        and the manager restarts the process.
        """
        self.send(READY="1", STATUS="running")
        alive = asyncio.create_task(self._send_signs_of_life(ask_store)) if self.watchdog_seconds else None
        try:
            yield
        finally:
            if alive is not None:
                alive.cancel()
                await asyncio.wait([alive])
            self.send(STOPPING="1", STATUS="stopping")

    async def _send_signs_of_life(self, ask_store: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await ask_store()
            except StoreUnavailable as error:
                self.send(WATCHDOG="1", STATUS=str(error))
            else:
                self.send(WATCHDOG="1", STATUS="running")
            await self._clock.sleep(self.watchdog_seconds / LOOKS)
