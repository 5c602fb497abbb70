"""What a message says."""

from zoneinfo import ZoneInfo

from bridge.alerts.message import message
from bridge.alerts.policy import Change, Line
from bridge.monitoring.health import CheckResult, Status

REFUSED = "stopped: crm: 401 the token was refused, it expired"
CHECKS = {
    "system crm": CheckResult(Status.FAIL, REFUSED),
    "hooks": CheckResult(Status.WARN, f"crm: {REFUSED}", because=("system crm",)),
    "waiting": CheckResult(Status.FAIL, f"oldest change waits ({REFUSED})", because=("system crm",)),
    "verify": CheckResult(Status.WARN, "people did not agree"),
}


def told(*parts: str) -> str:
    lines = [Line(part, Change.BEGAN, CHECKS[part].status, 0.0, CHECKS[part].status) for part in parts]
    return message("acme", lines, CHECKS, lambda part: f"see {part}", 600.0, ZoneInfo("UTC")).body


def test_one_cause_is_one_paragraph_that_names_what_else_it_troubles() -> None:
    body = told("system crm", "hooks", "verify", "waiting")
    assert body.count(REFUSED) == 1
    assert [one.splitlines()[0] for one in body.split("\n\n")] == ["Failure: system crm", "Warning: verify"]
    assert "With it: hooks, waiting" in body.split("\n\n")[0]


def test_a_part_is_told_by_itself_where_the_message_does_not_tell_its_cause() -> None:
    assert told("hooks").startswith("Warning: hooks\n")
