"""What an account changed about the columns of an entity, and which mappings the changes concern. Pure."""

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as MappingOf
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from bridge.domain.catalog import Column, ColumnSpec
from bridge.domain.record import Side
from bridge.mapping.check_columns import words_of
from bridge.mapping.conditions import Leaf, Words, leaves
from bridge.mapping.model import Field, Mapping
from bridge.mapping.paths import parse_path

Columns = MappingOf[str, ColumnSpec]
NAMED = 5


class What(StrEnum):
    """What happened to a column."""

    GONE = "gone"
    TYPE = "type"
    REQUIRED = "required"
    READ_ONLY = "read-only"
    OPTIONS_GONE = "options gone"
    SHORTER = "shorter"
    NEW = "new"
    OPTIONS_NEW = "new options"
    EASED = "eased"  # no longer required or read-only, or it takes longer text


class Level(StrEnum):
    """What a change means for the mappings. FAIL: the mapping's use of the column no longer works."""

    FAIL = "fail"
    WARN = "warn"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `text`: what changed, as a sentence without subject. `options`: options that are gone or new."""

    column: str
    what: What
    text: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Concern:
    """A change and what it means. `mappings`: the names of the mappings that it concerns; none if it is information."""

    change: Change
    level: Level
    mappings: tuple[str, ...] = ()


def changes(before: Columns, now: Columns, fixed: Columns) -> list[Change]:
    """Return everything that differs, by column. `fixed`: columns that every account of the product has. An account may
    only narrow these, so one that it does not list is not gone."""
    found: list[Change] = []
    for name in sorted(before.keys() | now.keys()):
        was, is_ = before.get(name), now.get(name)
        if was is None and is_ is not None:
            found += _new(name, is_)
        elif is_ is None and name not in fixed:
            found.append(Change(name, What.GONE, "is gone"))
        elif was is not None and is_ is not None:
            found += _differences(name, was, is_)
    return found


def _new(name: str, spec: ColumnSpec) -> Iterator[Change]:
    yield Change(name, What.NEW, f"is new ({spec.type})")
    if spec.required and spec.writable:
        yield Change(name, What.REQUIRED, "is new, and every record needs it")


def _differences(name: str, was: ColumnSpec, now: ColumnSpec) -> Iterator[Change]:
    if was.type is not now.type:
        yield Change(name, What.TYPE, f"holds {now.type} now; it held {was.type}")
    if now.required and not was.required:
        yield Change(name, What.REQUIRED, "is required now")
    if was.writable and not now.writable:
        yield Change(name, What.READ_ONLY, "is read-only now")
    if was.required and not now.required:
        yield Change(name, What.EASED, "is not required any more")
    if now.writable and not was.writable:
        yield Change(name, What.EASED, "can be written now")
    if was.max_length != now.max_length and now.max_length is not None:
        shorter = was.max_length is None or now.max_length < was.max_length
        text = f"takes {now.max_length} characters now" + (f"; it took {was.max_length}" if was.max_length else "")
        yield Change(name, What.SHORTER if shorter else What.EASED, text)
    yield from _options(name, was, now)


def _options(name: str, was: ColumnSpec, now: ColumnSpec) -> Iterator[Change]:
    """Yield changes of options. If an account lists no options, before or now, there is nothing to compare."""
    if now.type is not was.type or now.type not in (Column.CHOICE, Column.SET) or not (was.choices and now.choices):
        return
    gone = tuple(word for word in was.choices if word not in now.choices)
    new = tuple(word for word in now.choices if word not in was.choices)
    if len(gone) == len(new) == 1:
        yield Change(name, What.OPTIONS_GONE, f"offers {_listed(new)} in place of {_listed(gone)}", gone)
        return
    if gone:
        yield Change(name, What.OPTIONS_GONE, f"does not offer {_listed(gone)} any more", gone)
    if new:
        yield Change(name, What.OPTIONS_NEW, f"offers {_listed(new)} now", new)


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words[:NAMED]) + (", ..." if len(words) > NAMED else "")


def concerns(found: list[Change], uses: list[tuple[Mapping, Side]]) -> list[Concern]:
    """Return each change with its worst meaning for a mapping. `uses`: mappings of this entity, with its side."""
    return [_concern(change, uses) for change in found]


def _concern(change: Change, uses: list[tuple[Mapping, Side]]) -> Concern:
    levels = {mapping.name: _level(change, mapping, side) for mapping, side in uses}
    for level in (Level.FAIL, Level.WARN):
        if level in levels.values():
            return Concern(change, level, tuple(sorted(name for name, one in levels.items() if one is not Level.INFO)))
    return Concern(change, Level.INFO)


def _level(change: Change, mapping: Mapping, side: Side) -> Level:
    rows = [row for row in mapping.fields if change.column in _columns(row, side)]
    filtered = any(leaf.path.column == change.column for leaf in _tests(mapping, side))
    marked = side in mapping.marker and parse_path(mapping.marker[side]).column == change.column
    written = [row for row in rows if side in row.flows]
    match change.what:
        case What.GONE | What.TYPE:
            return Level.FAIL if rows or filtered or marked else Level.INFO
        case What.READ_ONLY:
            return Level.FAIL if written or (filtered and side in mapping.creates) or marked else Level.INFO
        case What.REQUIRED:
            if side not in mapping.creates or filtered or any(row.required or row.set_on for row in written):
                return Level.INFO
            return Level.WARN if written else Level.FAIL
        case What.SHORTER:
            return Level.WARN if written else Level.INFO
        case What.OPTIONS_GONE:
            return Level.WARN if _uses_options(change, mapping, side, rows) else Level.INFO
    return Level.INFO


def _uses_options(change: Change, mapping: Mapping, side: Side, rows: list[Field]) -> bool:
    """Return whether a table, a constant or a filter names a changed option, or a field rule without a table may write
    one."""
    wanted = _words(leaf for leaf in _tests(mapping, side) if leaf.path.column == change.column)
    for row in rows:
        words = words_known(row, mapping, side, change.column)
        if words is None and side in row.flows:
            return True
        wanted |= words or set()
    return bool(wanted & set(change.options))


def _tests(mapping: Mapping, side: Side) -> Iterator[Leaf]:
    """Yield the tests of that side's columns in `where` and in every field rule's `when`."""
    yield from leaves(mapping.side(side).where)
    for row in mapping.fields:
        if side in row.when:
            yield from leaves(row.when[side])


def _words(asked: Iterable[Leaf]) -> set[str]:
    return {str(word) for leaf in asked if isinstance(leaf, Words) for word in leaf.words}


def words_known(row: Field, mapping: Mapping, side: Side, column: str) -> set[str] | None:
    """Return the words of that column that the field rule names; None if it reads and writes any word."""
    columns = row.columns_of(side)
    if columns is None or (row.table is None and row.set_on is None and not row.lines):
        return None
    role = mapping.side(side).name
    named = [words_of(row, role, path.text, side, at) for at, path in enumerate(columns.paths) if path.column == column]
    return {word for words in named for word in words}


def _columns(row: Field, side: Side) -> set[str]:
    columns = row.columns_of(side)
    return {path.column for path in columns.paths} if columns is not None else set()


def names_used(mapping: Mapping, side: Side) -> set[str]:
    """Return the names of all columns of that side that the mapping uses, and all words that it names there."""
    used = _words(_tests(mapping, side))
    for row in mapping.fields:
        for column in _columns(row, side):
            used.add(column.removeprefix("custom."))
            used |= words_known(row, mapping, side, column) or set()
    return used


def dumped(columns: Columns) -> dict[str, dict[str, Any]]:
    """Return the columns in a form for JSON. Properties with their default value are left out."""
    empty = asdict(ColumnSpec(Column.TEXT))
    return {
        name: {"type": spec.type.value, **{k: v for k, v in asdict(spec).items() if k != "type" and v != empty[k]}}
        for name, spec in columns.items()
    }


def loaded(kept: MappingOf[str, MappingOf[str, Any]]) -> dict[str, ColumnSpec]:
    """Return the columns that `dumped` got. Properties that a later version added are left out."""
    known = set(ColumnSpec.__dataclass_fields__) - {"type", "choices", "parts"}
    return {
        name: ColumnSpec(
            Column(values["type"]),
            choices=tuple(values.get("choices", ())),
            parts=tuple(values.get("parts", ())),
            **{key: value for key, value in values.items() if key in known},
        )
        for name, values in kept.items()
    }
