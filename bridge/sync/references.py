"""Links to other records inside a record: from ids as read to link ids, and back to the other side's ids."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from bridge.domain.frozen import dataclass, replace
from bridge.domain.record import Gone, Side
from bridge.mapping.merge import Action, Base, Decision, FieldBase, load_base
from bridge.mapping.model import Field
from bridge.mapping.translate import Reading, same
from bridge.mapping.values import Lines, LinkId, Reference, parts_of, with_parts
from bridge.store.model import Completion, Link, LinkState, Mode, Outcome, Task, TaskKey, TaskState
from bridge.store.questions import LinkById, LinkOf, SurvivorOf, TaskOf
from bridge.sync.reasons import Reason
from bridge.sync.situation import Draft, WaitFor

PATIENCE_SECONDS = 20.0
"""A record waits this long for a parent that waits itself. Then it is written, and the reference is written later."""


def resolve(draft: Draft, readings: Mapping[Side, Reading]) -> dict[Side, Reading]:
    """Replace every Reference that is linked by its LinkId. One that is not linked yet stays a Reference."""
    wanted = dict.fromkeys(
        one
        for reading in readings.values()
        for value in reading.values.values()
        for one in parts_of(value)
        if isinstance(one, Reference)
    )
    if not wanted:
        return dict(readings)
    links = draft.ask_all(LinkOf(one.mapping, one.side, one.id) for one in wanted)
    found = {one: link for one, link in zip(wanted, links, strict=True) if link is not None}
    found |= _merged_away(draft, [one for one in wanted if one not in found])
    usables = {one: link for one, link in found.items() if usable(link)}
    return {side: _with_links(reading, usables) for side, reading in readings.items()}


def _merged_away(draft: Draft, missing: Iterable[Reference]) -> dict[Reference, Link]:
    """Links of the records these were merged into: a reference to the loser means the survivor."""
    scopes = draft.situation.scopes
    known = [one for one in missing if one.mapping in scopes]
    refs = [scopes[one.mapping].endpoint(one.side).ref(one.id) for one in known]
    survivors = draft.ask_all(SurvivorOf(ref) for ref in refs)
    moved = {one: record_id for one, record_id in zip(known, survivors, strict=True) if record_id is not None}
    links = draft.ask_all(LinkOf(one.mapping, one.side, record_id) for one, record_id in moved.items())
    return {one: link for one, link in zip(moved, links, strict=True) if link is not None}


def usable(link: Link) -> bool:
    """Both records of the link exist, as far as we know."""
    return link.state in (LinkState.LIVE, LinkState.FROZEN) and link.left is not None and link.right is not None


def _with_links(reading: Reading, found: Mapping[Reference, Link]) -> Reading:
    def known(value: Any) -> Any:
        if not isinstance(value, Reference) or value not in found:
            return value
        return LinkId(found[value].id, merged_away=found[value].record_id(value.side) != value.id)

    return replace(reading, values={name: with_parts(value, known) for name, value in reading.values.items()})


def merged_away(
    draft: Draft, side: Side, decisions: Iterable[Decision], readings: Mapping[Side, Reading]
) -> dict[str, Any]:
    """Return the survivors that this side must name, because it still names a record that a merge left over."""
    found = {}
    for one in decisions:
        here: Any = readings[side].values.get(one.field)
        there: Any = readings[side.other].values.get(one.field)
        if one.action not in (Action.NONE, Action.IN_SYNC) or side not in draft.mapping.named[one.field].flows:
            continue
        stale = {part for part in parts_of(here) if isinstance(part, LinkId) and part.merged_away}
        named = {part for part in parts_of(there) if isinstance(part, LinkId) and not part.merged_away}
        if stale & named and same(draft.mapping.named[one.field], here, there):
            found[one.field] = there
    return found


@dataclass(frozen=True, slots=True)
class Settled:
    """Values whose references were all turned into the target side's ids, or left out. `left_out`: field -> why.

    links: by reference, its link, where the record was linked only after it was read.
    """

    values: Mapping[str, Any]
    left_out: Mapping[str, str]
    links: Mapping[Any, Any]
    again: bool = False  # a reference was left out for now: look at the record again

    def chosen(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the canonical values of the fields that are sent."""
        linked = partial(_replaced, self.links)
        return {
            name: with_parts(values[name], linked) if value is not None else None for name, value in self.values.items()
        }


