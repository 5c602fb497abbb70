"""Sweeps listings: incremental by the vendor's clock, full with the match index, and on request."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from functools import partial

from bridge.connectors.protocols import Connector
from bridge.domain.catalog import EntityManifest
from bridge.domain.concurrent import together
from bridge.domain.errors import Rejected, RemoteError, StoreUnavailable
from bridge.domain.event import Event, EventKind, Origin
from bridge.domain.frozen import dataclass, replace
from bridge.domain.record import RecordRef
from bridge.domain.seams import TRUSTED_SKEW_SECONDS, Seams, from_epoch
from bridge.mapping.model import Mapping as RecordMapping
from bridge.reconcile.backfill import Backfill, Stand
from bridge.reconcile.page import Purpose, Use
from bridge.reconcile.walk import Found, Sweep, Walk
from bridge.store.cursors import Cursor, CursorMove
from bridge.store.engine import Store
from bridge.store.hooks import SweptChange
from bridge.store.model import CursorMoved, Routes, Scope

log = logging.getLogger(__name__)

OVERLAP_SECONDS = 60.0  # added to `read_lag`, because listings lag and times are cut to whole seconds
HISTORY_MARGIN_SECONDS = 3600.0
RESUME_SECONDS = 6 * 3600.0  # an unfinished full sweep older than this starts from the first page
REQUEST_POLL_SECONDS = 1.0
REQUEST_EVERY_SECONDS = 60.0  # hints of callbacks cause at most one sweep of an entity in this time
REST_FACTOR = 10.0  # a full listing in place of an incremental one runs at most a tenth of the time
CHUNK = 500
GIVE_WAY_TIMES = 20  # how often a full sweep gives way to another instance's sweep before it fails
GIVE_WAY_SECONDS = 1.0
RESUME_LOOK_SECONDS = 20.0  # seconds between two looks for interrupted backfills
UNFINISHED = "unfinished sweep"
PATIENT = frozenset({"callback", UNFINISHED})

Observe = Callable[[str, str, str, int, int], None]


@dataclass(frozen=True, slots=True)
class MappingsInUse:
    """The mappings that are in use. The whole value is replaced when mapping files are reloaded."""

    mappings: Mapping[str, RecordMapping]
    scopes: Mapping[str, Scope]
    routes: Routes


class Reconciler:
    """One per process. Instances on one store share cursors: each page counts once, for the faster instance."""

    def __init__(
        self,
        connectors: Mapping[str, Connector],
        work: MappingsInUse,
        store: Store,
        seams: Seams,
        observe: Observe = lambda system, entity, kind, rows, marked: None,
        found: Found = lambda changes: None,
    ) -> None:
        self.connectors = connectors
        self.work = work
        self.store = store
        self.seams = seams
        self.observe = observe
        self.found = found
        self._turns: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._backfills: dict[str, asyncio.Task[Sweep] | None] = {}  # running here, by mapping; None: a person's
        self._stood: dict[str, Stand | None] = {}  # the positions of backfills at the last look
        self._gaps: set[tuple[str, str]] = set()  # entities whose last full listing had rows that were not understood

    def entities(self) -> list[tuple[str, str]]:
        """Return every (system, entity) that a mapping names."""
        return sorted(self.work.routes)

    async def sweep_all(self, kind: str, systems: Container[str] | None = None) -> list[Sweep]:
        """Sweep every entity on schedule. A failure stops no other sweep; a slow system delays no other system.

        `systems`: sweep only these."""

        async def sweep(system: str, entity: str) -> Sweep | None:
            if systems is not None and system not in systems:
                return None
            rests = kind != "full" and await self._rests(system, entity)
            return None if rests else await self.sweep(system, entity, kind)

        return await self._at_each_system(sweep)

    async def _at_each_system(self, sweep: Callable[[str, str], Awaitable[Sweep | None]]) -> list[Sweep]:
        """Run `sweep` for every entity: one after the other at each system, but all systems at the same time."""

        async def of(system: str) -> list[Sweep | None]:
            return [await sweep(system, entity) for one, entity in self.entities() if one == system]

        done = await together(*(of(system) for system in sorted(self.connectors)))
        return [report for reports in done for report in reports if report is not None]

    async def sweep_requested(self) -> list[Sweep]:
        """Do the requested sweeps: those for hints of callbacks at most once a minute, all others at once."""
        done = await together(*(self._sweep_requested(system) for system in sorted(self.connectors)))
        return [report for reports in done for report in reports]

    async def keep_sweeping_requested(self, full_seconds: float) -> None:
        """Do sweeps when they are requested, at each system independently. Runs until cancelled.

        Full sweeps that a stop or an unavailable store interrupted are continued. An entity whose last full sweep is
        older than `full_seconds` is swept: a bridge that is restarted more often would never reach the scheduled time.
        """

        async def of(system: str) -> None:
            while True:
                await self._sweep_requested(system)
                await self.seams.clock.sleep(REQUEST_POLL_SECONDS)

        await together(self._request_full_sweeps(full_seconds), *(of(system) for system in sorted(self.connectors)))

    async def _request_full_sweeps(self, full_seconds: float) -> None:
        """Request full sweeps that are overdue or have not moved. One that moves is run by another instance."""
        stood = await self._unfinished()
        await self.seams.clock.sleep(REQUEST_EVERY_SECONDS)
        for (system, entity), stand in (await self._unfinished()).items():
            if stood.get((system, entity)) == stand:
                await self.store.cursors.request(system, entity, "full", by=UNFINISHED)
        for system, entity in self.entities():
            last = await self.store.cursors.get(system, entity, "full")
            if last.done_at is not None and self.store.now() - last.done_at > full_seconds:
                await self.store.cursors.request(system, entity, "full", by=UNFINISHED)

    async def _unfinished(self) -> dict[tuple[str, str], tuple[object, ...]]:
        """Return the positions of full sweeps that began and did not end."""
        found: dict[tuple[str, str], tuple[object, ...]] = {}
        for system, entity in self.entities():
            cursor = await self.store.cursors.get(system, entity, "full")
            if cursor.runs:
                found[system, entity] = (cursor.sweep, cursor.page, cursor.rows)
        return found

    async def _sweep_requested(self, system: str) -> list[Sweep]:
        done: list[Sweep] = []
        for cursor in await self.store.cursors.all():
            asked = cursor.system == system and cursor.asked_at is not None
            if not asked or (system, cursor.entity) not in self.work.routes:
                continue
            if await self.store.systems.unusable(system):
                break
            if cursor.asked_by in PATIENT and await self._patient(cursor):
                continue
            if cursor.asked_by == "match index" and not await self._missing(cursor.system, cursor.entity):
                continue
            done.append(await self.sweep(cursor.system, cursor.entity, cursor.kind))
        return done

    async def _patient(self, cursor: Cursor) -> bool:
        last = max(cursor.started_at or 0.0, (cursor.asked_at or 0.0) if cursor.asked_by == UNFINISHED else 0.0)
        if self.store.now() - last < REQUEST_EVERY_SECONDS:
            return True
        return cursor.kind == "incremental" and await self._rests(cursor.system, cursor.entity)

    async def _rests(self, system: str, entity: str) -> bool:
        """Return whether incremental sweeps pause now. If they are full listings, each pause is ten times as long as
        the last listing took."""
        if self._facts(system, entity).since:
            return False
        last = await self.store.cursors.get(system, entity, "full")
        if last.done_at is None or last.started_at is None or last.done_at < last.started_at:
            return False
        return self.store.now() < last.done_at + REST_FACTOR * (last.done_at - last.started_at)

    def _facts(self, system: str, entity: str) -> EntityManifest:
        return self.connectors[system].manifest.entities[entity]

    async def sweep(self, system: str, entity: str, kind: str) -> Sweep:
        """Do one sweep now. `kind` is "incremental" or "full". The report says what ended it early.

        The first incremental sweep of an entity begins at the time when its full sweep began, because a record may have
        changed after the full sweep read its page. Without a full sweep it begins at the present time.
        """
        async with self._turns[system, entity]:
            report = Sweep(system, entity, kind)
            report.fault = await self.store.systems.unusable(system)
            if report.fault:
                await self.store.cursors.request(system, entity, kind, by=UNFINISHED)
                return report
            try:
                await self._shared(report, self._facts(system, entity))
            except StoreUnavailable:
                raise
            except Exception as error:  # an error in one entity's listing must not stop the sweeps of others
                expected = isinstance(error, RemoteError | CursorMoved)
                report.fault = str(error) if expected else f"{type(error).__name__}: {error}"
                told = {"system": system, "entity": entity, "kind": kind, "reason": report.fault}
                told["once"] = f"sweep {system} {entity} {kind}"
                log.warning("sweep ended early", extra=told, exc_info=not expected)
                await self.store.cursors.request(system, entity, kind, by=UNFINISHED)
        self.observe(system, entity, report.kind, report.rows, report.marked)
        return report

    async def _shared(self, report: Sweep, facts: EntityManifest) -> None:
        """Sweep. Repeat a full sweep if another instance moved its cursor, so that it is whole."""
        times = GIVE_WAY_TIMES if report.kind == "full" else 0
        for _ in range(times):
            try:
                return await self._sweep(report, facts)
            except CursorMoved:
                report.rows = report.skipped = 0
                await self.seams.clock.sleep(GIVE_WAY_SECONDS * (0.5 + self.seams.random.random()))
        return await self._sweep(report, facts)

    async def _sweep(self, report: Sweep, facts: EntityManifest) -> None:
        cursors = self.store.cursors
        cursor = await cursors.get(report.system, report.entity, report.kind)
        if report.kind == "incremental":
            first = await self._first_value(cursor, facts) if facts.since and cursor.value is None else None
            cursor = await cursors.start(report.system, report.entity, "incremental", value=first)
            if not facts.since or self._too_old(cursor, facts):
                report.kind = "full"
                cursor = await cursors.get(report.system, report.entity, "full")
        looked = cursor.value if report.kind == "incremental" else await self._looked(cursor, facts)
        if report.kind == "full":
            resumable = await self._resumable(cursor)
            if resumable:
                cursor = await cursors.resume(report.system, report.entity, "full")
            else:
                cursor = await cursors.start(report.system, report.entity, "full", total=cursor.expected)
        try:
            await self._walk(report, cursor, facts, looked)
        except Rejected:  # the vendor no longer knows the page at which an earlier sweep stopped
            if cursor.page is None:
                raise
            await self._walk(report, await cursors.start(report.system, report.entity, report.kind), facts, looked)

    async def _first_value(self, incremental: Cursor, facts: EntityManifest) -> float:
        full = await self.store.cursors.get(incremental.system, incremental.entity, "full")
        if full.started_at is None:
            return self.store.now() - _overlap(facts)
        return _since_start_of(full.started_at, facts)

    async def _looked(self, full: Cursor, facts: EntityManifest) -> float | None:
        """Return the time up to which sweeps before a full one found changes. `full`: its cursor before it starts."""
        if facts.since:
            return (await self.store.cursors.get(full.system, full.entity, "incremental")).value
        if full.done_at is None or full.started_at is None:
            return None
        return min(full.started_at, full.done_at) - _overlap(facts)

    async def _resumable(self, cursor: Cursor) -> bool:
        """Return whether an interrupted full sweep continues at its page: not if an index lacks earlier pages."""
        if cursor.page is None or cursor.started_at is None:
            return False
        young = self.store.now() - cursor.started_at < RESUME_SECONDS
        return young and not await self._missing(cursor.system, cursor.entity)

    def _too_old(self, cursor: Cursor, facts: EntityManifest) -> bool:
        if cursor.value is None or facts.history is None:
            return False
        return self.store.now() - cursor.value > facts.history - HISTORY_MARGIN_SECONDS

    async def _walk(self, report: Sweep, cursor: Cursor, facts: EntityManifest, looked: float | None) -> None:
        full = report.kind == "full"
        walk = Walk(
            connector=self.connectors[report.system],
            store=self.store,
            seams=self.seams,
            routes=self.work.routes,
            uses=await self._uses(report.system, report.entity),
            purpose=Purpose(Origin.RECONCILE, full=full, looked=looked),
            cursor=cursor,
            report=report,
            found=self.found,
        )
        await walk.run(None if full or cursor.value is None else from_epoch(cursor.value))
        end = CursorMove(report.system, report.entity, report.kind, cursor.sweep, done=True)
        if not full:
            end = replace(end, value=_next_value(cursor, walk.newest, facts))
            await self.store.events.accept([], {}, end)
            return
        if await self._incomplete(walk):
            return
        if walk.whole:
            await self._mark_unseen(walk)
        await self._index(walk)
        await self.store.events.accept([], {}, replace(end, complete=walk.whole))
        await self._begin_incremental(cursor, facts)
        self.store.wake.set()

    async def _index(self, walk: Walk) -> None:
        """Mark the match indexes as filled. A row that was not understood may hold a key, so the first listing with
        such a row fills no index.

        The next listing fills it all the same: the row will probably stay, and one bad row must not stop every create.
        """
        place = (walk.cursor.system, walk.cursor.entity)
        unfilled = [use for use in walk.uses if not use.indexed]
        if walk.whole or place in self._gaps:
            for use in unfilled:
                await self.store.mappings.mark_indexed(use.mapping.name, use.side, use.mapping.match_fingerprint)
        elif unfilled:
            await self.store.cursors.request(*place, "full", by="match index")
        if walk.whole:
            self._gaps.discard(place)
        else:
            self._gaps.add(place)

    async def _incomplete(self, walk: Walk) -> bool:
        """Return whether the listing showed fewer records than the vendor counts. Then it proves no absence and fills
        no index."""
        if walk.total is None:
            return False
        cursor = walk.cursor
        seen = await self.store.sweeps.seen(cursor.system, cursor.entity, cursor.sweep)
        if seen + walk.left_out + walk.report.skipped >= walk.total:
            return False
        walk.report.fault = f"the listing showed {seen} of {walk.total} rows, so it counts as incomplete"
        log.warning("listing is incomplete", extra={"system": cursor.system, "entity": cursor.entity})
        move = CursorMove(cursor.system, cursor.entity, cursor.kind, cursor.sweep, page=None, complete=False)
        await self.store.events.accept([], {}, move)
        return True

    async def _mark_unseen(self, walk: Walk) -> None:
        """Mark linked records and dead letters that a complete listing did not show. The worker's read decides."""
        cursor, missing, known = walk.cursor, set[str](), set[str]()
        for use in walk.uses:
            unseen = await self.store.sweeps.unseen(use.scope, use.side, cursor.sweep, cursor.started_at or 0.0)
            tasks = await self.store.sweeps.tasks(use.mapping.name, use.side, unseen)
            known.update(record_id for record_id, task in tasks.items() if task.pending)
            missing.update(unseen)
        events = [
            Event(cursor.system, cursor.entity, record_id, EventKind.CHANGED, Origin.RECONCILE)
            for record_id in sorted(missing)
        ]
        for start in range(0, len(events), CHUNK):
            await self.store.events.accept(events[start : start + CHUNK], self.work.routes, run=cursor.run)
        walk.report.marked += len(events)
        walk.report.missed += len(events)
        if walk.purpose.looked is not None:
            now, place = self.store.now(), (cursor.system, cursor.entity)
            gone = [
                SweptChange(RecordRef(*place, record_id), EventKind.DELETED, None, now)
                for record_id in sorted(missing - known)
            ]
            walk.found(gone)

    async def _begin_incremental(self, full: Cursor, facts: EntityManifest) -> None:
        """Let the next incremental sweep begin when this full sweep began, if it has no usable position of its own."""
        if not facts.since or full.started_at is None:
            return
        cursor = await self.store.cursors.get(full.system, full.entity, "incremental")
        if cursor.value is None or self._too_old(cursor, facts):
            value = _since_start_of(full.started_at, facts)
            await self.store.cursors.start(full.system, full.entity, "incremental", value=value)

    async def _uses(self, system: str, entity: str) -> Sequence[Use]:
        states, work = await self.store.mappings.states(), self.work
        facts = self._facts(system, entity)
        return [
            Use(work.mappings[route.mapping], work.scopes[route.mapping], route.side, states[route.mapping], facts)
            for route in work.routes.get((system, entity), ())
            if route.mapping in states
        ]

    async def _missing(self, system: str, entity: str) -> bool:
        """Return whether a mapping's match index lacks a complete listing of this entity."""
        return any(not use.indexed for use in await self._uses(system, entity))

    async def index(self) -> list[Sweep]:
        """Complete every missing match index. Run at start and after a mapping was added."""

        async def sweep(system: str, entity: str) -> Sweep | None:
            return await self.sweep(system, entity, "full") if await self._missing(system, entity) else None

        return await self._at_each_system(sweep)

    async def backfill(self, mapping: str, *, preview: bool = False) -> Sweep:
        """Bring in the records from before going live: all that pass `where` and are not linked. A preview only counts.

        An interrupted backfill continues at its page when it is requested again, or by `resume_backfills`.
        """
        if preview:
            return await self._backfill(mapping).run(preview=True)
        if mapping in self._backfills:
            return Sweep("", mapping, "backfill", fault="it is already running")
        self._backfills[mapping] = None
        try:
            return await self._backfill(mapping).run()
        finally:
            del self._backfills[mapping]

    async def keep_backfilling(self) -> None:
        """Continue backfills that a stop, an outage or a used-up quota interrupted. Runs until cancelled."""
        try:
            while True:
                await self.resume_backfills()
                await self.seams.clock.sleep(RESUME_LOOK_SECONDS)
        finally:
            going_on = [task for task in self._backfills.values() if task is not None]
            for task in going_on:
                task.cancel()
            await asyncio.gather(*going_on, return_exceptions=True)

    async def resume_backfills(self) -> list[asyncio.Task[Sweep]]:
        """Start interrupted backfills, each as its own task: one that waits must not block the others.

        A backfill that moved since the last look is left alone, because another instance runs it.
        """
        started = []
        for name in self.work.mappings:
            stands = await self._backfill(name).stands()
            stood, self._stood[name] = self._stood.get(name, stands), stands
            if stands is not None and stands == stood and name not in self._backfills:
                task = asyncio.get_running_loop().create_task(self._go_on(name), name=f"backfill {name}")
                self._backfills[name] = task
                task.add_done_callback(partial(self._ended, name))
                started.append(task)
        return started

    def _ended(self, mapping: str, _task: asyncio.Task[Sweep]) -> None:
        del self._backfills[mapping]

    async def _go_on(self, mapping: str) -> Sweep:
        report = Sweep("", mapping, "backfill")
        try:
            report = await self._backfill(mapping).run()
        except StoreUnavailable as error:
            report.fault = str(error)
        except Exception as error:  # an error in one mapping must not stop the others
            log.exception("backfill failed", extra={"mapping": mapping})
            report.fault = f"{type(error).__name__}: {error}"
        ended = f"it ended early and continues by itself: {report.fault}" if report.fault else "it is done"
        log.info("backfill continued", extra={"mapping": mapping, "rows": report.rows, "reason": ended})
        return report

    def _backfill(self, mapping: str) -> Backfill:
        work = self.work
        return Backfill(work.mappings[mapping], work.scopes[mapping], self.connectors, self.store, self.seams)


def _overlap(facts: EntityManifest) -> float:
    return facts.read_lag + facts.since_lag + OVERLAP_SECONDS


def _since_start_of(started_at: float, facts: EntityManifest) -> float:
    """Return a modified-since that covers every change that a full sweep begun at `started_at` may have missed."""
    return started_at - TRUSTED_SKEW_SECONDS - _overlap(facts)


def _next_value(cursor: Cursor, newest: float | None, facts: EntityManifest) -> float | None:
    """Return the cursor's next value, less the overlap; None leaves the cursor where it is.

    It must not pass the vendor's clock at the start of the sweep. So it is the newest time that the vendor showed, or
    the bridge's own time less the greatest skew, whichever is later.
    """
    if cursor.started_at is None:
        return None
    certain = cursor.started_at - TRUSTED_SKEW_SECONDS
    reached = min(cursor.started_at, certain if newest is None else max(newest, certain)) - _overlap(facts)
    return reached if cursor.value is None or reached > cursor.value else None
