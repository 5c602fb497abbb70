"""There and back: what a two-way row writes on one side, it must read again as the same value.

Tables are tried exhaustively, other types by samples. `lossy: true` on a row accepts what does not return.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from bridge.domain.errors import Fault
from bridge.domain.record import Side
from bridge.mapping.model import Cells, Field, Mapping
from bridge.mapping.types.contact import read_phone
from bridge.mapping.types.kind import Kind
from bridge.mapping.values import LEAVE, UNREAD, Money, Untranslatable


@dataclass(frozen=True, slots=True)
class LawResult:
    """How one two-way row did: values tried, and what did not return."""

    field: str
    tried: int
    broken: tuple[str, ...]


def law_report(mapping: Mapping) -> tuple[LawResult, ...]:
    """One result per row that both sides are written from; links are resolved elsewhere and take no part."""
    return tuple(
        _row(mapping, row) for row in mapping.fields if row.two_way and row.set_on is None and row.link is None
    )


def broken_laws(mapping: Mapping) -> Iterator[Fault]:
    """The broken ones as faults, unless their row is `lossy`."""
    for result in law_report(mapping):
        row = mapping.named[result.field]
        if result.broken and not row.lossy:
            what = f"row {row.name} of {mapping.name} loses values: {'; '.join(result.broken[:3])}"
            remedy = "make the row say both ways, give it a `from:`, or accept it with lossy: true"
            yield Fault(str(row.place), what, remedy)


def _row(mapping: Mapping, row: Field) -> LawResult:
    broken: list[str] = []
    tried = 0
    for side in Side:
        cells = row.cells(side)
        assert cells is not None
        name = mapping.side(side).name
        for raw in _table_words(row, side):
            tried += 1
            broken += _word_returns(row, side, name, raw)
        for value in _samples(row):
            tried += 1
            broken += _value_returns(row.kind, cells, name, value)
        for line in row.lines:
            tried += 1
            broken += _line_returns(cells, name, line)
    return LawResult(row.name, tried, tuple(broken))


def _table_words(row: Field, side: Side) -> list[Any]:
    if row.table is None:
        return []
    return list(row.table if side is Side.LEFT else dict.fromkeys(row.table.values()))


def _word_returns(row: Field, side: Side, name: str, raw: Any) -> Iterator[str]:
    """A word of the table read here, written there, read there and written back here."""
    here, there = row.cells(side), row.cells(side.other)
    assert here is not None
    assert there is not None
    value = here.parse(raw)
    again = _written(there, value)
    back = _written(here, there.parse(again))
    if row.kind.parse(back) != row.kind.parse(raw):
        yield f"`{raw}` of {name} comes back as `{_shown(back)}`"


def _written(cells: Cells, value: Any) -> Any:
    raws = cells.render(value)
    return raws[0] if len(raws) == 1 else raws


def _value_returns(kind: Kind, cells: Cells, name: str, value: Any) -> Iterator[str]:
    try:
        back = cells.parse(_written(cells, value))
    except Untranslatable as error:
        yield f"{_shown(value)} cannot go to {name}: {error}"
        return
    if back != value:
        yield f"{_shown(value)} comes back from {name} as {_shown(back)}"


def _line_returns(cells: Cells, name: str, line: str) -> Iterator[str]:
    """A line of a column table, with something no other line names where it says `any`."""
    raws = tuple("\0" if raw is LEAVE else raw for raw in cells.render(line))
    try:
        back = cells.parse(raws[0] if len(raws) == 1 else raws)
    except Untranslatable:
        back = UNREAD
    if back != line:
        yield f"the line `{line}` comes back from {name} as `{back}`"


def _shown(value: Any) -> str:
    if isinstance(value, list | frozenset):
        return ", ".join(sorted(map(str, value)))
    return f"{value.amount} {value.currency or ''}".strip() if isinstance(value, Money) else str(value)


def _samples(row: Field) -> tuple[Any, ...]:
    if row.table is not None or row.lines:
        return ()
    if row.type == "money" and "currency" in row.source:
        return (Money(Decimal("12.00"), str(row.source["currency"])),)
    if row.type == "decimal" and "places" in row.source:
        return (Decimal(7), Decimal(-3))
    return _SAMPLES.get(row.type, ())


_SAMPLES: dict[str, tuple[Any, ...]] = {
    "text": ("Ana Lund", "Åse Ødegård", "x", "Anna Maria van der Berg"),
    "integer": (0, 1, -40, 2**31),
    "decimal": (Decimal(0), Decimal("0.10"), Decimal("-12345678.9012")),
    "money": (Money(Decimal("1250.50"), "EUR"), Money(Decimal(90000), "JPY"), Money(Decimal("0.125"), "KWD")),
    "boolean": (True, False),
    "date": (date(2026, 1, 1), date(2024, 2, 29), date(2026, 12, 31)),
    "instant": (datetime(2026, 3, 29, 1, 30, tzinfo=UTC), datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC)),
    "email": ("ana@lund.example", "a.b+c@x.example"),
    "phone": (read_phone("+4722123456", None), read_phone("+16502530000", None), read_phone("+390236618300", None)),
    "country": ("NO", "DE", "GB", "KR"),
    "currency": ("EUR", "JPY"),
    "choice": ("Some choice",),
    "user": ("4711",),
    "set": (frozenset({"a"}), frozenset({"b", "a"})),
}
