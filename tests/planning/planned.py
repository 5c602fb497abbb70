"""Products that can hold back writes, and a plan of a bench's state."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bridge.connectors.holding import hold
from bridge.connectors.protocols import Connector, Page, Written
from bridge.domain.errors import Rejected
from bridge.domain.record import Fields, Gone, Record, RecordRef
from bridge.domain.seams import Clock
from bridge.planning.clock import SkippingClock
from bridge.planning.pretend import Notes, Pretending, Write
from bridge.planning.rehearsal import Rehearsal
from bridge.planning.rows import Kind, Row
from bridge.planning.spool import Spool
from bridge.store.scratch import scratch_copy
from tests.integration.sweep_bench import PagedProduct
from tests.sync.bench import Bench

FOLDER = "/dev/shm" if Path("/dev/shm").is_dir() else None


@dataclass
class HoldingProduct(PagedProduct):
    """Like a connector over HTTP: where writes are held, a call that would change something is not made.

    `wrote`: the real writes, with all values. `refuses`: an e-mail address that every create refuses.
    """

    refuses: str = ""
    skips: int = 0  # rows of each page that cannot be read
    wrote: list[Write] = field(default_factory=list)

    def _called(self, name: str) -> None:
        if name in ("create", "update", "delete"):
            hold("POST", name)
        super()._called(name)

    async def create(self, entity: str, fields: Fields) -> Written:
        if self.refuses and fields.get("email") == self.refuses:
            raise Rejected(self.system, "this address is not allowed", field="email")
        written = await super().create(entity, fields)
        self._wrote("create", RecordRef(self.system, entity, written.id), fields)
        return written

    async def update(self, fresh: Record, changes: Fields) -> Written:
        written = await super().update(fresh, changes)
        self._wrote("update", fresh.ref, changes)
        return written

    async def delete(self, fresh: Record) -> None:
        await super().delete(fresh)
        self._wrote("delete", fresh.ref, {})

    async def list(self, entity: str, *, since: datetime | None, page: str | None, where: Fields) -> Page:
        return replace(await super().list(entity, since=since, page=page, where=where), skipped=self.skips)

    def _wrote(self, what: str, ref: RecordRef, fields: Fields) -> None:
        self.wrote.append(Write(what, ref, dict(fields)))


@dataclass
class Planned:
    """A finished plan. `writes`: the writes that the connectors noted, in order."""

    spool: Spool
    rehearsal: Rehearsal
    writes: list[Write]

    def rows(self, kind: Kind | None = None) -> Sequence[Row]:
        return list(self.spool.rows(kind=kind))


class Noting(Pretending):
    """Also keeps every write, for comparison with the writes of a live run."""

    def __init__(self, real: Connector, notes: Notes, clock: Clock, writes: list[Write]) -> None:
        super().__init__(real, notes, clock)
        self.noted = writes

    def _note(self, write: Write, state: Record | Gone) -> None:
        super()._note(write, state)
        self.noted.append(write)


@asynccontextmanager
async def planned(bench: Bench, *backfills: str) -> AsyncIterator[Planned]:
    """Return the plan of a bench's store and products in their current state."""
    with TemporaryDirectory(prefix="plan-", dir=FOLDER) as at:
        folder, clock = Path(at), SkippingClock(bench.clock)
        seams = replace(bench.seams, clock=clock, instance="plan")
        store = await scratch_copy(bench.store, folder, seams)
        spool = Spool(folder)
        try:
            notes, writes = Notes(spool, clock.now), list[Write]()
            connectors = {
                name: Noting(real, notes, bench.clock, writes) for name, real in bench.parts.connectors.items()
            }
            parts = bench.parts
            rehearsal = Rehearsal(
                replace(parts, store=store, connectors=connectors, seams=seams), bench.routes, notes, clock
            )
            await rehearsal.run(backfills)
            yield Planned(spool, rehearsal, writes)
        finally:
            spool.close()
            await store.close()
