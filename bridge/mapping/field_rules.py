"""Compiles one field rule: its type, its columns on both sides, and what it may write."""

import hashlib
import json
from collections.abc import Callable
from collections.abc import Mapping as MappingOf
from dataclasses import field
from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers

from bridge.domain.frozen import dataclass, replace
from bridge.domain.guess import did_you_mean, one_of
from bridge.domain.record import SIDES, Side
from bridge.files.document import Listing, Node, Place, Problems, Scalar, Table, plain
from bridge.mapping.conditions import All, read_condition
from bridge.mapping.functions import COLUMN_KEYS, Functions, Step, through_functions
from bridge.mapping.lines import line_columns, line_kind, plain_rows, read_spec
from bridge.mapping.model import Conflict, Field, LineSpec, Policy, SideColumns
from bridge.mapping.paths import Path
from bridge.mapping.section import Section
from bridge.mapping.tables import ANY, ColumnTable, ValueTable, with_table
from bridge.mapping.types.choice import link_kind
from bridge.mapping.types.dates import BadFormat, time_format
from bridge.mapping.types.kind import Kind, Shape, as_is
from bridge.mapping.types.numbers import NUMBER_FORMAT_REMEDY, ROUNDINGS, WRITINGS, number_format
from bridge.mapping.types.places import is_language, parse_country
from bridge.mapping.types.registry import TYPES, make_kind
from bridge.mapping.values import LEAVE, Untranslatable


@dataclass(frozen=True, slots=True)
class FieldType:
    """A field rule's type by name, with its value table, the mapping it links to, or the lines of its column table.

    `by_side`: the kind of a side that reads the type in another way, such as instants in the zone of its system.
    """

    name: str
    kind: Kind
    table: ValueTable | None
    link: str | None = None
    lines: tuple[str, ...] = ()
    by_side: MappingOf[Side, Kind] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Frame:
    """What a field rule needs to know about its mapping."""

    mapping: str
    sides: MappingOf[str, Side]
    entities: MappingOf[Side, str]
    writes: frozenset[Side]
    policy: Policy | None
    problems: Problems
    functions: Functions
    zones: MappingOf[Side, str] = field(default_factory=dict)

    def name(self, side: Side) -> str:
        return next(name for name, found in self.sides.items() if found is side)


