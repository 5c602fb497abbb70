"""The store on PostgreSQL: a pool of connections of asyncpg. `database` imports it only where it is used."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bridge.domain.errors import StoreUnavailable

T = TypeVar("T")
Work = Callable[[Connection], T]


class Postgres:
    """A pool of connections."""

    def __init__(self, url: URL) -> None:
        self.engine = _engine(url)

    async def read(self, work: Work[T]) -> T:
        async with self.engine.connect() as conn, conn.begin():
            return await conn.run_sync(work)

    async def write(self, work: Work[T], before_commit: Callable[[], Awaitable[None]]) -> T:
        async with self.engine.connect() as conn, conn.begin():
            result = await conn.run_sync(work)
            await before_commit()
            return result

    async def session(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Run `work` on a connection of its own, outside of any transaction."""
        async with self.engine.connect() as conn:
            return await work(conn)

    async def listen(self, channel: str, heard: Callable[[], None], ready: Callable[[], None]) -> None:
        """Call `heard` at every notification until the connection is lost. Raises StoreUnavailable."""
        try:
            await self._listen(channel, heard, ready)
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise StoreUnavailable(f"the store cannot be used now: {error}") from error

    async def _listen(self, channel: str, heard: Callable[[], None], ready: Callable[[], None]) -> None:
        ended = asyncio.Event()
        async with self.engine.connect() as conn:
            raw = await conn.get_raw_connection()
            driver: Any = raw.driver_connection
            driver.add_termination_listener(lambda *_: ended.set())
            await driver.add_listener(channel, lambda *_: heard())
            ready()
            try:
                await ended.wait()
            finally:
                await conn.invalidate()

    async def close(self) -> None:
        await self.engine.dispose()


def _engine(url: URL) -> AsyncEngine:
    query = dict(url.query)
    if mode := query.pop("sslmode", None):
        query["ssl"] = mode
    return create_async_engine(
        url.set(drivername="postgresql+asyncpg", query=query),
        pool_size=8,
        max_overflow=4,
        pool_timeout=10,
        pool_pre_ping=True,
        connect_args={"timeout": 10, "command_timeout": 60},
    )
