"""Calls that may never return run in a separate daemon thread, which blocks neither others nor the end of the process.

The threads of `asyncio.to_thread` are few, look up host names as well, and are waited for when the process ends.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Any


class Apart:
    """One call at a time."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.busy = False
        """The last call did not come back yet, though it may not be waited for any more."""

    async def run(self, work: Callable[[], object], seconds: float) -> None:
        """Do it; raises what it raises. TimeoutError: it takes longer and continues in its thread. Never call it while
        `busy`."""
        assert not self.busy
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()

        def tell(how: Callable[[Any], None], what: Any) -> None:
            self.busy = False
            with suppress(RuntimeError):  # the loop ended meanwhile
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
