"""What an alert message says about each part."""

from datetime import UTC
from zoneinfo import ZoneInfo

from bridge.alerts.message import message
from bridge.alerts.policy import Change, Line
from bridge.app.doctor import _of_part
from bridge.app.finding import OF_SYSTEM, remedy_of
from bridge.monitoring.health import CheckResult, Status

REFUSED = "stopped: crm: 401 the token was refused, it expired"
CHECKS = {
    "system crm": CheckResult(Status.FAIL, REFUSED),
    "hooks": CheckResult(Status.WARN, f"crm: {REFUSED}", because=("system crm",)),
    "waiting": CheckResult(Status.FAIL, f"oldest change waits ({REFUSED})", because=("system crm",)),
    "verify": CheckResult(Status.WARN, "people did not agree"),
}


def body_of(*parts: str) -> str:
    lines = [Line(part, Change.BEGAN, CHECKS[part].status, 0.0, CHECKS[part].status) for part in parts]
    return message("acme", lines, CHECKS, lambda part, system: f"see {part}", 600.0, ZoneInfo("UTC")).body


def test_one_cause_is_one_paragraph_that_names_the_other_affected_parts() -> None:
    body = body_of("system crm", "hooks", "verify", "waiting")
    assert body.count(REFUSED) == 1
    assert [one.splitlines()[0] for one in body.split("\n\n")] == ["Failure: system crm", "Warning: verify"]
    assert "With it: hooks, waiting" in body.split("\n\n")[0]


def test_a_part_has_its_own_paragraph_when_the_message_does_not_name_its_cause() -> None:
    assert body_of("hooks").startswith("Warning: hooks\n")


def test_the_remedy_of_a_system_that_is_down_is_the_one_that_doctor_shows() -> None:
    down = CheckResult(Status.WARN, "down: no answer", system="crm1")
    line = Line("system crm1", Change.BEGAN, Status.WARN, since=0.0, severity=Status.WARN)
    told = message("acme", [line], {"system crm1": down}, remedy_of, 60.0, UTC)
    assert told.body.endswith(f"What to do: {OF_SYSTEM}")
    assert _of_part("system crm1", down).remedy == OF_SYSTEM


def test_every_other_part_has_its_own_remedy() -> None:
    line = Line("hooks", Change.BEGAN, Status.WARN, since=0.0, severity=Status.WARN)
    told = message("acme", [line], {"hooks": CheckResult(Status.WARN, "not audited yet")}, remedy_of, 60.0, UTC)
    assert told.body.endswith(f"What to do: {remedy_of('hooks')}")
    assert "bridge hooks repair" in told.body
