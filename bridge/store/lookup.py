"""Finding the link of a record inside a transaction, aliases followed."""

from collections.abc import Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.record import Side
from bridge.store.model import Link, LinkState
from bridge.store.rows import IN_USE, chunks, link_from
from bridge.store.tables import links

CHAIN_LIMIT = 20


async def links_by_id(conn: AsyncConnection, ids: Iterable[int]) -> dict[int, Link]:
    found: dict[int, Link] = {}
    for some in chunks(sorted(set(ids))):
        for row in (await conn.execute(select(links).where(links.c.id.in_(some)))).mappings():
            found[row["id"]] = link_from(row)
    return found


async def resolve(conn: AsyncConnection, mapping: str, side: Side, recs: Iterable[str]) -> dict[str, Link]:
    """The intended, live or frozen link of each record; of a record merged away, the survivor's."""
    column = links.c[side.value]
    found: dict[str, Link] = {}
    aliases: dict[str, Link] = {}
    for some in chunks(sorted(set(recs))):
        query = select(links).where(links.c.mapping == mapping, column.in_(some))
        query = query.where(links.c.state.in_([*IN_USE, LinkState.ALIAS.value])).order_by(links.c.id)
        for row in (await conn.execute(query)).mappings():
            link = link_from(row)
            (aliases if link.state is LinkState.ALIAS else found)[row[side.value]] = link
    followed = await _survivors(conn, {rec: link for rec, link in aliases.items() if rec not in found})
    return found | followed


async def _survivors(conn: AsyncConnection, aliases: Mapping[str, Link]) -> dict[str, Link]:
    open_ends = dict(aliases)
    found: dict[str, Link] = {}
    for _ in range(CHAIN_LIMIT):
        if not open_ends:
            break
        targets = await links_by_id(conn, [link.alias_of for link in open_ends.values() if link.alias_of is not None])
        onward: dict[str, Link] = {}
        for rec, link in open_ends.items():
            target = targets.get(link.alias_of) if link.alias_of is not None else None
            if target is None:
                continue
            if target.state is LinkState.ALIAS:
                onward[rec] = target
            elif target.state.value in IN_USE:
                found[rec] = target
        open_ends = onward
    return found
