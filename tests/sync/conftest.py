"""Benches on either store. After each test, every event that it caused must be accounted for."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from bridge.domain.seams import Seams
from bridge.store.engine import Store
from tests.clock import FakeClock
from tests.sync.bench import Bench, make_bench


@pytest.fixture
async def new_bench(
    store: Store, clock: FakeClock, new_seams: Callable[..., Seams]
) -> AsyncIterator[Callable[..., Awaitable[Bench]]]:
    benches: list[Bench] = []

    async def build(*args: Any, **kwargs: Any) -> Bench:
        store.database.offset = 0.0  # products and store share the bench's clock
        bench = make_bench(store, clock, new_seams(), *args, **kwargs)
        benches.append(bench)
        await bench.index()
        await bench.systems.start()
        return bench

    yield build
    for bench in benches:
        await bench.assert_accounted()


@pytest.fixture
async def bench(new_bench: Callable[..., Awaitable[Bench]]) -> Bench:
    return await new_bench()
