"""Translates records to canonical values and back. Mappings are compiled at load; nothing here reads a file."""

import hashlib
from collections.abc import Iterator
from collections.abc import Mapping as MappingOf
from datetime import date
from decimal import Decimal
from typing import Any

from bridge.domain.errors import FieldProblem, MappingFailed
from bridge.domain.frozen import dataclass
from bridge.domain.record import Fields, Side
from bridge.mapping.conditions import Empty, leaves
from bridge.mapping.model import Field, Mapping, Writer
from bridge.mapping.types.numbers import plain
from bridge.mapping.values import LEAVE, UNREAD, LinkId, Reference, Untranslatable, is_empty


@dataclass(frozen=True, slots=True)
class Reading:
    """A record's canonical values by field. Unread and untranslatable fields are UNREAD; `problems` names the latter.

    `hashes`: for each field that was read, a hash of its columns' raw values. `off`: fields whose `when` does not hold
    or is unknown; they are UNREAD as well, and are no problems.
    """

    values: dict[str, Any]
    hashes: dict[str, str]
    problems: tuple[FieldProblem, ...] = ()
    off: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class MatchKey:
    """A key to find a record by. `hash`: of the folded values of `fields`; it must stay the same in all releases."""

    fields: tuple[str, ...]
    hash: str


def read(mapping: Mapping, side: Side, fields: Fields) -> Reading:
    """Translate one side's record. No content makes it raise: a value that cannot be translated is a problem of its
    field."""
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
    """Return the field rules whose `when` does not hold for this record, or is unknown."""
    return frozenset(name for name, condition in mapping.gates[side] if condition.holds(fields) is not True)


def without(reading: Reading, off: frozenset[str]) -> Reading:
    """Return the same reading with these fields UNREAD."""
    if not off:
        return reading
    return Reading(
        values={name: UNREAD if name in off else value for name, value in reading.values.items()},
        hashes={name: hashed for name, hashed in reading.hashes.items() if name not in off},
        problems=tuple(problem for problem in reading.problems if problem.field not in off),
        off=reading.off | off,
    )


def _hash(raw: Any) -> str:
    """Return a hash of a raw value. A short value's text is used as it is: it is as exact as a hash, and faster."""
    text = f"s{raw}" if type(raw) is str else _stable(raw)
    return text if len(text) <= _SHORT else f"#{_digest(text, 8)}"


def _digest(text: str, size: int) -> str:
    """Return a hash of a text. The text may contain half a surrogate pair, because a vendor's JSON may."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).hexdigest()


_SHORT = 32


def _stable(raw: Any) -> str:
    """Return a text that is the same for equal raw values in every process, and different for different types."""
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
    """Return whether the record belongs to the mapping; None if a column of the filter was not read."""
    return mapping.side(side).where.holds(fields)


def write(mapping: Mapping, side: Side, values: MappingOf[str, Any], fresh: Fields) -> Fields:
    """Return the columns to send for these fields. Raises MappingFailed that names each field that cannot be written.

    Lists and objects are sent whole: as in `fresh`, with the item changed. `custom` contains only what changes.
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
    columns = writer.columns
    if columns is None or value is UNREAD:
        return
    if is_empty(value):
        if writer.required:
            raise Untranslatable("it is required and empty")
        value = None
    if writer.key is not None:
        changes[writer.key] = None if value is None else writer.render(value)
        return
    if columns.compose is not None:
        (path,) = columns.paths
        held = path.get(fresh)
        path.put(changes, fresh, columns.compose(value, None if held is UNREAD else held))
        return
    for path, raw in zip(columns.paths, columns.render(value), strict=True):
        if raw is not LEAVE:
            path.put(changes, fresh, raw)


