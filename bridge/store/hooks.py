"""Registrations of ours at vendors, as last seen."""

from dataclasses import asdict

from sqlalchemy import Connection, delete, func, select, update

from bridge.domain.event import EventKind, Origin
from bridge.store.database import Database
from bridge.store.marks import upsert
from bridge.store.model import HookRow
from bridge.store.tables import events, hooks


class Hooks:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, hook: HookRow) -> None:
        """Insert or replace; a `delivered_at` of None leaves the stored one."""
        values = asdict(hook)
        kept = {name: value for name, value in values.items() if name not in ("system", "key")}
        if hook.delivered_at is None:
            del kept["delivered_at"]
        insert = upsert(self._database.sqlite, hooks).values(**values)
        statement = insert.on_conflict_do_update(index_elements=["system", "key"], set_=kept)
        await self._database.write("hook", lambda conn: conn.execute(statement))

    async def all(self, system: str | None = None) -> list[HookRow]:
        query = select(hooks).order_by(hooks.c.system, hooks.c.key)
        if system is not None:
            query = query.where(hooks.c.system == system)

        def work(conn: Connection) -> list[HookRow]:
            return [HookRow(**row) for row in (conn.execute(query)).mappings()]

        return await self._database.read(work)

    async def delivered(self, system: str, key: str, at: float) -> None:
        """A callback arrived through this hook; an unknown hook or an older time changes nothing."""
        change = update(hooks).where(hooks.c.system == system, hooks.c.key == key)
        newer = hooks.c.delivered_at.is_(None) | (hooks.c.delivered_at < at)
        await self._database.write("delivered", lambda conn: conn.execute(change.where(newer).values(delivered_at=at)))

    async def unheard(self, system: str, entity: str, after: float, until: float) -> int:
        """How many records changed in this span and were first shown by a sweep. The time is the vendor's own, or when
        the sweep saw them where the vendor shows none."""
        changed = func.coalesce(events.c.version, events.c.stored_at)
        query = select(func.count(events.c.rec.distinct())).where(
            events.c.system == system,
            events.c.entity == entity,
            events.c.origin == Origin.RECONCILE.value,
            events.c.kind == EventKind.CHANGED.value,
            changed > after,
            changed <= until,
        )
        return await self._database.read(lambda conn: conn.scalar(query)) or 0

    async def remove(self, system: str, key: str) -> None:
        gone = delete(hooks).where(hooks.c.system == system, hooks.c.key == key)
        await self._database.write("hook", lambda conn: conn.execute(gone))
