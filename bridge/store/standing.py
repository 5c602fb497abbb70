"""How records stand: their tasks, and the totals that account for every delivery. Reads only.

Apart from `tasks`, so that commands which show how things stand import nothing of claims.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, case, func, literal, or_, select, union_all

from bridge.domain.record import Side
from bridge.store.database import Database
from bridge.store.model import Scope, Task, TaskKey, TaskState
from bridge.store.rows import has_key, task_from, task_tuple
from bridge.store.tables import counters, tasks

BOOKED = ("accepted", "applied", "unchanged", "coalesced", "filtered", "discarded")
TOTALS = (*BOOKED, "waiting", "dead")


class Standing:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, key: TaskKey) -> Task | None:
        def work(conn: Connection) -> Task | None:
            row = (conn.execute(select(tasks).where(has_key(tasks, [task_tuple(key)])))).mappings().first()
            return None if row is None else task_from(row)

        return await self._database.read(work)

    async def about(self, system: str, entity: str, rec: str, scopes: Mapping[str, Scope]) -> list[Task]:
        """The tasks of one record in every mapping that has its entity."""
        keys = [
            (name, side.value, rec)
            for name, scope in sorted(scopes.items())
            for side in Side
            if (scope.endpoint(side).system, scope.endpoint(side).entity) == (system, entity)
        ]

        def work(conn: Connection) -> list[Task]:
            query = select(tasks).where(or_(*(has_key(tasks, [key]) for key in keys)))
            return [task_from(row) for row in (conn.execute(query.order_by(*tasks.primary_key.columns))).mappings()]

        return await self._database.read(work) if keys else []

    async def waiting_for(self, key: TaskKey, limit: int) -> list[Task]:
        """The tasks that wait for this one, by key."""
        waits = (tasks.c.wait_mapping, tasks.c.wait_side, tasks.c.wait_rec)
        query = select(tasks).where(*(column == value for column, value in zip(waits, task_tuple(key), strict=True)))
        query = query.order_by(*tasks.primary_key.columns).limit(limit)

        def work(conn: Connection) -> list[Task]:
            return [task_from(row) for row in conn.execute(query).mappings()]

        return await self._database.read(work)

    async def totals(self) -> dict[str, dict[str, int]]:
        """Per mapping the number of accepted events and where each of them is; accepted is the sum of the others."""
        booked = select(counters.c.mapping, counters.c.name, func.sum(counters.c.value).label("number"))
        booked = booked.where(counters.c.name.in_(BOOKED)).group_by(counters.c.mapping, counters.c.name)
        name = case((tasks.c.state == TaskState.DEAD.value, literal("dead")), else_=literal("waiting"))
        open_ = select(tasks.c.mapping, name.label("name"), func.sum(tasks.c.pending).label("number"))
        open_ = open_.where(tasks.c.pending > 0).group_by(tasks.c.mapping, name)

        def work(conn: Connection) -> dict[str, dict[str, int]]:
            found: dict[str, dict[str, int]] = {}
            for mapping, total, number in conn.execute(union_all(booked, open_)):  # one statement, one snapshot
                found.setdefault(mapping, dict.fromkeys(TOTALS, 0))[total] = int(number)
            return found

        return await self._database.read(work)
