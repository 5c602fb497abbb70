"""What a verification reads from the store, and the last result of each mapping."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, or_, select, update

from bridge.domain.record import Side
from bridge.store import moves
from bridge.store.database import Database
from bridge.store.model import Json, Link, Task, TaskKey
from bridge.store.statements import among, chunks, link_from, task_from, upsert, walked_by_id
from bridge.store.tables import links, record_keys, tasks, verifications

PAIRED = tuple(state.value for state in moves.PAIRED)
OF_RECORDS = select(tasks).where(among((tasks.c.mapping, tasks.c.side, tasks.c.rec)))


class Verification(NamedTuple):
    """The last verification of a mapping. `done_at` and `summary` are of the last one that ended, None before that."""

    mapping: str
    started_at: float
    done_at: float | None = None
    summary: Json | None = None


class Verifications:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def pairs(self, mapping: str, after: int, most: int) -> list[Link]:
        """The next `most` pairs of a mapping by link id, including those that left its `where`."""
        query = next_pairs(select(links), mapping, after, most)
        return await self._database.read(lambda conn: [link_from(row) for row in conn.execute(query).mappings()])

    async def pair_ids(self, mapping: str, after: int, most: int) -> list[int]:
        """The link ids of `pairs`."""
        query = next_pairs(select(links.c.id), mapping, after, most)
        return await self._database.read(lambda conn: list(conn.execute(query).scalars()))

    async def tasks(self, keys: Collection[TaskKey]) -> dict[TaskKey, Task]:
        """The tasks of these records; those without one are left out."""

        def work(conn: Connection) -> dict[TaskKey, Task]:
            found: dict[TaskKey, Task] = {}
            for some in chunks(sorted({(key.mapping, key.side.value, key.record_id) for key in keys})):
                for row in conn.execute(OF_RECORDS, {"keys": some}).mappings():
                    task = task_from(row)
                    found[task.key] = task
            return found

        return await self._database.read(work)

    async def histories(self, mapping: str, side: Side, record_ids: Collection[str]) -> dict[str, Link]:
        """For records without a pair, the newest link row that names each: a tombstone, a duplicate, an open create."""
        column = links.c[side.value]

        def work(conn: Connection) -> dict[str, Link]:
            found: dict[str, Link] = {}
            for some in chunks(sorted(record_ids)):
                query = select(links).where(links.c.mapping == mapping, column.in_(some)).order_by(links.c.id)
                for row in conn.execute(query).mappings():
                    found[row[side.value]] = link_from(row)
            return found

        return await self._database.read(work)

    async def sharing(self, mapping: str, side: Side, beginnings: Sequence[str]) -> dict[str, list[str]]:
        """By match-key hash the records that last showed it, for hashes that begin like this and have two or more."""
        shown = record_keys.c.hash

        def work(conn: Connection) -> dict[str, list[str]]:
            found: defaultdict[str, list[str]] = defaultdict(list)
            for some in chunks(beginnings, 200):
                like = or_(*(and_(shown >= text, shown < f"{text}g") for text in some))
                query = select(shown, record_keys.c.rec).where(
                    record_keys.c.mapping == mapping, record_keys.c.side == side.value, like
                )
                for key, record_id in conn.execute(query):
                    found[key].append(record_id)
            return {key: sorted(record_ids, key=_order) for key, record_ids in found.items() if len(record_ids) > 1}

        return await self._database.read(work)

    # Results.

    async def begin(self, mapping: str, before: float | None) -> bool:
        """Note that a verification starts; False if another one began since `before` (None: there was none)."""
        now = self._database.now()
        mine = update(verifications).where(verifications.c.mapping == mapping, verifications.c.started_at == before)
        new = upsert(self._database.sqlite, verifications).values(mapping=mapping, started_at=now)

        def work(conn: Connection) -> bool:
            if before is None:
                return conn.execute(new.on_conflict_do_nothing()).rowcount > 0
            return conn.execute(mine.values(started_at=now)).rowcount > 0

        return await self._database.write("verification", work)

    async def end(self, mapping: str, started_at: float, summary: Json) -> None:
        """Store the result in place of the last one."""
        values = {"started_at": started_at, "done_at": self._database.now(), "summary": summary}
        new = upsert(self._database.sqlite, verifications).values(mapping=mapping, **values)
        kept = new.on_conflict_do_update(index_elements=["mapping"], set_=values)
        await self._database.write("verification", lambda conn: conn.execute(kept))

    async def last(self) -> Mapping[str, Verification]:
        """The last verifications, by mapping and in the order of mappings."""
        query = select(verifications).order_by(verifications.c.mapping)

        def work(conn: Connection) -> dict[str, Verification]:
            return {row["mapping"]: Verification(**row) for row in conn.execute(query).mappings()}

        return await self._database.read(work)


def next_pairs(query: Select[Any], mapping: str, after: int, most: int) -> Select[Any]:
    here = (walked_by_id(links.c.mapping) == mapping, links.c.state.in_(PAIRED), links.c.id > after)
    return query.where(*here).order_by(links.c.id).limit(most)


def _order(record_id: str) -> tuple[int, str]:
    return len(record_id), record_id
