"""Opening intents: one transaction looks at open intents first and at links second.

In that order an intent that is settled between the two looks is met as a link, its own record's or one with the same
match key; the other way round it would be missed.
On PostgreSQL a lock per mapping keeps two of these transactions apart, on SQLite there is only one writer.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, insert, select

from bridge.domain.record import Side
from bridge.store import moves
from bridge.store.database import Database
from bridge.store.leases import fences_held
from bridge.store.link_writes import DEFAULTS, HOLDING, column_values
from bridge.store.lookup import links_of
from bridge.store.model import (
    AlreadyLinked,
    Claim,
    IntentOpened,
    IntentResult,
    IntentWait,
    Json,
    Link,
    LinkState,
    TaskKey,
    TaskState,
)
from bridge.store.rows import among, chunks, keyed, link_from, task_key, task_tuple
from bridge.store.tables import IS_UNSETTLED, intent_keys, links, record_keys, tasks

DOUBT_SECONDS = 3600.0
"""A record held by a dead letter is looked at again after this long."""
CLOCK_MARGIN_SECONDS = 600.0
"""A vendor's clock is not further from ours than this."""
PAIRED = [state.value for state in moves.PAIRED]


@dataclass(frozen=True, slots=True)
class IntentAsked:
    """A create on `new_side` for the claimed record.

    `keys`: hashes of its non-empty match keys; `first_seq`: when the record was first known; `made_at`: when its system
    says that it was made. `unlike`: a link of another record of its side that the match index has under one of the keys
    is in the way, but for those of these records; None: no such link is.
    """

    claim: Claim
    new_side: Side
    keys: frozenset[str]
    payload: Json
    deadline: float
    look_at: float
    first_seq: int
    made_at: float | None = None
    unlike: frozenset[str] | None = None

    @property
    def key(self) -> TaskKey:
        return self.claim.key

    @property
    def hashes(self) -> frozenset[str]:
        """What the intent holds."""
        return self.keys or frozenset({_instead_of_keys(self.key)})


def open_intents(database: Database, conn: Connection, batch: Sequence[IntentAsked]) -> list[IntentResult | None]:
    """Decide on these creates, one after the other; None for a claim that lost its fence."""
    for asked in batch:
        if asked.key.side is not asked.new_side.other:
            raise ValueError(f"{asked.key}: an intent creates on the side the claimed record is not on")
    names = sorted({asked.key.mapping for asked in batch})
    for name in names:
        database.lock_name(conn, f"bridge-intents-{name}")
    held = fences_held(conn, [asked.claim for asked in batch])
    open_ = _open(conn, names)
    linked = links_of(conn, [asked.key for asked in batch])
    alike = _linked_alike(conn, batch)
    opened: list[Open] = []
    results: list[IntentResult | None] = []
    for asked, number in zip(batch, database.next_seqs(conn, len(batch)), strict=True):
        if asked.claim.fence not in held:
            results.append(None)
            continue
        in_the_way = next((one.link for one in (*open_, *opened) if _holds(asked, one)), None)
        if in_the_way is not None:
            results.append(_wait_for(in_the_way, database.now()))
        elif asked.key in linked:
            results.append(AlreadyLinked(linked[asked.key]))
        elif asked.key in alike:  # it was linked since the decision: that one is looked at first
            results.append(IntentWait(alike[asked.key], database.now()))
        else:
            opened.append(Open(_intended(asked, number), asked.hashes))
            results.append(IntentOpened(number))
    _insert(conn, opened)
    return results


@dataclass(frozen=True, slots=True)
class Open:
    """An intent that is open, or a dead letter of one. `decided`: a person discarded that."""

    link: Link
    hashes: frozenset[str]
    decided: bool = False


OPEN = (
    select(links)
    .where(IS_UNSETTLED, links.c.mapping.in_(bindparam("names", expanding=True)), links.c.state.in_(HOLDING))
    .order_by(links.c.seq)
)
KEYS = select(intent_keys.c.link, intent_keys.c.hash).where(intent_keys.c.link.in_(bindparam("ids", expanding=True)))
STATES = select(*tasks.primary_key.columns, tasks.c.state).where(keyed(tasks))


def _open(conn: Connection, names: Sequence[str]) -> list[Open]:
    """All open intents of these mappings and dead letters of such, oldest first."""
    found = [link_from(row) for row in conn.execute(OPEN, {"names": names}).mappings()]
    hashes: defaultdict[int, set[str]] = defaultdict(set)
    for some in chunks([link.id for link in found]):
        for link, key in conn.execute(KEYS, {"ids": some}):
            hashes[link].add(key)
    letters = {of for link in found if link.state is LinkState.DOUBT and (of := _decided_for(link)) is not None}
    decided: set[TaskKey] = set()
    for some in chunks(sorted(map(task_tuple, letters))):
        rows = conn.execute(STATES, {"keys": some}).mappings()  # one at rest: nothing is done about it any more
        decided.update(task_key(row) for row in rows if row["state"] == TaskState.IDLE.value)
    return [Open(link, frozenset(hashes[link.id]), _decided_for(link) in decided) for link in found]


