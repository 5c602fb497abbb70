"""References that did not cross because the record they name was not linked: noted, and looked at once it is."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, delete, func, insert, select, tuple_

from bridge.domain.event import Lane
from bridge.domain.record import Side
from bridge.store.database import Database
from bridge.store.marks import Mark, mark_due
from bridge.store.model import TaskKey
from bridge.store.rows import chunks, task_tuple
from bridge.store.tables import unlinked_refs

CHILD = tuple_(unlinked_refs.c.mapping, unlinked_refs.c.side, unlinked_refs.c.rec)
PARENT = tuple_(unlinked_refs.c.parent_mapping, unlinked_refs.c.parent_side, unlinked_refs.c.parent_rec)


def note_unlinked(conn: Connection, noted: Mapping[TaskKey, Sequence[TaskKey]]) -> None:
    """Replace what was noted of these tasks: the records they name that are not linked."""
    for some in chunks(sorted(task_tuple(key) for key in noted)):
        conn.execute(delete(unlinked_refs).where(CHILD.in_(some)))
    names = [column.name for column in unlinked_refs.columns]
    pairs = sorted({(*task_tuple(child), *task_tuple(one)) for child, parents in noted.items() for one in parents})
    if pairs:
        conn.execute(insert(unlinked_refs), [dict(zip(names, pair, strict=True)) for pair in pairs])


def mark_children(database: Database, conn: Connection, linked: Iterable[TaskKey], now: float) -> None:
    """Make due whatever crossed without a reference to one of these records."""
    children: set[TaskKey] = set()
    for some in chunks(sorted(task_tuple(key) for key in linked)):
        query = select(unlinked_refs.c.mapping, unlinked_refs.c.side, unlinked_refs.c.rec).where(PARENT.in_(some))
        children.update(TaskKey(mapping, Side(side), rec) for mapping, side, rec in conn.execute(query))
    ordered = sorted(children, key=task_tuple)
    seqs = database.next_seqs(conn, len(ordered))
    why = "a record it names was linked"
    mark_due(
        database, conn, [Mark(key, Lane.LIVE, now, seq, reason=why) for key, seq in zip(ordered, seqs, strict=True)]
    )


class UnlinkedReferences:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def counts(self) -> dict[str, int]:
        """Per mapping the number of records that crossed without a reference, as the record it names is not linked."""
        query = select(unlinked_refs.c.mapping, func.count()).group_by(unlinked_refs.c.mapping)

        def work(conn: Connection) -> dict[str, int]:
            return {mapping: int(number) for mapping, number in conn.execute(query)}

        return await self._database.read(work)
