"""Numbers for people who look at the bridge: pairs, changes over time, and a sign that something moved."""

from collections.abc import Mapping

from sqlalchemy import Connection, Integer, cast, func, select

from bridge.store.audit import audit
from bridge.store.database import Database
from bridge.store.model import TaskState
from bridge.store.tables import IN_USE, cursors, hooks, journal, links, mappings, requests, systems, tasks

CHANGES = ("created", "updated", "deleted", "archived", "matched", "merged", "unlinked", "restored")
"""What the journal calls entries about something that changed at a vendor or between two records."""


class Figures:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def pairs(self) -> dict[str, int]:
        """By mapping how many pairs there are. A second for a million of them."""
        query = select(links.c.mapping, func.count()).where(IN_USE, links.c.right.is_not(None))
        query = query.group_by(links.c.mapping)
        return await self._database.read(lambda conn: {name: int(number) for name, number in conn.execute(query)})

    async def changes(self, begin: float, end: float, step: int) -> Mapping[tuple[str, int], int]:
        """Changes by mapping and number of the step since `begin`; steps without any are left out."""
        number = cast(journal.c.at - begin, Integer) // step
        query = select(journal.c.mapping, number, func.count())
        query = query.where(journal.c.at >= begin, journal.c.at < end, journal.c.what.in_(CHANGES))
        query = query.group_by(journal.c.mapping, number)
        return await self._database.read(
            lambda conn: {(name, int(at)): int(many) for name, at, many in conn.execute(query)}
        )

    async def pulse(self) -> tuple[object, ...]:
        """Differs from the last one when anything that is shown to people changed."""
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
