"""The columns of accounts: as a person accepted them, as last seen, and what of that differs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select, update

from bridge.store.database import Database
from bridge.store.hook_tables import account_columns
from bridge.store.marks import upsert
from bridge.store.model import Json


@dataclass(frozen=True, slots=True)
class AccountColumns:
    """Of one entity. `accepted`, `seen`: columns by name, as JSON. `changes`: what differs, with what it means."""

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
        """Note what is there now and how it differs; what is seen for the first time is accepted."""
        now = self._database.now()
        values = {"seen": dict(seen), "seen_at": now, "changes": changes}
        first = {"system": system, "entity": entity, "accepted": dict(seen), "accepted_at": now, **values}
        insert = upsert(self._database.sqlite, account_columns).values(**first)
        statement = insert.on_conflict_do_update(index_elements=["system", "entity"], set_=values)
        await self._database.write("account_columns", lambda conn: conn.execute(statement))

    async def accept(self, system: str, column: str | None = None) -> list[AccountColumns]:
        """From now on what was last seen is what changes are counted from, for all columns of a system or for one; the
        changes that ended, by entity."""
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
    """What was accepted, and this one column as it was last seen."""
    others = {name: spec for name, spec in known.accepted.items() if name != column}
    return {**others, **({column: known.seen[column]} if column in known.seen else {})}
