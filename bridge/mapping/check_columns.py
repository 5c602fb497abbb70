"""Checks the columns that a mapping names against the entity's catalog."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from collections.abc import Mapping as MappingOf
from contextlib import suppress
from decimal import Decimal
from typing import Any

from bridge.domain.catalog import Column, ColumnSpec, EntityManifest, Manifest
from bridge.domain.errors import Problem
from bridge.domain.frozen import dataclass
from bridge.domain.guess import did_you_mean
from bridge.domain.record import Side
from bridge.files.document import Place
from bridge.mapping.conditions import Condition, Range, Words, exclude, leaves
from bridge.mapping.model import Field, Mapping, SideColumns
from bridge.mapping.paths import Path, parse_path
from bridge.mapping.tables import ANY
from bridge.mapping.values import Untranslatable

# The columns that each type can be read from and written to. DATE and INSTANT never replace each other.
_FITS: MappingOf[str, frozenset[Column]] = {
    "text": frozenset({Column.TEXT, Column.CHOICE}),
    "integer": frozenset({Column.INTEGER, Column.DECIMAL}),
    "decimal": frozenset({Column.DECIMAL, Column.INTEGER}),
    "money": frozenset({Column.DECIMAL, Column.INTEGER}),
    "boolean": frozenset({Column.BOOLEAN}),
    "date": frozenset({Column.DATE}),
    "instant": frozenset({Column.INSTANT}),
    "email": frozenset({Column.TEXT}),
    "phone": frozenset({Column.TEXT}),
    "country": frozenset({Column.TEXT, Column.CHOICE}),
    "currency": frozenset({Column.TEXT, Column.CHOICE}),
    "choice": frozenset({Column.CHOICE, Column.TEXT, Column.REFERENCE, Column.BOOLEAN}),
    "user": frozenset({Column.REFERENCE, Column.TEXT, Column.CHOICE}),
    "set": frozenset({Column.SET}),
    "link": frozenset({Column.REFERENCE, Column.TEXT}),
    "lines": frozenset({Column.LINES}),
}
ExtraColumns = MappingOf[tuple[str, str], MappingOf[str, ColumnSpec]]
"""Each account's columns by (side's name, entity): custom fields as `custom.<name>`, and fixed columns that it narrows.
An account that is left out was not read. A side's name means one account; a product may mean several."""

_NUMBERS = ("integer", "decimal", "money")
_TEXT_READS = frozenset({Column.INTEGER, Column.DECIMAL, Column.REFERENCE})


ANOTHER_COLUMN = "name a column that can be written"


@dataclass(frozen=True, slots=True)
class Catalog:
    """One side's columns. `role` is the side's name in files.

    `custom` None: the account's columns were not read, so any custom field is accepted.
    """

    name: str
    role: str
    side: Side
    entity: EntityManifest
    custom: MappingOf[str, ColumnSpec] | None
    product: str

    def spec(self, path: Path) -> ColumnSpec | None:
        """Return the column's spec. The account's own is preferred: it may narrow a fixed column, such as stages."""
        return (self.custom or {}).get(path.column) or self.entity.columns.get(path.column)


def catalog_of(
    mapping: Mapping, side: Side, manifests: MappingOf[str, Manifest], extra: ExtraColumns | None
) -> Catalog | None:
    """Return that side's columns; None for an unknown product or entity."""
    which = mapping.side(side)
    entities = manifests[which.product].entities if which.product in manifests else {}
    if which.entity not in entities:
        return None
    own = (extra or {}).get((which.name, which.entity))
    return Catalog(f"{which.product} {which.entity}", which.name, side, entities[which.entity], own, which.product)


