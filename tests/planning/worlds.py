"""Random states of two products and a store, and the whole live run that a plan predicts."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, select

from bridge.domain.catalog import Lookup
from bridge.domain.record import RecordRef
from bridge.domain.seams import Seams
from bridge.planning.pretend import Write
from bridge.planning.rehearsal import parents_first
from bridge.reconcile.reconciler import MappingsInUse, Reconciler
from bridge.store import Store, open_store
from bridge.store.model import Mode
from bridge.store.tables import metadata
from bridge.sync.situation import Limits
from tests.clock import FakeClock
from tests.planning.planned import FOLDER, HoldingProduct
from tests.product import manifest
from tests.sync.bench import Bench, make_bench

MAPPINGS = """
mapping: companies
sides: {crm: fake company, erp: fake company}
direction: both
creates: [crm, erp]
match: [name]
duplicates: %(duplicates)s
conflict: crm
deleted: {crm: delete, erp: unlink}
fields:
  name: {crm: name, erp: name}
  notes: {crm: notes, erp: notes}
---
mapping: people
sides: {crm: fake person, erp: fake person}
direction: both
creates: [crm, erp]
match: [email]
duplicates: %(duplicates)s
conflict: crm
deleted: {crm: delete, erp: unlink}
fields:
  name:  {crm: name, erp: name}
  email: {crm: email, erp: email, type: email}
  phone: {crm: phone, erp: phone, absent: keep}
  notes: {crm: notes, erp: notes, conflict: ask}
  company: {crm: company_id, erp: company_id, link: companies}
"""


@dataclass
class World:
    """A bench whose products hold back writes for plans, and the actions of people there."""

    bench: Bench
    reconciler: Reconciler
    chance: random.Random
    sides: Mapping[str, HoldingProduct]

    def people_act(self, acts: int) -> None:
        for _ in range(acts):
            self._act(self.chance.choice(list(self.sides.values())))

    def _act(self, product: HoldingProduct) -> None:
        chance, live = self.chance, product.live("person")
        companies = product.live("company")
        match chance.randrange(6):
            case 0 | 1:
                company = chance.choice([None, *companies])
                number = chance.randrange(9)
                product.person_creates(
                    "person",
                    name=f"Person {number}",
                    email=f"p{number}@x.example",
                    phone=chance.choice((None, f"{number}")),
                    company_id=company,
                )
            case 2:
                product.person_creates("company", name=f"Company {chance.randrange(6)}")
            case 3 | 4 if live:
                field = chance.choice(("name", "phone", "notes", "company_id"))
                value = (
                    chance.choice([None, *companies]) if field == "company_id" else f"{field} {chance.randrange(99)}"
                )
                product.person_edits("person", chance.choice(sorted(live)), **{field: value})
            case 5 if live and chance.random() < 0.5:
                product.person_deletes("person", chance.choice(sorted(live)))

    @property
    def crm(self) -> HoldingProduct:
        return self.sides["crm"]

    @property
    def erp(self) -> HoldingProduct:
        return self.sides["erp"]

    async def goes_live(self, seconds: float = 4000.0) -> None:
        """Do the live run of a plan with a backfill: compare both sides whole and process every record."""
        for system, entity in self.reconciler.entities():
            report = await self.reconciler.sweep(system, entity, "full")
            assert not report.fault
        await self._work(seconds)
        for name in parents_first(self.bench.parts.mappings, self.bench.parts.mappings):
            await self.reconciler.backfill(name)
            await self._work(seconds)

    async def _work(self, seconds: float) -> None:
        bench, end = self.bench, self.bench.store.now() + seconds
        limits = bench.parts.limits
        while True:
            claims = await bench.store.tasks.claim(limits.workers, bench.parts.scopes, limits.lease_seconds)
            for claim in claims:
                await bench.worker._work(claim)
            if claims:
                continue
            due = await bench.store.tasks.next_due(bench.parts.scopes)
            if due is None or due > end:
                return
            bench.clock.advance(max(0.1, due - bench.store.now()))

    def wrote(self) -> list[Write]:
        """Return all writes of the bridge so far."""
        return [write for product in self.sides.values() for write in product.wrote]


def traits(chance: random.Random) -> dict[str, Any]:
    """How products may differ: versions, a search, whole records, read lag, what answers and deletes show."""
    facts = manifest(
        read_lag=2.0,
        version_resolution=chance.choice((1.0, None)),
        lookup=chance.choice((Lookup.NONE, Lookup.EXACT)),
        lookup_columns=frozenset({"email", "name"}),
        whole_record=chance.random() < 0.3,
    )
    return {
        "manifest": facts,
        "lag": chance.choice((0.0, 0.5, 1.8)),
        "answers_record": chance.random() < 0.6,
        "hard_delete": chance.random() < 0.3,
    }


@asynccontextmanager
async def world(
    seed: int, text: str, mode: Mode = Mode.LIVE, limits: Limits | None = None, **facts: Any
) -> AsyncIterator[World]:
    """Make an empty world. facts: of both products."""
    clock, ids, chance = FakeClock(), count(1), random.Random(seed)
    seams = Seams(clock, random.Random(seed), lambda: f"id-{next(ids)}", "copy-1")
    with TemporaryDirectory(prefix="world-", dir=FOLDER) as at:
        store = await open_store(f"sqlite:///{at}/bridge.sqlite", seams)
        try:
            sides = {name: HoldingProduct(name, clock, **facts) for name in ("crm", "erp")}
            bench = make_bench(store, clock, seams, text, mode, limits or Limits(), **sides)
            bench.routes = {place: tuple(found) for place, found in bench.routes.items()}
            await store.mappings.sync(bench.parts.scopes)
            await bench.systems.start()
            work = MappingsInUse(bench.parts.mappings, bench.parts.scopes, bench.routes)
            reconciler = Reconciler(bench.parts.connectors, work, store, seams)
            yield World(bench, reconciler, chance, sides)
        finally:
            await store.close()


def comparable(writes: list[Write]) -> Counter[str]:
    """Return writes in a form in which those of a plan and of a live run are equal: a created record is named by its
    columns, because the ids differ."""
    made = {}
    for write in writes:
        if write.what == "create":
            made[write.ref] = f"made as {write.fields.get('email') or write.fields['name']}"

    def text(write: Write) -> str:
        fields = dict(write.fields)
        company = fields.get("company_id")
        if company is not None:
            fields["company_id"] = made.get(RecordRef(write.ref.system, "company", company), company)
        record = made.get(write.ref, str(write.ref))
        return f"{write.what} {write.ref.system} {write.ref.entity} {record}: {sorted(fields.items(), key=str)}"

    return Counter(map(text, writes))


async def contents(store: Store) -> dict[str, list[Any]]:
    """Return every row of every table."""

    def work(conn: Connection) -> dict[str, list[Any]]:
        tables = metadata.sorted_tables
        return {table.name: sorted(map(repr, conn.execute(select(table)).all())) for table in tables}

    return await store.database.read(work)
