"""Connections and transactions: the one border between the asynchronous bridge and its synchronous store.

A transaction is a plain function on a `Connection`. On SQLite its statements take microseconds and do not wait, so the
function runs on the event loop; only its commit, which waits for the disk, is handed to the database's own thread. (A
thread for every statement would cost more than the statements, because each hand-over to a thread waits for the
interpreter lock while the loop is busy.) On PostgreSQL, where every statement waits for the server, SQLAlchemy runs the
same function over asyncpg, whose prepared statements are kept.

Below `Database`: what a database's errors mean, transactions that share a commit, deletes in small steps, and how
workers learn that there is work.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import IntEnum
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import ColumnElement, Connection, Integer, Select, Table, bindparam, delete, func, select, text, update
from sqlalchemy.engine import URL
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bridge.domain.errors import StoreUnavailable
from bridge.domain.late import late
from bridge.domain.seams import Clock, Seams, epoch
from bridge.domain.waits import backoff_seconds
from bridge.store.model import Unstorable
from bridge.store.schema import set_statistics
from bridge.store.statements import Prepared
from bridge.store.tables import sequence

T = TypeVar("T")
Work = Callable[[Connection], T]

TRIES = 6
FIRST_WAIT_SECONDS = 0.015
LONGEST_WAIT_SECONDS = 1.0
RETRIED_STATES = frozenset({"40001", "40P01", "55P03"})  # serialization failure, deadlock, lock not available
REFUSED_CLASSES = frozenset({"22", "54"})  # data exceptions; limits of the program (a row too large for an index)
WAKE_CHANNEL = "bridge_wake"
SQLITE = ("bridge.store.sqlite_file", "Sqlite")
POSTGRES = ("bridge.store.postgres", "Postgres")
"""Only the one in use is imported, because the driver and SQLAlchemy's dialect take time and memory."""

BYTES = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
"""The size of the file by SQLite's own count."""

COUNT_ON = Prepared(update(sequence).values(value=sequence.c.value + bindparam("count")).returning(sequence.c.value))
DRAW = select(func.nextval("bridge_seq")).select_from(
    func.generate_series(1, bindparam("count", type_=Integer)).alias()
)


class Backend(Protocol):
    """The connections to a database: `sqlite_file.Sqlite` or `postgres.Postgres`."""

    async def read(self, work: Work[T]) -> T: ...
    async def write(self, work: Work[T], before_commit: Callable[[], Awaitable[None]]) -> T: ...
    async def session(self, work: Work[T]) -> T: ...
    def read_anew(self) -> None: ...
    async def scrub(self) -> None: ...
    async def listen(self, channel: str, heard: Callable[[], None], ready: Callable[[], None]) -> None: ...
    async def close(self) -> None: ...


