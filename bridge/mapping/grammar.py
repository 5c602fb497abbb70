"""Compiles one document of a mapping file to a `Mapping`."""

import re
from collections.abc import Mapping as MappingOf
from typing import Any

from bridge.domain.guess import Guess, did_you_mean, one_of
from bridge.domain.record import SIDES, Side
from bridge.files.document import Node, Place, Problems, Scalar, Table, plain
from bridge.mapping.conditions import All, fixed, read_condition
from bridge.mapping.examples import read_examples
from bridge.mapping.field_rules import Frame, fingerprint, read_policy, read_row, read_zones, zone_of
from bridge.mapping.functions import Functions
from bridge.mapping.model import (
    DeletePolicy,
    Duplicates,
    Field,
    Leftover,
    Mapping,
    MappingSide,
    Policy,
    Reader,
    Writer,
)
from bridge.mapping.paths import Path
from bridge.mapping.section import Section
from bridge.mapping.types.kind import as_is


def read_mapping(node: Node, problems: Problems, functions: Functions) -> Mapping | None:
    """Compile one document; None if its problems leave nothing to compile. `functions`: those the operator added."""
    if not isinstance(node, Table):
        problems.add(node.place, "a mapping must be a table", "start with mapping: NAME")
        return None
    section = Section(node, "the mapping", problems)
    name = section.text("mapping")
    if name is None:
        problems.add(section.place, "a mapping without a name", "start with mapping: NAME")
        return None
    section.what = f"mapping {name}"
    section.node("description")
    named_sides = _sides(section)
    if named_sides is None:
        return None
    named = {name: which for which, (name, _, _) in named_sides.items()}
    zones = read_zones(section, named)
    sides = _filtered(section, named_sides, zones)
    writes = _direction(section, named)
    policy = read_policy(section, named)
    entities = {which: f"{side.product} {side.entity}" for which, side in sides.items()}
    frame = Frame(name, named, entities, writes, policy, problems, functions, zones)
    fields = _fields(section, frame)
    if section.node("conflict") is None and any(row.two_way and row.policy is None for row in fields):
        problems.add(
            section.place,
            f"{section.what} goes both ways and does not say who wins when both sides edited a field",
            f"add conflict: {next(iter(named))} (or `newest, else {next(iter(named))}`, ask, fill-empty)",
        )
    return _assemble(section, frame, sides, fields, policy)


def _assemble(
    section: Section, frame: Frame, sides: dict[Side, MappingSide], fields: tuple[Field, ...], policy: Policy | None
) -> Mapping:
    named = frame.sides
    match = _match(section, fields)
    duplicates = _duplicates(section)
    deleted = _deleted(section, named)
    merged = _leftovers(section, named)
    creates = _creates(section, frame)
    markers = _markers(section, named)
    refused = _refused(section, fields)
    examples = read_examples(section, named)
    delete_conflict = section.word("delete-conflict", ("keep", "delete"), "keep")
    quiet = _quiet(section)
    section.node("fields")
    section.finish()
    content = {key: plain(value) for key, value in section.table.entries.items() if key not in ("tests", "description")}
    # An instance of a former release reads some types in another way, so it must not take this mapping's tasks.
    forms = {row.name: row.kind.form for row in fields if row.kind.form > 1}
    used = {name for names in match for name in names}
    keys = [[row.name, row.fingerprint] for row in fields if row.name in used]
    filters = {which.value: _filter(side) for which, side in sides.items()}
    return Mapping(
        name=frame.mapping,
        left=sides[Side.LEFT],
        right=sides[Side.RIGHT],
        fields=fields,
        writes=frame.writes,
        creates=creates,
        match=match,
        duplicates=duplicates,
        marker=markers,
        deleted=deleted,
        delete_conflict=delete_conflict,
        merged=merged,
        policy=policy,
        place=section.place,
        fingerprint=fingerprint([content, forms] if forms else content),
        match_fingerprint=fingerprint([match, keys, filters, list(frame.entities.values())]),
        examples=examples,
        quiet=quiet,
        named={row.name: row for row in fields},
        readers={side: _readers(fields, side) for side in SIDES},
        writers={side: _writers(fields, side) for side in SIDES},
        constants={side: _constants(fields, side) for side in SIDES},
        gates={side: _gates(fields, side) for side in SIDES},
        places=_places(section, named),
        refused=refused,
    )


def _filter(side: MappingSide) -> Any:
    """Return the filter that decides which records of a side are in its match index."""
    words = {path.text: word for path, word in side.fixed}
    return words if len(words) == len(side.where.parts) else str(side.where)


def _places(section: Section, named: MappingOf[str, Side]) -> dict[str, Place]:
    """Return the places of the mapping's keys, for problems that are found later."""
    found = {key: node.place for key, node in section.table.entries.items()}
    for key in ("sides", "where", "marker", "deleted", "merged"):
        node = section.table.entries.get(key)
        entries = node.entries if isinstance(node, Table) else {}
        found |= {f"{key}.{named[name].value}": entry.place for name, entry in entries.items() if name in named}
    return found


