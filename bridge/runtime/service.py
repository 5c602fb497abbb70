"""Reports the state to the service manager that started this process (systemd, `Type=notify`); does nothing elsewhere.

Its protocol is one datagram of `NAME=value` lines to the socket that NOTIFY_SOCKET names.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from bridge.domain.errors import StoreUnavailable
from bridge.domain.seams import Clock

log = logging.getLogger(__name__)

TOLD_SECONDS = 0.5
"""A manager whose queue stays full this long is not waited for."""

LOOKS = 3
"""Looks at the store within the time after which the manager gives this process up."""


class ServiceManager:
    """`environ`: NOTIFY_SOCKET and WATCHDOG_USEC as systemd sets them; `pid`: of this process, WATCHDOG_PID is for."""

    def __init__(self, environ: Mapping[str, str], clock: Clock, pid: int) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._clock = clock
        mine = environ.get("WATCHDOG_PID", "") in ("", str(pid))
        microseconds = environ.get("WATCHDOG_USEC", "")
        self.watchdog_seconds = int(microseconds) / 1e6 if mine and microseconds.isdigit() else 0.0
        """After so long without a sign of life the manager restarts this process; 0: it does not watch."""

    def tell(self, **said: str) -> None:
        """Send one message: `tell(READY="1")`. A manager that cannot be reached is no reason to stop."""
        if not self._address:
            return
        text = "\n".join(f"{name}={' '.join(value.split())}" for name, value in said.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
                line.settimeout(TOLD_SECONDS)
                line.connect(self._address)
                line.send(text.encode())
        except OSError as error:
            log.warning("the service manager cannot be told", extra={"reason": error.strerror or str(error)})

    @asynccontextmanager
    async def told(self, ask_store: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
        """Ready now, alive while the block runs, stopping when it is left.

        The sign of life comes only while the event loop turns and the store answers `ask_store`. A refusal is an
        answer: while the disk is full or the database away callbacks are told to come again, and a restart would only
        stop that. A store that never answers (a disk that hangs) ends the signs of life, and so the process.
        """
        self.tell(READY="1", STATUS="running")
        alive = asyncio.create_task(self._keep_telling(ask_store)) if self.watchdog_seconds else None
        try:
            yield
        finally:
            if alive is not None:
                alive.cancel()
                await asyncio.wait([alive])
            self.tell(STOPPING="1", STATUS="stopping")

    async def _keep_telling(self, ask_store: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await ask_store()
            except StoreUnavailable as error:
                self.tell(WATCHDOG="1", STATUS=str(error))
            else:
                self.tell(WATCHDOG="1", STATUS="running")
            await self._clock.sleep(self.watchdog_seconds / LOOKS)
