"""A bench for the worker: two products in memory, a real store, mapping text, and a clock that jumps to due tasks."""

import asyncio
from collections import Counter
from collections.abc import Mapping as MappingOf
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from sqlalchemy import Connection, func, select

from bridge.app.plan import quiet_of
from bridge.connectors.protocols import Connector
from bridge.domain.event import Event, EventKind, Origin
from bridge.domain.record import Record, Side
from bridge.domain.seams import FailPoint, Seams
from bridge.mapping import translate
from bridge.mapping.load import load_text
from bridge.mapping.model import Mapping
from bridge.mapping.types import registry
from bridge.store.engine import Store
from bridge.store.model import Claim, Endpoint, JournalEntry, KeyNote, Mode, Route, Routes, Scope, TaskKey
from bridge.store.tables import events
from bridge.store.tasks import Mark, mark_due
from bridge.sync.retry import SystemWatch
from bridge.sync.situation import Limits, Parts
from bridge.sync.worker import Worker
from tests.clock import FakeClock
from tests.product import FakeProduct

PEOPLE = """
mapping: people
sides: {crm: fake person, erp: fake person}
direction: both
creates: [crm, erp]
match: [email]
conflict: crm
deleted: {crm: delete, erp: unlink}
fields:
  name:  {crm: name, erp: name}
  email: {crm: email, erp: email, type: email}
  phone: {crm: phone, erp: phone, absent: clear}
"""

WITH_COMPANIES = (
    """
mapping: companies
sides: {crm: fake company, erp: fake company}
direction: both
creates: [crm, erp]
match: [name]
conflict: crm
fields:
  name: {crm: name, erp: name}
---
"""
    + PEOPLE.strip()
    + """
  company: {crm: company_id, erp: company_id, link: companies}
"""
)

HELD_SECONDS = 0.1  # a due task that cannot be claimed is held by a worker that died

KINDS = {"created": EventKind.CREATED, "changed": EventKind.CHANGED, "deleted": EventKind.DELETED}


@dataclass
class Bench:
    """`crm` is the left side, `erp` the right one."""

    store: Store
    clock: FakeClock
    crm: FakeProduct
    erp: FakeProduct
    seams: Seams
    parts: Parts
    routes: Routes
    systems: SystemWatch
    worker: Worker
    seen: dict[tuple[str, str, str], Any] = field(default_factory=dict)
    actors: dict[str, str] = field(default_factory=dict)
    """By system, the person that callbacks name as the author of a change. Callbacks of other systems name nobody."""

    def product(self, system: str) -> FakeProduct:
        return self.crm if system == "crm" else self.erp

    async def index(self) -> None:
        """Index a complete listing of both sides, as the first full sweep does."""
        await self.store.mappings.sync(self.parts.scopes)
        for name, mapping in self.parts.mappings.items():
            for side in Side:
                endpoint = self.parts.scopes[name].endpoint(side)
                await self._index_side(mapping, side, endpoint)
                await self.store.mappings.mark_indexed(name, side, mapping.match_fingerprint)

    async def _index_side(self, mapping: Any, side: Side, endpoint: Endpoint) -> None:
        product, keys = self.product(endpoint.system), []
        page = await product.list(endpoint.entity, since=None, page=None, where={})
        for row in page.rows:
            assert isinstance(row, Record)
            values = translate.read(mapping, side, row.fields).values
            keys.append(KeyNote(mapping.name, side, row.ref.id, translate.index_hashes(mapping, values)))
        await self.store.events.accept([], self.routes, keys=keys)

    async def tell(self, system: str, entity: str, record_id: str, kind: str = "changed", **more: Any) -> None:
        """Accept a callback about one record."""
        more = {"actor": self.actors.get(system), **more}
        event = Event(system, entity, record_id, KINDS[kind], Origin.WEBHOOK, source_at=self.clock.now(), **more)
        await self.store.events.accept([event], self.routes)

    async def tell_all(self) -> None:
        """Accept a callback about every record of both systems that changed since the last call."""
        for product in (self.crm, self.erp):
            for (entity, record_id), row in list(product.rows.items()):
                state = (row.deleted, dict(row.fields))
                if self.seen.get((product.system, entity, record_id)) != state:
                    await self.tell(product.system, entity, record_id, "deleted" if row.deleted else "changed")
                    self.seen[product.system, entity, record_id] = state

    async def settle(self, seconds: float = 600.0) -> None:
        """Work until nothing is due for `seconds` of the bench's clock, and report changes on the way."""
        end = self.store.now() + seconds
        while True:
            await self.tell_all()
            if await self.turn():
                continue
            due = await self.store.tasks.next_due(self.parts.scopes, self.systems.blocked)
            probe = min(self.systems.next_probe.values(), default=None)
            nexts = [moment for moment in (due, probe) if moment is not None]
            if not nexts or min(nexts) > end:
                return
            wait = min(nexts) - self.store.now()
            self.clock.advance(wait if wait > 0 else HELD_SECONDS)
            await self._probe()

    async def _probe(self) -> None:
        for name, at in list(self.systems.next_probe.items()):
            if at <= self.store.now():
                await self.systems.check(name)

    async def turn(self) -> int:
        """Run one round of claims to their end. Returns how many there were."""
        limits = self.parts.limits
        claims: list[Claim] = []
        with suppress(asyncio.CancelledError):
            claims = await self.store.tasks.claim(4, self.parts.scopes, limits.lease_seconds, self.systems.blocked)
        for claim in claims:
            with suppress(asyncio.CancelledError):  # a fault killed the worker; its leases expire later
                await self.worker._work(claim)
        return len(claims)

    async def assert_silent(self) -> None:
        """Report every record once more: the bridge must write nothing."""
        before = list(self.crm.writes()), list(self.erp.writes())
        for product in (self.crm, self.erp):
            for entity, record_id in list(product.rows):
                await self.tell(product.system, entity, record_id)
        await self.settle()
        assert (self.crm.writes(), self.erp.writes()) == before

    def missed(self, system: str, entity: str, record_id: str) -> None:
        """Drop the callbacks about this record's changes until now."""
        row = self.product(system).rows[entity, record_id]
        self.seen[system, entity, record_id] = (row.deleted, dict(row.fields))

    async def adopt(self, text: str, mode: Mode = Mode.LIVE) -> None:
        """Use other mapping files or another mode from now on, as after a SIGHUP or a restart."""
        mappings, scopes, self.routes = _bound(text, mode, self.crm, self.erp)
        self.parts = replace(self.parts, mappings=mappings, scopes=scopes)
        self.worker.parts = self.parts
        await self.store.mappings.sync(scopes)

    def fail_at(self, failpoint: FailPoint) -> None:
        """Call `failpoint` at every failpoint of the bridge from now on."""
        self.parts = replace(self.parts, seams=replace(self.parts.seams, failpoint=failpoint))
        self.worker.parts = self.parts
        self.store.database.seams = replace(self.store.database.seams, failpoint=failpoint)

    async def turn_once(self) -> None:
        """Report changes, and run the first claims only."""
        await self.tell_all()
        await self.turn()

    async def tell_and_wait(self) -> None:
        """Report changes, and let the read lag pass."""
        await self.tell_all()
        self.clock.advance(3.0)

    async def make_due(self, mapping: str, side: Side, record_id: str, because: TaskKey) -> None:
        """Make a task due without an event, as a record does that waits for it."""
        task = await self.store.tasks.get(because)
        assert task is not None
        mark = [Mark(TaskKey(mapping, side, record_id), task.lane, self.store.now(), task.generation + 1)]
        await self.store.database.write("mark", lambda conn: mark_due(self.store.database, conn, mark))

    async def totals(self, mapping: str = "people") -> MappingOf[str, int]:
        return (await self.store.tasks.totals())[mapping]

    async def assert_accounted(self) -> None:
        """Promise 9: every stored event counts once in each mapping of its entity, and has an outcome or waits."""
        stored = await self._stored()
        for name, totals in (await self.store.tasks.totals()).items():
            parts = ("applied", "unchanged", "coalesced", "filtered", "waiting", "dead", "discarded")
            assert totals["accepted"] == sum(totals[part] for part in parts) == stored[name], (name, totals)

    async def _stored(self) -> Counter[str]:
        """Events in the store by mapping, counted without the running totals."""
        query = select(events.c.system, events.c.entity, func.count()).where(events.c.rec.is_not(None))
        query = query.group_by(events.c.system, events.c.entity)

        def work(conn: Connection) -> list[Any]:
            return list(conn.execute(query))

        counted = Counter[str]()
        for system, entity, number in await self.store.database.read(work):
            for route in self.routes[system, entity]:
                counted[route.mapping] += number
        return counted

    async def story(self, system: str, entity: str, record_id: str) -> list[str]:
        """The kinds of a record's journal entries, oldest first."""
        return [entry.what for entry in await self.journal(system, entity, record_id)]

    async def journal(self, system: str, entity: str, record_id: str) -> list[JournalEntry]:
        entries: list[JournalEntry] = []
        for name, scope in self.parts.scopes.items():
            for side in Side:
                endpoint = scope.endpoint(side)
                if (endpoint.system, endpoint.entity) == (system, entity):
                    rows = await self.store.journal.about(name, side, record_id, limit=100)
                    entries += [row.entry for row in reversed(rows)]
        return entries


