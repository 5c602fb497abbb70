"""What is known of systems: identity, down or stopped, names of the account's fields and options, and its columns."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import NamedTuple

from sqlalchemy import Connection, select, update

from bridge.domain.frozen import dataclass, replace
from bridge.store.database import Database, Wake
from bridge.store.model import Json, SystemRow
from bridge.store.statements import upsert
from bridge.store.tables import account_columns, names, systems


class Systems:
    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake
        self.renewals: Mapping[str, str] = {}
        """By system what a person must do about a refused credential; `app` knows their kinds."""

    async def get(self, name: str) -> SystemRow:
        """The row; an empty one when nothing is known."""
        return (await self.all()).get(name, SystemRow(name))

    async def all(self) -> dict[str, SystemRow]:
        def work(conn: Connection) -> dict[str, SystemRow]:
            rows = (conn.execute(select(systems).order_by(systems.c.name))).mappings()
            return {row["name"]: SystemRow(**row) for row in rows}

        return await self._database.read(work)

    async def unusable(self, name: str) -> str:
        """Why a system cannot be used now; "" if it can."""
        return unusable(await self.get(name))

    async def save(self, system: SystemRow) -> None:
        """Insert or replace the whole row, and wake the workers, because the system may be usable again."""
        renewal = self.renewals.get(system.name)
        if renewal and system.stopped and renewal not in system.stopped:
            system = replace(system, stopped=f"{system.stopped}; {renewal}")
        values = asdict(system)
        insert = upsert(self._database.sqlite, systems).values(**values)
        statement = insert.on_conflict_do_update(index_elements=["name"], set_=values)

        def work(conn: Connection) -> None:
            conn.execute(statement)
            self._database.notify(conn)

        await self._database.write("system", work)
        self._wake.set()


def unusable(row: SystemRow) -> str:
    """Why a system cannot be used now; "" if it can."""
    if row.stopped:
        return f"{row.name} is stopped: {row.stopped}"
    return f"{row.name} is down: {row.down_reason}" if row.down_since is not None else ""


# ---- Names of the account's custom fields, options and stages, as first seen ----


class Renamed(NamedTuple):
    """A thing of list `what`: mappings call it `name`, and the account calls it `today` now."""

    system: str
    what: str
    name: str
    today: str


class PinnedNames:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def pin(self, system: str, what: str, now: Mapping[str, str]) -> Mapping[str, str]:
        """Pin the names of new keys, and store today's names. Return all pinned names of this list, by key."""
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
        """All things that have another name today."""
        query = select(names.c.system, names.c.what, names.c.name, names.c.today).where(names.c.name != names.c.today)

        def work(conn: Connection) -> list[Renamed]:
            found = conn.execute(query.order_by(names.c.system, names.c.what, names.c.key))
            return [Renamed(*row) for row in found]

        return await self._database.read(work)

    async def accept(self, system: str) -> list[Renamed]:
        """Pin today's names of everything in this system. Return what changed."""
        change = update(names).where(names.c.system == system, names.c.name != names.c.today)
        mine = select(names.c.system, names.c.what, names.c.name, names.c.today).where(
            names.c.system == system, names.c.name != names.c.today
        )

        def work(conn: Connection) -> list[Renamed]:
            found = [Renamed(*row) for row in conn.execute(mine.order_by(names.c.what, names.c.key))]
            conn.execute(change.values(name=names.c.today))
            return found

        return await self._database.write("accept_names", work)


# ---- Columns of the account: accepted, last seen, and what differs ----


@dataclass(frozen=True, slots=True)
class AccountColumns:
    """The columns of one entity. `accepted`, `seen`: by name, as JSON. `changes`: what differs, and what that means."""

    system: str
    entity: str
    accepted: Json
    accepted_at: float
    seen: Json
    seen_at: float
    changes: list[Json]


class KnownColumns:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[AccountColumns]:
        query = select(account_columns).order_by(account_columns.c.system, account_columns.c.entity)

        def work(conn: Connection) -> list[AccountColumns]:
            return [AccountColumns(**row) for row in conn.execute(query).mappings()]

        return await self._database.read(work)

    async def save(self, system: str, entity: str, seen: Mapping[str, Json], changes: list[Json]) -> None:
        """Store the present columns and how they differ. An entity that is seen for the first time is accepted."""
        now = self._database.now()
        values = {"seen": dict(seen), "seen_at": now, "changes": changes}
        first = {"system": system, "entity": entity, "accepted": dict(seen), "accepted_at": now, **values}
        insert = upsert(self._database.sqlite, account_columns).values(**first)
        statement = insert.on_conflict_do_update(index_elements=["system", "entity"], set_=values)
        await self._database.write("account_columns", lambda conn: conn.execute(statement))

    async def accept(self, system: str, column: str | None = None) -> list[AccountColumns]:
        """Accept the columns that were last seen, all of a system or one. Return the changes that ended, by entity."""
        query = select(account_columns).where(account_columns.c.system == system).order_by(account_columns.c.entity)

        def work(conn: Connection) -> list[AccountColumns]:
            ended: list[AccountColumns] = []
            for row in conn.execute(query.with_for_update()).mappings().all():
                known = AccountColumns(**row)
                mine = [one for one in known.changes if column in (None, one["column"])]
                if not mine:
                    continue
                values = {
                    "accepted": known.seen if column is None else _with(known, column),
                    "accepted_at": self._database.now(),
                    "changes": [one for one in known.changes if one not in mine],
                }
                here = (account_columns.c.system == known.system, account_columns.c.entity == known.entity)
                conn.execute(update(account_columns).where(*here).values(**values))
                ended.append(replace(known, changes=mine))
            return ended

        return await self._database.write("account_columns", work)


def _with(known: AccountColumns, column: str) -> Json:
    """Return the accepted columns, with this one column as it was last seen."""
    others = {name: spec for name, spec in known.accepted.items() if name != column}
    return {**others, **({column: known.seen[column]} if column in known.seen else {})}
