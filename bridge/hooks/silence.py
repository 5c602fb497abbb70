"""Finds silent hooks: the vendor shows the registration as active, but sweeps find changes without a callback."""

from collections.abc import Collection, Sequence

from bridge.domain.callback import HookSpec
from bridge.domain.frozen import dataclass
from bridge.store.engine import Store

SILENT_SECONDS = 900.0  # a callback that has not come by then is not expected any more
SILENT_CHANGES = 3  # a single change may be an edit for which the vendor sends no callback
RENEW_SECONDS = 3600.0  # a silent hook is registered again at most once in this time


@dataclass(frozen=True, slots=True)
class Silence:
    """Hooks of one entity that reported nothing while records changed. `renew`: old enough to register again."""

    entity: str
    changes: int
    keys: Sequence[str]
    renew: bool

    def __str__(self) -> str:
        return (
            f"hook {', '.join(self.keys)} is registered but silent:"
            f" {self.changes} changed records of {self.entity} were found only by sweeps"
        )


async def silences(store: Store, system: str, specs: Sequence[HookSpec], kept: Collection[str]) -> list[Silence]:
    """Return the silences: entities with missed changes after the last sign of life of their hooks.

    A sign of life is a callback or the registration."""
    rows = {row.key: row for row in await store.hooks.all(system) if row.key in kept}
    now, found = store.now(), []
    for entity in sorted({entity for spec in specs for entity in spec.entities}):
        keys = [spec.key for spec in specs if entity in spec.entities and spec.key in rows]
        alive = max((max(rows[key].delivered_at or 0.0, rows[key].registered_at or 0.0) for key in keys), default=now)
        changes = await store.hooks.missed(system, entity, alive, now - SILENT_SECONDS)
        if changes >= SILENT_CHANGES:
            oldest = min(rows[key].registered_at or 0.0 for key in keys)
            found.append(Silence(entity, changes, keys, renew=now - oldest >= RENEW_SECONDS))
    return found
