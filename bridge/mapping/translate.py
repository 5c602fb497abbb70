"""Records to canonical values and back. Compiled at load; nothing here looks at a file."""

import hashlib
from collections.abc import Iterator
from collections.abc import Mapping as MappingOf
from datetime import date
from decimal import Decimal
from typing import Any

from bridge.domain.errors import FieldProblem, MappingFailed
from bridge.domain.record import Fields, Side
from bridge.domain.values import dataclass
from bridge.mapping.conditions import Empty, leaves
from bridge.mapping.model import Field, Mapping, Writer
from bridge.mapping.types.numbers import plain
from bridge.mapping.values import LEAVE, UNREAD, LinkId, Reference, Untranslatable, is_empty


@dataclass(frozen=True, slots=True)
class Reading:
    """A record's canonical values by field. Unread and untranslatable fields are UNREAD; `problems` says why.

    `hashes`: per field that was read, of its columns' raw values. `off`: fields whose `when` does not hold, or cannot
    be told; they are UNREAD as well, and no problem.
    """

    values: dict[str, Any]
    hashes: dict[str, str]
    problems: tuple[FieldProblem, ...] = ()
    off: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class MatchKey:
    """What a record may be found by: `hash` of the folded values of `fields`, the same text for ever."""

    fields: tuple[str, ...]
    hash: str


def read(mapping: Mapping, side: Side, fields: Fields) -> Reading:
    """Translate one side's record. Never raises for content: what cannot be translated is a problem of its field."""
    values: dict[str, Any] = {}
    hashes: dict[str, str] = {}
    problems: list[FieldProblem] = []
    for reader in mapping.readers[side]:
        name, keys = reader.name, reader.keys
        raw: Any
        if len(keys) == 1:
            raw = fields.get(keys[0], UNREAD)
            empty = raw is None or raw == ""
        elif len(reader.paths) == 1:
            raw = reader.paths[0].get(fields)
            empty = raw is None or raw == ""
        else:
            raw = tuple([fields.get(key, UNREAD) for key in keys] or [path.get(fields) for path in reader.paths])
            if UNREAD in raw:
                raw = UNREAD
            empty = raw is not UNREAD and raw.count(None) + raw.count("") == len(raw)
        if raw is UNREAD:
            values[name] = UNREAD
            continue
        hashes[name] = _hash(raw)
        try:
            values[name] = None if empty else reader.parse(raw)
        except Untranslatable as error:
            values[name] = UNREAD
            columns = ", ".join(path.text for path in reader.paths)
            problems.append(FieldProblem(name, f"{mapping.side(side).name} {columns}: {error}"))
    for name, constant in mapping.constants[side].items():
        values[name], hashes[name] = constant, _hash(str(constant))
    return without(Reading(values, hashes, tuple(problems)), off(mapping, side, fields))


def off(mapping: Mapping, side: Side, fields: Fields) -> frozenset[str]:
    """The rules whose `when` does not hold for this record, or cannot be evaluated."""
    return frozenset(name for name, condition in mapping.gates[side] if condition.holds(fields) is not True)


def without(reading: Reading, off: frozenset[str]) -> Reading:
    """The same reading without these rules."""
    if not off:
        return reading
    return Reading(
        values={name: UNREAD if name in off else value for name, value in reading.values.items()},
        hashes={name: hashed for name, hashed in reading.hashes.items() if name not in off},
        problems=tuple(problem for problem in reading.problems if problem.field not in off),
        off=reading.off | off,
    )


def _hash(raw: Any) -> str:
    """Short values stand for themselves: their text is as exact as a hash of it, and quicker."""
    text = f"s{raw}" if type(raw) is str else _stable(raw)
    return text if len(text) <= _SHORT else f"#{_digest(text, 8)}"


