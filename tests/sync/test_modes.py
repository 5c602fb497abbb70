"""Mappings that do not write: in shadow mode, and while paused."""

from collections.abc import Awaitable, Callable

from bridge.store.model import Mode
from tests.sync.bench import Bench

NewBench = Callable[..., Awaitable[Bench]]
ANA = {"name": "Ana Lund", "email": "ana@x.example", "phone": "+47 22 33 44 55"}


async def test_shadow_writes_nothing_and_says_what_it_would_do(new_bench: NewBench) -> None:
    bench = await new_bench(mode=Mode.SHADOW)
    record_id = bench.crm.person_creates("person", **ANA)
    await bench.settle()
    assert bench.erp.writes() == []
    assert "would create" in await bench.story("crm", "person", record_id)


async def test_pausing_stops_writes_and_resuming_goes_on(bench: Bench) -> None:
    await bench.store.mappings.set_paused("people", True, "holiday")
    bench.crm.person_creates("person", **ANA)
    await bench.settle(seconds=60)
    assert bench.erp.writes() == []
    await bench.store.mappings.set_paused("people", False, "")
    await bench.settle()
    assert len(bench.erp.live("person")) == 1
