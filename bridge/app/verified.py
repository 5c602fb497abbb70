"""The last verification of each mapping, as `bridge status`, health and metrics show it."""

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.app.restored import Awaited
from bridge.app.wording import moment
from bridge.monitoring.health import CheckResult, Status
from bridge.store.verifications import Verification

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
