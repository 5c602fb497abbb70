"""What the store knows of systems: learned identity, down or stopped."""

from collections.abc import Mapping
from dataclasses import asdict, replace

from sqlalchemy import Connection, select

from bridge.store.database import Database
from bridge.store.marks import upsert
from bridge.store.model import SystemRow
from bridge.store.notify import Wake
from bridge.store.tables import systems


class Systems:
    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake
        self.renewals: Mapping[str, str] = {}
        """By system what a person does about a refused credential; `app` knows their kinds."""

    async def get(self, name: str) -> SystemRow:
        """The row; an empty one when nothing is known."""
        return (await self.all()).get(name, SystemRow(name))

    async def all(self) -> dict[str, SystemRow]:
        def work(conn: Connection) -> dict[str, SystemRow]:
            rows = (conn.execute(select(systems).order_by(systems.c.name))).mappings()
            return {row["name"]: SystemRow(**row) for row in rows}

        return await self._database.read(work)

    async def unusable(self, name: str) -> str:
        """Why nothing is asked of a system now; "" when it answers as the account it has always been."""
        row = await self.get(name)
        if row.stopped:
            return f"{name} is stopped: {row.stopped}"
        return f"{name} is down: {row.down_reason}" if row.down_since is not None else ""

    async def save(self, system: SystemRow) -> None:
        """Insert or replace the whole row, and wake the workers: its work may go on."""
        renewal = self.renewals.get(system.name)
        if renewal and system.stopped and renewal not in system.stopped:
            system = replace(system, stopped=f"{system.stopped}; {renewal}")
        values = asdict(system)
        insert = upsert(self._database.sqlite, systems).values(**values)
        statement = insert.on_conflict_do_update(index_elements=["name"], set_=values)

        def work(conn: Connection) -> None:
            conn.execute(statement)
            self._database.tell(conn)

        await self._database.write("system", work)
        self._wake.set()
