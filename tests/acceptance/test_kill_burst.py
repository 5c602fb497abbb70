"""After a kill -9 in a burst, every accepted callback arrives, and nothing arrives twice. In full: `kill_burst`."""

from pathlib import Path

import pytest

from tests.acceptance.burst import run_burst


@pytest.mark.slow
async def test_a_bridge_killed_in_a_burst_loses_nothing_it_accepted_and_creates_nothing_twice(
    store_url: str, tmp_path: Path
) -> None:
    outcome = await run_burst(tmp_path, store_url.replace(f"{tmp_path}/", ""), records=50, kills=1, patience=60)
    assert not outcome.failures, outcome.numbers
