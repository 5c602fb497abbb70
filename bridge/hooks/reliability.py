"""Counts for each hook what its callbacks reported and what only sweeps found. In memory until it is written."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from bridge.domain.callback import HookSpec
from bridge.hooks.silence import SILENT_SECONDS
from bridge.store.engine import Store
from bridge.store.hooks import HookFigures, HookName, SweptChange

MOST_WAITING = 20_000
"""More changes than these that wait for a late callback are counted before it could come."""


class Reliability:
    """One per process; what is written is shared by all instances on the store.

    A change that a sweep found counts as missed once no callback came for `SILENT_SECONDS` after it.
    """

    def __init__(self, store: Store, specs: Callable[[str], Sequence[HookSpec]]) -> None:
        self._store = store
        self._specs = specs
        self._found: list[SweptChange] = []

    def found(self, changes: Sequence[SweptChange]) -> None:
        """A sweep found these, and no task knew of them."""
        self._found += changes

    async def write(self, reported: Mapping[HookName, int], *, last: bool = False) -> None:
        """Add what was counted since the last time. `last`: the process ends, and waits for no late callback."""
        until = self._store.now() - (0.0 if last or len(self._found) > MOST_WAITING else SILENT_SECONDS)
        settled = [one for one in self._found if one.found_at <= until]
        missed = Counter[HookName]()
        for change in await self._store.hook_hours.missed(settled) if settled else ():
            key = self._hook_of(change)
            if key is not None:
                missed[change.ref.system, key] += 1
        names = reported.keys() | missed.keys()
        await self._store.hook_hours.add(
            {name: HookFigures(reported.get(name, 0), missed[name]) for name in names},
        )
        self._found = [one for one in self._found if one.found_at > until]

    def _hook_of(self, change: SweptChange) -> str | None:
        """The hook that should have reported it; None where none is registered for such records."""
        specs = [spec for spec in self._specs(change.ref.system) if change.ref.entity in spec.entities]
        fitting = [spec for spec in specs if change.kind.value in spec.kinds]
        return next((spec.key for spec in [*fitting, *specs]), None)
