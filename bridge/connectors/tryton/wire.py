"""Decodes and encodes the values of JSON-RPC as the server writes them (`trytond/protocols/jsonrpc.py`). Pure."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

_CLASS = "__class__"
_DAY = ("year", "month", "day")
_CLOCK = ("hour", "minute", "second", "microsecond")
_MOMENT = (*_DAY, *_CLOCK)


def decode(value: Any) -> Any:
    """Replaces the server's objects with Decimals, dates and aware instants. Objects of other classes stay as they are.

    Raises ValueError for an invalid date or number.
    """
    if isinstance(value, list):
        return [decode(each) for each in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(_CLASS)
    if kind is None:
        return {name: decode(each) for name, each in value.items()}
    try:
        if kind == "Decimal":
            return Decimal(value["decimal"])
        if kind == "date":
            return date(*(value[part] for part in _DAY))
        if kind == "datetime":
            day = date(*(value[part] for part in _DAY))
            return datetime.combine(day, time(*(value[part] for part in _CLOCK)), UTC)
    except (KeyError, TypeError, ArithmeticError):
        raise ValueError(f"is no {kind}") from None
    return value


def encode(value: Any) -> Any:
    """The form that `json_text.write_json` takes and that the server decodes to the same value."""
    if isinstance(value, Decimal):
        return {_CLASS: "Decimal", "decimal": format(value, "f")}
    if isinstance(value, datetime):
        moment = value.astimezone(UTC)
        return {_CLASS: "datetime", **{part: getattr(moment, part) for part in _MOMENT}}
    if isinstance(value, date):
        return {_CLASS: "date", **{part: getattr(value, part) for part in _DAY}}
    if isinstance(value, Mapping):
        return {name: encode(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [encode(each) for each in value]
    return value
