"""Compare a pair's records with what both sides agreed on last (the base), decide about each field, and keep the base.

The file has four parts: what both records show and what to do about each field, when and by whom they were edited,
conflicts that a person must decide, and the base. Pure.
"""

from collections.abc import Collection, Sequence
from collections.abc import Mapping as MappingOf
from datetime import datetime
from types import MappingProxyType
from typing import Any

from bridge.domain.frozen import replace
from bridge.domain.record import SIDES, Fields, Record, Side
from bridge.domain.seams import from_epoch, plausible_time
from bridge.mapping import translate
from bridge.mapping.merge import Action, Base, Decision, FieldBase, Times, dump_base, merge
from bridge.mapping.model import Field, Mapping
from bridge.mapping.translate import Reading, defaulted, is_reduction, same
from bridge.mapping.values import UNREAD, is_empty, names_merged_away, names_records, names_unlinked
from bridge.store import moves
from bridge.store.model import Json, Link, TaskKey
from bridge.store.questions import ReportedActor
from bridge.sync import references
from bridge.sync.situation import Draft, plain

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


def shows_base(mapping: Mapping, side: Side, reading: Reading, base: Base) -> bool:
    """Whether a side shows in every field the value that both sides agreed on last, under the same definition."""
    for field in mapping.fields:
        if field.set_on == "create" or field.columns_of(side) is None or field.name in reading.off or not field.flows:
            continue
        if side in field.when:
            return False  # it may hold again now, and then edits of the other side are written
        entry, value = base.get(field.name), reading.values.get(field.name, UNREAD)
        if entry is None or entry.fingerprint != field.fingerprint:
            return False
        if value is UNREAD or names_unlinked(value) or names_merged_away(value):
            return False
        was, hashed = (entry.left, entry.left_hash) if side is Side.LEFT else (entry.right, entry.right_hash)
        if not same(field, value, was):
            return False
        if names_records(value) and hashed not in (None, reading.hashes.get(field.name)):
            return False  # another id, the same link: the other side may still name what a merge left over
    return True


