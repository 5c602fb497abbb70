"""The round-trip check: what a two-way field rule writes on one side, it must read again as the same value.

Words and lines of tables are tried exhaustively, other values by samples. `lossy: true` in a field rule accepts values
that do not return.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from bridge.domain.errors import Problem
from bridge.domain.frozen import dataclass, replace
from bridge.domain.record import SIDES, Side
from bridge.mapping.model import Field, Mapping, SideColumns
from bridge.mapping.types.contact import read_phone
from bridge.mapping.values import LEAVE, UNREAD, Money, Untranslatable

RAISED = "function "  # a message about an operator's own function begins with this


class Verdict(StrEnum):
    HOLDS = "holds"
    LOSES = "loses values"
    ACCEPTED = "loses values, accepted by lossy: true"
    ONE_WAY = "one way, nothing has to return"
    CONSTANT = "a constant, nothing has to return"
    LINK = "a link, resolved record by record"


@dataclass(frozen=True, slots=True)
class Broken:
    """One value that does not return, and what to write instead."""

    what: str
    instead: str


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """The result for one field rule. `tried`: the number of values. `exhaustive`: there are no other values."""

    field: str
    verdict: Verdict
    tried: int = 0
    exhaustive: bool = False
    broken: tuple[Broken, ...] = ()

    @property
    def how(self) -> str:
        """How the rule was tried, for people."""
        if not self.tried:
            return "not tried"
        return f"exhaustively, {self.tried} values" if self.exhaustive else f"sampled, {self.tried} values"

    def __str__(self) -> str:
        head = f"{self.field}: {self.verdict} ({self.how})"
        return "\n".join([head, *(f"  {one.what} - {one.instead}" for one in self.broken)])


def round_trips(mapping: Mapping) -> tuple[RoundTrip, ...]:
    """Return one result for each field rule, in file order."""
    return tuple(replace(_row(mapping, row), field=name) for name, row in _rows(mapping))


def _rows(mapping: Mapping) -> Iterator[tuple[str, Field]]:
    """Yield every field rule with its name; a rule of a list's lines is named like `products.price`."""
    for row in mapping.fields:
        if row.items is None:
            yield row.name, row
        else:
            yield from ((f"{row.name}.{one.name}", one) for one in row.items.fields)


def failed_round_trips(mapping: Mapping) -> Iterator[Problem]:
    """Yield problems for the field rules that lose values, unless they are `lossy`."""
    rows = dict(_rows(mapping))
    for result in round_trips(mapping):
        if result.verdict is Verdict.LOSES:
            row = rows[result.field]
            most = 1 if result.broken[0].what.startswith(RAISED) else 3
            told = "; ".join(one.what for one in result.broken[:most])
            more = f"; and {len(result.broken) - most} more" if len(result.broken) > most else ""
            what = f"field rule {result.field} of {mapping.name} loses values: {told}{more}"
            remedy = f"{result.broken[0].instead}, give the field rule a `from:`, or accept it with lossy: true"
            yield Problem(str(row.place), what, remedy)


def _row(mapping: Mapping, row: Field) -> RoundTrip:
    if row.set_on is not None:
        return RoundTrip(row.name, Verdict.CONSTANT)
    if row.link is not None:
        return RoundTrip(row.name, Verdict.LINK)
    if not row.two_way:
        return RoundTrip(row.name, Verdict.ONE_WAY)
    broken: list[Broken] = []
    tried = 0
    for source in SIDES:
        for trial in _trials(mapping, row, source):
            tried += 1
            broken += trial
    unique = tuple(dict.fromkeys(broken))
    verdict = Verdict.HOLDS if not unique else Verdict.ACCEPTED if row.lossy else Verdict.LOSES
    exhaustive = row.type == "boolean" or bool(row.lines) or (row.table is not None and not _open_table(row))
    return RoundTrip(row.name, verdict, tried, exhaustive, unique)


def _open_table(row: Field) -> bool:
    return row.source.get("unlisted") == "keep"