class Database:
    """One database and the store's clock."""

    def __init__(self, url: URL, seams: Seams) -> None:
        self.url = url
        self.seams = seams
        self.sqlite = url.get_backend_name() == "sqlite"
        self.offset = 0.0
        self.alone = False
        """No other instance runs, as far as this one knows. Then no notifications are sent."""
        self.damage = ""
        """A fault that only a person can repair: a file with a damaged page. Nothing is written to it any more."""
        self.locked = False
        """Another program has held the file locked for a second or longer."""
        self.backend: Backend = late(*SQLITE)(url, self) if self.sqlite else late(*POSTGRES)(url)

    def now(self) -> float:
        """Epoch seconds of the clock in `seams`; on PostgreSQL corrected to the database's, so that instances agree."""
        return epoch(self.seams.clock.now()) + self.offset

    async def read(self, work: Work[T]) -> T:
        """Run `work` in one transaction that sees one snapshot per statement (SQLite: one for all)."""
        return await self._with_retries(lambda: self.backend.read(work))

    async def write(self, name: str, work: Work[T]) -> T:
        """Run `work` in one writing transaction; it may run again after a deadlock, so it must keep no state.

        Raises StoreUnavailable, Unstorable, and IntegrityError for the caller to translate. Failpoints:
        `store.<name>.before_commit`, `store.<name>.committed`.
        """

        if self.damage:
            raise StoreUnavailable(self.damage)

        async def before_commit() -> None:
            await self.seams.failpoint(f"store.{name}.before_commit")

        result = await self._with_retries(lambda: self.backend.write(work, before_commit))
        await self.seams.failpoint(f"store.{name}.committed")
        return result

    def require_free(self) -> None:
        """Raises StoreUnavailable at once while another program holds the file: a write would wait for it."""
        if self.locked:
            raise StoreUnavailable(f"the store cannot be used now: {LOCKED}{CONTINUES}")

    async def session(self, work: Work[T]) -> T:
        """Run `work` on a connection of its own, outside of any transaction (PostgreSQL session locks)."""
        try:
            return await self.backend.session(work)
        except (DBAPIError, PoolTimeout, OSError, TimeoutError) as error:
            raise self._unavailable(error) from error

    async def scrub(self) -> None:
        """Remove deleted data from the files as well, as far as the database can. Raises StoreUnavailable."""
        try:
            await self.backend.scrub()
        except (DBAPIError, PoolTimeout, OSError, TimeoutError) as error:
            raise StoreUnavailable(f"the store's files cannot be rewritten now: {in_words(error)}") from error

    async def set_statistics(self) -> None:
        """Give SQLite the statistics by which it plans its statements; see `schema`."""
        if self.sqlite:
            await self.write("planner", set_statistics)
            self.backend.read_anew()

    def next_seqs(self, conn: Connection, count: int) -> list[int]:
        """The next `count` numbers of the store-wide counter (sequence, generation, fence, link id)."""
        if count == 0:
            return []
        if self.sqlite:
            last = COUNT_ON.one(conn, {"count": count})
            return list(range(last - count + 1, last + 1))
        return sorted(conn.execute(DRAW, {"count": count}).scalars().all())

    def lock_name(self, conn: Connection, name: str) -> None:
        """Hold `name` until this transaction ends; on SQLite there is only one writing transaction anyway."""
        if not self.sqlite:
            conn.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})

    def notify(self, conn: Connection) -> None:
        """Wake the other instances when this transaction commits."""
        if not self.sqlite and not self.alone:
            conn.execute(text(f"SELECT pg_notify('{WAKE_CHANNEL}', '')"))

    async def refresh_clock(self) -> None:
        """Measure the offset to the database's clock again (PostgreSQL)."""
        if self.sqlite:
            return
        asked = text("SELECT extract(epoch FROM clock_timestamp())")
        theirs = await self.read(lambda conn: conn.scalar(asked))
        self.offset = float(theirs or 0.0) - epoch(self.seams.clock.now())

    async def close(self) -> None:
        await self.backend.close()

    async def _with_retries(self, once: Callable[[], Awaitable[T]]) -> T:
        for attempt in range(TRIES):
            try:
                return await once()
            except IntegrityError:
                raise
            except (DBAPIError, PoolTimeout, OSError, TimeoutError) as error:
                if is_refused(error):
                    raise Unstorable(in_words(error)) from error
                if attempt + 1 == TRIES or not _is_retried(error):
                    raise self._unavailable(error) from error
            except (UnicodeEncodeError, OverflowError, StatementError) as error:
                raise Unstorable(in_words(error)) from error
            wait = backoff_seconds(attempt + 1, FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS, self.seams.random)
            await self.seams.clock.sleep(wait)
        raise AssertionError("unreachable")

    def _unavailable(self, error: BaseException) -> StoreUnavailable:
        told = f"the store cannot be used now: {in_words(error)}{CONTINUES if is_passing(error) else ''}"
        if code_of(error) in DAMAGED:
            self.damage = told
        return StoreUnavailable(told)


def is_refused(error: BaseException) -> bool:
    """Whether the database can never store this value."""
    return isinstance(error, DataError) or state_of(error)[:2] in REFUSED_CLASSES


