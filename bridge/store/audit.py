"""What people did: every action with the person's name, kept as long as the journal."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select, update

from bridge.store.database import Database, delete_in_steps
from bridge.store.tables import audit


class AuditEntry(NamedTuple):
    """One action of a person. `answer`: its result; "" while it is running."""

    id: int
    at: float
    person: str
    action: str
    arguments: Mapping[str, Any]
    request: int | None
    answer: str


def note_action(
    conn: Connection, at: float, person: str, action: str, arguments: Mapping[str, Any], request: int | None
) -> None:
    """Add an entry inside the caller's transaction, so that no action happens without one."""
    values = {"at": at, "person": person, "action": action, "arguments": dict(arguments), "request": request}
    conn.execute(insert(audit).values(**values, answer=""))


def note_answer(conn: Connection, request: int, answer: str) -> None:
    conn.execute(update(audit).where(audit.c.request == request).values(answer=answer))


class Audit:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, person: str, action: str, answer: str, arguments: Mapping[str, Any]) -> int:
        """Note an action that is not a request, such as a login; returns the entry's id."""

        def work(conn: Connection) -> int:
            values = {"at": self._database.now(), "person": person, "action": action, "arguments": dict(arguments)}
            noted = insert(audit).values(**values, request=None, answer=answer).returning(audit.c.id)
            return int(conn.execute(noted).scalar_one())

        return await self._database.write("audit", work)

    async def answer(self, entry: int, answer: str) -> None:
        """Store the action's result so far."""
        change = update(audit).where(audit.c.id == entry).values(answer=answer)
        await self._database.write("audit", lambda conn: conn.execute(change))

    async def recent(self, limit: int, before: int | None = None) -> list[AuditEntry]:
        """The newest first; `before`: only those older than the one of this id."""
        query = select(audit).order_by(audit.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(audit.c.id < before)
        return await self._database.read(lambda conn: [AuditEntry(**row) for row in conn.execute(query).mappings()])

    async def since(self, action: str, moment: float) -> list[Mapping[str, Any]]:
        """The arguments of each such action from this moment (epoch seconds) on."""
        query = select(audit.c.arguments).where(audit.c.at >= moment, audit.c.action == action)
        return await self._database.read(lambda conn: [dict(one) for one in conn.execute(query).scalars()])

    async def prune(self, before: float) -> int:
        """Delete older entries, and return how many."""
        return await delete_in_steps(self._database, "prune_audit", audit, audit.c.at < before, audit.c.at)
