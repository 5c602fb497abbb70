"""The deletion threshold: how much a mapping has removed within a sliding window, whatever the cause."""

from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, select

from bridge.store.database import Database
from bridge.store.model import ThresholdReached
from bridge.store.tables import brake_hits, mappings


class Counted(NamedTuple):
    """`hits` removals of `kind` that must fit into `limit` within `window` seconds (None: only counted)."""

    mapping: str
    kind: str
    link: int
    hits: int
    limit: int | None
    window: float


def count_deletions(conn: Connection, deletion: Counted, now: float) -> None:
    """Count removals in the caller's transaction. Raises ThresholdReached, which undoes it."""
    if deletion.limit is not None and not _approved(conn, deletion.mapping, now):
        hits = _hits(conn, deletion.mapping, now - deletion.window)
        if hits + deletion.hits > deletion.limit:
            raise ThresholdReached(deletion.mapping, hits, deletion.limit)
    row = {"mapping": deletion.mapping, "at": now, "kind": deletion.kind, "link": deletion.link}
    if deletion.hits > 0:
        conn.execute(insert(brake_hits), [row] * deletion.hits)


def _approved(conn: Connection, mapping: str, now: float) -> bool:
    until = conn.scalar(select(mappings.c.approved_until).where(mappings.c.name == mapping))
    return until is not None and bool(until > now)


def _hits(conn: Connection, mapping: str, since: float) -> int:
    query = select(func.count()).select_from(brake_hits)
    return conn.scalar(query.where(brake_hits.c.mapping == mapping, brake_hits.c.at > since)) or 0


class Deletions:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(self, mapping: str, since: float) -> int:
        """Removals after `since` (epoch seconds)."""
        return await self._database.read(lambda conn: _hits(conn, mapping, since))

    async def counts(self, since: float) -> dict[str, int]:
        """By mapping the removals after `since` (epoch seconds); mappings without any are left out."""
        query = select(brake_hits.c.mapping, func.count()).where(brake_hits.c.at > since)
        query = query.group_by(brake_hits.c.mapping)
        return await self._database.read(lambda conn: {name: int(number) for name, number in conn.execute(query)})

    async def give_back(self, mapping: str, link: int) -> None:
        """Undo the count of this link's last counted write, which had no effect."""
        own = (brake_hits.c.mapping == mapping, brake_hits.c.link == link)
        last = select(func.max(brake_hits.c.at)).where(*own).scalar_subquery()
        await self._database.write(
            "give_back", lambda conn: conn.execute(delete(brake_hits).where(*own, brake_hits.c.at == last))
        )
