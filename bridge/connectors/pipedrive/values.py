"""Translates single values between the vendor's form (REST v2) and the record shape. Pure.

Vendor pages "Pipedrive API v2 migration guide" (custom fields, times), "Date format".
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from bridge.connectors.pipedrive.manifest import ADDRESS_PARTS
from bridge.connectors.plain_values import (
    holds_nothing,
    in_utc,
    read_boolean,
    read_number,
    read_text,
    whole,
    write_boolean,
    write_date,
    write_id,
    write_number,
    write_seconds,
)
from bridge.domain.catalog import Column

Codec = Callable[[Any], Any]
"""Raises ValueError with what is wrong. Its argument is never None."""

# Types of custom fields (vendor page "Custom fields") and the columns they become; other types are passed on as text.
CUSTOM_TYPES: Mapping[str, Column] = {
    "varchar": Column.TEXT,
    "varchar_auto": Column.TEXT,
    "text": Column.TEXT,
    "phone": Column.TEXT,
    "double": Column.DECIMAL,
    "int": Column.INTEGER,
    "boolean": Column.BOOLEAN,
    "date": Column.DATE,
    "monetary": Column.OBJECT,
    "daterange": Column.OBJECT,
    "time": Column.OBJECT,
    "timerange": Column.OBJECT,
    "address": Column.OBJECT,
    "enum": Column.CHOICE,
    "set": Column.SET,
    "user": Column.REFERENCE,
    "org": Column.REFERENCE,
    "people": Column.REFERENCE,
}
CUSTOM_REFERENCES: Mapping[str, str] = {"org": "organization", "people": "person"}
PARTS: Mapping[str, Mapping[str, Column]] = {
    "monetary": {"value": Column.DECIMAL, "currency": Column.TEXT},
    "daterange": {"value": Column.DATE, "until": Column.DATE},
    "time": {"value": Column.TEXT, "timezone_name": Column.TEXT},
    "timerange": {"value": Column.TEXT, "until": Column.TEXT, "timezone_name": Column.TEXT},
    "address": dict.fromkeys(ADDRESS_PARTS, Column.TEXT),
    "lead value": {"amount": Column.DECIMAL, "currency": Column.TEXT},
    "price": {
        "price": Column.DECIMAL,
        "cost": Column.DECIMAL,
        "direct_cost": Column.DECIMAL,
        "notes": Column.TEXT,
    },
}


def write_text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text")
    return value


def read_integer(value: Any) -> int:
    return whole(read_number(value))


def write_integer(value: Any) -> int:
    return whole(write_number(value))


def read_date(value: Any) -> date:
    return date.fromisoformat(read_text(value)[:10])


def read_instant(value: Any) -> datetime:
    """Reads RFC 3339, the older `YYYY-MM-DD HH:MM:SS` in UTC, and seconds since 1970 (old user events)."""
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value, UTC)
        except (OverflowError, OSError):
            raise ValueError("is not a time") from None
    return in_utc(datetime.fromisoformat(read_text(value)))


def known_instant(value: Any) -> datetime | None:
    """The time, or None for what is missing or not a time."""
    try:
        return None if value is None else read_instant(value)
    except (ValueError, TypeError):
        return None


def read_values(value: Any) -> list[dict[str, Any]]:
    """E-mails and phones. For "none", the vendor returns an item with empty text."""
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError("is not a list of values")
    return [
        {"value": str(item["value"]), "label": item.get("label"), "primary": _flag(item.get("primary"))}
        for item in value
        if item.get("value")
    ]


def _flag(value: Any) -> bool:
    """Imports leave flags as text, where `false` must not count as true."""
    return value.strip().lower() in ("true", "1") if isinstance(value, str) else bool(value)


def write_values(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError("must be a list of values")
    return [
        {"value": write_text(item["value"]), "label": item.get("label") or "work", "primary": bool(item.get("primary"))}
        for item in value
        if item.get("value")
    ]


def read_object(kind: str) -> Codec:
    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValueError("is not an object")
        parts = PARTS[kind]
        return {name: nullable(READERS[parts[name]], part) for name, part in value.items() if name in parts}

    return read


def write_object(kind: str) -> Codec:
    def write(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise ValueError("must be an object")
        parts = PARTS[kind]
        unknown = [name for name in value if name not in parts]
        if unknown:
            raise ValueError(f"has no part {unknown[0]!r}; there are {', '.join(parts)}")
        return {name: nullable(WRITERS[parts[name]], part) for name, part in value.items()}

    return write


def read_prices(value: Any) -> dict[str, Any]:
    """Reads the vendor's list; returns the prices by currency code (one price per currency)."""
    if not isinstance(value, list):
        raise ValueError("is not a list of prices")
    price = read_object("price")
    return {item["currency"]: price(item) for item in value if isinstance(item, dict) and item.get("currency")}


def write_prices(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, Mapping):
        raise ValueError("must be prices by currency")
    price = write_object("price")
    return [{"currency": currency, **price(item)} for currency, item in value.items() if item]


def nullable(codec: Codec, value: Any) -> Any:
    """None stays None. Empty text and blanks become None, unless the column is text."""
    nothing = value is None if codec in (read_text, write_text) else holds_nothing(value)
    return None if nothing else codec(value)


def write_number_text(value: Any) -> str:
    """Version 1 takes some numbers as text."""
    return str(write_integer(value))


def write_flag(value: Any) -> int:
    """Version 1 takes some booleans as 0 and 1."""
    return int(write_boolean(value))


def write_participant(value: Any) -> list[dict[str, Any]]:
    return [{"person_id": write_id(value), "primary": True}]


READERS: Mapping[Column, Codec] = {
    Column.TEXT: read_text,
    Column.INTEGER: read_integer,
    Column.DECIMAL: read_number,
    Column.BOOLEAN: read_boolean,
    Column.DATE: read_date,
    Column.INSTANT: read_instant,
    Column.CHOICE: read_text,
    Column.REFERENCE: read_text,
    Column.VALUES: read_values,
}
WRITERS: Mapping[Column, Codec] = {
    Column.TEXT: write_text,
    Column.INTEGER: write_integer,
    Column.DECIMAL: write_number,
    Column.BOOLEAN: write_boolean,
    Column.DATE: write_date,
    Column.INSTANT: write_seconds,  # the vendor refuses fractions in filters and stores none
    Column.CHOICE: write_text,
    Column.REFERENCE: write_id,
    Column.VALUES: write_values,
}
