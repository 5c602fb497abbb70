"""Links (which two records belong together) and create intents: how they are found, written and opened."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    and_,
    bindparam,
    delete,
    insert,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.exc import IntegrityError

from bridge.domain.errors import BridgeError, LeaseLost
from bridge.domain.frozen import replace
from bridge.domain.record import SIDES, RecordRef, Side
from bridge.store import moves
from bridge.store.database import Batcher, Database
from bridge.store.mappings import Counted, count_deletions
from bridge.store.model import (
    NEVER,
    AlreadyLinked,
    Claim,
    IntentOpened,
    IntentResult,
    IntentWait,
    Json,
    LeasedMeanwhile,
    Link,
    LinkState,
    Move,
    ReportedMeanwhile,
    TaskKey,
    TaskState,
    Unless,
)
from bridge.store.moves import Kind
from bridge.store.records import known_records, records_with_keys
from bridge.store.statements import (
    IN_USE,
    LINK_COLUMNS,
    Prepared,
    among,
    chunks,
    keyed,
    link_from,
    listed,
    task_key,
    task_tuple,
)
from bridge.store.tables import IS_UNSETTLED, intent_keys, link_refs, links, tasks
from bridge.store.tasks import fences_and_reports, fences_held, leased_now

CHAIN_LIMIT = 20


BY_ID = Prepared(select(links).where(listed(links.c.id, "ids")))
OF_SIDE = {
    side: select(links).where(
        among((links.c.mapping, links.c[side.value]), f"{side.value}_keys"),
        or_(*(links.c.state == state for state in (*IN_USE, LinkState.ALIAS.value))),
    )
    for side in SIDES
}
OF_BOTH = Prepared(union_all(*OF_SIDE.values()))
OF_ONE = {side: Prepared(query) for side, query in OF_SIDE.items()}


def links_by_id(conn: Connection, ids: Iterable[int]) -> dict[int, Link]:
    found: dict[int, Link] = {}
    for some in chunks(sorted(set(ids))):
        for row in BY_ID.mappings(conn, {"ids": some}):
            found[row["id"]] = link_from(row)
    return found


def links_of(conn: Connection, records: Iterable[TaskKey]) -> dict[TaskKey, Link]:
    """The intended, live or frozen link of each record; of a record that was merged away, the survivor's."""
    found: dict[TaskKey, Link] = {}
    aliases: dict[TaskKey, Link] = {}
    for some in chunks(sorted({(key.mapping, key.side.value, key.record_id) for key in records})):
        wanted = set(some)
        for link in sorted(_naming(conn, some), key=lambda link: link.id):
            for side in SIDES:
                record_id = link.record_id(side)
                if record_id is not None and (link.mapping, side.value, record_id) in wanted:
                    kind = aliases if link.state is LinkState.ALIAS else found
                    kind[TaskKey(link.mapping, side, record_id)] = link
    followed = _survivors(conn, {key: link for key, link in aliases.items() if key not in found})
    return found | followed


def linked_meanwhile(conn: Connection, named: Iterable[TaskKey]) -> set[TaskKey]:
    """Return those of these records that are linked by now."""
    return {key for key, link in links_of(conn, named).items() if link.state is not LinkState.INTENDED}


def _naming(conn: Connection, records: Iterable[tuple[str, str, str]]) -> list[Link]:
    """Return the links that name one of these records, with one statement."""
    keys: dict[Side, list[tuple[str, str]]] = {}
    for mapping, side, record_id in records:
        keys.setdefault(Side(side), []).append((mapping, record_id))
    parameters = {f"{side.value}_keys": some for side, some in keys.items()}
    query = OF_BOTH if len(keys) > 1 else OF_ONE[next(iter(keys))]
    return [link_from(row) for row in query.mappings(conn, parameters)]


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


# ---- Writing link rows ----


HOLDING = (LinkState.INTENDED.value, LinkState.UNKNOWN.value)
DEFAULTS: Mapping[str, Any] = {"base": {}, "made": "matched", "writes": 0, "window_at": 0.0}


