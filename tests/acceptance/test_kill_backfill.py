"""kill -9 in a backfill: it goes on where it was, makes nothing twice and misses nobody. All of it: `kill_backfill`."""

from pathlib import Path

import pytest

from tests.acceptance.kill_backfill import run_backfill


@pytest.mark.slow
async def test_a_bridge_killed_in_a_backfill_goes_on_with_it_and_edits_cross_meanwhile(tmp_path: Path) -> None:
    outcome = await run_backfill(tmp_path, "sqlite:///bridge.sqlite", records=200, kills=1, patience=100)
    assert not outcome.failures, outcome.numbers
