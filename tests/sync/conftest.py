"""Benches on either store."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bridge.domain.seams import Seams
from bridge.store.engine import Store
from tests.clock import FakeClock
from tests.sync.bench import Bench, make_bench


@pytest.fixture
def new_bench(store: Store, clock: FakeClock, new_seams: Callable[..., Seams]) -> Callable[..., Awaitable[Bench]]:
    async def build(*args: Any, **kwargs: Any) -> Bench:
        store.database.offset = 0.0  # products and store share the bench's clock
        bench = make_bench(store, clock, new_seams(), *args, **kwargs)
        await bench.index()
        await bench.systems.start()
        return bench

    return build


@pytest.fixture
async def bench(new_bench: Callable[..., Awaitable[Bench]]) -> Bench:
    return await new_bench()
