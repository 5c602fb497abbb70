"""Progress of sweeps, requests for them, and the store's answers about records that a sweep saw or did not see.

A request for a sweep is stored in a column, so that two requests start one sweep.
"""

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    case,
    func,
    literal,
    null,
    or_,
    select,
    update,
)

from bridge.domain.frozen import dataclass
from bridge.domain.record import Side
from bridge.store import moves
from bridge.store.database import Database, Wake
from bridge.store.model import CursorMoved, LinkState, Scope, TaskState
from bridge.store.statements import Row, chunks, has_key, upsert
from bridge.store.tables import Real, cursors, links, records, tasks

LONGEST_PAGE_SECONDS = 600.0
"""If a page took longer, the sweep stood still: the bridge was stopped, or the day's budget was used up."""


class Cursor(NamedTuple):
    """Progress of a sweep of system + entity. kind: "incremental" or "full".

    value: modified-since for the next incremental sweep. sweep: number of the running or last sweep. page: the page
    token of the running one, None when none runs. complete: every page so far succeeded. asked_at: when it was
    requested. total: how many rows it is expected to read. moved_at: when its last page was stored. seconds: how long
    it has been at work, without the time that it stood still.
    """

    system: str
    entity: str
    kind: str
    value: float | None = None
    sweep: int = 0
    page: str | None = None
    complete: bool = False
    started_at: float | None = None
    done_at: float | None = None
    asked_at: float | None = None
    asked_by: str = ""
    rows: int = 0
    marked: int = 0
    total: int | None = None
    moved_at: float | None = None
    seconds: float = 0.0

    @property
    def by_full(self) -> bool:
        """Whether it is an incremental sweep of a listing that cannot filter by time: the full sweep does its work."""
        return self.kind == "incremental" and self.value is None and self.asked_at is None

    @property
    def runs(self) -> bool:
        """Whether it began and has not ended."""
        return self.started_at is not None and (self.done_at is None or self.done_at < self.started_at)

    @property
    def expected(self) -> int | None:
        """How many rows the next sweep like it will read, by what is known of this one."""
        return self.total if self.runs or self.done_at is None else self.rows

    @property
    def mapping(self) -> str:
        """The mapping whose backfill it is; "" for a sweep."""
        return self.kind.partition(" ")[2]

    @property
    def run(self) -> str:
        """The name of this sweep or backfill in the journal: `full/pipedrive/deal/12`, `backfill/deals/1`."""
        kind, mapping = self.kind.partition(" ")[0], self.mapping
        return f"{kind}/{mapping or f'{self.system}/{self.entity}'}/{self.sweep}"


@dataclass(frozen=True, slots=True)
class CursorMove:
    """How one page moves a cursor, in the transaction of the page's events.

    expect_sweep: the sweep this page belongs to; expect_page: its page until now (None: not checked). page: the next
    page. value: new modified-since, None leaves it. complete: every page so far succeeded. done: the sweep ended.
    total: how many rows there are in all, when the vendor says so.
    """

    system: str
    entity: str
    kind: str
    expect_sweep: int
    page: str | None = None
    value: float | None = None
    complete: bool = True
    done: bool = False
    expect_page: str | None = None
    total: int | None = None


def move_cursor(conn: Connection, move: CursorMove, rows: int, marked: int, now: float) -> None:
    """Move the cursor if it is still as expected. Otherwise raises CursorMoved, which undoes the whole transaction."""
    change = update(cursors).where(has_key(cursors, [(move.system, move.entity, move.kind)]))
    change = change.where(cursors.c.sweep == move.expect_sweep)
    if move.expect_page is not None:
        change = change.where(cursors.c.page == move.expect_page)
    since = literal(now, Real) - func.coalesce(cursors.c.moved_at, cursors.c.started_at, now)
    values: dict[str, Any] = {
        "page": None if move.done else move.page,
        "complete": move.complete,
        "rows": cursors.c.rows + rows,
        "marked": cursors.c.marked + marked,
        "moved_at": now,
        "seconds": cursors.c.seconds + case((since < 0, 0.0), (since > LONGEST_PAGE_SECONDS, 0.0), else_=since),
    }
    if move.total is not None:
        values["total"] = move.total
    if move.value is not None:
        values["value"] = move.value
    if move.done:
        values["done_at"] = now
    moved = conn.execute(change.values(**values))
    if moved.rowcount != 1:
        raise CursorMoved(
            f"{move.kind} sweep {move.expect_sweep} of {move.system} {move.entity} is not the current one"
        )