def _digest(text: str, size: int) -> str:
    """Half a character is content as well: a vendor's JSON may hold it."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).hexdigest()


_SHORT = 32


def _stable(raw: Any) -> str:
    """Text that is equal for equal raw values, whatever the process, and differs by type."""
    if isinstance(raw, str):
        return f"s{raw}"
    if raw is None:
        return "n"
    if isinstance(raw, bool):
        return "t" if raw else "f"
    if isinstance(raw, int):
        return f"d{raw}"
    if isinstance(raw, Decimal):
        return f"d{plain(raw)}"
    if isinstance(raw, date):
        return f"@{raw.isoformat()}"
    if isinstance(raw, list | tuple):
        return "[" + ",".join([_stable(item) for item in raw]) + "]"
    if isinstance(raw, MappingOf):
        return "{" + ",".join([f"{key}={_stable(raw[key])}" for key in sorted(raw)]) + "}"
    return f"?{raw}"


def passes_where(mapping: Mapping, side: Side, fields: Fields) -> bool | None:
    """Whether the record belongs to the mapping; None when a column of the filter was unread."""
    return mapping.side(side).where.holds(fields)


def write(mapping: Mapping, side: Side, values: MappingOf[str, Any], fresh: Fields) -> Fields:
    """The columns to send for just these fields; raises MappingFailed naming every field that cannot be written.

    Lists and objects come back whole from `fresh` with the item changed; `custom` holds only what changes.
    """
    changes: dict[str, Any] = {}
    problems: list[FieldProblem] = []
    writers = mapping.writers[side]
    for name, value in values.items():
        try:
            _put(writers[name], value, changes, fresh)
        except Untranslatable as error:
            problems.append(FieldProblem(name, f"cannot be written to {mapping.side(side).name}: {error}"))
    if problems:
        raise MappingFailed(problems)
    return changes


def _put(writer: Writer, value: Any, changes: dict[str, Any], fresh: Fields) -> None:
    cells = writer.cells
    if cells is None or value is UNREAD:
        return
    if is_empty(value):
        if writer.required:
            raise Untranslatable("it is required and empty")
        value = None
    if writer.key is not None:
        changes[writer.key] = None if value is None else writer.render(value)
        return
    if cells.compose is not None:
        (path,) = cells.paths
        held = path.get(fresh)
        path.put(changes, fresh, cells.compose(value, None if held is UNREAD else held))
        return
    for path, raw in zip(cells.paths, cells.render(value), strict=True):
        if raw is not LEAVE:
            path.put(changes, fresh, raw)


def off_in_new(mapping: Mapping, side: Side, values: MappingOf[str, Any], off: frozenset[str]) -> frozenset[str]:
    """The rows that do not hold where a new record is made of `values`; `off`: those that do not by its source.

    A column that no row writes is `empty` in a new record; what else it will show is not known. Raises MappingFailed as
    `for_create` does.
    """
    gates = mapping.gates[side]
    if not gates:
        return off
    made = dict(for_create(mapping, side, values, off | {name for name, _ in gates}))
    for path in [leaf.path for _, condition in gates for leaf in leaves(condition) if isinstance(leaf, Empty)]:
        if path.get(made) is UNREAD:
            path.put(made, {}, None)
    return off | {name for name, condition in gates if condition.holds(made) is not True}


def for_create(mapping: Mapping, side: Side, values: MappingOf[str, Any], off: frozenset[str] = frozenset()) -> Fields:
    """What a new record starts with: every non-empty value, defaults, constants and the filter's own values.

    `off`: rows that are left out. Raises MappingFailed when a required field is empty, a value cannot be written, or
    the new record would not be in the mapping.
    """
    changes: dict[str, Any] = {}
    problems: list[FieldProblem] = []
    where = mapping.side(side).name
    for path, wanted in mapping.side(side).fixed:
        path.put(changes, {}, wanted)
    for row in mapping.fields:
        try:
            if row.name in off or row.cells(side) is None or (side not in row.flows and not row.required):
                continue
            value = _initial(row, values)
            if is_empty(value):
                if row.required:
                    raise Untranslatable("it is required and empty")
                continue
            _put(mapping.writers[side][row.name], value, changes, {})
        except Untranslatable as error:
            problems.append(FieldProblem(row.name, f"no record can be created in {where}: {error}"))
    problems += _outside(mapping, side, changes)
    if problems:
        raise MappingFailed(problems)
    return changes


def _outside(mapping: Mapping, side: Side, made: Fields) -> Iterator[FieldProblem]:
    """What `where` demands and a new record would not show: it would be frozen as soon as it exists."""
    for part in mapping.side(side).where.parts:
        if part.holds(made) is False:
            what = f"no record can be created in {mapping.side(side).name}: where needs {part}"
            yield FieldProblem(next(leaves(part)).path.text, what)


def initial(
    mapping: Mapping, side: Side, values: MappingOf[str, Any], off: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """The canonical values of a new record: those given, defaults and constants; the filter's own are left out."""
    written = [row for row in mapping.fields if row.cells(side) is not None and (side in row.flows or row.required)]
    rows = [row for row in written if row.name not in off]
    found = {row.name: _initial(row, values) for row in rows}
    return {name: value for name, value in found.items() if not is_empty(value)}


