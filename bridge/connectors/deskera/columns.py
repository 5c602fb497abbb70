"""The translation of plain columns, which both Sales entities share. Columns have Deskera's own names."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from bridge.connectors.deskera.values import (
    Unreadable,
    amount,
    as_id,
    as_instant,
    instant,
    reference,
    reference_set,
    text,
)
from bridge.domain.catalog import Column, ColumnSpec
from bridge.domain.errors import Rejected

_ID_LIKE = frozenset({"owner_id"})

_READERS: Mapping[Column, Callable[[Any], Any]] = {
    Column.TEXT: text,
    Column.CHOICE: text,
    Column.DECIMAL: amount,
    Column.INSTANT: instant,
    Column.REFERENCE: reference,
    Column.SET: reference_set,
}


def read_columns(raw: Mapping[str, Any], columns: Mapping[str, ColumnSpec], skip: frozenset[str]) -> dict[str, Any]:
    """Read the columns that the answer contains. A value that does not fit its column's type is left out as unread."""
    found: dict[str, Any] = {}
    for name, spec in columns.items():
        if name not in raw or name in skip:
            continue
        reader = reference if name in _ID_LIKE else _READERS[spec.type]
        try:
            found[name] = reader(raw[name])
        except Unreadable:
            continue
    return found


def check_known(system: str, fields: Mapping[str, Any], columns: Mapping[str, ColumnSpec]) -> None:
    """Raises Rejected for a column that is unknown or cannot be written."""
    for name in fields:
        if name != "custom" and name not in columns:
            raise Rejected(system, f"there is no column {name!r}", field=name)
        if name != "custom" and not columns[name].writable:
            raise Rejected(system, f"column {name!r} cannot be written", field=name)


def write_column(system: str, name: str, spec: ColumnSpec, value: Any) -> Any:
    """The vendor's form of one plain column. None clears it: "" for texts, 0 for ids, as in Deskera's samples."""
    try:
        if spec.type is Column.REFERENCE or name in _ID_LIKE:
            return 0 if value is None else as_id(str(value))
        if spec.type is Column.SET:
            return [as_id(str(each)) for each in value or []]
        if spec.type is Column.DECIMAL:
            return _number(value)
        if spec.type is Column.INSTANT:
            return _moment(value)
        return _text(value, spec)
    except (TypeError, ValueError) as refused:
        raise Rejected(system, f"column {name!r}: {refused}", field=name) from None


def _number(value: Any) -> Decimal | int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, Decimal | int)):
        raise TypeError("not a number")
    return value


def _moment(value: Any) -> str | None:
    if value is not None and (not isinstance(value, datetime) or value.tzinfo is None):
        raise TypeError("not an instant with a zone")
    return None if value is None else as_instant(value)


def _text(value: Any, spec: ColumnSpec) -> str:
    if value is not None and not isinstance(value, str):
        raise TypeError("not a text")
    if value is not None and spec.choices and value not in spec.choices:
        raise ValueError(f"{value!r} is not one of {', '.join(spec.choices)}")
    return value or ""