def request_sweep(
    database: Database, conn: Connection, system: str, entity: str, kind: str, by: str, now: float
) -> None:
    """Request a sweep. The first requester since the last start is kept."""
    insert = upsert(database.sqlite, cursors).values(**_new(system, entity, kind), asked_at=now, asked_by=by)
    unasked = cursors.c.asked_at.is_(None)
    stands = {
        "asked_at": func.coalesce(cursors.c.asked_at, insert.excluded.asked_at),
        "asked_by": case((unasked, insert.excluded.asked_by), else_=cursors.c.asked_by),
    }
    conn.execute(insert.on_conflict_do_update(index_elements=["system", "entity", "kind"], set_=stands))


def _new(system: str, entity: str, kind: str) -> dict[str, object]:
    key = {"system": system, "entity": entity, "kind": kind}
    return {**key, "sweep": 0, "complete": False, "rows": 0, "marked": 0, "seconds": 0.0}


def _cursor(row: Row) -> Cursor:
    return Cursor(**row)


class Cursors:
    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake

    async def get(self, system: str, entity: str, kind: str) -> Cursor:
        """The cursor; a fresh one (sweep 0) if none was ever run or requested."""

        def work(conn: Connection) -> Cursor:
            query = select(cursors).where(has_key(cursors, [(system, entity, kind)]))
            row = (conn.execute(query)).mappings().first()
            return Cursor(system, entity, kind) if row is None else _cursor(row)

        return await self._database.read(work)

    async def all(self) -> list[Cursor]:
        def work(conn: Connection) -> list[Cursor]:
            query = select(cursors).order_by(*cursors.primary_key.columns)
            return [_cursor(row) for row in (conn.execute(query)).mappings()]

        return await self._database.read(work)

    async def request(self, system: str, entity: str, kind: str, by: str) -> None:
        """Request a sweep now. The request is kept until one starts."""

        def work(conn: Connection) -> None:
            request_sweep(self._database, conn, system, entity, kind, by, self._database.now())
            self._database.notify(conn)

        await self._database.write("request_sweep", work)
        self._wake.set()

    async def resume(self, system: str, entity: str, kind: str) -> Cursor:
        """Continue a sweep at its page. Clears the request, as a start does."""
        here = has_key(cursors, [(system, entity, kind)])
        again = {"asked_at": None, "asked_by": "", "moved_at": self._database.now()}
        taken = update(cursors).where(here).values(again).returning(cursors)
        return await self._database.write("resume_sweep", lambda conn: _cursor(conn.execute(taken).mappings().one()))

    async def start(
        self, system: str, entity: str, kind: str, *, value: float | None = None, total: int | None = None
    ) -> Cursor:
        """Begin a new sweep from its first page; an older one that still runs loses its cursor. Clears the request.

        `value`: set the modified-since at once (the first start of a bridge), None leaves it. `total`: how many rows
        are expected.
        """

        def work(conn: Connection) -> Cursor:
            now = self._database.now()
            insert = upsert(self._database.sqlite, cursors)
            first = {**_new(system, entity, kind), "sweep": 1, "complete": True, "asked_by": ""}
            again = {
                "sweep": cursors.c.sweep + 1,
                "page": null(),
                "complete": True,
                "started_at": now,
                "asked_at": null(),
                "asked_by": "",
                "rows": 0,
                "marked": 0,
                "total": total,
                "moved_at": null(),
                "seconds": 0.0,
                "value": func.coalesce(insert.excluded.value, cursors.c.value),
            }
            stated = insert.values(**first, started_at=now, value=value, total=total)
            begun = stated.on_conflict_do_update(index_elements=["system", "entity", "kind"], set_=again)
            row = (conn.execute(begun.returning(cursors))).mappings().one()
            return _cursor(row)

        return await self._database.write("start_sweep", work)


