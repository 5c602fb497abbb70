"""Requests of commands, while the store is reachable at some times and unreachable at others."""

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.app.requests import Requests
from bridge.domain.errors import StoreUnavailable
from bridge.store.requests import Answer, Request
from tests.clock import FakeClock


class Shelf:
    """The requests of a store that is unreachable at every other call."""

    def __init__(self, *waiting: Request) -> None:
        self.waiting = list(waiting)
        self.answers: dict[int, str] = {}
        self.kept: set[int] = set()
        self.calls = 0
        self.answered = asyncio.Event()

    def _come_and_go(self) -> None:
        self.calls += 1
        if self.calls % 2:
            raise StoreUnavailable("connection refused")

    async def take(self) -> list[Request]:
        self._come_and_go()
        taken, self.waiting = self.waiting, []
        return taken

    async def keep(self, ids: set[int]) -> None:
        self._come_and_go()
        self.kept |= ids

    async def done(self, number: int, answer: Answer) -> None:
        self._come_and_go()
        self.answers[number] = str(answer)
        if len(self.answers) == 2:
            self.answered.set()


class Sweeps:
    """A repair that takes a while."""

    async def repair(self) -> str:
        for _ in range(20):
            await asyncio.sleep(0)
        return "all hooks in place"


class Clock(FakeClock):
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


def bridge(shelf: Shelf, sweeps: Sweeps) -> Any:
    parts: Mapping[str, Any] = {
        "store": SimpleNamespace(requests=shelf),
        "reconciler": sweeps,
        "keeper": sweeps,
        "seams": SimpleNamespace(clock=Clock()),
    }
    return SimpleNamespace(**parts)


async def test_every_request_is_answered_although_the_store_is_unreachable_at_times(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shelf, sweeps = Shelf(Request(1, "hooks repair", {}, 0.0), Request(2, "dance", {}, 0.0)), Sweeps()
    running = asyncio.create_task(Requests(bridge(shelf, sweeps)).run())
    async with asyncio.timeout(20):
        await shelf.answered.wait()
    assert shelf.answers == {1: "all hooks in place", 2: "failed: this bridge does not know the request `dance`"}
    assert shelf.kept >= {1}, "a request in progress is kept, or another instance would take it over"
    assert not running.done()
    running.cancel()
    await asyncio.wait([running])
    assert not [record for record in caplog.records if record.exc_info]


async def test_zero_is_not_replaced_by_the_default() -> None:
    """`--overlap 0` ends a leaked secret at once, and zero minutes let no deletion through."""
    seen: dict[str, float] = {}

    async def rotate(system: str, seconds: float) -> Any:
        seen["overlap"] = seconds
        return SimpleNamespace(problems={}, created=["any.deal"])

    async def approve(mapping: str, until: float) -> None:
        seen["approved until"] = until

    async def make_due_now(mappings: list[str], reason: str) -> int:
        return 0

    store = SimpleNamespace(
        now=lambda: 5.0, mappings=SimpleNamespace(approve=approve), tasks=SimpleNamespace(make_due_now=make_due_now)
    )
    plan = SimpleNamespace(mappings={"deals": None})
    bridge = SimpleNamespace(store=store, plan=plan, connectors={"crm1": None}, keeper=SimpleNamespace(rotate=rotate))
    requests = Requests(bridge)  # type: ignore[arg-type]
    await requests.answer(Request(1, "hooks rotate", {"system": "crm1", "overlap": 0.0}, 0.0))
    await requests.answer(Request(2, "approve", {"mapping": "deals", "minutes": 0}, 0.0))
    assert seen == {"overlap": 0.0, "approved until": 5.0}
