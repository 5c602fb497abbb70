"""Links to other records inside a record: from ids as read to link ids, and back to the other side's ids."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bridge.domain.record import Side
from bridge.mapping.base import Base, FieldBase, load_base
from bridge.mapping.merge import Action, Decision
from bridge.mapping.model import Field
from bridge.mapping.translate import Reading
from bridge.mapping.values import LinkId, Reference
from bridge.store.model import Completion, Link, LinkState, Mode, Outcome, Task, TaskKey, TaskState
from bridge.sync.work import Work

FILTERED_PREFIX = "filtered"
PATIENCE_SECONDS = 20.0
"""A record waits this long for a parent that waits itself; then it crosses without, and the reference follows."""


async def resolve(work: Work, readings: Mapping[Side, Reading]) -> dict[Side, Reading]:
    """Replace every Reference that is linked by its LinkId; what is not linked yet stays a Reference."""
    wanted: dict[tuple[str, Side], set[str]] = defaultdict(set)
    for reading in readings.values():
        for value in reading.values.values():
            if isinstance(value, Reference):
                wanted[value.mapping, value.side].add(value.id)
    found: dict[Reference, Link] = {}
    for (mapping, side), recs in wanted.items():
        links = await work.store.links.resolve(mapping, side, sorted(recs))
        links |= await _merged_away(work, mapping, side, recs - links.keys())
        found.update({Reference(mapping, side, rec): link for rec, link in links.items() if usable(link)})
    return {side: _with_links(reading, found) for side, reading in readings.items()}


async def _merged_away(work: Work, mapping: str, side: Side, recs: Iterable[str]) -> dict[str, Link]:
    """Links of the records these were merged into: a reference to the loser means the survivor."""
    scope, found = work.parts.scopes.get(mapping), {}
    for rec in recs if scope else ():
        endpoint = scope.endpoint(side) if scope else None
        survivor = await work.store.records.merge_of(endpoint.system, endpoint.entity, rec) if endpoint else None
        link = await work.store.links.of(mapping, side, survivor) if survivor else None
        if link is not None:
            found[rec] = link
    return found


def usable(link: Link) -> bool:
    """Both records of the link exist, as far as we know."""
    return link.state in (LinkState.LIVE, LinkState.FROZEN) and link.left is not None and link.right is not None


def _with_links(reading: Reading, found: Mapping[Reference, Link]) -> Reading:
    def known(value: Any) -> Any:
        if not isinstance(value, Reference) or value not in found:
            return value
        return LinkId(found[value].id, left_over=found[value].rec(value.side) != value.id)

    return replace(reading, values={name: known(value) for name, value in reading.values.items()})


def left_over(
    work: Work, side: Side, decisions: Iterable[Decision], readings: Mapping[Side, Reading]
) -> dict[str, Any]:
    """References to what a merge left over, where the other side names the survivor: it is to be named here too."""
    found = {}
    for one in decisions:
        here: Any = readings[side].values.get(one.field)
        there: Any = readings[side.other].values.get(one.field)
        if one.action not in (Action.NONE, Action.IN_STEP) or side not in work.mapping.named[one.field].flows:
            continue
        if isinstance(here, LinkId) and here == there and (here.left_over, there.left_over) == (True, False):
            found[one.field] = there
    return found


@dataclass(frozen=True, slots=True)
class Settled:
    """Values whose references were all turned into the target side's ids, or left out. `left_out`: field -> why."""

    values: Mapping[str, Any]
    left_out: Mapping[str, str]
    again: bool = False  # a reference was left out for now: look at the record again


async def for_writing(work: Work, target: Side, values: Mapping[str, Any]) -> Settled | Completion:
    """Turn link values into the target's ids; parents that are missing are waited for, left out, or refused."""
    ready: dict[str, Any] = {}
    left_out: dict[str, str] = {}
    again = False
    links = await _links(work, values.values())
    fields = {field.name: field for field in work.mapping.fields}
    for name, value in values.items():
        if isinstance(value, LinkId):
            link = links.get(value.id)
            rec = link.rec(target) if link else None
            if link is None or rec is None:
                left_out[name] = "the record it names is no longer linked"
            else:
                ready[name] = Reference(link.mapping, target, rec)
                work.referred.append((link, target))
        elif isinstance(value, Reference):
            verdict = await _missing(work, fields[name], value)
            if isinstance(verdict, Completion):
                return verdict
            if isinstance(verdict, Link):
                ready[name] = Reference(value.mapping, target, str(verdict.rec(target)))
                work.referred.append((verdict, target))
            elif verdict.blank:
                ready[name] = None
            else:
                left_out[name], again = verdict.reason, again or verdict.again
        else:
            ready[name] = value
    return Settled(ready, left_out, again)


async def _links(work: Work, values: Iterable[Any]) -> Mapping[int, Link]:
    ids = [value.id for value in values if isinstance(value, LinkId)]
    return await work.store.links.many(ids) if ids else {}


