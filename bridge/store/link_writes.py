"""Writing link rows inside the caller's transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from sqlalchemy import Connection, Update, and_, bindparam, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from bridge.domain.record import Side
from bridge.store.database import Database
from bridge.store.model import Link, LinkState, Move, TaskKey
from bridge.store.moves import Kind
from bridge.store.rows import IN_USE, LINK_COLUMNS, chunks, link_from
from bridge.store.tables import intent_keys, link_refs, links

HOLDING = (LinkState.INTENDED.value, LinkState.DOUBT.value)
DEFAULTS: Mapping[str, Any] = {"base": {}, "made": "matched", "writes": 0, "window_at": 0.0}


LOCK_LINKS = (
    select(links).where(links.c.id.in_(bindparam("ids", expanding=True))).order_by(links.c.id).with_for_update()
)
FORGET_REFS = delete(link_refs).where(link_refs.c.link == bindparam("of"))


@cache
def changing(names: frozenset[str]) -> Update:
    """Sets these columns of one link: parameters `of`, the link's id, and `new_<name>`."""
    return (
        update(links)
        .where(links.c.id == bindparam("of"))
        .values({name: bindparam(f"new_{name}", type_=links.c[name].type) for name in sorted(names)})
    )


def change_link(conn: Connection, link: int, values: Mapping[str, Any]) -> None:
    """Set columns of one link, by name."""
    new = {f"new_{name}": value for name, value in values.items()}
    conn.execute(changing(frozenset(values)), {"of": link, **new})


def lock_links(conn: Connection, ids: Iterable[int]) -> dict[int, Link]:
    """Lock link rows by id and show them as they are now."""
    found: dict[int, Link] = {}
    for some in chunks(sorted(set(ids))):
        found.update({row["id"]: link_from(row) for row in conn.execute(LOCK_LINKS, {"ids": some}).mappings()})
    return found


def column_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a move as the database takes them; an unknown name is a mistake of the caller."""
    unknown = set(values) - LINK_COLUMNS
    if unknown:
        raise ValueError(f"links have no column {', '.join(sorted(unknown))}")
    plain = dict(values)
    if "state" in plain:
        plain["state"] = LinkState(plain["state"]).value
    return plain


def insert_link(database: Database, conn: Connection, values: Mapping[str, Any]) -> int:
    """A new row; its id is the next number of the store-wide counter, and its `seq` unless one is given."""
    (number,) = database.next_seqs(conn, 1)
    conn.execute(insert(links).values({**DEFAULTS, "seq": number, **column_values(values), "id": number}))
    return number


def write_links(
    database: Database, conn: Connection, mapping: str, writes: Sequence[Move], before: Mapping[int, Link]
) -> set[TaskKey]:
    """Apply moves, those that give a record free first; the task keys of all records whose links changed.

    before: the links that are moved, locked, as they were.
    """
    recs: set[tuple[Side, str | None]] = set()
    for write in sorted(_joined(writes), key=_frees_first):
        link = before.get(write.id) if write.id is not None else None
        _write(database, conn, mapping, _with_answers(write, link))
        for side in Side:
            recs |= {(side, link.rec(side) if link else None), (side, write.values.get(side.value))}
    return {TaskKey(mapping, side, rec) for side, rec in recs if rec is not None}


def _joined(writes: Sequence[Move]) -> list[Move]:
    """One write for each link: of several, the later values stand. A deleted link is not written any more."""
    joined: dict[int, Move] = {}
    others: list[Move] = []
    for write in writes:
        if write.id is None:
            others.append(write)
            continue
        number, before = write.id, joined.get(write.id)
        if before is not None:
            refs = before.refs if write.refs is None else write.refs
            kind = Kind.DROP if Kind.DROP in (before.kind, write.kind) else write.kind
            write = replace(write, kind=kind, values={**before.values, **write.values}, refs=refs)
        joined[number] = write
    return [*joined.values(), *others]


def _with_answers(write: Move, stored: Link | None) -> Move:
    """A person may have answered a question while the claim was at work: the answer stays with the values it is for."""
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


def _frees_first(write: Move) -> tuple[bool, int]:
    frees = write.kind == Kind.DROP or str(write.values.get("state", "live")) not in IN_USE
    return (not frees, write.id or 0)


def _write(database: Database, conn: Connection, mapping: str, write: Move) -> None:
    if write.id is None:
        number = insert_link(database, conn, {"mapping": mapping, **write.values})
        _write_refs(conn, number, write.refs)
        return
    if write.kind == Kind.DROP:
        conn.execute(delete(links).where(links.c.id == write.id))
        conn.execute(delete(intent_keys).where(intent_keys.c.link == write.id))
        conn.execute(delete(link_refs).where(or_(link_refs.c.link == write.id, link_refs.c.target == write.id)))
        return
    values = column_values(write.values)
    if values:
        change_link(conn, write.id, values)
    if "state" in values and values["state"] not in HOLDING:
        conn.execute(delete(intent_keys).where(intent_keys.c.link == write.id))
    _write_refs(conn, write.id, write.refs)


def _write_refs(conn: Connection, link: int, refs: Sequence[tuple[str, int]] | None) -> None:
    if refs is None:
        return
    conn.execute(FORGET_REFS, {"of": link})
    rows = [{"target": target, "link": link, "field": field} for field, target in sorted(set(refs))]
    if rows:
        conn.execute(insert(link_refs), rows)


def store_taught(database: Database, conn: Connection, link_id: int, side: Side, rec: str) -> bool:
    """Keep an id an answer taught, whatever the lease: on the open intent if unset, else as a twin row of the link.

    True when the intent holds it now. Nothing is stored twice.
    """
    link = (lock_links(conn, [link_id])).get(link_id)
    if link is None:
        return False
    if link.rec(side) == rec:
        return link.state is LinkState.INTENDED
    if link.state is LinkState.INTENDED and link.rec(side) is None:
        try:
            with conn.begin_nested():
                conn.execute(update(links).where(links.c.id == link_id).values({side.value: rec}))
        except IntegrityError:
            pass  # another link names the record already: a twin
        else:
            return True
    column = links.c[side.value]
    same = and_(links.c.mapping == link.mapping, links.c.alias_of == link_id, column == rec)
    if (conn.execute(select(links.c.id).where(same))).first() is None:
        twin = {side.value: rec, "mapping": link.mapping, "state": LinkState.TWIN, "made": link.made}
        insert_link(database, conn, {**twin, "alias_of": link_id})
    return False
