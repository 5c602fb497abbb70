"""After a kill -9 the backfill continues; it creates nothing twice and misses nobody. In full: `kill_backfill`."""

from pathlib import Path

import pytest

from tests.acceptance.kill_backfill import run_backfill


@pytest.mark.slow
async def test_a_bridge_killed_in_a_backfill_continues_it_and_edits_cross_meanwhile(tmp_path: Path) -> None:
    outcome = await run_backfill(tmp_path, "sqlite:///bridge.sqlite", records=200, kills=1, patience=100)
    assert not outcome.failures, outcome.numbers
