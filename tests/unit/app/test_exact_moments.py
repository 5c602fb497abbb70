"""Moments in the form in which pages and API return them."""

import random

import pytest

from bridge.app.desk.words import exactly
from bridge.app.wording import moment_of


@pytest.mark.parametrize("seed", range(5))
def test_an_exact_moment_is_never_after_its_event(seed: int) -> None:
    drawn = random.Random(seed)
    for _ in range(200):
        at = 1.7e9 + drawn.random() * 1e8
        assert 0 <= at - moment_of(exactly(at), 0.0) < 3e-6
