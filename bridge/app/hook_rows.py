"""The bridge's hooks, as `bridge status`, `bridge hooks list` and metrics show them."""

from collections.abc import Iterable, Mapping

from bridge.app.wording import moment
from bridge.store.engine import Store
from bridge.store.hooks import WINDOWS, HookFigures, HookName
from bridge.store.model import HookRow

NONE_YET = dict.fromkeys(WINDOWS, HookFigures())


async def hook_rows(
    store: Store, hooks: Iterable[HookRow] | None = None, *, ids: bool = False
) -> list[dict[str, object]]:
    """Return each hook as last seen, with the changes that its callbacks reported and those they missed.

    `hooks`: None for all. `ids`: include the id at the vendor.
    """
    windows = await store.hook_hours.windows()
    return [
        {
            "system": row.system,
            "hook": row.key,
            "state": row.state,
            **({"id there": row.vendor_id or "-"} if ids else {}),
            "last callback": "never" if row.delivered_at is None else moment(row.delivered_at),
            **numbers(windows.get((row.system, row.key), NONE_YET)),
            "note": row.note,
        }
        for row in (await store.hooks.all() if hooks is None else hooks)
    ]


def numbers(windows: Mapping[str, HookFigures]) -> dict[str, int]:
    """Return the figures of each window, under names such as `missed 24 h`."""
    found: dict[str, int] = {}
    for window in WINDOWS:
        one = windows.get(window, HookFigures())
        found |= {f"reported {window}": one.reported, f"missed {window}": one.missed}
    return {**found, f"repaired {window}": one.repaired}


async def hook_metrics(store: Store) -> tuple[dict[tuple[str, ...], float], ...]:
    """Return the number of changes by (system, hook, `callback` or `sweep`, window), the repairs by (system, hook,
    window), and the seconds since each hook (system, hook) last delivered."""
    changes: dict[tuple[str, ...], float] = {}
    repairs: dict[tuple[str, ...], float] = {}
    found = await store.hook_hours.windows()
    rows = await store.hooks.all()
    known: set[HookName] = {(row.system, row.key) for row in rows}
    for system, key in sorted(known | found.keys()):
        for window, one in found.get((system, key), NONE_YET).items():
            label = window.replace(" ", "")
            changes[system, key, "callback", label] = one.reported
            changes[system, key, "sweep", label] = one.missed
            repairs[system, key, label] = one.repaired
    now = store.now()
    ages: dict[tuple[str, ...], float] = {}
    ages |= {(row.system, row.key): now - row.delivered_at for row in rows if row.delivered_at is not None}
    return changes, repairs, ages
