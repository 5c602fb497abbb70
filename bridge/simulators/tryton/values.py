"""Values in JSON-RPC. What JSON lacks is an object with a class. Written from `trytond/protocols/jsonrpc.py`."""

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from bridge.simulators.world import utc


class Inconvertible(Exception):
    """The text of Python's own exception about such a value, which the server shows."""


def from_wire(value: Any) -> Any:
    if isinstance(value, list):
        return [from_wire(one) for one in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("__class__")
    try:
        if kind == "Decimal":
            return Decimal(value["decimal"])
        if kind == "date":
            return date(value["year"], value["month"], value["day"])
        if kind == "datetime":
            clock = (value["hour"], value["minute"], value["second"], value["microsecond"])
            return datetime(value["year"], value["month"], value["day"], *clock, tzinfo=UTC).timestamp()
    except InvalidOperation as wrong:
        raise Inconvertible("[<class 'decimal.ConversionSyntax'>]") from wrong
    except (KeyError, ValueError, TypeError) as wrong:
        raise Inconvertible(str(wrong)) from wrong
    return {name: from_wire(one) for name, one in value.items()}


def to_wire(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [to_wire(one) for one in value]
    if isinstance(value, dict):
        return {name: to_wire(one) for name, one in value.items()}
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    if isinstance(value, date):
        return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    return value


def moment(epoch: float | None) -> Any:
    """A time as the server shows it: UTC, without a zone."""
    if epoch is None:
        return None
    at = utc(epoch)
    parts = {name: getattr(at, name) for name in ("year", "month", "day", "hour", "minute", "second", "microsecond")}
    return {"__class__": "datetime", **parts}


def stamp(epoch: float) -> str:
    """A `_timestamp`: seconds since 1970 as text."""
    return f"{epoch:.6f}".rstrip("0").rstrip(".")