def _readers(fields: tuple[Field, ...], side: Side) -> tuple[Reader, ...]:
    made = []
    for row in fields:
        columns = row.columns_of(side)
        if row.set_on != "create" and columns is not None:
            keys = tuple(path.steps[0] for path in columns.paths) if all(map(_plain, columns.paths)) else ()
            made.append(Reader(row.name, keys, columns.paths, columns.parse))
    return tuple(made)


def _gates(fields: tuple[Field, ...], side: Side) -> tuple[tuple[str, All], ...]:
    return tuple((row.name, row.when[side]) for row in fields if side in row.when)


def _constants(fields: tuple[Field, ...], side: Side) -> dict[str, Any]:
    """Return the values that every record of this side has in field rules with `set: always` for the other side."""
    return {row.name: row.kind.parse(row.value) for row in fields if row.set_on == "always" and side.other in row.flows}


def _writers(fields: tuple[Field, ...], side: Side) -> dict[str, Writer]:
    made = {}
    for row in fields:
        columns = row.columns_of(side)
        fast = columns is not None and columns.render_one is not None and _plain(columns.paths[0])
        key = columns.paths[0].top if columns is not None and fast else None
        render = columns.render_one if columns is not None else None
        made[row.name] = Writer(columns, key, render or as_is, row.required)
    return made


def _plain(path: Path) -> bool:
    return len(path.steps) == 1 and path.label is None


def _sides(section: Section) -> dict[Side, tuple[str, str, str]] | None:
    """Return for each side its name, product and entity; None after a problem."""
    remedy = "write sides: {crm: PRODUCT ENTITY, erp: PRODUCT ENTITY}"
    table = section.sub("sides")
    if table is None or len(table.table.entries) != 2:
        section.problems.add(section.at("sides"), f"{section.what} must name two sides", remedy)
        return None
    made: dict[Side, tuple[str, str, str]] = {}
    for which, name in zip(Side, list(table.table.entries), strict=True):
        words = (table.text(name) or "").split()
        if len(words) != 2:
            section.problems.add(
                table.value_place(name), f"side {name} of {section.what} must name a product and an entity", remedy
            )
            return None
        made[which] = (name, words[0], words[1])
    return made


def _filtered(
    section: Section, sides: MappingOf[Side, tuple[str, str, str]], zones: MappingOf[Side, str]
) -> dict[Side, MappingSide]:
    """Return the sides with their conditions from `where`."""
    filters = section.sub("where")
    made = {}
    for which, (name, product, entity) in sides.items():
        where = read_condition(filters.sub(name) if filters is not None else None, zone_of(zones, which))
        made[which] = MappingSide(name, product, entity, where, fixed(where))
    if filters is not None:
        filters.finish()
    return made


def _direction(section: Section, named: MappingOf[str, Side]) -> frozenset[Side]:
    text = section.text("direction")
    if text is None or text == "both":
        return frozenset(Side)
    if text == "none":
        return frozenset()
    source, arrow, target = text.partition("->")
    if not arrow or {source.strip(), target.strip()} != set(named):
        left, right = named
        section.problems.add(
            section.value_place("direction"),
            f"`direction: {text}` of {section.what} is unknown",
            Guess(
                f"write both, {left} -> {right}, {right} -> {left} or none",
                text,
                ("both", f"{left} -> {right}", f"{right} -> {left}", "none"),
            ),
        )
        return frozenset(Side)
    return frozenset({named[target.strip()]})


def _fields(section: Section, frame: Frame) -> tuple[Field, ...]:
    table = section.sub("fields")
    if table is None or not table.table.entries:
        section.problems.add(
            section.at("fields"), f"{section.what} has no fields", "add fields: with one rule per field"
        )
        return ()
    rows = (read_row(name, node, frame) for name, node in table.table.entries.items())
    return tuple(row for row in rows if row is not None)


def _match(section: Section, fields: tuple[Field, ...]) -> tuple[tuple[str, ...], ...]:
    known = {row.name: row for row in fields}
    if section.node("match") is None:
        section.problems.add(
            section.place,
            f"{section.what} does not say how to find a record's counterpart",
            "add match: [FIELD, FIELD + FIELD], or match: none to always create",
        )
        return ()
    if _matches_none(section):
        if section.text("direction") == "none":
            what = f"{section.what} writes nothing, and with match: none it links nothing"
            section.problems.add(
                section.value_place("match"), what, "name the field rules that identify the counterpart"
            )
        return ()
    found = []
    for item in section.items("match"):
        text = item.text if isinstance(item, Scalar) else ""
        names = tuple(name.strip() for name in text.split("+"))
        wrong = [
            name
            for name in names
            if name not in known or known[name].set_on is not None or known[name].items is not None
        ]
        for name in (name for name in wrong if name in known and known[name].items is not None):
            what = f"`match` of {section.what} names `{name}`, which is a list of lines"
            section.problems.add(item.place, what, "match by field rules that hold one value")
        for name in wrong:
            # A field rule with a problem of its own is reported there.
            if name not in _row_names(section):
                section.problems.add(
                    item.place,
                    f"`match` of {section.what} names `{name}`, which is not a field",
                    did_you_mean(name, [*known, *_row_names(section)]),
                )
        for name in (name for name in names if name not in wrong and known[name].when):
            what = f"`match` of {section.what} names `{name}`, which holds only under a condition (`when`)"
            section.problems.add(item.place, what, "match by field rules that hold for every record")
        if not wrong:
            found.append(names)
    return tuple(found)


