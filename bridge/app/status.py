"""The state of all parts, for `bridge status` and the admin listener: read once, in one sentence, and as plain rows."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from bridge.app.progress import progress_of, progress_rows
from bridge.app.quotas import budgets_of, queue_rows, quota_rows
from bridge.app.verified import agreed_of, awaited, ended_early, verify_rows
from bridge.app.waiting import known_code, waiting_groups
from bridge.app.wording import Scopes, moment, record_name
from bridge.domain.frozen import dataclass
from bridge.store.engine import Store
from bridge.store.hooks import WINDOWS, HookFigures, HookName
from bridge.store.instances import Instance
from bridge.store.model import ON_PURPOSE, HookRow, Json, MappingState, Mode, SystemRow, Task, TaskKey
from bridge.store.standing import NEVER, TOTALS, OpenConflict
from bridge.store.systems import Renamed
from bridge.store.verifications import Verification
from bridge.sync.reasons import DUPLICATES, SHADOW, UNLINKED, Reason

# ---- The state in the store, read once ----


Row = dict[str, object]


class Seen(NamedTuple):
    """`waiting`: for each mapping and code, the record that waits longest and the number of records. `changes`: the
    changes of columns that concern a mapping."""

    instances: Sequence[Instance]
    states: Mapping[str, MappingState]
    systems: Mapping[str, SystemRow]
    hooks: Sequence[HookRow]
    verified: Mapping[str, Verification]
    letters: Sequence[tuple[Task, str]]
    changes: Sequence[Row]
    renamed: Sequence[Renamed]
    conflicts: Sequence[OpenConflict]
    waiting: Sequence[tuple[Task, int]]


async def look(store: Store) -> Seen:
    """Read the state."""
    return Seen(
        instances=await store.instances.all(),
        states=await store.mappings.states(),
        systems=await store.systems.all(),
        hooks=await store.hooks.all(),
        verified=await store.verifications.last(),
        letters=await store.dead_letters.list(),
        changes=await column_rows(store),
        renamed=await store.names.renamed(),
        conflicts=await store.conflicts.waiting(),
        waiting=await store.waiting.groups(),
    )


# ---- In one sentence, which the overview and the first line of `bridge status` use ----


@dataclass(frozen=True, slots=True)
class Counted:
    """How many things are not in sync, or will not stay in sync. `stopped`: hooks that are stopped on purpose, which is
    no trouble. `pairs`: None if they were not counted. `renamed`: all names that changed at the product, if it is not
    known which of them mapping files use; otherwise those in use are part of `changes`."""

    mappings: int
    pairs: int | None = None
    refused: int = 0
    dead_letters: int = 0
    changes: int = 0
    renamed: int = 0
    missing_columns: int = 0
    conflicts: int = 0
    waiting: int = 0
    silent: int = 0
    paused: int = 0
    disagreeing: int = 0
    ended_early: int = 0
    shadow: int = 0
    missing_hooks: int = 0
    left_behind: int = 0
    stopped: int = 0


def sentence(counted: Counted) -> str:
    """Return the sentence, followed by those about hooks stopped on purpose and records left behind, if there are
    any."""
    if not counted.mappings:
        return "No mapping is set up yet."
    still = _phrase(counted.stopped, "hook is", "hooks are")
    still = f" {still} stopped on purpose; sweeps find the changes." if still else ""
    behind = _phrase(counted.left_behind, "record is", "records are")
    still += f" {behind} left behind." if behind else ""
    told = [
        _phrase(counted.refused, "problem keeps changed files out of use", "problems keep changed files out of use"),
        _phrase(counted.dead_letters, "record needs a person", "records need a person"),
        _phrase(counted.changes, "change at an account concerns a mapping", "changes at accounts concern mappings"),
        _phrase(counted.renamed, "field or option has a new name", "fields or options have new names"),
        _phrase(counted.missing_columns, "column is missing there", "columns are missing there"),
        _phrase(counted.conflicts, "conflict needs a choice", "conflicts need a choice"),
        _phrase(counted.waiting, "record waits", "records wait"),
        _phrase(counted.silent, "system does not answer", "systems do not answer"),
        _phrase(counted.paused, "mapping is paused", "mappings are paused"),
        _phrase(
            counted.disagreeing,
            "mapping differed in the last verification",
            "mappings differed in the last verification",
        ),
        _phrase(counted.ended_early, "verification ended early", "verifications ended early"),
        _phrase(counted.shadow, "mapping is in shadow mode", "mappings are in shadow mode"),
        _phrase(counted.missing_hooks, "hook is missing", "hooks are missing"),
    ]
    troubles = ", ".join(filter(None, told))
    return (f"Not everything is in sync: {troubles}." if troubles else _in_sync(counted.pairs)) + still


def _in_sync(pairs: int | None) -> str:
    if pairs is None:
        return "Everything is in sync."
    return "The one pair is in sync." if pairs == 1 else f"All {pairs:,} pairs in sync."


def _phrase(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}" if number else ""


def state_of(store: Store, seen: Seen, left_behind: int = 0) -> str:
    """Return the sentence from the state in the store, which a running bridge keeps up to date. `left_behind`: records
    that cross only after an edit or a command. Counting them takes a while, so the overview leaves them out."""
    states, verified = seen.states.values(), seen.verified.values()
    on_purpose = sum(hook.state in ON_PURPOSE for hook in seen.hooks)
    counted = Counted(
        mappings=len(states),
        dead_letters=len(seen.letters),
        changes=len(seen.changes),
        renamed=len(seen.renamed),
        missing_columns=sum(len(one.problems or ()) for one in states),
        conflicts=len(seen.conflicts),
        waiting=sum(number for _, number in seen.waiting),
        silent=sum(one.down_since is not None or bool(one.stopped) for one in seen.systems.values()),
        paused=sum(one.paused for one in states),
        disagreeing=sum(agreed_of(one) is False for one in verified),
        ended_early=sum(bool(ended_early(one)) for one in verified),
        shadow=sum(one.mode is Mode.SHADOW and not one.paused for one in states),
        missing_hooks=sum(hook.state != "registered" for hook in seen.hooks) - on_purpose,
        stopped=on_purpose,
        left_behind=left_behind,
    )
    said = sentence(counted)
    if any(one.runs(store.now()) for one in seen.instances):
        return said
    if any(store.instances.is_mute(one) for one in seen.instances):
        return f"The store takes no writes: `bridge doctor` says why. By what it took last: {said}"
    return f"No bridge runs. By what the last one noted: {said}"


# ---- As plain rows ----


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


# ---- The hooks, as `bridge status`, `bridge hooks list` and metrics show them ----


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
            **hook_numbers(windows.get((row.system, row.key), NONE_YET)),
            "note": row.note,
        }
        for row in (await store.hooks.all() if hooks is None else hooks)
    ]


def hook_numbers(windows: Mapping[str, HookFigures]) -> dict[str, int]:
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


# ---- What changed in the columns of accounts, as `bridge status` and `bridge columns list` show it ----


LEVELS = ("fail", "warn", "info")
"""The values of `mapping.column_changes.Level`, the worst first."""


async def column_rows(store: Store, *, everything: bool = False) -> list[Row]:
    """Return the changes since the columns were accepted, the worst first. `everything`: with those that concern no
    mapping."""
    rows = [
        {
            "system": known.system,
            "entity": known.entity,
            "column": change["column"],
            "change": change["text"],
            "level": change["level"],
            "mappings": ", ".join(change["mappings"]) or "-",
            "since": moment(change["since"]),
        }
        for known in await store.account_columns.all()
        for change in known.changes
        if everything or change["level"] != "info"
    ]
    return sorted(rows, key=lambda row: LEVELS.index(str(row["level"])))


def renamed_rows(renamed: Iterable[Renamed]) -> list[Row]:
    """Return the names that changed at the accounts while mapping files still use the old ones."""
    return [
        {"system": one.system, "list": one.what, "in mappings": one.name, "there today": one.today} for one in renamed
    ]


# ---- What shadow mode would write, and which records are left behind when a mapping goes live ----


States = Mapping[str, MappingState]
Numbers = Mapping[str, Mapping[str, int]]
"""By mapping and code: how many records were left alone. NEVER is one of the codes."""
WOULD = {
    Reason.WOULD_CREATE: "would create",
    Reason.WOULD_LINK: "would link",
    Reason.WOULD_UPDATE: "would update",
    Reason.WOULD_REMOVE: "would remove",
}
EXAMINED = 1000
"""How many records of a mapping are examined for the fields that would be overwritten."""


async def shadow_rows(store: Store, states: States, left: Numbers) -> list[Row]:
    """Return, for each mapping in shadow mode: how many records it would write, which filled fields it would overwrite,
    and how many records it has not processed, because they were not edited since the bridge runs."""
    rows: list[Row] = []
    for name, state in sorted(states.items()):
        if state.mode is Mode.SHADOW:
            found = left.get(name, {})
            told = {text: found.get(code, 0) for code, text in WOULD.items()}
            told["not looked at"] = found.get(NEVER, 0)
            rows.append({"mapping": name, **told, "overwritten fields": await _overwritten(store, name, found)})
    return rows


async def _overwritten(store: Store, mapping: str, left: Mapping[str, int]) -> str:
    if SHADOW.isdisjoint(left):
        return "none"
    details = await store.left_alone.details(mapping, SHADOW, EXAMINED)
    values = {value for detail in details for value in overwritten(detail)}  # both records of a match may name them
    counted = Counter(field for _, field in values)
    fields = ", ".join(f"{field} {number}" for field, number in sorted(counted.items())) or "none"
    return f"{fields} (of {EXAMINED} records)" if len(details) == EXAMINED else fields


def overwritten(detail: Json) -> list[tuple[str, str]]:
    """Return the fields whose value would be overwritten: their record, and `side.field`."""
    return [
        (write["record"], f"{write['side']}.{name}")
        for write in detail.get("writes", ())
        for name, field in write["fields"].items()
        if field.get("before") is not None and "after" in field
    ]


async def behind_rows(store: Store, scopes: Scopes, states: States, left: Numbers) -> list[Row]:
    """Return, for each live mapping: the records that cross only after an edit or a command, and duplicates."""
    rows: list[Row] = []
    for name, state in sorted(states.items()):
        if state.mode is not Mode.LIVE:
            continue
        if found := {code: number for code, number in left.get(name, {}).items() if code in SHADOW}:
            told = ", ".join(f"{found[code]} {text}" for code, text in WOULD.items() if code in found)
            why = f"decided in shadow mode ({told})" if told else "decided in shadow mode"
            rows.append(_row(name, sum(found.values()), why))
        if never := left.get(name, {}).get(NEVER):
            rows.append(_row(name, never, "from before going live: never processed"))
    rows += await _left_alone(store, scopes, left, DUPLICATES, "created on both sides: merge them at the product")
    rows += await _left_alone(store, scopes, left, UNLINKED, "unlinked by a person: left alone until edited or linked")
    return rows


async def _left_alone(store: Store, scopes: Scopes, left: Numbers, codes: frozenset[Reason], why: str) -> list[Row]:
    """Return, for each mapping: the records left alone for these reasons, with the command for the history of one."""
    keys: defaultdict[str, list[TaskKey]] = defaultdict(list)
    if any(code in codes for found in left.values() for code in found):
        for key in await store.left_alone.keys(codes):
            keys[key.mapping].append(key)
    return [
        {
            "mapping": name,
            "records": len(some),
            "why": why,
            "command": f"bridge why {record_name(scopes, some[0])}",
        }
        for name, some in keys.items()
    ]


def _row(mapping: str, number: int, why: str) -> Row:
    command = f"bridge backfill {mapping} --preview"
    return {"mapping": mapping, "records": number, "why": why, "command": command}
