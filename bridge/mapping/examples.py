"""The examples (`tests:`) of mapping files: how they are read, and how they are run. Each example crosses in every
direction that its mapping writes.
"""

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as MappingOf
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from bridge.domain.errors import MappingFailed
from bridge.domain.frozen import dataclass
from bridge.domain.record import Side
from bridge.files.document import Listing, Place, Scalar, Table, plain
from bridge.mapping.conditions import leaves
from bridge.mapping.model import Example, Mapping
from bridge.mapping.section import Section
from bridge.mapping.translate import for_create, off_in_new, passes_where, read, side_keys, write
from bridge.mapping.types.choice import choice_text
from bridge.mapping.values import LEAVE, UNREAD, Reference, Untranslatable, is_empty, parts_of, with_parts

# ---- Reading `tests:` blocks ----


def read_examples(section: Section, named: MappingOf[str, Side]) -> tuple[Example, ...]:
    """Return the examples. Each entry has a name and one record for each side, by paths. `links` are pairs of ids;
    `only: crm -> erp` means one direction."""
    left, right = named
    found = []
    for item in section.items("tests"):
        if not isinstance(item, Table):
            section.problems.add(
                item.place, f"a test of {section.what} must be a table", f"write - name: ..., {left}: ..., {right}: ..."
            )
            continue
        test = Section(item, "this test", section.problems)
        name = test.text("name") or f"test in line {item.place.line}"
        test.what = f"test `{name}`"
        records = [_record(test, side) for side in (left, right)]
        links = _links(test)
        only = test.word("only", ("both", f"{left} -> {right}", f"{right} -> {left}"), "both")
        to = {f"{left} -> {right}": Side.RIGHT, f"{right} -> {left}": Side.LEFT}.get(only)
        test.finish()
        found.append(Example(name, records[0], records[1], links, item.place, to))
    return tuple(found)


def _record(test: Section, side: str) -> dict[str, Any]:
    """Return the record's `Fields`, built from its paths."""
    table = test.sub(side)
    if table is None:
        test.problems.add(test.place, f"{test.what} has no record for {side}", f"add {side}: {{column: value}}")
        return {}
    fields: dict[str, Any] = {}
    for key, node in table.table.entries.items():
        path = table.compile_path(key, table.at(key))
        if path is not None:
            path.put(fields, {}, plain(node))
    return fields


def _links(test: Section) -> dict[str, tuple[tuple[str, str], ...]]:
    table = test.sub("links")
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for mapping, node in (table.table.entries if table is not None else {}).items():
        pairs = node.items if isinstance(node, Listing) else ()
        ids = [
            tuple(c.text for c in pair.items if isinstance(c, Scalar)) for pair in pairs if isinstance(pair, Listing)
        ]
        if not ids or any(len(pair) != 2 for pair in ids):
            test.problems.add(
                node.place, f"`links` of {test.what} must list pairs of ids", f"write {mapping}: [[7, c-7]]"
            )
            continue
        found[mapping] = tuple((pair[0], pair[1]) for pair in ids)
    return found


# ---- Running the examples ----


@dataclass(frozen=True, slots=True)
class Difference:
    """One column with another value than expected; `found` is None when the column is empty."""

    column: str
    expected: str | None
    found: str | None
    why: str = ""

    def __str__(self) -> str:
        if self.expected is None and self.found is None:
            return f"{self.column}: {self.why}"
        text = f"{self.column}: expected {self.expected or 'nothing'}, found {self.found or 'nothing'}"
        return f"{text} ({self.why})" if self.why else text


@dataclass(frozen=True, slots=True)
class TestResult:
    """One example in one direction (`crm -> erp`)."""

    __test__ = False  # not a test class, whatever its name begins with

    mapping: str
    name: str
    direction: str
    place: Place
    differences: tuple[Difference, ...]

    @property
    def passed(self) -> bool:
        return not self.differences

    def __str__(self) -> str:
        head = f"{self.mapping}: {self.name} ({self.direction})"
        return head if self.passed else "\n  ".join([f"{self.place}: {head}", *map(str, self.differences)])