def _matches_none(section: Section) -> bool:
    node = section.node("match")
    return isinstance(node, Scalar) and node.text == "none"


def _duplicates(section: Section) -> Duplicates:
    found = Duplicates(section.word("duplicates", list(Duplicates), Duplicates.HOLD))
    if section.node("duplicates") is not None and _matches_none(section):
        section.problems.add(
            section.at("duplicates"),
            f"`duplicates` of {section.what} has no effect: with match: none no records are recognised as the same",
            "remove `duplicates`, or write match: [FIELD]",
        )
    return found


def _quiet(section: Section) -> float:
    """Return the seconds of `quiet: 30s` or `2m`; 0 if it is left out."""
    text = section.text("quiet")
    if text is None:
        return 0.0
    found = _QUIET.fullmatch(text)
    seconds = float(found[1]) * {"s": 1, "m": 60}[found[2]] if found else 0.0
    if not 1 <= seconds <= LONGEST_QUIET_SECONDS:
        remedy = "write seconds or minutes, like quiet: 30s or quiet: 2m, ten minutes at most"
        section.problems.add(
            section.value_place("quiet"), f"`quiet: {text}` of {section.what} is not a quiet time", remedy
        )
        return 0.0
    return seconds


_QUIET = re.compile(r"([0-9]{1,4}) ?(s|m)")
LONGEST_QUIET_SECONDS = 600


def _row_names(section: Section) -> set[str]:
    fields = section.table.entries.get("fields")
    return set(fields.entries) if isinstance(fields, Table) else set()


def _deleted(section: Section, named: MappingOf[str, Side]) -> dict[Side, DeletePolicy]:
    found = dict.fromkeys(Side, DeletePolicy.UNLINK)
    table = section.sub("deleted")
    if table is not None:
        for name, side in named.items():
            found[side] = DeletePolicy(table.word(name, list(DeletePolicy), DeletePolicy.UNLINK))
        table.finish()
    return found


def _leftovers(section: Section, named: MappingOf[str, Side]) -> dict[Side, Leftover]:
    """Return the policy of each side: `merged: report` means both sides, a table has one for each side."""
    found = dict.fromkeys(Side, Leftover.REPORT)
    if isinstance(section.node("merged"), Scalar):
        word = section.word("merged", list(Leftover), Leftover.REPORT)
        return dict.fromkeys(Side, Leftover(word))
    table = section.sub("merged")
    if table is not None:
        for name, side in named.items():
            found[side] = Leftover(table.word(name, list(Leftover), Leftover.REPORT))
        table.finish()
    return found


def _creates(section: Section, frame: Frame) -> frozenset[Side]:
    if section.node("creates") is None:
        return frame.writes
    found = set()
    for item in section.items("creates"):
        text = item.text if isinstance(item, Scalar) else ""
        what = f"`creates` of {section.what} names `{text}`"
        if text not in frame.sides:
            section.problems.add(item.place, f"{what}, which is not a side", one_of(text, frame.sides))
        elif frame.sides[text] not in frame.writes:
            remedy = "remove it, or set direction: both"
            section.problems.add(item.place, f"{what}, which this mapping only reads", remedy)
        else:
            found.add(frame.sides[text])
    return frozenset(found)


def _markers(section: Section, named: MappingOf[str, Side]) -> dict[Side, str]:
    table = section.sub("marker")
    if table is None:
        return {}
    found = {side: path.text for name, side in named.items() if (path := table.path(name)) is not None}
    table.finish()
    return found


def _refused(section: Section, fields: tuple[Field, ...]) -> tuple[tuple[Place, str, str], ...]:
    """Return the words of the language that this release does not support yet; `check` reports them."""
    later = {
        "drift": ("keep", ("restore",)),
        "on-leave": ("freeze", ("unlink", "delete")),
    }
    refused = []
    for key, (default, words) in later.items():
        if section.word(key, (default, *words), default) != default:
            what = f"`{key}: {section.text(key)}` of {section.what} cannot be done yet"
            refused.append((section.value_place(key), what, f"write {key}: {default}, or leave it out"))
    return tuple(refused)
