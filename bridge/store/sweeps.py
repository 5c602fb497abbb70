"""What a sweep asks of the store about the rows of a page, and about the records it did not see."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, FromClause, Select, and_, func, or_, select

from bridge.domain.record import Side
from bridge.store.database import Database
from bridge.store.model import LinkState, Scope, TaskState
from bridge.store.rows import chunks
from bridge.store.tables import links, records, tasks


@dataclass(frozen=True, slots=True)
class TaskNote:
    """A task as a sweep sees it. `decided_hash`: the row on which "nothing to do" was decided last."""

    decided_hash: str | None = None
    pending: int = 0
    dead: bool = False


class Sweeps:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def settled(self, mapping: str, side: Side, recs: Collection[str]) -> set[str]:
        """Records that must not be copied: those whose counterpart was deleted or merged away, and reported twins."""
        column, other_gone, own_gone = links.c[side.value], links.c[f"gone_{side.other}"], links.c[f"gone_{side}"]
        survivor = and_(links.c.state == LinkState.TOMBSTONE.value, other_gone.is_not(None), own_gone.is_(None))
        known = links.c.state.in_([LinkState.TWIN.value, LinkState.ALIAS.value])

        def work(conn: Connection) -> set[str]:
            found: set[str] = set()
            for some in chunks(sorted(recs)):
                query = select(column).where(links.c.mapping == mapping, column.in_(some), or_(survivor, known))
                found.update((conn.execute(query)).scalars())
            return found

        return await self._database.read(work)

    async def tasks(self, mapping: str, side: Side, recs: Collection[str]) -> dict[str, TaskNote]:
        """What is known of the tasks of these records; those without one are left out."""
        columns = (tasks.c.rec, tasks.c.decided_hash, tasks.c.pending, tasks.c.state)

        def work(conn: Connection) -> dict[str, TaskNote]:
            found: dict[str, TaskNote] = {}
            for some in chunks(sorted(recs)):
                query = select(*columns).where(
                    tasks.c.mapping == mapping, tasks.c.side == side.value, tasks.c.rec.in_(some)
                )
                for rec, decided, pending, state in conn.execute(query):
                    found[rec] = TaskNote(decided, pending, state == TaskState.DEAD.value)
            return found

        return await self._database.read(work)

    async def seen(self, system: str, entity: str, sweep: int) -> int:
        """How many records this full sweep has shown so far, each counted once."""
        query = select(func.count()).select_from(records)
        query = query.where(records.c.system == system, records.c.entity == entity, records.c.seen_sweep == sweep)
        return await self._database.read(lambda conn: conn.scalar(query)) or 0

    async def unseen(self, scope: Scope, side: Side, sweep: int, started: float) -> list[str]:
        """Linked records and dead letters that a complete full sweep did not show, but for those we wrote since it
        `started`. A dead letter about a record that is gone would stand for ever."""
        endpoint = scope.endpoint(side)

        def not_shown(column: ColumnElement[str], table: FromClause, *which: ColumnElement[bool]) -> Select[str]:
            known = and_(
                records.c.system == endpoint.system, records.c.entity == endpoint.entity, records.c.rec == column
            )
            return (
                select(column)
                .select_from(table.outerjoin(records, known))
                .where(*which)
                .where(or_(records.c.seen_sweep.is_(None), records.c.seen_sweep < sweep))
                .where(or_(records.c.own_write_at.is_(None), records.c.own_write_at < started))
            )

        column, paired = links.c[side.value], [LinkState.LIVE.value, LinkState.FROZEN.value]
        linked = not_shown(
            column, links, links.c.mapping == scope.mapping, column.is_not(None), links.c.state.in_(paired)
        )
        letters = not_shown(
            *(tasks.c.rec, tasks, tasks.c.mapping == scope.mapping),
            *(tasks.c.side == side.value, tasks.c.state == TaskState.DEAD.value),
        )

        def work(conn: Connection) -> list[str]:
            return sorted({*conn.execute(linked).scalars(), *conn.execute(letters).scalars()})

        return await self._database.read(work)
