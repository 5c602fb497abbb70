"""Decisions that are never carried out: what shadow mode would write, and whether a pair would be left as it is.

`bridge verify` uses the second half. Pure, like all decisions. Both halves use the functions that an update uses, so
that their answers agree with it.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import field
from enum import StrEnum
from typing import Any

from bridge.domain.catalog import EntityManifest
from bridge.domain.errors import MappingFailed
from bridge.domain.event import Lane
from bridge.domain.frozen import dataclass
from bridge.domain.record import SIDES, Fields, Record, Side
from bridge.mapping import translate
from bridge.mapping.merge import Action, Base, Decision
from bridge.mapping.model import Mapping as RecordMapping
from bridge.mapping.translate import Reading
from bridge.mapping.values import UNREAD, Money, Reference, names_records
from bridge.store.model import Claim, Completion, Json, Link, Scope, Task, TaskKey, TaskState
from bridge.sync import compare, references, settle
from bridge.sync.reasons import Reason
from bridge.sync.situation import Draft, Limits, Situation, in_words


def would_create(draft: Draft, target: Side, values: Mapping[str, Any], left_out: Mapping[str, str]) -> Completion:
    """Journal a create. `values`: all that the record would hold. `left_out`: by field why a reference is missing."""
    fields = {name: {"after": value} for name, value in in_words(draft, target, values).items()}
    record = draft.named(target)
    detail = {"writes": [_write(draft, target, record, fields)], "left out": dict(left_out)}
    draft.say("would create", f"shadow: would create {record}", detail)
    return draft.filtered(Reason.WOULD_CREATE.of(record=record))


def would_link(draft: Draft, own: Record, candidate: Record) -> Completion:
    """Journal that the two would be linked, and then merged without a base."""
    records = {draft.side: own, draft.side.other: candidate}
    readings = compare.readings(draft, records)
    decisions = compare.decide_fields(draft, records, readings, {})
    plans = compare.plans(decisions, readings)
    record = draft.named(draft.side.other, candidate.ref.id)
    detail = _told(draft, records, readings, decisions, plans)
    draft.say("would link", f"shadow: would link to {record}", detail, other=candidate.ref.id)
    return draft.filtered(Reason.WOULD_LINK.of(record=record))


def would_update(
    draft: Draft,
    link: Link,
    records: Mapping[Side, Record],
    readings: Mapping[Side, Reading],
    decisions: Sequence[Decision],
    plans: Mapping[Side, Mapping[str, Any]],
) -> Completion:
    detail = _told(draft, records, readings, decisions, plans)
    written = [str(one["record"]) for one in detail["writes"]]
    if not written:
        return draft.filtered(Reason.IN_SHADOW.of())
    named = " and ".join(written)
    draft.say("would update", f"shadow: would update {named}", detail, link=link)
    return draft.filtered(Reason.WOULD_UPDATE.of(records=named))


def would_remove(draft: Draft, link: Link, target: Side, record: Record, verb: str) -> Completion:
    """Journal that `record` would be deleted or archived."""
    reading, named = compare.readings(draft, {target: record})[target], draft.named(target, record.ref.id)
    held = {name: value for name, value in reading.values.items() if value is not None and value is not UNREAD}
    fields = {name: {"before": value} for name, value in in_words(draft, target, held).items()}
    detail = {"writes": [_write(draft, target, named, fields)]}
    draft.say("would delete", f"shadow: would {verb} {named}", detail, link=link)
    return draft.filtered(Reason.WOULD_REMOVE.of(record=named, verb=verb))


def _told(
    draft: Draft,
    records: Mapping[Side, Record],
    readings: Mapping[Side, Reading],
    decisions: Sequence[Decision],
    plans: Mapping[Side, Mapping[str, Any]],
) -> dict[str, Any]:
    """What each side would get and why, and why fields that differ would stay as they are."""
    reasons = {one.field: one.reason for one in decisions}
    writes = []
    for target, values in plans.items():
        if not _sent(draft, target, values, records[target].fields):
            continue
        before = in_words(draft, target, {name: readings[target].values.get(name) for name in values})
        after = in_words(draft, target, values)
        fields = {name: {"before": before[name], "after": after[name], "why": reasons.get(name, "")} for name in values}
        writes.append(_write(draft, target, draft.named(target, records[target].ref.id), fields))
    return {"writes": writes, "kept": kept_apart(draft, decisions, readings)}


def _sent(draft: Draft, target: Side, values: Mapping[str, Any], fresh: Fields) -> bool:
    """Whether the record lacks any of these values, so that it would be written. Raises MappingFailed as a write does.

    References get the target's ids only when they are written, so each one counts as something to send.
    """
    plain = {name: value for name, value in values.items() if not names_records(value)}
    changes = translate.write(draft.mapping, target, plain, fresh)
    return len(plain) < len(values) or not compare.holds(fresh, changes)


def kept_apart(draft: Draft, decisions: Sequence[Decision], readings: Mapping[Side, Reading]) -> dict[str, Json]:
    """Fields whose values differ and stay as they are: both values, and why."""
    kept: dict[str, Json] = {}
    for one in decisions:
        values = {side: readings[side].values.get(one.field, UNREAD) for side in SIDES}
        left, right = values[Side.LEFT], values[Side.RIGHT]
        if one.action not in (Action.NONE, Action.HOLD) or translate.same(draft.mapping.named[one.field], left, right):
            continue
        kept[one.field] = {
            "values": {
                draft.side_name(side): in_words(draft, side, {one.field: value})[one.field]
                for side, value in values.items()
            },
            "why": one.reason,
        }
    return kept


def _write(draft: Draft, target: Side, record: str, fields: Mapping[str, Json]) -> dict[str, Any]:
    return {"side": draft.side_name(target), "record": record, "fields": dict(fields)}


# ---- Whether the bridge would leave a pair as it is ----


class State(StrEnum):
    """What the bridge would do with a pair: leave it, write to it, or leave it as it is outside of `where`."""

    EQUAL = "equal"
    DIFFERING = "differing"
    FROZEN = "frozen"


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one pair. `values`: by the side's name, as people read them. `why`: what the bridge says of it."""

    values: MappingOf[str, Any]
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What would be done with a pair. `fields`: those to write. `kept`: those that differ and stay as they are.

    `money`: by field each side's amount. `unshown`: (side, field) that the record did not show.
    """

    state: State
    fields: MappingOf[str, Difference] = field(default_factory=dict)
    kept: MappingOf[str, Difference] = field(default_factory=dict)
    money: MappingOf[str, MappingOf[Side, Money | None]] = field(default_factory=dict)
    unshown: frozenset[tuple[Side, str]] = frozenset()


def draft_of(
    mapping: RecordMapping,
    scopes: MappingOf[str, Scope],
    manifests: MappingOf[Side, EntityManifest],
    link: Link,
    now: float,
    facts: MappingOf[Any, Any],
    tasks: Sequence[Task] = (),
) -> Draft:
    """Return a draft like that of a claim of this pair, without a claim.

    `facts`: answers known so far. `tasks`: those of the two records, which say when edits were reported. Without them
    both count as reported now.
    """
    key = TaskKey(mapping.name, Side.LEFT, str(link.left))
    task = Task(
        key=key,
        state=TaskState.DUE,
        lane=Lane.RECONCILE,
        due=now,
        generation=0,
        pending=0,
        taken=0,
        attempts=0,
        reason="",
        first_due=now,
        source_at=None,
        kinds=frozenset(),
        decided_hash=None,
        stale_since=None,
        gone_since=None,
    )
    claim = Claim(scopes[mapping.name], fence=0, expires=now, tasks=tuple(tasks) or (task,), leased=(), link=link)
    return Draft(Situation(claim, mapping, manifests, scopes, Limits(), now, facts=facts))


@dataclass(frozen=True, slots=True)
class Weighed:
    """What an update decides by, and what each side would get."""

    readings: MappingOf[Side, Reading]
    base: Base
    decisions: Sequence[Decision]
    plans: MappingOf[Side, MappingOf[str, Any]]


def _weighed(draft: Draft, link: Link, records: MappingOf[Side, Record]) -> Weighed:
    readings = compare.readings(draft, records)
    base = references.current_base(draft, link)
    decisions = compare.with_choices(draft, link, compare.decide_fields(draft, records, readings, base), readings)
    plans = compare.plans(decisions, readings)
    for side in SIDES:
        plans[side] |= references.merged_away(draft, side, decisions, readings)
    return Weighed(readings, base, decisions, plans)


def _outside(draft: Draft, records: MappingOf[Side, Record]) -> bool:
    return any(translate.passes_where(draft.mapping, side, one.fields) is False for side, one in records.items())


def verdict(draft: Draft, link: Link, records: MappingOf[Side, Record]) -> Verdict:
    """What would be done about a pair whose records were just read. Raises Wanted for what the store must answer."""
    if _outside(draft, records):
        return Verdict(State.FROZEN)
    weighed = _weighed(draft, link, records)
    readings, decisions = weighed.readings, weighed.decisions
    why = {one.field: one.reason for one in decisions}
    found: dict[str, Difference] = {}
    for target, values in weighed.plans.items():
        for name, reason in _would_send(draft, target, values, records[target]).items():
            found[name] = _difference(draft, readings, name, reason or why.get(name, ""))
    problem = settle.untranslatable(draft, weighed.base, readings)
    if problem is not None:
        found[problem.field] = _difference(draft, readings, problem.field, problem.message)
    kept = {
        name: Difference(told["values"], str(told["why"]))
        for name, told in kept_apart(draft, decisions, readings).items()
        if name not in found and not any(readings[side].values.get(name, UNREAD) is UNREAD for side in SIDES)
    }
    state = State.DIFFERING if found else State.EQUAL
    return Verdict(state, found, kept, _money(draft.mapping, readings), unshown(draft.mapping, readings))


@dataclass(frozen=True, slots=True)
class FieldBeside:
    """One field of a pair, its values as people read them. `now`: by side; a side that did not show it is `unread`.

    `off`: the field rule's `when` does not hold. `agreed`: what each side held when both agreed last; None if they
    never did. `changed`: sides that have changed since. `gets`: what would be written to a side. `why`: the bridge's
    reason.
    """

    field: str
    now: MappingOf[Side, Any]
    agreed: MappingOf[Side, Any] | None
    changed: frozenset[Side]
    unread: frozenset[Side]
    off: bool
    differs: bool
    gets: MappingOf[Side, Any]
    why: str


def beside(draft: Draft, link: Link, records: MappingOf[Side, Record]) -> tuple[State, tuple[FieldBeside, ...]]:
    """The same decision field by field, with what both sides hold and agreed on. Raises Wanted."""
    weighed, outside = _weighed(draft, link, records), _outside(draft, records)
    sent = {
        target: {} if outside else _would_send(draft, target, values, records[target])
        for target, values in weighed.plans.items()
    }
    why = {one.field: one.reason for one in weighed.decisions}
    why |= {name: reason for by in sent.values() for name, reason in by.items() if reason}
    if (problem := settle.untranslatable(draft, weighed.base, weighed.readings)) is not None:
        why[problem.field] = problem.message
    rows = tuple(
        _beside(draft, weighed, name, {side: name in by for side, by in sent.items()}, why.get(name, ""))
        for name, row in draft.mapping.named.items()
        if row.set_on != "create"
    )
    if outside:
        return State.FROZEN, rows
    return State.DIFFERING if problem is not None or any(sent.values()) else State.EQUAL, rows


def _beside(draft: Draft, weighed: Weighed, name: str, sent: MappingOf[Side, bool], why: str) -> FieldBeside:
    row, entry = draft.mapping.named[name], weighed.base.get(name)
    values = {side: weighed.readings[side].values.get(name, UNREAD) for side in SIDES}
    agreed = None if entry is None else {Side.LEFT: entry.left, Side.RIGHT: entry.right}
    unread = frozenset(side for side in SIDES if values[side] is UNREAD)
    moved = [
        side
        for side in SIDES
        if agreed is not None and side not in unread and not translate.same(row, values[side], agreed[side])
    ]
    now = _in_words(draft, name, values)
    same = {side: now[side] for side in SIDES if side not in unread and side not in moved}  # 5.00 equals 5
    return FieldBeside(
        field=name,
        now=now,
        agreed=None if agreed is None else {**_in_words(draft, name, agreed), **same},
        changed=frozenset(moved),
        unread=unread,
        off=any(name in reading.off for reading in weighed.readings.values()),
        differs=not unread and not translate.same(row, values[Side.LEFT], values[Side.RIGHT]),
        gets=_in_words(draft, name, {side: weighed.plans[side][name] for side in SIDES if sent[side]}),
        why=why,
    )


def _in_words(draft: Draft, name: str, values: MappingOf[Side, Any]) -> dict[Side, Any]:
    return {side: in_words(draft, side, {name: value})[name] for side, value in values.items()}


def _would_send(draft: Draft, target: Side, values: MappingOf[str, Any], record: Record) -> dict[str, str]:
    """The fields that a write would send, with the reason if it would fail.

    A reference to a record that is not linked is not sent, and does not count as a difference.
    """
    found: dict[str, str] = {}
    for name, value in values.items():
        named = references.referring(draft.mapping.named[name], value)
        if any(isinstance(one, Reference) and row.missing != "blank" for row, one in named):
            continue
        try:
            settled = references.for_writing(draft, target, {name: value})
            assert not isinstance(settled, Completion), "nothing that is linked is waited for"
            changes = translate.write(draft.mapping, target, settled.values, record.fields)
        except MappingFailed as error:
            found[name] = str(error)
        else:
            if not compare.holds(record.fields, changes):
                found[name] = ""
    return found


def _difference(draft: Draft, readings: MappingOf[Side, Reading], name: str, why: str) -> Difference:
    shown = _in_words(draft, name, {side: readings[side].values.get(name) for side in SIDES})
    return Difference({draft.side_name(side): value for side, value in shown.items()}, why)


def _money(mapping: RecordMapping, readings: MappingOf[Side, Reading]) -> dict[str, dict[Side, Money | None]]:
    return {
        name: {side: amount_in(readings[side].values.get(name)) for side in SIDES} for name in money_fields(mapping)
    }


def money_fields(mapping: RecordMapping) -> Iterable[str]:
    """The fields whose amounts both sides hold."""
    return [row.name for row in mapping.fields if row.type == "money" and row.left and row.right]


def amount_in(value: Any) -> Money | None:
    """The amount of a money field's value; None if it has none."""
    return value if isinstance(value, Money) and value.amount is not None else None


def unshown(mapping: RecordMapping, readings: MappingOf[Side, Reading]) -> frozenset[tuple[Side, str]]:
    """Return (side, field) for every mapped field that the record did not show, and that is therefore not compared."""
    return frozenset(
        (side, row.name)
        for row in mapping.fields
        for side, reading in readings.items()
        if row.set_on != "create"
        and row.columns_of(side) is not None
        and row.name not in reading.hashes
        and row.name not in reading.off
    )
