"""A few storms in every run, some of them newly drawn each time. `make storms` runs more."""

import os
import subprocess
import sys

import pytest

from tests.storms.drawn import SEEDS, again
from tests.storms.storm import run

FAILED_ONCE = (
    734512007,  # a lost create was found, deleted before it could be leased, and made again
    734512036,  # the last records of an entity were deleted, and nothing showed whether they are only hidden
    881200456,  # what a lost create may have made was copied back, because no match key identified it
    853111095,  # a record created a moment before was not shown yet, and its pair was forgotten as gone on both sides
    240491741,  # a write of a whole record reverted an edit that was reported and that reads did not show yet
    853111306,  # the company a lost create refers to was merged, so what the create made was not found
    853111278,  # a token expired twice within one call, and the system was stopped
    90832521547,  # a held duplicate was merged away, no callback reported it, and its dead letter stayed for ever
    90832521444,  # a reported duplicate that had a pair of its own was chosen to take another's place, again and again
)


@pytest.mark.parametrize("seed", [2, 6, 13])
def test_after_a_storm_over_both_products_all_is_as_people_left_it(seed: int) -> None:
    problems, storm = run(seed, acts=15)
    assert not problems, "\n".join([*problems, *storm.story()])
    assert storm.judge.exact


@pytest.mark.parametrize("seed", FAILED_ONCE)
def test_a_storm_that_broke_a_promise_once_breaks_none_any_more(seed: int) -> None:
    _holds(seed)


@pytest.mark.parametrize("which", range(len(SEEDS)))
def test_a_storm_nobody_has_seen_before_breaks_no_promise(which: int) -> None:
    """Fixed seeds hide faults. Each run draws other seeds, and prints them at its end."""
    _holds(SEEDS[which])


def _holds(seed: int) -> None:
    """Run the seed in a process of its own, where it runs the same way every time."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.storms", "--seeds", "1", "--from", str(seed), "--jobs", "1"],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, f"{ran.stdout}{ran.stderr}\n{again([seed])}"