def for_writing(draft: Draft, target: Side, values: Mapping[str, Any]) -> Settled | Completion:
    """Turn link values into the target's ids; parents that are missing are waited for, left out, or refused."""
    ready: dict[str, Any] = {}
    left_out: dict[str, str] = {}
    linked: dict[Any, Any] = {}
    again = False
    named = [one.id for value in values.values() for one in parts_of(value) if isinstance(one, LinkId)]
    links = dict(zip(named, draft.ask_all(LinkById(one) for one in named), strict=True))
    for name, value in values.items():
        there: dict[Any, Any] = {}
        for row, one in referring(draft.mapping.named[name], value):
            verdict = _missing(draft, row, one) if isinstance(one, Reference) else _linked(links[one.id], target)
            if isinstance(verdict, Completion):
                return verdict
            if isinstance(verdict, Link):
                there[one] = Reference(verdict.mapping, target, str(verdict.record_id(target)))
                draft.referred.append((verdict, target))
                linked[one] = LinkId(verdict.id)
            elif verdict.blank:
                there[one] = None
            else:
                left_out[name], again = verdict.reason, again or verdict.again
        if name not in left_out:
            ready[name] = with_parts(value, partial(_replaced, there))
    return Settled(ready, left_out, linked, again)


def done_without(draft: Draft, target: Side, source: Reading, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The references that a create left out because their records are not synced, except those that follow soon."""
    return {
        field.name: value
        for field in draft.mapping.fields
        if target in field.flows
        and field.name not in chosen
        and isinstance(value := source.values.get(field.name), Reference)
        and _does_not_cross(draft, value)
    }


def _does_not_cross(draft: Draft, reference: Reference) -> bool:
    scope = draft.situation.scopes.get(reference.mapping)
    if scope is None or scope.mode is not Mode.LIVE:
        return True
    task = draft.ask(TaskOf(TaskKey(reference.mapping, reference.side, reference.id)))
    return task is not None and _decided_without_link(task)


def referring(field: Field, value: Any) -> Iterator[tuple[Field, LinkId | Reference]]:
    """Yield the references in a value, each with its field rule: the field's own, or that of a field of its lines."""
    if isinstance(value, Lines) and field.items is not None:
        named = field.items.named
        parts = [(named[name], one) for line in value.rows for name, one in line.values]
    else:
        parts = [(field, value)]
    yield from ((row, one) for row, one in parts if isinstance(one, LinkId | Reference))


def _replaced(there: Mapping[Any, Any], value: Any) -> Any:
    return there.get(value, value) if isinstance(value, LinkId | Reference) else value


def _linked(link: Link | None, target: Side) -> "Link | _LeaveOut":
    if link is None or link.record_id(target) is None:
        return _LeaveOut("the record it names is no longer linked")
    return link


@dataclass(frozen=True, slots=True)
class _LeaveOut:
    reason: str
    again: bool = False
    blank: bool = False


def _missing(draft: Draft, field: Field, reference: Reference) -> Completion | Link | _LeaveOut:
    """Decide about a reference to a record that is not linked yet. The parent comes first, and is not leased."""
    parent_scope = draft.situation.scopes.get(reference.mapping)
    parent = TaskKey(reference.mapping, reference.side, reference.id)
    name = f"{field.name}: {reference.mapping} {reference.id}"
    if field.missing == "reject":
        return draft.dead(Reason.REFERENCE_REJECTED.of(parent=name))
    if field.missing == "blank" or parent_scope is None or parent_scope.mode is not Mode.LIVE:
        return _LeaveOut(f"{name} is not linked", blank=field.missing == "blank")
    task = draft.ask(TaskOf(parent))
    if task and _decided_without_link(task):
        return _LeaveOut(f"{name} does not cross ({task.reason or task.state.value})")
    if task and _circular(draft, task):
        return _LeaveOut(f"{name} is not there yet; the reference follows", again=True)
    if task and task.state is TaskState.DUE and task.attempts > 0:
        return draft.later(draft.now + draft.jitter(1.0), Reason.PARENT_BUSY.of(parent=name))
    if task is None or task.state is not TaskState.WAITING:  # a parent that waits itself is not made due
        link = draft.ask(WaitFor(parent))
        if link is not None and usable(link):
            return link
    longest = draft.limits.wait_seconds  # the parent's end wakes this record; a circle shows after the first wait
    due = draft.now + (longest if _patient(draft) else min(longest, PATIENCE_SECONDS))
    return draft.later(due, Reason.PARENT_WAITED_FOR.of(parent=name), waits_for=parent)


def note_missing(
    draft: Draft, records: Mapping[Side, str | None], readings: Mapping[Side, Reading]
) -> tuple[TaskKey, ...]:
    """Note the unlinked records that these refer to. Return those that were never decided on: they must become due.

    A record is due again as soon as a record that it refers to is linked.
    """
    waited: list[TaskKey] = []
    if not draft.claim.scope.refers:
        return ()
    for side, reading in readings.items():
        noted = draft.unlinked.setdefault(TaskKey(draft.mapping.name, side, str(records[side])), [])
        to_write = [
            draft.mapping.named[name] for name in reading.values if side.other in draft.mapping.named[name].flows
        ]
        for row, one in (found for each in to_write for found in referring(each, reading.values[each.name])):
            if not isinstance(one, Reference):
                continue
            parent = TaskKey(one.mapping, one.side, one.id)
            noted.append(parent)
            scope = draft.situation.scopes.get(parent.mapping)
            if scope is not None and scope.mode is Mode.LIVE and row.missing == "wait":
                waited.append(parent)
    tasks = draft.ask_all(TaskOf(parent) for parent in waited)
    pairs = zip(waited, tasks, strict=True)
    return tuple(
        parent for parent, task in pairs if task is None or (task.state is TaskState.IDLE and task.outcome is None)
    )


def _circular(draft: Draft, parent: Task) -> bool:
    """Whether the parent waits for this record, or both have waited so long that it may do so through other records."""
    return draft.key in (parent.key, parent.waits_for) or (parent.state is TaskState.WAITING and _patient(draft))


def _patient(draft: Draft) -> bool:
    return draft.now - draft.first.first_due >= PATIENCE_SECONDS + draft.mapping.quiet


def _decided_without_link(task: Task) -> bool:
    if task.state is TaskState.DEAD:
        return True
    return task.state is TaskState.IDLE and task.outcome == Outcome.FILTERED


def current_base(draft: Draft, link: Link) -> Base:
    """Return the link's base, in which links that were merged away are replaced by their survivors' links."""
    base = load_base(draft.mapping, link.base)
    moved = _moved(draft, {value.id for entry in base.values() for value in links_in(entry)})
    if not moved:
        return base

    def follow(value: Any) -> Any:
        return LinkId(moved[value.id]) if isinstance(value, LinkId) and value.id in moved else value

    return {
        name: replace(entry, left=with_parts(entry.left, follow), right=with_parts(entry.right, follow))
        for name, entry in base.items()
    }


def links_in(entry: FieldBase) -> list[LinkId]:
    return [one for value in (entry.left, entry.right) for one in parts_of(value) if isinstance(one, LinkId)]


def followed(draft: Draft, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values in which links that were merged away are replaced by their survivors' links."""
    moved = _moved(draft, {one.id for value in values.values() for one in parts_of(value) if isinstance(one, LinkId)})

    def follow(value: Any) -> Any:
        return LinkId(moved[value.id]) if isinstance(value, LinkId) and value.id in moved else value

    return {name: with_parts(value, follow) for name, value in values.items()}


def sent_names(draft: Draft, target: Side, named: Iterable[tuple[int, str, str]]) -> dict[Reference, LinkId]:
    """Return what a create named: by the target's record, the link that the record had then, merges followed.

    named: (link, mapping, record id), as the intent keeps them.
    """
    sent = {Reference(mapping, target, record_id): LinkId(link) for link, mapping, record_id in named}
    links = followed(draft, {str(number): link for number, link in enumerate(sent.values())})
    return dict(zip(sent, links.values(), strict=True))


def what_became_of(draft: Draft, sent: Mapping[Reference, LinkId]) -> tuple[dict[Reference, LinkId], set[LinkId]]:
    """Read the records that a create named. Return them with their survivors, and the links of those that are gone."""
    found, gone = dict(sent), set[LinkId]()
    for one, link in sent.items():
        fate = _fate(draft, one)
        while isinstance(fate, Reference) and fate not in found:
            found[fate] = link
            fate = _fate(draft, fate)
        if isinstance(fate, Gone):
            gone.add(link)
    return found, gone


def _fate(draft: Draft, one: Reference) -> Reference | Gone | None:
    """Return the record that this one was merged into, Gone if it was deleted, None if it exists."""
    scope = draft.situation.scopes.get(one.mapping)
    if scope is None:
        return None
    ref = scope.endpoint(one.side).ref(one.id)
    seen = draft.look(ref)
    if not isinstance(seen, Gone):
        return None
    survivor = draft.ask(SurvivorOf(ref)) or seen.merged_into
    return seen if survivor is None else replace(one, id=survivor)


def as_sent(reading: Reading, sent: Mapping[Reference, LinkId]) -> Reading:
    """Return a reading in which a reference to a record that a create named is what was sent, linked or not now."""
    named = partial(_replaced, sent)
    return replace(reading, values={name: with_parts(value, named) for name, value in reading.values.items()})


def _moved(draft: Draft, named: set[int]) -> dict[int, int]:
    """Alias -> its current link, along chains of merges."""
    aliases: dict[int, int] = {}
    wanted = named
    while wanted:
        found = draft.ask_all(LinkById(one) for one in sorted(wanted))
        aliases |= {
            one.id: one.alias_of
            for one in found
            if one is not None and one.state is LinkState.ALIAS and one.alias_of is not None and one.id not in aliases
        }
        wanted = {aliases[id_] for id_ in wanted if id_ in aliases} - aliases.keys()
    ends: dict[int, int] = {}
    for start in named & aliases.keys():
        at = start
        while at in aliases:
            at = aliases[at]
        ends[start] = at
    return ends
