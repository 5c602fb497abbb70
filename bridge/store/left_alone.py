"""Records of which nothing is due: how many were left alone for which reason."""

from collections.abc import Collection

from sqlalchemy import Connection, func, select

from bridge.store.database import Database
from bridge.store.model import Json, TaskState
from bridge.store.rows import among, chunks
from bridge.store.tables import journal, tasks

IDLE = tasks.c.state == TaskState.IDLE.value
KEY = (tasks.c.mapping, tasks.c.side, tasks.c.rec)
ABOUT = (journal.c.mapping, journal.c.side, journal.c.rec)
LAST = select(journal.c.detail).where(
    journal.c.id.in_(select(func.max(journal.c.id)).where(among(ABOUT)).group_by(*ABOUT).scalar_subquery())
)


class LeftAlone:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def numbers(self, codes: Collection[str]) -> dict[str, dict[str, int]]:
        """By mapping and code how many records were left alone for one of these reasons."""
        query = select(tasks.c.mapping, tasks.c.code, func.count()).where(IDLE, tasks.c.code.in_(sorted(codes)))
        query = query.group_by(tasks.c.mapping, tasks.c.code).order_by(tasks.c.mapping, tasks.c.code)

        def work(conn: Connection) -> dict[str, dict[str, int]]:
            found: dict[str, dict[str, int]] = {}
            for mapping, code, number in conn.execute(query):
                found.setdefault(mapping, {})[code] = int(number)
            return found

        return await self._database.read(work)

    async def details(self, mapping: str, codes: Collection[str], most: int) -> list[Json]:
        """What the journal noted last of records left alone for one of these reasons, `most` of them at most."""
        query = select(*KEY).where(IDLE, tasks.c.mapping == mapping, tasks.c.code.in_(sorted(codes)))

        def work(conn: Connection) -> list[Json]:
            keys = [tuple(row) for row in conn.execute(query.order_by(*KEY).limit(most))]
            return [detail for some in chunks(keys) for detail in conn.execute(LAST, {"keys": some}).scalars()]

        return await self._database.read(work)
