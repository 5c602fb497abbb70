"""How long to wait before the next attempt: one formula for all that is tried again."""

from random import Random

MOST_DOUBLINGS = 60


def backoff_seconds(attempts: int, first: float, longest: float, chance: Random) -> float:
    """After so many failed attempts (1 is the first). Doubles with each, at most `longest`.

    Up to half of it is randomly subtracted, so that callers that failed together do not return together.
    """
    doublings = min(max(attempts - 1, 0), MOST_DOUBLINGS)
    return float(min(longest, first * 2**doublings)) * (0.5 + chance.random() / 2)