# ---- What a sweep reads from the store ----


class TaskNote(NamedTuple):
    """A task as a sweep sees it. `decided_hash`: the row on which "nothing to do" was decided last."""

    decided_hash: str | None = None
    pending: int = 0
    dead: bool = False


class Sweeps:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def settled(self, mapping: str, side: Side, record_ids: Collection[str]) -> set[str]:
        """Records that must not be copied: their counterpart was deleted or merged away, or they are duplicates."""
        column, other_gone, own_gone = links.c[side.value], links.c[f"gone_{side.other}"], links.c[f"gone_{side}"]
        survivor = and_(links.c.state == LinkState.TOMBSTONE.value, other_gone.is_not(None), own_gone.is_(None))
        known = links.c.state.in_([LinkState.DUPLICATE.value, LinkState.ALIAS.value])

        def work(conn: Connection) -> set[str]:
            found: set[str] = set()
            for some in chunks(sorted(record_ids)):
                query = select(column).where(links.c.mapping == mapping, column.in_(some), or_(survivor, known))
                found.update((conn.execute(query)).scalars())
            return found

        return await self._database.read(work)

    async def tasks(self, mapping: str, side: Side, record_ids: Collection[str]) -> dict[str, TaskNote]:
        """The tasks of these records; records without one are left out."""
        columns = (tasks.c.rec, tasks.c.decided_hash, tasks.c.pending, tasks.c.state)

        def work(conn: Connection) -> dict[str, TaskNote]:
            found: dict[str, TaskNote] = {}
            for some in chunks(sorted(record_ids)):
                query = select(*columns).where(
                    tasks.c.mapping == mapping, tasks.c.side == side.value, tasks.c.rec.in_(some)
                )
                for record_id, decided, pending, state in conn.execute(query):
                    found[record_id] = TaskNote(decided, pending, state == TaskState.DEAD.value)
            return found

        return await self._database.read(work)

    async def seen(self, system: str, entity: str, sweep: int) -> int:
        """How many records this full sweep has shown so far, each counted once."""
        query = select(func.count()).select_from(records)
        query = query.where(records.c.system == system, records.c.entity == entity, records.c.seen_sweep == sweep)
        return await self._database.read(lambda conn: conn.scalar(query)) or 0

    async def unseen(self, scope: Scope, side: Side, sweep: int, started: float) -> list[str]:
        """Linked records and dead letters that a complete full sweep did not show.

        Records that we wrote since it `started` are left out. Dead letters are included, because one about a record
        that is gone would stay for ever.
        """
        endpoint = scope.endpoint(side)

        def not_shown(column: ColumnElement[str], table: FromClause, *which: ColumnElement[bool]) -> Select[str]:
            known = and_(
                records.c.system == endpoint.system, records.c.entity == endpoint.entity, records.c.rec == column
            )
            return (
                select(column)
                .select_from(table.outerjoin(records, known))
                .where(*which)
                .where(or_(records.c.seen_sweep.is_(None), records.c.seen_sweep < sweep))
                .where(or_(records.c.own_write_at.is_(None), records.c.own_write_at < started))
            )

        column, paired = links.c[side.value], [state.value for state in moves.PAIRED]
        linked = not_shown(
            column, links, links.c.mapping == scope.mapping, column.is_not(None), links.c.state.in_(paired)
        )
        letters = not_shown(
            *(tasks.c.rec, tasks, tasks.c.mapping == scope.mapping),
            *(tasks.c.side == side.value, tasks.c.state == TaskState.DEAD.value),
        )

        def work(conn: Connection) -> list[str]:
            return sorted({*conn.execute(linked).scalars(), *conn.execute(letters).scalars()})

        return await self._database.read(work)
