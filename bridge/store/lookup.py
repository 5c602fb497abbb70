"""Finding the link of a record inside a transaction, aliases followed."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, bindparam, select

from bridge.domain.record import Side
from bridge.store.model import Link, LinkState
from bridge.store.rows import IN_USE, chunks, link_from
from bridge.store.tables import links

CHAIN_LIMIT = 20


BY_ID = select(links).where(links.c.id.in_(bindparam("ids", expanding=True)))
OF_RECORDS = {
    side: select(links)
    .where(
        links.c.mapping == bindparam("of"),
        links.c[side.value].in_(bindparam("recs", expanding=True)),
        links.c.state.in_([*IN_USE, LinkState.ALIAS.value]),
    )
    .order_by(links.c.id)
    for side in Side
}


def links_by_id(conn: Connection, ids: Iterable[int]) -> dict[int, Link]:
    found: dict[int, Link] = {}
    for some in chunks(sorted(set(ids))):
        for row in conn.execute(BY_ID, {"ids": some}).mappings():
            found[row["id"]] = link_from(row)
    return found


def resolve(conn: Connection, mapping: str, side: Side, recs: Iterable[str]) -> dict[str, Link]:
    """The intended, live or frozen link of each record; of a record merged away, the survivor's."""
    found: dict[str, Link] = {}
    aliases: dict[str, Link] = {}
    for some in chunks(sorted(set(recs))):
        for row in conn.execute(OF_RECORDS[side], {"of": mapping, "recs": some}).mappings():
            link = link_from(row)
            (aliases if link.state is LinkState.ALIAS else found)[row[side.value]] = link
    followed = _survivors(conn, {rec: link for rec, link in aliases.items() if rec not in found})
    return found | followed


def _survivors(conn: Connection, aliases: Mapping[str, Link]) -> dict[str, Link]:
    open_ends = dict(aliases)
    found: dict[str, Link] = {}
    for _ in range(CHAIN_LIMIT):
        if not open_ends:
            break
        targets = links_by_id(conn, [link.alias_of for link in open_ends.values() if link.alias_of is not None])
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
