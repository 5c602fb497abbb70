"""What a sweep asks of the store about the rows of a page, and about the records it did not see."""

from collections.abc import Collection

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.record import Side
from bridge.store.database import Database
from bridge.store.model import LinkState, Scope
from bridge.store.rows import chunks
from bridge.store.tables import links, records, tasks


class Sweeps:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def settled(self, mapping: str, side: Side, recs: Collection[str]) -> set[str]:
        """Records that must not be copied: survivors of a deleted counterpart, and reported twins."""
        column, other_gone, own_gone = links.c[side.value], links.c[f"gone_{side.other}"], links.c[f"gone_{side}"]
        survivor = and_(links.c.state == LinkState.TOMBSTONE.value, other_gone.is_not(None), own_gone.is_(None))
        twin = links.c.state == LinkState.TWIN.value

        async def work(conn: AsyncConnection) -> set[str]:
            found: set[str] = set()
            for some in chunks(sorted(recs)):
                query = select(column).where(links.c.mapping == mapping, column.in_(some), or_(survivor, twin))
                found.update((await conn.execute(query)).scalars())
            return found

        return await self._database.read(work)

    async def decided(self, mapping: str, side: Side, recs: Collection[str]) -> dict[str, tuple[str | None, int]]:
        """Per record with a task: the row hash of the last decision for nothing, and how many events wait."""

        async def work(conn: AsyncConnection) -> dict[str, tuple[str | None, int]]:
            found: dict[str, tuple[str | None, int]] = {}
            for some in chunks(sorted(recs)):
                query = select(tasks.c.rec, tasks.c.decided_hash, tasks.c.pending).where(
                    tasks.c.mapping == mapping, tasks.c.side == side.value, tasks.c.rec.in_(some)
                )
                for rec, decided, pending in await conn.execute(query):
                    found[rec] = decided, pending
            return found

        return await self._database.read(work)

    async def unseen(self, scope: Scope, side: Side, sweep: int) -> list[str]:
        """Records of live and frozen links that a complete full sweep did not show."""
        endpoint, column = scope.endpoint(side), links.c[side.value]
        known = and_(records.c.system == endpoint.system, records.c.entity == endpoint.entity, records.c.rec == column)
        query = (
            select(column)
            .select_from(links.outerjoin(records, known))
            .where(links.c.mapping == scope.mapping, column.is_not(None))
            .where(links.c.state.in_([LinkState.LIVE.value, LinkState.FROZEN.value]))
            .where(or_(records.c.seen_sweep.is_(None), records.c.seen_sweep < sweep))
            .order_by(column)
        )

        async def work(conn: AsyncConnection) -> list[str]:
            return list((await conn.execute(query)).scalars())

        return await self._database.read(work)