def run_tests(mappings: Iterable[Mapping]) -> list[TestResult]:
    """Run every example of every mapping, in each direction. No content of an example makes it raise."""
    results: list[TestResult] = []
    for mapping, example in ((each, example) for each in mappings for example in each.examples):
        targets = [side for side in (Side.RIGHT, Side.LEFT) if side in mapping.writes and example.to in (None, side)]
        results += [_run(mapping, example, target) for target in targets]
        results += [] if mapping.writes else [_paired(mapping, example)]
    return results


def _paired(mapping: Mapping, example: Example) -> TestResult:
    """Run an example of a mapping that writes nothing: both records must have a match key in common."""
    left, right = read(mapping, Side.LEFT, example.left), read(mapping, Side.RIGHT, example.right)
    crossed, found = _crossed(left.values, example, Side.RIGHT)
    found += [Difference(problem.field, None, None, problem.message) for problem in (*left.problems, *right.problems)]
    if not found and not set(side_keys(mapping, crossed)) & set(side_keys(mapping, right.values)):
        found.append(Difference("match", None, None, "no match key is the same on both sides"))
    direction = f"{mapping.left.name} = {mapping.right.name}"
    return TestResult(mapping.name, example.name, direction, example.place, tuple(found))


def _run(mapping: Mapping, example: Example, target: Side) -> TestResult:
    given, wanted = (example.left, example.right) if target is Side.RIGHT else (example.right, example.left)
    source = target.other
    direction = f"{mapping.side(source).name} -> {mapping.side(target).name}"
    try:
        differences = tuple(_differences(mapping, example, target, given, wanted))
    except MappingFailed as error:
        differences = tuple(Difference(problem.field, None, None, problem.message) for problem in error.problems)
    return TestResult(mapping.name, example.name, direction, example.place, differences)


def _differences(
    mapping: Mapping, example: Example, target: Side, given: MappingOf[str, Any], wanted: MappingOf[str, Any]
) -> Iterator[Difference]:
    reading = read(mapping, target.other, given)
    if reading.problems:
        raise MappingFailed(list(reading.problems))
    if passes_where(mapping, target.other, given) is False:
        yield Difference("where", "a record of this mapping", "one its filter leaves out")
    values, unlinked = _crossed(reading.values, example, target)
    yield from unlinked
    switched_off = _switched_off(mapping, target, values, wanted, reading.off)
    values = {name: value for name, value in values.items() if name not in switched_off}
    if target in mapping.creates:
        made = for_create(mapping, target, values, switched_off)
    else:
        filled = {n: v for n, v in values.items() if not is_empty(v) and target in mapping.named[n].flows}
        made = write(mapping, target, filled, {})
    yield from _compared(mapping, target, values, wanted, made, switched_off - reading.off)


def _switched_off(
    mapping: Mapping, target: Side, values: MappingOf[str, Any], wanted: MappingOf[str, Any], off: frozenset[str]
) -> frozenset[str]:
    """Return the field rules whose `when` does not hold for the example's record. A column that the example does not
    show counts as in a new record."""
    if not mapping.gates[target]:
        return off
    in_new = off_in_new(mapping, target, values, off) if target in mapping.creates else off
    found = {name: condition.holds(wanted) for name, condition in mapping.gates[target]}
    return off | {name for name, holds in found.items() if holds is False or (holds is None and name in in_new)}


def _compared(
    mapping: Mapping,
    target: Side,
    values: MappingOf[str, Any],
    wanted: MappingOf[str, Any],
    made: MappingOf[str, Any],
    switched_off: frozenset[str],
) -> Iterator[Difference]:
    """Yield the differences. `switched_off`: field rules whose `when` does not hold; the example may show their columns
    for the other direction."""
    rows, silent = _columns(mapping, target, values)
    silent |= {
        path.whole
        for name in switched_off
        if (columns := mapping.named[name].columns_of(target))
        for path in columns.paths
    }
    listed = [path for path in _leaves(wanted) if path not in silent]
    for path in listed:
        expected, found = _at(wanted, path), _at(made, path)
        if path not in rows:
            yield Difference(_text(path), _show(expected), None, "no field rule writes this column")
        elif not _equal(expected, found):
            yield Difference(_text(path), _show(expected), _show(found), f"field rule {rows[path]}")
    for path in _leaves(made):
        if path not in silent and path not in listed:
            yield Difference(_text(path), None, _show(_at(made, path)), "not in the example")


