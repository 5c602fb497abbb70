"""Counts for each hook the changes that its callbacks reported, and the missed changes. In memory until `write`."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from bridge.domain.callback import HookSpec
from bridge.hooks.silence import SILENT_SECONDS
from bridge.store.engine import Store
from bridge.store.hooks import HookFigures, HookName, SweptChange

MOST_WAITING = 20_000
"""If more changes than this wait for a late callback, they are counted without waiting longer."""


class Reliability:
    """One per process. All instances on the store share the written figures.

    A change that a sweep found counts as missed when no callback came within `SILENT_SECONDS` after it.
    """

    def __init__(self, store: Store, specs: Callable[[str], Sequence[HookSpec]]) -> None:
        self._store = store
        self._specs = specs
        self._found: list[SweptChange] = []

    def found(self, changes: Sequence[SweptChange]) -> None:
        """Add changes that a sweep found and no task knew of."""
        self._found += changes

    async def write(self, reported: Mapping[HookName, int], *, last: bool = False) -> None:
        """Write what was counted since the last call. `last`: the process ends, so no late callback is waited for."""
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
        """Return the key of the hook that should have reported the change; None if none is wanted for such records."""
        specs = [spec for spec in self._specs(change.ref.system) if change.ref.entity in spec.entities]
        fitting = [spec for spec in specs if change.kind.value in spec.kinds]
        return next((spec.key for spec in [*fitting, *specs]), None)