def off_in_new(mapping: Mapping, side: Side, values: MappingOf[str, Any], off: frozenset[str]) -> frozenset[str]:
    """Return the field rules whose `when` does not hold for a new record with `values`. `off`: those whose `when` does
    not hold for the source record.

    A column that no field rule writes counts as `empty` in a new record; any other test of it is unknown. Raises
    MappingFailed as `for_create` does.
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
    """Return the columns of a new record: every non-empty value, defaults, constants and the values that `where` fixes.

    `off`: field rules that are left out. Raises MappingFailed if a required field is empty, a value cannot be written,
    or the new record would not be in the mapping.
    """
    changes: dict[str, Any] = {}
    problems: list[FieldProblem] = []
    where = mapping.side(side).name
    for path, wanted in mapping.side(side).fixed:
        path.put(changes, {}, wanted)
    for row in mapping.fields:
        try:
            if row.name in off or row.columns_of(side) is None or (side not in row.flows and not row.required):
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
    """Yield the conditions of `where` that a new record would not fulfil: it would be frozen as soon as it exists."""
    for part in mapping.side(side).where.parts:
        if part.holds(made) is False:
            what = f"no record can be created in {mapping.side(side).name}: where needs {part}"
            yield FieldProblem(next(leaves(part)).path.text, what)


def initial(
    mapping: Mapping, side: Side, values: MappingOf[str, Any], off: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """Return the canonical values of a new record: `values`, defaults and constants, without what `where` fixes."""
    written = [
        row for row in mapping.fields if row.columns_of(side) is not None and (side in row.flows or row.required)
    ]
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
    """Return the defaults that `for_create` sends to `side` in place of empty values, as canonical values.

    A default belongs to the side to which it was written: there it is the base, while the other side's base is empty.
    So it does not cross back, but an edit of it does.
    """
    return {
        row.name: row.kind.parse(row.default)
        for row in mapping.fields
        if row.default is not None and row.name not in off and side in row.flows and is_empty(values.get(row.name))
    }


def match_keys(mapping: Mapping, values: MappingOf[str, Any]) -> tuple[MatchKey, ...]:
    """Return one key for each alternative of `match` whose fields all have a value. A link needs to be a LinkId."""
    return tuple(
        key
        for key in side_keys(mapping, values)
        if not any(isinstance(values.get(name), Reference) for name in key.fields)
    )


def side_keys(mapping: Mapping, values: MappingOf[str, Any]) -> tuple[MatchKey, ...]:
    """Return the match keys for comparing records of one side. An unresolved link counts as the id that it names."""
    return tuple(MatchKey(names, text) for names in mapping.match if (text := key_hash(mapping, names, values)))


def index_hashes(mapping: Mapping, values: MappingOf[str, Any]) -> tuple[str, ...]:
    """Return the hashes under which a record is in the match index.

    The index is filled before anything is linked. Without the links that are not resolved yet, records that match by a
    link could never be found in it.
    """
    return tuple(key.hash for key in side_keys(mapping, values))


def key_hash(mapping: Mapping, names: tuple[str, ...], values: MappingOf[str, Any]) -> str | None:
    """Return the hash of these fields' folded values; None if one of them is empty."""
    folded_values = [folded(mapping.named[name], values.get(name)) for name in names]
    if not all(folded_values):
        return None
    return _digest("\x1f".join([*names, *folded_values]), 16)


def lookups(mapping: Mapping, side: Side, key: MatchKey, values: MappingOf[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Return (column, value in that side's form) for a vendor's search. Links and unwritable values are left out.

    The column has the manifest's name: `emails` for emails.primary, `custom.<name>` for a custom field.
    """
    found: list[tuple[str, Any]] = []
    for name in key.fields:
        columns, value = mapping.named[name].columns_of(side), values.get(name)
        if columns is None or is_empty(value) or isinstance(value, LinkId):
            continue
        try:
            raws = columns.render(value)
        except Untranslatable:
            continue
        found += [
            (path.column, raw)
            for path, raw in zip(columns.paths, raws, strict=True)
            if raw is not LEAVE and raw is not None
        ]
    return tuple(found)


def row_hash(mapping: Mapping, side: Side, fields: Fields) -> str:
    """Return a hash of that side's mapped columns that were read. If it is equal, there is nothing new to decide."""
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
    """Return a text without differences in case, outer blanks and the writing of numbers; "" if the value is empty."""
    return "" if is_empty(value) else field.kind.fold(value)


def same(field: Field, a: Any, b: Any) -> bool:
    """Return whether two canonical values are equal. Every kind of emptiness is equal."""
    if is_empty(a) or is_empty(b):
        return is_empty(a) and is_empty(b)
    if type(a) is not type(b):
        return False
    return field.kind.same(a, b)


def is_reduction(field: Field, sent: Any, shown: Any) -> bool:
    """Return whether `shown` is `sent`, or what a server makes of it by trimming, folding case, cutting or rounding."""
    if same(field, sent, shown):
        return True
    if is_empty(sent) or is_empty(shown) or type(sent) is not type(shown):
        return False
    return field.kind.reduces(sent, shown)
