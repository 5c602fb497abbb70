"""Does a listing's row differ from the base of this side? Pure."""

from typing import Any

from bridge.domain.record import Fields, Side
from bridge.mapping import translate
from bridge.mapping.base import FieldBase, load_base
from bridge.mapping.model import Field, Mapping
from bridge.mapping.values import UNREAD, is_empty
from bridge.store.model import Link


def differs(mapping: Mapping, side: Side, fields: Fields, link: Link) -> bool:
    """Whether any field the row contains, and that may cross from this side, differs from that side's base."""
    reading = translate.read(mapping, side, fields)
    base = load_base(mapping, link.base)
    return any(
        _edited(field, side, reading.values.get(field.name, UNREAD), reading.hashes[field.name], base.get(field.name))
        for field in mapping.fields
        if field.name in reading.hashes and side.other in field.flows
    )


def edited(mapping: Mapping, side: Side, fields: Fields, link: Link) -> bool:
    """Whether somebody edited a field there; changes of the mapping file since do not count."""
    hashes = translate.read(mapping, side, fields).hashes
    base = load_base(mapping, link.base)
    return any(
        _was_edited(field, side, hashes[field.name], base.get(field.name))
        for field in mapping.fields
        if field.name in hashes and side.other in field.flows
    )


def _was_edited(field: Field, side: Side, hashed: str, entry: FieldBase | None) -> bool:
    if entry is None or entry.columns_fingerprint != field.columns_fingerprint:
        return False
    before = entry.left_hash if side is Side.LEFT else entry.right_hash
    return before is not None and before != hashed


def _edited(field: Field, side: Side, value: Any, hashed: str, entry: FieldBase | None) -> bool:
    if entry is None:
        return value is UNREAD or not is_empty(value)
    if entry.columns_fingerprint != field.columns_fingerprint:
        return True  # made of other columns since: the pair meets in this field as if for the first time
    before, known = (entry.left_hash, entry.left) if side is Side.LEFT else (entry.right_hash, entry.right)
    if before is not None:
        return before != hashed
    # Only the value sent is known, nothing was read back yet. Ids of other records cannot be compared with it here, nor
    # can what does not translate: one look of the worker settles both.
    return value is UNREAD or field.link is not None or not translate.same(field, value, known)