def fingerprint(content: Any) -> str:
    """Return a stable short hash of plain content."""
    text = json.dumps(content, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def read_policy(section: Section, sides: MappingOf[str, Side]) -> Policy | None:
    """Return the `conflict:` of a mapping or field rule: a side's name, `newest, else SIDE`, `ask` or `fill-empty`."""
    text = section.text("conflict")
    if text is None:
        return None
    if text in sides:
        return Policy(Conflict.SIDE, sides[text])
    if text in (Conflict.ASK, Conflict.FILL_EMPTY):
        return Policy(Conflict(text))
    words = text.replace(",", " ").split()
    first = next(iter(sides))
    if words[0] == "newest":
        if len(words) == 3 and words[1] == "else" and words[2] in sides:
            return Policy(Conflict.NEWEST, sides[words[2]])
        section.problems.add(
            section.value_place("conflict"),
            f"`conflict: {text}` of {section.what} does not say who wins a tie",
            f"write conflict: newest, else {first}",
        )
        return Policy(Conflict.NEWEST, Side.LEFT)
    section.problems.add(
        section.value_place("conflict"),
        f"`conflict: {text}` of {section.what} is unknown",
        one_of(text, [*sides, f"`newest, else {first}`", "ask", "fill-empty"]),
    )
    return None


def read_row(name: str, node: Node, frame: Frame) -> Field | None:
    """Compile a field rule; None if it cannot be compiled (a problem says why)."""
    if not isinstance(node, Table):
        frame.problems.add(
            node.place,
            f"field rule {name} must be a table",
            f"write {name}: {{{', '.join(f'{s}: column' for s in frame.sides)}}}",
        )
        return None
    section = Section(node, f"field rule {name}", frame.problems)
    section.node("note")
    flows = _flows(section, frame)
    spec: LineSpec | None = None
    if section.node("lines") is not None:
        spec = _line_spec(section, frame, flows)
        pair = _line_columns(section, frame, spec) if spec is not None else {}
        if spec is None or not pair:
            return None
        type_ = FieldType("lines", line_kind(spec), None)
    elif section.node("columns") is not None or section.node("rows") is not None:
        pair, table = _column_table(section, frame)
        if table is None:
            return None
        type_ = FieldType("columns", table.kind(), None, lines=table.names())
    else:
        found = field_type(section, flows, frame.zones)
        if found is None:
            return None
        type_ = found
        pair = {
            side: columns
            for label, side in frame.sides.items()
            if (columns := columns_of(section, label, side, type_, frame.functions)) is not None
        }
    row = _finish(name, section, frame, type_, pair, flows)
    section.finish()
    return row if row is None or spec is None else replace(row, items=spec)


def _line_spec(section: Section, frame: Frame, flows: frozenset[Side]) -> LineSpec | None:
    """Compile `lines: {...}`, which has one field rule for each field of a line, and `key`; None after a problem."""
    table = section.sub("lines")
    if table is None or not table.table.entries:
        section.problems.add(
            section.at("lines"),
            f"`lines` of {section.what} has no field rules",
            "add one for each field of a line",
        )
        return None
    plain_rows(section, table.table.entries)
    inner = replace(frame, writes=flows, policy=None)
    rows = [read_row(name, node, inner) for name, node in table.table.entries.items()]
    found = tuple(row for row in rows if row is not None)
    section.node("key")
    return read_spec(section, found) if len(found) == len(rows) else None  # else a rule has a problem


def _line_columns(section: Section, frame: Frame, spec: LineSpec) -> dict[Side, SideColumns]:
    found = {}
    for label, side in frame.sides.items():
        path = section.path(label)
        if path is not None:
            place = section.value_place(label)
            whole = SideColumns((path,), as_is, lambda value: (value,), (path.text,), places=(place,))
            found[side] = line_columns(path, spec, side, whole)
    return found


def _when(section: Section, frame: Frame) -> dict[Side, All]:
    """Return `when: {crm: {status: won}}`: by side the condition on its record. All must hold for the rule to apply."""
    table = section.sub("when")
    if table is None:
        return {}
    found = {
        side: read_condition(one, zone_of(frame.zones, side))
        for name, side in frame.sides.items()
        if (one := table.sub(name, f"`when` of {section.what}")) is not None
    }
    table.finish()
    if not any(one.parts for one in found.values()) and not table.table.entries:
        first = next(iter(frame.sides))
        table.problems.add(table.place, f"{table.what} says nothing", f"write when: {{{first}: {{column: word}}}}")
    return {side: one for side, one in found.items() if one.parts}


def _flows(section: Section, frame: Frame) -> frozenset[Side]:
    source = section.text("from")
    if source is None:
        return frame.writes
    if source not in frame.sides:
        section.problems.add(
            section.value_place("from"),
            f"`from: {source}` of {section.what} is not a side",
            one_of(source, frame.sides),
        )
        return frame.writes
    target = frame.sides[source].other
    if target not in frame.writes:
        section.problems.add(
            section.value_place("from"),
            f"{section.what} would write to {frame.name(target)}, but this mapping only reads that side",
            "remove `from`, or set the mapping's direction to both",
        )
    return frozenset({target})


def _finish(
    name: str, section: Section, frame: Frame, type_: FieldType, pair: dict[Side, SideColumns], flows: frozenset[Side]
) -> Field | None:
    constant, has_constant = section.scalar("value"), section.node("value") is not None
    set_on = section.word("set", ("on-create", "always"), "on-create") if section.node("set") or has_constant else None
    if has_constant or set_on:
        flows = frozenset(pair) & flows
    if not _complete(section, frame, pair, has_constant) or not _ways_back(section, frame, pair, flows):
        return None
    policy = read_policy(section, frame.sides) or frame.policy
    columns = {side.value: [frame.entities[side], *one.names] for side, one in pair.items()}
    parts = {side.value: one.parts for side, one in pair.items()}
    more: dict[str, object] = {side.value: one.via for side, one in pair.items() if one.via}
    more |= {"zones": {side.value: frame.zones[side] for side in type_.by_side}} if type_.by_side else {}
    more |= {"form": type_.kind.form} if type_.kind.form > 1 else {}
    default = section.scalar("default")
    row = Field(
        name=name,
        kind=_kind(type_, pair),
        left=pair.get(Side.LEFT),
        right=pair.get(Side.RIGHT),
        flows=flows,
        policy=policy if len(flows) == 2 and not has_constant else None,
        place=section.place,
        fingerprint=fingerprint([columns, parts, _meaning(section, type_), *([more] if more else [])]),
        columns_fingerprint=fingerprint([columns, parts]),
        link=type_.link,
        missing=section.word("missing", ("wait", "blank", "reject"), "wait"),
        required=section.flag("required"),
        absent=section.word("absent", ("clear", "keep"), "clear"),
        set_on=("always" if set_on == "always" else "create") if has_constant else None,
        value=constant,
        default=default,
        lossy=section.flag("lossy"),
        when=_when(section, frame),
        table=None if type_.table is None else dict(type_.table.pairs),
        lines=type_.lines,
        source={key: plain(value) for key, value in section.table.entries.items()},
    )
    _check_literals(section, row)
    return row


def _kind(type_: FieldType, pair: dict[Side, SideColumns]) -> Kind:
    """Return the type of the canonical value. If sides write texts in zones of their own, values are equal when one of
    these sides writes both in the same way."""
    texts = [type_.by_side[side] for side, columns in pair.items() if side in type_.by_side and "text" in columns.parts]
    if not texts:
        return type_.kind
    return replace(type_.kind, same=lambda a, b: any(one.same(a, b) for one in texts))


# Keys that decide which canonical value a record has. The other keys of a field rule decide what is done with it.
_MEANING = frozenset(
    {"type", "table", "unlisted", "otherwise", "rows", "columns", "region", "zone", "places", "rounding", "currency"}
    | {"separator", "link", "value", "aliases", "names", "number-format", "format", "lines", "key", "ordered"}
)


def _meaning(section: Section, type_: FieldType) -> list[object]:
    words = {key: plain(node) for key, node in section.table.entries.items() if key in _MEANING}
    return [words, type_.table.canon.value if type_.table is not None else None]


def _complete(section: Section, frame: Frame, pair: dict[Side, SideColumns], constant: bool) -> bool:
    sides = ", ".join(f"{name}: column" for name in frame.sides)
    if constant and len(pair) == 1:
        return True
    if constant:
        section.problems.add(
            section.place,
            f"{section.what} has a constant and must name one side",
            "keep only the side it is written to",
        )
        return False
    missing = [name for name, side in frame.sides.items() if side not in pair]
    named = [name for name in missing if section.node(name) is None and section.node("columns") is None]
    if named:
        section.problems.add(
            section.place,
            f"{section.what} has no column for {' and '.join(named)}",
            f"write {{{sides}}}, or value: for a constant",
        )
    return not missing


def _ways_back(section: Section, frame: Frame, pair: MappingOf[Side, SideColumns], flows: frozenset[Side]) -> bool:
    """Return whether no side is written through a function without an inverse; report each that is."""
    wrong = [side for side, columns in pair.items() if columns.one_way and side in flows]
    for side in wrong:
        name = frame.name(side)
        what = f"{section.what} writes to {name} through {', '.join(pair[side].via)}, which has no way back"
        section.problems.add(section.at(name), what, f"add from: {name} to the field rule, or use one with an inverse")
    return not wrong


def _check_literals(section: Section, row: Field) -> None:
    """Report a constant or default that does not fit the type: it would fail at the first create."""
    for key, literal in (("value", row.value), ("default", row.default)):
        if literal is None or (row.link is not None and key == "value"):
            continue
        if row.link is not None:
            what = f"{section.what} is a link and cannot have a default: a record has another id on each side"
            section.problems.add(section.value_place(key), what, "leave it out, or write a constant for one side")
            continue
        try:
            if row.kind.parse(literal) is None:
                raise Untranslatable("it is empty")
        except Untranslatable as error:
            section.problems.add(
                section.value_place(key),
                f"`{key}` of {section.what} does not fit its type {row.type}: {error}",
                "write a value of that type",
            )


def _column_table(section: Section, frame: Frame) -> tuple[dict[Side, SideColumns], ColumnTable | None]:
    """Compile `columns` and `rows`: a table from several columns to several columns."""
    lines = section.items("rows")
    order: list[tuple[Side, Path, Place]] = []
    for item in section.items("columns"):
        text = item.text if isinstance(item, Scalar) else ""
        label, _, rest = text.partition(".")
        path = section.compile_path(rest, item.place) if rest else None
        if label not in frame.sides or path is None:
            remedy = f"write a side, a dot and a column, like {next(iter(frame.sides))}.stage"
            section.problems.add(
                item.place, f"`{text}` in `columns` of {section.what} is not a column of a side", remedy
            )
            return {}, None
        order.append((frame.sides[label], path, item.place))
    index = {side: [i for i, entry in enumerate(order) if entry[0] is side] for side in SIDES}
    if not all(index.values()):
        section.problems.add(
            section.at("columns"),
            f"`columns` of {section.what} must name columns of both sides",
            f"add columns of {' and '.join(frame.sides)}",
        )
        return {}, None
    rows = [words for item in lines if (words := _table_row(section, item, len(order))) is not None]
    if not rows:
        section.problems.add(
            section.at("rows"), f"{section.what} has columns and no rows", "add rows: one list per line of the table"
        )
        return {}, None
    ordered = tuple(tuple(words[i] for i in (*index[Side.LEFT], *index[Side.RIGHT])) for words in rows)
    table = ColumnTable(ordered, len(index[Side.LEFT]), section.word("unlisted", ("reject", "skip"), "reject"))
    made = {}
    for side in SIDES:
        entries = [order[i] for i in index[side]]
        paths, places = tuple(entry[1] for entry in entries), tuple(entry[2] for entry in entries)
        names = tuple(path.text for path in paths)
        made[side] = SideColumns(paths, table.parser(side), table.renderer(side), names, places=places)
    return made, table


def _table_row(section: Section, item: Node, width: int) -> list[Any] | None:
    if not isinstance(item, Listing) or len(item.items) != width or not all(isinstance(c, Scalar) for c in item.items):
        found = len(item.items) if isinstance(item, Listing) else 1
        section.problems.add(
            item.place,
            f"this line of {section.what} has {found} values for {width} columns",
            "write one value per column; `any` where it does not matter",
        )
        return None
    return [_word(word) for word in item.items if isinstance(word, Scalar)]


def _word(word: Scalar) -> Any:
    if word.null:
        return None
    return LEAVE if word.text == ANY and not word.quoted else word.text


# ---- The type of a field rule, with its options and its value table ----


ZONED = ("date", "instant")
ZONE_REMEDY = "write a zone of the IANA database, like Europe/Oslo"


def field_type(section: Section, flows: frozenset[Side], zones: MappingOf[Side, str]) -> FieldType | None:
    """Return the `type` with its options and its table; None after a problem. `zones`: the zone of each side that has
    one."""
    link = section.text("link")
    if link is not None:
        return FieldType("link", link_kind(link, Side.LEFT), None, link)
    tabled = section.node("table") is not None
    name = section.text("type") or ("choice" if tabled else "text")
    if name not in TYPES:
        remedy = "write link: MAPPING instead of a type" if name == "link" else did_you_mean(name, list(TYPES))
        section.problems.add(section.value_place("type"), f"`type: {name}` of {section.what} is unknown", remedy)
        return None
    named = sorted(TYPES[name][1] - {"aliases", "names"})
    options = {option: value for option in named if (value := section.scalar(option)) is not None}
    options |= {"format": section.text("format")} if "format" in options else {}
    unsaid = section.table.entries.get("format") if "format" in named else None
    if isinstance(unsaid, Scalar) and unsaid.null:
        remedy = "put it in quotes where it begins with #, which YAML takes for a remark: format: '#.##0,00'"
        section.problems.add(section.at("format"), f"`format` of {section.what} says nothing", remedy)
        return None
    aliases = _aliases(section) if "aliases" in TYPES[name][1] else {}
    names = _names(section) if "names" in TYPES[name][1] else ()
    if aliases is None or names is None or not _options_fit(section, name, options):
        return None
    options |= {"aliases": aliases} if aliases else {}
    options |= {"names": names} if names else {}
    kind = make_kind(name, options)
    table = _value_table(section, kind, flows) if tabled else None
    if tabled and table is None:
        return None
    zoned = name in ZONED and "zone" not in options
    by_side = {side: make_kind(name, {**options, "zone": zone}) for side, zone in zones.items() if zoned}
    return FieldType(name, kind, table, by_side=by_side)


def _aliases(section: Section) -> dict[str, str] | None:
    """Return the further names of countries with their codes; None after a problem."""
    table = section.sub("aliases")
    found: dict[str, str] = {}
    for name in table.table.entries if table is not None else ():
        assert table is not None
        code = table.text(name)
        try:
            found[name] = parse_country(code) or ""
        except Untranslatable as error:
            table.problems.add(
                table.value_place(name), f"`{name}` in {table.what}: {error}", "write NAME: CODE, like NO"
            )
            return None
    return found


def _names(section: Section) -> tuple[str, ...] | None:
    """Return the languages of the names of countries; None after a problem."""
    if section.node("names") is None:
        return ()
    items = section.items("names")
    wrong = [item for item in items if not isinstance(item, Scalar) or not is_language(item.text)]
    for item in wrong:
        told = f"`{item.text}` in `names`" if isinstance(item, Scalar) else "`names`"
        what = f"{told} of {section.what} is not a language whose names of countries are known"
        section.problems.add(item.place, what, "write codes of languages, like names: [nb, de, pt-BR]")
    if not items:
        remedy = "write codes of languages, like names: [nb, de], or leave it out"
        section.problems.add(section.at("names"), f"`names` of {section.what} names no language", remedy)
    return None if wrong or not items else tuple(item.text for item in items if isinstance(item, Scalar))


def _format_remedy(name: str, text: Any) -> str | None:
    """Return the remedy for a wrong `format`; None if it is right. `format: 0`, a number in YAML, is read as text."""
    if name in ZONED:
        try:
            time_format(str(text), clock=name == "instant")
        except BadFormat as error:
            clock = " HH:mm" if name == "instant" else ""
            return f"{error}; write it like DD.MM.YYYY{clock} or YYYY-MM-DD{clock}"
        return None
    return None if number_format(str(text)) else NUMBER_FORMAT_REMEDY


def _options_fit(section: Section, name: str, options: dict[str, Any]) -> bool:
    if {"format", "number-format"} <= options.keys():
        what = f"{section.what} says `format` and `number-format`"
        section.problems.add(section.at("number-format"), what, "keep `format`, which says all of it")
        return False
    wrong: dict[str, Callable[[Any], str | None]] = {
        "zone": lambda v: None if _is_zone(v) else ZONE_REMEDY,
        "region": lambda v: None if v in phonenumbers.SUPPORTED_REGIONS else "write a country's two letters, like NO",
        "rounding": lambda v: None if v in ROUNDINGS else did_you_mean(str(v), list(ROUNDINGS)),
        "format": lambda v: _format_remedy(name, v),
        "number-format": lambda v: None if v in WRITINGS else one_of(str(v), WRITINGS),
        "places": lambda v: None if isinstance(v, int) and 0 <= v <= 12 else "write a whole number from 0 to 12",
        "currency": lambda v: (
            None if isinstance(v, str) and len(v) == 3 and v.isupper() else "write three capitals, like EUR"
        ),
        "separator": lambda v: None if isinstance(v, str) and v.strip() else 'write a text in quotes, like ";"',
    }
    remedies = [(option, value, wrong[option](value)) for option, value in options.items()]
    for option, value, remedy in remedies:
        if remedy is not None:
            section.problems.add(
                section.value_place(option), f"`{option}: {value}` of {section.what} is not known", remedy
            )
    return all(remedy is None for _, _, remedy in remedies)


def _value_table(section: Section, kind: Kind, flows: frozenset[Side]) -> ValueTable | None:
    node = section.node("table")
    if not isinstance(node, Table):
        section.problems.add(
            section.at("table"), f"`table` of {section.what} must be a table", "write table: {A: Gold, B: Silver}"
        )
        return None
    pairs = []
    for key, value in node.entries.items():
        if not isinstance(value, Scalar):
            section.problems.add(
                value.place, f"`{key}` in the table of {section.what} must have one value", f"write {key}: value"
            )
            return None
        pairs.append((_literal(node.keys[key]), _literal(value)))
    one_way = len(flows) == 1
    otherwise = section.node("otherwise")
    if otherwise is not None and not one_way:
        section.problems.add(
            section.at("otherwise"),
            f"`otherwise` of {section.what} has no way back",
            "add `from:` with the side that is read, or use `unlisted: keep`",
        )
        return None
    canon = next(iter(flows)) if one_way else Side.RIGHT
    unlisted = section.word("unlisted", ("reject", "keep", "skip"), "reject")
    table = ValueTable(
        tuple(pairs), canon, one_way, unlisted, _literal(otherwise) if isinstance(otherwise, Scalar) else None
    )
    try:
        for side in SIDES:
            with_table(kind, table, side)
    except Untranslatable as error:
        section.problems.add(
            node.place,
            f"the table of {section.what} does not fit its type {kind.name}: {error}",
            "write values of that type",
        )
        return None
    return table


def _literal(scalar: Scalar) -> Any:
    """Return a table's word as it is written, so that 007 stays 007. Only true and false become booleans."""
    value = scalar.value()
    return value if isinstance(value, bool) else scalar.text


# ---- The zones of sides ----


def read_zones(section: Section, sides: MappingOf[str, Side]) -> dict[Side, str]:
    """Return the mapping's `zone: {crm: Europe/Oslo}`: the zone of a side's days and instants that name no zone."""
    table = section.sub("zone")
    found: dict[Side, str] = {}
    for name in sides if table is not None else ():
        assert table is not None
        zone = table.text(name)
        if zone is not None and not _is_zone(zone):
            what, remedy = f"`{name}: {zone}` of {table.what} is not known", ZONE_REMEDY
            table.problems.add(table.value_place(name), what, remedy)
        elif zone is not None:
            found[sides[name]] = zone
    if table is not None:
        table.finish()
    return found


def zone_of(zones: MappingOf[Side, str], side: Side) -> tzinfo:
    """Return the zone of a side's days and moments that name no zone."""
    return ZoneInfo(zones[side]) if side in zones else UTC


def _is_zone(name: Any) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError, TypeError):
        return False
    return True


