"""Tasks: what is due, and the totals that account for every delivery."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, case, func, literal, or_, select, union_all, update

from bridge.domain.event import Lane
from bridge.domain.record import Side
from bridge.store.claims import Claims
from bridge.store.database import Database
from bridge.store.finish import Finishing
from bridge.store.model import Scope, Task, TaskKey, TaskState
from bridge.store.notify import Wake
from bridge.store.rows import has_key, task_from, task_tuple
from bridge.store.tables import Real, counters, mappings, tasks

BOOKED = ("accepted", "applied", "unchanged", "coalesced", "filtered", "discarded")
JUST_NOW = 0.5
"""Seconds; a task may have fallen due between a claim and the question when the next one does."""

TOTALS = (*BOOKED, "waiting", "dead")


COMING = (
    select(tasks.c.due)
    .where(
        tasks.c.lane == bindparam("in_lane"),
        tasks.c.due > bindparam("after", type_=Real),
        tasks.c.mapping.in_(
            select(mappings.c.name).where(
                mappings.c.name.in_(bindparam("names", expanding=True)), mappings.c.paused.is_(False)
            )
        ),
    )
    .order_by(tasks.c.due)
    .limit(1)
)
"""The next task of a lane to fall due, by the index: it looks no further than that."""


class Tasks(Claims, Finishing):
    """The whole life of a task: claimed (`claims`), ended (`finish`), looked at and made due (here)."""

    def __init__(self, database: Database, wake: Wake) -> None:
        Claims.__init__(self, database, wake)
        Finishing.__init__(self, database, wake)

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

    async def next_due(
        self, scopes: Mapping[str, Scope], blocked_systems: frozenset[str] = frozenset()
    ) -> float | None:
        """When the next task of these mappings falls due, those with a blocked system left out; None: none will.

        Tasks due already are somebody's, or were just claimed by the caller: whoever ends a claim wakes all.
        """
        usable = {
            name for name, scope in scopes.items() if not blocked_systems & {scope.left.system, scope.right.system}
        }
        asked = {"names": sorted(usable), "after": self._database.now() - JUST_NOW}

        def work(conn: Connection) -> float | None:
            found = [conn.scalar(COMING, {**asked, "in_lane": lane.value}) for lane in Lane]
            return min((due for due in found if due is not None), default=None)

        return await self._database.read(work)

    async def waiting(self, lane: Lane | None = None, mapping: str | None = None) -> int:
        """How many tasks are due or waiting."""
        query = select(func.count()).select_from(tasks).where(tasks.c.due.is_not(None))
        if lane is not None:
            query = query.where(tasks.c.lane == lane.value)
        if mapping is not None:
            query = query.where(tasks.c.mapping == mapping)
        return await self._database.read(lambda conn: conn.scalar(query)) or 0

    async def look_now(self, names: Sequence[str], code: str | None = None) -> int:
        """Have the waiting tasks of these mappings looked at now (`code`: those that wait for this); how many."""
        now = self._database.now()
        waiting = [tasks.c.mapping.in_(sorted(names)), tasks.c.state == TaskState.WAITING.value, tasks.c.due > now]
        if code is not None:
            waiting.append(tasks.c.code == code)

        def work(conn: Connection) -> int:
            moved = conn.execute(update(tasks).where(*waiting).values(due=now))
            self._database.tell(conn)
            return moved.rowcount

        found = await self._database.write("look_now", work)
        self._wake.set()
        return found
