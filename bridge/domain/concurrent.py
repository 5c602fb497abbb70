"""Runs calls so that a slow one delays no other: several together, or one that may never return apart in a thread."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")


async def together(*works: Coroutine[Any, Any, T]) -> list[T]:
    """Run all at once, and return their results in the same order.

    When one fails, the others are cancelled and its error is raised. It is not raised in a group, because callers
    catch errors such as StoreUnavailable by themselves.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in works]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]


# ---- Calls that may never return, in a daemon thread, which blocks neither other calls nor the end of the process ----
#
# `asyncio.to_thread` does not do that: its threads are few, also look up host names, and delay the end of the process.


class Apart:
    """Runs one call at a time."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.busy = False
        """The last call has not returned yet, even if nothing waits for it any more."""

    async def run(self, work: Callable[[], object], seconds: float) -> None:
        """Run `work` and raise what it raises. Must not be called while `busy`.

        Raises TimeoutError when `work` takes more than `seconds`; it then continues in its thread.
        """
        assert not self.busy
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()

        def tell(how: Callable[[Any], None], what: Any) -> None:
            self.busy = False
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(lambda: None if ended.done() else how(what))

        def do() -> None:
            try:
                work()
            except Exception as error:
                tell(ended.set_exception, error)
            else:
                tell(ended.set_result, None)

        self.busy = True
        Thread(target=do, name=self._name, daemon=True).start()
        async with asyncio.timeout(seconds):
            await ended
