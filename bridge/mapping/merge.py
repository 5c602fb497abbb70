"""What both sides agreed on last (the base), and the three-way merge of each field against it. Pure."""

from collections.abc import Mapping as MappingOf
from datetime import datetime
from enum import StrEnum
from typing import Any

from bridge.domain.frozen import dataclass
from bridge.domain.record import SIDES, Side
from bridge.mapping.lines import merge_lines
from bridge.mapping.model import Conflict, Field, LineSpec, Mapping
from bridge.mapping.translate import Reading, is_reduction, same
from bridge.mapping.values import UNREAD, Lines, Reference, is_empty

# ---- The base, as the store keeps it: by field the value last in sync of each side, as exact JSON ----


@dataclass(frozen=True, slots=True)
class FieldBase:
    """The value of each side when the field was last in sync, hashes of its columns, and the rule's fingerprints."""

    left: Any
    right: Any
    left_hash: str | None
    right_hash: str | None
    fingerprint: str
    columns_fingerprint: str


Base = MappingOf[str, FieldBase]


def dump_base(mapping: Mapping, base: Base) -> dict[str, Any]:
    """Return the base in a form for JSON: Decimals, dates and the like become text."""
    return {name: _dump_entry(mapping.named[name], entry) for name, entry in base.items() if name in mapping.named}


def _dump_entry(row: Field, entry: FieldBase) -> list[Any]:
    values = [_dump(row, entry.left), _dump(row, entry.right)]
    return [*values, entry.left_hash, entry.right_hash, entry.fingerprint, entry.columns_fingerprint]


def load_base(mapping: Mapping, data: MappingOf[str, Any]) -> Base:
    """Return the base from its JSON form. Fields that the mapping no longer has are dropped.

    A value that the field's new type cannot hold becomes UNREAD; its hashes stay.
    """
    found: dict[str, FieldBase] = {}
    for name, entry in data.items():
        row = mapping.named.get(name)
        if row is None:
            continue
        left, right = (_load_old(row, value) for value in entry[:2])
        found[name] = FieldBase(left, right, *entry[2:6])
    return found


def dump_values(mapping: Mapping, values: MappingOf[str, Any]) -> dict[str, Any]:
    """Return values in a form for JSON, for pending writes and create intents. Unread fields are left out."""
    return {name: _dump(mapping.named[name], value) for name, value in values.items() if value is not UNREAD}


def load_values(mapping: Mapping, data: MappingOf[str, Any]) -> dict[str, Any]:
    """Return the values that `dump_values` got. Fields that the mapping no longer has are dropped."""
    return {name: _load_old(mapping.named[name], value) for name, value in data.items() if name in mapping.named}


def _dump(row: Field, value: Any) -> Any:
    return None if is_empty(value) else row.kind.dump(value)


def _load_old(row: Field, data: Any) -> Any:
    """Return a stored value. If it was stored under another definition and does not fit the type now, it is UNREAD."""
    if data is None:
        return None
    try:
        return row.kind.load(data)
    except (ValueError, TypeError, ArithmeticError, LookupError):
        return UNREAD


# ---- What to do about one pair of records, field by field ----


TIE_SECONDS = 2.0
WHEN_DOES_NOT_HOLD = "the field rule's `when` does not hold"


class Action(StrEnum):
    NONE = "none"  # nothing to do; the base stays
    IN_SYNC = "in sync"  # nothing to write; each side's value becomes its base
    TO_LEFT = "to left"
    TO_RIGHT = "to right"
    HOLD = "hold"  # a person decides


