"""Group commit: what is submitted while a transaction runs shares the next one; each submitter waits for its commit."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from bridge.domain.errors import StoreUnavailable

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """Collects items into batches of at most `size` and hands each to `commit`, which returns a result per item.

    A failed batch is tried again row by row, so that one bad row fails alone; not so when the store is unavailable,
    which fails all. `limit`: items waiting; over it `submit` raises StoreUnavailable at once.
    """

    def __init__(self, commit: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]], size: int, limit: int) -> None:
        self._commit = commit
        self._size = size
        self.limit = limit
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._drain: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Result:
        """The item's result once it is durable. A cancelled submitter's item is still committed."""
        if len(self._waiting) >= self.limit:
            raise StoreUnavailable("too many are waiting to be stored")
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._drain is None or self._drain.done():
            self._drain = asyncio.create_task(self._run())
        return await future

    async def close(self) -> None:
        """Wait until everything submitted is settled."""
        while self._drain is not None and not self._drain.done():
            await asyncio.wait([self._drain])

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(self._size, len(self._waiting)))]
                await self._settle(batch)
        except BaseException:
            for _, future in self._waiting:
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
