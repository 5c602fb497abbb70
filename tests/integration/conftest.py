"""Sweep benches on either store, and a receiver behind a listener.

At the end of each test of a bench, every event of the test must be accounted for.
"""

import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bridge.callbacks.receiver import Receiver
from bridge.domain.seams import Seams
from bridge.store import Store
from tests.clock import FakeClock
from tests.integration.listening import HERE
from tests.integration.sweep_bench import NewSweepBench, SweepBench, make_sweep_bench, start
from tests.unit.callbacks.fakes import LineDecoder, Memory


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


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def receiver(memory: Memory) -> Receiver:
    """A receiver behind the guarded listener: one system, its events in memory."""
    return Receiver({"crm1": LineDecoder()}, HERE, memory.submit, FakeClock(), max_waiting=50)


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Capture the log at level debug."""
    caplog.set_level(logging.DEBUG)
    return caplog
