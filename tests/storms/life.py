"""One life of the bridge's process: everything that it starts belongs to it, and dies with it at once."""

import asyncio
import contextvars
import sqlite3
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

from bridge.store.sqlite_file import Sqlite

T = TypeVar("T")

LIFE: contextvars.ContextVar["Life | None"] = contextvars.ContextVar("life", default=None)


class Life:
    """A process that can be killed. After that, nothing that still runs in it reaches the store or the network."""

    def __init__(self) -> None:
        self.dead = False
        self.context = contextvars.copy_context()
        self.context.run(LIFE.set, self)
        self.tasks: dict[asyncio.Task[Any], None] = {}
        self.files: list[sqlite3.Connection] = []
        self.locks: list[Any] = []

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        return asyncio.get_running_loop().create_task(work, context=self.context)

    def end(self) -> None:
        """Kill it: open transactions are rolled back, and file locks are released, as the kernel does it."""
        self.dead = True
        for connection in self.files:
            connection.close()
        for lock in self.locks:
            lock.release()

    async def bury(self) -> None:
        """Let all of its tasks end. None can do anything any more."""
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
    """Raises CancelledError if the caller belongs to a process that was killed."""
    life = LIFE.get()
    if life is not None and life.dead:
        raise asyncio.CancelledError


def task_factory(
    loop: asyncio.AbstractEventLoop,
    work: Coroutine[Any, Any, T] | Generator[Any, None, T],
    context: contextvars.Context | None = None,
) -> asyncio.Task[T]:
    """Create a task that is known to the life that started it."""
    context = context if context is not None else contextvars.copy_context()
    task: asyncio.Task[T] = asyncio.Task(work, loop=loop, context=context)  # type: ignore[arg-type]
    life = context.get(LIFE)
    if life is not None:
        life.tasks[task] = None
        task.add_done_callback(lambda ended: life.tasks.pop(ended, None))
    return task


def connect_mortal(database: str) -> sqlite3.Connection:
    """Replaces `bridge.store.sqlite_file.connect`: the file is closed when its process dies."""
    connection = sqlite3.connect(database, timeout=0, check_same_thread=False, isolation_level=None)
    life = LIFE.get()
    if life is not None:
        life.files.append(connection)
    return connection


async def inline(_: Sqlite, act: Callable[[], None]) -> None:
    """Replaces `Sqlite.in_thread`, for a loop whose time must not move while a thread works.

    Other tasks run once before the act, as they do while the real thread works.
    """
    await asyncio.sleep(0)
    alive()
    act()


def mortal(method: Callable[..., Coroutine[Any, Any, T]]) -> Callable[..., Coroutine[Any, Any, T]]:
    """Wrap a method of the store, so that it has no effect and raises no other error once its process is dead."""

    async def called(*args: Any) -> T:
        alive()
        try:
            return await method(*args)
        except Exception:
            alive()
            raise

    return called
