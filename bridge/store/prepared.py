"""Statements that are built once and run often.

SQLAlchemy compiles them for either database, and the driver runs them directly: what SQLAlchemy does around an
execution costs as much as the statement on PostgreSQL, and more than it on SQLite.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.sql.compiler import SQLCompiler

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
