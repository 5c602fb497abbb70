"""A system that answers again has its hooks audited at once, not at the next scheduled time."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.app.daemon import audit_returned


class Turns:
    """A clock of turns. It sets before each turn which systems are blocked; after the last turn everything ends."""

    def __init__(self, bridge: Any, *blocked: set[str]) -> None:
        self.bridge = bridge
        self.left = list(blocked)

    async def sleep(self, seconds: float) -> None:
        if not self.left:
            raise asyncio.CancelledError
        self.bridge.systems.blocked = frozenset(self.left.pop(0))


async def audits(*blocked: set[str]) -> int:
    """Return how many audits these turns cause; the first turn is the state at the start."""
    number = 0

    async def audit() -> None:
        nonlocal number
        number += 1

    systems = SimpleNamespace(blocked=frozenset(blocked[0]))
    bridge: Any = SimpleNamespace(systems=systems, keeper=SimpleNamespace(audit=audit), seams=SimpleNamespace())
    bridge.seams.clock = Turns(bridge, *blocked[1:])
    with pytest.raises(asyncio.CancelledError):
        await audit_returned(bridge)
    return number


@pytest.mark.parametrize(
    ("turns", "number"),
    [
        ([{"erp"}, set()], 1),
        ([set(), {"erp"}, {"erp"}, set(), set()], 1),
        ([{"crm", "erp"}, {"erp"}, set()], 2),
        ([{"crm"}, {"erp"}], 1),  # one system answers again and the other stops answering
        ([set(), {"erp"}, {"erp", "crm"}], 0),
        ([set(), set(), set()], 0),
    ],
)
async def test_each_time_a_system_answers_again_causes_one_audit(turns: list[set[str]], number: int) -> None:
    assert await audits(*turns) == number
