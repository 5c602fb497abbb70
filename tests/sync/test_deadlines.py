"""A write ends at its deadline, so that it cannot arrive after its outcome was checked."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from sqlalchemy import select

from bridge.connectors.noting import note_call
from bridge.connectors.protocols import Fields, Written
from bridge.domain.record import Record
from bridge.store.tables import leases
from bridge.sync.situation import Limits
from tests.clock import FakeClock
from tests.product import FakeProduct
from tests.sync.bench import Bench

NewBench = Callable[..., Awaitable[Bench]]
ANA = {"name": "Ana Lund", "email": "ana@x.example", "phone": "+47 22 33 44 55"}
HASTY = Limits(write_seconds=0.05)


class Stuck(FakeProduct):
    """A product whose next writes wait in a queue for ever, and are never sent."""

    waiting = 0
    cut_short = 0

    async def _queue(self) -> None:
        if self.waiting:
            self.waiting -= 1
            try:
                await asyncio.Event().wait()
            finally:
                self.cut_short += 1

    async def create(self, entity: str, fields: Fields) -> Written:
        await self._queue()
        return await super().create(entity, fields)

    async def update(self, fresh: Record, changes: Fields) -> Written:
        await self._queue()
        return await super().update(fresh, changes)

    async def delete(self, fresh: Record) -> None:
        await self._queue()
        await super().delete(fresh)


class StuckAtTheGate(Stuck):
    """A product whose next writes wait at the gate: the client gets the calls and sends none of them."""

    async def _queue(self) -> None:
        note_call()
        await super()._queue()


async def test_a_write_that_waited_past_its_deadline_was_not_sent_and_its_outcome_is_known(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """It does not count as an attempt either: only one is allowed, so the record would become a dead letter."""
    bench = await new_bench(erp=StuckAtTheGate("erp", clock), limits=replace(HASTY, attempts=1))
    bench.erp.waiting = 1
    record_id = bench.crm.person_creates("person", **ANA)
    async with asyncio.timeout(20):
        await bench.settle()
    assert await bench.story("crm", "person", record_id) == ["created"]
    bench.erp.waiting = 1
    bench.crm.person_edits("person", record_id, name="Ana Dahl")
    async with asyncio.timeout(20):
        await bench.settle()
    assert await bench.story("crm", "person", record_id) == ["created", "updated"]
    assert [row["name"] for row in bench.erp.live("person").values()] == ["Ana Dahl"]
    assert bench.erp.cut_short == 2
    await bench.assert_accounted()


@pytest.fixture
async def bench(new_bench: NewBench, clock: FakeClock) -> Bench:
    return await new_bench(erp=Stuck("erp", clock), limits=HASTY)


async def test_promise_5_a_create_that_waits_past_its_deadline_is_cut_short_and_made_once(bench: Bench) -> None:
    bench.erp.waiting = 1
    record_id = bench.crm.person_creates("person", **ANA)
    async with asyncio.timeout(20):
        await bench.settle()
    assert bench.erp.cut_short == 1
    assert len(bench.erp.live("person")) == 1
    assert await bench.story("crm", "person", record_id) == ["unknown outcome", "not created", "created"]
    await bench.assert_accounted()


async def test_an_update_and_a_delete_that_wait_past_their_deadline_are_cut_short_and_done(bench: Bench) -> None:
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.erp.waiting = 1
    bench.crm.person_edits("person", record_id, name="Ana Dahl")
    async with asyncio.timeout(20):
        await bench.settle()
    (there,) = bench.erp.live("person").values()
    assert there["name"] == "Ana Dahl"
    bench.erp.waiting = 1
    bench.crm.person_deletes("person", record_id)
    async with asyncio.timeout(20):
        await bench.settle()
    assert not bench.erp.live("person")
    assert bench.erp.cut_short == 2
    await bench.assert_accounted()


@pytest.mark.parametrize("committed", ["create: intent committed", "update: sent committed", "removal: sent committed"])
async def test_promise_3_a_process_that_stood_still_past_the_deadline_sends_nothing(
    bench: Bench, clock: FakeClock, committed: str
) -> None:
    """It was frozen between its commit and its call. Another instance may have taken the record over since then."""
    passed: list[str] = []

    async def frozen(name: str) -> None:
        if not name.startswith("store."):
            passed.append(name)
            if name == committed and passed.count(name) == 1:
                clock.advance(HASTY.write_seconds + 1)

    object.__setattr__(bench.seams, "failpoint", frozen)
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.crm.person_edits("person", record_id, name="Ana Dahl")
    await bench.settle()
    bench.crm.person_deletes("person", record_id)
    await bench.settle()
    first = passed.index(committed)
    assert passed[first : first + 3] == [committed, committed, f"{committed.partition(':')[0]}: took effect"]
    assert bench.erp.writes() == ["create", "update", "delete"]
    await bench.assert_accounted()


async def test_promise_3_no_write_begins_under_a_lease_that_may_end_before_it(
    new_bench: NewBench, clock: FakeClock
) -> None:
    """The reads before it took half of the lease."""
    bench = await new_bench(limits=Limits(lease_seconds=60.0, write_seconds=45.0))
    left: dict[str, float] = {}

    async def note(name: str) -> None:
        if name.endswith("committed") and not name.startswith("store."):
            held = await bench.store.database.read(lambda conn: list(conn.execute(select(leases.c.expires)).scalars()))
            left[name] = min(held) - bench.store.now()

    def slow(name: str) -> None:
        if name == "before read":
            clock.advance(30)

    bench.crm.fail = slow
    bench.fail_at(note)
    bench.crm.person_creates("person", name="Bo", email="bo@x.example")  # a record that can be seen afterwards
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.crm.person_edits("person", record_id, name="Ana Dahl")
    await bench.settle()
    bench.crm.person_deletes("person", record_id)
    await bench.settle()
    assert left.keys() == {"create: intent committed", "update: sent committed", "removal: sent committed"}
    assert min(left.values()) >= 45.0, left
