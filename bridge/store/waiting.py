"""Records that wait: work on them was due and has not ended."""

from sqlalchemy import ColumnElement, Connection, case, func, or_, select

from bridge.domain.event import Lane
from bridge.domain.priority import Priority, priority_of
from bridge.store.database import Database
from bridge.store.model import Task
from bridge.store.rows import task_from
from bridge.store.tables import tasks


class Waiting:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self, mapping: str | None = None, most: int | None = None) -> list[Task]:
        """Everything that waits, longest first; `most` of it at most."""
        return await self._database.read(
            lambda conn: self._longest(conn, most, *([] if mapping is None else [tasks.c.mapping == mapping]))
        )

    async def numbers(self) -> dict[tuple[str, str], int]:
        """How many wait, by mapping and code ("" for none)."""
        return await self._database.read(self._numbers)

    async def by_priority(self, held: str) -> dict[tuple[str, Priority], int]:
        """How many records are ready to be worked on, by mapping and priority: what is due, and what only waits until
        its system may be called again (`held`: the code of that)."""
        again = case((tasks.c.attempts > 0, True), else_=False)
        ready = (tasks.c.due.is_not(None), or_(tasks.c.due <= self._database.now(), tasks.c.code == held))
        query = select(tasks.c.mapping, tasks.c.lane, again, func.count()).where(*ready)
        query = query.group_by(tasks.c.mapping, tasks.c.lane, again)

        def work(conn: Connection) -> dict[tuple[str, Priority], int]:
            found: dict[tuple[str, Priority], int] = {}
            for mapping, lane, tried, number in conn.execute(query):
                key = mapping, priority_of(Lane(lane), again=bool(tried))
                found[key] = found.get(key, 0) + int(number)
            return found

        return await self._database.read(work)

    async def groups(self) -> list[tuple[Task, int]]:
        """What waits, by mapping and code: the one that waits longest, and how many; the longest wait first."""

        def work(conn: Connection) -> list[tuple[Task, int]]:
            found: list[tuple[Task, int]] = []
            for (mapping, code), number in self._numbers(conn).items():
                alike = tasks.c.code == code if code else tasks.c.code.is_(None)
                longest = self._longest(conn, 1, tasks.c.mapping == mapping, alike)
                found += [(task, number) for task in longest]
            return sorted(found, key=lambda one: (one[0].first_due, one[0].key.mapping, one[0].code))

        return await self._database.read(work)

    def _waits(self) -> tuple[ColumnElement[bool], ...]:
        return tasks.c.due.is_not(None), tasks.c.first_due <= self._database.now()

    def _longest(self, conn: Connection, most: int | None, *more: ColumnElement[bool]) -> list[Task]:
        query = select(tasks).where(*self._waits(), *more).order_by(tasks.c.first_due, *tasks.primary_key.columns)
        return [task_from(row) for row in conn.execute(query.limit(most)).mappings()]

    def _numbers(self, conn: Connection) -> dict[tuple[str, str], int]:
        """Grouped by the code first, or SQLite would go through all tasks instead of those that are due."""
        names = (tasks.c.code, tasks.c.mapping)
        query = select(*names, func.count()).where(*self._waits()).group_by(*names)
        return {(mapping, code or ""): int(number) for code, mapping, number in conn.execute(query)}
