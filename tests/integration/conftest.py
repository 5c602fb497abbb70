"""Sweep benches on either store. When a test is over, every event it caused must be accounted for."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bridge.domain.seams import Seams
from bridge.store import Store
from tests.clock import FakeClock
from tests.integration.sweep_bench import NewSweepBench, SweepBench, make_sweep_bench, start


@pytest.fixture
async def new_bench(store: Store, clock: FakeClock, new_seams: Callable[..., Seams]) -> AsyncIterator[NewSweepBench]:
    benches: list[SweepBench] = []

    async def build(*, begin: bool = True, **options: Any) -> SweepBench:
        bench = await make_sweep_bench(store, clock, new_seams(), **options)
        benches.append(bench)
        if begin:
            await start(bench)
        return bench

    yield build
    for bench in benches:
        await bench.bench.assert_accounted()