LOCK_LINKS = Prepared(select(links).where(listed(links.c.id, "ids")).order_by(links.c.id).with_for_update())
FORGET_REFS = Prepared(delete(link_refs).where(link_refs.c.link == bindparam("of")))
INSERT = Prepared(insert(links))
INSERT_KEYS = Prepared(insert(intent_keys))
FORGET_INTENTS = Prepared(delete(intent_keys).where(listed(intent_keys.c.link, "ids")))


@cache
def changing(names: frozenset[str]) -> Prepared:
    """Sets these columns of one link: parameters `of`, the link's id, and `new_<name>`."""
    return Prepared(
        update(links)
        .where(links.c.id == bindparam("of"))
        .values({name: bindparam(f"new_{name}", type_=links.c[name].type) for name in sorted(names)})
    )


def change_links(conn: Connection, values: Mapping[int, Mapping[str, Any]]) -> None:
    """Set columns of links, by id and name. Links that change the same columns share a statement."""
    alike: defaultdict[frozenset[str], list[dict[str, Any]]] = defaultdict(list)
    for link, new in sorted(values.items()):
        alike[frozenset(new)].append({"of": link, **{f"new_{name}": value for name, value in new.items()}})
    for names, rows in alike.items():
        if names:
            changing(names).run_many(conn, rows)


def lock_links(conn: Connection, ids: Iterable[int]) -> dict[int, Link]:
    """Lock link rows by id, and return them as they are now."""
    found: dict[int, Link] = {}
    for some in chunks(sorted(set(ids))):
        found.update({row["id"]: link_from(row) for row in LOCK_LINKS.mappings(conn, {"ids": some})})
    return found


def column_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a move's values in stored form. Raises ValueError for an unknown column, a fault of the caller."""
    unknown = set(values) - LINK_COLUMNS
    if unknown:
        raise ValueError(f"links have no column {', '.join(sorted(unknown))}")
    plain = dict(values)
    if "state" in plain:
        plain["state"] = LinkState(plain["state"]).value
    return plain


def insert_link(database: Database, conn: Connection, values: Mapping[str, Any]) -> int:
    """Insert a row and return its id: the next number of the store-wide counter, which is also its `seq` by default."""
    (number,) = database.next_seqs(conn, 1)
    conn.execute(insert(links).values({**DEFAULTS, "seq": number, **column_values(values), "id": number}))
    return number


def write_links(
    database: Database, conn: Connection, moves: Mapping[str, Sequence[Move]], before: Mapping[int, Link]
) -> set[TaskKey]:
    """Apply moves by mapping, those that free a record first. Return the keys of records that became linked or free.

    Moves that change neither the state nor the records of a link free or link no record. before: the links that are
    moved, as they were when they were locked.
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
    record_ids: list[tuple[Side, str | None]] = [(side, move.values.get(side.value)) for side in SIDES]
    if link is not None:
        record_ids += [(side, link.record_id(side)) for side in SIDES]
    return {TaskKey(mapping, side, record_id) for side, record_id in record_ids if record_id is not None}


RELINKING = frozenset({"state", *(side.value for side in SIDES)})
"""Columns of a link whose change links a record or frees it."""


def _joined(moves: Sequence[Move]) -> list[Move]:
    """Return one move for each link. Of several moves, later values win; a deleted link is not written any more."""
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
    """Keep a person's choice about a conflict that was stored while the claim ran, if the values are still the same."""
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
    """Apply moves of existing links. The records that a move links must be free."""
    dropped = sorted(move.id for move in moves if move.id is not None and move.kind == Kind.DROP)
    values = {move.id: column_values(move.values) for move in moves if move.id is not None and move.id not in dropped}
    settled = [link for link, new in values.items() if "state" in new and new["state"] not in HOLDING]
    if dropped:
        conn.execute(delete(links).where(links.c.id.in_(dropped)))
        conn.execute(delete(link_refs).where(or_(link_refs.c.link.in_(dropped), link_refs.c.target.in_(dropped))))
    change_links(conn, values)
    if dropped or settled:
        FORGET_INTENTS.run(conn, {"ids": [*dropped, *settled]})
    for move in moves:
        if move.id is not None and move.id not in dropped:
            _write_refs(conn, move.id, move.refs)


