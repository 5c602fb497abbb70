"""Whether the bridge would leave a pair as it is: a decision made without a claim, and never carried out.

`bridge verify` calls equal what this calls equal. Pure, like all decisions: it uses what an update uses.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bridge.domain.catalog import EntityManifest
from bridge.domain.errors import MappingFailed
from bridge.domain.event import Lane
from bridge.domain.record import Record, Side
from bridge.mapping import translate
from bridge.mapping.base import Base
from bridge.mapping.merge import Decision
from bridge.mapping.model import Mapping as RecordMapping
from bridge.mapping.translate import Reading
from bridge.mapping.values import UNREAD, Money, Reference
from bridge.store.model import Claim, Completion, Link, Scope, Task, TaskKey, TaskState
from bridge.sync import compare, conflicts, references, settle, shadow, words
from bridge.sync.draft import Draft
from bridge.sync.parts import Limits
from bridge.sync.situation import Situation


class State(StrEnum):
    """What the bridge would do with a pair: leave it, write to it, or leave it as it is outside of `where`."""

    EQUAL = "equal"
    DIFFERING = "differing"
    FROZEN = "frozen"


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one pair. `values`: by the side's name, as people read them. `why`: what the bridge says of it."""

    values: Mapping[str, Any]
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`fields`: those the bridge would write. `kept`: those that differ and stay as they are.

    `money`: by field each side's amount. `unshown`: (side, field) that the record did not show.
    """

    state: State
    fields: Mapping[str, Difference] = field(default_factory=dict)
    kept: Mapping[str, Difference] = field(default_factory=dict)
    money: Mapping[str, Mapping[Side, Money | None]] = field(default_factory=dict)
    unshown: frozenset[tuple[Side, str]] = frozenset()


def draft_of(
    mapping: RecordMapping,
    scopes: Mapping[str, Scope],
    manifests: Mapping[Side, EntityManifest],
    link: Link,
    now: float,
    facts: Mapping[Any, Any],
    tasks: Sequence[Task] = (),
) -> Draft:
    """What a claim of this pair would decide with; nothing is claimed. `facts`: answers known so far. `tasks`: those of
    the two records, which say when edits were heard of; without them both were heard of now."""
    key = TaskKey(mapping.name, Side.LEFT, str(link.left))
    task = Task(
        key=key,
        state=TaskState.DUE,
        lane=Lane.RECONCILE,
        due=now,
        gen=0,
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

    readings: Mapping[Side, Reading]
    base: Base
    decisions: Sequence[Decision]
    plans: Mapping[Side, Mapping[str, Any]]


def _weighed(draft: Draft, link: Link, records: Mapping[Side, Record]) -> Weighed:
    readings = compare.readings(draft, records)
    base = references.current_base(draft, link)
    decisions = conflicts.chosen(draft, link, compare.decide(draft, records, readings, base), readings)
    plans = compare.plans(decisions, readings)
    for side in Side:
        plans[side] |= references.left_over(draft, side, decisions, readings)
    return Weighed(readings, base, decisions, plans)


def _outside(draft: Draft, records: Mapping[Side, Record]) -> bool:
    return any(translate.passes_where(draft.mapping, side, one.fields) is False for side, one in records.items())


def verdict(draft: Draft, link: Link, records: Mapping[Side, Record]) -> Verdict:
    """What would be done about a pair whose records were just read. Raises Wanted for what the store must answer."""
    if _outside(draft, records):
        return Verdict(State.FROZEN)
    weighed = _weighed(draft, link, records)
    readings, decisions = weighed.readings, weighed.decisions
    why = {one.field: one.reason for one in decisions}
    found: dict[str, Difference] = {}
    for target, values in weighed.plans.items():
        for name, reason in _sent(draft, target, values, records[target]).items():
            found[name] = _difference(draft, readings, name, reason or why.get(name, ""))
    problem = settle.untranslatable(draft, weighed.base, readings)
    if problem is not None:
        found[problem.field] = _difference(draft, readings, problem.field, problem.message)
    kept = {
        name: Difference(told["values"], str(told["why"]))
        for name, told in shadow.kept_apart(draft, decisions, readings).items()
        if name not in found and not any(readings[side].values.get(name, UNREAD) is UNREAD for side in Side)
    }
    state = State.DIFFERING if found else State.EQUAL
    return Verdict(state, found, kept, _money(draft.mapping, readings), unshown(draft.mapping, readings))


@dataclass(frozen=True, slots=True)
class FieldBeside:
    """One field of a pair, its values as people read them. `now`: by side; a side that did not show it is `unread`.

    `off`: the field rule's `when` does not hold. `agreed`: what each side held when both agreed last; None where they
    never did. `changed`: sides that hold something else since. `gets`: what would be
    written to a side. `why`: what the bridge says of it.
    """

    field: str
    now: Mapping[Side, Any]
    agreed: Mapping[Side, Any] | None
    changed: frozenset[Side]
    unread: frozenset[Side]
    off: bool
    differs: bool
    gets: Mapping[Side, Any]
    why: str


def beside(draft: Draft, link: Link, records: Mapping[Side, Record]) -> tuple[State, tuple[FieldBeside, ...]]:
    """The same decision field by field, with what both sides hold and agreed on. Raises Wanted."""
    weighed, outside = _weighed(draft, link, records), _outside(draft, records)
    sent = {
        target: {} if outside else _sent(draft, target, values, records[target])
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


def _beside(draft: Draft, weighed: Weighed, name: str, sent: Mapping[Side, bool], why: str) -> FieldBeside:
    row, entry = draft.mapping.named[name], weighed.base.get(name)
    values = {side: weighed.readings[side].values.get(name, UNREAD) for side in Side}
    agreed = None if entry is None else {Side.LEFT: entry.left, Side.RIGHT: entry.right}
    unread = frozenset(side for side in Side if values[side] is UNREAD)
    moved = [
        side
        for side in Side
        if agreed is not None and side not in unread and not translate.same(row, values[side], agreed[side])
    ]
    now = _in_words(draft, name, values)
    same = {side: now[side] for side in Side if side not in unread and side not in moved}  # 5.00 is 5
    return FieldBeside(
        field=name,
        now=now,
        agreed=None if agreed is None else {**_in_words(draft, name, agreed), **same},
        changed=frozenset(moved),
        unread=unread,
        off=any(name in reading.off for reading in weighed.readings.values()),
        differs=not unread and not translate.same(row, values[Side.LEFT], values[Side.RIGHT]),
        gets=_in_words(draft, name, {side: weighed.plans[side][name] for side in Side if sent[side]}),
        why=why,
    )


def _in_words(draft: Draft, name: str, values: Mapping[Side, Any]) -> dict[Side, Any]:
    return {side: words.in_words(draft, side, {name: value})[name] for side, value in values.items()}


def _sent(draft: Draft, target: Side, values: Mapping[str, Any], record: Record) -> dict[str, str]:
    """The fields whose write would send something, with why it would fail where it would.

    A reference to a record that is not linked is not sent; it is told apart from what differs.
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


