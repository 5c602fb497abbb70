"""Plain values of JSON and of the record shape, as most products have them. The functions raise
ValueError with what is wrong."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

MOST_DIGITS = 60  # more than any amount has; as an integer, such a number could fill the memory

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def holds_nothing(value: Any) -> bool:
    """Null, empty text or blanks: what products show where a number, a day or a boolean is missing."""
    return value is None or (isinstance(value, str) and (not value or value.isspace()))


def read_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    raise ValueError("is not text")


def read_number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise ValueError("is not a number")
    if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
        raise ValueError("is not a number")  # Python alone accepts 1_000 and the digits of every script
    try:
        number = Decimal(value)
    except ArithmeticError:
        raise ValueError("is not a number") from None
    if not number.is_finite() or abs(number.adjusted()) > MOST_DIGITS:
        raise ValueError("is not a number")
    return number


def write_number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not Decimal(value).is_finite():
        raise ValueError("must be a number")
    return Decimal(value)


def whole(number: Decimal) -> int:
    if number != number.to_integral_value():
        raise ValueError("is not a whole number")
    return int(number)


def read_boolean(value: Any) -> bool:
    if value in (0, 1):  # False and True as well
        return bool(value)
    raise ValueError("is not true or false")


def write_boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def write_date(value: Any) -> str:
    """The date in ISO 8601."""
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError("must be a date")
    return value.isoformat()


def write_seconds(value: Any) -> str:
    """An instant in UTC, to the whole second."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("must be a time with its zone")
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"


def in_utc(moment: datetime) -> datetime:
    """The time in UTC. A time without a zone is taken as UTC."""
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError("is not a time") from None


def write_id(value: Any) -> int:
    """The id of another record, as a number. Ids are digits."""
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value)
    raise ValueError("must be the id of a record (digits)")
