"""The state of all parts as plain rows, for `bridge status` and the admin listener."""

from collections.abc import Mapping, Sequence

from bridge.app.column_rows import renamed_rows
from bridge.app.hook_rows import hook_rows
from bridge.app.left_behind import behind_rows, shadow_rows
from bridge.app.progress import progress_of, progress_rows
from bridge.app.quotas import budgets_of, queue_rows, quota_rows
from bridge.app.restored import awaited
from bridge.app.seen import Seen, look
from bridge.app.verified import verify_rows
from bridge.app.waiting import known_code, waiting_groups
from bridge.app.wording import moment, record_name
from bridge.store.engine import Store
from bridge.store.instances import Instance
from bridge.store.model import MappingState
from bridge.store.standing import NEVER, TOTALS
from bridge.sync.reasons import DUPLICATES, SHADOW, UNLINKED

Rows = dict[str, list[dict[str, object]]]
NOTHING = dict.fromkeys(TOTALS, 0)
NEW_STORE = "make a new store"
"""The action in the audit log, noted by the bridge itself."""
NEW_SECONDS = 7 * 86_400.0


async def status_of(store: Store, seen: Seen | None = None) -> Rows:
    """Return headings with rows: the bridge, mappings, systems, budgets, sweeps, hooks, and what needs a person."""
    seen = seen or await look(store)
    scopes = await store.mappings.scopes()
    budgets = await budgets_of(store, scopes)
    left = await store.left_alone.numbers(SHADOW | DUPLICATES | UNLINKED | {NEVER})
    return {
        "bridge": _instances(store, seen.instances),
        "store": await _new_store(store),
        "mappings": await _mappings(store, seen.states),
        "problems": [
            {"mapping": name, "what the account lacks": problem}
            for name, state in sorted(seen.states.items())
            for problem in state.problems or ()
        ],
        "column changes": list(seen.changes),
        "renamed": renamed_rows(seen.renamed),
        "systems": await _systems(store, seen),
        "quota": quota_rows(budgets),
        "quota queue": queue_rows(budgets, store.now()),
        "progress": progress_rows(await progress_of(store, scopes, budgets), store.now()),
        "sweeps": await _sweeps(store),
        "verify": verify_rows(seen.verified, await awaited(store, scopes)),
        "hooks": await hook_rows(store, seen.hooks),
        "conflicts": [{"mapping": one.link.mapping, "field": one.field, **one.values} for one in seen.conflicts],
        "shadow": await shadow_rows(store, seen.states, left),
        "left behind": await behind_rows(store, scopes, seen.states, left),
        "instructions": [
            {"run": run, "records still to be done": number}
            for run, number in (await store.instructions.by_run()).items()
        ],
        "waiting": await waiting_groups(store, scopes, seen.waiting),
        "dead letters": [
            {
                "mapping": task.key.mapping,
                "record": record_name(scopes, task.key),
                "code": known_code(task.code),
                "reason": task.reason,
            }
            for task, _ in seen.letters
        ],
    }


def instance_state(one: Instance | None, now: float, *, mute: bool = False) -> str:
    """Return in words whether this bridge runs, and since when. None: no bridge ever ran.

    `mute`: it runs, but its store shows no heartbeat.
    """
    if one is None:
        return "no bridge has run on this store yet"
    if one.runs(now):
        return f"runs since {moment(one.started_at)}"
    if mute:
        return f"runs, but its store has accepted no writes since {moment(one.seen_at)}: `bridge doctor` says why"
    if one.stopped_at is not None:
        return f"stopped at {moment(one.stopped_at)}"
    return f"does not run: it was last seen at {moment(one.seen_at)}, and did not stop normally"


def _instances(store: Store, found: Sequence[Instance]) -> list[dict[str, object]]:
    """Return the running instances; if none runs, the one that ended last."""
    now = store.now()
    shown = [one for one in found if one.runs(now)] or found[:1]
    rows: list[dict[str, object]] = [
        {"instance": one.name, "state": instance_state(one, now, mute=store.instances.is_mute(one))} for one in shown
    ]
    return rows or [{"instance": "-", "state": instance_state(None, now)}]


async def _new_store(store: Store) -> list[dict[str, object]]:
    """Return a row if the store is new, because it may have replaced one that was lost."""
    made = await store.audit.since(NEW_STORE, store.now() - NEW_SECONDS)
    return [
        {
            "store": one["store"],
            "made": moment(one["made"]),
            "note": "was empty then, and knows nothing from before",
        }
        for one in made
    ]


async def _mappings(store: Store, states: Mapping[str, MappingState]) -> list[dict[str, object]]:
    totals, rows = await store.standing.totals(), []
    for name, state in sorted(states.items()):
        mode = "paused" if state.paused else state.mode.value
        rows.append({"mapping": name, "mode": mode, **totals.get(name, NOTHING), "why": state.pause_reason})
    return rows


async def _systems(store: Store, seen: Seen) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    watched = any(one.runs(store.now()) for one in seen.instances)
    for row in seen.systems.values():
        state = f"stopped: {row.stopped}" if row.stopped else "answers"
        if row.down_since is not None:
            state = f"down since {moment(row.down_since)}: {row.down_reason}"
        elif state == "answers" and (pause := await store.budgets.paused(row.name)) is not None:
            state = f"paused for another {pause[0]:.0f} s, as the vendor asked ({pause[2]})"
        if not watched and not row.stopped:
            state = f"not watched, because no bridge runs; last known: {state.replace('answers', 'answered')}"
        rows.append({"system": row.name, "account": row.identity_label or "not seen yet", "state": state})
    return rows


async def _sweeps(store: Store) -> list[dict[str, object]]:
    return [
        {
            "system": cursor.system,
            "entity": cursor.entity,
            "kind": cursor.kind,
            "run": cursor.run,
            "last complete": moment(cursor.done_at) if cursor.done_at else "never",
            "rows": cursor.rows,
            "found changed": cursor.marked,
        }
        for cursor in await store.cursors.all()
        if not cursor.by_full
    ]
