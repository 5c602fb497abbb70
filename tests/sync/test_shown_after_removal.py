"""Reads that still show a record that was just deleted, mostly by the bridge: no other record is linked with it."""

from collections.abc import Awaitable, Callable
from typing import Any
from unittest.mock import AsyncMock

import pytest

from bridge.domain.catalog import Lookup
from bridge.domain.errors import DuplicateRefused
from bridge.domain.record import Record, RecordRef, Side
from tests.clock import FakeClock
from tests.product import FakeProduct, manifest, raising
from tests.sync.bench import PEOPLE, Bench
from tests.sync.test_undo import do

NewBench = Callable[..., Awaitable[Bench]]
ANA = {"name": "Ana Lund", "email": "ana@x.example", "phone": "1"}
DELETES = PEOPLE.replace("erp: unlink", "erp: delete")
"""A record that is linked with a deleted one would be deleted as well."""
VERSIONS = pytest.mark.parametrize("resolution", [None, 1.0, 0.001])


async def lagging(new_bench: NewBench, clock: FakeClock, text: str = DELETES, **facts: Any) -> tuple[Bench, str]:
    """Return a bench with two linked people, and the id of the first in the crm. Its erp shows changes late."""
    erp = FakeProduct("erp", clock, manifest=manifest(**facts), whole_seconds=False)
    bench = await new_bench(text, erp=erp)
    first = bench.crm.person_creates("person", **ANA)
    bench.crm.person_creates("person", name="Other", email="other@x.example")
    await bench.settle()
    clock.advance(60)
    erp.lag = erp.manifest.entities["person"].read_lag - 0.2
    return bench, first


async def removed(bench: Bench, record_id: str) -> None:
    """A person deletes the record in the crm. Returns half a second after the bridge has deleted its counterpart."""
    bench.crm.person_deletes("person", record_id)
    while "delete" not in bench.erp.calls:
        await bench.settle(0)
        bench.clock.advance(0.5)


async def assert_linked(bench: Bench, record_id: str) -> None:
    """This crm record and its counterpart exist."""
    assert record_id in bench.crm.live("person")
    link = await bench.store.links.of("people", Side.LEFT, record_id)
    assert link is not None
    assert link.right in bench.erp.live("person")
    assert not await bench.store.dead_letters.list()


@VERSIONS
@pytest.mark.parametrize("lookup", [Lookup.NONE, Lookup.EXACT])
async def test_a_duplicate_that_was_held_gets_a_counterpart_of_its_own(
    new_bench: NewBench, clock: FakeClock, resolution: float | None, lookup: Lookup
) -> None:
    facts = {"version_resolution": resolution, "lookup": lookup, "lookup_columns": frozenset({"email"})}
    bench, first = await lagging(new_bench, clock, **facts)
    second = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.crm.person_deletes("person", first)
    await bench.settle()
    await assert_linked(bench, second)


@VERSIONS
async def test_a_record_created_right_after_the_removal_gets_a_counterpart_of_its_own(
    new_bench: NewBench, clock: FakeClock, resolution: float | None
) -> None:
    bench, first = await lagging(new_bench, clock, version_resolution=resolution)
    await removed(bench, first)
    second = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    await assert_linked(bench, second)


async def test_it_is_none_of_several_records_that_match(new_bench: NewBench, clock: FakeClock) -> None:
    bench, first = await lagging(new_bench, clock)
    await removed(bench, first)
    free = bench.erp.person_creates("person", **ANA)
    bench.missed("erp", "person", free)
    await bench.index()
    clock.advance(0.3)
    bench.erp.rows["person", free].before.clear()  # reads show it already
    second = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    await assert_linked(bench, second)
    assert len(bench.erp.live("person")) == 2


async def test_a_create_refused_as_its_duplicate_is_tried_again(
    new_bench: NewBench, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, first = await lagging(new_bench, clock, text=DELETES.replace("match: [email]", "match: none"))
    await removed(bench, first)
    shown = await bench.erp.read(RecordRef("erp", "person", "1"))
    assert isinstance(shown, Record)
    monkeypatch.setattr(bench.erp, "find", AsyncMock(return_value=[shown]))
    bench.erp.fail = raising("before create", DuplicateRefused("erp", "e-mail exists", field="email"))
    second = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    await assert_linked(bench, second)


async def test_a_person_cannot_link_another_record_with_it(new_bench: NewBench, clock: FakeClock) -> None:
    bench, first = await lagging(new_bench, clock, read_lag=30.0)
    await removed(bench, first)
    await bench.adopt(DELETES.replace("creates: [crm, erp]", "creates: []"))
    second = bench.crm.person_creates("person", name="Ana Lund")
    await bench.settle(0)
    await do(bench, "link", f"crm person {second} 1")
    (entry,) = await bench.journal("crm", "person", second)
    assert "erp person 1 does not exist" in entry.text


async def test_a_restored_record_is_not_linked_with_it_again(new_bench: NewBench, clock: FakeClock) -> None:
    bench, first = await lagging(new_bench, clock, read_lag=6.0)
    await removed(bench, first)
    bench.crm.person_restores("person", first)
    await bench.settle()
    await assert_linked(bench, first)


async def test_a_later_read_that_shows_it_again_is_not_believed(new_bench: NewBench, clock: FakeClock) -> None:
    """People delete both records of a pair, and then the erp answers from a replica that lags."""
    bench, first = await lagging(new_bench, clock)
    bench.erp.lag = 0.0
    second = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    bench.crm.person_deletes("person", first)
    bench.erp.person_deletes("person", "1")
    await bench.turn_once()
    bench.erp.lag = 1.8
    await bench.settle()
    await assert_linked(bench, second)


async def test_a_record_restored_from_a_merge_is_not_linked_with_what_people_deleted_there(
    new_bench: NewBench, clock: FakeClock
) -> None:
    bench, loser = await lagging(new_bench, clock)
    bench.erp.lag = 0.0
    bench.crm.person_merges("person", loser, "2")
    await bench.settle()
    clock.advance(60)
    bench.erp.person_deletes("person", "1")
    await bench.turn_once()
    bench.erp.lag = 1.8
    bench.crm.person_restores("person", loser)
    await bench.settle()
    await assert_linked(bench, loser)
