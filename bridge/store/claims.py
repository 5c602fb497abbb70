"""Claiming: due tasks by lane, each leased with its record and counterpart, or not at all.

`Tasks`, at the end, is the whole life of a task as the rest of the bridge sees it.
"""

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    bindparam,
    delete,
    literal,
    or_,
    select,
    tuple_,
    union_all,
    update,
)

from bridge.domain.event import Lane
from bridge.domain.frozen import replace
from bridge.domain.record import SIDES, RecordRef
from bridge.store.database import Database, Wake
from bridge.store.finish import Finishing
from bridge.store.links import links_of
from bridge.store.model import Claim, Link, LinkState, Mode, Pair, Scope, Task, TaskKey, TaskState
from bridge.store.records import known_records
from bridge.store.standing import Standing
from bridge.store.statements import Prepared, Row, chunks, has_key, keyed, listed, task_from, task_key, task_tuple
from bridge.store.tables import Real, leases, links, mappings, tasks
from bridge.store.tasks import Mark, fences_held, free_for, giving_back, lock_tasks, mark_due, require_fence, take

TURNS = 16
LOWER_FIRST = {7: Lane.RECONCILE, 15: Lane.BACKFILL}
"""Which of sixteen claims take from a lower lane first."""

RESTORED = (
    *("gen", "state", "lane", "due", "first_due", "reason", "code", "outcome", "source_at", "kinds", "kinds_taken"),
    *("attempts", "stale_since", "gone_since", "retried", "wait_mapping", "wait_side", "wait_rec"),
)
"""Columns of a task that `claim_one` may have changed."""

PAGES = 20
SHORTEST_PAGE = 8
NOTHING_AT_WORK: Mapping[Pair, int] = {}


@dataclass(slots=True)
class Pick:
    """A task that is being claimed, with what must be leased for it."""

    scope: Scope
    tasks: list[Task]
    link: Link | None
    refs: tuple[RecordRef, ...]
    paused: bool
    fence: int = 0


class Taken(Exception):
    """A task cannot be claimed now; its transaction is rolled back."""


