"""Whether the bridge would leave a pair as it is: a decision made without a claim, and never carried out.

`bridge verify` calls equal what this calls equal. Pure, like all decisions: it uses what an update uses.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bridge.domain.catalog import EntityManifest
from bridge.domain.errors import MappingFailed
from bridge.domain.event import Lane
from bridge.domain.record import Record, Side
from bridge.mapping import translate
from bridge.mapping.model import Mapping as RecordMapping
from bridge.mapping.translate import Reading
from bridge.mapping.values import UNREAD, Money, Reference, names_unlinked
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
) -> Draft:
    """What a claim of this pair would decide with; nothing is claimed. `facts`: answers known so far."""
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
    claim = Claim(scopes[mapping.name], fence=0, expires=now, tasks=(task,), leased=(), link=link)
    return Draft(Situation(claim, mapping, manifests, scopes, Limits(), now, facts=facts))


def verdict(draft: Draft, link: Link, records: Mapping[Side, Record]) -> Verdict:
    """What would be done about a pair whose records were just read. Raises Wanted for what the store must answer."""
    passes = [translate.passes_where(draft.mapping, side, record.fields) for side, record in records.items()]
    if False in passes:
        return Verdict(State.FROZEN)
    readings = compare.readings(draft, records)
    base = references.current_base(draft, link)
    decisions = conflicts.chosen(draft, link, compare.decide(draft, records, readings, base), readings)
    plans = compare.plans(decisions, readings)
    for side in Side:
        plans[side] |= references.left_over(draft, side, decisions, readings)
    why = {one.field: one.reason for one in decisions}
    found: dict[str, Difference] = {}
    for target, values in plans.items():
        for name, reason in _sent(draft, target, values, records[target]).items():
            found[name] = _difference(draft, readings, name, reason or why.get(name, ""))
    problem = settle.untranslatable(draft, base, readings)
    if problem is not None:
        found[problem.field] = _difference(draft, readings, problem.field, problem.message)
    kept = {
        name: Difference(told["values"], str(told["why"]))
        for name, told in shadow.kept_apart(draft, decisions, readings).items()
        if name not in found and not any(readings[side].values.get(name, UNREAD) is UNREAD for side in Side)
    }
    state = State.DIFFERING if found else State.EQUAL
    return Verdict(state, found, kept, _money(draft.mapping, readings), unshown(draft.mapping, readings))


def _sent(draft: Draft, target: Side, values: Mapping[str, Any], record: Record) -> dict[str, str]:
    """The fields whose write would send something, with why it would fail where it would.

    A reference to a record that is not linked is not sent; it is told apart from what differs.
    """
    found: dict[str, str] = {}
    for name, value in values.items():
        if names_unlinked(value) and not isinstance(value, Reference):
            continue
        if isinstance(value, Reference):
            if draft.mapping.named[name].missing != "blank":
                continue
            value = None
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
    shown = {
        draft.side_name(side): words.in_words(draft, side, {name: readings[side].values.get(name)})[name]
        for side in Side
    }
    return Difference(shown, why)


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
