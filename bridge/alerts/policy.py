"""Decides what a target of alerts is told now. Pure: from the state of health, what the target was told, and the time.

As with records, the difference between two states counts, and not what happened in between. A lost message, a restart
or quiet hours change only when the difference is told.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from bridge.alerts.quiet import QuietHours
from bridge.domain.frozen import dataclass, replace
from bridge.monitoring.health import Status


@dataclass(frozen=True, slots=True)
class Standing:
    """The status of a part of health, and since when (epoch seconds)."""

    status: Status
    since: float


@dataclass(frozen=True, slots=True)
class LastTold:
    """What a target was last told about a part, when, and since when that was true. It is kept until the part is
    resolved."""

    status: Status
    at: float
    since: float


class Change(StrEnum):
    BEGAN = "began"
    WORSE = "worse"
    BETTER = "better"  # it was a failure and is a warning now
    STILL = "still"  # nothing changed, and the last reminder was `repeat_seconds` ago
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Line:
    """One part in a message. `status` is its status now, `since` is when the trouble began."""

    part: str
    change: Change
    status: Status
    since: float
    severity: Status
    """The worse of the current status and the told one: the end of a failure is as urgent as the failure was."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When one target is told. `least`: the lowest status that it is told. `group_seconds`: how long a difference must
    last before it is told, together with those that join it. `repeat_seconds`: after how long a target is reminded."""

    least: Status = Status.WARN
    group_seconds: float = 60.0
    repeat_seconds: float = 86_400.0
    quiet: QuietHours | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """`first`: since when there is a difference to tell; None if there is none."""

    first: float | None = None


def differences(
    told: Mapping[str, LastTold], standing: Mapping[str, Standing], rule: Rule, now: float, moment: datetime
) -> list[Line]:
    """Return all lines that may be told now, the worst first. A part that is not in `standing` counts as resolved."""
    lines = []
    for part in sorted(told.keys() | standing.keys()):
        line = _line(part, told.get(part), standing.get(part, Standing(Status.PASS, now)), rule, now)
        if line is not None and not (rule.quiet and rule.quiet.keeps_back(line.severity, moment)):
            lines.append(line)
    return sorted(lines, key=lambda line: (-line.severity, line.change is Change.RESOLVED, line.part))


def _line(part: str, told: LastTold | None, standing: Standing, rule: Rule, now: float) -> Line | None:
    status = standing.status if standing.status >= rule.least else Status.PASS
    if told is None:
        return None if status is Status.PASS else Line(part, Change.BEGAN, status, standing.since, status)
    severity = max(status, told.status)
    if status is Status.PASS:
        return Line(part, Change.RESOLVED, status, told.since, severity)
    if status is not told.status:
        return Line(part, Change.WORSE if status > told.status else Change.BETTER, status, told.since, severity)
    if now - told.at >= rule.repeat_seconds:
        return Line(part, Change.STILL, status, told.since, severity)
    return None


def due(pending: Pending, lines: Sequence[Line], rule: Rule, now: float) -> tuple[bool, Pending]:
    """Return whether the lines are sent now: when the first of them has waited `group_seconds` for others."""
    if not lines:
        return False, Pending()
    first = now if pending.first is None else pending.first
    return now - first >= rule.group_seconds, Pending(first)


def after_delivery(told: Mapping[str, LastTold], lines: Sequence[Line], now: float) -> dict[str, LastTold]:
    """Return what the target has been told after these lines were delivered."""
    after = dict(told)
    for line in lines:
        if line.change is Change.RESOLVED:
            del after[line.part]
        else:
            after[line.part] = LastTold(line.status, now, line.since)
    return after


def standing_now(before: Mapping[str, Standing], seen: Mapping[str, Status], now: float) -> dict[str, Standing]:
    """Return each part with the start of its status. The start stays when a warning becomes a failure or the
    reverse."""
    after = {}
    for part, status in seen.items():
        old = before.get(part)
        if old is None:
            after[part] = Standing(status, now)
        elif (old.status is Status.PASS) == (status is Status.PASS):
            after[part] = replace(old, status=status)
        else:
            after[part] = Standing(status, now)
    return after
