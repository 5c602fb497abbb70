"""Until when each mapping waits to be verified after a restore, and its last verification, for people and metrics."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from bridge.app.wording import moment
from bridge.domain.record import SIDES
from bridge.monitoring.health import CheckResult, Status
from bridge.store.cursors import Cursor
from bridge.store.engine import Store
from bridge.store.model import MappingState, Scope
from bridge.store.requests import RESTORED
from bridge.store.verifications import Verification

# ---- After a backup was restored, every mapping is verified. What each still waits for ----


MARGIN_SECONDS = 60.0
"""A change that a sweep found may become due this long after the sweep's end, because vendors' reads lag."""
NOT_YET = float("-inf")


class Stand(StrEnum):
    """What a mapping waits for before it is verified after a restore."""

    PAUSED = "paused"
    DOWN = "down"
    SWEEPS = "sweeps"
    WAITS = "waits"
    READY = "ready"


WORDS: Mapping[Stand, str] = {
    Stand.PAUSED: "it is verified after the restore when it is resumed: `bridge resume {mapping}`",
    Stand.DOWN: "it is verified after the restore when its systems answer",
    Stand.SWEEPS: "it is verified after the restore, when every record of both sides was compared",
    Stand.WAITS: "it is verified after the restore, when its waiting records are done: {waiting}",
    Stand.READY: "it is verified now, after the restore",
}


class Awaited(NamedTuple):
    """A mapping that will be verified after a restore, and how many of its records wait."""

    mapping: str
    stand: Stand
    waiting: int = 0

    def __str__(self) -> str:
        return WORDS[self.stand].format(mapping=self.mapping, waiting=self.waiting)


async def awaited(store: Store, scopes: Mapping[str, Scope]) -> dict[str, Awaited]:
    """Return, by mapping, what it waits for; only mappings that are still to be verified after a restore."""
    requested = await store.requests.open(RESTORED)
    since = {str(one.arguments["mapping"]): float(one.arguments["since"]) for one in requested}
    return {name: await awaited_of(store, scopes[name], at) for name, at in sorted(since.items()) if name in scopes}


async def awaited_of(store: Store, scope: Scope, since: float) -> Awaited:
    """Return what one mapping waits for. `since`: when the store was restored (epoch seconds)."""
    systems = await store.systems.all()
    state = (await store.mappings.states()).get(scope.mapping)
    away = {name for name, row in systems.items() if row.stopped or row.down_since is not None}
    cursors = [one for one in await store.cursors.all() if one.kind == "full"]
    stand, swept_at = stand_of(scope, state, away, cursors, since)
    if stand is not Stand.READY:
        return Awaited(scope.mapping, stand)
    waiting = await store.standing.waiting(mapping=scope.mapping, since=swept_at + MARGIN_SECONDS)
    return Awaited(scope.mapping, Stand.WAITS if waiting else Stand.READY, waiting)


def stand_of(
    scope: Scope, state: MappingState | None, away: Collection[str], cursors: Iterable[Cursor], since: float
) -> tuple[Stand, float]:
    """Return what a mapping waits for, apart from its waiting records, and when the comparison of its sides ended.

    `away`: systems that are down or stopped. `cursors`: those of full sweeps. `since`: when the store was restored.
    """
    if state is not None and state.paused:
        return Stand.PAUSED, NOT_YET
    places = {(scope.endpoint(side).system, scope.endpoint(side).entity) for side in SIDES}
    if any(system in away for system, _ in places):
        return Stand.DOWN, NOT_YET
    ended = [_compared(one, since) for one in cursors if (one.system, one.entity) in places]
    swept_at = max(ended, default=NOT_YET)
    if len(ended) < len(places) or NOT_YET in ended:
        return Stand.SWEEPS, NOT_YET
    return Stand.READY, swept_at


def _compared(full: Cursor, since: float) -> float:
    """Return when the full sweep ended, if it began after `since`; NOT_YET otherwise."""
    if full.started_at is None or full.done_at is None or full.runs or full.started_at < since:
        return NOT_YET
    return full.done_at


# ---- The last verification of each mapping, as `bridge status`, health and metrics show it ----


LATE_INTERVALS = 3.0
STATES = ("equal", "differing", "waiting", "dead", "frozen", "gone", "unread")
WRONG = ("differing", "gone", "dead", "unread")


def pair_numbers(one: Verification) -> dict[str, int]:
    """Return the number of pairs by state. Their sum is the number of pairs that were compared."""
    found = one.summary or {}
    return {state: found.get(state, 0) for state in STATES}


def agreed_of(last: Verification | None) -> bool | None:
    """Return whether both sides agreed in the last verification; None if that is not known, because there was none, or
    because it ended early before a difference was seen."""
    found = (last.summary if last is not None else None) or {}
    agreed: bool | None = found.get("agrees")
    return None if agreed and found.get("fault") else agreed  # former versions stored an early end as agreeing


def ended_early(last: Verification | None) -> str:
    """Return why the last verification ended early; "" if it was completed."""
    found = (last.summary if last is not None else None) or {}
    return str(found.get("fault") or "")


def verify_rows(last: Mapping[str, Verification], awaited: Mapping[str, Awaited]) -> list[dict[str, object]]:
    """Return the last result of each mapping, for `bridge status`. `awaited`: those to be verified after a restore."""
    rows: list[dict[str, object]] = []
    for name in sorted({*last, *awaited}):
        one = last.get(name)
        found = (one.summary if one is not None else None) or {}
        rows.append(
            {
                "mapping": name,
                "verified": "not yet" if one is None or one.done_at is None else moment(one.done_at),
                "pairs": found.get("pairs", 0),
                **{state: found.get(state, 0) for state in ("equal", "differing", "waiting", "dead")},
                "only on one side": sum(
                    by.get(why, 0) for by in found.get("alone", {}).values() for why in ("not matched", "dead")
                ),
                "result": str(awaited[name]) if name in awaited else _result(found),
            }
        )
    return rows


def agreed_words(name: str, found: Mapping[str, Any]) -> str:
    """Return the result of a completed verification in one line."""
    pairs = "1 pair" if found["pairs"] == 1 else f"{found['pairs']} pairs"
    wait = f", {found['waiting']} of them wait" if found.get("waiting") else ""
    return f"{name}: {pairs}{wait}; " + (
        "both sides agree" if found["agrees"] else f"both sides differ, `bridge verify {name}` names the records"
    )


def _result(found: Mapping[str, object]) -> str:
    if not found:
        return "it is running, or was interrupted"
    if found.get("fault"):
        return f"ended early: {found['fault']}"
    drawn = f" (a sample of {found['sample']})" if found.get("sample") is not None else ""
    return f"agrees{drawn}" if found.get("agrees") else f"differs{drawn}: `bridge verify` names the records"


def verify_check(
    last: Mapping[str, Verification],
    known: Sequence[str],
    now: float,
    every_seconds: float | None,
    awaited: Mapping[str, Awaited],
) -> CheckResult:
    """Return the part `verify` of health: what differed the last time, and whether the schedule is kept.

    `awaited`: mappings that will be verified after a restore.
    """
    done = {name: last[name] for name in known if name in last and last[name].done_at is not None}
    differing = [name for name, one in done.items() if agreed_of(one) is False]
    ages = [now - (one.done_at or now) for one in done.values()]
    age = max(ages, default=0.0)
    if differing:
        number = sum((done[name].summary or {}).get(state, 0) for name in differing for state in WRONG)
        command = f"bridge verify {differing[0]}"
        text = f"{', '.join(differing)} differed in the last verification; `{command}` names the records"
        return CheckResult(Status.WARN, text, number, "pairs")
    cut = [name for name, one in done.items() if ended_early(one)]
    if cut:
        text = f"the last verification of {', '.join(cut)} ended early: {ended_early(done[cut[0]])}"
        return CheckResult(Status.WARN, text, age, "s")
    late = every_seconds is not None and age > LATE_INTERVALS * every_seconds
    if late:
        return CheckResult(Status.WARN, f"the last verification is {age:.0f} s old; the log says why", age, "s")
    if awaited:
        text = "; ".join(f"{name}: {one}" for name, one in awaited.items())
        return CheckResult(Status.PASS, text, len(awaited), "mappings")
    if not done:
        return CheckResult(Status.PASS, "nothing has been verified yet", 0, "s")
    return CheckResult(Status.PASS, f"{len(done)} of {len(known)} mappings verified; they agreed", age, "s")
