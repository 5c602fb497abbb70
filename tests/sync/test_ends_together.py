"""Claims that end at about the same time are stored together; one that ends alone is stored at once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bridge.store.model import Completion
from bridge.sync.worker import ENDS_TOGETHER_SECONDS
from tests.sync.bench import Bench

NewBench = Callable[..., Awaitable[Bench]]


async def _waits(bench: Bench, monkeypatch: pytest.MonkeyPatch, *names: str) -> list[float]:
    """How long the end of each claim may wait, when records with these names are created and claimed at once."""
    waits: list[float] = []
    submit = bench.store.tasks.submit

    async def noted(completion: Completion, within: float = 0.0) -> None:
        waits.append(within)
        await submit(completion)

    monkeypatch.setattr(bench.store.tasks, "submit", noted)
    for name in names:
        bench.crm.person_creates("person", name=name, email=f"{name}@x.example", phone=None)
    await bench.tell_all()
    claims: Any = await bench.store.tasks.claim(len(names), bench.parts.scopes, 120.0, bench.systems.blocked)
    assert len(claims) == len(names)
    for claim in claims:
        bench.worker._start(claim)
    await asyncio.gather(*bench.worker.running)
    return waits


async def test_a_claim_that_ends_while_others_run_may_wait_for_their_ends(
    new_bench: NewBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = await _waits(await new_bench(), monkeypatch, "ana", "bo")
    assert waits[0] == ENDS_TOGETHER_SECONDS


async def test_a_claim_that_ends_alone_is_stored_at_once(new_bench: NewBench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await _waits(await new_bench(), monkeypatch, "ana") == [0.0]
