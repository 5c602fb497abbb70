"""Health reports how far the move to a new instance secret is, and when the former secret can be removed."""

from types import SimpleNamespace
from typing import Any

import pytest

from bridge.app.checks import add_checks
from bridge.hooks.keeper import Audit
from bridge.monitoring.health import HealthBoard, Status
from tests.clock import FakeClock


async def health_of(audit: Audit | None, former: str | None = "a former secret") -> Any:
    board = HealthBoard(FakeClock().now)
    settings = SimpleNamespace(instance_secret_former=former, alerts=SimpleNamespace(targets=[]))
    bridge: Any = SimpleNamespace(
        board=board, settings=settings, connectors={"crm1": None, "erp1": None}, keeper=SimpleNamespace(last=audit)
    )
    add_checks(bridge)
    return (await board.report()).checks.get("instance secret")


@pytest.mark.parametrize(
    ("audit", "said"),
    [
        (None, "hooks at crm1, erp1 may still have addresses of the former secret"),
        (Audit(settled={"crm1"}), "hooks at erp1 may still have"),
        (Audit(settled={"crm1", "erp1"}), "all hooks have moved to the new secret: remove instance_secret_former"),
    ],
)
async def test_health_names_systems_whose_hooks_may_still_have_former_addresses(audit: Audit | None, said: str) -> None:
    found = await health_of(audit)
    assert (found.status, found.output.startswith(said)) == (Status.WARN, True)


async def test_without_a_former_secret_health_reports_nothing() -> None:
    assert await health_of(None, former=None) is None
