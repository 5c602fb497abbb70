"""Two instances on one store, each with leases and fences of its own."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace

import pytest

from bridge.connectors.protocols import Written
from bridge.domain.record import Fields, Gone, Record, RecordRef
from bridge.domain.seams import Seams
from bridge.store import Store, open_store, sqlite_file
from bridge.sync.retry import SystemWatch
from bridge.sync.situation import Limits
from bridge.sync.worker import Worker
from tests.clock import FakeClock
from tests.product import FakeProduct, killed
from tests.sync.bench import WITH_COMPANIES, Bench

ANA = {"name": "Ana Lund", "email": "ana@x.example", "phone": "1"}
LIMITS = Limits(lease_seconds=20, write_seconds=10)


@pytest.fixture(autouse=True)
def a_busy_file_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit of the other store takes real time: the bench's clock passes five seconds before a slow disk is done."""
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 1e9)


@dataclass
class Busy(FakeProduct):
    """A product that lets others run in the middle of every call, and notes overlapping writes to one record."""

    writing: Counter[RecordRef] = field(default_factory=Counter)
    overlaps: int = 0
    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def read(self, ref: RecordRef) -> Record | Gone:
        await asyncio.sleep(0)
        return await super().read(ref)

    async def create(self, entity: str, fields: Fields) -> Written:
        written = await super().create(entity, fields)
        if self.meanwhile is not None:
            act, self.meanwhile = self.meanwhile, None
            await act()
        await asyncio.sleep(0)
        return written

    async def update(self, fresh: Record, changes: Fields) -> Written:
        self.overlaps += self.writing[fresh.ref]
        self.writing[fresh.ref] += 1
        await asyncio.sleep(0.005)
        try:
            return await super().update(fresh, changes)
        finally:
            self.writing[fresh.ref] -= 1


class Pair:
    """A bench with two workers. `done`: how many claims each of them has ended."""

    def __init__(self, bench: Bench, second: Worker) -> None:
        self.bench = bench
        self.workers = (bench.worker, second)
        self.done = Counter[int]()

    async def turn(self, copy: int) -> int:
        worker = self.workers[copy]
        claims = await worker.parts.store.tasks.claim(3, worker.parts.scopes, LIMITS.lease_seconds)
        await asyncio.gather(*(worker._work(claim) for claim in claims), return_exceptions=True)
        self.done[copy] += len(claims)
        return len(claims)

    async def settle(self) -> None:
        for _ in range(300):
            await self.bench.tell_all()
            if any(await asyncio.gather(self.turn(0), self.turn(1))):
                continue
            due = await self.bench.store.tasks.next_due(self.bench.parts.scopes)
            if due is None and await self.bench.store.tasks.waiting() == 0:
                return
            self.bench.clock.advance(max(0.1, (due or 0.0) - self.bench.store.now()))
        raise AssertionError("the copies do not come to rest")


@pytest.fixture
async def pair(
    new_bench: Callable[..., Awaitable[Bench]],
    clock: FakeClock,
    made_url: str,
    new_seams: Callable[..., Seams],
) -> AsyncIterator[Pair]:
    crm, erp = Busy("crm", clock), Busy("erp", clock)
    bench = await new_bench(WITH_COMPANIES, limits=LIMITS, crm=crm, erp=erp)
    seams = new_seams("copy-2")
    store: Store = await open_store(made_url, seams)
    store.database.offset = 0.0
    parts = replace(bench.parts, store=store, seams=seams)
    yield Pair(bench, Worker(parts, SystemWatch(parts.connectors, store, seams)))
    await store.close()


def _in_sync(bench: Bench, entity: str) -> bool:
    key = "email" if entity == "person" else "name"
    sides = [sorted(fields[key] for fields in product.live(entity).values()) for product in (bench.crm, bench.erp)]
    return sides[0] == sides[1] and len(set(sides[0])) == len(sides[0])


async def test_promise_5_two_instances_that_work_at_once_create_once(pair: Pair) -> None:
    bench = pair.bench
    company = bench.crm.person_creates("company", name="Acme")
    for number in range(6):
        bench.crm.person_creates("person", name=f"A{number}", email=f"a{number}@x.example", company_id=company)
        bench.erp.person_creates("person", name=f"B{number}", email=f"b{number}@x.example")
    for product in (bench.crm, bench.erp):
        same = product.person_creates("person", **ANA)
        await bench.tell(product.system, "person", same)
    await bench.index()
    await pair.settle()
    assert _in_sync(bench, "person")
    assert _in_sync(bench, "company")
    assert len(bench.crm.live("person")) == 13
    assert min(pair.done[0], pair.done[1]) > 0


async def test_promise_3_two_instances_never_write_one_record_at_once(pair: Pair) -> None:
    bench = pair.bench
    record_id = bench.crm.person_creates("person", **ANA)
    await pair.settle()
    (there,) = bench.erp.live("person")
    for number in range(8):
        bench.clock.advance(5)
        bench.crm.person_edits("person", record_id, name=f"Ana {number}")
        bench.erp.person_edits("person", there, phone=f"+47 {number}")
        await bench.tell_all()
        await asyncio.gather(pair.turn(0), pair.turn(1), pair.turn(0), pair.turn(1))
    await pair.settle()
    for product in (bench.crm, bench.erp):
        assert isinstance(product, Busy)
        assert product.overlaps == 0
        ((_, fields),) = product.live("person").items()
        assert (fields["name"], fields["phone"]) == ("Ana 7", "+47 7")


async def test_promise_5_what_an_instance_created_before_it_died_is_found_by_the_other(pair: Pair) -> None:
    bench = pair.bench
    bench.erp.fail = killed("after create")
    bench.crm.person_creates("person", **ANA)
    await bench.tell_all()
    await pair.turn(0)
    assert len(bench.erp.live("person")) == 1
    assert await pair.turn(1) == 0  # the dead instance's lease is still valid
    bench.clock.advance(LIMITS.lease_seconds + 6)
    while await pair.turn(1):
        bench.clock.advance(LIMITS.write_seconds)
    await pair.settle()
    assert _in_sync(bench, "person")
    assert len(bench.erp.live("person")) == 1


async def test_promise_5_an_instance_that_was_too_slow_and_the_one_that_took_over_create_one_record(pair: Pair) -> None:
    """The answer comes after the lease has expired and the other instance has settled the create."""
    bench = pair.bench
    erp = bench.erp
    assert isinstance(erp, Busy)

    async def meanwhile() -> None:
        for _ in range(4):
            bench.clock.advance(LIMITS.lease_seconds + 6)
            await pair.turn(1)

    erp.meanwhile = meanwhile
    bench.crm.person_creates("person", **ANA)
    await bench.tell_all()
    await pair.turn(0)
    await pair.settle()
    assert len(erp.live("person")) == len(bench.crm.live("person")) == 1
    assert erp.calls.count("create") == 1
    assert pair.done[1] > 0
