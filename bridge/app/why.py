"""A record's history in plain words, from the journal and the store."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from bridge.app.waiting import dead_remedy, hold_ups
from bridge.app.wording import Scopes, moment, record_name
from bridge.domain.errors import ConfigError, Problem
from bridge.domain.frozen import dataclass
from bridge.domain.record import SIDES, Side
from bridge.store.engine import Store
from bridge.store.journal import WRITES, JournalRow
from bridge.store.model import JournalEntry, Json, Link, MappingState, Mode, Scope, Task, TaskKey, TaskState
from bridge.store.standing import OpenConflict, open_conflicts
from bridge.sync.reasons import SHADOW

STORY_LINES = 50
HELD_LINES = 20


class About(StrEnum):
    """What a line is about. The values are the words that are shown."""

    NEXT = "next"
    HELPS = "what helps"
    WAITED_FOR = "waits until then"
    LEFT_BEHIND = "left behind"
    HELD_UP = "held up"
    WITHOUT = "crossed without its reference"


@dataclass(frozen=True, slots=True)
class Line:
    """One line about what happens next. `of`: the counterpart if the line is about it, otherwise "". `due`: when it
    happens (epoch seconds)."""

    about: About
    text: str
    of: str = ""
    due: float | None = None

    @property
    def head(self) -> str:
        """What the line is about, in words."""
        return f"{self.about}, by {self.of}" if self.of else str(self.about)

    def __str__(self) -> str:
        at = "" if self.due is None else f"due at {moment(self.due)}, "
        return f"{self.head}: {at}{self.text}"


def places(scopes: Scopes, side: str, entity: str) -> list[tuple[Scope, Side]]:
    """Return the mappings that keep this entity of this side in sync. Raises ConfigError, which names what is known."""
    found = []
    known = set()
    for scope in scopes.values():
        for which in SIDES:
            here = scope.endpoint(which)
            known.add(f"{here.name} {here.entity}")
            if (here.name, here.entity) == (side, entity):
                found.append((scope, which))
    if not known:
        raise ConfigError(
            [Problem("mappings", "no bridge has run with a mapping on this store yet", "start `bridge run`")]
        )
    if not found:
        names = ", ".join(sorted(known))
        raise ConfigError([Problem(f"{side} {entity}", "no mapping keeps this in sync", f"known: {names}")])
    return found


async def why_lines(store: Store, scopes: Scopes, side: str, entity: str, record: str) -> list[str]:
    """Return lines about a record: what happened to it, what is known about it now, and what happens next."""
    lines = []
    for scope, which in places(scopes, side, entity):
        lines.append(f"{side} {entity} {record} in mapping {scope.mapping}:")
        entries = await store.journal.about(scope.mapping, which, record, limit=STORY_LINES)
        actors = await causes(store, scope, entries)
        for row in reversed(entries):
            about = _written_by(row.entry, actors)
            lines.append(f"  {moment(row.at)}  {row.entry.what}: {row.entry.text}{about}")
            lines += [f"    {line}" for line in edit_lines(row.entry.detail.get("edited", {}))]
            if row is entries[0]:
                lines += [f"    {line}" for line in would_write(row.entry.detail)]
        if not entries:
            lines.append("  nothing has been written or decided for it")
        lines += [f"  {line}" for line in await _about(store, scopes, scope, which, record)]
    return lines


async def _about(store: Store, scopes: Scopes, scope: Scope, which: Side, record: str) -> list[str]:
    """Return lines about what is known about a record now, and what happens next."""
    link = await store.links.of(scope.mapping, which, record)
    key, ref = TaskKey(scope.mapping, which, record), scope.endpoint(which).ref(record)
    lines = ["now: " + now_line(scope, which, record, link)]
    forgotten = await store.forgotten.at(ref)
    if forgotten is not None:
        command = f"bridge forget {scope.endpoint(which).name} {ref.entity} {record} --take-back"
        lines.append(f"forgotten at {moment(forgotten)}: it is never copied (`{command}` allows it again)")
    if link is not None:
        lines += [f"waits for a choice: {_question(question)}" for question in open_conflicts(link)]
    told = (await store.instructions.of([key])).values()
    lines += [f"requested by a person: {one.kind} ({one.run}), not done yet" for one in told]
    more = await crossed_without(store, scopes, key)
    more += await nexts(store, scope, which, record, link, wanted=forgotten is None)
    lines += [str(line) for line in more]
    state = (await store.mappings.states()).get(scope.mapping)
    problems = state.problems if state is not None else None
    return [*lines, *(f"the account does not have what the mapping names: {problem}" for problem in problems or ())]


async def why_facts(store: Store, scopes: Scopes, side: str, entity: str, record: str) -> list[dict[str, object]]:
    """Return the same for programs: for each mapping the link, the tasks, and the journal, newest first."""
    found: list[dict[str, object]] = []
    for scope, which in places(scopes, side, entity):
        here, there = scope.endpoint(which), scope.endpoint(which.other)
        link = await store.links.of(scope.mapping, which, record)
        tasks = await store.standing.about(here.system, here.entity, record, {scope.mapping: scope})
        entries = await store.journal.about(scope.mapping, which, record, limit=STORY_LINES)
        actors = await causes(store, scope, entries)
        found.append(
            {
                "mapping": scope.mapping,
                "record": f"{here.name} {here.entity} {record}",
                "link": link
                and {
                    "state": link.state.value,
                    "made": link.made,
                    "with": f"{there.name} {there.entity} {link.record_id(which.other) or '?'}",
                },
                "tasks": [
                    {
                        "state": task.state.value,
                        "due": None if task.state in (TaskState.IDLE, TaskState.DEAD) else moment(task.due),
                        "attempts": task.attempts,
                        "code": task.code,
                        "reason": task.reason,
                    }
                    for task in tasks
                ],
                "journal": [
                    {
                        "at": moment(row.at),
                        "what": row.entry.what,
                        "text": row.entry.text,
                        "detail": row.entry.detail,
                        "mapping version": row.entry.version,
                        "run": row.entry.run,
                        "undone by": row.entry.undone,
                        "event": row.entry.event,
                        "changed by": actors.get(row.entry.event or 0),
                    }
                    for row in entries
                ],
                "told": await _about(store, scopes, scope, which, record),
            }
        )
    return found


async def named(store: Store, scopes: Scopes, words: str) -> list[dict[str, str]]:
    """Return the records that have these words: the name, what it is linked to, and the values in which they were
    found."""
    found: dict[str, dict[str, str]] = {}
    for one in await store.search.records(words):
        scope = scopes.get(one.key.mapping)
        if scope is None:
            continue
        there = scope.endpoint(one.key.side.other)
        linked = f"{there.name} {there.entity} {one.other}" if one.other else ""
        values = ", ".join(f"{name} {value}" for name, value in one.values.items())
        name = record_name(scopes, one.key)
        if name not in found or (values and not found[name]["found by"]):
            end = scope.endpoint(one.key.side)
            parts = {"side": end.name, "entity": end.entity, "id": one.key.record_id}
            found[name] = {"record": name, **parts, "linked to": linked, "found by": values}
    return list(found.values())


def _written_by(entry: JournalEntry, actors: Mapping[int, str]) -> str:
    """Return the entry's event, as in log lines, and who made its change; for a write also the mapping's version, the
    run and what undid it."""
    by = f": a change by {actors[entry.event]}" if entry.event is not None and entry.event in actors else ""
    if entry.what not in WRITES:
        return f" [event {entry.event}{by}]" if entry.event else ""
    parts = [f"event {entry.event}{by}" if entry.event else ""]
    parts += [f"mapping {entry.version}" if entry.version else "", f"run {entry.run}" if entry.run else ""]
    parts.append(f"undone by {entry.undone}" if entry.undone else "")
    told = ", ".join(filter(None, parts))
    return f" [{told}]" if told else ""


def would_write(detail: Json) -> list[str]:
    """Return what a mapping in shadow mode would write, a line for each field; nothing for other entries."""
    lines = []
    for write in detail.get("writes", ()):
        for name, field in write["fields"].items():
            values = " -> ".join(_value(field[when]) for when in ("before", "after") if when in field)
            because = f" ({field['why']})" if field.get("why") else ""
            lines.append(f"{write['record']}, {name}: {values}{because}")
    for name, kept in detail.get("kept", {}).items():
        values = ", ".join(f"{side} keeps {_value(value)}" for side, value in kept["values"].items())
        lines.append(f"{name}: {values} ({kept['why']})")
    lines += [f"{name}: left out ({why})" for name, why in detail.get("left out", {}).items()]
    return lines


def _value(value: object) -> str:
    return "(empty)" if value is None else repr(value)


async def crossed_without(store: Store, scopes: Scopes, child: TaskKey) -> list[Line]:
    """Return the references that the record crossed without, because the record they name was not linked."""
    lines = []
    for parent in await store.unlinked.of(child):
        name = record_name(scopes, parent)
        lines.append(Line(About.WITHOUT, f"{name} (mapping {parent.mapping}) is not linked yet"))
    return lines


async def nexts(
    store: Store, scope: Scope, side: Side, record: str, link: Link | None, *, wanted: bool = True
) -> list[Line]:
    """Return what happens next to the record and to its counterpart, and what holds them up.

    `wanted`: False if a person had the record forgotten; then there is no line about how it would cross.
    """
    tasks = await store.standing.about(*_where(scope, side), record, {scope.mapping: scope})
    own = TaskKey(scope.mapping, side, record)
    state = (await store.mappings.states()).get(scope.mapping)
    lines = [_next(task) for task in tasks]
    for task in tasks:
        if task.state is TaskState.DEAD:
            lines += _helps(scope, task)
            lines += [Line(About.WAITED_FOR, held) for held in await _waiting_for(store, scope, task.key)]
    if wanted:
        lines += [Line(About.LEFT_BEHIND, text) for text in _left_behind(scope, own, state, tasks, link)]
    record_id = link.record_id(side.other) if link is not None else None
    other = await store.standing.get(TaskKey(scope.mapping, side.other, record_id)) if record_id is not None else None
    if other is not None and other.state is not TaskState.IDLE:
        there = scope.endpoint(side.other)
        tasks.append(other)
        lines += [_next(other, f"{there.name} {there.entity} {record_id}"), *_helps(scope, other)]
    if any(task.state in (TaskState.DUE, TaskState.WAITING) for task in tasks):
        held = await hold_ups(store, {scope.mapping: scope})
        lines += [Line(About.HELD_UP, reason) for reason in held[scope.mapping]]
    return lines


async def _waiting_for(store: Store, scope: Scope, key: TaskKey) -> list[str]:
    """Return the records of the same mapping that wait until a person handles this dead letter."""
    held = [task.key for task in await store.standing.waiting_for(key, HELD_LINES) if task.key.mapping == scope.mapping]
    ends = [(scope.endpoint(one.side), one.record_id) for one in held]
    return [f"{end.name} {end.entity} {record_id}" for end, record_id in ends]


def _left_behind(
    scope: Scope, key: TaskKey, state: MappingState | None, tasks: Sequence[Task], link: Link | None
) -> list[str]:
    """Return why a record does not cross by itself, and which command syncs it."""
    idle = all(task.state is TaskState.IDLE for task in tasks)
    in_shadow = any(task.code in SHADOW for task in tasks)
    never = link is None and not any(task.generation for task in tasks)
    if state is None or not idle or not (in_shadow or never):
        return []
    if state.mode is Mode.SHADOW and never:
        look = f"bridge resync {record_name({scope.mapping: scope}, key)}"
        return [
            f"nobody has edited it since the bridge runs, so shadow mode has not processed it: `{look}` does so, and "
            f"`bridge plan {scope.mapping}` shows what a first sync would do"
        ]
    if state.mode is not Mode.LIVE or state.live_since is None:
        return []
    when = "it was decided in shadow mode" if in_shadow else "it was never processed"
    resync = f"bridge resync {record_name({scope.mapping: scope}, key)}"
    return [
        f"{when}, and the mapping has been live since {moment(state.live_since)}: it crosses when somebody edits it, "
        f"or by `{resync}`; `bridge backfill {scope.mapping}` syncs all such records (look first with `--preview`)"
    ]


def _where(scope: Scope, side: Side) -> tuple[str, str]:
    endpoint = scope.endpoint(side)
    return endpoint.system, endpoint.entity


def now_line(scope: Scope, side: Side, record: str, link: Link | None) -> str:
    """Return what the record is linked to, in words."""
    if link is None:
        return "not linked to any record of the other side"
    here, other = scope.endpoint(side), scope.endpoint(side.other)
    record_id = link.record_id(side.other) or "not known yet"
    if link.record_id(side) != record:
        lives_on = (
            f"{here.name} {here.entity} {link.record_id(side)}, linked to {other.name} {other.entity} {record_id}"
        )
        return f"it was merged into another record, which survives: {lives_on}"
    made = link.made
    for which in SIDES:
        made = made.replace(f"created_{which.value}", f"created in {scope.endpoint(which).name}")
    return f"linked to {other.name} {other.entity} {record_id} ({link.state.value}, {made})"


def _question(question: OpenConflict) -> str:
    values = ", ".join(f"{side} has {value!r}" for side, value in question.values.items())
    said = "; ".join(("", *edit_lines(question.edited)))
    return f"{question.field}: {values}{said} (`bridge conflicts choose`)"


def _helps(scope: Scope, task: Task) -> list[Line]:
    helps = dead_remedy({scope.mapping: scope}, task) if task.state is TaskState.DEAD else ""
    return [Line(About.HELPS, helps)] if helps else []


def _next(task: Task, of: str = "") -> Line:
    if task.state is TaskState.IDLE:
        return Line(About.NEXT, f"nothing is due; last: {task.reason or 'never processed'}", of)
    if task.state is TaskState.DEAD:
        return Line(About.NEXT, f"a dead letter, needs a person: {task.reason}", of)
    reason = f" ({task.reason})" if task.reason else ""
    return Line(About.NEXT, f"attempt {task.attempts + 1}{reason}", of, task.due)


# ---- Who changed a record and when, according to its system ----


def _changed(side: str, edit: Json) -> str:
    """Return one side's last change: `crm changed at 2026-05-01 09:12:00 UTC by user 7`."""
    at = "" if edit.get("at") is None else f" at {moment(edit['at'])}"
    if edit.get("by"):
        return f"{side} changed{at} by {edit['by']}"
    return f"{side} changed{at}, and does not say who" if at else f"{side} does not say who changed it, or when"


def edit_lines(edited: Json) -> list[str]:
    """Return a line for each side; none for a conflict from before edits were noted."""
    return [_changed(side, edit) for side, edit in edited.items()]


async def causes(store: Store, scope: Scope, rows: Sequence[JournalRow]) -> dict[int, str]:
    """Return who caused each entry, by the number of its event, where that is known: `user 7 in crm`."""
    ends = {(end.system, end.entity): end.name for end in (scope.endpoint(side) for side in SIDES)}
    found = await store.journal.actors(rows)
    return {
        event: f"{actor} in {ends[ref.system, ref.entity]}"
        for event, (ref, actor) in found.items()
        if (ref.system, ref.entity) in ends
    }
