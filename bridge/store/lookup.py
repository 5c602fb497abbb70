"""Finding the links of records inside a transaction, aliases followed."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, bindparam, select, union_all

from bridge.domain.record import Side
from bridge.store.model import Link, LinkState, TaskKey
from bridge.store.rows import IN_USE, among, chunks, link_from
from bridge.store.tables import links

CHAIN_LIMIT = 20


BY_ID = select(links).where(links.c.id.in_(bindparam("ids", expanding=True)))
OF_SIDE = {
    side: select(links).where(
        among((links.c.mapping, links.c[side.value]), f"{side.value}_keys"),
        links.c.state.in_([*IN_USE, LinkState.ALIAS.value]),
    )
    for side in Side
}
OF_BOTH = union_all(*OF_SIDE.values())


def links_by_id(conn: Connection, ids: Iterable[int]) -> dict[int, Link]:
    found: dict[int, Link] = {}
    for some in chunks(sorted(set(ids))):
        for row in conn.execute(BY_ID, {"ids": some}).mappings():
            found[row["id"]] = link_from(row)
    return found


def links_of(conn: Connection, records: Iterable[TaskKey]) -> dict[TaskKey, Link]:
    """The intended, live or frozen link of each record; of a record merged away, the survivor's."""
    found: dict[TaskKey, Link] = {}
    aliases: dict[TaskKey, Link] = {}
    for some in chunks(sorted({(key.mapping, key.side.value, key.rec) for key in records})):
        wanted = set(some)
        for link in sorted(_naming(conn, some), key=lambda link: link.id):
            for side in Side:
                rec = link.rec(side)
                if rec is not None and (link.mapping, side.value, rec) in wanted:
                    kind = aliases if link.state is LinkState.ALIAS else found
                    kind[TaskKey(link.mapping, side, rec)] = link
    followed = _survivors(conn, {key: link for key, link in aliases.items() if key not in found})
    return found | followed


def _naming(conn: Connection, records: Iterable[tuple[str, str, str]]) -> list[Link]:
    """Links that name one of these records, by one statement."""
    keys: dict[Side, list[tuple[str, str]]] = {}
    for mapping, side, rec in records:
        keys.setdefault(Side(side), []).append((mapping, rec))
    parameters = {f"{side.value}_keys": some for side, some in keys.items()}
    query = OF_BOTH if len(keys) > 1 else OF_SIDE[next(iter(keys))]
    return [link_from(row) for row in conn.execute(query, parameters).mappings()]


def _survivors(conn: Connection, aliases: Mapping[TaskKey, Link]) -> dict[TaskKey, Link]:
    open_ends = dict(aliases)
    found: dict[TaskKey, Link] = {}
    for _ in range(CHAIN_LIMIT):
        if not open_ends:
            break
        targets = links_by_id(conn, [link.alias_of for link in open_ends.values() if link.alias_of is not None])
        onward: dict[TaskKey, Link] = {}
        for key, link in open_ends.items():
            target = targets.get(link.alias_of) if link.alias_of is not None else None
            if target is None:
                continue
            if target.state is LinkState.ALIAS:
                onward[key] = target
            elif target.state.value in IN_USE:
                found[key] = target
        open_ends = onward
    return found