def _difference(draft: Draft, readings: Mapping[Side, Reading], name: str, why: str) -> Difference:
    shown = _in_words(draft, name, {side: readings[side].values.get(name) for side in Side})
    return Difference({draft.side_name(side): value for side, value in shown.items()}, why)


def _money(mapping: RecordMapping, readings: Mapping[Side, Reading]) -> dict[str, dict[Side, Money | None]]:
    return {name: {side: amount_in(readings[side].values.get(name)) for side in Side} for name in money_fields(mapping)}


def money_fields(mapping: RecordMapping) -> Iterable[str]:
    """The fields whose amounts both sides hold."""
    return [row.name for row in mapping.fields if row.type == "money" and row.left and row.right]


def amount_in(value: Any) -> Money | None:
    """The amount of a value of a money field; None where there is none."""
    return value if isinstance(value, Money) and value.amount is not None else None


def unshown(mapping: RecordMapping, readings: Mapping[Side, Reading]) -> frozenset[tuple[Side, str]]:
    """What a record did not show of the columns the mapping names: it is compared with nothing."""
    return frozenset(
        (side, row.name)
        for row in mapping.fields
        for side, reading in readings.items()
        if row.set_on != "create"
        and row.cells(side) is not None
        and row.name not in reading.hashes
        and row.name not in reading.off
    )
