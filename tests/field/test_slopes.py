"""Which series the soak calls growth."""

import random

import pytest

from tests.field.soak.slopes import MOST_POINTS, Slope, slope, stretches


def line(rise: float, noise: float, number: int = 600, seed: int = 1) -> list[tuple[float, float]]:
    chance = random.Random(seed)
    return [(float(at), 100 + rise * at + chance.gauss(0, noise)) for at in range(number)]


def test_a_straight_line_has_its_own_slope_and_no_width() -> None:
    found = slope([(float(at), 3.0 * at) for at in range(10)])
    assert (found.value, found.low, found.high, found.scatter) == (3.0, 3.0, 3.0, 0.0)
    assert not found.is_flat()
    assert found.is_flat(least=30)


def test_growth_below_the_noise_of_single_samples_is_found() -> None:
    found = slope(line(0.01, 2.0))
    assert found.low <= 0.01 <= found.high
    assert not found.is_flat()


@pytest.mark.parametrize("seed", range(20))
def test_noise_alone_is_flat(seed: int) -> None:
    assert slope(line(0.0, 2.0, seed=seed)).is_flat()


def test_a_third_of_wild_samples_changes_little() -> None:
    samples = [(at, value if int(at) % 3 else 10_000.0) for at, value in line(0.5, 0.1)]
    assert slope(samples).value == pytest.approx(0.5, abs=0.05)


def test_a_sawtooth_is_flat() -> None:
    """Like a store between two runs of retention."""
    assert slope([(float(at), float(at % 40)) for at in range(600)]).is_flat()


def test_values_that_never_change_are_flat() -> None:
    assert slope([(float(at), 12.0) for at in range(50)]) == Slope(0.0, 0.0, 0.0, 12.0, 0.0, 49.0)


def test_many_samples_are_few_medians_over_the_same_time() -> None:
    points = stretches(line(1.0, 0.0, number=1000))
    assert len(points) == MOST_POINTS
    assert points[0][0] < 20
    assert points[-1][0] > 980


@pytest.mark.parametrize("samples", [[(0.0, 1.0)], [(1.0, 1.0)] * 5])
def test_too_few_points_have_no_slope(samples: list[tuple[float, float]]) -> None:
    with pytest.raises(ValueError, match="too few"):
        slope(samples)
