"""The store on PostgreSQL: a pool of asyncpg connections. `database` imports it only if the store is on PostgreSQL.

A transaction is a plain function that runs in a greenlet, and the event loop awaits what it waits for. SQLAlchemy's
asyncio extension does the same with a greenlet for each step, but imports the whole ORM: 6 MB.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

import asyncpg
from asyncpg.exceptions import TargetServerAttributeNotMatched
from sqlalchemy import AsyncAdaptedQueuePool, Connection, Engine, create_engine, event
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.util import await_only, greenlet_spawn

from bridge.domain.errors import StoreUnavailable

__all__ = ["Postgres", "insert"]  # `upsert` imports `insert` from here: only this file imports PostgreSQL's dialect

POOL_LOG = logging.getLogger(f"{AsyncAdaptedQueuePool.__module__}.{AsyncAdaptedQueuePool.__name__}")

T = TypeVar("T")
Work = Callable[[Connection], T]


ERASED_FROM = (
    *("audit", "brake_hits", "events", "instructions", "intent_keys", "journal", "leases", "link_refs", "links"),
    *("merges", "record_keys", "records", "requests", "tasks", "unlinked_refs"),
)
"""The tables that `forget` deletes from, or blanks."""
CONNECT_SECONDS = 10.0
HOST_SECONDS = 4.0
"""If there are several servers, each must answer within this time."""
COMMAND_SECONDS = 60.0
COMMAND_OF_SEVERAL_SECONDS = 20.0
"""The limit of a statement if there are several servers: it is shorter, because another one may have taken over."""
LISTEN_SECONDS = 30.0
"""Seconds between two checks of a connection that only listens: it does not notice that the machine is off."""
VACUUM_SECONDS = 86_400.0
"""The limit of VACUUM, because that of other statements would end it on a large table."""


class Postgres:
    """A pool of connections."""

    def __init__(self, url: URL) -> None:
        self.engine = _engine(url)
        self._reading = self.engine.execution_options(isolation_level="AUTOCOMMIT")  # saves BEGIN and COMMIT

    async def read(self, work: Work[T]) -> T:
        def once() -> T:
            with self._reading.connect() as conn:
                return work(conn)

        return await _again_if_lost(once, lambda: True)

    async def write(self, work: Work[T], before_commit: Callable[[], Awaitable[None]]) -> T:
        uncommitted = True

        def once() -> T:
            nonlocal uncommitted
            with self.engine.connect() as conn, conn.begin():
                result = work(conn)
                await_only(before_commit())
                uncommitted = False
                return result

        return await _again_if_lost(once, lambda: uncommitted)

    async def session(self, work: Work[T]) -> T:
        """Run `work` on a connection of its own, outside of any transaction. It may wait with `await_only`."""
        began = False

        def once() -> T:
            nonlocal began
            with self.engine.connect() as conn:
                conn.exec_driver_sql("SELECT 1")  # finds a connection that the server closed, before work begins
                conn.rollback()
                began = True
                return work(conn)

        return await _again_if_lost(once, lambda: not began)

    def read_anew(self) -> None:
        raise AssertionError("only SQLite reads its statistics when a connection opens")

    async def scrub(self) -> None:
        """Remove rows that no transaction can see any more; their bytes vanish when the space is reused."""
        raw = await greenlet_spawn(self.engine.raw_connection)
        try:
            driver: Any = raw.driver_connection
            await driver.execute(f"VACUUM {', '.join(ERASED_FROM)}", timeout=VACUUM_SECONDS)
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise StoreUnavailable(f"the store's tables cannot be vacuumed now: {error}") from error
        finally:
            await greenlet_spawn(raw.close)

    async def listen(self, channel: str, heard: Callable[[], None], ready: Callable[[], None]) -> None:
        """Call `heard` at every notification until the connection is lost. Raises StoreUnavailable."""
        try:
            await self._listen(channel, heard, ready)
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise StoreUnavailable(f"the store cannot be used now: {error}") from error

    async def _listen(self, channel: str, heard: Callable[[], None], ready: Callable[[], None]) -> None:
        ended = asyncio.Event()
        raw = await greenlet_spawn(self.engine.raw_connection)
        driver: Any = raw.driver_connection
        try:
            driver.add_termination_listener(lambda *_: ended.set())
            await driver.add_listener(channel, lambda *_: heard())
            ready()
            while not ended.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(LISTEN_SECONDS):
                        await ended.wait()
                await driver.execute("SELECT 1", timeout=CONNECT_SECONDS)
        finally:
            await greenlet_spawn(raw.invalidate)

    async def close(self) -> None:
        await greenlet_spawn(self.engine.dispose)


async def _again_if_lost(once: Callable[[], T], nothing_done: Callable[[], bool]) -> T:
    """Run it; once more on a new connection, if the server had closed this one and nothing can have been committed.

    A ping before each transaction would notice that as well, but costs a round trip each time.
    """
    try:
        return await greenlet_spawn(once)
    except DBAPIError as error:
        if not (error.connection_invalidated and nothing_done()):
            raise
    return await greenlet_spawn(once)


def _engine(url: URL) -> Engine:
    query = dict(url.query)
    if mode := query.pop("sslmode", None):
        query["ssl"] = mode
    url = url.set(drivername="postgresql+asyncpg", query=query)
    given: dict[str, Any] = {"timeout": CONNECT_SECONDS, "command_timeout": COMMAND_SECONDS}
    if (connect := _first_that_writes(url)) is not None:
        given = {"async_creator_fn": connect}
    engine = create_engine(
        url,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=4,
        max_overflow=8,
        pool_use_lifo=True,  # each connection keeps prepared statements: few connections save memory
        pool_timeout=10,
        connect_args=given,
    )
    event.listen(engine, "handle_error", _leave_silent_server)
    POOL_LOG.addFilter(is_no_cancelled_close)
    return engine


def is_no_cancelled_close(record: logging.LogRecord) -> bool:
    """Whether the pool's log line is shown. It also reports, with a traceback, that a task was cancelled while its
    connection closed; the connection is closed all the same."""
    return not (record.exc_info and record.exc_info[0] is asyncio.CancelledError)


def _leave_silent_server(context: ExceptionContext) -> None:
    """Replace all connections after a statement timed out: the server hangs, and another one may have taken over.

    Otherwise the bridge would wait for each connection in turn.
    """
    if isinstance(context.original_exception, TimeoutError):
        context.is_disconnect = context.invalidate_pool_on_disconnect = True


def _first_that_writes(url: URL) -> Callable[..., Awaitable[Any]] | None:
    """Return how to connect if the address names several servers; None for one.

    The driver has one timeout for all of them. If the first machine is off, it would never try the second one.
    """
    dialect: Any = PGDialect_asyncpg  # it has no types
    _, given = dialect().create_connect_args(url)
    hosts, ports = given.pop("host", None), given.pop("port", None)
    if not isinstance(hosts, list):
        return None
    given = {"target_session_attrs": "read-write", "command_timeout": COMMAND_OF_SEVERAL_SECONDS, **given}

    async def connect(**_: Any) -> Any:
        refused = []
        for host, port in zip(hosts, ports, strict=True):
            try:
                return await asyncpg.connect(host=host, port=port, timeout=HOST_SECONDS, **given)
            except NEXT_HOST as error:
                refused.append(f"{host}:{port}: {_why(error)}")
        raise OSError(f"none of PostgreSQL's servers takes writes ({'; '.join(refused)})")

    return connect


NEXT_HOST = (OSError, TimeoutError, asyncpg.CannotConnectNowError, TargetServerAttributeNotMatched)
"""Errors of one server after which the next one is tried, because it may be the one that accepts writes."""


def _why(error: BaseException) -> str:
    if isinstance(error, TargetServerAttributeNotMatched):
        return "a standby"
    if isinstance(error, TimeoutError):
        return f"no answer within {HOST_SECONDS:g} s"
    if isinstance(error, ConnectionRefusedError):
        return "the connection is refused"
    return str(error) or type(error).__name__
