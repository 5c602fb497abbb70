"""Compares one row of a listing with the base of its pair, and says whether the pair must be read. Pure.

If both rows of a pair show their base in every field that may cross from them, the bridge would write nothing,
whatever the other row holds. So a walk keeps no records, but only numbers: the pairs that it saw and those to read.
"""

from collections.abc import Collection, Mapping
from typing import Any

from bridge.domain.frozen import dataclass
from bridge.domain.record import SIDES, Fields, Side
from bridge.mapping import translate
from bridge.mapping.merge import Base, FieldBase, load_base
from bridge.mapping.model import Field
from bridge.mapping.model import Mapping as RecordMapping
from bridge.mapping.translate import Reading
from bridge.mapping.values import UNREAD, Reference, is_empty, names_merged_away
from bridge.store.model import Link, LinkState
from bridge.sync.shadow import amount_in


@dataclass(frozen=True, slots=True)
class RowVerdict:
    """`look`: the pair must be read. `drifted`: fields that differ because they were edited on a side that does not
    cross."""

    look: bool
    drifted: frozenset[str] = frozenset()


def judge_row(
    mapping: RecordMapping, side: Side, fields: Fields, reading: Reading, link: Link, shown: Collection[str]
) -> RowVerdict:
    """Judge one row. `reading`: of the row, with references resolved. `shown`: the fields that a single read shows."""
    passes = translate.passes_where(mapping, side, fields)
    if link.state is LinkState.FROZEN:
        return RowVerdict(look=passes is not False)
    base = load_base(mapping, link.base)
    if passes is False or link.sent(side) is not None or not _whole(mapping, side, reading, shown):
        return RowVerdict(look=True)
    edited = [
        row
        for row in mapping.fields
        if row.set_on != "create" and row.columns_of(side) and _edited(row, side, reading, base)
    ]
    if any(_matters(row, side) for row in edited):
        return RowVerdict(look=True)
    return RowVerdict(look=False, drifted=frozenset(row.name for row in edited if _apart(row, side, reading, base)))


def _whole(mapping: RecordMapping, side: Side, reading: Reading, shown: Collection[str]) -> bool:
    """Return whether the row shows every field that a single read of the record shows."""
    known = reading.hashes.keys() | reading.off
    return all(row.name in known or row.name not in shown for row in mapping.fields if row.columns_of(side))


def _matters(row: Field, side: Side) -> bool:
    """Return whether an edit of the field on this side may cause a write or changes a sum."""
    return side.other in row.flows or row.set_on == "always" or row.type == "money"


def _edited(row: Field, side: Side, reading: Reading, base: Base) -> bool:
    """Return whether the row shows another value than the base of this side."""
    if row.name not in reading.hashes:
        return False
    entry, value = base.get(row.name), reading.values.get(row.name, UNREAD)
    if isinstance(value, Reference):  # the record it refers to is not linked: it is counted elsewhere, nothing crosses
        return row.missing == "blank" and (entry is None or entry.left_hash is not None or entry.right_hash is not None)
    if names_merged_away(value):
        return True
    if entry is None:
        return value is UNREAD or not is_empty(value)
    if entry.columns_fingerprint != row.columns_fingerprint:
        return True
    known, before = _of_side(entry, side)
    if value is UNREAD or known is UNREAD or entry.fingerprint != row.fingerprint:
        return before is None or before != reading.hashes[row.name]
    return not translate.same(row, value, known)


def _apart(row: Field, side: Side, reading: Reading, base: Base) -> bool:
    entry = base.get(row.name)
    there = None if entry is None else _of_side(entry, side.other)[0]
    return not translate.same(row, reading.values.get(row.name, UNREAD), there)


def _of_side(entry: FieldBase, side: Side) -> tuple[Any, str | None]:
    """Return the base's value of one side, and the hash of its columns."""
    return (entry.left, entry.left_hash) if side is Side.LEFT else (entry.right, entry.right_hash)


def kept_of_base(mapping: RecordMapping, link: Link) -> list[str]:
    """Return the fields whose base differs between the sides, for example because a vendor shortened the value."""
    base = load_base(mapping, link.base)
    return [
        row.name
        for row in mapping.fields
        if row.set_on != "create" and (entry := base.get(row.name)) and not _alike(row, entry)
    ]


def _alike(row: Field, entry: FieldBase) -> bool:
    return UNREAD in (entry.left, entry.right) or translate.same(row, entry.left, entry.right)


def money_of_base(mapping: RecordMapping, link: Link, names: Collection[str]) -> Mapping[str, dict[Side, Any]]:
    """Return for each money field the amount of each side in the base."""
    base = load_base(mapping, link.base)
    return {
        name: {side: amount_in(_of_side(base[name], side)[0]) if name in base else None for side in SIDES}
        for name in names
    }