class Claims:
    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake
        self._turns: Counter[Pair] = Counter()

    async def claim(
        self,
        limit: int,
        scopes: Mapping[str, Scope],
        ttl: float,
        blocked_systems: frozenset[str] = frozenset(),
        at_work: Mapping[Pair, int] = NOTHING_AT_WORK,
        lower_room: Mapping[Pair, int] | None = None,
    ) -> list[Claim]:
        """Due tasks, leased for `ttl` seconds: for each pair of systems up to `limit`, less what is `at_work` for it.

        lower_room: how many of them may be of lower lanes than live; None: all. See Claim.
        """
        room = {scope.pair: limit - at_work.get(scope.pair, 0) for scope in scopes.values()}

        def work(conn: Connection) -> list[Claim]:
            return Picking(self._database, conn, scopes, blocked_systems, self._turns, room, lower_room).claim(ttl)

        if not scopes or limit <= 0:
            return []
        claimed = await self._database.write("claim", work)
        self._turns.update(claim.scope.pair for claim in claimed)
        return claimed

    async def claim_one(
        self, key: TaskKey, kinds: int, scopes: Mapping[str, Scope], ttl: float
    ) -> tuple[Claim, Row | None] | None:
        """Make this task due and lease it at once. Return the claim and the former row (None: there was none).

        kinds: bits of the event kinds that made it due elsewhere. Returns None, with nothing changed, if a claim holds
        it or its counterpart, or the mapping is paused or runs with another definition.
        """

        def work(conn: Connection) -> tuple[Claim, Row | None]:
            before = lock_tasks(conn, [key]).get(key)
            (seq,) = self._database.next_seqs(conn, 1)
            mark_due(self._database, conn, [Mark(key, Lane.LIVE, self._database.now(), seq, kinds=kinds)])
            room = {scopes[key.mapping].pair: 1}
            claims = Picking(self._database, conn, scopes, frozenset(), self._turns, room).claim_one(key, ttl)
            if not claims:
                raise Taken
            return claims[0], None if before is None else dict(before)

        try:
            return await self._database.write("claim_one", work)
        except Taken:
            return None

    async def put_back(self, claim: Claim, before: Row | None) -> None:
        """Give back a claim of `claim_one` as if it had never been made. What became due meanwhile stays due."""

        def work(conn: Connection) -> None:
            keys = [task.key for task in claim.tasks]
            rows = lock_tasks(conn, keys)
            if claim.fence not in fences_held(conn, [claim]):
                return
            for task in claim.tasks:
                same = update(tasks).where(has_key(tasks, [task_tuple(task.key)]))
                conn.execute(same.values(taken=0, attempts=max(0, task.attempts - 1)))
                if task.key == claim.key and rows[task.key]["gen"] == task.generation:
                    if before is None:
                        conn.execute(delete(tasks).where(has_key(tasks, [task_tuple(task.key)])))
                    else:
                        conn.execute(same.values(**{name: before[name] for name in RESTORED}))
            conn.execute(giving_back([claim.fence]))
            self._database.notify(conn)

        await self._database.write("put_back", work)
        self._wake.set()

    async def renew(self, claim: Claim, ttl: float) -> Claim:
        """Make the lease last `ttl` seconds from now. Raises LeaseLost."""
        expires = self._database.now() + ttl

        def work(conn: Connection) -> None:
            require_fence(conn, claim)
            conn.execute(update(leases).where(leases.c.fence == claim.fence).values(expires=expires))

        await self._database.write("renew", work)
        return replace(claim, expires=expires)

    async def lease(self, claim: Claim, refs: Sequence[RecordRef]) -> Claim | None:
        """Lease further records under the same fence. None, and nothing is leased, if one is held. Raises LeaseLost."""
        further = sorted(set(refs) - set(claim.leased))

        def work(conn: Connection) -> bool:
            require_fence(conn, claim)
            now = self._database.now()
            got = take(self._database, conn, [(ref, claim.fence) for ref in further], now, claim.expires)
            if len(got) == len(further):
                return True
            for ref, _ in got:
                conn.execute(giving_back([claim.fence]).where(has_key(leases, [(ref.system, ref.entity, ref.id)])))
            return False

        if further and not await self._database.write("lease", work):
            return None
        return replace(claim, leased=(*claim.leased, *further))

    async def release(self, claim: Claim, due: float, reason: str) -> None:
        """Give a claim back: nothing is stored, and no attempt counts. A claim that lost its lease is left alone."""

        def work(conn: Connection) -> None:
            keys = sorted(task_tuple(task.key) for task in claim.tasks)
            conn.execute(
                select(tasks.c.gen).where(has_key(tasks, keys)).order_by(*tasks.primary_key.columns).with_for_update()
            )
            if claim.fence not in fences_held(conn, [claim]):
                return
            for task in claim.tasks:
                same = update(tasks).where(has_key(tasks, [task_tuple(task.key)]))
                attempts = 0 if task.state is TaskState.DEAD else max(0, task.attempts - 1)
                back: dict[str, Any] = {"taken": 0, "attempts": attempts}
                conn.execute(same.values(**back))
                unmoved = same.where(tasks.c.gen == task.generation)
                conn.execute(unmoved.values(due=due, reason=reason, state=TaskState.DUE.value))
            conn.execute(giving_back([claim.fence]))
            self._database.notify(conn)

        await self._database.write("release", work)
        self._wake.set()


