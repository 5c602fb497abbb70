"""Walks listings page by page: incremental and full sweeps, the match index, and backfills."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bridge.connectors.protocols import Connector, Page
from bridge.domain.catalog import EntityManifest
from bridge.domain.errors import RemoteError
from bridge.domain.event import Event, EventKind, Lane, Origin
from bridge.domain.record import Record, Side
from bridge.domain.seams import Seams, from_epoch
from bridge.mapping.model import Mapping as RecordMapping
from bridge.reconcile.page import PageMarks, Purpose, Use, judge
from bridge.store.cursors import CursorMove
from bridge.store.engine import Store
from bridge.store.failures import CursorMoved
from bridge.store.model import Cursor, Mode, Routes, Scope

log = logging.getLogger(__name__)

OVERLAP_SECONDS = 60.0
ASK_EVERY_SECONDS = 60.0  # hints of callbacks cause at most one sweep of an entity a minute
HISTORY_MARGIN_SECONDS = 3600.0
BACKFILL_WAITING = 100  # a backfill marks its next page only when fewer of its tasks wait
BACKFILL_POLL_SECONDS = 1.0

Observe = Callable[[str, str, str, int, int], None]


@dataclass(frozen=True, slots=True)
class Work:
    """What is kept in step; replaced as a whole when mapping files are reloaded."""

    mappings: Mapping[str, RecordMapping]
    scopes: Mapping[str, Scope]
    routes: Routes


@dataclass(slots=True)
class Sweep:
    """What one sweep did. `unheard`: changes no callback had told us of. `fault`: why it ended early."""

    system: str
    entity: str
    kind: str
    rows: int = 0
    marked: int = 0
    unheard: int = 0
    fault: str = ""

    def __str__(self) -> str:
        text = f"{self.system} {self.entity}: {self.kind} sweep, {self.rows} rows, {self.marked} to look at"
        return f"{text}; ended early: {self.fault}" if self.fault else text


class Reconciler:
    """One per process; copies on one store share cursors, so that only the fastest copy's page counts."""

    def __init__(
        self,
        connectors: Mapping[str, Connector],
        work: Work,
        store: Store,
        seams: Seams,
        observe: Observe = lambda system, entity, kind, rows, marked: None,
    ) -> None:
        self.connectors = connectors
        self.work = work
        self.store = store
        self.seams = seams
        self.observe = observe

    def entities(self) -> list[tuple[str, str]]:
        """Every (system, entity) some mapping names."""
        return sorted(self.work.routes)

    async def sweep_all(self, kind: str) -> list[Sweep]:
        """Sweep every entity; one that fails does not stop the others."""
        return [await self.sweep(system, entity, kind) for system, entity in self.entities()]

    async def sweep_asked(self) -> list[Sweep]:
        """Do the sweeps somebody asked for: hints of callbacks at most once a minute, everybody else at once."""
        done = []
        for cursor in await self.store.cursors.all():
            if cursor.asked_at is None or (cursor.system, cursor.entity) not in self.work.routes:
                continue
            recent = self.store.now() - (cursor.started_at or 0.0) < ASK_EVERY_SECONDS
            if cursor.asked_by == "callback" and recent:
                continue
            if cursor.asked_by == "match index" and await self._indexed(cursor.system, cursor.entity):
                continue
            done.append(await self.sweep(cursor.system, cursor.entity, cursor.kind))
        return done

    async def sweep(self, system: str, entity: str, kind: str) -> Sweep:
        """One sweep, with a first incremental one only setting its cursor: a new bridge starts from now."""
        facts = self.connectors[system].manifest.entities[entity]
        cursor = await self.store.cursors.get(system, entity, kind)
        if kind == "incremental":
            kind, cursor = await self._how(cursor, facts)
        report = Sweep(system, entity, kind)
        started = self.store.now()
        since = None if kind == "full" else from_epoch(cursor.value or started)
        try:
            await self._walk(report, since, started, facts)
        except (RemoteError, CursorMoved) as error:
            report.fault = str(error)
            log.warning("sweep ended early", extra={"system": system, "entity": entity, "reason": str(error)})
        self.observe(system, entity, report.kind, report.rows, report.marked)
        return report

    async def _how(self, cursor: Cursor, facts: EntityManifest) -> tuple[str, Cursor]:
        """An incremental sweep is a full one where the vendor cannot list by time, or no longer that far back."""
        if not facts.since:
            return "full", cursor
        if cursor.value is None:
            begun = await self.store.cursors.start(
                cursor.system, cursor.entity, "incremental", value=self.store.now() - self._overlap(facts)
            )
            return "incremental", begun
        age = self.store.now() - cursor.value
        if facts.history is not None and age > facts.history - HISTORY_MARGIN_SECONDS:
            return "full", cursor
        return "incremental", cursor

    @staticmethod
    def _overlap(facts: EntityManifest) -> float:
        return facts.settle + OVERLAP_SECONDS

    async def _walk(self, report: Sweep, since: datetime | None, started: float, facts: EntityManifest) -> None:
        cursor = await self.store.cursors.start(report.system, report.entity, report.kind)
        uses = await self._uses(report.system, report.entity)
        purpose = Purpose(Origin.RECONCILE)
        connector, page_token = self.connectors[report.system], None
        total: int | None = None
        while True:
            page = await connector.list(report.entity, since=since, page=page_token, where={})
            total = page.total if page.total is not None else total
            report.rows += len(page.rows)
            complete = page.next is not None or total is None or since is not None or report.rows >= total
            last = page.next is None
            move = CursorMove(
                report.system,
                report.entity,
                report.kind,
                cursor.sweep,
                page=page.next,
                value=started - self._overlap(facts) if last and report.kind == "incremental" else None,
                complete=complete,
                done=last and complete,
            )
            marks = await self._store_page(uses, page, purpose, move, cursor.sweep)
            report.marked += len(marks.events)
            report.unheard += marks.unheard
            if last:
                break
            page_token = page.next
        if report.kind == "full" and complete:
            await self._finish_full(report, uses, cursor, started, facts)
        elif not complete:
            report.fault = f"the listing showed {report.rows} of {total} rows; it counts as incomplete"

    async def _store_page(
        self, uses: Sequence[Use], page: Page, purpose: Purpose, move: CursorMove, sweep: int
    ) -> PageMarks:
        """Judge and store one page. Uses whose match index is not complete yet take it as their baseline."""
        full = move.kind == "full"
        fresh = [use for use in uses if full and use.side not in use.state.indexed]
        usual = [use for use in uses if use not in fresh]
        marks = await judge(self.store, usual, page.rows, purpose)
        first = await judge(self.store, fresh, page.rows, replace(purpose, baseline=True)) if fresh else PageMarks()
        events = {**first.events, **marks.events}
        await self.store.events.accept(
            list(events.values()),
            self.work.routes,
            move,
            marks.records,
            [*marks.keys, *first.keys],
            first.decided,
        )
        marks.events, marks.unheard = events, marks.unheard + first.unheard
        return marks

    async def _finish_full(
        self, report: Sweep, uses: Sequence[Use], cursor: Cursor, started: float, facts: EntityManifest
    ) -> None:
        """A complete listing: linked records it did not show are looked at, and the match index is whole."""
        gone: dict[str, Event] = {}
        for use in uses:
            for rec in await self.store.sweeps.unseen(use.scope, use.side, cursor.sweep):
                gone[rec] = Event(report.system, report.entity, rec, EventKind.CHANGED, Origin.RECONCILE)
        report.marked += len(gone)
        await self.store.events.accept(list(gone.values()), self.work.routes)
        for use in uses:
            if use.side not in use.state.indexed:
                await self.store.mappings.mark_indexed(use.mapping.name, use.side, use.mapping.match_fingerprint)
        if facts.since and (await self.store.cursors.get(report.system, report.entity, "incremental")).value is None:
            begin = started - self._overlap(facts)
            await self.store.cursors.start(report.system, report.entity, "incremental", value=begin)
        self.store.wake.set()

    async def _uses(self, system: str, entity: str) -> list[Use]:
        states = await self.store.mappings.states()
        return [
            Use(self.work.mappings[route.mapping], self.work.scopes[route.mapping], route.side, states[route.mapping])
            for route in self.work.routes.get((system, entity), ())
            if route.mapping in states
        ]

    async def _indexed(self, system: str, entity: str) -> bool:
        return all(use.side in use.state.indexed for use in await self._uses(system, entity))

    async def unindexed(self) -> list[tuple[str, str]]:
        """Entities whose match index is not complete for some mapping that matches."""
        found = []
        for system, entity in self.entities():
            if not await self._indexed(system, entity):
                found.append((system, entity))
        return found

    async def index(self) -> list[Sweep]:
        """Complete every missing match index; run at start and after a mapping was added."""
        return [await self.sweep(system, entity, "full") for system, entity in await self.unindexed()]

    async def backfill(self, mapping: str, *, preview: bool = False) -> Sweep:
        """Take the records from before going live: all that pass `where` and are not linked. A preview only counts."""
        scope = self.work.scopes[mapping]
        report = Sweep("", mapping, "backfill preview" if preview else "backfill")
        for side in (side for side in Side if side.other in self.work.mappings[mapping].writes):
            await self._backfill_side(report, scope, side, preview)
        return report

    async def _backfill_side(self, report: Sweep, scope: Scope, side: Side, preview: bool) -> None:
        endpoint = scope.endpoint(side)
        states = await self.store.mappings.states()
        use = Use(self.work.mappings[scope.mapping], scope, side, states[scope.mapping])
        purpose, token = Purpose(Origin.BACKFILL, everything=True), None
        while True:
            page = await self.connectors[endpoint.system].list(endpoint.entity, since=None, page=token, where={})
            rows = [row for row in page.rows if isinstance(row, Record)]
            marks = await judge(self.store, [use], rows, purpose)
            report.rows += len(rows)
            report.marked += len(marks.events)
            if not preview:
                await self.store.events.accept(list(marks.events.values()), self.work.routes, None, marks.records)
                await self._wait_for_room(scope)
            if page.next is None:
                return
            token = page.next

    async def _wait_for_room(self, scope: Scope) -> None:
        """A backfill must not bury live work: it goes on only while few of its tasks wait."""
        while scope.mode is Mode.LIVE:
            if await self.store.tasks.waiting(Lane.BACKFILL, scope.mapping) < BACKFILL_WAITING:
                return
            await self.seams.clock.sleep(BACKFILL_POLL_SECONDS)
