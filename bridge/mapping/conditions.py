"""Conditions on a record's columns, as in `where` and `when`: one word, several words, ranges, emptiness, combined.

A condition holds (True), does not hold (False), or is unknown (None) because one of its columns was not read.
"""

from collections.abc import Callable, Iterator
from dataclasses import field
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from itertools import product
from typing import Any

from bridge.domain.record import Fields
from bridge.domain.values import dataclass
from bridge.files.document import Place
from bridge.mapping.paths import Path
from bridge.mapping.types.choice import choice_text
from bridge.mapping.types.dates import moved, parse_date, parse_instant
from bridge.mapping.types.numbers import parse_decimal
from bridge.mapping.values import UNREAD, Untranslatable, is_empty

Bound = Decimal | date | datetime
"""One end of a range. If a column holds moments, their day is the day in the zone of the side."""


@dataclass(frozen=True, slots=True)
class Words:
    """The column holds one of these words."""

    path: Path
    words: tuple[Any, ...]
    place: Place = field(compare=False)

    def holds(self, fields: Fields) -> bool | None:
        raw = self.path.get(fields)
        return None if raw is UNREAD else any(_is(raw, word) for word in self.words)

    def __str__(self) -> str:
        return f"{self.path.text} {'one of ' if len(self.words) > 1 else ''}{_listed(self.words)}"


@dataclass(frozen=True, slots=True)
class Range:
    """The column holds a number, a day or a moment between the ends; None: no end. `inclusive`: whether the low and the
    high end belong to the range."""

    path: Path
    low: Bound | None
    high: Bound | None
    inclusive: tuple[bool, bool]
    place: Place = field(compare=False)
    zone: tzinfo = UTC

    def holds(self, fields: Fields) -> bool | None:
        raw = self.path.get(fields)
        if raw is UNREAD:
            return None
        value = _measured(raw, self.low if self.low is not None else self.high, self.zone)
        return value is not None and self._after_low(value) and self._before_high(value)

    def _after_low(self, value: Any) -> bool:
        return self.low is None or value > self.low or (self.inclusive[0] and value == self.low)

    def _before_high(self, value: Any) -> bool:
        return self.high is None or value < self.high or (self.inclusive[1] and value == self.high)

    def __str__(self) -> str:
        low = f"{'at least' if self.inclusive[0] else 'greater than'} {self.low}"
        high = f"{'at most' if self.inclusive[1] else 'less than'} {self.high}"
        told = (low, high) if self.low is not None and self.high is not None else (low if self.high is None else high,)
        return f"{self.path.text} {' and '.join(told)}"


@dataclass(frozen=True, slots=True)
class Empty:
    """The column is empty."""

    path: Path
    place: Place = field(compare=False)

    def holds(self, fields: Fields) -> bool | None:
        raw = self.path.get(fields)
        return None if raw is UNREAD else is_empty(raw) or (isinstance(raw, str) and raw.isspace())

    def __str__(self) -> str:
        return f"{self.path.text} empty"


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold. For an empty column, `not: A` holds."""

    part: "Condition"

    def holds(self, fields: Fields) -> bool | None:
        found = self.part.holds(fields)
        return None if found is None else not found

    def __str__(self) -> str:
        one = self.part
        if isinstance(one, Words):
            return f"{one.path.text} not {_listed(one.words)}"
        return f"{one.path.text} not empty" if isinstance(one, Empty) else f"not ({one})"


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds. Without parts it always holds."""

    parts: tuple["Condition", ...] = ()

    def holds(self, fields: Fields) -> bool | None:
        unread = False
        for part in self.parts:
            found = part.holds(fields)
            if found is False:
                return False
            unread = unread or found is None
        return None if unread else True

    def __str__(self) -> str:
        return ", ".join(map(str, self.parts))


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple["Condition", ...]

    def holds(self, fields: Fields) -> bool | None:
        found = [part.holds(fields) for part in self.parts]
        return True if True in found else None if None in found else False

    def __str__(self) -> str:
        return " or ".join(f"({part})" for part in self.parts)


