"""The result codes of SQLite by which the store judges an error."""

import sqlite3

import pytest

from bridge.store.database import SqliteCode


@pytest.mark.parametrize("code", SqliteCode)
def test_a_code_is_that_of_the_library(code: SqliteCode) -> None:
    assert code == getattr(sqlite3, f"SQLITE_{code.name}")