class Picking:
    """One claiming transaction."""

    def __init__(
        self,
        database: Database,
        conn: Connection,
        scopes: Mapping[str, Scope],
        blocked: frozenset[str],
        turns: Mapping[Pair, int],
        room: Mapping[Pair, int],
        lower_room: Mapping[Pair, int] | None = None,
    ) -> None:
        self._database = database
        self._conn = conn
        self._scopes = scopes
        self._blocked = blocked
        self._turns = turns
        self._room = dict(room)
        self._lower_room = dict(room if lower_room is None else lower_room)
        self._now = database.now()
        self._busy: set[RecordRef] = set()
        self._seen: set[TaskKey] = set()

    def claim(self, ttl: float) -> list[Claim]:
        usable, paused = self._mappings()
        limit = sum(self._room[pair] for pair in {self._scopes[name].pair for name in (*usable, *paused)})
        self._note_busy()
        picks = self._recoveries(paused, limit)
        for pair in dict.fromkeys(self._scopes[name].pair for name in usable):
            picks += self._of_pair(pair, [name for name in usable if self._scopes[name].pair == pair])
        return self._lease(picks, ttl)

    def claim_one(self, key: TaskKey, ttl: float) -> list[Claim]:
        """Claim only this task, which is due."""
        usable, _ = self._mappings()
        self._note_busy()
        rows = self._lock_open([task_tuple(key)]) if key.mapping in usable else []
        return self._lease(self._pick(rows, paused=False), ttl)

    def _note_busy(self) -> None:
        leased = LEASES.mappings(self._conn)
        holder = self._database.seams.instance
        self._busy = {
            RecordRef(row["system"], row["entity"], row["rec"])
            for row in leased
            if not free_for(row, holder, self._now)
        }

    def _of_pair(self, pair: Pair, names: Sequence[str]) -> list[Pick]:
        """As many due tasks of these mappings as their pair of systems has room for."""
        room = self._room[pair]
        lanes = Queues(self._conn, names, self._now, max(SHORTEST_PAGE, room + len(self._busy)))
        slots = deque((self._turns.get(pair, 0) + slot) % TURNS for slot in range(room))
        picks: list[Pick] = []
        while slots:
            lower = sum(pick.tasks[0].lane is not Lane.LIVE for pick in picks)
            rows = self._next_rows(lanes, slots, self._lower_room.get(pair, room) - lower)
            if not rows:
                break
            fresh = self._pick([row for row, _ in rows], paused=False)
            picks += fresh
            keys = {pick.tasks[0].key for pick in fresh}
            slots.extendleft(slot for row, slot in reversed(rows) if task_key(row) not in keys)
        return picks

    def _mappings(self) -> tuple[list[str], list[str]]:
        """The running and the paused mappings whose stored definition is ours and whose systems are up."""
        rows = NAMED.mappings(self._conn, {"names": sorted(self._scopes)})
        usable: list[str] = []
        paused: list[str] = []
        for row in rows:
            scope = self._scopes[row["name"]]
            same = row["fingerprint"] == scope.fingerprint and row["mode"] == Mode(scope.mode).value
            if same and not self._blocked & {scope.left.system, scope.right.system}:
                (paused if row["paused"] else usable).append(row["name"])
        return self._with_room(sorted(usable)), self._with_room(sorted(paused))

    def _with_room(self, names: Sequence[str]) -> list[str]:
        """Those whose pair of systems may have more claims."""
        return [name for name in names if self._room[self._scopes[name].pair] > 0]

    def _next_rows(self, lanes: "Queues", slots: deque[int], lower: int) -> list[tuple[Row, int]]:
        """Return a row for every slot, from the lane whose turn it is, otherwise from the next one that has a row.

        At most `lower` of them are from lower lanes than live.
        """
        rows: list[tuple[Row, int]] = []
        while slots:
            for lane in _lane_order(slots[0]):
                if lane is not Lane.LIVE and sum(row["lane"] != Lane.LIVE.value for row, _ in rows) >= lower:
                    continue
                row = self._next_free(lanes, lane)
                if row is not None:
                    rows.append((row, slots.popleft()))
                    break
            else:
                break
        return rows

    def _next_free(self, lanes: "Queues", lane: Lane) -> Row | None:
        """Return the lane's next task whose record no worker holds: a task stays due while its claim runs."""
        while (row := lanes.next(lane)) is not None:
            key = task_key(row)
            if self._scopes[key.mapping].endpoint(key.side).ref(key.record_id) not in self._busy:
                return row
        return None

    def _recoveries(self, paused: Sequence[str], limit: int) -> list[Pick]:
        """Due tasks of paused mappings whose record has an open intent or an unconfirmed write."""
        if not paused:
            return []
        unsettled = and_(
            links.c.mapping.in_(paused),
            or_(
                links.c.state.in_((LinkState.INTENDED.value, LinkState.UNKNOWN.value)), links.c.sent_until.is_not(None)
            ),
        )
        sides = [
            and_(links.c.mapping == tasks.c.mapping, tasks.c.side == side.value, links.c[side.value] == tasks.c.rec)
            for side in SIDES
        ]
        record_ids = select(tasks.c.mapping, tasks.c.side, tasks.c.rec).join(links, or_(*sides))
        record_ids = record_ids.where(unsettled, links.c.state != LinkState.UNKNOWN.value, tasks.c.due <= self._now)
        keys = sorted({tuple(row) for row in self._conn.execute(record_ids.limit(limit * 2))})
        return self._pick(self._lock_open(keys), paused=True) if keys else []

    def _lock_open(self, keys: Sequence[Any]) -> list[Row]:
        """Lock those that are due, and dead letters: one ends when its pair is put in sync from the other side."""
        rows: list[Row] = []
        for some in chunks(keys):
            rows += OPEN.mappings(self._conn, {"keys": some, "now": self._now})
        return rows

    def _pick(self, rows: Sequence[Row], *, paused: bool) -> list[Pick]:
        """Turn task rows into picks, leaving out those whose record or counterpart is leased."""
        found = links_of(self._conn, [task_key(row) for row in rows])
        candidates: list[tuple[Task, Link | None]] = []
        wanted: list[tuple[str, str, str]] = []
        for row in rows:
            task = task_from(row)
            link = found.get(task.key)
            candidates.append((task, link))
            other = link.record_id(task.key.side.other) if link else None
            if other is not None:
                wanted.append((task.key.mapping, task.key.side.other.value, other))
        others = {task.key: task for task in map(task_from, self._lock_open(sorted(set(wanted))))}
        picks: list[Pick] = []
        for task, link in candidates:
            scope = self._scopes[task.key.mapping]
            refs = _refs(scope, task.key, link)
            if task.key in self._seen or self._busy & set(refs) or self._room[scope.pair] <= 0:
                continue
            self._room[scope.pair] -= 1
            pick = Pick(scope, [task], link, refs, paused)
            if link is not None and (other := link.record_id(task.key.side.other)) is not None:
                partner = others.get(TaskKey(task.key.mapping, task.key.side.other, other))
                if partner is not None and partner.key not in self._seen:
                    pick.tasks.append(partner)
            self._busy.update(refs)
            self._seen.update(one.key for one in pick.tasks)
            picks.append(pick)
        return picks

    def _lease(self, picks: list[Pick], ttl: float) -> list[Claim]:
        for pick, fence in zip(picks, self._database.next_seqs(self._conn, len(picks)), strict=True):
            pick.fence = fence
        expires = self._now + ttl
        wanted = [(ref, pick.fence) for pick in picks for ref in pick.refs]
        got = take(self._database, self._conn, wanted, self._now, expires)
        kept = [pick for pick in picks if all((ref, pick.fence) in got for ref in pick.refs)]
        if not self._database.sqlite:  # on PostgreSQL a link may have changed before its records were leased
            kept = self._still_linked(kept)
        lost = {pick.fence for pick in picks} - {pick.fence for pick in kept}
        if lost:
            self._conn.execute(giving_back(lost))
        self._take_tasks([task.key for pick in kept for task in pick.tasks])
        known = known_records(self._conn, [ref for pick in kept for ref in pick.refs])
        return [
            Claim(
                scope=pick.scope,
                fence=pick.fence,
                expires=expires,
                tasks=tuple(replace(task, taken=task.pending, attempts=task.attempts + 1) for task in pick.tasks),
                leased=pick.refs,
                link=pick.link,
                paused=pick.paused,
                known={ref: known.get(ref) for ref in pick.refs},
            )
            for pick in kept
        ]

    def _still_linked(self, picks: Sequence[Pick]) -> list[Pick]:
        found = links_of(self._conn, [pick.tasks[0].key for pick in picks])
        kept: list[Pick] = []
        for pick in picks:
            link = found.get(pick.tasks[0].key)
            if _refs(pick.scope, pick.tasks[0].key, link) == pick.refs:
                pick.link = link
                kept.append(pick)
        return kept

    def _take_tasks(self, keys: Sequence[TaskKey]) -> None:
        for some in chunks(sorted(task_tuple(key) for key in keys)):
            TAKE.run(self._conn, {"keys": some})


