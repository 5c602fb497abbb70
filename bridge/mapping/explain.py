"""For `bridge explain`: what each field rule reads, what it means, and what would be written."""

from collections.abc import Mapping as MappingOf
from datetime import date
from decimal import Decimal
from typing import Any

from bridge.domain.errors import MappingFailed
from bridge.domain.frozen import dataclass
from bridge.domain.record import SIDES, Fields, Side
from bridge.mapping.model import Field, Mapping
from bridge.mapping.translate import Reading, passes_where, read, write
from bridge.mapping.values import UNREAD, LinkId, Missing, Money, Phone, Reference, is_empty, names_unlinked


@dataclass(frozen=True, slots=True)
class Explained:
    """One field rule for one record. `before`: columns as read; `value`: what they mean; `after`: columns to write.

    `why` says why nothing is written, or what prevents it; "" if the value crosses.
    """

    field: str
    rule: str
    before: MappingOf[str, Any]
    value: str
    after: MappingOf[str, Any]
    why: str = ""

    def __str__(self) -> str:
        before = ", ".join(f"{path} = {_raw(raw)}" for path, raw in self.before.items()) or "nothing"
        after = ", ".join(f"{path} = {_raw(raw)}" for path, raw in self.after.items())
        ending = f"-> {after}" if after else ""
        why = f"({self.why})" if self.why else ""
        return " ".join(
            part for part in (f"{self.field} [{self.rule}]: {before}; means {self.value}", ending, why) if part
        )


def explain(mapping: Mapping, side: Side, fields: Fields) -> tuple[str, tuple[Explained, ...]]:
    """Return a sentence about the whole record, and every field rule in file order. `side`: the record's side."""
    reading = read(mapping, side, fields)
    return _whole(mapping, side, fields), tuple(_row(mapping, side, fields, row, reading) for row in mapping.fields)


def _whole(mapping: Mapping, side: Side, fields: Fields) -> str:
    here, there = mapping.side(side), mapping.side(side.other)
    passes = passes_where(mapping, side, fields)
    wanted = str(here.where)
    if passes is False:
        return f"not in mapping {mapping.name}: its where needs {wanted}"
    if passes is None:
        return f"unknown whether it is in mapping {mapping.name}: {wanted} was not read"
    if not mapping.writes:
        return f"in mapping {mapping.name}, which pairs it with a record of {there.name} and writes nothing"
    if side.other not in mapping.writes:
        return f"in mapping {mapping.name}, which never writes to {there.name}"
    new = "may" if side.other in mapping.creates else "may not"
    return f"in mapping {mapping.name}; a new record {new} be created in {there.name}"


def _row(mapping: Mapping, side: Side, fields: Fields, row: Field, reading: Reading) -> Explained:
    here, there = row.columns_of(side), row.columns_of(side.other)
    before = {path.text: path.get(fields) for path in here.paths} if here is not None else {}
    value = reading.values.get(row.name, UNREAD)
    rule = _rule(mapping, row)
    why = _why_not(mapping, side, row, reading)
    shown = "a constant" if row.set_on is not None else _meaning(value)
    if why or there is None:
        return Explained(row.name, rule, before, shown, {}, why)
    if names_unlinked(value):
        target = mapping.side(side.other).name
        return Explained(row.name, rule, before, shown, {}, f"becomes that record's id in {target}")
    try:
        after = write(mapping, side.other, {row.name: value}, {})
    except MappingFailed as error:
        return Explained(row.name, rule, before, shown, {}, error.problems[0].message)
    return Explained(
        row.name,
        rule,
        before,
        shown,
        {p.text: raw for p in there.paths if not isinstance(raw := p.get(after), Missing)},
    )


def _rule(mapping: Mapping, row: Field) -> str:
    arrow = " <-> "
    if not row.two_way:
        arrow = " -> " if Side.RIGHT in row.flows else " <- " if row.flows else " = "
    kind = f"link to {row.link}" if row.link else "table of columns" if row.lines else row.type
    if row.items is not None:
        kind = f"lines by {' + '.join(row.items.key)}{' in their order' if row.items.ordered else ''}"
    through = [
        f"{mapping.side(side).name} through {', '.join(columns.via)}"
        for side in SIDES
        if (columns := row.columns_of(side)) is not None and columns.via
    ]
    when = [f"when {mapping.side(side).name} {condition}" for side, condition in row.when.items()]
    return ", ".join([kind, *through, f"{mapping.left.name}{arrow}{mapping.right.name}", *when, str(row.place)])


def _why_not(mapping: Mapping, side: Side, row: Field, reading: Reading) -> str:
    problem = next((problem.message for problem in reading.problems if problem.field == row.name), None)
    if problem is not None:
        return problem
    if row.name in reading.off:
        return f"its when does not hold: it needs {mapping.side(side).name} {row.when[side]}"
    if row.set_on is not None:
        target = mapping.side(next(iter(row.flows), side.other)).name
        when = "written always" if row.set_on == "always" else "written only when a record is created"
        return f"{when} in {target}: {row.value}"
    if side.other not in row.flows:
        return f"the field rule is never written to {mapping.side(side.other).name}"
    value = reading.values.get(row.name, UNREAD)
    if value is UNREAD:
        return "not read: the record does not show it, so the other side stays unchanged"
    if is_empty(value) and row.default is not None:
        return f"empty: a new record in {mapping.side(side.other).name} gets the default {row.default}"
    if is_empty(value):
        keep = row.absent == "keep"
        return (
            "empty, and absent: keep does not empty the other side"
            if keep
            else "empty: clears the other side if it was emptied"
        )
    return ""


def _meaning(value: Any) -> str:
    if value is UNREAD:
        return "nothing known"
    if is_empty(value):
        return "empty"
    if isinstance(value, Money):
        return f"{value.amount} {value.currency or '(no currency)'}"
    if isinstance(value, Phone):
        return f"{value.number or value.original} ({value.remark})" if value.remark else value.number or value.original
    if isinstance(value, Reference):
        return f"record {value.id} of {value.mapping}"
    if isinstance(value, LinkId):
        return f"link {value.id}"
    return ", ".join(sorted(value)) if isinstance(value, frozenset) else str(value)


def _raw(raw: Any) -> str:
    """Return a raw value as text: the same text whether a product shows the value or a file spells it."""
    if raw is UNREAD:
        return "not read"
    if is_empty(raw):
        return "empty"
    if isinstance(raw, Decimal):
        return format(raw, "f")
    if isinstance(raw, MappingOf):
        return "{" + ", ".join(f"{name}: {_raw(one)}" for name, one in raw.items()) + "}"
    if isinstance(raw, list | tuple):
        return "[" + ", ".join(_raw(one) for one in raw) + "]"
    if isinstance(raw, set | frozenset):
        return str(sorted(raw))
    return raw.isoformat() if isinstance(raw, date) else str(raw)