def check_columns(mapping: Mapping, catalog: Catalog, mappings: tuple[Mapping, ...]) -> Iterator[Problem]:
    """Yield problems of one side: columns that are unknown, read-only, of another type, or required and not written."""
    side = catalog.side
    which = mapping.side(side)
    for row in mapping.fields:
        columns = row.columns_of(side)
        for path, place in zip(columns.paths, columns.places, strict=True) if columns is not None else ():
            yield from _path(catalog, path, place, f"field rule {row.name}", _only_read(catalog, row))
        yield from _types(catalog, row)
        yield from _choices(catalog, row)
        yield from _link(catalog, row, mappings)
        if row.items is not None and columns is not None:
            yield from _lines(catalog, row, columns, mappings)
        if side in row.when:
            yield from _condition(catalog, row.when[side], f"when of field rule {row.name}")
    yield from _same_item(catalog, mapping)
    got = {path for path, _ in which.fixed} if side in mapping.creates else set()  # new records get these
    yield from _condition(catalog, which.where, f"where of {mapping.name}", got)
    for path, wanted in which.fixed:
        yield from _written_filter(catalog, mapping, path, wanted)
    if side in mapping.creates:
        yield from _new_in_where(catalog, mapping)
    if side in mapping.marker:
        path = parse_path(mapping.marker[side])
        place = mapping.at(f"marker.{side.value}")
        yield from _path(catalog, path, place, f"marker of {mapping.name}", ANOTHER_COLUMN)
    if side in mapping.creates:
        yield from _required(catalog, mapping)


def _lines(catalog: Catalog, row: Field, columns: SideColumns, mappings: tuple[Mapping, ...]) -> Iterator[Problem]:
    """Check the field rules of a list's lines against the columns of such a line."""
    spec = catalog.spec(columns.paths[0])
    if spec is None or spec.type is not Column.LINES or row.items is None:
        return
    path = columns.paths[0].text
    name = f"{catalog.name} {path}"
    inner = Catalog(name, catalog.role, catalog.side, EntityManifest(spec.lines, custom=False), None, catalog.product)
    written: set[str] = set()
    for one in row.items.fields:
        there = one.columns_of(catalog.side)
        for column, place in zip(there.paths, there.places, strict=True) if there is not None else ():
            yield from _path(inner, column, place, f"field rule {one.name}", _only_read(inner, one))
            written.add(column.column)
        yield from _types(inner, one)
        yield from _choices(inner, one)
        yield from _link(inner, one, mappings)
    if row.items.ordered and catalog.side in row.flows and not spec.ordered:
        what = f"field rule {row.name} says `ordered`, but in {catalog.name} the order of {path} cannot be written"
        yield Problem(str(row.place), what, "remove `ordered`, or write the list only from this side")
    for part, needed in spec.lines.items():
        if catalog.side in row.flows and needed.required and part not in written:
            what = f"field rule {row.name} creates lines of {name} without `{part}`, which is required"
            yield Problem(str(row.place), what, f"add a field rule for it to `lines`, with {catalog.role}: {part}")


def _same_item(catalog: Catalog, mapping: Mapping) -> Iterator[Problem]:
    """Yield problems for two field rules that write one column. The primary item of a list also has a label, so both
    may mean one item.

    Two rules that never apply at the same time may write one column; their `when` must show it.
    """
    seen: list[tuple[Field, Path]] = []
    for row, path, place in _written(catalog.side, mapping):
        same = [other for other, there in seen if there.steps == path.steps and other is not row]
        others = [(other, there) for other, there in seen if other in same and there.steps == path.steps]
        seen.append((row, path))
        what = f"field rule {row.name} writes `{path.text}` of {catalog.name}"
        for other, there in others:
            if any(exclude(row.when[side], other.when[side]) for side in row.when.keys() & other.when.keys()):
                continue
            labels = {path.label, there.label}
            if len(labels) == 1:
                remedy = "write the column in one of them only, or give both a `when` so that they never apply together"
                yield Problem(str(place), f"{what}, which field rule {other.name} also writes", remedy)
                break
            if "primary" in labels:
                remedy = "pick both by label, or read one of them only (`from:`)"
                yield Problem(str(place), f"{what}, which may be the very item field rule {other.name} writes", remedy)
                break


def _written(side: Side, mapping: Mapping) -> Iterator[tuple[Field, Path, Place]]:
    for row in mapping.fields:
        columns = row.columns_of(side)
        if columns is not None and side in row.flows:
            for path, place in zip(columns.paths, columns.places, strict=True):
                yield row, path, place


def _only_read(catalog: Catalog, row: Field) -> str:
    return f"only read it: add from: {catalog.role}" if catalog.side in row.flows else ""


