"""Compare both sides of a pair: what they show, when they were edited, and what to do about each field.

Pure. The end of the file is about conflicts that no policy decides, so that a person must.
"""

from collections.abc import Collection, Sequence
from collections.abc import Mapping as MappingOf
from datetime import datetime
from typing import Any

from bridge.domain.record import SIDES, Fields, Record, Side
from bridge.domain.seams import from_epoch, plausible_time
from bridge.domain.values import replace
from bridge.mapping import translate
from bridge.mapping.base import Base
from bridge.mapping.merge import Action, Decision, Times, merge
from bridge.mapping.translate import Reading
from bridge.mapping.values import UNREAD
from bridge.store import moves
from bridge.store.model import Json, Link, TaskKey
from bridge.store.questions import ReportedActor
from bridge.sync import references, remember
from bridge.sync.situation import Draft

BRIDGE = "the bridge"
"""The editor that is named when a record's version is that of the bridge's own write."""
WRITES_TO = {Action.TO_LEFT: Side.LEFT, Action.TO_RIGHT: Side.RIGHT}


def readings(draft: Draft, records: MappingOf[Side, Record]) -> dict[Side, Reading]:
    """Canonical values of both records, with references resolved.

    A field rule whose `when` does not hold for one of the records is left out of both readings.
    """
    found = {side: translate.read(draft.mapping, side, record.fields) for side, record in records.items()}
    off = frozenset[str]().union(*(reading.off for reading in found.values()))
    found = {side: translate.without(reading, off) for side, reading in found.items()}
    found = references.resolve(draft, found)
    return {side: _only_written(draft, side, reading) for side, reading in found.items()}


def _only_written(draft: Draft, side: Side, reading: Reading) -> Reading:
    """Ignore problems of values that are not read from this side: a rule that only writes there may overwrite them."""
    named = draft.mapping.named
    forgiven = {problem.field for problem in reading.problems if side.other not in named[problem.field].flows}
    if not forgiven:
        return reading
    kept = tuple(problem for problem in reading.problems if problem.field not in forgiven)
    return replace(reading, values={**reading.values, **dict.fromkeys(forgiven)}, problems=kept)


def decide(
    draft: Draft, records: MappingOf[Side, Record], readings: MappingOf[Side, Reading], base: Base
) -> tuple[Decision, ...]:
    """Return one decision per field. An edit that does not move the version is dated by when it was first reported."""
    left, right = readings[Side.LEFT], readings[Side.RIGHT]
    resolution = max(draft.manifest(side).version_resolution or 1.0 for side in SIDES)
    reported = {side: _reported_at(draft, side, record) for side, record in records.items()}
    edited = {side: _modified(draft, record) or reported[side] for side, record in records.items()}
    times = Times(edited[Side.LEFT], edited[Side.RIGHT], resolution)
    decisions = merge(draft.mapping, left, right, base, times)
    uncovered = _uncovered(draft)
    if not uncovered:
        return decisions
    sights = Times(reported[Side.LEFT], reported[Side.RIGHT], resolution)
    others = merge(draft.mapping, left, right, base, sights)
    return _picked(draft, decisions, others, uncovered)


def _picked(
    draft: Draft, decisions: Sequence[Decision], others: Sequence[Decision], uncovered: frozenset[str]
) -> tuple[Decision, ...]:
    chosen = [one for one in decisions if one.field not in uncovered]
    chosen += [one for one in others if one.field in uncovered]
    order = list(draft.mapping.named)
    return tuple(sorted(chosen, key=lambda one: order.index(one.field)))


def _uncovered(draft: Draft) -> frozenset[str]:
    """Fields with a column whose edit does not move the record's version, on either side."""
    return frozenset().union(*(_unversioned(draft, side) for side in SIDES))


def _unversioned(draft: Draft, side: Side) -> frozenset[str]:
    """Fields with a column whose edit does not move the version of the record on this side."""
    columns = draft.manifest(side).unversioned
    return frozenset(
        field.name
        for field in draft.mapping.fields
        if (ours := field.columns_of(side)) and any(path.column in columns for path in ours.paths)
    )


def plans(decisions: Sequence[Decision], readings: MappingOf[Side, Reading]) -> dict[Side, dict[str, Any]]:
    """Return the values to write, by side. A set that changed on both sides may be written to both."""
    found: dict[Side, dict[str, Any]] = {Side.LEFT: {}, Side.RIGHT: {}}
    for decision in decisions:
        target = WRITES_TO.get(decision.action)
        if target is not None and readings[target].values.get(decision.field) is not UNREAD:
            found[target][decision.field] = decision.value
    return found


def holds(present: Any, wanted: Fields) -> bool:
    """Whether a record shows all of these columns already."""
    return isinstance(present, MappingOf) and all(
        holds(present.get(name), value) if isinstance(value, MappingOf) else name in present and present[name] == value
        for name, value in wanted.items()
    )


