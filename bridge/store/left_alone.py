"""Records of which nothing is due: how many were left alone for which reason, and having them looked at again."""

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, and_, func, or_, select

from bridge.domain.event import Lane
from bridge.domain.record import Side
from bridge.store.database import Database
from bridge.store.marks import Mark, mark_due
from bridge.store.model import Json, TaskKey, TaskState
from bridge.store.notify import Wake
from bridge.store.rows import among, chunks
from bridge.store.tables import journal, links, tasks

IDLE = tasks.c.state == TaskState.IDLE.value
KEY = (tasks.c.mapping, tasks.c.side, tasks.c.rec)
ABOUT = (journal.c.mapping, journal.c.side, journal.c.rec)
LAST = select(journal.c.detail).where(
    journal.c.id.in_(select(func.max(journal.c.id)).where(among(ABOUT)).group_by(*ABOUT).scalar_subquery())
)


LINKED = select(links.c.id).where(
    links.c.mapping == tasks.c.mapping,
    or_(*(and_(tasks.c.side == side.value, links.c[side.value] == tasks.c.rec) for side in Side)),
)
TOGETHER = 500
"""So many are made due in one transaction."""


class LeftAlone:
    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake

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

    async def never_looked_at(self) -> Mapping[str, int]:
        """By mapping how many records a listing showed that are from before going live and were left as they are."""
        noted = (IDLE, tasks.c.gen == 0, tasks.c.decided_hash.is_not(None), ~LINKED.exists())
        query = select(tasks.c.mapping, func.count()).where(*noted)
        query = query.group_by(tasks.c.mapping).order_by(tasks.c.mapping)
        return await self._database.read(lambda conn: {name: int(number) for name, number in conn.execute(query)})

    async def keys(self, codes: Collection[str]) -> list[TaskKey]:
        """The records left alone for one of these reasons, by key."""
        query = select(*KEY).where(IDLE, tasks.c.code.in_(sorted(codes))).order_by(*KEY)
        return await self._database.read(
            lambda conn: [TaskKey(name, Side(side), rec) for name, side, rec in conn.execute(query)]
        )

    async def details(self, mapping: str, codes: Collection[str], most: int) -> list[Json]:
        """What the journal noted last of records left alone for one of these reasons, `most` of them at most."""
        query = select(*KEY).where(IDLE, tasks.c.mapping == mapping, tasks.c.code.in_(sorted(codes)))

        def work(conn: Connection) -> list[Json]:
            keys = [tuple(row) for row in conn.execute(query.order_by(*KEY).limit(most))]
            return [detail for some in chunks(keys) for detail in conn.execute(LAST, {"keys": some}).scalars()]

        return await self._database.read(work)

    async def look_again(self, mapping: str, codes: Collection[str]) -> int:
        """Have what was left alone for one of these reasons looked at, behind all other work; how many there are."""
        left = (IDLE, tasks.c.mapping == mapping, tasks.c.code.in_(sorted(codes)))
        query = select(*KEY).where(*left).order_by(*KEY).limit(TOGETHER).with_for_update()

        def work(conn: Connection) -> int:
            keys = [TaskKey(name, Side(side), rec) for name, side, rec in conn.execute(query)]
            now, why = self._database.now(), "it was decided in shadow mode"
            seqs = self._database.next_seqs(conn, len(keys))
            marks = [Mark(key, Lane.BACKFILL, now, seq, reason=why) for key, seq in zip(keys, seqs, strict=True)]
            mark_due(self._database, conn, marks)
            self._database.tell(conn)
            return len(keys)

        found = 0
        while some := await self._database.write("look_again", work):
            found += some
            self._wake.set()
        return found
