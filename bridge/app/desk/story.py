"""The story of a record: what the bridge did and what people requested, as the pages show it."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from bridge.app.desk.words import address, exactly, name, when
from bridge.app.why import About, Line, would_write
from bridge.domain.frozen import dataclass
from bridge.domain.record import Side
from bridge.store.journal import WRITES, AuditEntry, JournalRow
from bridge.store.model import Scope


@dataclass(frozen=True, slots=True)
class Ref:
    """A record. `page`: the address of its page; "" if it has no id yet."""

    side: str
    entity: str
    record: str
    name: str
    page: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """When a side was last changed. `by`: who did it; "" if its system does not say."""

    side: str
    at: str | None
    by: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One event in the story. `who`: the bridge, or a person. `version`: of the mapping's definition.

    `requests`: the HTTP requests it needed, each with the status of its answer. `run`: the run it was part of. `wrote`:
    the record that was written and whose write can be undone; `since`: the time for undoing it, to the microsecond.
    `undone`: the run that undid it. `after`: who made the change that caused it, if the system says so: `user 7 in
    crm`. `edits`: for a conflict, who last changed each side, and when.
    """

    at: str | None
    who: str
    what: str
    text: str
    details: list[str]
    version: str
    requests: list[str] = field(default_factory=list)
    run: str = ""
    wrote: Ref | None = None
    undone: str = ""
    since: str | None = None
    after: str = ""
    edits: list[Edit] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Ahead:
    """What happens next, or what holds it up. `due`: when."""

    text: str
    due: str | None


def ahead(line: Line) -> Ahead:
    """Return a line for the page, below the heading `Next`. A line about the record itself gets no other heading."""
    own = line.about is About.NEXT and not line.of
    return Ahead(line.text if own else f"{line.head}: {line.text}", when(line.due))


def of_journal(scope: Scope, row: JournalRow, actors: Mapping[int, str]) -> Entry:
    """Return what the bridge decided or did. `actors`: who made the change, by the number of its event."""
    entry, detail, details = row.entry, row.entry.detail, would_write(row.entry.detail)
    for field_name, pair in detail.get("changes", {}).items():
        if isinstance(pair, list) and len(pair) == 2:
            rule = detail.get("why", {}).get(field_name)
            because = f" ({rule})" if rule else ""
            details.append(f"{field_name}: {_plain(pair[0])} → {_plain(pair[1])}{because}")
    if "kept" in detail and "lost" in detail:
        details.append(f"{detail.get('field', '')}: kept {_plain(detail['kept'])}, overwrote {_plain(detail['lost'])}")
    return Entry(
        when(row.at),
        "bridge",
        entry.what,
        entry.text,
        details,
        entry.version or "",
        requests=[_request(one) for one in detail.get("requests", ())],
        run=entry.run or "",
        wrote=_wrote(scope, row),
        undone=entry.undone or "",
        since=exactly(row.at),
        after=actors.get(entry.event or 0, ""),
        edits=[Edit(side, when(one["at"]), one["by"] or "") for side, one in detail.get("edited", {}).items()],
    )


def _wrote(scope: Scope, row: JournalRow) -> Ref | None:
    """Return the record that was written according to the entry; None if the write cannot be undone."""
    entry, to = row.entry, row.entry.detail.get("to")
    if to is None or entry.what not in WRITES or entry.undone:
        return None
    end, record_id = scope.endpoint(Side(to)), entry.record_id if entry.side.value == to else entry.other_record_id
    return (
        None
        if record_id is None
        else Ref(end.name, end.entity, record_id, name(end, record_id), address(end, record_id))
    )


def _request(sent: Mapping[str, Any]) -> str:
    """Return one request and its answer: `PATCH /api/v2/persons/{id}: 200`."""
    return f"{sent['call']}: {sent['status'] or 'no answer'}"


def _plain(value: object) -> str:
    return "(empty)" if value is None else str(value)


def of_person(entry: AuditEntry) -> Entry:
    """Return what a person requested."""
    note = entry.arguments.get("note")
    details = [f"note: {note}"] if note else []
    return Entry(when(entry.at), entry.person, entry.action, entry.answer or "continues in the background", details, "")
