"""Registrations a vendor shows as fine although no callback comes: told by changes that only sweeps found."""

from collections.abc import Collection, Sequence

from bridge.domain.callback import HookSpec
from bridge.domain.values import dataclass
from bridge.store.engine import Store

SILENT_SECONDS = 900.0  # a callback later than this is not coming
SILENT_CHANGES = 3  # one may be an edit for which the vendor sends no callback
RENEW_SECONDS = 3600.0  # how often a hook is tried anew at most


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
    """Which entities changed after their hooks' last sign of life without any of them telling."""
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