def _write_refs(conn: Connection, link: int, refs: Sequence[tuple[str, int]] | None) -> None:
    if refs is None:
        return
    FORGET_REFS.run(conn, {"of": link})
    rows = [{"target": target, "link": link, "field": field} for field, target in sorted(set(refs))]
    if rows:
        conn.execute(insert(link_refs), rows)


def store_created_id(database: Database, conn: Connection, link_id: int, side: Side, record_id: str) -> bool:
    """Store the id that a create's answer showed, even without the lease: in the open intent, else as a duplicate.

    Returns whether the intent has the id now. An id that is stored already is not stored again.
    """
    link = (lock_links(conn, [link_id])).get(link_id)
    if link is None:
        return False
    if link.record_id(side) == record_id:
        return link.state is LinkState.INTENDED
    if link.state is LinkState.INTENDED and link.record_id(side) is None:
        try:
            with conn.begin_nested():
                conn.execute(update(links).where(links.c.id == link_id).values({side.value: record_id}))
        except IntegrityError:
            pass  # another link names the record already: a duplicate
        else:
            return True
    column = links.c[side.value]
    same = and_(links.c.mapping == link.mapping, links.c.alias_of == link_id, column == record_id)
    if (conn.execute(select(links.c.id).where(same))).first() is None:
        duplicate = {side.value: record_id, "mapping": link.mapping, "state": LinkState.DUPLICATE, "made": link.made}
        insert_link(database, conn, {**duplicate, "alias_of": link_id})
    return False


# ---- Opening intents ----


UNKNOWN_OUTCOME_SECONDS = 3600.0
"""A record that waits for a dead letter is processed again after this long."""
CLOCK_MARGIN_SECONDS = 600.0
"""A vendor's clock differs from ours by at most this."""


