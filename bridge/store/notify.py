"""Waking waiting workers: an event in this process, LISTEN/NOTIFY between instances on PostgreSQL."""

import asyncio

from sqlalchemy.exc import DBAPIError

from bridge.domain.errors import StoreUnavailable
from bridge.store.database import WAKE_CHANNEL, Database


class Wake(asyncio.Event):
    """Set when work may have appeared; the worker waits for it and clears it."""


LOST = (DBAPIError, OSError, TimeoutError, StoreUnavailable)
"""The errors that a lost connection raises."""


class Listener:
    """Turns notifications of other instances into wakes. A lost connection is opened again after a second."""

    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        if self._database.sqlite:
            return
        ready = asyncio.Event()
        self._task = asyncio.create_task(self._run(ready))
        await ready.wait()

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self, ready: asyncio.Event) -> None:
        while True:
            try:
                await self._listen(ready)
            except LOST:
                ready.set()
            await self._database.seams.clock.sleep(1.0)

    async def _listen(self, ready: asyncio.Event) -> None:
        def listening() -> None:
            ready.set()
            self._wake.set()  # for notifications sent before this listener was ready

        await self._database.backend.listen(WAKE_CHANNEL, self._wake.set, listening)