def _wait_for(intent: Link, now: float) -> IntentWait:
    if intent.state is LinkState.DOUBT:
        return IntentWait(intent.id, now + DOUBT_SECONDS, _decided_for(intent))
    return IntentWait(intent.id, now if intent.look_at is None else intent.look_at)


def _intended(asked: IntentAsked, number: int) -> Link:
    values = {"payload": asked.payload, "deadline": asked.deadline, "look_at": asked.look_at}
    recs: dict[str, Any] = {asked.new_side.value: None}
    move = moves.intend(asked.key.side, asked.key.rec, values)
    return Link(id=number, mapping=asked.key.mapping, seq=number, **{**recs, **move.values})


def _insert(conn: Connection, opened: Sequence[Open]) -> None:
    if not opened:
        return
    columns = ("id", "mapping", "seq", "left", "right", "state", "made", "payload", "deadline", "look_at")
    rows = [
        {**DEFAULTS, **column_values({name: getattr(one.link, name) for name in columns[1:]}), "id": one.link.id}
        for one in opened
    ]
    conn.execute(insert(links), rows)
    kept = [(one.link.mapping, key, one.link.id) for one in opened for key in one.hashes]
    conn.execute(
        insert(intent_keys), [dict(zip(("mapping", "hash", "link"), one, strict=True)) for one in sorted(kept)]
    )


def _instead_of_keys(key: TaskKey) -> str:
    """What an intent holds that has no match key."""
    return f"{key.side.value}:{key.rec}"


def _pair(side: Side) -> ColumnElement[bool]:
    """A link that names a record of the match index, and has a counterpart for it."""
    of_it = and_(links.c.mapping == record_keys.c.mapping, links.c[side.value] == record_keys.c.rec)
    return and_(of_it, links.c.state.in_(PAIRED))


LINKED_ALIKE = {
    side: select(record_keys.c.mapping, record_keys.c.hash, record_keys.c.rec, links.c.id)
    .join(links, _pair(side))
    .where(among((record_keys.c.mapping, record_keys.c.side, record_keys.c.hash)))
    .order_by(links.c.id)
    for side in Side
}


def _linked_alike(conn: Connection, batch: Sequence[IntentAsked]) -> dict[TaskKey, int]:
    """By record a link of another one of its side that shows one of the keys by the match index, but for `unlike`."""
    found: dict[TaskKey, int] = {}
    for side in Side:
        asking = [one for one in batch if one.key.side is side and one.unlike is not None]
        keys = sorted({(one.key.mapping, side.value, key) for one in asking for key in one.keys})
        sharing: defaultdict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
        for some in chunks(keys):
            for mapping, key, rec, link in conn.execute(LINKED_ALIKE[side], {"keys": some}):
                sharing[mapping, key].append((rec, link))
        for one in asking:
            apart = {one.key.rec, *(one.unlike or ())}
            others = (entry for key in one.keys for entry in sharing[one.key.mapping, key])
            alike = [link for rec, link in others if rec not in apart]
            if alike:
                found[one.key] = min(alike)
    return found


def _decided_for(intent: Link) -> TaskKey | None:
    side = Side.RIGHT if intent.made == f"created_{Side.LEFT}" else Side.LEFT
    rec = intent.rec(side)
    return None if rec is None else TaskKey(intent.mapping, side, rec)


def _holds(asked: IntentAsked, one: Open) -> bool:
    """Whether the record waits for this intent, which may be about it.

    A dead letter holds its own record; and, until a person has decided about it, the records equal in a match key and
    those that its create may have made. These are the ones it names, and every one made at about that time that no
    match key tells from it: no key is filled, or none of the mapping.
    """
    key, link, of = asked.key, one.link, _decided_for(one.link)
    if link.mapping != key.mapping or not _may_be_about(asked, one):
        return False
    if link.state is not LinkState.DOUBT or of == key:
        return True
    if of is not None and one.decided:
        return False
    if one.hashes & asked.hashes or key.rec in (link.payload or {}).get("among", ()):
        return True
    told_apart = asked.keys and of is not None and one.hashes != {_instead_of_keys(of)}
    return not told_apart and _made_at_that_time(link, asked.made_at)


def _may_be_about(asked: IntentAsked, one: Open) -> bool:
    """It holds the same match key for another record, may make this very record, or is this one's dead letter."""
    key, own = asked.key, one.link.rec(asked.key.side)
    if own == key.rec:
        return one.link.state is LinkState.DOUBT
    if one.hashes & asked.hashes:
        return True
    # Once the answer taught an id, the intent is about that record.
    return own is None and one.link.made == f"created_{key.side}" and one.link.seq < asked.first_seq


def _made_at_that_time(link: Link, made_at: float | None) -> bool:
    """Whether a record made then can be what the intent's create made; one that does not say when may be."""
    opened = (link.payload or {}).get("at")
    if made_at is None or opened is None:
        return True
    latest = opened if link.deadline is None else link.deadline
    return bool(opened - CLOCK_MARGIN_SECONDS <= made_at <= latest + CLOCK_MARGIN_SECONDS)
