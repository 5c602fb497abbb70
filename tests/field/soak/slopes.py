"""Does it grow? A robust slope (Theil-Sen) with its confidence interval (Sen 1968), exact, without a library.

The slope is the median of the slopes between all pairs of points, so a third of the points may be wild. The interval
comes from the distribution of Kendall's statistic, which does not depend on the distribution of the noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist, median

MOST_POINTS = 60
"""Consecutive samples resemble each other, which would make the interval too narrow. So the medians of this number of
equal stretches of time are compared instead of the samples."""
CONFIDENCE = 0.99
MAD_TO_DEVIATION = 1.4826
"""For normal noise: standard deviation divided by the median absolute deviation."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Slope:
    """`value` with `low` and `high`: a unit of the figure for each unit of time.

    `scatter`: of single samples around the line. `seconds`: the time they cover.
    """

    value: float
    low: float
    high: float
    middle: float
    scatter: float
    seconds: float

    @property
    def drift(self) -> float:
        """Return how far the line moves over the whole time."""
        return self.value * self.seconds

    def is_flat(self, least: float = 0.0) -> bool:
        """Whether it is zero within noise: the interval contains zero, or the line moves less than the points scatter.

        least: a drift that is too small to matter, in the figure's own unit.
        """
        return self.low <= 0 <= self.high or abs(self.drift) <= max(least, self.scatter)


def stretches(samples: Sequence[Point], number: int = MOST_POINTS) -> list[Point]:
    """Return the medians of this number of equal stretches of time; stretches without a sample are left out."""
    first, last = samples[0][0], samples[-1][0]
    width = (last - first) / number or 1.0
    found: dict[int, list[Point]] = {}
    for at, value in samples:
        found.setdefault(min(int((at - first) / width), number - 1), []).append((at, value))
    return [(median(at for at, _ in some), median(value for _, value in some)) for some in found.values()]


def slope(samples: Sequence[Point], confidence: float = CONFIDENCE) -> Slope:
    """Return the slope. Raises ValueError for fewer than four points at different times."""
    points = stretches(samples) if len(samples) > MOST_POINTS else list(samples)
    found = sorted(
        (later[1] - sooner[1]) / (later[0] - sooner[0])
        for at, sooner in enumerate(points)
        for later in points[at + 1 :]
        if later[0] != sooner[0]
    )
    number = len(points)
    if number < 4 or not found:
        raise ValueError(f"{number} points are too few for a slope")
    value = median(found)
    deviation = sqrt(_variance([one for _, one in points]))
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * deviation
    low = found[max(int((len(found) - reach) / 2), 0)]
    high = found[min(int((len(found) + reach) / 2), len(found) - 1)]
    start = median(one - value * at for at, one in points)
    scatter = MAD_TO_DEVIATION * median(abs(one - start - value * at) for at, one in samples)
    return Slope(value, low, high, median(one for _, one in points), scatter, points[-1][0] - points[0][0])


def _variance(values: Sequence[float]) -> float:
    """Return the variance of Kendall's statistic, corrected for equal values."""
    number = len(values)
    whole = number * (number - 1) * (2 * number + 5)
    equal = [values.count(one) for one in set(values)]
    return (whole - sum(count * (count - 1) * (2 * count + 5) for count in equal)) / 18
