"""What a message tells of each part."""

from datetime import UTC

from bridge.alerts.message import message
from bridge.alerts.policy import Change, Line
from bridge.app.doctor import _of_part
from bridge.app.finding import OF_SYSTEM, remedy_of
from bridge.monitoring.health import CheckResult, Status


def test_the_remedy_of_a_system_that_is_down_is_the_one_that_doctor_tells() -> None:
    down = CheckResult(Status.WARN, "down: no answer", system="crm1")
    line = Line("system crm1", Change.BEGAN, Status.WARN, since=0.0, severity=Status.WARN)
    told = message("acme", [line], {"system crm1": down}, remedy_of, 60.0, UTC)
    assert told.body.endswith(f"What to do: {OF_SYSTEM}")
    assert _of_part("system crm1", down).remedy == OF_SYSTEM


def test_the_remedy_of_a_part_of_the_bridge_is_its_own() -> None:
    line = Line("hooks", Change.BEGAN, Status.WARN, since=0.0, severity=Status.WARN)
    told = message("acme", [line], {"hooks": CheckResult(Status.WARN, "not audited yet")}, remedy_of, 60.0, UTC)
    assert told.body.endswith(f"What to do: {remedy_of('hooks')}")
    assert "bridge hooks repair" in told.body
