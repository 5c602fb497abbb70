"""One life of the bridge's process: everything it starts belongs to it, and dies with it at once."""

import asyncio
import contextvars
import sqlite3
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

from bridge.store.sqlite import Connection

T = TypeVar("T")

LIFE: contextvars.ContextVar["Life | None"] = contextvars.ContextVar("life", default=None)
QUIETLY = ("rollback", "close")


class Life:
    """A process that can be killed. After that nothing of it reaches the store or the network, whatever still runs."""

    def __init__(self) -> None:
        self.dead = False
        self.context = contextvars.copy_context()
        self.context.run(LIFE.set, self)
        self.tasks: dict[asyncio.Task[Any], None] = {}
        self.files: list[InlineConnection] = []
        self.locks: list[Any] = []

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        return asyncio.get_running_loop().create_task(work, context=self.context)

    def end(self) -> None:
        """No goodbye: what was not committed is rolled back, locks on files go as the kernel lets them go."""
        self.dead = True
        for connection in self.files:
            connection.cut()
        for lock in self.locks:
            lock.release()

    async def bury(self) -> None:
        """Let every task of it end; none can do anything any more."""
        me = asyncio.current_task()
        for _ in range(1000):
            left = [task for task in self.tasks if not task.done() and task is not me]
            if not left:
                return
            for task in left:
                task.cancel()
            await asyncio.sleep(0)
        raise AssertionError(f"tasks outlive their process: {left}")


def alive() -> None:
    """Raises CancelledError in whatever belongs to a process that was killed."""
    life = LIFE.get()
    if life is not None and life.dead:
        raise asyncio.CancelledError


def task_factory(
    loop: asyncio.AbstractEventLoop,
    work: Coroutine[Any, Any, T] | Generator[Any, None, T],
    context: contextvars.Context | None = None,
) -> asyncio.Task[T]:
    """Every task is known to the life that started it."""
    context = context if context is not None else contextvars.copy_context()
    task: asyncio.Task[T] = asyncio.Task(work, loop=loop, context=context)  # type: ignore[arg-type]
    life = context.get(LIFE)
    if life is not None:
        life.tasks[task] = None
        task.add_done_callback(lambda ended: life.tasks.pop(ended, None))
    return task


class AtOnce:
    """In place of the queue to a driver's thread."""

    def put_nowait(self, item: tuple[asyncio.Future[Any] | None, Callable[[], Any]]) -> None:
        future, work = item
        result = work()
        if future is not None:
            future.set_result(result)


class InlineConnection(Connection):
    """A SQLite connection without a thread, for a loop whose time must not move while a driver works.

    What the product hands to the thread lets the others run once, as it does there.
    """

    def __init__(self, connector: Callable[[], sqlite3.Connection], *, writes: bool) -> None:
        super().__init__(connector, writes=writes)
        self._life = LIFE.get()
        self._tx = AtOnce()  # type: ignore[assignment]  # SQLAlchemy's dialect uses it directly

    def __await__(self) -> Generator[Any, None, "InlineConnection"]:
        self._connection = self._connector()
        if self._life is not None:
            self._life.files.append(self)
        return self
        yield

    async def _execute(self, fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        if self._life is not None and self._life.dead:
            if getattr(fn, "__name__", "") in QUIETLY:
                return None  # type: ignore[return-value]
            raise asyncio.CancelledError
        if self._may_wait(fn, args):
            await asyncio.sleep(0)
            if self._life is not None and self._life.dead:
                raise asyncio.CancelledError
        if args and args[0] == "PRAGMA synchronous=FULL":  # what outlives a power cut is not what storms are about
            args = ("PRAGMA synchronous=OFF", *args[1:])
        return fn(*args, **kwargs)

    @property
    def _conn(self) -> sqlite3.Connection:
        if self._connection is None:
            raise asyncio.CancelledError
        return self._connection

    def stop(self) -> None:
        self.cut()

    async def close(self) -> None:
        self.cut()

    def cut(self) -> None:
        """Close the file; an open transaction is undone."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def connect_inline(database: str, *, timeout: float, writes: bool) -> InlineConnection:
    """In place of `bridge.store.sqlite.connect`."""
    return InlineConnection(lambda: sqlite3.connect(database, timeout=timeout, check_same_thread=False), writes=writes)
