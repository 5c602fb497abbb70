"""Group commit: which items share a batch."""

import asyncio
from collections.abc import Sequence

from bridge.store.database import Batcher
from tests.clock import FakeClock


class Gate(FakeClock):
    """A clock whose sleep ends when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.over = asyncio.Event()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self.over.wait()


class Disk:
    """Where batches are committed."""

    def __init__(self) -> None:
        self.batches: list[Sequence[str]] = []
        self.clock = Gate()
        self.batcher: Batcher[str, str] = Batcher(self._commit, 16, 100, self.clock)

    async def _commit(self, batch: Sequence[str]) -> Sequence[str]:
        self.batches.append(batch)
        return batch


async def test_an_item_that_may_wait_shares_its_batch_with_those_that_come_meanwhile() -> None:
    disk = Disk()
    first = asyncio.create_task(disk.batcher.submit("first", within=0.03))
    await asyncio.sleep(0.0)
    await asyncio.sleep(0.0)
    second = asyncio.create_task(disk.batcher.submit("second"))
    await asyncio.sleep(0.0)
    assert (disk.batches, disk.clock.slept) == ([], [0.03])
    disk.clock.over.set()
    assert await asyncio.gather(first, second) == ["first", "second"]
    assert disk.batches == [["first", "second"]]


async def test_an_item_that_may_not_wait_is_committed_at_once() -> None:
    disk = Disk()
    assert await disk.batcher.submit("first") == "first"
    assert disk.clock.slept == []


async def test_an_item_whose_caller_is_cancelled_while_it_waits_is_committed_all_the_same() -> None:
    disk = Disk()
    waiting = asyncio.create_task(disk.batcher.submit("first", within=0.03))
    await asyncio.sleep(0.0)
    waiting.cancel()
    disk.clock.over.set()
    await disk.batcher.close()
    assert disk.batches == [["first"]]
