"""Two products in memory whose listings have pages, a real store, the worker, a reconciler, and no callbacks."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bridge.connectors.protocols import Page
from bridge.domain.record import Evidence, Fields, Gone, Record, RecordRef
from bridge.domain.seams import Seams
from bridge.reconcile.reconciler import MappingsInUse, Reconciler
from bridge.store import Store
from bridge.store.model import Mode
from tests.clock import FakeClock
from tests.product import FakeProduct
from tests.sync.bench import PEOPLE, Bench, make_bench

ANA = {"name": "Ana Lund", "email": "ana@x.example"}


@dataclass
class PagedProduct(FakeProduct):
    """Lists in key order, `page_size` rows a page. `states_total`: gives the number of rows, plus `hidden` rows that it
    never shows. `flags_deletes`: a listing by time shows deleted rows. `before_page`: called with each page's token.
    """

    page_size: int = 2
    states_total: bool = False
    hidden: int = 0
    flags_deletes: bool = False
    before_page: Callable[[str | None], None] = lambda token: None
    tokens: list[str | None] = field(default_factory=list)

    async def list(self, entity: str, *, since: datetime | None, page: str | None, where: Fields) -> Page:
        self._called("list")
        self.before_page(page)
        self.tokens.append(page)
        shown = [row for record_id, row in self._all(entity, since) if page is None or int(record_id) > int(page)]
        more = shown[self.page_size - 1].ref.id if len(shown) > self.page_size else None
        total = len(self._all(entity, None)) + self.hidden if self.states_total and since is None else None
        return Page(shown[: self.page_size], more, total)

    def _all(self, entity: str, since: datetime | None) -> Sequence[tuple[str, Record | Gone]]:
        found = []
        for (kind, record_id), row in sorted(self.rows.items(), key=lambda item: int(item[0][1])):
            ref = RecordRef(self.system, kind, record_id)
            if kind != entity or (since is not None and row.modified < since):
                continue
            if not row.deleted:
                found.append((record_id, self._record(ref, row.fields, row.modified, row.created)))
            elif self.flags_deletes and since is not None:
                found.append((record_id, Gone(ref, Evidence.FLAG, row.merged_into, row.modified)))
        return found


@dataclass
class SkewedClock(FakeClock):
    """Another clock that is wrong by `seconds`."""

    true: FakeClock
    seconds: float

    def now(self) -> datetime:
        return self.true.now() + timedelta(seconds=self.seconds)


@dataclass
class SweepBench:
    bench: Bench
    crm: PagedProduct
    erp: PagedProduct
    reconciler: Reconciler
    store: Store
    clock: FakeClock

    async def work(self, seconds: float = 600.0) -> None:
        """Let the worker do what becomes due within `seconds`; no callback arrives."""
        end = self.store.now() + seconds
        while True:
            if await self.bench.turn():
                continue
            due = await self.store.tasks.next_due(self.bench.parts.scopes, self.bench.systems.blocked)
            if due is None or due > end:
                return
            self.clock.advance(max(0.001, due - self.store.now()))

    async def go_live(self, *, backfill: bool = False) -> None:
        """Do what a bridge does when it starts: index, then first incremental sweeps."""
        await self.reconciler.index()
        await self.reconciler.sweep_all("incremental")
        if backfill:
            for name in self.bench.parts.mappings:
                await self.reconciler.backfill(name)
        await self.work()

    async def sweep(self, kind: str = "incremental") -> dict[str, int]:
        """Sweep everything and let the worker run; return how many rows each system's sweeps marked."""
        marked = {}
        for report in await self.reconciler.sweep_all(kind):
            assert report.fault == ""
            marked[report.system] = marked.get(report.system, 0) + report.marked
        await self.work()
        return marked

    def names(self, system: str) -> list[str]:
        return sorted(str(fields["name"]) for fields in self.bench.product(system).live("person").values())


NewSweepBench = Callable[..., Awaitable[SweepBench]]


async def make_sweep_bench(
    store: Store,
    clock: FakeClock,
    seams: Seams,
    text: str = PEOPLE,
    mode: Mode = Mode.LIVE,
    crm: dict[str, Any] | None = None,
    erp: dict[str, Any] | None = None,
) -> SweepBench:
    """`crm`, `erp`: arguments of their PagedProduct besides the clock."""
    store.database.offset = 0.0
    left = PagedProduct("crm", **{"clock": clock, **(crm or {})})
    right = PagedProduct("erp", **{"clock": clock, **(erp or {})})
    bench = make_bench(store, clock, seams, text, mode, crm=left, erp=right)
    reconciler = Reconciler(
        {"crm": left, "erp": right}, MappingsInUse(bench.parts.mappings, bench.parts.scopes, bench.routes), store, seams
    )
    return SweepBench(bench, left, right, reconciler, store, clock)


async def start(site: SweepBench) -> None:
    """Start the bench as a bridge that goes live now."""
    await site.store.mappings.sync(site.bench.parts.scopes)
    await site.bench.systems.start()


async def linked(new_bench: NewSweepBench, **options: Any) -> tuple[SweepBench, str]:
    """A bridge that has run for a while, with Ana on both sides; return her id in the crm."""
    bench = await new_bench(**options)
    await bench.go_live()
    bench.clock.advance(3600)
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.sweep()
    assert bench.names("erp") == ["Ana Lund"]
    bench.clock.advance(3600)
    await bench.sweep()
    return bench, record_id


def failing(at: str | None, error: Exception, times: int = 1) -> Callable[[str | None], None]:
    left = [error] * times

    def before_page(token: str | None) -> None:
        if token == at and left:
            raise left.pop()

    return before_page