class IntentRequest(NamedTuple):
    """A create on `new_side` for the claimed record.

    `keys`: hashes of its non-empty match keys; `first_seq`: when the record was first known; `made_at`: when it was
    created, as its system says. `unlike`: a linked record of its side that the match index has under one of the keys
    prevents the create, unless it is one of these; None: none prevents it.
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
        """The hashes that the intent holds: those of its keys, or one for the record itself."""
        return self.keys or frozenset({_instead_of_keys(self.key)})


def open_intents(database: Database, conn: Connection, batch: Sequence[IntentRequest]) -> list[IntentResult | None]:
    """Decide about these creates, one after the other. None for a claim that lost its fence."""
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
        elif asked.key in alike:  # it was linked since the decision: its new pair is processed first
            results.append(IntentWait(alike[asked.key], database.now()))
        else:
            opened.append(Open(_intended(asked, number), asked.hashes))
            results.append(IntentOpened(number))
    _insert(conn, opened)
    return results


class Open(NamedTuple):
    """An open intent, or one that became a dead letter. `decided`: a person discarded the dead letter."""

    link: Link
    hashes: frozenset[str]
    decided: bool = False


OPEN = Prepared(
    select(links)
    .where(IS_UNSETTLED, listed(links.c.mapping, "names"), or_(*(links.c.state == state for state in HOLDING)))
    .order_by(links.c.seq)
)
KEYS = Prepared(select(intent_keys.c.link, intent_keys.c.hash).where(listed(intent_keys.c.link, "ids")))
STATES = Prepared(select(*tasks.primary_key.columns, tasks.c.state).where(keyed(tasks)))


def _open(conn: Connection, names: Sequence[str]) -> list[Open]:
    """Return all open intents of these mappings, and those that became dead letters, oldest first."""
    found = [link_from(row) for row in OPEN.mappings(conn, {"names": names})]
    hashes: defaultdict[int, set[str]] = defaultdict(set)
    for some in chunks([link.id for link in found]):
        for link, key in KEYS.rows(conn, {"ids": some}):
            hashes[link].add(key)
    letters = {of for link in found if link.state is LinkState.UNKNOWN and (of := _decided_for(link)) is not None}
    decided: set[TaskKey] = set()
    for some in chunks(sorted(map(task_tuple, letters))):
        rows = STATES.mappings(conn, {"keys": some})  # an idle one was discarded
        decided.update(task_key(row) for row in rows if row["state"] == TaskState.IDLE.value)
    return [Open(link, frozenset(hashes[link.id]), _decided_for(link) in decided) for link in found]


def _wait_for(intent: Link, now: float) -> IntentWait:
    if intent.state is LinkState.UNKNOWN:
        return IntentWait(intent.id, now + UNKNOWN_OUTCOME_SECONDS, _decided_for(intent))
    return IntentWait(intent.id, now if intent.look_at is None else intent.look_at)


def _intended(asked: IntentRequest, number: int) -> Link:
    values = {"payload": asked.payload, "deadline": asked.deadline, "look_at": asked.look_at}
    record_ids: dict[str, Any] = {asked.new_side.value: None}
    move = moves.intend(asked.key.side, asked.key.record_id, values)
    return Link(id=number, mapping=asked.key.mapping, seq=number, **{**record_ids, **move.values})


def _insert(conn: Connection, opened: Sequence[Open]) -> None:
    if not opened:
        return
    columns = ("id", "mapping", "seq", "left", "right", "state", "made", "payload", "deadline", "look_at")
    rows = [
        {**DEFAULTS, **column_values({name: getattr(one.link, name) for name in columns[1:]}), "id": one.link.id}
        for one in opened
    ]
    INSERT.run_many(conn, rows)
    kept = [(one.link.mapping, key, one.link.id) for one in opened for key in one.hashes]
    INSERT_KEYS.run_many(conn, [dict(zip(("mapping", "hash", "link"), one, strict=True)) for one in sorted(kept)])


def _instead_of_keys(key: TaskKey) -> str:
    """Return what an intent without a match key holds."""
    return f"{key.side.value}:{key.record_id}"


def _linked_alike(conn: Connection, batch: Sequence[IntentRequest]) -> dict[TaskKey, int]:
    """By record a link of another record of its side that has one of the keys in the match index, except `unlike`."""
    found: dict[TaskKey, int] = {}
    asking = [one for one in batch if one.unlike is not None]
    keys: defaultdict[tuple[str, Side], set[str]] = defaultdict(set)
    for one in asking:
        keys[one.key.mapping, one.key.side] |= one.keys
    sharing = {of: records_with_keys(conn, *of, hashes) for of, hashes in keys.items()}
    alike: dict[TaskKey, set[TaskKey]] = {}
    for one in asking:
        of = (one.key.mapping, one.key.side)
        record_ids = {record_id for key in one.keys for record_id in sharing[of].get(key, ())}
        apart = {one.key.record_id, *(one.unlike or ())}
        alike[one.key] = {TaskKey(*of, record_id) for record_id in record_ids - apart}
    linked = links_of(conn, {other for others in alike.values() for other in others})
    paired = {other: link for other, link in linked.items() if _is_pair_of(link, other)}
    for key, others in alike.items():
        if others & paired.keys():
            found[key] = min(paired[other].id for other in others & paired.keys())
    return found


def _is_pair_of(link: Link, key: TaskKey) -> bool:
    """Whether this link is the record's own pair. A record that was merged away has none."""
    return link.state in moves.PAIRED and link.record_id(key.side) == key.record_id


def _decided_for(intent: Link) -> TaskKey | None:
    side = Side.RIGHT if intent.made == f"created_{Side.LEFT}" else Side.LEFT
    record_id = intent.record_id(side)
    return None if record_id is None else TaskKey(intent.mapping, side, record_id)


