"""What waits and what holds it up, as plain rows, for `bridge waiting`, status, health and metrics."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from bridge.app.wording import Scopes, moment, record_name
from bridge.domain.record import SIDES
from bridge.store.engine import Store
from bridge.store.model import Task
from bridge.store.systems import unusable
from bridge.sync.reasons import DONE, Reason

Row = dict[str, object]
CODES = frozenset(Reason)
REMEDIES = {
    Reason.THRESHOLD_REACHED: "bridge approve {mapping}",
    Reason.LISTING_WAITED_FOR: "bridge reconcile {mapping} --full",
}
"""The command for all records that wait for this reason. For other reasons, `bridge why` of the record says more."""
CORRECTED = "correct the value at the product, and the bridge notices it; or correct the mapping file, then `{retry}`"
CHECKED = "check the product, and correct what the message names; then `{retry}`"
DEAD_REMEDIES = {
    **dict.fromkeys((Reason.UNTRANSLATABLE, Reason.REFUSED), CORRECTED),
    Reason.REFERENCE_REJECTED: "see that the record it names crosses, or correct the mapping file; then `{retry}`",
    **dict.fromkeys((Reason.GIVEN_UP, Reason.NO_CREATE_ANSWERED, Reason.NO_WRITE_ANSWERED), CHECKED),
    **dict.fromkeys((Reason.CREATE_STILL_UNKNOWN, Reason.REFUSED_AS_DUPLICATE), CHECKED),
}
"""What to do about a dead letter whose reason quotes a value problem or a vendor. Other reasons say it themselves."""
DUE = "due"
"""Shown instead of a code: no worker has taken the record since its last event."""


def known_code(stored: str) -> str:
    """Return a code for lists and metrics. A text that an older version stored becomes DUE, so that it is not a
    label."""
    return stored if stored in CODES else DUE


async def waiting_rows(store: Store, scopes: Scopes, mapping: str | None = None) -> list[Row]:
    """Return every record that waits, the longest wait first."""
    held = await hold_ups(store, scopes)
    return [
        {
            "mapping": task.key.mapping,
            "record": record_name(scopes, task.key),
            "waits since": moment(task.first_due),
            "next look": _next_look(task, held, store.now()),
            "attempts": task.attempts,
            "code": known_code(task.code),
            "reason": waits_for(task, held),
        }
        for task in await store.waiting.all(mapping)
    ]


async def waiting_groups(store: Store, scopes: Scopes, groups: Iterable[tuple[Task, int]]) -> list[Row]:
    """Return the waiting records by mapping and code: how many, the one that waits longest, and the command to type."""
    held = await hold_ups(store, scopes)
    return [
        {
            "mapping": oldest.key.mapping,
            "code": known_code(oldest.code),
            "records": number,
            "oldest": record_name(scopes, oldest.key),
            "waits since": moment(oldest.first_due),
            "next look": _next_look(oldest, held, store.now()),
            "reason": waits_for(oldest, held),
            "command": remedy(scopes, oldest),
        }
        for oldest, number in groups
    ]


def remedy(scopes: Scopes, task: Task) -> str:
    """Return the command to type for a waiting record."""
    told = REMEDIES.get(Reason(task.code)) if task.code in CODES else None
    return told.format(mapping=task.key.mapping) if told else f"bridge why {record_name(scopes, task.key)}"


def dead_remedy(scopes: Scopes, task: Task) -> str:
    """Return in words what to do about a dead letter; "" if its reason says so itself."""
    told = DEAD_REMEDIES.get(Reason(task.code), "") if task.code in CODES else ""
    return told.format(retry=f"bridge dead-letters retry {record_name(scopes, task.key)}")


def waits_for(task: Task, held: Mapping[str, Iterable[str]]) -> str:
    """Return in words why a task waits, beginning with what holds up its whole mapping."""
    reason = task.reason or "not processed yet"
    if task.code in DONE:
        reason = f"to be checked once more; last: {reason}"
    holds = list(held.get(task.key.mapping, ()))
    if holds and task.code == Reason.SYSTEM:
        return "; ".join(holds)  # the stored reason is an older answer of the system
    return "; ".join([*holds, reason])


HELD_UP = "when nothing holds it up"
"""When a record is processed if its mapping is paused or its system cannot be called."""


def _next_look(task: Task, held: Mapping[str, Sequence[str]], now: float) -> str:
    if held.get(task.key.mapping):
        return HELD_UP
    return "now" if task.due <= now else moment(task.due)


async def hold_ups(store: Store, scopes: Scopes) -> dict[str, list[str]]:
    """Return, by mapping, what holds up all of its records, with the command that ends it."""
    states, known, systems = await store.mappings.states(), await store.systems.all(), {}
    for name in sorted({scope.endpoint(side).system for scope in scopes.values() for side in SIDES}):
        systems[name] = unusable(known[name]) if name in known else ""
        if not systems[name] and (pause := await store.budgets.paused(name)) is not None:
            words = f"{name} is paused for another {pause[0]:.0f} s, as the vendor asked (`bridge resume {name}`)"
            systems[name] = words
    found: dict[str, list[str]] = {}
    for name, scope in scopes.items():
        both = dict.fromkeys((scope.left.system, scope.right.system))
        found[name] = [systems[system] for system in both if systems[system]]
        if name in states and states[name].paused:
            why = f": {states[name].pause_reason}" if states[name].pause_reason else ""
            found[name].append(f"the mapping is paused{why} (`bridge resume {name}`)")
    return found


async def waiting_numbers(store: Store) -> Counter[tuple[str, str]]:
    """Return the number of waiting records by mapping and code, as shown."""
    counted = Counter[tuple[str, str]]()
    for (mapping, code), number in (await store.waiting.numbers()).items():
        counted[mapping, known_code(code)] += number
    return counted
