"""Benches on either store."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.clock import FakeClock

from bridge.domain.seams import Seams
from bridge.store.engine import Store
from tests.sync.bench import Bench, make_bench


@pytest.fixture
def new_bench(store: Store, clock: FakeClock, seams: Seams) -> Callable[..., Awaitable[Bench]]:
    async def build(*args: Any, **kwargs: Any) -> Bench:
        bench = make_bench(store, clock, seams, *args, **kwargs)
        await bench.index()
        await bench.systems.start()
        return bench

    return build


@pytest.fixture
async def bench(new_bench: Callable[..., Awaitable[Bench]]) -> Bench:
    return await new_bench()
