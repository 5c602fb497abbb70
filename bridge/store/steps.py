"""Deletes old rows in small steps, so that callbacks are accepted between them."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, delete, select

from bridge.store.database import Database

STEP_ROWS = 500
"""The most rows that one transaction of retention deletes from a table."""


def _nothing_else(conn: Connection, gone: int) -> None:
    """Do nothing else in a step."""


def old_rows(table: Table, old: ColumnElement[bool], by: ColumnElement[Any]) -> Select[Any]:
    """Select the keys of the rows that one step deletes."""
    return select(*table.primary_key.columns).where(old).order_by(by).limit(STEP_ROWS)


async def delete_in_steps(
    database: Database,
    name: str,
    table: Table,
    old: ColumnElement[bool],
    by: ColumnElement[Any],
    beside: Callable[[Connection, int], None] = _nothing_else,
) -> int:
    """Delete old rows, and return how many.

    `by`: an indexed column that `old` compares; without an index each step would read all rows that are not old.
    `beside`: is called in the transaction of each step with the number of rows deleted.
    """
    (key,) = table.primary_key.columns
    gone = delete(table).where(key.in_(old_rows(table, old, by)))

    def work(conn: Connection) -> int:
        number = conn.execute(gone).rowcount
        beside(conn, number)
        return number

    total = 0
    while True:
        number = await database.write(name, work)
        total += number
        if number < STEP_ROWS:
            return total
