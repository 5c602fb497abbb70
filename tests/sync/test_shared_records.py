"""Several mappings of one record: one writer at a time, and none erases what another mapping wrote."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from bridge.connectors.protocols import Written
from bridge.domain.record import Fields, Gone, Record, RecordRef
from tests.clock import FakeClock
from tests.product import FakeProduct, manifest
from tests.sync.bench import PEOPLE, Bench

NewBench = Callable[..., Awaitable[Bench]]
TWO_MAPPINGS = (
    PEOPLE.strip()
    + """
---
mapping: accounts
sides: {crm: fake person, erp: fake company}
direction: both
creates: [erp]
match: none
conflict: crm
deleted: {crm: delete, erp: unlink}
fields:
  title:  {crm: notes, erp: name}
  volume: {crm: amount, erp: amount, type: decimal}
"""
)


@dataclass
class WholeRecords(FakeProduct):
    """A product that accepts whole records only, as read and with the changes, so that edits in between are lost."""

    writing: Counter[RecordRef] = field(default_factory=Counter)
    overlaps: int = 0

    async def read(self, ref: RecordRef) -> Record | Gone:
        await asyncio.sleep(0.001)
        return await super().read(ref)

    async def update(self, fresh: Record, changes: Fields) -> Written:
        self.overlaps += self.writing[fresh.ref]
        self.writing[fresh.ref] += 1
        await asyncio.sleep(0.01)
        try:
            return await super().update(fresh, {**fresh.fields, **changes})
        finally:
            self.writing[fresh.ref] -= 1


async def _all_at_once(bench: Bench) -> None:
    """Run all claims of a round at the same time."""
    await bench.tell_all()
    for _ in range(100):
        claims = await bench.store.tasks.claim(8, bench.parts.scopes, 120.0)
        await asyncio.gather(*(bench.worker._work(claim) for claim in claims))
        await bench.tell_all()
        if not claims:
            due = await bench.store.tasks.next_due(bench.parts.scopes)
            if due is None:
                return
            bench.clock.advance(max(0.01, due - bench.store.now()))
    raise AssertionError("the mappings do not come to rest")


async def _shared(new_bench: NewBench, clock: FakeClock) -> tuple[Bench, WholeRecords, str, str, str]:
    crm = WholeRecords("crm", clock, manifest=manifest(whole_record=True))
    bench = await new_bench(TWO_MAPPINGS, crm=crm)
    record_id = crm.person_creates("person", name="Ana", email="ana@x.example", notes="Gold", amount=Decimal(1))
    await _all_at_once(bench)
    (person,), (account,) = bench.erp.live("person"), bench.erp.live("company")
    clock.advance(60)
    return bench, crm, record_id, person, account


async def test_two_mappings_that_write_one_whole_record_erase_nothing_of_each_other(
    new_bench: NewBench, clock: FakeClock
) -> None:
    bench, crm, record_id, person, account = await _shared(new_bench, clock)
    for number in range(4):
        bench.erp.person_edits("person", person, name=f"Ana {number}", phone=str(number))
        bench.erp.person_edits("company", account, name=f"Gold {number}", amount=Decimal(number))
        await _all_at_once(bench)
        clock.advance(60)
        shown = crm.live("person")[record_id]
        assert (shown["name"], shown["phone"]) == (f"Ana {number}", str(number))
        assert (shown["notes"], shown["amount"]) == (f"Gold {number}", Decimal(number))
    assert crm.overlaps == 0
    await bench.assert_silent()


async def test_promise_3_one_event_is_due_in_every_mapping_of_its_record_one_after_the_other(
    new_bench: NewBench, clock: FakeClock
) -> None:
    bench, crm, record_id, person, account = await _shared(new_bench, clock)
    crm.person_edits("person", record_id, name="Ana Berg", notes="Silver")
    await bench.tell_all()
    first = await bench.store.tasks.claim(8, bench.parts.scopes, 120.0)
    assert len(first) == 1  # the other mapping's task of the same record waits for the lease
    await bench.worker._work(first[0])
    await _all_at_once(bench)
    assert bench.erp.live("person")[person]["name"] == "Ana Berg"
    assert bench.erp.live("company")[account]["name"] == "Silver"


@pytest.mark.parametrize("deleted_in", ["crm", "erp"])
async def test_a_delete_is_followed_in_each_mapping_by_its_own_policy(
    new_bench: NewBench, clock: FakeClock, deleted_in: str
) -> None:
    bench, crm, record_id, person, account = await _shared(new_bench, clock)
    other = crm.person_creates("person", name="Bo", email="bo@x.example", notes="Tin")
    await _all_at_once(bench)
    if deleted_in == "crm":
        crm.person_deletes("person", record_id)
    else:
        bench.erp.person_deletes("company", account)
    await _all_at_once(bench)
    assert (record_id in crm.live("person")) is (deleted_in == "erp")
    assert (person in bench.erp.live("person")) is (deleted_in == "erp")
    assert account not in bench.erp.live("company")
    if deleted_in == "erp":  # the other mapping continues
        clock.advance(60)
        crm.person_edits("person", record_id, name="Ana Berg", notes="Lead")
        await _all_at_once(bench)
        assert bench.erp.live("person")[person]["name"] == "Ana Berg"
        assert sorted(fields["name"] for fields in bench.erp.live("company").values()) == ["Tin"]
    assert other in crm.live("person")


async def test_a_merge_is_followed_in_each_mapping_of_the_record(new_bench: NewBench, clock: FakeClock) -> None:
    """In one mapping both records are linked, in the other one only the loser."""
    bench, crm, loser, person, account = await _shared(new_bench, clock)
    survivor = crm.person_creates("person", name="Bo", email="bo@x.example", notes="Tin")
    await _all_at_once(bench)
    (other,) = set(bench.erp.live("company")) - {account}
    bench.erp.person_deletes("company", other)
    await _all_at_once(bench)
    assert survivor in crm.live("person")
    clock.advance(60)
    crm.person_merges("person", loser, survivor)
    crm.person_edits("person", survivor, name="Ana and Bo", notes="Gold and Tin")
    await _all_at_once(bench)
    assert {fields["name"] for fields in bench.erp.live("company").values()} == {"Gold and Tin"}
    names = {record_id: fields["name"] for record_id, fields in bench.erp.live("person").items()}
    assert names.pop(person) == "Ana"  # left over: reported, not removed
    assert list(names.values()) == ["Ana and Bo"]
    await bench.assert_silent()
