"""Conditions on a record's columns, as in `where` and `when`: one word, several words, ranges, emptiness, combined.

A condition holds (True), does not hold (False), or is unknown (None) because one of its columns was not read.
"""

from collections.abc import Callable, Iterator
from dataclasses import field
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from itertools import product
from typing import Any

from bridge.domain.frozen import dataclass
from bridge.domain.guess import one_of
from bridge.domain.record import Fields
from bridge.files.document import Listing, Node, Place, Scalar, Table
from bridge.mapping.paths import Path
from bridge.mapping.section import Section
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


# ---- Reading them: a table of columns, each with a word, a list of words, or a table of tests ----


ENDS = {"less": (False, False), "at-most": (False, True), "greater": (True, False), "at-least": (True, True)}
"""For each word: whether it is the low end of a range, and whether the end belongs to the range."""
TESTS = ("in", "not", *ENDS, "between", "empty")
GROUPS = ("any-of", "none-of")
_SHAPE = "write COLUMN: WORD, COLUMN: [WORD, WORD], or COLUMN: {TEST: ...} with one of: " + ", ".join(TESTS)


def read_condition(table: Section | None, zone: tzinfo = UTC) -> All:
    """Return the condition; without a table it always holds. `zone`: for days and moments that name no zone."""
    if table is None:
        return All()
    parts: list[Condition] = []
    for key, node in table.table.entries.items():
        table.known.add(key)
        if key in GROUPS:
            parts += _group(table, key, node, zone)
            continue
        path = table.compile_path(key, table.at(key))
        if path is not None:
            parts += _column(table, key, path, node, zone)
    return All(tuple(parts))


def _group(table: Section, key: str, node: Node, zone: tzinfo) -> Iterator[Condition]:
    """Yield the condition of `any-of: [{...}, {...}]` or `none-of`, which are lists of conditions."""
    items = node.items if isinstance(node, Listing) else (node,)
    tables = [Section(item, f"`{key}` of {table.what}", table.problems) for item in items if isinstance(item, Table)]
    if len(tables) < len(items) or not tables:
        what = f"`{key}` of {table.what} must be a list of conditions"
        table.problems.add(node.place, what, f"write {key}: [{{COLUMN: WORD}}, {{COLUMN: WORD}}]")
        return
    either = AnyOf(tuple(read_condition(one, zone) for one in tables))
    yield either if key == "any-of" else Not(either)


def _column(table: Section, key: str, path: Path, node: Node, zone: tzinfo) -> Iterator[Condition]:
    if isinstance(node, Table):
        tests = Section(node, f"`{key}` of {table.what}", table.problems)
        yield from _tests(tests, path, zone)
        tests.finish()
        return
    words = _words(table, key, node)
    if words:
        yield Words(path, words, node.place)


def _words(table: Section, key: str, node: Node) -> tuple[Any, ...]:
    """Return one word or a list of words as a tuple; () after a problem."""
    items = node.items if isinstance(node, Listing) else (node,)
    words = tuple(item.value() for item in items if isinstance(item, Scalar) and not item.null)
    if len(words) < len(items) or not words:
        remedy = f"for an empty column write {key}: {{empty: true}}" if _some_null(items) else _SHAPE
        table.problems.add(node.place, f"`{key}` of {table.what} must be one word or a list of words", remedy)
        return ()
    return words


def _some_null(items: tuple[Node, ...]) -> bool:
    return any(isinstance(item, Scalar) and item.null for item in items)


def _tests(tests: Section, path: Path, zone: tzinfo) -> Iterator[Condition]:
    """Yield every test of one column; all of them must hold."""
    tests.known.update(TESTS)
    entries = tests.table.entries
    if not entries:
        tests.problems.add(tests.place, f"{tests.what} has no test", one_of("", TESTS))
    if "in" in entries and (words := _words(tests, "in", entries["in"])):
        yield Words(path, words, tests.at("in"))
    if "not" in entries:
        yield from _negated(tests, path, entries["not"], zone)
    if "empty" in entries:
        empty = Empty(path, tests.at("empty"))
        yield empty if tests.flag("empty", default=True) else Not(empty)
    yield from _range(tests, path, zone)


def _negated(tests: Section, path: Path, node: Node, zone: tzinfo) -> Iterator[Condition]:
    """Yield the condition of `not: A`, `not: [A, B]`, or `not` with further tests."""
    if isinstance(node, Table):
        inner = Section(node, f"`not` of {tests.what}", tests.problems)
        parts = tuple(_tests(inner, path, zone))
        inner.finish()
        if parts:
            yield Not(parts[0] if len(parts) == 1 else All(parts))
    elif words := _words(tests, "not", node):
        yield Not(Words(path, words, node.place))


def _range(tests: Section, path: Path, zone: tzinfo) -> Iterator[Condition]:
    """Yield the range of a column, if it has one. `between` names both ends, and both belong to the range."""
    ends: list[tuple[str, bool, bool, Bound]] = []
    for word, (low, inclusive) in ENDS.items():
        if word in tests.table.entries:
            ends += [(word, low, inclusive, one) for one in _bounds(tests, word, zone, 1)]
    if "between" in tests.table.entries:
        both = _bounds(tests, "between", zone, 2)
        ends += [("between", low, True, one) for low, one in zip((True, False), both, strict=False)]
    place = tests.at(ends[0][0]) if ends else tests.place
    for low in (True, False):
        named = [word for word, is_low, *_ in ends if is_low is low]
        if len(named) > 1:
            what = f"{tests.what} has two {'lower' if low else 'upper'} ends: {' and '.join(named)}"
            tests.problems.add(place, what, "keep one of them")
            return
    if not ends:
        return
    found = {is_low: (one, inclusive) for _, is_low, inclusive, one in ends}
    low_end, high_end = found.get(True, (None, False)), found.get(False, (None, False))
    if not _in_order(tests, place, low_end[0], high_end[0]):
        return
    yield Range(path, low_end[0], high_end[0], (low_end[1], high_end[1]), place, zone)


def _in_order(tests: Section, place: Place, low: Any, high: Any) -> bool:
    if low is None or high is None:
        return True
    if type(low) is not type(high):
        what = f"the ends of {tests.what} are {low} and {high}, which cannot be compared"
        tests.problems.add(place, what, "write two numbers, two days or two moments")
        return False
    if low > high:
        what = f"no value lies between the ends of {tests.what}: {low} and {high}"
        tests.problems.add(place, what, "write the smaller one first")
    return bool(low <= high)


def _bounds(tests: Section, word: str, zone: tzinfo, count: int) -> list[Bound]:
    node = tests.table.entries[word]
    items = node.items if isinstance(node, Listing) else (node,)
    ends = [end for item in items if isinstance(item, Scalar) and (end := _bound(item, zone)) is not None]
    if len(ends) == len(items) == count:
        return ends
    told = "a number, a day or a moment" if count == 1 else "two numbers, two days or two moments"
    example = f"{word}: 1000 or {word}: 2026-03-31" if count == 1 else f"{word}: [100, 500]"
    tests.problems.add(node.place, f"`{word}` of {tests.what} must be {told}", f"write {example}")
    return []


def _bound(item: Scalar, zone: tzinfo) -> Bound | None:
    value = item.value()
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | Decimal):
        return Decimal(value)
    try:
        return parse_date(value)
    except Untranslatable:
        pass
    try:
        found: datetime | None = parse_instant(value, zone)
    except Untranslatable:
        return None
    return found
