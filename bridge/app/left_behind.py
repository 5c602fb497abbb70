"""What shadow mode would write, and which records are left behind when a mapping goes live, as rows for status."""

from collections import Counter, defaultdict
from collections.abc import Mapping

from bridge.app.wording import Scopes, record_name
from bridge.store.engine import Store
from bridge.store.model import Json, MappingState, Mode, TaskKey
from bridge.store.standing import NEVER
from bridge.sync.reasons import DUPLICATES, SHADOW, UNLINKED, Reason

Row = dict[str, object]
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
