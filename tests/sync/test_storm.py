"""A modest number of storms in every run; `python -m tests.sync.storm` for more."""

import pytest

from tests.sync.storm import storm


@pytest.mark.parametrize("seed", range(12))
async def test_after_a_storm_everything_is_in_sync(seed: int) -> None:
    await storm(seed, steps=25)