NAMED = Prepared(select(mappings).where(listed(mappings.c.name, "names")))
LEASES = Prepared(select(leases))
OPEN = Prepared(
    select(tasks)
    .where(keyed(tasks), or_(tasks.c.due <= bindparam("now", type_=Real), tasks.c.state == TaskState.DEAD.value))
    .with_for_update(skip_locked=True)
)
TAKE = Prepared(
    update(tasks)
    .where(keyed(tasks))
    .values(
        taken=tasks.c.pending,
        attempts=tasks.c.attempts + 1,
        kinds_taken=tasks.c.kinds_taken.op("|")(tasks.c.kinds),
        kinds=0,
        wait_mapping=None,
        wait_side=None,
        wait_rec=None,
    )
)
ORDER = (tasks.c.due, tasks.c.mapping, tasks.c.side, tasks.c.rec)


def _due(lane: ColumnElement[str]) -> Select[Any]:
    return (
        select(tasks)
        .where(
            tasks.c.lane == lane,
            tasks.c.due <= bindparam("now", type_=Real),
            listed(tasks.c.mapping, "names"),
        )
        .order_by(*ORDER)
        .limit(bindparam("size", type_=Integer))
        .with_for_update(skip_locked=True)
    )


DUE = Prepared(union_all(*(select(_due(literal(lane.value)).cte(lane.name.lower())) for lane in Lane)))
DUE_AFTER = Prepared(
    _due(bindparam("in_lane")).where(
        tuple_(*ORDER) > tuple_(*(bindparam(f"after_{column.name}", type_=column.type) for column in ORDER))
    )
)


