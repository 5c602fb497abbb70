"""The last verification, as health and status report it."""

from typing import Any

import pytest

from bridge.app.verified import agreed_of, ended_early, pair_numbers, verify_check, verify_rows
from bridge.monitoring.health import Status
from bridge.store.verifications import Verification

NOW = 1_000_000.0
AGREES = {"pairs": 3, "equal": 3, "agrees": True, "fault": ""}
DIFFERS = {"pairs": 3, "equal": 2, "differing": 1, "agrees": False, "fault": ""}


def done(summary: Any, age: float = 10.0) -> Verification:
    return Verification("people", NOW - age - 1, NOW - age, summary)


@pytest.mark.parametrize(
    ("one", "every", "status", "said"),
    [
        (done(AGREES), None, Status.PASS, "1 of 1 mappings verified"),
        (done(AGREES, 400.0), 100.0, Status.WARN, "400 s old"),
        (done(AGREES, 200.0), 100.0, Status.PASS, "1 of 1"),
        (done(DIFFERS), None, Status.WARN, "`bridge verify people`"),
        (done({**AGREES, "fault": "crm: busy"}), None, Status.WARN, "crm: busy"),
        (Verification("people", NOW - 5), None, Status.PASS, "nothing has been verified yet"),
    ],
)
def test_health_warns_of_differences_and_of_a_missed_schedule(
    one: Verification, every: float | None, status: Status, said: str
) -> None:
    found = verify_check({"people": one}, ["people"], NOW, every, {})
    assert found.status is status
    assert said in found.output


@pytest.mark.parametrize("kept", [{**AGREES, "agrees": None, "fault": "crm: busy"}, {**AGREES, "fault": "crm: busy"}])
def test_a_verification_that_ended_early_does_not_agree_whichever_version_stored_it(kept: dict[str, Any]) -> None:
    assert (agreed_of(done(kept)), ended_early(done(kept))) == (None, "crm: busy")
    assert agreed_of(done({**DIFFERS, "fault": "crm: busy"})) is False
    assert verify_check({"people": done(kept)}, ["people"], NOW, None, {}).status is Status.WARN


def test_a_result_of_a_removed_mapping_is_no_warning() -> None:
    assert verify_check({"people": done(DIFFERS)}, ["deals"], NOW, None, {}).status is Status.PASS


def test_figures_are_bounded_and_whole() -> None:
    assert pair_numbers(done(DIFFERS)) == {
        "equal": 2,
        "differing": 1,
        "waiting": 0,
        "dead": 0,
        "frozen": 0,
        "gone": 0,
        "unread": 0,
    }


def test_status_shows_a_verification_that_was_cut_off() -> None:
    (row,) = verify_rows({"people": Verification("people", NOW)}, {})
    assert (row["verified"], row["pairs"]) == ("not yet", 0)
    assert "interrupted" in str(row["result"])