def make_bench(
    store: Store,
    clock: FakeClock,
    seams: Seams,
    text: str = PEOPLE,
    mode: Mode = Mode.LIVE,
    limits: Limits | None = None,
    crm: FakeProduct | None = None,
    erp: FakeProduct | None = None,
) -> Bench:
    """Wire two products, a store and mapping text together by hand."""
    crm, erp = crm or FakeProduct("crm", clock), erp or FakeProduct("erp", clock)
    mappings, scopes, routes = _bound(text, mode, crm, erp)
    connectors: dict[str, Connector] = {"crm": crm, "erp": erp}
    parts = Parts(store, connectors, mappings, scopes, seams, limits or Limits())
    systems = SystemWatch(connectors, store, seams)
    return Bench(store, clock, crm, erp, seams, parts, routes, systems, Worker(parts, systems))


@cache
def _loaded(text: str, types: int) -> tuple[Mapping, ...]:
    """Load the mappings of a text once for all tests. They are frozen. `types`: the identity of the table of types."""
    return tuple(load_text(text, "bench.yaml"))


def _bound(
    text: str, mode: Mode, crm: FakeProduct, erp: FakeProduct
) -> tuple[dict[str, Mapping], dict[str, Scope], Routes]:
    mappings = {mapping.name: mapping for mapping in _loaded(text, id(registry.TYPES))}
    scopes: dict[str, Scope] = {}
    routes: dict[tuple[str, str], list[Route]] = {}
    for name, mapping in mappings.items():
        ends = {}
        for side, product in ((Side.LEFT, crm), (Side.RIGHT, erp)):
            entity = mapping.side(side).entity
            facts = product.manifest.entities[entity]
            ends[side] = Endpoint(product.system, entity, facts.read_lag, facts.version_resolution is not None)
            routes.setdefault((product.system, entity), []).append(Route(name, side, ends[side], quiet_of(mapping)))
        scopes[name] = Scope(
            name, mapping.fingerprint, mapping.match_fingerprint, mode, ends[Side.LEFT], ends[Side.RIGHT]
        )
    return mappings, scopes, routes