def decide_fields(
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


# ---- When and by whom the records were edited ----


BRIDGE = "the bridge"
"""The editor that is named when a record's version is that of the bridge's own write."""


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


# ---- Fields that both sides changed and no policy decides: a person must ----


TO = {Side.LEFT: Action.TO_LEFT, Side.RIGHT: Action.TO_RIGHT}


def with_choices(
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


def hold_conflicts(
    draft: Draft,
    link: Link,
    decisions: Sequence[Decision],
    readings: MappingOf[Side, Reading],
    records: MappingOf[Side, Record],
) -> Link:
    """Note in the link which fields a person must decide, and report each conflict once.

    Those fields stay unchanged, the others are written. A choice is kept until `settle_conflicts`, because its write
    may fail.
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
    return _hold(draft, link, held)


def settle_conflicts(draft: Draft, link: Link, fields: Collection[str]) -> Link:
    """Remove the conflicts of these fields from the link: they were written as chosen."""
    return _hold(draft, link, {name: entry for name, entry in (link.held or {}).items() if name not in fields})


def _hold(draft: Draft, link: Link, held: MappingOf[str, Json]) -> Link:
    if held == (link.held or {}):
        return link
    draft.moves.append(moves.hold(link, dict(held) or None))
    return replace(link, held=dict(held) or None)


def _open(decision: Decision) -> bool:
    return decision.conflict and decision.action in (Action.HOLD, Action.NONE)


def _values(draft: Draft, name: str, readings: MappingOf[Side, Reading]) -> Json:
    return {draft.side_name(side): plain(readings[side].values[name]) for side in SIDES}


# ---- The base: the last values both sides agreed on ----


def base_in_sync(
    mapping: Mapping, base: Base, readings: MappingOf[Side, Reading], decisions: Sequence[Decision]
) -> Base:
    """Base with the fields that were seen equal."""
    fields = {field.name: field for field in mapping.fields}
    new = dict(base)
    for decision in decisions:
        if decision.action is Action.IN_SYNC:
            name = decision.field
            left, right = readings[Side.LEFT], readings[Side.RIGHT]
            known = base.get(name)
            new[name] = FieldBase(
                left=left.values[name],
                right=right.values[name],
                left_hash=_hash(left, name, known.left_hash if known else None),
                right_hash=_hash(right, name, known.right_hash if known else None),
                fingerprint=fields[name].fingerprint,
                columns_fingerprint=fields[name].columns_fingerprint,
            )
    return new


def base_after_write(
    mapping: Mapping,
    base: Base,
    target: Side,
    readings: MappingOf[Side, Reading],
    chosen: MappingOf[str, Any],
    shown: Reading | None,
) -> Base:
    """Base after `chosen` was sent to `target`; fields that were not sent keep theirs."""
    new = dict(base)
    for name, value in chosen.items():
        new[name] = base_of_sent(mapping, name, target, readings[target.other], value, shown)
    return new


def base_of_sent(
    mapping: Mapping, name: str, target: Side, source: Reading, sent: Any, shown: Reading | None
) -> FieldBase:
    """The base of a field just sent to `target`: what the server shows of it, else the sent value itself."""
    field = next(field for field in mapping.fields if field.name == name)
    there = shown.values.get(name, UNREAD) if shown else UNREAD
    there_hash = _hash(shown, name) if shown else None
    if there is UNREAD or names_unlinked(there):
        there, there_hash = sent, None
    here = source.values.get(name, UNREAD)
    here_hash = _hash(source, name)
    if here is UNREAD:
        here, here_hash = sent, None
    left, right = (here, there) if target is Side.RIGHT else (there, here)
    left_hash, right_hash = (here_hash, there_hash) if target is Side.RIGHT else (there_hash, here_hash)
    return FieldBase(left, right, left_hash, right_hash, field.fingerprint, field.columns_fingerprint)


def base_of_defaults(
    mapping: Mapping, target: Side, source: Reading, chosen: MappingOf[str, Any], shown: Reading | None
) -> dict[str, FieldBase]:
    """The base of fields that got their default in a create. The source counts as empty, so nothing flows back."""
    base = {}
    for name, value in defaulted(mapping, target, chosen, source.off).items():
        entry = base_of_sent(mapping, name, target, source, value, shown)
        base[name] = replace(entry, left=None) if target is Side.RIGHT else replace(entry, right=None)
    return base


def base_of_left_out(field: Field, target: Side, value: Any, shown: Reading) -> dict[str, FieldBase]:
    """The base of a reference that a create left out. It is written once it is edited, or its record is linked."""
    there = shown.values.get(field.name, UNREAD)
    if there is UNREAD:
        return {}
    prints = field.fingerprint, field.columns_fingerprint
    hashed = shown.hashes.get(field.name)
    if target is Side.RIGHT:
        return {field.name: FieldBase(value, there, None, hashed, *prints)}
    return {field.name: FieldBase(there, value, hashed, None, *prints)}


def base_of_empty(mapping: Mapping, target: Side, source: Reading, shown: Reading) -> dict[str, FieldBase]:
    """The base of fields that neither side of a new pair fills."""
    base = {}
    for field in mapping.fields:
        name = field.name
        pair = (source.values.get(name, UNREAD), shown.values.get(name, UNREAD))
        if name not in source.off and UNREAD not in pair and all(is_empty(value) for value in pair):
            base[name] = base_of_sent(mapping, name, target, source, None, shown)
    return base


def _hash(reading: Reading, name: str, kept: str | None = None) -> str | None:
    """Return a field's hash. None for a reference whose record is not linked yet, so that every sweep marks the pair.

    kept: the hash in the base. If it is the same, the product filled the reference in, and it is not an edit.
    """
    hashed = reading.hashes.get(name)
    return None if names_unlinked(reading.values.get(name)) and hashed != kept else hashed


def confirms(mapping: Mapping, chosen: MappingOf[str, Any], shown: Reading) -> bool:
    """Whether a read-back shows each sent value, or a plain reduction of it, or cannot show it."""
    fields = {field.name: field for field in mapping.fields}
    for name, sent in chosen.items():
        value = shown.values.get(name, UNREAD)
        if value is UNREAD:
            continue
        if not same(fields[name], sent, value) and not is_reduction(fields[name], sent, value):
            return False
    return True


def readings_after_write(
    readings: MappingOf[Side, Reading], target: Side, chosen: MappingOf[str, Any], shown: Reading | None
) -> dict[Side, Reading]:
    """Return both sides after a write. The target holds what it shows of the sent values, otherwise the sent values."""
    before = readings[target]
    there = {name: shown.values.get(name, UNREAD) if shown else UNREAD for name in chosen}
    hashes = {name: hashed for name, hashed in before.hashes.items() if name not in chosen}
    hashes |= {name: shown.hashes[name] for name in chosen if shown and name in shown.hashes}
    values = {**before.values, **{name: chosen[name] if there[name] is UNREAD else there[name] for name in chosen}}
    return {**readings, target: replace(before, values=values, hashes=hashes)}


def save_base(draft: Draft, link: Link, base: Base) -> Link:
    """Have the base stored at the end of the claim. Return the link as it will then be."""
    dumped = dump_base(draft.mapping, base)
    if dumped == link.base:
        return link
    draft.moves.append(moves.settled(link, dumped, refs_of_base(draft.mapping, base, link.base)))
    return replace(link, base=dumped)


def refs_of_base(
    mapping: Mapping, base: MappingOf[str, FieldBase], before: MappingOf[str, Any] = MappingProxyType({})
) -> list[tuple[str, int]] | None:
    """The links that a base names as (field, link id). None if no field can name one, now or in the base before."""
    fields = mapping.named
    if not any(field.refers for field in mapping.fields) and all(
        name in fields and entry[4] == fields[name].fingerprint for name, entry in before.items()
    ):
        return None
    return sorted({(name, value.id) for name, entry in base.items() for value in references.links_in(entry)})