def _crossed(values: MappingOf[str, Any], example: Example, target: Side) -> tuple[dict[str, Any], list[Difference]]:
    """Return the values with references to the other side's records, by the example's links, and what is missing."""
    crossed, unlinked = {}, []
    for name, value in values.items():
        named = [one for one in parts_of(value) if isinstance(one, Reference)]
        there = {one: _there(one, example, target) for one in named}
        missing = next((one for one in named if there[one] is None), None)
        if missing is not None:
            why = f"`links` of the example does not name {missing.mapping} {missing.id}"
            unlinked.append(Difference(name, "a linked record", None, why))
        elif value is not UNREAD:
            crossed[name] = with_parts(value, partial(_replaced, there))
    return crossed, unlinked


def _there(one: Reference, example: Example, target: Side) -> Reference | None:
    pairs = example.links.get(one.mapping, ())
    known = dict(pairs) if target is Side.RIGHT else {right: left for left, right in pairs}
    return Reference(one.mapping, target, known[one.id]) if one.id in known else None


def _replaced(there: MappingOf[Reference, Any], value: Any) -> Any:
    return there[value] if isinstance(value, Reference) else value


def _columns(
    mapping: Mapping, target: Side, values: MappingOf[str, Any]
) -> tuple[dict[tuple[str, ...], str], set[tuple[str, ...]]]:
    """Return for each column the field rule that writes it, and the columns that are not compared: an example need not
    show them, or shows them only for the other direction."""
    rows: dict[tuple[str, ...], str] = {}
    silent = {path.whole for path, _ in mapping.side(target).fixed}
    for row in mapping.fields:
        columns = row.columns_of(target)
        if columns is None:
            continue
        for path in columns.paths:
            rows[path.whole] = row.name
        if row.set_on is not None or target not in row.flows:
            silent |= {path.whole for path in columns.paths}
            continue
        try:
            raws = columns.render(values.get(row.name))
        except Untranslatable:
            continue
        silent |= {path.whole for path, raw in zip(columns.paths, raws, strict=True) if raw is LEAVE}
    conditions = [mapping.side(target).where, *(condition for _, condition in mapping.gates[target])]
    asked = {leaf.path.whole for condition in conditions for leaf in leaves(condition)}
    return rows, silent | (asked - rows.keys())


def _leaves(record: MappingOf[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in record.items():
        if isinstance(value, MappingOf):
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key)


def _at(record: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        record = record.get(step) if isinstance(record, MappingOf) else None
    return record


def _text(path: tuple[str, ...]) -> str:
    return ".".join(f'"{step}"' if "." in step else step for step in path)


def _show(value: Any) -> str | None:
    if is_empty(value):
        return None
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, list):
        return ", ".join(str(item.get("value", item) if isinstance(item, MappingOf) else item) for item in value)
    return str(value)


def _equal(expected: Any, found: Any) -> bool:
    """Return whether a value of an example equals a record's. Files hold texts and numbers, records typed values."""
    if is_empty(expected) or is_empty(found):
        return is_empty(expected) and is_empty(found)
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(_equal, expected, found))
    if isinstance(found, MappingOf) and isinstance(expected, MappingOf):
        return all(_equal(expected.get(key), found.get(key)) for key in {*found, *expected})
    if isinstance(found, MappingOf) or isinstance(expected, MappingOf | list):
        return bool(expected == found)
    if isinstance(found, datetime):
        return _moment(expected) == found
    if isinstance(found, Decimal):
        return isinstance(expected, int | Decimal) and Decimal(expected) == found
    if isinstance(found, date):
        return bool(str(expected) == found.isoformat())
    return choice_text(expected) == choice_text(found)


def _moment(expected: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(expected))
    except ValueError:
        return None
