"""Translates single values between the vendor's form and the record shape. Pure."""

import re
from datetime import UTC, datetime
from typing import Any

_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?")
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}")


def read_instant(value: Any) -> datetime:
    """Aware UTC. The vendor's pages show offsets with and without a colon, with and without fractions,
    and times without a zone."""
    match = _INSTANT.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("is not a time")
    day, time, fraction, zone = match.groups()
    zone = "+00:00" if zone in (None, "Z") else zone if ":" in zone else f"{zone[:3]}:{zone[3:]}"
    micros = ((fraction or "") + "000000")[:6]
    try:
        return datetime.fromisoformat(f"{day}T{time}.{micros}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("is not a time") from None


def read_moment(value: Any) -> datetime | None:
    """The time, or None for what is missing or not a time."""
    try:
        return read_instant(value)
    except ValueError:
        return None


def write_instant(moment: datetime) -> str:
    """Whole seconds in UTC, rounded down."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def is_id(value: Any) -> bool:
    """Whether this can be a record's id, and is safe in a path."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def read_text(value: Any) -> str | None:
    """The text; None if it is empty, because the vendor clears a value with empty text."""
    if value is None or isinstance(value, str):
        return value or None
    raise ValueError("is not text")


def write_text(value: Any) -> str:
    """Raises ValueError with what is wrong."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    raise ValueError("must be text")


def write_boolean(value: Any) -> bool:
    """Raises ValueError with what is wrong."""
    if isinstance(value, bool):
        return value
    raise ValueError("must be true or false")