def _is_retried(error: BaseException) -> bool:
    """Whether to try again. A locked file is not: the store has already waited for it."""
    return state_of(error) in RETRIED_STATES


# ---- What the errors of a database mean, in sentences that say what to do ----


class SqliteCode(IntEnum):
    """Primary result codes of SQLite (https://www.sqlite.org/rescode.html). A bridge on PostgreSQL needs no SQLite."""

    PERM = 3
    BUSY = 5
    LOCKED = 6
    READONLY = 8
    IOERR = 10
    CORRUPT = 11
    FULL = 13
    CANTOPEN = 14
    NOTADB = 26


RESTORE = "stop the bridge, move the file, its -wal and its -shm away, then run `bridge restore-backup FILE`"

LOCKED = "another program has locked it: end that program"
CONTINUES = "; then the bridge continues by itself"

SQLITE_REMEDIES: Mapping[int, str] = {
    SqliteCode.FULL: "the disk is full: free some space",
    SqliteCode.READONLY: "its file or disk is read-only: give the bridge's user the right to write it",
    SqliteCode.BUSY: LOCKED,
    SqliteCode.LOCKED: LOCKED,
    SqliteCode.IOERR: "the disk cannot be read or written: see the log of the operating system",
    SqliteCode.CANTOPEN: "its file cannot be opened: check that it exists and that the bridge's user may write it",
    SqliteCode.PERM: "its file may not be written: give the bridge's user the right to write it",
    SqliteCode.CORRUPT: f"its file is damaged: {RESTORE}",
    SqliteCode.NOTADB: f"its file is not a database, or is damaged: correct store.url, or {RESTORE}",
}
DAMAGED = frozenset({SqliteCode.CORRUPT, SqliteCode.NOTADB})

POSTGRES_REMEDIES: Mapping[str, str] = {
    "53300": "PostgreSQL has no free connection: raise max_connections, or close other connections",
    "53100": "PostgreSQL's disk is full: free some space",
    "53200": "PostgreSQL is out of memory",
    "25006": "PostgreSQL accepts no writes (it is a replica, or read-only): name the primary in store.url",
    "28P01": "PostgreSQL rejects the password: correct store.url and restart",
    "28000": "PostgreSQL rejects the user: correct store.url and restart",
    "3D000": "PostgreSQL has no such database: create it, or correct store.url and restart",
    "57P03": "PostgreSQL is starting or stopping",
    "XX001": "a table of PostgreSQL is damaged: restore the database",
    "XX002": "an index of PostgreSQL is damaged: REINDEX the database",
    "42P01": "a table is missing: restore the database",
}

PASSING = frozenset(
    {
        *(
            SqliteCode.FULL,
            SqliteCode.READONLY,
            SqliteCode.BUSY,
            SqliteCode.LOCKED,
            SqliteCode.PERM,
        ),
        *("53300", "53100", "53200", "57P03"),
    }
)
"""Errors after which a running bridge continues by itself."""


def code_of(error: BaseException) -> int:
    """SQLite's primary code of an error; 0 for others."""
    found = getattr(getattr(error, "orig", error), "sqlite_errorcode", None)
    return found & 0xFF if isinstance(found, int) else 0


def is_locked(error: BaseException) -> bool:
    """Whether another connection is writing, or has locked the file."""
    return code_of(error) in (SqliteCode.BUSY, SqliteCode.LOCKED)


def state_of(error: BaseException) -> str:
    """PostgreSQL's SQLSTATE of an error; "" for others."""
    found = getattr(getattr(error, "orig", error), "sqlstate", None)
    return found if isinstance(found, str) else ""


def known_words(error: BaseException) -> str | None:
    """What is wrong and what to do; None for an error that is not in the tables above."""
    return SQLITE_REMEDIES.get(code_of(error)) or POSTGRES_REMEDIES.get(state_of(error))


def is_passing(error: BaseException) -> bool:
    """Whether a running bridge continues by itself once the cause is gone."""
    return code_of(error) in PASSING or state_of(error) in PASSING


