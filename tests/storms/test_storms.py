"""A modest number of storms in every run; `make storms` for more."""

import pytest

from tests.storms.storm import run


@pytest.mark.parametrize("seed", [2, 6, 13])
def test_after_a_storm_over_both_products_all_is_as_people_left_it(seed: int) -> None:
    problems, storm = run(seed, acts=15)
    assert not problems, "\n".join([*problems, *storm.story()])
    assert storm.judge.exact