class Queues:
    """Due tasks by lane, oldest due first, in pages. One statement reads the first page of every lane."""

    def __init__(self, conn: Connection, names: Sequence[str], now: float, size: int) -> None:
        self._conn = conn
        self._about: dict[str, Any] = {"now": now, "names": names, "size": size}
        self._rows: dict[Lane, deque[Row]] = {lane: deque() for lane in Lane}
        self._after: dict[Lane, dict[str, Any]] = {}
        self._left: dict[Lane, int] = {}
        """Pages of the lane that may still be read."""

    def next(self, lane: Lane) -> Row | None:
        if not self._left:
            first = DUE.mappings(self._conn, self._about)
            for one in Lane:  # each lane's rows are in order
                self._take(one, PAGES, [row for row in first if row["lane"] == one.value])
        elif not self._rows[lane] and self._left[lane]:
            further = {**self._about, **self._after[lane], "in_lane": lane.value}
            self._take(lane, self._left[lane], DUE_AFTER.mappings(self._conn, further))
        return self._rows[lane].popleft() if self._rows[lane] else None

    def _take(self, lane: Lane, left: int, rows: Sequence[Row]) -> None:
        self._rows[lane].extend(rows)
        self._left[lane] = left - 1 if len(rows) == self._about["size"] else 0
        if rows:
            self._after[lane] = {f"after_{column.name}": rows[-1][column.name] for column in ORDER}


def _lane_order(turn: int) -> Iterator[Lane]:
    first = LOWER_FIRST.get(turn)
    if first is not None:
        yield first
    yield from (lane for lane in Lane if lane is not first)


def _refs(scope: Scope, key: TaskKey, link: Link | None) -> tuple[RecordRef, ...]:
    """Return the record and both records of its link (other ones than the record, if it was merged away)."""
    refs = [scope.endpoint(key.side).ref(key.record_id)]
    for side in (key.side, key.side.other):
        record_id = link.record_id(side) if link is not None else None
        if record_id is not None and (ref := scope.endpoint(side).ref(record_id)) not in refs:
            refs.append(ref)
    return tuple(refs)


# ---- The whole life of a task ----


JUST_NOW = 0.5
"""Seconds. A task may have become due between a claim and this question."""

COMING = (
    select(tasks.c.due)
    .where(
        tasks.c.lane == bindparam("in_lane"),
        tasks.c.due > bindparam("after", type_=Real),
        tasks.c.mapping.in_(
            select(mappings.c.name).where(
                mappings.c.name.in_(bindparam("names", expanding=True)), mappings.c.paused.is_(False)
            )
        ),
    )
    .order_by(tasks.c.due)
    .limit(1)
)
"""When the next task of a lane becomes due. The index answers it with one row."""


class Tasks(Claims, Finishing, Standing):
    """The whole life of a task: claimed (`Claims`), ended (`finish`), shown (`standing`) and made due."""

    def __init__(self, database: Database, wake: Wake) -> None:
        Claims.__init__(self, database, wake)
        Finishing.__init__(self, database, wake)

    async def next_due(
        self,
        scopes: Mapping[str, Scope],
        blocked_systems: frozenset[str] = frozenset(),
        lower_room: Mapping[Pair, int] | None = None,
    ) -> float | None:
        """When the next task of these mappings becomes due, without mappings of blocked systems; None: never.

        Tasks that are due already belong to another claim or to the caller: the end of a claim wakes all workers.
        lower_room: as for `claim`. Without room, tasks of lower lanes than live wait for the end of a claim, too.
        """
        usable = {
            name for name, scope in scopes.items() if not blocked_systems & {scope.left.system, scope.right.system}
        }
        lower = {name for name in usable if lower_room is None or lower_room.get(scopes[name].pair, 0) > 0}
        after = self._database.now() - JUST_NOW

        def work(conn: Connection) -> float | None:
            names = {lane: sorted(usable if lane is Lane.LIVE else lower) for lane in Lane}
            found = [
                conn.scalar(COMING, {"names": some, "after": after, "in_lane": lane.value})
                for lane, some in names.items()
                if some
            ]
            return min((due for due in found if due is not None), default=None)

        return await self._database.read(work)

    async def make_due_now(self, names: Sequence[str], code: str | None = None) -> int:
        """Make the waiting tasks of these mappings due now (`code`: only those with this code); returns how many."""
        now = self._database.now()
        waiting = [tasks.c.mapping.in_(sorted(names)), tasks.c.state == TaskState.WAITING.value, tasks.c.due > now]
        if code is not None:
            waiting.append(tasks.c.code == code)

        def work(conn: Connection) -> int:
            moved = conn.execute(update(tasks).where(*waiting).values(due=now))
            self._database.notify(conn)
            return moved.rowcount

        found = await self._database.write("make_due_now", work)
        self._wake.set()
        return found