def _path(catalog: Catalog, path: Path, place: Place, what: str, unwritable: str) -> Iterable[Problem]:
    """`unwritable`: what to do if the column must be writable; "" if it is only read."""
    at, spec = str(place), catalog.spec(path)
    if path.custom and not catalog.entity.custom:
        return [Problem(at, f"{what}: {catalog.name} has no custom fields", "use one of its columns")]
    if spec is None:
        if path.custom and catalog.custom is None:
            return []
        known = [*catalog.entity.columns, *(catalog.custom or {})]
        return [
            Problem(at, f"{what}: unknown field `{path.column}` of {catalog.name}", did_you_mean(path.column, known))
        ]
    problems = list(_form(catalog, path, spec, at, what))
    if unwritable and not spec.writable:
        problems.append(Problem(at, f"{what} writes `{path.text}` of {catalog.name}, which is read-only", unwritable))
    return problems


def _form(catalog: Catalog, path: Path, spec: ColumnSpec, at: str, what: str) -> Iterator[Problem]:
    """Yield problems of the path's form: a list needs an item, an object needs a part, a plain column has neither."""
    column, deeper = f"`{path.column}` of {catalog.name}", len(path.steps) > (2 if path.custom else 1)
    if spec.type is Column.VALUES and path.label is None:
        yield Problem(at, f"{what}: {column} is a list", f"pick an item, like {path.column}.primary")
    elif spec.type is not Column.VALUES and path.label is not None:
        yield Problem(at, f"{what}: {column} is not a list", f"write {path.column}")
    elif spec.type is Column.OBJECT and not deeper:
        part = f" (parts: {', '.join(spec.parts)})" if spec.parts else ""
        first = spec.parts[0] if spec.parts else "PART"
        yield Problem(at, f"{what}: {column} has parts", f"name one, like {path.column}.{first}{part}")
    elif spec.type is not Column.OBJECT and deeper:
        yield Problem(at, f"{what}: {column} has no parts", f"write {path.column}")
    elif spec.type is Column.OBJECT and spec.parts and path.names[-1] not in spec.parts and len(path.names) == 2:
        remedy = did_you_mean(path.names[-1], spec.parts)
        yield Problem(at, f"{what}: {column} has no part `{path.names[-1]}`", remedy)


def _types(catalog: Catalog, row: Field) -> Iterator[Problem]:
    """Check the type of a field rule with one column. Values in several columns and column tables are not checked."""
    columns = row.columns_of(catalog.side)
    if columns is None or row.type == "columns" or len(columns.paths) != 1 or columns.via:
        return
    spec = catalog.spec(columns.paths[0])
    if spec is None or spec.type in (Column.VALUES, Column.OBJECT):
        return
    if columns.parts == ("instant",):
        fits = frozenset({Column.INSTANT})
    elif columns.parts == ("text",) or (row.type == "set" and "separator" in row.source):
        fits = frozenset({Column.TEXT})
    else:
        fits = _FITS[row.type]
    if row.type == "text" and catalog.side not in row.flows:
        fits |= _TEXT_READS
    if spec.type not in fits:
        path = columns.paths[0].text
        remedy = _type_remedy(catalog, row, spec, path)
        what = f"field rule {row.name} is of type {row.type}; `{path}` of {catalog.name} holds {spec.type}"
        yield Problem(str(columns.places[0]), what, remedy)


def _type_remedy(catalog: Catalog, row: Field, spec: ColumnSpec, path: str) -> str:
    if spec.type is Column.LINES:
        return "write its lines: {...} and key: in place of a type"
    if row.items is not None:
        return "name a column that is a list of lines, or leave `lines` out"
    if row.type == "date" and spec.type is Column.INSTANT:
        return f"write {catalog.role}: {{instant: {path}}}"
    if spec.type is Column.REFERENCE:
        return "write link: MAPPING (a record) or type: user"
    if row.type in (*_NUMBERS, "date", "instant") and spec.type is Column.TEXT:
        return f"write {catalog.role}: {{text: {path}}}"
    if row.type in _NUMBERS and spec.type in _FITS[row.type]:
        return f"write {catalog.role}: {path}"
    if row.type == "set" and spec.type is Column.TEXT:
        return 'add separator: ";"'
    return f"write type: {spec.type}"


def _choices(catalog: Catalog, row: Field) -> Iterator[Problem]:
    """Yield problems for words of a field rule that the column does not offer."""
    columns = row.columns_of(catalog.side)
    for index, path in enumerate(columns.paths if columns is not None else ()):
        spec = catalog.spec(path)
        if spec is None or not spec.choices or (columns is not None and columns.via):
            continue
        for word in words_of(row, catalog.role, path.text, catalog.side, index):
            if word not in spec.choices:
                what = f"field rule {row.name}: `{path.text}` of {catalog.name} does not offer `{word}`"
                yield Problem(str(row.place), what, did_you_mean(word, spec.choices))