def _trials(mapping: Mapping, row: Field, source: Side) -> Iterator[list[Broken]]:
    """Yield one list for each value that `source` can show; it is empty if the value returned."""
    here, there = row.columns_of(source), row.columns_of(source.other)
    assert here is not None
    assert there is not None
    name, other = mapping.side(source).name, mapping.side(source.other).name
    if row.table is not None:
        yield from _table_trials(row, source, name)
    for line in row.lines:
        yield list(_line_returns(here, name, line))
    for value in _values(row, here, there):
        yield [one for columns, at in ((there, other), (here, name)) for one in _value_returns(row, columns, at, value)]


def _values(row: Field, columns: SideColumns, other: SideColumns) -> list[Any]:
    """Return canonical values that this side can show, from the samples of its functions and of the type."""
    if other.closed:
        columns = other
    if not columns.via:
        return list(samples(row))
    raws = list(columns.samples)
    for value in () if columns.closed else samples(row):
        with suppress(Untranslatable):  # this side can never show this value
            raws.append(_written(columns, value))
    found: dict[Any, None] = {}
    for raw in raws:
        with suppress(Untranslatable):
            value = columns.parse(raw)
            found.update({} if value is None or value is UNREAD else {value: None})
    return list(found)


def _table_trials(row: Field, source: Side, name: str) -> Iterator[list[Broken]]:
    """Yield the trial of each word of a value table: it is read here, written there, read there and written here."""
    assert row.table is not None
    pairs = [(row.kind.parse(left), row.kind.parse(right)) for left, right in row.table.items()]
    if source is Side.RIGHT:
        pairs = [(right, left) for left, right in pairs]
    there = dict(reversed(pairs))
    back = {other: here for here, other in reversed(pairs)}
    for word in there:
        again = back[there[word]]
        told = f"`{_shown(word)}` of {name} comes back as `{_shown(again)}`"
        yield [] if again == word else [Broken(told, f"give `{_shown(word)}` a word of its own on the other side")]


def _written(columns: SideColumns, value: Any) -> Any:
    raws = columns.render(value)
    return raws[0] if len(raws) == 1 else raws


def _value_returns(row: Field, columns: SideColumns, name: str, value: Any) -> Iterator[Broken]:
    try:
        back = columns.parse(_written(columns, value))
    except Untranslatable as error:
        if str(error).startswith(RAISED):
            yield Broken(f"{error}", "correct the function")
        else:
            yield Broken(f"{_shown(value)} cannot go to {name}: {error}", _instead(row, columns, name))
        return
    if back != value:
        yield Broken(f"{_shown(value)} comes back from {name} as {_shown(back)}", _instead(row, columns, name))


def _instead(row: Field, columns: SideColumns, name: str) -> str:
    if columns.via:
        return f"use the functions of {name} ({', '.join(columns.via)}) on both sides"
    if "format" in row.source and "text" in columns.parts:
        return "let the format show the whole value" + (", or round it with places" if row.type == "decimal" else "")
    if row.type == "money":
        return f"name {name}'s currency column, or give the field rule the one currency it has"
    if row.type in ("decimal", "instant", "date"):
        return f"use a column of {name} that holds the whole value"
    return "make the field rule translate in both directions"


def _line_returns(columns: SideColumns, name: str, line: str) -> Iterator[Broken]:
    """Try one line of a column table. A column with `any` gets a word that no line names."""
    raws = tuple("\0" if raw is LEAVE else raw for raw in columns.render(line))
    try:
        back = columns.parse(raws[0] if len(raws) == 1 else raws)
    except Untranslatable:
        back = UNREAD
    if back != line:
        what = f"the line `{line}` comes back from {name} as `{back}`"
        yield Broken(what, f"move it above `{back}`, or make the columns of {name} tell them apart")


def _shown(value: Any) -> str:
    if isinstance(value, list | frozenset):
        return ", ".join(sorted(map(str, value)))
    if isinstance(value, tuple):
        return " | ".join("" if part is None else str(part) for part in value)
    return f"{value.amount} {value.currency or ''}".strip() if isinstance(value, Money) else str(value)


# ---- Values of each type to try a field rule with ----


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