def _holds(asked: IntentRequest, one: Open) -> bool:
    """Whether the record must wait for this intent, which may be about the same thing.

    A dead letter holds its own record. Until a person has decided about it, it also holds records with the same match
    key and those that its create may have made: the ones it names, and every one that was created at about that time
    and that no match key tells apart from it, because the mapping has no key or none is filled.
    """
    key, link, of = asked.key, one.link, _decided_for(one.link)
    if link.mapping != key.mapping or not _may_be_about(asked, one):
        return False
    if link.state is not LinkState.UNKNOWN or of == key:
        return True
    if of is not None and one.decided:
        return False
    if one.hashes & asked.hashes or key.record_id in (link.payload or {}).get("among", ()):
        return True
    told_apart = asked.keys and of is not None and one.hashes != {_instead_of_keys(of)}
    return not told_apart and _made_at_that_time(link, asked.made_at)


def _may_be_about(asked: IntentRequest, one: Open) -> bool:
    """Whether it holds the same match key for another record, may create this record, or is its dead letter."""
    key, own = asked.key, one.link.record_id(asked.key.side)
    if own == key.record_id:
        return one.link.state is LinkState.UNKNOWN
    if one.hashes & asked.hashes:
        return True
    # Once an intent has an id, it is about that record only.
    return own is None and one.link.made == f"created_{key.side}" and one.link.seq < asked.first_seq


def _made_at_that_time(link: Link, made_at: float | None) -> bool:
    """Whether the intent's create can have made a record created then. If either time is unknown, it can."""
    opened = (link.payload or {}).get("at")
    if made_at is None or opened is None:
        return True
    latest = opened if link.deadline is None else link.deadline
    return bool(opened - CLOCK_MARGIN_SECONDS <= made_at <= latest + CLOCK_MARGIN_SECONDS)


# ---- Links and intents for the rest of the bridge ----


BATCH = 64
QUEUE = 10_000


class Others(NamedTuple):
    """What is known of records that writes concern: whether a worker holds them, and when the bridge last wrote them.

    `written` contains no record that one of these writes is about.
    """

    leased: Set[RecordRef]
    written: Mapping[RecordRef, float]


class Pending(NamedTuple):
    """A write about to be sent to one side of a link."""

    claim: Claim
    link: int
    side: Side
    values: Json
    until: float
    unless: Unless = NEVER

    @property
    def columns(self) -> dict[str, Any]:
        return {f"sent_{self.side.value}": self.values, "sent_until": self.until}

    def hindrance(self, held: Set[int], told: Mapping[RecordRef, float], others: Others) -> BridgeError | None:
        """Return why it may not be sent: its fence is lost, or a record that it concerns may have changed meanwhile."""
        key = self.claim.key
        if self.claim.fence not in held:
            return LeaseLost(f"{key.mapping} {key.record_id}: another worker has taken the record over")
        for ref, since in self.unless.reported.items():
            if (at := told.get(ref, since)) > since:
                return ReportedMeanwhile(ref, at)
            if (at := others.written.get(ref, since)) > since:
                return ReportedMeanwhile(ref, at, ours=True)
        busy = (self.unless.leased & others.leased) - set(self.claim.leased)
        return LeasedMeanwhile(min(busy)) if busy else None


def _hindrances(conn: Connection, batch: Sequence[Pending], now: float) -> list[BridgeError | None]:
    """Return for each write what prevents it, or None. Its leases stay locked until the transaction ends."""
    held, told = fences_and_reports(conn, [one.claim for one in batch])
    leased = leased_now(conn, {ref for one in batch for ref in one.unless.leased}, now)
    own = {ref for one in batch for ref in one.claim.leased}
    # Read after the leases: a claim stores that it wrote when it gives back its lease.
    known = known_records(conn, {ref for one in batch for ref in one.unless.reported} - own)
    told |= {ref: record.told_at for ref, record in known.items() if record.told_at is not None}
    written = {ref: record.own_write_at for ref, record in known.items() if record.own_write_at is not None}
    return [one.hindrance(held, told, Others(leased, written)) for one in batch]


