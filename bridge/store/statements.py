"""Statements of the store: built once and run often, with keys as parameters, and the plain values of their rows.

SQLAlchemy compiles a `Prepared` statement for either database, and the driver runs it directly: what SQLAlchemy does
around an execution costs as much as the statement on PostgreSQL, and more than it on SQLite. All keys among a
statement's parameters are one parameter (`among`, `listed`), so that its text never changes.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Table, and_, bindparam, literal, tuple_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from bridge.domain.event import EventKind, Lane
from bridge.domain.late import late
from bridge.domain.record import RecordRef, Side
from bridge.store.model import KnownRecord, Link, LinkState, Task, TaskKey, TaskState
from bridge.store.tables import JsonText

Values = Mapping[str, Any]
Convert = Callable[[Any], Any]
Converters = tuple[tuple[int, Convert], ...]
NOTHING: Values = {}


class Prepared:
    """A statement whose parameters are given by name. `statement`: without list parameters ("expanding")."""

    def __init__(self, statement: Any) -> None:
        self.statement = statement
        self._compiled: dict[str, dict[tuple[str, ...], Compiled]] = defaultdict(dict)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of its columns in the code."""
        return tuple(str(column.key) for column in self.statement.exported_columns)

    def rows(self, conn: Connection, values: Values = NOTHING) -> Sequence[Any]:
        """Run it and return its rows, each with the values in the order of its columns."""
        compiled = self._for(conn, values)
        return compiled.read(_run(conn, conn.dialect.do_execute, compiled.sql, compiled.bind(values)))

    def mappings(self, conn: Connection, values: Values = NOTHING) -> Sequence[Mapping[str, Any]]:
        """Run it and return its rows, each as a mapping by column name."""
        return [dict(zip(self.names, row, strict=True)) for row in self.rows(conn, values)]

    def one(self, conn: Connection, values: Values = NOTHING) -> Any:
        """Run it and return the first column of the first row; None if there is no row."""
        found = self.rows(conn, values)
        return found[0][0] if found else None

    def run(self, conn: Connection, values: Values = NOTHING) -> None:
        """Run a statement that returns no rows."""
        compiled = self._for(conn, values)
        _run(conn, conn.dialect.do_execute, compiled.sql, compiled.bind(values))

    def rows_of_many(self, conn: Connection, rows: Sequence[Values]) -> Sequence[Any]:
        """What an insert of these rows returns; at least one, which all name the same parameters."""
        if len(rows) == 1:
            return self.rows(conn, rows[0])
        return conn.execute(self.statement, rows).all()  # SQLAlchemy sends many of them at once

    def run_many(self, conn: Connection, rows: Sequence[Values]) -> None:
        """Run it once for each of these rows. All have the same parameters, and there is at least one."""
        compiled = self._for(conn, rows[0])
        _run(conn, conn.dialect.do_executemany, compiled.sql, compiled.bind_many(rows))

    def _for(self, conn: Connection, values: Values) -> "Compiled":
        """Return the compiled form for these parameter names. An insert takes its columns from them."""
        names = tuple(values)
        compiled = self._compiled[conn.dialect.name].get(names)
        if compiled is None:
            compiled = self._compiled[conn.dialect.name][names] = Compiled(self.statement, conn, names)
        return compiled


class Compiled:
    """A statement in the driver's form: its text, the order of its parameters, and how columns are converted."""

    __slots__ = ("_bound", "_dialect", "_fixed", "_order", "_shown", "_types", "sql")

    def __init__(self, statement: Any, conn: Connection, names: Collection[str]) -> None:
        made: SQLCompiler = statement.compile(dialect=conn.dialect, column_keys=list(names) or None)
        if made.post_compile_params:
            raise ValueError(f"a list as parameter is written anew at each execution (see `listed`): {made.string}")
        self.sql = made.string
        order: Sequence[str] = made.positiontup or ()
        self._order = order
        self._fixed = {name: value for name, value in made.params.items() if name not in names}
        types = {place: made.binds[name].type for place, name in enumerate(order) if name in made.binds}
        self._bound = _converters(
            (place, type_.dialect_impl(conn.dialect).bind_processor(conn.dialect)) for place, type_ in types.items()
        )
        self._dialect = conn.dialect
        self._types = [column.type for column in getattr(statement, "exported_columns", ())]
        self._shown: Converters | None = None

    def bind(self, values: Values) -> Sequence[Any]:
        given = {**self._fixed, **values} if self._fixed else values
        bound = [given[name] for name in self._order]
        for place, convert in self._bound:
            bound[place] = convert(bound[place])
        return bound

    def bind_many(self, rows: Iterable[Values]) -> list[Sequence[Any]]:
        return [self.bind(values) for values in rows]

    def read(self, cursor: Any) -> Sequence[Any]:
        found: list[Any] = cursor.fetchall()
        shown = self._shown
        if shown is None:  # the conversion depends on the server's types, which the first answer names
            shown = self._shown = self._reading(cursor.description)
        if not shown:
            return found
        rows = [list(row) for row in found]
        for row in rows:
            for place, convert in shown:
                row[place] = convert(row[place])
        return rows

    def _reading(self, described: Sequence[Sequence[Any]]) -> "Converters":
        return _converters(
            (place, type_.dialect_impl(self._dialect).result_processor(self._dialect, described[place][1]))
            for place, type_ in enumerate(self._types)
        )


def _converters(found: Iterable[tuple[int, Convert | None]]) -> Converters:
    return tuple((place, convert) for place, convert in found if convert is not None)


def _run(conn: Connection, run: Callable[..., None], sql: str, values: Any) -> Any:
    """Run it on a cursor of the driver. SQLAlchemy translates errors, and drops a lost connection."""
    cursor = conn.connection.cursor()
    try:
        run(cursor, sql, values)
    except BaseException as error:
        told = sql if isinstance(error, conn.dialect.loaded_dbapi.Error) else None  # other errors are not translated
        conn._handle_dbapi_exception(error, told, None, cursor, None)
    return cursor


# ---- Insert, or change the row that is there ----


SQLITE_INSERT = ("bridge.store.sqlite_file", "insert")
POSTGRES_INSERT = ("bridge.store.postgres", "insert")
"""Only the one in use is imported: SQLAlchemy's dialect for PostgreSQL, for example, takes 0.03 s and 4 MB."""


def upsert(is_sqlite: bool, table: Any) -> Any:
    """The dialect's `insert ... on conflict`."""
    return late(*(SQLITE_INSERT if is_sqlite else POSTGRES_INSERT))(table)


# ---- Keys and values to compare columns with ----


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


# ---- Rows to plain values ----


Row = Any
"""A database row, by column name."""

KIND_BITS = {EventKind.CREATED: 1, EventKind.CHANGED: 2, EventKind.DELETED: 4, EventKind.MERGED: 8}
BOTH_SIDES = 16
"""A bit beside the kinds of events: something other than an event about its own record made the task due."""
INSTRUCTED = 32
"""A bit: a person gave an instruction about the record."""


def kind_bits(kinds: Iterable[str]) -> int:
    """The bits of these kinds of events."""
    return sum(bit for kind, bit in KIND_BITS.items() if kind.value in set(kinds))


LINK_COLUMNS = frozenset(field.name for field in fields(Link)) - {"id"}
IN_USE = (LinkState.INTENDED.value, LinkState.LIVE.value, LinkState.FROZEN.value)


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