def words_of(row: Field, role: str, path: str, side: Side, index: int) -> list[str]:
    """Return the words that the field rule itself names for the side's column number `index`."""
    if row.set_on is not None:
        return [_word(row.value)]
    if row.table is not None:
        return [_word(word) for word in (row.table if side is Side.LEFT else row.table.values())]
    columns = row.source.get("columns")
    if not isinstance(columns, list):
        return []
    at = columns.index(f"{role}.{path}")
    words = [line[at] for line in row.source["rows"] if line[at] is not None]
    return sorted({_word(word) for word in words} - {ANY})


def check_choices(mapping: Mapping, catalogs: list[Catalog | None]) -> Iterator[Problem]:
    """Yield problems for field rules without a table: each word that one side offers must be offered by the other.

    This is checked only if both sides list their words.
    """
    for row in mapping.fields:
        if row.type not in ("choice", "set") or row.table is not None or row.set_on is not None:
            continue
        specs = {one.side: (one, _only(one, row)) for one in catalogs if one is not None}
        for target in specs:
            here, there = specs[target], specs.get(target.other, (None, None))
            if target not in row.flows or here[1] is None or there[0] is None or there[1] is None:
                continue
            missing = [word for word in there[1].choices if word not in here[1].choices]
            if missing and here[1].choices:
                what = f"field rule {row.name}: {there[0].name} offers `{missing[0]}`, which {here[0].name} does not"
                remedy = f"add a table of corresponding words ({len(missing)} differ)"
                yield Problem(str(row.place), what, remedy)
                break


def _only(catalog: Catalog, row: Field) -> ColumnSpec | None:
    columns = row.columns_of(catalog.side)
    if columns is None or len(columns.paths) != 1 or columns.via:
        return None
    return catalog.spec(columns.paths[0])


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _link(catalog: Catalog, row: Field, mappings: tuple[Mapping, ...]) -> Iterator[Problem]:
    columns = row.columns_of(catalog.side)
    target = next((mapping for mapping in mappings if mapping.name == row.link), None)
    if target is None or columns is None:
        return
    there = target.side(catalog.side)
    product = catalog.product
    spec = catalog.spec(columns.paths[0])
    to = spec.to if spec is not None else None
    if there.product != product or there.name != catalog.role or to not in (None, there.entity):
        what = f"field rule {row.name}: `{columns.names[0]}` of {catalog.name} refers to {product} {to or 'records'}"
        remedy = f"mapping {target.name} keeps {there.product} {there.entity}; link to the mapping of {to or product}"
        yield Problem(str(columns.places[0]), what, remedy)


def _written_filter(catalog: Catalog, mapping: Mapping, path: Path, wanted: Any) -> Iterator[Problem]:
    """Yield problems for field rules that write the filter's column: they would move records out of the mapping."""
    for row in mapping.fields:
        columns = row.columns_of(catalog.side)
        if columns is None or catalog.side not in row.flows or path.steps not in [p.steps for p in columns.paths]:
            continue
        if row.set_on is None or _word(row.value) != _word(wanted):
            what = f"field rule {row.name} writes `{path.text}`, but where of {mapping.name} needs it to be `{wanted}`"
            yield Problem(str(row.place), what, "remove the field rule: where already sets it on new records")


def _condition(catalog: Catalog, condition: Condition, what: str, written: Collection[Path] = ()) -> Iterator[Problem]:
    """Check a condition: its columns exist and offer the words, and ranges are of columns that can be compared."""
    for leaf in leaves(condition):
        yield from _path(catalog, leaf.path, leaf.place, what, ANOTHER_COLUMN if leaf.path in written else "")
        spec = catalog.spec(leaf.path)
        if spec is None or spec.type in (Column.VALUES, Column.OBJECT):
            continue
        if isinstance(leaf, Words):
            yield from _offered_filter(catalog, leaf, spec, what)
        elif isinstance(leaf, Range):
            yield from _measurable(catalog, leaf, spec, what)