@dataclass(frozen=True, slots=True)
class _LeaveOut:
    reason: str
    again: bool = False
    blank: bool = False


async def _missing(work: Work, field: Field, reference: Reference) -> Completion | Link | _LeaveOut:
    """A reference to a record that is not linked yet: parents first, without leasing them."""
    parent_scope = work.parts.scopes.get(reference.mapping)
    parent = TaskKey(reference.mapping, reference.side, reference.id)
    name = f"{field.name}: {reference.mapping} {reference.id}"
    if field.missing == "reject":
        return work.dead(f"{name} is not linked, and the mapping says `missing: reject`")
    if field.missing == "blank" or parent_scope is None or parent_scope.mode is not Mode.LIVE:
        return _LeaveOut(f"{name} is not linked", blank=field.missing == "blank")
    task = await work.store.tasks.get(parent)
    if task and _decided_without_link(task):
        return _LeaveOut(f"{name} does not cross ({task.reason or task.state.value})")
    if task and _circular(work, task):
        return _LeaveOut(f"{name} is not there yet; the reference follows", again=True)
    if task and task.state is TaskState.DUE and task.attempts > 0:
        return work.later(work.now() + work.jitter(1.0), f"waiting for {name}, which is being worked on")
    if task is None or task.state is not TaskState.WAITING:  # what waits itself is not stirred up
        link = await work.store.tasks.wait_for(work.claim, parent)
        if link is not None and usable(link):
            return link
    longest = work.parts.limits.wait_seconds  # who is done wakes those who wait; a circle shows after the first wait
    due = work.now() + (longest if _patient(work) else min(longest, PATIENCE_SECONDS))
    return work.later(due, f"waiting for {name}", waits_for=parent)


async def note_missing(
    work: Work, records: Mapping[Side, str | None], readings: Mapping[Side, Reading]
) -> tuple[TaskKey, ...]:
    """Note what these records name and is not linked; those of it that were never decided on, to be looked at.

    A record is due again as soon as one that it names is linked, whichever way that happens.
    """
    undecided: list[TaskKey] = []
    for side, reading in readings.items():
        noted = work.unlinked.setdefault(TaskKey(work.mapping.name, side, str(records[side])), [])
        for name, value in reading.values.items():
            if not isinstance(value, Reference) or side.other not in work.mapping.named[name].flows:
                continue
            parent = TaskKey(value.mapping, value.side, value.id)
            noted.append(parent)
            scope = work.parts.scopes.get(parent.mapping)
            if scope is None or scope.mode is not Mode.LIVE or work.mapping.named[name].missing != "wait":
                continue
            task = await work.store.tasks.get(parent)
            if task is None or (task.state is TaskState.IDLE and task.outcome is None):
                undecided.append(parent)
    return tuple(undecided)


def _circular(work: Work, parent: Task) -> bool:
    """The parent waits for this record, or both have waited so long that it may well do so round some corners."""
    return work.key in (parent.key, parent.waits_for) or (parent.state is TaskState.WAITING and _patient(work))


def _patient(work: Work) -> bool:
    return work.now() - work.claim.tasks[0].first_due >= PATIENCE_SECONDS


def _decided_without_link(task: Task) -> bool:
    if task.state is TaskState.DEAD:
        return True
    return task.state is TaskState.IDLE and task.outcome == Outcome.FILTERED


async def current_base(work: Work, link: Link) -> Base:
    """The link's base with links that were merged away followed to their survivors."""
    base = load_base(work.mapping, link.base)
    moved = await _moved({value.id for entry in base.values() for value in _ends(entry)}, work)

    def follow(value: Any) -> Any:
        return LinkId(moved[value.id]) if isinstance(value, LinkId) and value.id in moved else value

    return {name: replace(entry, left=follow(entry.left), right=follow(entry.right)) for name, entry in base.items()}


def _ends(entry: FieldBase) -> list[LinkId]:
    return [value for value in (entry.left, entry.right) if isinstance(value, LinkId)]


async def _moved(named: set[int], work: Work) -> dict[int, int]:
    """Alias -> the link it stands for now, along chains of merges."""
    aliases: dict[int, int] = {}
    wanted = named
    while wanted:
        found = await work.store.links.many(wanted)
        aliases |= {
            one.id: one.alias_of
            for one in found.values()
            if one.state is LinkState.ALIAS and one.alias_of is not None and one.id not in aliases
        }
        wanted = {aliases[id_] for id_ in wanted if id_ in aliases} - aliases.keys()
    ends: dict[int, int] = {}
    for start in named & aliases.keys():
        at = start
        while at in aliases:
            at = aliases[at]
        ends[start] = at
    return ends


def refs_of(base: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Which links a base names: (field, link id)."""
    pairs = set()
    for name, entry in base.items():
        pairs |= {(name, value.id) for value in _ends(entry)}
    return sorted(pairs)
