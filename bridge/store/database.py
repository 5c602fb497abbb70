"""Connections and transactions: opening, pragmas, retry of what a database asks to be retried, error translation."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import event, func, select, text, update
from sqlalchemy.engine import URL
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bridge.domain.errors import StoreUnavailable
from bridge.domain.seams import Seams, epoch
from bridge.store.failures import Unstorable
from bridge.store.sqlite import connect
from bridge.store.tables import sequence

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]

BUSY_SECONDS = 5.0
TRIES = 6
RETRIED_STATES = frozenset({"40001", "40P01", "55P03"})  # serialization failure, deadlock, lock not available
REFUSED_STATES = ("22", "54")  # data exceptions; limits of the program (a row too large for an index)
WAKE_CHANNEL = "bridge_wake"


class Database:
    """One database: a writer (on SQLite a single connection behind a lock), readers, the store's clock."""

    def __init__(self, url: URL, seams: Seams) -> None:
        self.url = url
        self.seams = seams
        self.sqlite = url.get_backend_name() == "sqlite"
        self.offset = 0.0
        self._turn = asyncio.Lock()
        self.writer = _sqlite_engine(url, writer=True) if self.sqlite else _postgres_engine(url)
        self.reader = _sqlite_engine(url, writer=False) if self.sqlite else self.writer

    def now(self) -> float:
        """Epoch seconds by the handed-in clock, moved to the database's on PostgreSQL so that copies agree."""
        return epoch(self.seams.clock.now()) + self.offset

    async def read(self, work: Work[T]) -> T:
        """Run `work` in one transaction that sees one snapshot per statement (SQLite: one for all)."""
        return await self._with_retries(lambda: self._run(self.reader, work))

    async def write(self, name: str, work: Work[T]) -> T:
        """Run `work` in one writing transaction; it may run again after a deadlock, so it must not remember anything.

        Raises StoreUnavailable, Unstorable; IntegrityError passes for callers who name it. Failpoints:
        `store.<name>.before_commit`, `store.<name>.committed`.
        """

        async def with_failpoint(conn: AsyncConnection) -> T:
            result = await work(conn)
            await self.seams.failpoint(f"store.{name}.before_commit")
            return result

        async def once() -> T:
            if not self.sqlite:
                return await self._run(self.writer, with_failpoint)
            async with self._turn:
                return await self._run(self.writer, with_failpoint)

        result = await self._with_retries(once)
        await self.seams.failpoint(f"store.{name}.committed")
        return result

    async def session(self, work: Work[T]) -> T:
        """Run `work` on a connection of its own, outside of any transaction (PostgreSQL session locks)."""
        try:
            async with self.writer.connect() as conn:
                return await work(conn)
        except (DBAPIError, PoolTimeout, OSError, TimeoutError) as error:
            raise StoreUnavailable(f"the store cannot be used now: {_reason(error)}") from error

    async def next_seqs(self, conn: AsyncConnection, count: int) -> list[int]:
        """The next `count` numbers of the store-wide counter (sequence, generation, fence, link id)."""
        if count == 0:
            return []
        if self.sqlite:
            grown = update(sequence).values(value=sequence.c.value + count).returning(sequence.c.value)
            last = (await conn.execute(grown)).scalar_one()
            return list(range(last - count + 1, last + 1))
        drawn = select(func.nextval("bridge_seq")).select_from(func.generate_series(1, count).alias())
        return sorted((await conn.execute(drawn)).scalars().all())

    async def lock_name(self, conn: AsyncConnection, name: str) -> None:
        """Hold `name` until this transaction ends; on SQLite there is only one writing transaction anyway."""
        if not self.sqlite:
            await conn.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})

    async def tell(self, conn: AsyncConnection) -> None:
        """Wake the other copies when this transaction commits."""
        if not self.sqlite:
            await conn.execute(text(f"SELECT pg_notify('{WAKE_CHANNEL}', '')"))

    async def refresh_clock(self) -> None:
        """Measure the offset to the database's clock again (PostgreSQL)."""
        if self.sqlite:
            return
        asked = text("SELECT extract(epoch FROM clock_timestamp())")
        theirs = await self.read(lambda conn: conn.scalar(asked))
        self.offset = float(theirs or 0.0) - epoch(self.seams.clock.now())

    async def close(self) -> None:
        await self.writer.dispose()
        if self.reader is not self.writer:
            await self.reader.dispose()

    async def _run(self, engine: AsyncEngine, work: Work[T]) -> T:
        async with engine.connect() as conn, conn.begin():
            return await work(conn)

    async def _with_retries(self, once: Callable[[], Awaitable[T]]) -> T:
        for attempt in range(TRIES):
            try:
                return await once()
            except IntegrityError:
                raise
            except (DBAPIError, PoolTimeout, OSError, TimeoutError) as error:
                if is_refused(error):
                    raise Unstorable(_reason(error)) from error
                if attempt + 1 == TRIES or not _is_retried(error):
                    raise StoreUnavailable(f"the store cannot be used now: {_reason(error)}") from error
            except (UnicodeEncodeError, OverflowError, StatementError) as error:
                raise Unstorable(_reason(error)) from error
            await self.seams.clock.sleep(0.01 * 2**attempt * (0.5 + self.seams.random.random()))
        raise AssertionError("unreachable")


def _sqlite_engine(url: URL, *, writer: bool) -> AsyncEngine:
    engine = create_async_engine(
        url.set(drivername="sqlite+aiosqlite"),
        pool_size=1 if writer else 4,
        max_overflow=0,
        async_creator=partial(connect, str(url.database), timeout=BUSY_SECONDS, writes=writer),
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where we say so
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        if not writer:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(conn: Any) -> None:
        conn.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")

    return engine


def _postgres_engine(url: URL) -> AsyncEngine:
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


def _state(error: BaseException) -> str:
    found = getattr(getattr(error, "orig", error), "sqlstate", None)
    return found if isinstance(found, str) else ""


def is_refused(error: BaseException) -> bool:
    """The database will never take this value, whoever asks."""
    return isinstance(error, DataError) or _state(error).startswith(REFUSED_STATES)


def _is_retried(error: BaseException) -> bool:
    if _state(error) in RETRIED_STATES:
        return True
    original = getattr(error, "orig", None)
    return isinstance(original, sqlite3.OperationalError) and "locked" in str(original)


def _reason(error: BaseException) -> str:
    """The database's own words, without statement or values."""
    original = getattr(error, "orig", None) or error
    return str(original).splitlines()[0][:300] if str(original) else type(original).__name__
