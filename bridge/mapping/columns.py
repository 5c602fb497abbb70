"""Compiles a field rule's type and its columns on one side."""

from collections.abc import Callable
from collections.abc import Mapping as MappingOf
from dataclasses import field
from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers

from bridge.domain.guess import did_you_mean, one_of
from bridge.domain.record import SIDES, Side
from bridge.domain.values import dataclass
from bridge.files.document import Place, Scalar, Table
from bridge.mapping.functions import Functions, Step
from bridge.mapping.model import SideColumns
from bridge.mapping.paths import Path
from bridge.mapping.section import Section
from bridge.mapping.tables import ValueTable, with_table
from bridge.mapping.types.choice import link_kind
from bridge.mapping.types.dates import BadFormat, time_format
from bridge.mapping.types.kind import Kind, Shape
from bridge.mapping.types.numbers import NUMBER_FORMAT_REMEDY, ROUNDINGS, WRITINGS, number_format
from bridge.mapping.types.places import is_language, parse_country
from bridge.mapping.types.registry import TYPES, make_kind
from bridge.mapping.values import Untranslatable
from bridge.mapping.via import COLUMN_KEYS, through_functions

ZONED = ("date", "instant")
ZONE_REMEDY = "write a zone of the IANA database, like Europe/Oslo"


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
