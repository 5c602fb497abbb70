"""SQL of the stores of one test process is compiled once.

The bridge has one store and compiles each statement once. Tests open thousands of stores, and compiling took a quarter
of their time. The compiled form depends on the statement and on the kind of database, not on the store.
"""

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite


class Compiled(dict[Any, Any]):
    """Compiled statements by content. SQLAlchemy's key begins with the dialect, and each engine has its own."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get((type(key[0]), *key[1:]), default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__((type(key[0]), *key[1:]), compiled)


COMPILED = Compiled()


def share_compiled_statements() -> None:
    """From now on, share compiled statements among all engines of this process."""
    for dialect in (SQLiteDialect_pysqlite, PGDialect_asyncpg):
        dialect.engine_created = classmethod(_share)  # type: ignore[method-assign, assignment]


def _share(_dialect: object, engine: Engine) -> None:
    engine._compiled_cache = COMPILED
