"""Sweep benches on either store."""

from collections.abc import Callable
from typing import Any

import pytest

from bridge.domain.seams import Seams
from bridge.store import Store
from tests.clock import FakeClock
from tests.integration.sweep_bench import NewSweepBench, SweepBench, make_sweep_bench, start


@pytest.fixture
def new_bench(store: Store, clock: FakeClock, new_seams: Callable[..., Seams]) -> NewSweepBench:
    async def build(*, begin: bool = True, **options: Any) -> SweepBench:
        bench = await make_sweep_bench(store, clock, new_seams(), **options)
        if begin:
            await start(bench)
        return bench

    return build
