"""Fields both sides changed that wait for a person's choice, kept with their link."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from bridge.domain.record import Side
from bridge.store.database import Database
from bridge.store.link_writes import lock_links
from bridge.store.model import Json, Link, LinkState
from bridge.store.rows import link_from
from bridge.store.tables import links


@dataclass(frozen=True, slots=True)
class Question:
    """One field of one link. `values`: by the side's name, as people read them. `chosen`: the side that is to win."""

    link: Link
    field: str
    values: Json
    chosen: Side | None


class Conflicts:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def waiting(self, mapping: str | None = None) -> list[Question]:
        """Every question that waits, oldest link first."""
        query = select(links).where(links.c.held.is_not(None), links.c.state == LinkState.LIVE.value)
        if mapping is not None:
            query = query.where(links.c.mapping == mapping)

        def work(conn: Connection) -> list[Link]:
            return [link_from(row) for row in (conn.execute(query.order_by(links.c.id))).mappings()]

        return [question for link in await self._database.read(work) for question in questions(link)]

    async def choose(self, link_id: int, fields: Collection[str], winner: Side) -> list[str]:
        """Note a person's choice for these fields; those that no longer wait are left out of the answer."""

        def work(conn: Connection) -> list[str]:
            link = (lock_links(conn, [link_id])).get(link_id)
            waiting = [question.field for question in questions(link) if question.field in fields] if link else []
            if link is not None and waiting:
                held = {name: {**entry} for name, entry in (link.held or {}).items()}
                for name in waiting:
                    held[name]["chosen"] = winner.value
                conn.execute(update(links).where(links.c.id == link_id).values(held=held))
            return waiting

        return await self._database.write("choose", work)


def questions(link: Link) -> list[Question]:
    """What a person is asked about one link, in the order of the fields' names."""
    return [
        Question(link, name, entry["values"], Side(entry["chosen"]) if entry.get("chosen") else None)
        for name, entry in sorted((link.held or {}).items())
        if entry.get("asked")
    ]
