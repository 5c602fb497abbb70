"""The store in a SQLite file: one connection that writes and one that reads. Imported only for such a store.

Statements run on the event loop. Commits, which wait for the disk, run on a thread of their own.
"""

import asyncio
import os
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Transaction, create_engine, event, text
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from bridge.domain.errors import StoreUnavailable
from bridge.store.database import BYTES, RESTORE, Database, Work, in_words, is_locked
from bridge.store.statements import Prepared

__all__ = ["Kept", "Sqlite", "connect", "insert"]  # `upsert` imports `insert`: only this file needs the dialect

T = TypeVar("T")

TOGETHER = 16
"""At most this many transactions share a commit, because they hold up the event loop."""

BUSY_SECONDS = 5.0
BUSY_STEP_SECONDS = 0.005
LOCKED_SECONDS = 1.0


@dataclass(slots=True)
class Writing:
    """A transaction that a caller waits for. `ended`: its result, once it is on the disk."""

    work: Work[Any]
    before_commit: Callable[[], Awaitable[None]]
    ended: asyncio.Future[Any]
    result: Any = None


class Sqlite:
    """A writer and a reader, each one connection; commits wait for the disk on a thread of their own.

    A commit costs more than most statements. So writes that are requested during a commit share the next one. Each
    writes as if it were alone, and all of them end when the commit is on the disk. If one fails, the others are tried
    again without it.
    """

    def __init__(self, url: URL, database: Database) -> None:
        self._database = database
        self._asked: deque[Writing] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._thread = DiskThread()
        self.writer = Kept(_sqlite_engine(url, writer=True))
        self._file = StoreFile(str(url.database))
        self._reader = Kept(_sqlite_engine(url, writer=False))

    async def read(self, work: Work[T]) -> T:
        with self._reader.using() as conn, conn.begin():
            return work(conn)

    async def write(self, work: Work[T], before_commit: Callable[[], Awaitable[None]]) -> T:
        ended: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._asked.append(Writing(work, before_commit, ended))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        return await ended

    async def _write(self) -> None:
        try:
            while self._asked:
                await self._together([self._asked.popleft() for _ in range(min(TOGETHER, len(self._asked)))])
        finally:
            for one in self._asked:  # left only when the task is cancelled
                one.ended.cancel()
            self._asked.clear()

    async def _together(self, asked: Sequence[Writing]) -> None:
        """Run all that are still waited for in one transaction. If one fails, run the others again."""
        wanted = [one for one in asked if not one.ended.done()]
        while wanted:
            try:
                with self.writer.using() as conn:
                    failed = await self._once(conn, wanted)
            except Exception as error:
                for one in wanted:
                    _end(one.ended, None, error)
                return
            except BaseException:
                for one in wanted:
                    one.ended.cancel()
                raise
            wanted = [one for one in wanted if one is not failed]
            if failed is None:
                for one in wanted:
                    _end(one.ended, one.result)
                return

    async def _once(self, conn: Connection, wanted: Sequence[Writing]) -> Writing | None:
        """Return None if all are committed; otherwise the one that failed, and nothing is committed."""
        transaction = await self._begun(conn)
        try:
            for one in wanted:
                try:
                    one.result = one.work(conn)
                    await one.before_commit()
                except Exception as error:
                    transaction.rollback()
                    _end(one.ended, None, error)
                    return one
            await self.in_thread(transaction.commit)
            self._file.require_whole()
        except BaseException:
            if transaction.is_active:
                transaction.rollback()
            raise
        return None

    def read_anew(self) -> None:
        """Let the next read open a new connection: statistics, for example, are read only when it opens."""
        self._reader.close()

    async def session(self, work: Work[T]) -> T:
        raise AssertionError("SQLite has one process, and no locks of sessions")

    async def scrub(self) -> None:
        """Rewrite the file, which waits for other processes' transactions, and empty the write-ahead log."""
        try:
            await self.in_thread(lambda: _rewrite(str(self._database.url.database)))
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the store's files cannot be rewritten now: {in_words(error)}") from error

    async def listen(self, channel: str, heard: Callable[[], None], ready: Callable[[], None]) -> None:
        raise AssertionError("only PostgreSQL notifies")

    async def in_thread(self, act: Callable[[], None]) -> None:
        """Run an act that waits for the disk in the database's thread. Returns, or raises, only after it has ended."""
        ended = self._thread.run(act)
        try:
            await ended
        except asyncio.CancelledError:
            ended.result()
            raise

    async def close(self) -> None:
        if self._writing is not None:
            await asyncio.wait([self._writing])
        self._thread.close()
        self.writer.close()
        self._reader.close()

    async def _begun(self, conn: Connection) -> Transaction:
        """Begin a transaction. Another process (a command) may be writing: wait for it without holding up the loop."""
        self._file.require_whole()
        clock = self._database.seams.clock
        began = clock.monotonic()
        while True:
            try:
                transaction = conn.begin()
            except DBAPIError as error:
                waited = clock.monotonic() - began
                self._database.locked = is_locked(error) and waited >= LOCKED_SECONDS
                if not is_locked(error) or waited >= BUSY_SECONDS:
                    raise
            else:
                self._database.locked = False
                return transaction
            await clock.sleep(BUSY_STEP_SECONDS)


