"""Between its first listener and its first claim, the bridge waits for an unreachable store, as it does later."""

from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import pytest

from bridge.app import daemon
from bridge.domain.errors import StoreUnavailable


class Clock:
    """Sleeps without waiting."""

    def __init__(self) -> None:
        self.slept = 0

    def monotonic(self) -> float:
        return float(self.slept)

    async def sleep(self, seconds: float) -> None:
        self.slept += 1


async def test_the_starting_bridge_waits_for_an_unreachable_store(monkeypatch: pytest.MonkeyPatch) -> None:
    supervisor = MagicMock(stop=AsyncMock())
    monkeypatch.setattr(daemon, "Supervisor", lambda seams, board: supervisor)
    bridge: Any = MagicMock(seams=SimpleNamespace(clock=Clock()))
    away = StoreUnavailable("connection refused")
    bridge.store.instances.begin = AsyncMock(side_effect=[away, away, None])
    bridge.systems.start = AsyncMock(side_effect=[away, None])
    monkeypatch.setattr(daemon, "note_deliveries", AsyncMock())
    bridge.store.instances.end = AsyncMock()
    async with daemon.at_work(bridge):
        assert supervisor.start.called
    assert bridge.seams.clock.slept == 3
