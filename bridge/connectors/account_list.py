"""An account's own lists (fields, options, stages, groups), cached for a while. All products use this class."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import Generic, TypeVar

from bridge.domain.seams import Clock

T = TypeVar("T")

STALE_SECONDS = 3600.0  # a list older than this is loaded again
UNKNOWN_AGAIN_SECONDS = 600.0  # an item that is missing in a list causes a reload once in this time


class AccountList(Generic[T]):
    """Loads the list when it is first needed. One caller loads, the others wait. A load that fails changes nothing.

    `load` returns the list; it may update and return the same object each time. Its argument is a monotonic time: if
    this list is built from other lists, those must have been loaded after it.
    """

    def __init__(self, clock: Clock, load: Callable[[float], Awaitable[T]]) -> None:
        self._clock, self._load = clock, load
        self._one = asyncio.Lock()
        self._kept: T | None = None
        self._loaded_at: float | None = None
        self._missed_at: dict[Hashable, float] = {}

    async def get(self, *, fresh: bool = False) -> T:
        """The list. `fresh`: as the account has it now; otherwise it may be up to an hour old."""
        asked = self._clock.monotonic()
        return await self.newer_than(asked if fresh else asked - STALE_SECONDS)

    async def newer_than(self, oldest: float) -> T:
        """The list, loaded after this monotonic time."""
        async with self._one:
            if self._kept is None or self._loaded_at is None or self._loaded_at <= oldest:
                started = self._clock.monotonic()
                self._kept = await self._load(oldest)
                self._loaded_at = started
            return self._kept

    async def again_for(self, wanted: Iterable[Hashable]) -> bool:
        """Reload the list, except for items that were missing a short time ago. Return True if it was reloaded."""
        now = self._clock.monotonic()
        due = [each for each in wanted if now - self._missed_at.get(each, float("-inf")) >= UNKNOWN_AGAIN_SECONDS]
        if due:
            await self.get(fresh=True)
            self._missed_at = {each: at for each, at in self._missed_at.items() if now - at < UNKNOWN_AGAIN_SECONDS}
            self._missed_at.update(dict.fromkeys(due, now))
        return bool(due)

    async def holding(self, wanted: Hashable, holds: Callable[[T], bool]) -> T:
        """The cached list, or the reloaded one if something is missing in it."""
        found = await self.get()
        if not holds(found) and await self.again_for([wanted]):
            found = await self.get()
        return found

    def forget(self) -> None:
        """Load the list again when it is next needed."""
        self._loaded_at = None