def _modified(draft: Draft, record: Record) -> datetime | None:
    """When somebody else edited the record last; None if its version is that of our own write, or is in the future."""
    if record.modified_at is None or _ours(draft, record):
        return None
    return None if plausible_time(record.modified_at.timestamp(), draft.now) is None else record.modified_at


def _ours(draft: Draft, record: Record) -> bool:
    """Whether the record's version is that of our own write."""
    known = draft.claim.known.get(record.ref)
    own = known.own_version if known else None
    return own is not None and record.modified_at is not None and record.modified_at.timestamp() <= own


def _reported_at(draft: Draft, side: Side, record: Record) -> datetime:
    """Return the event's own time, otherwise when the bridge first learned of the edit (now, if no event did)."""
    task = draft.task_of(side, record.ref.id)
    if task is None:
        return from_epoch(draft.now)
    return from_epoch(task.source_at if task.source_at is not None else min(task.first_due, draft.now))


# ---- Fields that both sides changed and no policy decides ----


TO = {Side.LEFT: Action.TO_LEFT, Side.RIGHT: Action.TO_RIGHT}


def chosen(
    draft: Draft, link: Link, decisions: Sequence[Decision], readings: MappingOf[Side, Reading]
) -> Sequence[Decision]:
    """Return the decisions. A person's choice decides a conflict while both sides still show what the person saw."""
    held = link.held or {}
    return [_as_chosen(draft, held.get(one.field, {}), one, readings) for one in decisions]


def _as_chosen(draft: Draft, entry: Json, decision: Decision, readings: MappingOf[Side, Reading]) -> Decision:
    if not entry.get("chosen") or not _open(decision) or entry["values"] != _values(draft, decision.field, readings):
        return decision
    source = Side(entry["chosen"])
    value, loser = (readings[side].values[decision.field] for side in (source, source.other))
    reason = f"{decision.reason}; a person chose {draft.side_name(source)}"
    return Decision(decision.field, TO[source.other], value, conflict=True, loser=loser, reason=reason)


def hold(
    draft: Draft,
    link: Link,
    decisions: Sequence[Decision],
    readings: MappingOf[Side, Reading],
    records: MappingOf[Side, Record],
) -> Link:
    """Note in the link which fields a person must decide, and report each conflict once.

    Those fields stay unchanged, the others are written. A choice is kept until `settle`, because its write may fail.
    """
    before, held = link.held or {}, dict[str, Json]()
    for decision in decisions:
        name, known = decision.field, before.get(decision.field, {})
        if _open(decision):
            values = _values(draft, name, readings)
            new = values != known.get("values")
            edits = edited(draft, name, records) if new else known.get("edited", {})
            held[name] = {"values": values, "asked": decision.action is Action.HOLD, "edited": edits}
            if new:
                detail = {"field": name, "values": values, "edited": edits}
                draft.say("conflict", f"{name}: {decision.reason}", detail, link=link)
        elif known.get("chosen") and decision.action in TO.values():
            held[name] = known
    return _remember(draft, link, held)


def edited(draft: Draft, name: str, records: MappingOf[Side, Record]) -> Json:
    """Return by side name when the record with this field was last changed (`at`, epoch seconds), and by whom (`by`).

    None: its system does not say. If the record does not say who changed it, a callback may have said it. Both are None
    if an edit of the field does not move the record's version, because they would describe other edits.
    """
    shown = [side for side in records if name not in _unversioned(draft, side)]
    asked = [_reported_actor(draft.mapping.name, side, records[side]) for side in shown]
    told = dict(zip(shown, draft.ask_all(asked), strict=True))
    found: dict[str, Json] = {}
    for side, record in records.items():
        at, by = (record.modified_at, record.modified_by or told[side]) if side in told else (None, None)
        by = BRIDGE if side in told and _ours(draft, record) else by
        found[draft.side_name(side)] = {"at": None if at is None else at.timestamp(), "by": by}
    return found


def _reported_actor(mapping: str, side: Side, record: Record) -> ReportedActor:
    version = None if record.modified_at is None else record.modified_at.timestamp()
    return ReportedActor(TaskKey(mapping, side, record.ref.id), record.ref, version)


def settle(draft: Draft, link: Link, fields: Collection[str]) -> Link:
    """Remove the conflicts of these fields from the link: they were written as chosen."""
    return _remember(draft, link, {name: entry for name, entry in (link.held or {}).items() if name not in fields})


def _remember(draft: Draft, link: Link, held: MappingOf[str, Json]) -> Link:
    if held == (link.held or {}):
        return link
    draft.moves.append(moves.hold(link, dict(held) or None))
    return replace(link, held=dict(held) or None)


def _open(decision: Decision) -> bool:
    return decision.conflict and decision.action in (Action.HOLD, Action.NONE)


def _values(draft: Draft, name: str, readings: MappingOf[Side, Reading]) -> Json:
    return {draft.side_name(side): remember.plain(readings[side].values[name]) for side in SIDES}
