"""Values of each type to try a field rule with."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from bridge.mapping.model import Field
from bridge.mapping.types.contact import read_phone
from bridge.mapping.values import Money


def samples(row: Field) -> tuple[Any, ...]:
    """Return canonical values of the rule's type that its options allow; for a value table, all its right words."""
    if row.table is not None:
        found = [row.kind.parse([word] if row.type == "set" else word) for word in dict.fromkeys(row.table.values())]
        return tuple(value for value in found if value is not None)
    if row.lines:
        return ()
    if row.type == "money" and "currency" in row.source:
        return (Money(Decimal("12.00"), str(row.source["currency"])),)
    if row.type == "decimal" and "places" in row.source:
        return (Decimal(7), Decimal(-3))
    return _SAMPLES.get(row.type, ())


_SAMPLES: dict[str, tuple[Any, ...]] = {
    "text": ("Ana Lund", "Åse Ødegård", "x", "Anna Maria van der Berg", "007", "two\nlines"),
    "integer": (0, 1, -40, 2**31),
    "decimal": (Decimal(0), Decimal("0.10"), Decimal("-12345678.9012")),
    "money": (Money(Decimal("1250.50"), "EUR"), Money(Decimal(90000), "JPY"), Money(Decimal("0.125"), "KWD")),
    "boolean": (True, False),
    "date": (date(2026, 1, 1), date(2024, 2, 29), date(2026, 3, 29), date(2026, 12, 31)),
    "instant": (datetime(2026, 3, 29, 1, 30, tzinfo=UTC), datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC)),
    "email": ("ana@lund.example", "a.b+c@x.example"),
    "phone": (
        read_phone("+4722123456", None),
        read_phone("+16502530000", None),
        read_phone("+390236618300", None),
        read_phone("+12125550123 ext. 89", None),
    ),
    "country": ("NO", "DE", "GB", "KR"),
    "currency": ("EUR", "JPY"),
    "choice": ("Some choice",),
    "user": ("4711",),
    "set": (frozenset({"a"}), frozenset({"b", "a"})),
}
