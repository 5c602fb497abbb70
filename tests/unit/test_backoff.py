"""One formula for the waits of all retries."""

from random import Random

import pytest

from bridge.domain.waits import backoff_seconds


@pytest.mark.parametrize(("attempts", "most"), [(0, 2.0), (1, 2.0), (2, 4.0), (3, 8.0), (8, 60.0), (10_000, 60.0)])
def test_the_wait_doubles_up_to_its_limit_and_half_of_it_is_random(attempts: int, most: float) -> None:
    random = Random(1)
    waits = [backoff_seconds(attempts, 2.0, 60.0, random) for _ in range(200)]
    assert most / 2 <= min(waits) < most * 0.55
    assert most * 0.95 < max(waits) <= most
