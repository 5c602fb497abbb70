"""Writing link rows inside the caller's transaction."""

from collections import defaultdict
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


def change_links(conn: Connection, values: Mapping[int, Mapping[str, Any]]) -> None:
    """Set columns of links, by id and name; those that change the same columns by one statement."""
    alike: defaultdict[frozenset[str], list[dict[str, Any]]] = defaultdict(list)
    for link, new in sorted(values.items()):
        alike[frozenset(new)].append({"of": link, **{f"new_{name}": value for name, value in new.items()}})
    for names, rows in alike.items():
        if names:
            conn.execute(changing(names), rows)


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
    database: Database, conn: Connection, moves: Mapping[str, Sequence[Move]], before: Mapping[int, Link]
) -> set[TaskKey]:
    """Apply moves by mapping, those that give a record free first; the task keys of records that were linked, or are.

    What a link only holds changes no record's being linked. before: the links that are moved, locked, as they were.
    """
    linked: set[TaskKey] = set()
    freeing: list[Move] = []
    held: list[Move] = []
    fresh: list[tuple[str, Move]] = []
    for mapping, some in moves.items():
        for move in _joined(some):
            link = before.get(move.id) if move.id is not None else None
            move = _with_answers(move, link)
            if move.id is None:
                fresh.append((mapping, move))
            elif _frees(move):
                freeing.append(move)
            else:
                held.append(move)
            if move.kind == Kind.DROP or RELINKING & move.values.keys():
                linked |= _named(mapping, link, move)
    _change(conn, freeing)
    for mapping, move in fresh:
        _write_refs(conn, insert_link(database, conn, {"mapping": mapping, **move.values}), move.refs)
    _change(conn, held)
    return linked


def _named(mapping: str, link: Link | None, move: Move) -> set[TaskKey]:
    """The records that the link named or will name."""
    recs: list[tuple[Side, str | None]] = [(side, move.values.get(side.value)) for side in Side]
    if link is not None:
        recs += [(side, link.rec(side)) for side in Side]
    return {TaskKey(mapping, side, rec) for side, rec in recs if rec is not None}


RELINKING = frozenset({"state", *(side.value for side in Side)})
"""Columns of a link whose change links a record, or gives it free."""


def _joined(moves: Sequence[Move]) -> list[Move]:
    """One move for each link: of several, the later values stand. A deleted link is not written any more."""
    joined: dict[int, Move] = {}
    others: list[Move] = []
    for write in moves:
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


def _frees(move: Move) -> bool:
    return move.kind == Kind.DROP or str(move.values.get("state", "live")) not in IN_USE


def _change(conn: Connection, moves: Sequence[Move]) -> None:
    """Apply moves of links that are there. Each must find the records free that it links."""
    dropped = sorted(move.id for move in moves if move.id is not None and move.kind == Kind.DROP)
    values = {move.id: column_values(move.values) for move in moves if move.id is not None and move.id not in dropped}
    settled = [link for link, new in values.items() if "state" in new and new["state"] not in HOLDING]
    if dropped:
        conn.execute(delete(links).where(links.c.id.in_(dropped)))
        conn.execute(delete(link_refs).where(or_(link_refs.c.link.in_(dropped), link_refs.c.target.in_(dropped))))
    change_links(conn, values)
    if dropped or settled:
        conn.execute(delete(intent_keys).where(intent_keys.c.link.in_([*dropped, *settled])))
    for move in moves:
        if move.id is not None and move.id not in dropped:
            _write_refs(conn, move.id, move.refs)


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
