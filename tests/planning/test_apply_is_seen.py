"""`bridge apply` is visible to others that check whether a process works on the store."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.app import planned
from bridge.app.planned import store_to_apply_to
from bridge.domain.seams import Seams
from bridge.store import open_store
from bridge.store.tokens import Plain
from tests.clock import FakeClock
from tests.conformance.store.builders import SCOPES

NewSeams = Callable[..., Seams]


class Standing(FakeClock):
    """A clock whose `sleep` never returns, so that a heartbeat does not move the test's time."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.Event().wait()


def standing(seams: Seams) -> Seams:
    return replace(seams, clock=Standing())


@pytest.fixture
def asked(made_url: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """Settings and a plan."""
    monkeypatch.setattr(planned, "seal_of", lambda _: Plain())
    return SimpleNamespace(store=SimpleNamespace(url=made_url)), SimpleNamespace(scopes=SCOPES)


async def test_apply_is_visible_while_it_works_without_a_bridge(
    asked: tuple[Any, Any], made_url: str, new_seams: NewSeams
) -> None:
    looking = await open_store(made_url, new_seams("looking"))
    async with store_to_apply_to(*asked, standing(new_seams("apply"))):
        assert [one.name for one in await looking.instances.all() if one.runs(looking.now())] == ["apply"]
    assert not await looking.instances.running()
    await looking.close()


async def test_a_running_bridge_is_still_visible_beside_it_and_afterwards(
    asked: tuple[Any, Any], made_url: str, new_seams: NewSeams
) -> None:
    bridge = await open_store(made_url, new_seams("bridge"), exclusive=True)
    await bridge.mappings.sync(SCOPES)
    await bridge.instances.begin()
    async with store_to_apply_to(*asked, standing(new_seams("apply"))):
        assert "bridge" in {one.name for one in await bridge.instances.all() if one.runs(bridge.now())}
    assert [one.name for one in await bridge.instances.all() if one.runs(bridge.now())] == ["bridge"]
    await bridge.close()
