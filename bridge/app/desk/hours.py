"""Figures of the last day, counted hour by hour, so that each query of the store is short."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

from bridge.store.engine import Store

K = TypeVar("K")

HOUR, DAY = 3600.0, 86_400.0


class Hours(Generic[K]):
    """`count` returns the figures between two moments. Hours that are over are counted once."""

    def __init__(self, store: Store, count: Callable[[float, float], Awaitable[Mapping[K, int]]]) -> None:
        self._store = store
        self._count = count
        self._known: dict[float, Mapping[K, int]] = {}

    async def of_last_day(self) -> list[tuple[float, Mapping[K, int]]]:
        """Return the beginning and the figures of each hour, the oldest first. The last hour is not over."""
        now = self._store.now()
        this = now - now % HOUR
        first = this - DAY
        known = {hour: found for hour, found in self._known.items() if first <= hour < this}
        for number in range(25):
            hour = first + number * HOUR
            if hour not in known:
                known[hour] = await self._count(hour, hour + HOUR)
        self._known = known
        return sorted(known.items())
