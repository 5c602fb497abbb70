"""Tasks that need a person."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, select, update

from bridge.domain.event import Lane
from bridge.store.counters import count
from bridge.store.database import Database
from bridge.store.instructions import forget
from bridge.store.marks import lock_tasks
from bridge.store.model import Task, TaskKey, TaskState
from bridge.store.notify import Wake
from bridge.store.rows import Row, among, chunks, has_key, task_from, task_key, task_tuple
from bridge.store.tables import journal, tasks

RETRIED = "retried by a person"
WAITS_FOR_NOTHING: dict[str, Any] = {"wait_mapping": None, "wait_side": None, "wait_rec": None}

ABOUT = (journal.c.mapping, journal.c.side, journal.c.rec)
LAST_SAID = select(journal).where(
    journal.c.id.in_(select(func.max(journal.c.id)).where(among(ABOUT)).group_by(*ABOUT).scalar_subquery())
)


class DeadLetters:
    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake

    async def list(self, mapping: str | None = None) -> list[tuple[Task, str]]:
        """Dead tasks by key, each with the text of the last journal entry about its record ("" when pruned)."""
        query = select(tasks).where(tasks.c.state == TaskState.DEAD.value).order_by(*tasks.primary_key.columns)
        if mapping is not None:
            query = query.where(tasks.c.mapping == mapping)

        def work(conn: Connection) -> list[tuple[Task, str]]:
            rows = list((conn.execute(query)).mappings())
            said: dict[TaskKey, str] = {}
            for some in chunks([(row["mapping"], row["side"], row["rec"]) for row in rows]):
                entries = conn.execute(LAST_SAID, {"keys": some})
                said.update({task_key(entry): entry["text"] for entry in entries.mappings()})
            return [(task_from(row), said.get(task_key(row), "")) for row in rows]

        return await self._database.read(work)

    async def retry(self, keys: Sequence[TaskKey] | None) -> int:
        """Make dead tasks (None: all) due now, with their attempts forgotten; how many."""

        def change(conn: Connection, dead: dict[TaskKey, Row]) -> None:
            now = self._database.now()
            ordered = sorted(dead, key=task_tuple)
            for key, seq in zip(ordered, self._database.next_seqs(conn, len(ordered)), strict=True):
                values = {"state": TaskState.DUE.value, "due": now, "first_due": now, "attempts": 0, "gen": seq}
                values |= {"lane": Lane.LIVE.value, "reason": RETRIED, "code": None, "retried": True}
                _set(conn, key, {**values, **WAITS_FOR_NOTHING})

        return await self._each("retry", keys, change)

    async def discard(self, keys: Sequence[TaskKey] | None) -> int:
        """Give up on dead tasks (None: all): their events are booked as discarded; how many."""

        def change(conn: Connection, dead: dict[TaskKey, Row]) -> None:
            booked: dict[tuple[str, str], int] = {}
            for key, row in dead.items():
                total = (key.mapping, "discarded")
                booked[total] = booked.get(total, 0) + row["pending"]
                values = {"state": TaskState.IDLE.value, "pending": 0, "taken": 0, "attempts": 0, "kinds": 0}
                cleared: dict[str, Any] = {"kinds_taken": 0, "source_at": None, "stale_since": None, "gone_since": None}
                cleared |= {"outcome": None, "code": None, "retried": False, **WAITS_FOR_NOTHING}
                _set(conn, key, {**values, **cleared, "done_gen": row["gen"], "reason": "discarded by a person"})
            count(self._database, conn, booked)
            forget(conn, dead)

        return await self._each("discard", keys, change)

    async def _each(self, name: str, keys: Sequence[TaskKey] | None, change: Any) -> int:
        def work(conn: Connection) -> int:
            wanted = keys
            if wanted is None:
                all_dead = select(tasks.c.mapping, tasks.c.side, tasks.c.rec)
                rows = conn.execute(all_dead.where(tasks.c.state == TaskState.DEAD.value))
                wanted = [task_key(row) for row in rows.mappings()]
            locked = lock_tasks(conn, wanted)
            dead = {key: row for key, row in locked.items() if row["state"] == TaskState.DEAD.value}
            change(conn, dead)
            self._database.tell(conn)
            return len(dead)

        number = await self._database.write(name, work)
        self._wake.set()
        return number


def _set(conn: Connection, key: TaskKey, values: dict[str, Any]) -> None:
    conn.execute(update(tasks).where(has_key(tasks, [task_tuple(key)])).values(**values))
