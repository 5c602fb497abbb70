"""Statements that are built once and run often.

SQLAlchemy writes them for either database. On SQLite, where a statement takes microseconds, they are then run by the
driver itself: what SQLAlchemy does around an execution costs more than the statement. On PostgreSQL, where each waits
for the server, SQLAlchemy runs them.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

Values = Mapping[str, Any]
Convert = Callable[[Any], Any]
NOTHING: Values = {}


class Prepared:
    """A statement whose parameters are given by name. `statement`: without parameters that are lists ("expanding")."""

    def __init__(self, statement: Any) -> None:
        self.statement = statement
        self._compiled: dict[tuple[str, ...], Compiled] = {}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names by which its columns are known in the code."""
        return tuple(str(column.key) for column in self.statement.exported_columns)

    def rows(self, conn: Connection, values: Values = NOTHING) -> Sequence[Any]:
        """What is found, or returned, as tuples in the order of its columns."""
        if conn.dialect.name != "sqlite":
            return conn.execute(self.statement, values).all()
        compiled = self._for(conn, values)
        return compiled.read(_run(conn, conn.dialect.do_execute, compiled.sql, compiled.bind(values)))

    def mappings(self, conn: Connection, values: Values = NOTHING) -> Sequence[Mapping[str, Any]]:
        """The same by the names of the columns."""
        return [dict(zip(self.names, row, strict=True)) for row in self.rows(conn, values)]

    def one(self, conn: Connection, values: Values = NOTHING) -> Any:
        """The first column of the first row; None when there is none."""
        found = self.rows(conn, values)
        return found[0][0] if found else None

    def run(self, conn: Connection, values: Values = NOTHING) -> None:
        """Run it where nothing comes back."""
        if conn.dialect.name != "sqlite":
            conn.execute(self.statement, values)
            return
        compiled = self._for(conn, values)
        _run(conn, conn.dialect.do_execute, compiled.sql, compiled.bind(values))

    def run_many(self, conn: Connection, rows: Sequence[Values]) -> None:
        """Run it once for each of these, which all name the same parameters; at least one."""
        if conn.dialect.name != "sqlite":
            conn.execute(self.statement, rows)
            return
        compiled = self._for(conn, rows[0])
        _run(conn, conn.dialect.do_executemany, compiled.sql, compiled.bind_many(rows))

    def _for(self, conn: Connection, values: Values) -> "Compiled":
        """An insert that names its columns by its parameters is another statement for other names."""
        names = tuple(values)
        compiled = self._compiled.get(names)
        if compiled is None:
            compiled = self._compiled[names] = Compiled(self.statement, conn, names)
        return compiled


class Compiled:
    """A statement as SQLite's driver takes it: its text, the order of its parameters, and how columns are read."""

    __slots__ = ("_bound", "_fixed", "_order", "_shown", "sql")

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
        columns = getattr(statement, "exported_columns", ())
        self._shown = _converters(
            (place, column.type.dialect_impl(conn.dialect).result_processor(conn.dialect, None))
            for place, column in enumerate(columns)
        )

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
        if not self._shown:
            return found
        rows = [list(row) for row in found]
        for row in rows:
            for place, convert in self._shown:
                row[place] = convert(row[place])
        return rows


def _converters(found: Iterable[tuple[int, Convert | None]]) -> tuple[tuple[int, Convert], ...]:
    return tuple((place, convert) for place, convert in found if convert is not None)


def _run(conn: Connection, run: Callable[..., None], sql: str, values: Any) -> Any:
    """Run it on a cursor of the driver; errors are those that SQLAlchemy raises."""
    cursor = conn.connection.cursor()
    try:
        run(cursor, sql, values)
    except sqlite3.Error as error:
        raise DBAPIError.instance(sql, None, error, sqlite3.Error) from error
    return cursor
