"""Finding pairs by what people know of them: a record's id, or a piece of text both sides agreed on."""

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Select, Text, or_, select, type_coerce

from bridge.domain.record import Side
from bridge.store.database import Database
from bridge.store.model import Link, LinkState, TaskKey
from bridge.store.rows import chunks, has_key, link_from
from bridge.store.tables import link_refs, links, mappings, record_keys, tasks

PORTION = 1000
"""Links looked through at once; between two portions the daemon does other work."""
SHOWN = (LinkState.INTENDED, LinkState.LIVE, LinkState.FROZEN, LinkState.DOUBT, LinkState.TOMBSTONE)


class Search:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_id(self, rec: str, limit: int) -> list[TaskKey]:
        """Every record of this id that has a link or a task, whatever its mapping and side."""

        def work(conn: Connection) -> list[TaskKey]:
            keys: dict[TaskKey, None] = {}
            for side in Side:
                for name in self._names(conn):
                    task = select(tasks.c.rec).where(has_key(tasks, [(name, side.value, rec)]))
                    link = select(links.c.id).where(links.c.mapping == name, links.c[side.value] == rec, _shown())
                    if conn.scalar(task) is not None or conn.scalar(link.limit(1)) is not None:
                        keys[TaskKey(name, side, rec)] = None
            return list(keys)[:limit]

        return await self._database.read(work)

    async def by_keys(self, hashes: Collection[str], limit: int) -> list[TaskKey]:
        """Records that showed one of these match keys when they were seen last."""
        owner = (record_keys.c.mapping, record_keys.c.side, record_keys.c.rec)
        if not hashes:
            return []

        def work(conn: Connection) -> list[TaskKey]:
            found: list[TaskKey] = []
            for side in Side:
                for name in self._names(conn):
                    for some in chunks(sorted(hashes)):
                        here = (record_keys.c.mapping == name, record_keys.c.side == side.value)
                        query = select(*owner).where(*here, record_keys.c.hash.in_(some)).limit(limit)
                        found += [TaskKey(mapping, Side(at), rec) for mapping, at, rec in conn.execute(query)]
            return found[:limit]

        return await self._database.read(work)

    async def portion(self, text: str, after: int) -> tuple[list[Link], int | None]:
        """Links with `text` in their base among the next of them by id; where to go on, None at the end."""
        base = type_coerce(links.c.base, Text)
        forms = {json.dumps(form)[1:-1] for form in (text, text.lower(), text.title(), text.upper())}
        like = [base.icontains(form, autoescape=True) for form in sorted(forms)]
        last = select(links.c.id).where(links.c.id > after).order_by(links.c.id).offset(PORTION - 1).limit(1)

        def work(conn: Connection) -> tuple[list[Link], int | None]:
            end = conn.scalar(last)
            within = links.c.id > after if end is None else links.c.id.between(after + 1, end)
            query: Select[Any] = select(links).where(within, _shown(), or_(*like)).order_by(links.c.id)
            return [link_from(row) for row in conn.execute(query).mappings()], end

        return await self._database.read(work)

    async def newest(self, limit: int) -> list[Link]:
        """The pairs made last."""
        query = select(links).where(_shown()).order_by(links.c.id.desc()).limit(limit)
        return await self._database.read(lambda conn: [link_from(row) for row in conn.execute(query).mappings()])

    async def children(self, link: int, limit: int) -> list[Link]:
        """Links whose records name a record of this one."""
        named = select(link_refs.c.link).where(link_refs.c.target == link).limit(limit)
        query = select(links).where(links.c.id.in_(named.scalar_subquery()), _shown()).order_by(links.c.id)
        return await self._database.read(lambda conn: [link_from(row) for row in conn.execute(query).mappings()])

    @staticmethod
    def _names(conn: Connection) -> list[str]:
        return list(conn.execute(select(mappings.c.name)).scalars())


def _shown() -> Any:
    return links.c.state.in_([state.value for state in SHOWN])
