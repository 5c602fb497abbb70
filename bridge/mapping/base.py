"""The base of a pair, as the store keeps it: the canonical value last in sync, by field and side, as exact JSON."""

from collections.abc import Mapping as MappingOf
from typing import Any

from bridge.domain.values import dataclass
from bridge.mapping.model import Field, Mapping
from bridge.mapping.values import UNREAD, is_empty


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
