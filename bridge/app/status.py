"""The state of everything as plain rows, for `bridge status` and the admin listener."""

from bridge.app.why import moment
from bridge.store.engine import Store
from bridge.store.tasks import TOTALS

Rows = dict[str, list[dict[str, object]]]
NOTHING = dict.fromkeys(TOTALS, 0)


async def status_of(store: Store) -> Rows:
    """Headings with rows: mappings with their totals, systems, sweeps, hooks, conflicts, dead letters."""
    return {
        "mappings": await _mappings(store),
        "problems": [
            {"mapping": name, "what the account lacks": problem}
            for name, state in sorted((await store.mappings.states()).items())
            for problem in state.problems or ()
        ],
        "systems": await _systems(store),
        "sweeps": await _sweeps(store),
        "hooks": [
            {"system": row.system, "hook": row.key, "state": row.state, "note": row.note}
            for row in await store.hooks.all()
        ],
        "conflicts": [
            {"mapping": one.link.mapping, "field": one.field, **one.values} for one in await store.conflicts.waiting()
        ],
        "dead letters": [
            {"mapping": task.key.mapping, "side": task.key.side.value, "record": task.key.rec, "reason": task.reason}
            for task, _ in await store.dead_letters.list()
        ],
    }


async def _mappings(store: Store) -> list[dict[str, object]]:
    states, totals = await store.mappings.states(), await store.tasks.totals()
    rows = []
    for name, state in sorted(states.items()):
        mode = "paused" if state.paused else state.mode.value
        rows.append({"mapping": name, "mode": mode, **totals.get(name, NOTHING), "why": state.pause_reason})
    return rows


async def _systems(store: Store) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for row in (await store.systems.all()).values():
        state = f"stopped: {row.stopped}" if row.stopped else "answers"
        if row.down_since is not None:
            state = f"down since {moment(row.down_since)}: {row.down_reason}"
        elif state == "answers" and (pause := await store.budgets.paused(row.name)) is not None:
            state = f"paused for another {pause[0]:.0f} s, as the vendor asked ({pause[2]})"
        rows.append({"system": row.name, "account": row.identity_label or "not seen yet", "state": state})
    return rows


async def _sweeps(store: Store) -> list[dict[str, object]]:
    return [
        {
            "system": cursor.system,
            "entity": cursor.entity,
            "kind": cursor.kind,
            "last complete": moment(cursor.done_at) if cursor.done_at else "never",
            "rows": cursor.rows,
            "found changed": cursor.marked,
        }
        for cursor in await store.cursors.all()
    ]
