"""How the store itself fares: is it whole, how large is it, which schema has it. Reads only."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, text

from bridge.store.database import Database
from bridge.store.failing import BYTES
from bridge.store.schema import schema_of

SHOWN = 3
"""So many of the faults that SQLite finds are told."""


@dataclass(frozen=True, slots=True)
class State:
    """`faults`: what is broken, in the database's words. `file`: None on PostgreSQL, whose disk is elsewhere."""

    schema: str
    bytes: int
    faults: tuple[str, ...]
    file: Path | None
    version: str


class Vitals:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def state(self) -> State:
        """On SQLite the whole file is read through. Raises StoreUnavailable."""
        if not self._database.sqlite:
            return await self._database.read(_of_postgresql)
        file = Path(str(self._database.url.database))

        def work(conn: Connection) -> State:
            told = [str(row) for row in conn.execute(text(f"PRAGMA quick_check({SHOWN})")).scalars()]
            faults = () if told == ["ok"] else tuple(told)
            version, size = conn.scalar(text("SELECT sqlite_version()")), int(conn.scalar(text(BYTES)) or 0)
            return State(schema_of(conn) or "", size, faults, file, f"SQLite {version}")

        return await self._database.read(work)


def _of_postgresql(conn: Connection) -> State:
    size = int(conn.scalar(text("SELECT pg_database_size(current_database())")) or 0)
    version = str(conn.scalar(text("SHOW server_version")))
    return State(schema_of(conn) or "", size, (), None, f"PostgreSQL {version}")
