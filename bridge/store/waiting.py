"""Records that wait: work on them was due and has not ended."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from bridge.store.database import Database
from bridge.store.model import Task
from bridge.store.rows import task_from
from bridge.store.tables import tasks


@dataclass(frozen=True, slots=True)
class Group:
    """Records of one mapping that wait for one reason. `oldest`: the one that waits longest."""

    oldest: Task
    number: int
    next_look: float


class Waiting:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self, mapping: str | None = None) -> list[Task]:
        """Everything that waits, longest first."""
        query = select(tasks).where(tasks.c.due.is_not(None), tasks.c.first_due <= self._database.now())
        if mapping is not None:
            query = query.where(tasks.c.mapping == mapping)
        query = query.order_by(tasks.c.first_due, *tasks.primary_key.columns)
        return await self._database.read(lambda conn: [task_from(row) for row in conn.execute(query).mappings()])

    async def groups(self) -> list[Group]:
        """What waits, by mapping and code; the group with the record that waits longest comes first."""
        alike = (tasks.c.mapping, tasks.c.code)
        by_age = (tasks.c.first_due, tasks.c.side, tasks.c.rec)
        ranked = select(
            tasks,
            func.count().over(partition_by=alike).label("number"),
            func.min(tasks.c.due).over(partition_by=alike).label("next_look"),
            func.row_number().over(partition_by=alike, order_by=by_age).label("place"),
        ).where(tasks.c.due.is_not(None), tasks.c.first_due <= self._database.now())
        found = ranked.subquery()
        first = select(found).where(found.c.place == 1).order_by(found.c.first_due, found.c.mapping, found.c.code)

        def work(conn: Connection) -> list[Group]:
            rows = conn.execute(first).mappings()
            return [Group(task_from(row), row["number"], row["next_look"]) for row in rows]

        return await self._database.read(work)
