"""Translates single values between the vendor's form and the record shape. Pure; raises ValueError with what is wrong.

Vendor pages "SO-TimeZone" and "Encoded values".
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from bridge.connectors import plain_values
from bridge.connectors.plain_values import (
    holds_nothing,
    in_utc,
    read_boolean,
    read_text,
    whole,
    write_boolean,
    write_date,
    write_number,
    write_seconds,
)
from bridge.connectors.superoffice.columns import ADDRESS_PARTS
from bridge.domain.catalog import Column

NO_DATE = "0001-01-01T00:00:00"
_EMPTY_YEARS = (1, 1760)  # the years of the vendor's empty date, in its API and in its database
_UNKNOWN_NUMBER = Decimal("-79228162514264337593543950335")  # smallest decimal of .NET: "not given"
_CODED = re.compile(r"^\[([A-Z]+):(.*)\]$", re.DOTALL)


def read(column: Column, value: Any) -> Any:
    """Read a plain property. An empty value becomes None."""
    if value is None or value == "":
        return None
    if column in (Column.TEXT, Column.CHOICE, Column.REFERENCE):
        return read_text(value)
    if holds_nothing(value):
        return None
    if column is Column.BOOLEAN:
        return read_boolean(value)
    if column is Column.VALUES:
        return read_elements(value)
    if column in (Column.DATE, Column.INSTANT):
        return read_moment(column, value)
    number = read_number(value)
    return number if column is Column.DECIMAL or number is None else whole(number)


def write(column: Column, value: Any) -> Any:
    """Write a plain property. The vendor has no null for these types: None becomes its empty value."""
    if column is Column.VALUES:
        return write_elements(value or [])
    if column in (Column.DATE, Column.INSTANT):
        return write_moment(column, value)
    if column is Column.BOOLEAN:
        return value is not None and write_boolean(value)
    if column in (Column.DECIMAL, Column.INTEGER):
        number = Decimal(0) if value is None else write_number(value)
        return number if column is Column.DECIMAL else whole(number)
    if value is not None and not isinstance(value, str):
        raise ValueError("must be text")
    return value or ""


def read_number(value: Any) -> Decimal | None:
    number = plain_values.read_number(value)
    return None if number <= _UNKNOWN_NUMBER else number


def read_moment(column: Column, value: Any) -> date | datetime | None:
    """A date is the printed day, never moved between zones. A time without a zone is UTC."""
    moment = read_instant(value)
    if moment is None or column is Column.INSTANT:
        return moment
    return date.fromisoformat(read_text(value)[:10])


def read_instant(value: Any) -> datetime | None:
    """The time; None for the vendor's empty date. Offsets come with and without a colon,
    fractions with seven digits."""
    moment = datetime.fromisoformat(read_text(value))
    if moment.year in _EMPTY_YEARS:
        return None
    return in_utc(moment)


def known_instant(value: Any) -> datetime | None:
    """The time, or None for what is missing or not a time."""
    try:
        return None if value is None else read_instant(value)
    except (ValueError, TypeError):
        return None


def write_moment(column: Column, value: Any) -> str:
    if value is None:
        return NO_DATE
    if column is Column.DATE:
        return f"{write_date(value)}T00:00:00"
    return write_seconds(value)


def read_elements(value: Any) -> list[dict[str, Any]]:
    """E-mails, phones or web addresses. The first one is primary."""
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError("is not a list of values")
    filled = [item for item in value if item.get("Value")]
    return [
        {"value": str(item["Value"]), "label": item.get("Description") or None, "primary": place == 0}
        for place, item in enumerate(filled)
    ]


def write_elements(value: Any) -> list[dict[str, str]]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, Mapping) for item in value):
        raise ValueError("must be a list of values")
    filled = [item for item in value if item.get("value")]
    if not all(isinstance(item["value"], str) for item in filled):
        raise ValueError("must be a list of texts")
    main_first = sorted(filled, key=lambda item: not item.get("primary"))
    return [{"Value": item["value"], "Description": str(item.get("label") or "")} for item in main_first]


def read_address(value: Any) -> dict[str, str | None]:
    if not isinstance(value, dict):
        raise ValueError("is not an address")
    return {part: read(Column.TEXT, value[name]) for part in ADDRESS_PARTS if (name := part.capitalize()) in value}


def write_address(value: Any) -> dict[str, str]:
    """Write only the given parts. None empties all parts."""
    if value is None:
        return {part.capitalize(): "" for part in ADDRESS_PARTS}
    if not isinstance(value, Mapping):
        raise ValueError("must be an address")
    unknown = [part for part in value if part not in ADDRESS_PARTS]
    if unknown:
        raise ValueError(f"has no part {unknown[0]!r}; there are {', '.join(ADDRESS_PARTS)}")
    return {part.capitalize(): write(Column.TEXT, text) for part, text in value.items()}


def write_id(value: Any) -> int:
    """The vendor's id of another record. The vendor's "none" is 0."""
    return 0 if value is None else plain_values.write_id(value)


def read_coded(column: Column, value: Any) -> Any:
    """Read a custom field: `[I:5]`, `[D:31.12.2026]`, `[F:1.5]`. Texts have no such form."""
    found = _CODED.match(value) if isinstance(value, str) else None
    inner = found.group(2) if found else value
    if column is Column.DATE and isinstance(inner, str) and inner:
        return _read_coded_date(inner)
    return read(column, _as_number(inner) if column is Column.BOOLEAN else inner)


def write_coded(column: Column, value: Any) -> str:
    if column is Column.TEXT:
        return str(write(column, value))
    if value is None:
        return "[I:0]" if column is Column.BOOLEAN else ""
    plain = write(column, value)
    if column is Column.DATE:
        return f"[D:{value:%d.%m.%Y}]"
    if column is Column.DECIMAL:
        return f"[F:{plain:f}]"
    return f"[I:{int(plain)}]"


def _as_number(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() else value


def _read_coded_date(text: str) -> date | None:
    """The vendor's pages show dd.MM.yyyy for dates and MM/dd/yyyy for times. Both are accepted, and ISO."""
    day = text.split(" ")[0].split("T")[0]
    for form in ("%d.%m.%Y", "%m/%d/%Y", "%Y-%m-%d"):
        try:
            found = datetime.strptime(day, form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
        return None if found.year in _EMPTY_YEARS else found
    raise ValueError("is not a date")
