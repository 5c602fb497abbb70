"""Names of accounts' own things as first seen (implements `connectors.protocols.CatalogCache`)."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from bridge.store.account_tables import names
from bridge.store.database import Database
from bridge.store.marks import upsert


@dataclass(frozen=True, slots=True)
class Renamed:
    """A thing of list `what` that mappings call `name` and its account calls `today`."""

    system: str
    what: str
    name: str
    today: str


class PinnedNames:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def pin(self, system: str, what: str, now: Mapping[str, str]) -> Mapping[str, str]:
        """Pins the keys that are new and notes today's names; all that is pinned of this list, by key."""
        mine = (names.c.system == system, names.c.what == what)
        query = select(names.c.key, names.c.name, names.c.today).where(*mine)

        def look(conn: Connection) -> dict[str, tuple[str, str]]:
            return {key: (name, today) for key, name, today in conn.execute(query)}

        known = await self._database.read(look)
        fixed = {"system": system, "what": what, "seen_at": self._database.now()}
        rows = [
            {**fixed, "key": key, "name": name, "today": name}
            for key, name in sorted(now.items())
            if known.get(key, ("", None))[1] != name
        ]
        if not rows:
            return {key: name for key, (name, _) in known.items()}
        insert = upsert(self._database.sqlite, names)
        statement = insert.on_conflict_do_update(
            index_elements=["system", "what", "key"], set_={"today": insert.excluded.today}
        )

        def work(conn: Connection) -> dict[str, tuple[str, str]]:
            conn.execute(statement, rows)
            return look(conn)

        return {key: name for key, (name, _) in (await self._database.write("names", work)).items()}

    async def renamed(self) -> list[Renamed]:
        """What is called differently today."""
        query = select(names.c.system, names.c.what, names.c.name, names.c.today).where(names.c.name != names.c.today)

        def work(conn: Connection) -> list[Renamed]:
            found = conn.execute(query.order_by(names.c.system, names.c.what, names.c.key))
            return [Renamed(*row) for row in found]

        return await self._database.read(work)

    async def accept(self, system: str) -> list[Renamed]:
        """From now on everything of this system goes by today's name; what changed by that."""
        change = update(names).where(names.c.system == system, names.c.name != names.c.today)
        mine = select(names.c.system, names.c.what, names.c.name, names.c.today).where(
            names.c.system == system, names.c.name != names.c.today
        )

        def work(conn: Connection) -> list[Renamed]:
            found = [Renamed(*row) for row in conn.execute(mine.order_by(names.c.what, names.c.key))]
            conn.execute(change.values(name=names.c.today))
            return found

        return await self._database.write("accept_names", work)