def _initial(row: Field, values: MappingOf[str, Any]) -> Any:
    if row.set_on is not None:
        return row.kind.parse(row.value)
    value = values.get(row.name)
    return row.kind.parse(row.default) if is_empty(value) and row.default is not None else value


def defaulted(
    mapping: Mapping, side: Side, values: MappingOf[str, Any], off: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """The defaults `for_create` sends to `side` in place of empty values, canonical.

    A default belongs to the side it was written to: there it is the value last in sync, while the other side was last
    in sync empty. So it does not flow back; an edit of it does.
    """
    return {
        row.name: row.kind.parse(row.default)
        for row in mapping.fields
        if row.default is not None and row.name not in off and side in row.flows and is_empty(values.get(row.name))
    }


def match_keys(mapping: Mapping, values: MappingOf[str, Any]) -> tuple[MatchKey, ...]:
    """One key per alternative of `match` whose fields all have a value (links: once resolved to a LinkId)."""
    return tuple(
        key
        for key in side_keys(mapping, values)
        if not any(isinstance(values.get(name), Reference) for name in key.fields)
    )


def side_keys(mapping: Mapping, values: MappingOf[str, Any]) -> tuple[MatchKey, ...]:
    """The match keys by which records of one side are compared: a link not resolved yet counts as the id it names."""
    return tuple(MatchKey(names, text) for names in mapping.match if (text := key_hash(mapping, names, values)))


def index_hashes(mapping: Mapping, values: MappingOf[str, Any]) -> tuple[str, ...]:
    """What a record is indexed by.

    An index is filled before anything is linked; without links not resolved yet, records matched by a link could never
    be found in it.
    """
    return tuple(key.hash for key in side_keys(mapping, values))


def key_hash(mapping: Mapping, names: tuple[str, ...], values: MappingOf[str, Any]) -> str | None:
    """The hash of these fields' folded values; None when one of them is empty."""
    folded_values = [folded(mapping.named[name], values.get(name)) for name in names]
    if not all(folded_values):
        return None
    return _digest("\x1f".join([*names, *folded_values]), 16)


def lookups(mapping: Mapping, side: Side, key: MatchKey, values: MappingOf[str, Any]) -> tuple[tuple[str, Any], ...]:
    """(column, value in that side's form) to ask a vendor's search for; links and unwritable ones left out.

    The column is the manifest's own name: `emails` of emails.primary, `custom.<name>` of an own field.
    """
    found: list[tuple[str, Any]] = []
    for name in key.fields:
        cells, value = mapping.named[name].cells(side), values.get(name)
        if cells is None or is_empty(value) or isinstance(value, LinkId):
            continue
        try:
            raws = cells.render(value)
        except Untranslatable:
            continue
        found += [
            (path.column, raw)
            for path, raw in zip(cells.paths, raws, strict=True)
            if raw is not LEAVE and raw is not None
        ]
    return tuple(found)


def row_hash(mapping: Mapping, side: Side, fields: Fields) -> str:
    """Content hash over that side's mapped columns, only those present: equal hashes, nothing to decide."""
    parts = []
    for reader in mapping.readers[side]:
        for path in reader.paths:
            raw = path.get(fields)
            if raw is not UNREAD:
                parts.append(f"{path.text}={_stable(raw)}")
    conditions = [mapping.side(side).where, *(condition for _, condition in mapping.gates[side])]
    asked = [leaf.path for condition in conditions for leaf in leaves(condition)]
    parts += [f"{path.text}={_stable(raw)}" for path in asked if (raw := path.get(fields)) is not UNREAD]
    return _digest("\x1f".join(parts), 16)


def folded(field: Field, value: Any) -> str:
    """Text in which case, outer blanks and ways of writing a number do not count; "" when empty."""
    return "" if is_empty(value) else field.kind.fold(value)


def same(field: Field, a: Any, b: Any) -> bool:
    """Canonical equality; every kind of emptiness is equal."""
    if is_empty(a) or is_empty(b):
        return is_empty(a) and is_empty(b)
    if type(a) is not type(b):
        return False
    return field.kind.same(a, b)


def is_reduction(field: Field, sent: Any, shown: Any) -> bool:
    """`shown` is what a server makes of `sent` by trimming, folding case, cutting or rounding (or `sent` itself)."""
    if same(field, sent, shown):
        return True
    if is_empty(sent) or is_empty(shown) or type(sent) is not type(shown):
        return False
    return field.kind.reduces(sent, shown)
