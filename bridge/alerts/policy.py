"""What a target of alerts is to be told now. Pure: health as it stands, what the target was told, and the time.

As with records, what counts is the difference between two states, not what happened: a message that did not arrive, a
restart, or quiet hours only change when the difference is told.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from bridge.alerts.quiet import QuietHours
from bridge.domain.values import dataclass, replace
from bridge.monitoring.health import Status


@dataclass(frozen=True, slots=True)
class Standing:
    """A part of health as it is, and since when (epoch seconds)."""

    status: Status
    since: float


@dataclass(frozen=True, slots=True)
class Told:
    """What a target heard last of a part, when, and since when that held. Kept while the part is not well."""

    status: Status
    at: float
    since: float


class Change(StrEnum):
    BEGAN = "began"
    WORSE = "worse"
    BETTER = "better"  # a failure that is a warning now
    STILL = "still"  # nothing changed, and the target was not reminded for long
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Line:
    """One part in a message. `status` as it is now, `since` when the trouble began."""

    part: str
    change: Change
    status: Status
    since: float
    severity: Status
    """The worse of what is and what was told: a failure that is over is as urgent as it was."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A target's own: from which status on it hears of a part. Seconds: how long a difference lasts before it is told,
    and after which a target is reminded."""

    least: Status = Status.WARN
    group_seconds: float = 60.0
    repeat_seconds: float = 86_400.0
    quiet: QuietHours | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """`first`: since when there is a difference that may be told; None while there is none."""

    first: float | None = None


def differences(
    told: Mapping[str, Told], standing: Mapping[str, Standing], rule: Rule, now: float, moment: datetime
) -> list[Line]:
    """All that may be told now, worst first. A part that is not in `standing` is gone, so it is well."""
    lines = []
    for part in sorted(told.keys() | standing.keys()):
        line = _line(part, told.get(part), standing.get(part, Standing(Status.PASS, now)), rule, now)
        if line is not None and not (rule.quiet and rule.quiet.keeps_back(line.severity, moment)):
            lines.append(line)
    return sorted(lines, key=lambda line: (-line.severity, line.change is Change.RESOLVED, line.part))


def _line(part: str, told: Told | None, standing: Standing, rule: Rule, now: float) -> Line | None:
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
    """Whether the lines are sent now: once the first of them has waited for the others of its group."""
    if not lines:
        return False, Pending()
    first = now if pending.first is None else pending.first
    return now - first >= rule.group_seconds, Pending(first)


def heard(told: Mapping[str, Told], lines: Sequence[Line], now: float) -> dict[str, Told]:
    """What the target was told once these lines were delivered."""
    after = dict(told)
    for line in lines:
        if line.change is Change.RESOLVED:
            del after[line.part]
        else:
            after[line.part] = Told(line.status, now, line.since)
    return after


def stands(before: Mapping[str, Standing], seen: Mapping[str, Status], now: float) -> dict[str, Standing]:
    """Each part with the time its status began; that of trouble stays when it becomes a failure or a warning."""
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
