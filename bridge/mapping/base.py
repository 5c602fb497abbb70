"""What the store keeps of a pair: per field and side the canonical value last in sync. Exact and JSON-able."""

from collections.abc import Mapping as MappingOf
from typing import Any

from bridge.domain.values import dataclass
from bridge.mapping.model import Field, Mapping
from bridge.mapping.values import UNREAD, is_empty


@dataclass(frozen=True, slots=True)
class FieldBase:
    """The value each side held when the field was last in sync, under which definition, with hashes of the columns."""

    left: Any
    right: Any
    left_hash: str | None
    right_hash: str | None
    fingerprint: str
    columns_fingerprint: str


Base = MappingOf[str, FieldBase]


def dump_base(mapping: Mapping, base: Base) -> dict[str, Any]:
    """JSON-able; Decimals, dates and the like as text."""
    return {name: _dump_entry(mapping.named[name], entry) for name, entry in base.items() if name in mapping.named}


def _dump_entry(row: Field, entry: FieldBase) -> list[Any]:
    values = [_dump(row, entry.left), _dump(row, entry.right)]
    return [*values, entry.left_hash, entry.right_hash, entry.fingerprint, entry.columns_fingerprint]


def load_base(mapping: Mapping, data: MappingOf[str, Any]) -> Base:
    """Entries of fields that vanished are dropped; of values the field's new type cannot hold only the hashes stay."""
    found: dict[str, FieldBase] = {}
    for name, entry in data.items():
        row = mapping.named.get(name)
        if row is None:
            continue
        left, right = (_load_old(row, value) for value in entry[:2])
        found[name] = FieldBase(left, right, *entry[2:6])
    return found


def dump_values(mapping: Mapping, values: MappingOf[str, Any]) -> dict[str, Any]:
    """The same form for what was sent and for intents; unread fields are left out."""
    return {name: _dump(mapping.named[name], value) for name, value in values.items() if value is not UNREAD}


def load_values(mapping: Mapping, data: MappingOf[str, Any]) -> dict[str, Any]:
    """The way back; fields that vanished from the mapping are dropped."""
    return {name: _load_old(mapping.named[name], value) for name, value in data.items() if name in mapping.named}


def _dump(row: Field, value: Any) -> Any:
    return None if is_empty(value) else row.kind.dump(value)


def _load_old(row: Field, data: Any) -> Any:
    """Written under an older definition the text may not fit the type now: then the value counts as unknown."""
    if data is None:
        return None
    try:
        return row.kind.load(data)
    except (ValueError, TypeError, ArithmeticError, LookupError):
        return UNREAD
