"""Compiles one field rule: its type, its columns on both sides, and what it may write."""

import hashlib
import json
from collections.abc import Mapping as MappingOf
from dataclasses import field
from typing import Any

from bridge.domain.guess import one_of
from bridge.domain.record import SIDES, Side
from bridge.domain.values import dataclass, replace
from bridge.files.document import Listing, Node, Place, Problems, Scalar, Table, plain
from bridge.mapping.columns import FieldType, columns_of, field_type, zone_of
from bridge.mapping.conditions import All, read_condition
from bridge.mapping.functions import Functions
from bridge.mapping.lines import line_columns, line_kind, plain_rows, read_spec
from bridge.mapping.model import Conflict, Field, LineSpec, Policy, SideColumns
from bridge.mapping.paths import Path
from bridge.mapping.section import Section
from bridge.mapping.tables import ANY, ColumnTable
from bridge.mapping.types.kind import Kind, as_is
from bridge.mapping.values import LEAVE, Untranslatable


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
