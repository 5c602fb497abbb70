"""Numbers for people: pairs, changes over time, and the state of the store itself. Reads only."""

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection, Integer, cast, func, select, text

from bridge.domain.frozen import dataclass
from bridge.store.database import BYTES, Database
from bridge.store.model import TaskState
from bridge.store.schema import schema_of
from bridge.store.tables import IN_USE, audit, cursors, hooks, journal, links, mappings, requests, systems, tasks

CHANGES = ("created", "updated", "deleted", "archived", "matched", "merged", "unlinked", "restored")
"""The kinds of journal entries about a change at a vendor or of a link."""


class Figures:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def pairs(self) -> dict[str, int]:
        """The number of pairs by mapping. It takes a second for a million pairs."""
        query = select(links.c.mapping, func.count()).where(IN_USE, links.c.right.is_not(None))
        query = query.group_by(links.c.mapping)
        return await self._database.read(lambda conn: {name: int(number) for name, number in conn.execute(query)})

    async def changes(self, begin: float, end: float, step: int) -> Mapping[tuple[str, int], int]:
        """Changes by (mapping, number of the step of `step` seconds since `begin`); steps without any are left out."""
        number = cast(journal.c.at - begin, Integer) // step
        query = select(journal.c.mapping, number, func.count())
        query = query.where(journal.c.at >= begin, journal.c.at < end, journal.c.what.in_(CHANGES))
        query = query.group_by(journal.c.mapping, number)
        return await self._database.read(
            lambda conn: {(name, int(at)): int(many) for name, at, many in conn.execute(query)}
        )

    async def pulse(self) -> tuple[object, ...]:
        """A value that differs from the last one if anything that people see has changed."""
        waiting = select(func.count(), func.max(tasks.c.gen)).where(tasks.c.due.is_not(None))
        dead = select(func.count()).where(tasks.c.state == TaskState.DEAD.value)
        others = (
            select(func.max(journal.c.id)),
            select(func.max(links.c.id)),
            select(func.max(audit.c.id)),
            select(func.max(requests.c.done_at)),
            select(func.sum(cursors.c.rows), func.max(cursors.c.done_at), func.max(cursors.c.started_at)),
            select(func.max(hooks.c.delivered_at), func.max(hooks.c.registered_at), func.count()),
            select(func.count(systems.c.down_since), func.sum(func.length(systems.c.stopped))),
            select(func.sum(cast(mappings.c.paused, Integer)), func.max(mappings.c.approved_until)),
        )

        def work(conn: Connection) -> tuple[object, ...]:
            return tuple(value for query in (waiting, dead, *others) for value in conn.execute(query).one())

        return await self._database.read(work)


# ---- The state of the store itself ----


SHOWN = 3
"""At most this many of the problems that SQLite finds are shown."""


@dataclass(frozen=True, slots=True)
class State:
    """`problems`: what is broken, in the database's words. `file`: None on PostgreSQL, whose disk is elsewhere."""

    schema: str
    bytes: int
    problems: tuple[str, ...]
    file: Path | None
    version: str


class Vitals:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def state(self) -> State:
        """The state of the store. On SQLite the whole file is read. Raises StoreUnavailable."""
        if not self._database.sqlite:
            return await self._database.read(_of_postgresql)
        file = Path(str(self._database.url.database))

        def work(conn: Connection) -> State:
            told = [str(row) for row in conn.execute(text(f"PRAGMA quick_check({SHOWN})")).scalars()]
            problems = () if told == ["ok"] else tuple(told)
            version, size = conn.scalar(text("SELECT sqlite_version()")), int(conn.scalar(text(BYTES)) or 0)
            return State(schema_of(conn) or "", size, problems, file, f"SQLite {version}")

        return await self._database.read(work)


def _of_postgresql(conn: Connection) -> State:
    size = int(conn.scalar(text("SELECT pg_database_size(current_database())")) or 0)
    version = str(conn.scalar(text("SHOW server_version")))
    return State(schema_of(conn) or "", size, (), None, f"PostgreSQL {version}")
