"""References that could not be written because their record was not linked: noted, and processed once it is linked."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, delete, exists, func, insert, or_, select

from bridge.domain.event import Lane
from bridge.domain.record import SIDES, Side
from bridge.store.database import Database
from bridge.store.links import links_of
from bridge.store.model import LinkState, Outcome, TaskKey, TaskState
from bridge.store.statements import Prepared, among, chunks, task_tuple
from bridge.store.tables import links, tasks, unlinked_refs
from bridge.store.tasks import Mark, mark_due

CHILD = (unlinked_refs.c.mapping, unlinked_refs.c.side, unlinked_refs.c.rec)
PARENT = (unlinked_refs.c.parent_mapping, unlinked_refs.c.parent_side, unlinked_refs.c.parent_rec)
FORGET = Prepared(delete(unlinked_refs).where(among(CHILD)))
CHILDREN = Prepared(select(*CHILD).where(among(PARENT)))
NAMED_BY = select(unlinked_refs).where(among(CHILD)).order_by(*unlinked_refs.primary_key.columns)


def note_unlinked(conn: Connection, noted: Mapping[TaskKey, Sequence[TaskKey]]) -> None:
    """Replace the entries of these tasks: the unlinked records that they name."""
    for some in chunks(sorted(task_tuple(key) for key in noted)):
        FORGET.run(conn, {"keys": some})
    names = [column.name for column in unlinked_refs.columns]
    pairs = sorted({(*task_tuple(child), *task_tuple(one)) for child, parents in noted.items() for one in parents})
    if pairs:
        conn.execute(insert(unlinked_refs), [dict(zip(names, pair, strict=True)) for pair in pairs])


def linked_meanwhile(conn: Connection, named: Iterable[TaskKey]) -> set[TaskKey]:
    """Return those of these records that are linked by now."""
    return {key for key, link in links_of(conn, named).items() if link.state is not LinkState.INTENDED}


def mark_children(database: Database, conn: Connection, linked: Iterable[TaskKey], now: float) -> None:
    """Make the records due that were written without a reference to one of these records."""
    children: set[TaskKey] = set()
    for some in chunks(sorted(task_tuple(key) for key in linked)):
        rows = CHILDREN.rows(conn, {"keys": some})
        children.update(TaskKey(mapping, Side(side), record_id) for mapping, side, record_id in rows)
    ordered = sorted(children, key=task_tuple)
    seqs = database.next_seqs(conn, len(ordered))
    why = "a record it names was linked"
    mark_due(
        database, conn, [Mark(key, Lane.LIVE, now, seq, reason=why) for key, seq in zip(ordered, seqs, strict=True)]
    )


class Overdue(NamedTuple):
    """References from records of `mapping` to records of `parent_mapping` that should exist. `child`: one of these."""

    mapping: str
    parent_mapping: str
    number: int
    child: TaskKey


class UnlinkedReferences:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def overdue(self) -> list[Overdue]:
        """References of linked records that were not written, without a decision to leave them out.

        References to a filtered or deleted record do not count, because it has no counterpart. Nor do those to one that
        is due or waits.
        """

        def work(conn: Connection) -> list[Overdue]:
            found = [
                Overdue(mapping, parent, int(number), TaskKey(mapping, side, record_id))
                for side in SIDES
                for mapping, parent, number, record_id in conn.execute(OVERDUE[side])
            ]
            return sorted(found, key=lambda one: (one.mapping, one.parent_mapping, one.child.side.value))

        return await self._database.read(work)

    async def of(self, child: TaskKey) -> list[TaskKey]:
        """The records this one refers to that were not linked when it was last processed."""

        def work(conn: Connection) -> list[TaskKey]:
            rows = conn.execute(NAMED_BY, {"keys": [task_tuple(child)]}).mappings()
            return [TaskKey(row["parent_mapping"], Side(row["parent_side"]), row["parent_rec"]) for row in rows]

        return await self._database.read(work)


PARENT_TASK = and_(
    tasks.c.mapping == unlinked_refs.c.parent_mapping,
    tasks.c.side == unlinked_refs.c.parent_side,
    tasks.c.rec == unlinked_refs.c.parent_rec,
)
NOT_DECIDED = and_(
    tasks.c.due.is_(None),
    or_(tasks.c.state == TaskState.DEAD.value, tasks.c.outcome.is_(None), tasks.c.outcome != Outcome.FILTERED.value),
)


ENDED = links.alias("ended")
PARENT_ENDED = exists().where(
    ENDED.c.mapping == unlinked_refs.c.parent_mapping,
    ENDED.c.state == LinkState.TOMBSTONE.value,
    or_(
        *(
            and_(unlinked_refs.c.parent_side == side.value, ENDED.c[side.value] == unlinked_refs.c.parent_rec)
            for side in SIDES
        )
    ),
)
"""The record that is named, or its counterpart, was deleted."""


def _overdue(side: Side) -> Select[Any]:
    """Select the overdue references of one side. A query of both sides would read all links."""
    linked = and_(
        links.c.mapping == unlinked_refs.c.mapping,
        links.c.state == LinkState.LIVE.value,
        links.c[side.value] == unlinked_refs.c.rec,
    )
    pair = (unlinked_refs.c.mapping, unlinked_refs.c.parent_mapping)
    query = select(*pair, func.count(), func.min(unlinked_refs.c.rec)).where(unlinked_refs.c.side == side.value)
    query = query.join(links, linked).outerjoin(tasks, PARENT_TASK)
    return query.where(or_(tasks.c.rec.is_(None), NOT_DECIDED), ~PARENT_ENDED).group_by(*pair)


OVERDUE = {side: _overdue(side) for side in SIDES}
