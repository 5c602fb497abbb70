"""Compares a listing's row with the base of its side. Pure."""

from typing import Any

from bridge.domain.record import Fields, Side
from bridge.mapping import translate
from bridge.mapping.merge import FieldBase, load_base
from bridge.mapping.model import Field, Mapping
from bridge.mapping.values import UNREAD, is_empty
from bridge.store.model import Link


def differs(mapping: Mapping, side: Side, fields: Fields, link: Link) -> bool:
    """Return whether a field that the row contains, and that may cross from this side, differs from its base."""
    reading = translate.read(mapping, side, fields)
    base = load_base(mapping, link.base)
    return any(
        _edited(field, side, reading.values.get(field.name, UNREAD), reading.hashes[field.name], base.get(field.name))
        for field in mapping.fields
        if field.name in reading.hashes and side.other in field.flows
    )


def edited(mapping: Mapping, side: Side, fields: Fields, link: Link) -> bool:
    """Return whether somebody edited a field at the vendor. Later changes of the mapping file do not count."""
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
        return True  # the field has other columns now, so both sides are compared as at first contact
    before, known = (entry.left_hash, entry.left) if side is Side.LEFT else (entry.right_hash, entry.right)
    if before is not None:
        return before != hashed
    # Only the sent value is known, because nothing was read back yet. Ids of other records and values that cannot be
    # translated cannot be compared with it here: the record is marked, and the worker compares.
    return value is UNREAD or field.link is not None or not translate.same(field, value, known)
