"""Opening an intent: one transaction looks at open intents first and at links second.

In that order an intent that is settled between the two looks is met as a link, its own record's or one with the same
match key; the other way round it would be missed.
On PostgreSQL a lock per mapping keeps two of these transactions apart, on SQLite there is only one writer.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, and_, insert, or_, select

from bridge.domain.record import Side
from bridge.store import moves
from bridge.store.database import Database
from bridge.store.leases import require_fence
from bridge.store.link_writes import HOLDING, insert_link
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
from bridge.store.rows import has_key, link_from, task_tuple
from bridge.store.tables import IS_UNSETTLED, intent_keys, links, record_keys, tasks

DOUBT_SECONDS = 3600.0
"""A record held by a dead letter is looked at again after this long."""
CLOCK_MARGIN_SECONDS = 600.0
"""A vendor's clock is not further from ours than this."""
PAIRED = [state.value for state in moves.PAIRED]


@dataclass(frozen=True, slots=True)
class IntentAsked:
    claim: Claim
    new_side: Side
    keys: tuple[str, ...]
    payload: Json
    deadline: float
    look_at: float
    first_seq: int
    made_at: float | None
    unlike: frozenset[str] | None = None


def open_intent(database: Database, conn: Connection, asked: IntentAsked) -> IntentResult:
    key = asked.claim.key
    if key.side is not asked.new_side.other:
        raise ValueError(f"{key}: an intent creates on the side the claimed record is not on")
    database.lock_name(conn, f"bridge-intents-{key.mapping}")
    require_fence(conn, asked.claim)
    hashes = sorted(set(asked.keys)) or [_instead_of_keys(key)]
    in_the_way = _intent_in_the_way(conn, asked, hashes)
    if in_the_way is not None:
        if in_the_way.state is LinkState.DOUBT:
            return IntentWait(in_the_way.id, database.now() + DOUBT_SECONDS, _decided_for(in_the_way))
        return IntentWait(in_the_way.id, database.now() if in_the_way.look_at is None else in_the_way.look_at)
    linked = links_of(conn, [key]).get(key)
    if linked is not None:
        return AlreadyLinked(linked)
    alike = _linked_alike(conn, asked)
    if alike is not None:  # it was linked since the decision: that one is looked at first
        return IntentWait(alike, database.now())
    values = {"payload": asked.payload, "deadline": asked.deadline, "look_at": asked.look_at}
    opened = moves.intend(key.side, key.rec, values)
    number = insert_link(database, conn, {"mapping": key.mapping, **opened.values})
    conn.execute(insert(intent_keys), [{"mapping": key.mapping, "hash": one, "link": number} for one in hashes])
    return IntentOpened(number)


def _instead_of_keys(key: TaskKey) -> str:
    """What an intent holds that has no match key."""
    return f"{key.side.value}:{key.rec}"


def _linked_alike(conn: Connection, asked: IntentAsked) -> int | None:
    """A link of another record of the same side that shows one of the keys by the match index, but for `unlike`."""
    key = asked.claim.key
    if asked.unlike is None or not asked.keys:
        return None
    rec = links.c[key.side.value]
    pair = and_(links.c.mapping == record_keys.c.mapping, rec == record_keys.c.rec, links.c.state.in_(PAIRED))
    query = (
        select(links.c.id, rec)
        .join(record_keys, pair)
        .where(record_keys.c.mapping == key.mapping, record_keys.c.side == key.side.value)
        .where(record_keys.c.hash.in_(sorted(set(asked.keys))), record_keys.c.rec != key.rec)
        .order_by(links.c.id)
    )
    return next((link for link, other in conn.execute(query) if other not in asked.unlike), None)


def _decided_for(intent: Link) -> TaskKey | None:
    side = Side.RIGHT if intent.made == f"created_{Side.LEFT}" else Side.LEFT
    rec = intent.rec(side)
    return None if rec is None else TaskKey(intent.mapping, side, rec)


def _intent_in_the_way(conn: Connection, asked: IntentAsked, hashes: list[str]) -> Link | None:
    """The oldest open intent (or dead letter of one) that may be about this record."""
    key = asked.claim.key
    own = links.c[key.side.value]
    same_key = links.c.id.in_(
        select(intent_keys.c.link).where(intent_keys.c.mapping == key.mapping, intent_keys.c.hash.in_(hashes))
    )
    of_another = or_(own.is_(None), own != key.rec)
    towards_me = and_(
        links.c.made == f"created_{key.side.value}",
        own.is_(None),  # once the answer taught an id, the intent is about that record
        links.c.seq < asked.first_seq,
    )
    mine_in_doubt = and_(links.c.state == LinkState.DOUBT.value, own == key.rec)
    query = select(links).where(
        IS_UNSETTLED,
        links.c.mapping == key.mapping,
        links.c.state.in_(HOLDING),
        or_(and_(same_key, of_another), towards_me, mine_in_doubt),
    )
    rows = conn.execute(query.order_by(links.c.seq)).mappings()
    return next((link for link in map(link_from, rows) if _holds(conn, asked, hashes, link)), None)


def _holds(conn: Connection, asked: IntentAsked, hashes: list[str], link: Link) -> bool:
    """Whether the record of the claim waits for this intent.

    A dead letter holds its own record; and, until a person has decided about it, the records equal in a match key and
    those that its create may have made. These are the ones it names, and every one made at about that time that no
    match key tells from it: no key is filled, or none of the mapping.
    """
    key, of = asked.claim.key, _decided_for(link)
    if link.state is not LinkState.DOUBT or of == key:
        return True
    if of is not None and _is_decided(conn, of):
        return False
    kept = set(conn.scalars(select(intent_keys.c.hash).where(intent_keys.c.link == link.id)))
    if kept & set(hashes) or key.rec in (link.payload or {}).get("among", ()):
        return True
    told_apart = asked.keys and of is not None and kept != {_instead_of_keys(of)}
    return not told_apart and _made_at_that_time(link, asked.made_at)


def _is_decided(conn: Connection, of: TaskKey) -> bool:
    """Whether a person discarded the dead letter: nothing is done any more about the record it is about."""
    state = conn.scalar(select(tasks.c.state).where(has_key(tasks, [task_tuple(of)])))
    return state == TaskState.IDLE.value


def _made_at_that_time(link: Link, made_at: float | None) -> bool:
    """Whether a record made then can be what the intent's create made; one that does not say when may be."""
    opened = (link.payload or {}).get("at")
    if made_at is None or opened is None:
        return True
    latest = opened if link.deadline is None else link.deadline
    return bool(opened - CLOCK_MARGIN_SECONDS <= made_at <= latest + CLOCK_MARGIN_SECONDS)
