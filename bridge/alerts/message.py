"""The text of a message: each part, since when, and what to do."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, tzinfo

from bridge.alerts.policy import Change, Line
from bridge.domain.frozen import dataclass
from bridge.domain.seams import from_epoch
from bridge.monitoring.health import CheckResult, Status

LONGEST_TEXT = 600
WORDS = {Status.WARN: "warning", Status.FAIL: "failure"}


@dataclass(frozen=True, slots=True)
class Message:
    """`severity`: the worst status of what is not resolved; PASS if everything is resolved."""

    title: str
    body: str
    severity: Status


def message(
    instance: str,
    lines: Sequence[Line],
    checks: Mapping[str, CheckResult],
    remedy_of: Callable[[str, str], str],
    now: float,
    zone: tzinfo,
) -> Message:
    """Return one message about all lines. `checks`: the current result of each part of health. `remedy_of` returns what
    to do, for a part and the system that it is about."""
    counted = Counter(_word(line) for line in lines)
    told = ", ".join(f"{number} {word}{_plural(word, number)}" for word, number in counted.items())
    only = f": {lines[0].part}" if len(lines) == 1 else ""
    follows = _follows(lines, checks)
    paragraphs = [
        _paragraph(line, checks.get(line.part), remedy_of, now, zone) + _with(line.part, follows)
        for line in lines
        if line.part not in follows
    ]
    severity = max((line.status for line in lines), default=Status.PASS)
    return Message(f"{instance}: {told}{only}", "\n\n".join(paragraphs), severity)


def _follows(lines: Sequence[Line], checks: Mapping[str, CheckResult]) -> dict[str, str]:
    """Return, by part, the other part whose paragraph already names its cause, so that a cause gets one paragraph."""
    unwell = {line.part for line in lines if line.change is not Change.RESOLVED}
    causes = {part: checks[part].because for part in unwell & checks.keys()}
    return {part: because[0] for part, because in causes.items() if because and unwell.issuperset(because)}


def _with(part: str, follows: Mapping[str, str]) -> str:
    named = sorted(one for one, cause in follows.items() if cause == part)
    return f"\nWith it: {', '.join(named)}" if named else ""


def _word(line: Line) -> str:
    return "resolved" if line.change is Change.RESOLVED else WORDS[line.status]


def _plural(word: str, number: int) -> str:
    return "s" if number > 1 and word != "resolved" else ""


def _paragraph(
    line: Line, check: CheckResult | None, remedy_of: Callable[[str, str], str], now: float, zone: tzinfo
) -> str:
    lasted = _lasted(now - line.since)
    if line.change is Change.RESOLVED:
        return f"Resolved: {line.part}, after {lasted}"
    notes = {
        Change.STILL: ", still",
        Change.WORSE: ", was a warning",
        Change.BETTER: ", was a failure",
    }
    since = f"{_moment(from_epoch(line.since), zone)} ({lasted})"
    text = (check.output if check is not None else "")[:LONGEST_TEXT]
    head = f"{WORDS[line.status].capitalize()}{notes.get(line.change, '')}: {line.part}"
    return (
        f"{head}\n{text}\nSince {since}\nWhat to do: {remedy_of(line.part, check.system if check is not None else '')}"
    )


def _moment(moment: datetime, zone: tzinfo) -> str:
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M %Z")


def _lasted(seconds: float) -> str:
    minutes = int(max(0.0, seconds)) // 60
    if minutes < 1:
        return "less than a minute"
    days, hours = minutes // 1440, minutes // 60
    if days > 1:
        return f"{days} days"
    if hours > 1:
        return f"{hours} hours"
    return f"{minutes} minute{'s' if minutes > 1 else ''}"
