"""What health reports about rows that could not be read."""

from bridge.app.checks import listings
from bridge.monitoring.health import Status
from bridge.monitoring.skipped import SkippedRows


def test_rows_left_out_are_a_warning_that_names_system_and_listing_until_the_listing_is_whole_again() -> None:
    told: list[tuple[str, str, int]] = []
    skipped = SkippedRows(lambda *said: told.append(said))
    skipped.add("crm", "deal", 2, "it has no id")
    skipped.add("crm", "deal", 1, "it has no id")
    skipped.add("erp", "hooks", 1, "it has no id")
    result = listings(skipped.now())
    assert (result.status, result.value) == (Status.WARN, 4)
    assert "3 of crm's deal; 1 of erp's hooks" in result.output
    assert told == [("crm", "deal", 2), ("crm", "deal", 1), ("erp", "hooks", 1)]
    skipped.begin("crm", "deal")
    skipped.begin("erp", "hooks")
    assert listings(skipped.now()).status is Status.PASS
