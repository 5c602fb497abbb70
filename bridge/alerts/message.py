"""What a message says: each part, since when, and what to do."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from bridge.alerts.policy import Change, Line
from bridge.domain.seams import from_epoch
from bridge.monitoring.health import CheckResult, Status

LONGEST_TEXT = 600
WORDS = {Status.WARN: "warning", Status.FAIL: "failure"}


@dataclass(frozen=True, slots=True)
class Message:
    """`severity`: the worst of what is not resolved; PASS when all is."""

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
    """One message about all lines. `checks`: what health says of each part now. `remedy_of`: what helps a part, and the
    system that it is about."""
    counted = Counter(_word(line) for line in lines)
    told = ", ".join(f"{number} {word}{_plural(word, number)}" for word, number in counted.items())
    only = f": {lines[0].part}" if len(lines) == 1 else ""
    paragraphs = [_paragraph(line, checks.get(line.part), remedy_of, now, zone) for line in lines]
    severity = max((line.status for line in lines), default=Status.PASS)
    return Message(f"{instance}: {told}{only}", "\n\n".join(paragraphs), severity)


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
