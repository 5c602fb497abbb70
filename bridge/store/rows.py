"""Database rows to plain values."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import ColumnElement, Integer, Table, and_, bindparam, literal, tuple_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from bridge.domain.event import EventKind, Lane
from bridge.domain.record import RecordRef, Side
from bridge.store.model import KnownRecord, Link, LinkState, Task, TaskKey, TaskState
from bridge.store.tables import JsonText

KIND_BITS = {EventKind.CREATED: 1, EventKind.CHANGED: 2, EventKind.DELETED: 4, EventKind.MERGED: 8}
BOTH_SIDES = 16
"""A bit beside the kinds of events: something other than an event about its own record made the task due."""
INSTRUCTED = 32
"""A bit: a person gave an instruction about the record."""

Row = Any
"""A database row, by column name."""

LINK_COLUMNS = frozenset(field.name for field in fields(Link)) - {"id"}
IN_USE = (LinkState.INTENDED.value, LinkState.LIVE.value, LinkState.FROZEN.value)


def kind_bits(kinds: Iterable[str]) -> int:
    """The bits of these kinds of events."""
    return sum(bit for kind, bit in KIND_BITS.items() if kind.value in set(kinds))


def chunks(items: Sequence[Any], size: int = 900) -> Iterable[Sequence[Any]]:
    """Split `items`, because databases limit the number of values in one statement."""
    return (items[start : start + size] for start in range(0, len(items), size))


def task_tuple(key: TaskKey) -> tuple[str, str, str]:
    return (key.mapping, key.side.value, key.record_id)


def ref_tuple(ref: RecordRef) -> tuple[str, str, str]:
    return (ref.system, ref.entity, ref.id)


def has_key(table: Table, keys: Sequence[tuple[str, str, str]]) -> ColumnElement[bool]:
    """Whether a row's primary key, of three text columns, is one of `keys`."""
    columns = list(table.primary_key.columns)
    if len(keys) == 1:
        return and_(*(column == value for column, value in zip(columns, keys[0], strict=True)))
    return tuple_(*columns).bool_op("IN")(KeyList(literal([list(key) for key in keys], JsonText)))


def walked_by_id(column: ColumnElement[str]) -> ColumnElement[str]:
    """A text column to compare in queries that read rows in the order of their ids, in portions.

    For the column itself SQLite would use an index that begins with it, read all of its rows, and sort them for each
    portion.
    """
    return column.concat("")


class KeyList(FunctionElement[Any]):
    """Keys of three texts each, from one JSON parameter: rows to compare a table's key with.

    It replaces a list of row values, for which SQLite would read the whole table instead of using the index.
    """

    name = "key_list"
    inherit_cache = True
    width = 3


class PairList(KeyList):
    """Keys of two texts each."""

    name = "pair_list"
    inherit_cache = True
    width = 2


@compiles(KeyList, "sqlite")
def _of_sqlite(element: KeyList, compiler: SQLCompiler, **more: Any) -> str:
    values = compiler.process(element.clauses, **more)
    parts = ", ".join(f"json_extract(value, '$[{place}]')" for place in range(element.width))
    return f"(SELECT {parts} FROM json_each({values}))"  # noqa: S608 - a parameter and constants


@compiles(KeyList, "postgresql")
def _of_postgresql(element: KeyList, compiler: SQLCompiler, **more: Any) -> str:
    values = compiler.process(element.clauses, **more)
    parts = ", ".join(f"value ->> {place}" for place in range(element.width))
    return f"(SELECT {parts} FROM jsonb_array_elements(CAST({values} AS jsonb)))"  # noqa: S608 - as above


def among(columns: Iterable[ColumnElement[Any]], parameter: str = "keys") -> ColumnElement[bool]:
    """Whether two or three text columns hold one of the keys that the statement's parameter lists."""
    compared = list(columns)
    keys = bindparam(parameter, type_=JsonText)
    return tuple_(*compared).bool_op("IN")(PairList(keys) if len(compared) == PairList.width else KeyList(keys))


class ValueList(FunctionElement[Any]):
    """Texts from one JSON parameter, so that the statement is the same for any number of them."""

    name = "value_list"
    inherit_cache = True


class NumberList(ValueList):
    """Whole numbers from one JSON parameter."""

    name = "number_list"
    inherit_cache = True


@compiles(ValueList, "sqlite")
def _values_of_sqlite(element: ValueList, compiler: SQLCompiler, **more: Any) -> str:
    return f"(SELECT value FROM json_each({compiler.process(element.clauses, **more)}))"  # noqa: S608 - as above


@compiles(ValueList, "postgresql")
def _values_of_postgresql(element: ValueList, compiler: SQLCompiler, **more: Any) -> str:
    value = "CAST(value AS BIGINT)" if isinstance(element, NumberList) else "value"
    values = compiler.process(element.clauses, **more)
    return f"(SELECT {value} FROM jsonb_array_elements_text(CAST({values} AS jsonb)))"  # noqa: S608 - as above


def listed(column: ColumnElement[Any], parameter: str) -> ColumnElement[bool]:
    """Whether a column of texts or whole numbers holds one of those that the statement's parameter lists."""
    values = bindparam(parameter, type_=JsonText)
    of = NumberList if isinstance(column.type, Integer) else ValueList
    return column.bool_op("IN")(of(values))


def keyed(table: Table) -> ColumnElement[bool]:
    """`has_key` for a statement that is built once: its keys are the parameter `keys`."""
    return among(table.primary_key.columns)


def task_key(row: Row) -> TaskKey:
    return TaskKey(row["mapping"], Side(row["side"]), row["rec"])


def task_from(row: Row) -> Task:
    bits = row["kinds"] | row["kinds_taken"]
    return Task(
        key=task_key(row),
        state=TaskState(row["state"]),
        lane=Lane(row["lane"]),
        due=row["due"] if row["due"] is not None else 0.0,
        generation=row["gen"],
        pending=row["pending"],
        taken=row["taken"],
        attempts=row["attempts"],
        reason=row["reason"],
        first_due=row["first_due"],
        source_at=row["source_at"],
        kinds=frozenset(kind.value for kind, bit in KIND_BITS.items() if bits & bit),
        decided_hash=row["decided_hash"],
        stale_since=row["stale_since"],
        gone_since=row["gone_since"],
        waits_for=_waits_for(row),
        outcome=row["outcome"],
        code=row["code"] or "",
        retried=bool(row["retried"]),
        both_sides=bool(bits & BOTH_SIDES),
        instructed=bool(bits & INSTRUCTED),
        run=row["run"],
        event=row["event"],
    )


def _waits_for(row: Row) -> TaskKey | None:
    if row["wait_rec"] is None:
        return None
    return TaskKey(row["wait_mapping"], Side(row["wait_side"]), row["wait_rec"])


def link_from(row: Row) -> Link:
    values = {name: row[name] for name in LINK_COLUMNS}
    values["state"] = LinkState(values["state"])
    return Link(id=row["id"], **values)


def known_from(row: Row) -> KnownRecord:
    return KnownRecord(
        ref=RecordRef(row["system"], row["entity"], row["rec"]),
        first_seq=row["first_seq"],
        version=row["version"],
        own_version=row["own_version"],
        own_write_at=row["own_write_at"],
        told_at=row["told_at"],
        row_hash=row["row_hash"],
        gone_at=row["gone_at"],
        gone_how=row["gone_how"],
    )