# ---- The columns of a field rule on one side ----


def columns_of(section: Section, label: str, side: Side, type_: FieldType, functions: Functions) -> SideColumns | None:
    """Return the field rule's columns on the side called `label`: one path, a table of parts, or columns through
    functions.

    None if they are missing or have a problem.
    """
    node = section.node(label)
    if node is None:
        return None
    kind = type_.by_side.get(side, type_.kind) if type_.link is None else link_kind(type_.link, side)
    if isinstance(node, Scalar):
        path = section.path(label)
        return None if path is None else _one_column(path, type_, kind, side, node.place)
    parts = section.sub(label)
    if parts is None:
        return None
    if COLUMN_KEYS & set(parts.table.entries):
        return through_functions(parts, kind, *_ways(type_, kind, side), functions)
    return _parts(parts, type_, kind, side)


def _ways(type_: FieldType, kind: Kind, side: Side) -> tuple[Step, Step]:
    return (kind.parse, kind.render) if type_.table is None else with_table(kind, type_.table, side)


def _one_column(path: Path, type_: FieldType, kind: Kind, side: Side, place: Place) -> SideColumns:
    parse, render = _ways(type_, kind, side)

    def tupled(value: Any) -> tuple[Any, ...]:
        return (None if value is None else render(value),)

    return SideColumns((path,), parse, tupled, (path.text,), render_one=render, places=(place,))


def _parts(parts: Section, type_: FieldType, kind: Kind, side: Side) -> SideColumns | None:
    names = list(parts.table.entries)
    paths = {name: parts.path(name) for name in names}
    amount = paths.get("amount")
    if not all(paths.values()):
        return None
    if names == ["amount"] and kind.name == "money" and amount is not None:
        return _one_column(amount, type_, kind, side, parts.value_place("amount"))
    shape: Shape | None = kind.shapes.get(frozenset(names))
    if shape is None:
        known = " or ".join(f"{{{', '.join(f'{p}: column' for p in s.parts)}}}" for s in kind.shapes.values())
        parts.problems.add(
            parts.place,
            f"{parts.what}: type {kind.name} has no parts {', '.join(names)}",
            f"write one column, or {known}" if known else "write one column",
        )
        return None
    ordered = tuple(path for part in shape.parts if (path := paths[part]) is not None)
    join, split = shape.join, shape.split
    parse = join if len(ordered) > 1 else lambda raw: join((raw,))
    places = tuple(parts.value_place(part) for part in shape.parts)
    return SideColumns(ordered, parse, split, tuple(path.text for path in ordered), shape.parts, places=places)
