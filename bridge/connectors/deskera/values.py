"""Translates single values between Deskera's JSON and the record shape."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bridge.connectors.plain_values import holds_nothing, read_number


class Unreadable(ValueError):
    """A value that does not fit the type of its column."""


def text(value: Any) -> str | None:
    """The text; None for null and for empty text, both of which Deskera uses for "no value"."""
    if value is None or value == "":
        return None
    if isinstance(value, bool | dict | list):
        raise Unreadable
    return str(value)


def reference(value: Any) -> str | None:
    """An id as text. In Deskera's samples, 0 means none."""
    found = text(value)
    return None if found is None or found.strip() in ("", "0") else found.strip()


def known_reference(value: Any) -> str | None:
    """An id as text; None also for what is not an id."""
    try:
        return reference(value)
    except Unreadable:
        return None


def reference_set(value: Any) -> list[str]:
    """Ids in ascending order. A comma-separated text is also accepted (the contact model declares one)."""
    parts = value.split(",") if isinstance(value, str) else value
    if parts is None:
        return []
    if not isinstance(parts, list):
        raise Unreadable
    return sorted((each for part in parts if (each := reference(part)) is not None), key=lambda one: (len(one), one))


def amount(value: Any) -> Decimal | None:
    if holds_nothing(value):
        return None
    try:
        return read_number(value)
    except ValueError:
        raise Unreadable from None


def instant(value: Any) -> datetime | None:
    """Reads ISO with any fraction of a second, with `Z` or an offset with or without a colon.
    Without a zone it is UTC."""
    if holds_nothing(value):
        return None
    try:
        moment = datetime.fromisoformat(value)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        moment = moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise Unreadable from None
    # Deskera's "no date" is the first instant of year one.
    return None if moment.year == 1 else moment


def as_id(value: str) -> int | str:
    """An id as a number, because Deskera's ids are numbers in JSON."""
    return int(value) if value.isascii() and value.isdecimal() else value


def as_instant(moment: datetime) -> str:
    precision = "microseconds" if moment.microsecond % 1000 else "milliseconds"
    return moment.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")


def deleted(raw: Mapping[str, Any]) -> bool:
    """Whether the record is deleted, by either spelling of the flag."""
    return raw.get("is_deleted") is True or raw.get("deleted") is True
