"""Writing link rows inside the caller's transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import and_, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.record import Side
from bridge.store.database import Database
from bridge.store.lookup import links_by_id
from bridge.store.model import Link, LinkState, LinkWrite, TaskKey
from bridge.store.rows import IN_USE, LINK_COLUMNS, chunks, link_from
from bridge.store.tables import intent_keys, link_refs, links

HOLDING = (LinkState.INTENDED.value, LinkState.DOUBT.value)
DEFAULTS: Mapping[str, Any] = {"base": {}, "made": "matched", "writes": 0, "window_at": 0.0}


async def lock_links(conn: AsyncConnection, ids: Iterable[int]) -> dict[int, Link]:
    """Lock link rows by id and show them as they are now."""
    found: dict[int, Link] = {}
    for some in chunks(sorted(set(ids))):
        query = select(links).where(links.c.id.in_(some)).order_by(links.c.id).with_for_update()
        found.update({row["id"]: link_from(row) for row in (await conn.execute(query)).mappings()})
    return found


def column_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a LinkWrite as the database takes them; an unknown name is a mistake of the caller."""
    unknown = set(values) - LINK_COLUMNS
    if unknown:
        raise ValueError(f"links have no column {', '.join(sorted(unknown))}")
    plain = dict(values)
    if "state" in plain:
        plain["state"] = LinkState(plain["state"]).value
    return plain


async def insert_link(database: Database, conn: AsyncConnection, values: Mapping[str, Any]) -> int:
    """A new row; its id is the next number of the store-wide counter, and its `seq` unless one is given."""
    (number,) = await database.next_seqs(conn, 1)
    await conn.execute(insert(links).values({**DEFAULTS, "seq": number, **column_values(values), "id": number}))
    return number


async def write_links(
    database: Database, conn: AsyncConnection, mapping: str, writes: Sequence[LinkWrite]
) -> set[TaskKey]:
    """Apply changes, those that give a record free first; the task keys of all records whose links changed."""
    touched: set[TaskKey] = set()
    ids = [write.id for write in writes if write.id is not None]
    before = await lock_links(conn, ids)
    for write in sorted(writes, key=_frees_first):
        link = await _write(database, conn, mapping, _with_answers(write, before))
        if link is not None:
            ids.append(link)
    after = await links_by_id(conn, ids)
    for link_row in (*before.values(), *after.values()):
        touched.update(TaskKey(link_row.mapping, side, rec) for side in Side if (rec := link_row.rec(side)) is not None)
    return touched


def _with_answers(write: LinkWrite, before: Mapping[int, Link]) -> LinkWrite:
    """A person may have answered a question while the claim was at work: the answer stays with the values it is for."""
    stored = before.get(write.id) if write.id is not None else None
    asked, answered = write.values.get("held"), stored.held if stored is not None else None
    if not asked or not answered:
        return write
    held = {
        name: {**entry, "chosen": answered[name]["chosen"]}
        if answered.get(name, {}).get("chosen") and answered[name]["values"] == entry["values"]
        else entry
        for name, entry in asked.items()
    }
    return replace(write, values={**write.values, "held": held})


def _frees_first(write: LinkWrite) -> tuple[bool, int]:
    frees = bool(write.values.get("delete")) or str(write.values.get("state", "live")) not in IN_USE
    return (not frees, write.id or 0)


async def _write(database: Database, conn: AsyncConnection, mapping: str, write: LinkWrite) -> int | None:
    if write.id is None:
        number = await insert_link(database, conn, {"mapping": mapping, **write.values})
        await _write_refs(conn, number, write.refs)
        return number
    if write.values.get("delete"):
        await conn.execute(delete(links).where(links.c.id == write.id))
        await conn.execute(delete(intent_keys).where(intent_keys.c.link == write.id))
        await conn.execute(delete(link_refs).where(or_(link_refs.c.link == write.id, link_refs.c.target == write.id)))
        return None
    values = column_values(write.values)
    if values:
        await conn.execute(update(links).where(links.c.id == write.id).values(**values))
    if "state" in values and values["state"] not in HOLDING:
        await conn.execute(delete(intent_keys).where(intent_keys.c.link == write.id))
    await _write_refs(conn, write.id, write.refs)
    return None


async def _write_refs(conn: AsyncConnection, link: int, refs: Sequence[tuple[str, int]] | None) -> None:
    if refs is None:
        return
    await conn.execute(delete(link_refs).where(link_refs.c.link == link))
    rows = [{"target": target, "link": link, "field": field} for field, target in sorted(set(refs))]
    if rows:
        await conn.execute(insert(link_refs), rows)


async def store_taught(database: Database, conn: AsyncConnection, link_id: int, side: Side, rec: str) -> bool:
    """Keep an id an answer taught, whatever the lease: on the open intent if unset, else as a twin row of the link.

    True when the intent holds it now. Nothing is stored twice.
    """
    link = (await lock_links(conn, [link_id])).get(link_id)
    if link is None:
        return False
    if link.rec(side) == rec:
        return link.state is LinkState.INTENDED
    if link.state is LinkState.INTENDED and link.rec(side) is None:
        try:
            async with conn.begin_nested():
                await conn.execute(update(links).where(links.c.id == link_id).values({side.value: rec}))
        except IntegrityError:
            pass  # another link names the record already: a twin
        else:
            return True
    column = links.c[side.value]
    same = and_(links.c.mapping == link.mapping, links.c.alias_of == link_id, column == rec)
    if (await conn.execute(select(links.c.id).where(same))).first() is None:
        twin = {side.value: rec, "mapping": link.mapping, "state": LinkState.TWIN, "made": link.made}
        await insert_link(database, conn, {**twin, "alias_of": link_id})
    return False