class Ending(asyncio.Future[None]):
    """The end of an act that cannot be stopped. A task that is cancelled while it waits for this continues to wait, and
    is cancelled afterwards, because nothing else may use the connection meanwhile."""

    def cancel(self, msg: object = None) -> bool:
        return False


class DiskThread:
    """The database's own thread. It runs one act after the other.

    A thread pool takes its locks several times for each act. While the loop is busy, each time waits for the
    interpreter lock: a commit that took 0.1 ms ended after 4 to 15 ms.
    """

    def __init__(self) -> None:
        self._asked: SimpleQueue[tuple[Callable[[], None], Ending] | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name="store", daemon=True)

    def run(self, act: Callable[[], None]) -> "Ending":
        """Run the act; what is returned has its result or error."""
        if self._thread.ident is None:
            self._thread.start()
        ended = Ending(loop=asyncio.get_running_loop())
        self._asked.put((act, ended))
        return ended

    def close(self) -> None:
        """Return when all acts that were requested are done."""
        if self._thread.ident is not None:
            self._asked.put(None)
            self._thread.join()

    def _work(self) -> None:
        while (asked := self._asked.get()) is not None:
            act, ended = asked
            error: BaseException | None = None
            try:
                act()
            except BaseException as failure:
                error = failure
            with suppress(RuntimeError):  # the loop is closed, and no caller waits any more
                ended.get_loop().call_soon_threadsafe(_end, ended, None, error)


def _end(waited: asyncio.Future[T], result: T, error: BaseException | None = None) -> None:
    """Give the result to the waiting caller, unless it was cancelled."""
    if waited.done():
        return
    if error is None:
        waited.set_result(result)
    else:
        waited.set_exception(error)


class Kept:
    """An engine's one connection, kept open between transactions: to take it again costs as much as a statement.

    After an error it is given back, so that nothing of the failed transaction stays in it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._conn: Connection | None = None

    @contextmanager
    def using(self) -> Iterator[Connection]:
        if self._conn is None:
            self._conn = self._engine.connect()
        try:
            yield self._conn
        except BaseException:
            self._give_back()
            raise

    def close(self) -> None:
        """Close it. The next use opens a new connection."""
        self._give_back()
        self._engine.dispose()

    def _give_back(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.close()


def connect(database: str) -> sqlite3.Connection:
    """Connect so that the store begins transactions itself, and another thread than the statements' may commit."""
    return sqlite3.connect(database, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None)


def _rewrite(database: str) -> None:
    """Rewrite the file, and empty the log: the former content of a page stays there until a checkpoint empties it."""
    conn = connect(database)
    try:
        conn.execute("VACUUM")
        busy, *_ = conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise sqlite3.OperationalError("another process reads the write-ahead log")
    finally:
        conn.close()


def _sqlite_engine(url: URL, *, writer: bool) -> Engine:
    engine = create_engine(
        url.set(drivername="sqlite+pysqlite"),
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        pool_reset_on_return=None,  # the store ends every transaction itself
        creator=lambda: connect(str(url.database)),
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.execute("PRAGMA busy_timeout=0" if writer else "PRAGMA query_only=ON")
        cursor.close()

    begin = Prepared(text("BEGIN IMMEDIATE" if writer else "BEGIN"))

    @event.listens_for(engine, "begin")
    def begun(conn: Connection) -> None:
        begin.run(conn)

    return engine


class StoreFile:
    """Watches the file of an open SQLite store: what is written to a deleted file is lost at the next start.

    SQLite itself continues to write to a deleted file without an error.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._seen: dict[str, tuple[int, int, int]] = {}

    def require_whole(self) -> None:
        """Raises StoreUnavailable when file or journal was deleted, replaced or cut since the first call.

        The file shrinks only when SQLite rewrites it (`bridge forget`), and is whole then; the journal (-wal) may
        shrink.
        """
        for path, shrinks in ((self._path, False), (f"{self._path}-wal", True)):
            before = self._seen.get(path)
            try:
                found = os.stat(path)
            except FileNotFoundError:
                if before is None:
                    continue
                raise _lost(path, "was deleted") from None
            except OSError:
                continue  # a fault of the disk shows at the next write
            now = (found.st_dev, found.st_ino, found.st_size)
            if before is not None and now[:2] != before[:2]:
                raise _lost(path, "was replaced by another file")
            if before is not None and not shrinks and now[2] < before[2] and not _whole(path, now[2]):
                raise _lost(path, "was cut short")
            self._seen[path] = now


def _whole(path: str, size: int) -> bool:
    """Whether a file of `size` bytes that shrank has all its pages; pages beyond its end may still be in the journal.

    This needs a new connection, because an open one answers from its memory. (To open and close the file without SQLite
    would release SQLite's locks.)
    """
    try:
        conn = sqlite3.connect(f"{Path(path).resolve().as_uri()}?mode=ro", uri=True, timeout=1.0)
        try:
            (bytes_,) = conn.execute(BYTES).fetchone()
            return bool(bytes_ <= size or conn.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
        finally:
            conn.close()
    except sqlite3.Error:
        return False


def _lost(path: str, what: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"the store's file {path} {what} while the bridge was running: put the same file back, and the bridge "
        f"continues by itself; otherwise {RESTORE}"
    )