class Links:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._sending: Batcher[Pending, BridgeError | None] = Batcher(self._send, BATCH, QUEUE, database.seams.clock)
        self._opening: Batcher[IntentRequest, IntentResult | None] = Batcher(
            self._open, BATCH, QUEUE, database.seams.clock
        )

    async def close(self) -> None:
        await self._sending.close()
        await self._opening.close()

    async def of(self, mapping: str, side: Side, record_id: str) -> Link | None:
        """The intended, live or frozen link of a record, aliases followed."""
        return (await self.resolve(mapping, side, [record_id])).get(record_id)

    async def many(self, ids: Iterable[int]) -> dict[int, Link]:
        return await self._database.read(lambda conn: links_by_id(conn, ids))

    async def resolve(self, mapping: str, side: Side, record_ids: Iterable[str]) -> dict[str, Link]:
        """`of` for many records; those without a link are left out."""
        keys = [TaskKey(mapping, side, record_id) for record_id in record_ids]
        found = await self._database.read(lambda conn: links_of(conn, keys))
        return {key.record_id: link for key, link in found.items()}

    async def open_intent(self, asked: IntentRequest) -> IntentResult:
        """Open an intent, unless another intent or a link prevents it. Raises LeaseLost."""
        result = await self._opening.submit(asked)
        if result is None:
            raise LeaseLost(f"{asked.key.mapping} {asked.key.record_id}: another worker has taken the record over")
        return result

    async def _open(self, batch: Sequence[IntentRequest]) -> list[IntentResult | None]:
        return await self._database.write("open_intent", lambda conn: open_intents(self._database, conn, batch))

    async def set_pending(
        self,
        claim: Claim,
        link_id: int,
        side: Side,
        values: Json,
        until: float,
        unless: Unless = NEVER,
        deletion: str | None = None,
        deletion_limit: int | None = None,
        deletion_window: float = 3600.0,
        deletion_count: int = 1,
    ) -> None:
        """Commit the pending write to `side`, under the fence. `until`: its deadline.

        unless: raises ReportedMeanwhile if a callback without a version reported one of these records after its moment,
        or the bridge wrote one that the claim does not hold; raises LeasedMeanwhile if another worker holds one.
        deletion: what is removed ("delete", "archive", "blank"), counted `deletion_count` times in the same
        transaction. Above `deletion_limit` in `deletion_window` seconds it raises ThresholdReached and writes nothing
        (an approval lifts the limit). A repeated write that is still unconfirmed is not counted. Raises LeaseLost.
        """
        pending = Pending(claim, link_id, side, values, until, unless)
        if deletion is None:
            if (hindrance := await self._sending.submit(pending)) is not None:
                raise hindrance
            return

        def work(conn: Connection) -> None:
            # The lock has the name of the first versions, because two versions on one store must exclude each other.
            self._database.lock_name(conn, f"bridge-brake-{claim.key.mapping}")
            if (hindrance := _hindrances(conn, [pending], self._database.now())[0]) is not None:
                raise hindrance
            again = any(link.sent(side) is not None for link in lock_links(conn, [link_id]).values())
            change_links(conn, {link_id: pending.columns})
            if not again:
                hit = Counted(claim.key.mapping, deletion, link_id, deletion_count, deletion_limit, deletion_window)
                count_deletions(conn, hit, self._database.now())

        await self._database.write("sent", work)

    async def _send(self, batch: Sequence[Pending]) -> list[BridgeError | None]:
        """Commit writes that begin together in one transaction. Return for each what prevents it, or None."""

        def work(conn: Connection) -> list[BridgeError | None]:
            hindrances = _hindrances(conn, batch, self._database.now())
            sent = [one for one, hindrance in zip(batch, hindrances, strict=True) if hindrance is None]
            change_links(conn, {one.link: one.columns for one in sent})
            return hindrances

        return await self._database.write("sent", work)

    async def unsettled(self, mapping: str | None = None) -> list[Link]:
        """Open intents, those with an unknown outcome, and links with an unconfirmed write, by id."""
        query = select(links).where(IS_UNSETTLED)
        if mapping is not None:
            query = query.where(links.c.mapping == mapping)

        def work(conn: Connection) -> list[Link]:
            return [link_from(row) for row in (conn.execute(query.order_by(links.c.id))).mappings()]

        return await self._database.read(work)