def _offered_filter(catalog: Catalog, leaf: Words, spec: ColumnSpec, what: str) -> Iterator[Problem]:
    """Yield problems for words that the column does not offer: no record could fulfil the condition."""
    told = f"`{leaf.path.text}` of {catalog.name}"
    if spec.type in (Column.SET, Column.DATE, Column.INSTANT):
        remedy = "test a column that holds one word, or test whether it is `empty`"
        if spec.type is not Column.SET:
            remedy = f"write {leaf.path.text}: {{between: [2026-01-01, 2026-12-31]}}, or less, greater, empty"
        yield Problem(str(leaf.place), f"{what} compares one word, and {told} holds {spec.type}", remedy)
        return
    wrong = [_word(word) for word in leaf.words if spec.choices and _word(word) not in spec.choices]
    for word in wrong:
        yield Problem(str(leaf.place), f"{what}: {told} does not offer `{word}`", did_you_mean(word, spec.choices))


def _measurable(catalog: Catalog, leaf: Range, spec: ColumnSpec, what: str) -> Iterator[Problem]:
    end = leaf.low if leaf.low is not None else leaf.high
    fits = _MEASURED["number" if isinstance(end, Decimal) else "day or moment"]
    if spec.type not in fits:
        told = f"{what} compares `{leaf.path.text}` of {catalog.name} with {end}, and it holds {spec.type}"
        yield Problem(str(leaf.place), told, f"a range of {end} goes with columns of {', '.join(sorted(fits))}")


_MEASURED = {
    "number": frozenset({Column.INTEGER, Column.DECIMAL, Column.TEXT}),
    "day or moment": frozenset({Column.DATE, Column.INSTANT, Column.TEXT}),
}


def _new_in_where(catalog: Catalog, mapping: Mapping) -> Iterator[Problem]:
    """Yield problems for columns that `where` needs and nothing writes: a new record would be outside the mapping."""
    which = mapping.side(catalog.side)
    written = {path.steps for _, path, _ in _written(catalog.side, mapping)} | {path.steps for path, _ in which.fixed}
    for part in which.where.parts:
        made: dict[str, Any] = {}
        asked = [leaf.path for leaf in leaves(part)]
        for path in asked:
            if path.steps not in written:
                path.put(made, {}, None)
        if part.holds(made) is False:
            first = next(leaves(part))
            what = f"new records of {mapping.name} in {catalog.role} would have an empty `{first.path.text}`, but where"
            remedy = f"write the column by a field rule or a constant, or leave {catalog.role} out of `creates`"
            yield Problem(str(first.place), f"{what} needs {part}", remedy)


def _certain(side: Side, mapping: Mapping) -> frozenset[str]:
    """Return the field rules that apply to every new record: without `when`, or with one that constants fulfil."""
    made: dict[str, Any] = {}
    for path, wanted in mapping.side(side).fixed:
        path.put(made, {}, wanted)
    for row in mapping.fields:
        columns = row.columns_of(side)
        if row.set_on is not None and not row.when and columns is not None:
            with suppress(Untranslatable):  # this is reported elsewhere
                for path, raw in zip(columns.paths, columns.render(row.kind.parse(row.value)), strict=True):
                    path.put(made, {}, raw)
    return frozenset(
        row.name
        for row in mapping.fields
        if row.when.keys() <= {side} and all(condition.holds(made) is True for condition in row.when.values())
    )


def _required(catalog: Catalog, mapping: Mapping) -> Iterator[Problem]:
    written = {path.column for path, _ in mapping.side(catalog.side).fixed}
    certain = _certain(catalog.side, mapping)
    often = Counter(path.column for row, path, _ in _written(catalog.side, mapping) if row.name not in certain)
    written |= {path.column for row, path, _ in _written(catalog.side, mapping) if row.name in certain}
    written |= {column for column, rows in often.items() if rows > 1}  # one of them is assumed to apply
    columns = {**catalog.entity.columns, **(catalog.custom or {})}
    for name, spec in columns.items():
        if spec.required and spec.writable and not {name, spec.instead} & written:
            what = f"mapping {mapping.name} creates {catalog.name} records without `{name}`, which is required"
            remedy = f"add a field rule, or a constant: NAME: {{{catalog.role}: {name}, value: ..., set: on-create}}"
            if name in often:
                what += " whenever the `when` of its field rule does not hold"
                remedy = "remove that `when`, or add a field rule for the other records"
            yield Problem(str(mapping.place), what, remedy)
