"""How long to wait before the next attempt: one formula for everything that is tried again."""

from random import Random

MOST_DOUBLINGS = 60


def backoff_seconds(attempts: int, first: float, longest: float, chance: Random) -> float:
    """Return the seconds to wait after `attempts` failed ones: `first` after one, then doubled, at most `longest`.

    Up to half of the wait is subtracted at random, so that callers that failed together do not try again together.
    """
    doublings = min(max(attempts - 1, 0), MOST_DOUBLINGS)
    return float(min(longest, first * 2**doublings)) * (0.5 + chance.random() / 2)