Leaf = Words | Range | Empty
Condition = Leaf | Not | All | AnyOf
ALWAYS = All()


def leaves(condition: Condition) -> Iterator[Leaf]:
    """Yield the parts of a condition that test one column."""
    if isinstance(condition, Not):
        yield from leaves(condition.part)
    elif isinstance(condition, All | AnyOf):
        for part in condition.parts:
            yield from leaves(part)
    else:
        yield condition


def fixed(condition: All) -> tuple[tuple[Path, Any], ...]:
    """Return the columns that must hold one certain word, with the word. New records get it."""
    return tuple((one.path, one.words[0]) for one in condition.parts if isinstance(one, Words) and len(one.words) == 1)


def exclude(one: Condition, two: Condition) -> bool:
    """Return whether no record can fulfil both; False if the conditions alone do not show it."""
    pairs = product(_parts(one), _parts(two))
    return any(_disjoint(a, b) or _disjoint(b, a) for a, b in pairs)


def _parts(condition: Condition) -> tuple[Condition, ...]:
    return condition.parts if isinstance(condition, All) else (condition,)


def _disjoint(a: Condition, b: Condition) -> bool:
    if isinstance(a, Words) and isinstance(b, Words):
        return _same_column(a, b) and not _spelled(a) & _spelled(b)
    if isinstance(b, Not) and isinstance(a, Words) and isinstance(b.part, Words):
        return _same_column(a, b.part) and _spelled(a) <= _spelled(b.part)
    if isinstance(b, Not) and isinstance(a, Leaf) and isinstance(b.part, Leaf):
        return a == b.part
    if isinstance(a, Empty) and isinstance(b, Words | Range):
        return _same_column(a, b)
    return isinstance(b, Not) and isinstance(b.part, Empty) and isinstance(a, Empty) and _same_column(a, b.part)


def _same_column(a: Leaf, b: Leaf) -> bool:
    return (a.path.steps, a.path.label) == (b.path.steps, b.path.label)


def _spelled(one: Words) -> set[str | None]:
    return {choice_text(word) for word in one.words}


def _is(raw: Any, wanted: Any) -> bool:
    """Return whether a raw value equals a word. Lists, days and the like equal no word."""
    try:
        return raw is not None and choice_text(raw) == choice_text(wanted)
    except Untranslatable:
        return False


def _measured(raw: Any, end: Bound | None, zone: tzinfo) -> Any:
    """Return a column's value in the form of the range's end; None if it is empty or cannot have that form."""
    if is_empty(raw) or isinstance(raw, bool):
        return None
    try:
        if isinstance(end, Decimal):
            return parse_decimal(raw)
        if isinstance(end, datetime):
            return _moment(raw, zone)
        if isinstance(raw, date) and not isinstance(raw, datetime):
            return raw
        return _either(parse_date, lambda value: _day(value, zone), raw)
    except Untranslatable:
        return None


def _either(one: Callable[[Any], Any], two: Callable[[Any], Any], raw: Any) -> Any:
    try:
        return one(raw)
    except Untranslatable:
        return two(raw)


def _moment(raw: Any, zone: tzinfo) -> datetime | None:
    if isinstance(raw, date) and not isinstance(raw, datetime):
        return datetime(raw.year, raw.month, raw.day, tzinfo=zone)
    return parse_instant(raw, zone)


def _day(raw: Any, zone: tzinfo) -> date | None:
    found = parse_instant(raw, zone)
    try:
        return None if found is None else moved(found, zone).date()
    except Untranslatable:  # at the ends of the calendar, such as 9999-12-31 for "never ends": take the day as written
        return None if found is None else found.date()


def _listed(words: tuple[Any, ...]) -> str:
    return ", ".join(str(word).lower() if isinstance(word, bool) else str(word) for word in words)
