"""Reads `where` and `when`: a table of columns, each with a word, a list of words, or a table of tests."""

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any

from bridge.domain.guess import one_of
from bridge.files.document import Listing, Node, Place, Scalar, Table
from bridge.mapping.conditions import All, AnyOf, Bound, Condition, Empty, Not, Range, Words
from bridge.mapping.paths import Path
from bridge.mapping.section import Section
from bridge.mapping.types.dates import parse_date, parse_instant
from bridge.mapping.values import Untranslatable

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
