"""Connections and transactions: the one border between the asynchronous bridge and its synchronous store.

A transaction is a plain function on a `Connection`. On SQLite its statements take microseconds and do not wait, so the
function runs on the event loop; only its commit, which waits for the disk, is handed to the database's own thread. (A
thread for every statement would cost more than the statements, because each hand-over to a thread waits for the
interpreter lock while the loop is busy.) On PostgreSQL, where every statement waits for the server, SQLAlchemy runs the
same function over asyncpg, whose prepared statements are kept.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Protocol, TypeVar

from sqlalchemy import Connection, Integer, bindparam, func, select, text, update
from sqlalchemy.engine import URL
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bridge.domain.backoff import backoff_seconds
from bridge.domain.errors import StoreUnavailable
from bridge.domain.late import late
from bridge.domain.seams import Clock, Seams, epoch
from bridge.store.model import Unstorable
from bridge.store.planner import set_statistics
from bridge.store.remedies import CONTINUES, DAMAGED, LOCKED, code_of, in_words, is_passing, state_of
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
        """Give SQLite the statistics by which it plans its statements; see `planner`."""
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
