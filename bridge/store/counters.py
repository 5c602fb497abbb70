"""Running totals. Each instance has its own rows, which are summed, so that instances never wait for each other."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection, delete, func, select

from bridge.store.database import Database
from bridge.store.statements import Prepared, upsert
from bridge.store.tables import counters

RETIRED = ""  # the instance under which totals of stopped instances are kept


def count(
    database: Database, conn: Connection, counts: Mapping[tuple[str, str], int], instance: str | None = None
) -> None:
    """Add to totals by (mapping, name) inside the caller's transaction, in key order."""
    rows = count_rows(counts, database.seams.instance if instance is None else instance)
    if rows:
        _grown(database.sqlite).run_many(conn, rows)


def count_rows(counts: Mapping[tuple[str, str], int], instance: str) -> list[dict[str, Any]]:
    """The values of a statement that adds to totals (`grown`)."""
    return [
        {"copy": instance, "mapping": mapping, "name": name, "value": value}
        for (mapping, name), value in sorted(counts.items())
        if value
    ]


@cache
def _grown(is_sqlite: bool) -> Prepared:
    return Prepared(grown(upsert(is_sqlite, counters)))


def grown(insert: Any) -> Any:
    """Let an insert of totals add to those that exist."""
    total = {"value": counters.c.value + insert.excluded.value}
    return insert.on_conflict_do_update(index_elements=["copy", "mapping", "name"], set_=total)


class Counters:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, mapping: str, name: str, number: int = 1) -> None:
        await self._database.write("count", lambda conn: count(self._database, conn, {(mapping, name): number}))

    async def get(self, mapping: str | None = None) -> dict[tuple[str, str], int]:
        """Sums across all instances by (mapping, name)."""
        query = select(counters.c.mapping, counters.c.name, func.sum(counters.c.value))
        if mapping is not None:
            query = query.where(counters.c.mapping == mapping)

        def work(conn: Connection) -> dict[tuple[str, str], int]:
            rows = conn.execute(query.group_by(counters.c.mapping, counters.c.name))
            return {(name, counter): int(value) for name, counter, value in rows}

        return await self._database.read(work)

    async def retire(self) -> None:
        """Fold the rows of all other instances into one, so that restarts do not grow the table; sums stay the same."""

        def work(conn: Connection) -> None:
            others = counters.c.copy.not_in((self._database.seams.instance, RETIRED))
            gone = delete(counters).where(others).returning(counters.c.mapping, counters.c.name, counters.c.value)
            folded: dict[tuple[str, str], int] = {}
            for mapping, name, value in conn.execute(gone):
                folded[mapping, name] = folded.get((mapping, name), 0) + value
            count(self._database, conn, folded, RETIRED)

        await self._database.write("retire", work)