@dataclass(frozen=True, slots=True)
class Times:
    """When each side was modified; None if unknown. `resolution`: that of the coarser of both clocks, in seconds."""

    left: datetime | None
    right: datetime | None
    resolution: float


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about one field. `value`: the canonical value to write. `loser`: the value that a conflict overwrites.
    A merged set may need one decision for each side."""

    field: str
    action: Action
    value: Any = None
    conflict: bool = False
    loser: Any = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    """One field of one pair: its value now and its base, by side."""

    mapping: Mapping
    field: Field
    now: dict[Side, Any]
    was: dict[Side, Any]
    times: Times

    def name(self, side: Side) -> str:
        return self.mapping.side(side).name

    def decide(self, action: Action, reason: str, **more: Any) -> tuple[Decision, ...]:
        return (Decision(self.field.name, action, reason=reason, **more),)

    def send(self, source: Side, reason: str, **more: Any) -> tuple[Decision, ...]:
        action = Action.TO_RIGHT if source is Side.LEFT else Action.TO_LEFT
        return self.decide(action, reason, value=self.now[source], **more)


def merge(mapping: Mapping, left: Reading, right: Reading, base: Base, times: Times) -> tuple[Decision, ...]:
    """Return the decisions in file order: one for each field, two if a set or list changed on both sides. Constants
    that are set on create have none."""
    problems = {problem.field: problem.message for reading in (right, left) for problem in reading.problems}
    decisions: list[Decision] = []
    for row in mapping.fields:
        if row.set_on != "create":
            decisions += _field(mapping, row, (left, right), base.get(row.name), problems, times)
    return tuple(decisions)


def _field(
    mapping: Mapping,
    row: Field,
    readings: tuple[Reading, Reading],
    base: FieldBase | None,
    problems: dict[str, str],
    times: Times,
) -> tuple[Decision, ...]:
    name = row.name
    left, right = (reading.values.get(name, UNREAD) for reading in readings)
    if not row.flows:
        return (Decision(name, Action.NONE, reason="the mapping pairs records and writes nothing"),)
    if any(name in reading.off for reading in readings):
        return (Decision(name, Action.NONE, reason=WHEN_DOES_NOT_HOLD),)
    if name in problems:
        return (Decision(name, Action.NONE, reason=problems[name]),)
    if left is UNREAD or right is UNREAD:
        return (Decision(name, Action.NONE, reason="not read"),)
    if base is not None and base.columns_fingerprint != row.columns_fingerprint:
        base = None
    hashes = tuple(reading.hashes.get(name) for reading in readings)
    if same(row, left, right):
        known = base is not None and _as_base(row, left, right, hashes, base)
        return (Decision(name, Action.NONE if known else Action.IN_SYNC, reason="equal"),)
    now = {Side.LEFT: left, Side.RIGHT: right}
    if base is None:
        return _first_contact(_Row(mapping, row, now, dict.fromkeys(Side), times))
    edited = edited_sides(row, left, right, hashes, base)
    item = _Row(mapping, row, now, {Side.LEFT: base.left, Side.RIGHT: base.right}, times)
    if not edited:
        if _as_base(row, left, right, hashes, base):
            return item.decide(Action.NONE, "no side changed")
        return item.decide(Action.IN_SYNC, "no side changed; the field rule's definition or form did")
    return _edits(item, edited)


def _as_base(row: Field, left: Any, right: Any, hashes: tuple[str | None, ...], base: FieldBase) -> bool:
    """Return whether the stored base would stay the same."""
    return (
        base.fingerprint == row.fingerprint
        and (base.left_hash, base.right_hash) == hashes
        and same(row, left, base.left)
        and same(row, right, base.right)
    )


def edited_sides(row: Field, left: Any, right: Any, hashes: tuple[str | None, ...], base: FieldBase) -> frozenset[Side]:
    """Return the sides whose value differs from their base."""
    redefined = base.fingerprint != row.fingerprint
    found = set()
    for side, value, was, hashed, old_hash in (
        (Side.LEFT, left, base.left, hashes[0], base.left_hash),
        (Side.RIGHT, right, base.right, hashes[1], base.right_hash),
    ):
        unknown = was is UNREAD or isinstance(was, Reference)  # a record that was not linked may be linked now
        by_hash = (redefined or unknown) and hashed is not None and old_hash is not None
        # If only the sent value is known, a reduction that the server made of it is not an edit.
        held = same if old_hash is not None else is_reduction
        if (hashed != old_hash) if by_hash else not held(row, was, value):
            found.add(side)
    return frozenset(found)


def _first_contact(item: _Row) -> tuple[Decision, ...]:
    """Decide a field without a base. An empty value never replaces a filled one."""
    filled = [side for side in SIDES if not is_empty(item.now[side])]
    if len(filled) == 1:
        source = filled[0]
        if source.other in item.field.flows:
            return item.send(source, f"first contact: {item.name(source.other)} is empty")
        return item.decide(Action.NONE, f"first contact: empty in {item.name(source.other)}, and {_flow(item)}")
    if item.field.items is not None:
        return _merged_lines(item, item.field.items, "first contact")
    if item.field.type == "set" and item.field.two_way:
        return _merged_set(item)
    if not item.field.two_way:
        return _one_way(item, "first contact")
    return _conflict(item, "first contact")


def _edits(item: _Row, edited: frozenset[Side]) -> tuple[Decision, ...]:
    if item.field.items is not None:
        return _merged_lines(item, item.field.items, "lines merged by their keys")
    if item.field.type == "set" and (len(edited) == 2 or not item.field.two_way):
        return _merged_set(item)
    if len(edited) == 2:
        return _conflict(item, "both sides changed") if item.field.two_way else _one_way(item, "both sides changed")
    (source,) = edited
    if source.other not in item.field.flows:
        if item.field.set_on == "always":
            return item.send(source.other, "the field rule says set: always", conflict=True, loser=item.now[source])
        return item.decide(Action.NONE, f"{item.name(source)} changed, and {_flow(item)}: left as it is")
    return _cross(item, source, f"{item.name(source)} changed")


def _cross(item: _Row, source: Side, reason: str, **more: Any) -> tuple[Decision, ...]:
    if is_empty(item.now[source]) and item.field.absent == "keep":
        return item.decide(Action.NONE, f"{reason} to empty, and the field rule says absent: keep")
    return item.send(source, reason, **more)


def _flow(item: _Row) -> str:
    (target,) = item.field.flows or {Side.RIGHT}
    return f"the field rule goes {item.name(target.other)} -> {item.name(target)}"


def _one_way(item: _Row, reason: str) -> tuple[Decision, ...]:
    (target,) = item.field.flows
    return _cross(item, target.other, f"{reason}; {_flow(item)}", conflict=True, loser=item.now[target])


def _conflict(item: _Row, reason: str) -> tuple[Decision, ...]:
    policy = item.field.policy
    if policy is None or policy.kind is Conflict.ASK:
        return item.decide(Action.HOLD, f"{reason}; the field rule says ask", conflict=True)
    empty = [side for side in SIDES if is_empty(item.now[side])]
    if policy.kind is Conflict.FILL_EMPTY:
        if empty:
            return item.send(empty[0].other, f"{reason}; the empty side is filled")
        return item.decide(Action.NONE, f"{reason}; fill-empty keeps both", conflict=True)
    winner, why = _winner(item, policy.side or Side.LEFT, policy.kind)
    if winner in empty and item.field.absent == "keep":
        winner, why = winner.other, "absent: keep does not empty the other side"
    return item.send(winner, f"{reason}; {why}", conflict=True, loser=item.now[winner.other])


def _winner(item: _Row, named: Side, kind: Conflict) -> tuple[Side, str]:
    if kind is Conflict.SIDE:
        return named, f"{item.name(named)} wins"
    left, right = item.times.left, item.times.right
    if left is None or right is None:
        return named, f"a time is unknown, so {item.name(named)} wins"
    ahead = (left - right).total_seconds()
    if abs(ahead) <= item.times.resolution + TIE_SECONDS:
        return named, f"too close in time, so {item.name(named)} wins"
    newer = Side.LEFT if ahead > 0 else Side.RIGHT
    return newer, f"{item.name(newer)} is newer"


def _merged_lines(item: _Row, spec: LineSpec, reason: str) -> tuple[Decision, ...]:
    """Merge the edits of both sides, line by line and field by field. The policy decides what both sides changed."""
    policy = item.field.policy

    def choose(left: bool, right: bool) -> Side | None:
        if policy is None or policy.kind is Conflict.ASK:
            return None
        if policy.kind is Conflict.FILL_EMPTY:
            return None if left and right else Side.LEFT if left else Side.RIGHT
        return _winner(item, policy.side or Side.LEFT, policy.kind)[0]

    was = {side: None if value is UNREAD else value for side, value in item.was.items()}
    merged = merge_lines(spec, item.now, was, item.field.flows, choose)
    if merged.clashes:
        reason = f"{reason}; both sides changed {', '.join(merged.clashes)}"
        if policy is None or policy.kind is Conflict.ASK:
            return item.decide(Action.HOLD, f"{reason}; the field rule says ask", conflict=True)
    more: dict[str, Any] = {"conflict": bool(merged.lost), "loser": Lines(tuple(merged.lost)) if merged.lost else None}
    decisions = [
        Decision(
            item.field.name,
            Action.TO_LEFT if side is Side.LEFT else Action.TO_RIGHT,
            value=merged.goals[side],
            reason=reason,
            **more,
        )
        for side in sorted(item.field.flows)
        if not same(item.field, merged.goals[side], item.now[side])
        and not (item.field.absent == "keep" and merged.goals[side] is None)
    ]
    return tuple(decisions) or item.decide(Action.NONE, f"{reason}: nothing is to be written")


def _merged_set(item: _Row) -> tuple[Decision, ...]:
    """Apply what each side added and removed to the other side's set, if the field may be written there."""
    goals: dict[Side, frozenset[Any]] = {}
    for side in item.field.flows:
        other = side.other
        mine, theirs = (item.now[s] or frozenset() for s in (side, other))
        before = item.was[other]
        before = before if isinstance(before, frozenset) else frozenset()
        removed = frozenset() if item.field.absent == "keep" and not theirs else before - theirs
        goals[side] = (mine | (theirs - before)) - removed
    reason = "sets merged by what was added and removed"
    decisions = [
        Decision(
            item.field.name, Action.TO_LEFT if side is Side.LEFT else Action.TO_RIGHT, value=goal or None, reason=reason
        )
        for side, goal in sorted(goals.items())
        if goal != (item.now[side] or frozenset())
    ]
    return tuple(decisions) or item.decide(Action.NONE, f"{reason}: nothing is to be written")
