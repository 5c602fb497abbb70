"""Brings in the records from before going live, page by page, and only as fast as the workers process them."""

from collections.abc import Mapping

from bridge.connectors.protocols import Connector
from bridge.domain.errors import Rejected, RemoteError
from bridge.domain.event import Lane, Origin
from bridge.domain.frozen import dataclass
from bridge.domain.record import SIDES, Record, Side
from bridge.domain.seams import Seams
from bridge.mapping.model import Mapping as RecordMapping
from bridge.reconcile.alike import count_held
from bridge.reconcile.page import Purpose, Use, judge
from bridge.reconcile.walk import PORTION, Sweep, Walk
from bridge.store.cursors import Cursor, CursorMove
from bridge.store.engine import Store
from bridge.store.model import CursorMoved, Route, Scope

WAITING = 100  # the next page is marked only when fewer backfill tasks of the mapping wait
POLL_SECONDS = 1.0

Stand = tuple[tuple[int, str | None, bool], ...]
"""The position of a backfill: for each side, the number of its cursor's sweep, its page, and whether it is open."""


@dataclass(frozen=True, slots=True)
class Backfill:
    """The backfill of one mapping. Each side has a cursor, so that an interruption costs at most one page."""

    mapping: RecordMapping
    scope: Scope
    connectors: Mapping[str, Connector]
    store: Store
    seams: Seams

    async def stands(self) -> Stand | None:
        """Return the position of a backfill that has begun and not ended; None if there is none."""
        cursors = [await self._cursor(side) for side in self._sides()]
        if not any(cursor.runs for cursor in cursors):
            return None
        return tuple((cursor.sweep, cursor.page, cursor.runs) for cursor in cursors)

    async def run(self, *, preview: bool = False) -> Sweep:
        """Mark every unlinked record that passes `where`, on each side that is listed. A preview only counts them."""
        report = Sweep("", self.mapping.name, "backfill preview" if preview else "backfill")
        resumed = not preview and await self.stands() is not None
        cursors = [(side, await self._cursor(side)) for side in self._sides()]
        if not preview and not resumed:  # open all cursors first, so that an interrupted backfill is seen as open
            cursors = [(side, await self._begin(cursor)) for side, cursor in cursors]
        for side in self._sides():
            report.fault = report.fault or await self.store.systems.unusable(self.scope.endpoint(side).system)
        if report.fault:
            return report
        try:
            for side, cursor in cursors:
                if preview or cursor.runs:
                    await self._side(report, side, cursor, preview)
        except Rejected as error:  # the vendor no longer knows the page, so the next run begins at the first one
            report.fault = str(error)
            for cursor in [await self._cursor(side) for side in self._sides()] if resumed else []:
                await self._begin(cursor)
        except (RemoteError, CursorMoved) as error:
            report.fault = str(error)
        return report

    def _sides(self) -> list[Side]:
        """Return the sides to list: those whose records are written to the other side. A mapping that writes nothing
        only links records, so both sides are listed."""
        return [side for side in SIDES if side.other in self.mapping.writes] or list(Side)

    async def _cursor(self, side: Side) -> Cursor:
        endpoint = self.scope.endpoint(side)
        return await self.store.cursors.get(endpoint.system, endpoint.entity, f"backfill {self.mapping.name}")

    async def _begin(self, cursor: Cursor) -> Cursor:
        listed = await self.store.cursors.get(cursor.system, cursor.entity, "full")
        return await self.store.cursors.start(cursor.system, cursor.entity, cursor.kind, total=listed.expected)

    async def _side(self, report: Sweep, side: Side, cursor: Cursor, preview: bool) -> None:
        walk = await self._walk(report, side, cursor)
        token = None if preview else cursor.page
        while True:
            if not preview:  # also before the first page: otherwise each interruption would add a page of tasks
                await self._wait_for_room()
            page = await walk.page(token, None)
            rows = [row for row in page.rows if isinstance(row, Record)]
            report.rows += len(rows)
            report.skipped += page.skipped
            if preview:
                for start in range(0, len(rows), PORTION):
                    portion = rows[start : start + PORTION]
                    marks = await judge(self.store, walk.uses, portion, walk.purpose, self.store.now())
                    report.marked += len(marks.events)
                    await count_held(self.store, walk.uses[0], marks, report)
            else:
                move = CursorMove(
                    cursor.system,
                    cursor.entity,
                    cursor.kind,
                    cursor.sweep,
                    page=page.next,
                    expect_page=token,
                    total=page.total,
                )
                await walk.store_page(rows, move)
                await self._wait_for_room()
            if page.next is None:
                break
            token = page.next
        if not preview:
            end = CursorMove(cursor.system, cursor.entity, cursor.kind, cursor.sweep, done=True)
            await self.store.events.accept([], {}, end)

    async def _walk(self, report: Sweep, side: Side, cursor: Cursor) -> Walk:
        """Return the walk of one side. Its events go only to this mapping: no backfill of the others was requested."""
        endpoint, states = self.scope.endpoint(side), await self.store.mappings.states()
        facts = self.connectors[endpoint.system].manifest.entities[endpoint.entity]
        return Walk(
            connector=self.connectors[endpoint.system],
            store=self.store,
            seams=self.seams,
            routes={(endpoint.system, endpoint.entity): (Route(self.mapping.name, side, endpoint),)},
            uses=[Use(self.mapping, self.scope, side, states[self.mapping.name], facts)],
            purpose=Purpose(Origin.BACKFILL, everything=True),
            cursor=cursor,
            report=report,
        )

    async def _wait_for_room(self) -> None:
        """Wait until fewer than WAITING tasks wait, so that the backfill does not delay live changes."""
        while await self.store.tasks.waiting(Lane.BACKFILL, self.mapping.name) >= WAITING:
            await self.seams.clock.sleep(POLL_SECONDS)