def in_words(error: BaseException) -> str:
    """What is wrong and what to do; otherwise the database's own words, without statement or values."""
    known = known_words(error)
    if known is not None:
        return known
    original = getattr(error, "orig", None) or error
    if isinstance(original, TimeoutError):
        return "the database did not answer in time: check whether a table is locked or the server is overloaded"
    if isinstance(original, (ConnectionRefusedError, FileNotFoundError)):
        return f"no database listens at this address: start it, or correct store.url ({original.strerror})"
    return str(original).splitlines()[0][:300] if str(original) else type(original).__name__


# ---- Group commit ----


Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """Collects items into batches of at most `size` and hands each to `commit`, which returns a result per item.

    A failed batch is tried again item by item, so that one bad item fails alone. If the store is unavailable, all fail.
    `limit`: items that may wait; above it `submit` raises StoreUnavailable at once.
    """

    def __init__(
        self, commit: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]], size: int, limit: int, clock: Clock
    ) -> None:
        self._commit = commit
        self._size = size
        self.limit = limit
        self._clock = clock
        self._waiting: deque[tuple[Item, asyncio.Future[Result], float]] = deque()
        self._drain: asyncio.Task[None] | None = None

    async def submit(self, item: Item, within: float = 0.0) -> Result:
        """Return the item's result once it is durable. The item of a cancelled caller is still committed.

        `within`: seconds for which the item may wait for others, so that they share its batch.
        """
        if len(self._waiting) >= self.limit:
            raise StoreUnavailable("too much is waiting to be stored")
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future, within))
        if self._drain is None or self._drain.done():
            self._drain = asyncio.create_task(self._run())
        return await future

    async def close(self) -> None:
        """Wait until all submitted items have their result."""
        while self._drain is not None and not self._drain.done():
            await asyncio.wait([self._drain])

    async def _run(self) -> None:
        try:
            while self._waiting:
                *_, within = self._waiting[0]
                if within > 0:
                    await self._clock.sleep(within)
                batch = [self._waiting.popleft()[:2] for _ in range(min(self._size, len(self._waiting)))]
                await self._settle(batch)
        except BaseException:
            for _, future, _ in self._waiting:
                future.cancel()
            self._waiting.clear()
            raise

    async def _settle(self, batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._commit([item for item, _ in batch])
        except (Exception, asyncio.CancelledError) as error:
            if not isinstance(error, Exception):
                for _, future in batch:
                    future.cancel()
                raise
            if len(batch) > 1 and not isinstance(error, StoreUnavailable):
                for entry in batch:
                    await self._settle([entry])
                return
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)


# ---- Deleting old rows in small steps, so that callbacks are accepted between them ----


STEP_ROWS = 500
"""The most rows that one transaction of retention deletes from a table."""


def _nothing_else(conn: Connection, gone: int) -> None:
    """Do nothing else in a step."""


def old_rows(table: Table, old: ColumnElement[bool], by: ColumnElement[Any]) -> Select[Any]:
    """Select the keys of the rows that one step deletes."""
    return select(*table.primary_key.columns).where(old).order_by(by).limit(STEP_ROWS)


async def delete_in_steps(
    database: Database,
    name: str,
    table: Table,
    old: ColumnElement[bool],
    by: ColumnElement[Any],
    beside: Callable[[Connection, int], None] = _nothing_else,
) -> int:
    """Delete old rows, and return how many.

    `by`: an indexed column that `old` compares; without an index each step would read all rows that are not old.
    `beside`: is called in the transaction of each step with the number of rows deleted.
    """
    (key,) = table.primary_key.columns
    gone = delete(table).where(key.in_(old_rows(table, old, by)))

    def work(conn: Connection) -> int:
        number = conn.execute(gone).rowcount
        beside(conn, number)
        return number

    total = 0
    while True:
        number = await database.write(name, work)
        total += number
        if number < STEP_ROWS:
            return total


# ---- Waking workers: an event in this process, LISTEN/NOTIFY between instances on PostgreSQL ----


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
