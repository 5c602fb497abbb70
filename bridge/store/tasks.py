"""Tasks: the parts of their life together, and when the next one is due."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, select, update

from bridge.domain.event import Lane
from bridge.store.claims import Claims
from bridge.store.database import Database
from bridge.store.finish import Finishing
from bridge.store.model import Pair, Scope, TaskState
from bridge.store.notify import Wake
from bridge.store.standing import Standing
from bridge.store.tables import Real, mappings, tasks

JUST_NOW = 0.5
"""Seconds. A task may have become due between a claim and this question."""

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
"""When the next task of a lane becomes due. The index answers it with one row."""


class Tasks(Claims, Finishing, Standing):
    """The whole life of a task: claimed (`claims`), ended (`finish`), shown (`standing`) and made due (here)."""

    def __init__(self, database: Database, wake: Wake) -> None:
        Claims.__init__(self, database, wake)
        Finishing.__init__(self, database, wake)

    async def next_due(
        self,
        scopes: Mapping[str, Scope],
        blocked_systems: frozenset[str] = frozenset(),
        lower_room: Mapping[Pair, int] | None = None,
    ) -> float | None:
        """When the next task of these mappings becomes due, without mappings of blocked systems; None: never.

        Tasks that are due already belong to another claim or to the caller: the end of a claim wakes all workers.
        lower_room: as for `claim`. Without room, tasks of lower lanes than live wait for the end of a claim, too.
        """
        usable = {
            name for name, scope in scopes.items() if not blocked_systems & {scope.left.system, scope.right.system}
        }
        lower = {name for name in usable if lower_room is None or lower_room.get(scopes[name].pair, 0) > 0}
        after = self._database.now() - JUST_NOW

        def work(conn: Connection) -> float | None:
            names = {lane: sorted(usable if lane is Lane.LIVE else lower) for lane in Lane}
            found = [
                conn.scalar(COMING, {"names": some, "after": after, "in_lane": lane.value})
                for lane, some in names.items()
                if some
            ]
            return min((due for due in found if due is not None), default=None)

        return await self._database.read(work)

    async def make_due_now(self, names: Sequence[str], code: str | None = None) -> int:
        """Make the waiting tasks of these mappings due now (`code`: only those with this code); returns how many."""
        now = self._database.now()
        waiting = [tasks.c.mapping.in_(sorted(names)), tasks.c.state == TaskState.WAITING.value, tasks.c.due > now]
        if code is not None:
            waiting.append(tasks.c.code == code)

        def work(conn: Connection) -> int:
            moved = conn.execute(update(tasks).where(*waiting).values(due=now))
            self._database.notify(conn)
            return moved.rowcount

        found = await self._database.write("make_due_now", work)
        self._wake.set()
        return found
