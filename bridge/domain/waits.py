"""How long to wait before the next attempt, and at most if something outside says how long."""

from random import Random

# ---- Before the next attempt: one formula for everything that is tried again ----


MOST_DOUBLINGS = 60


def backoff_seconds(attempts: int, first: float, longest: float, chance: Random) -> float:
    """Return the seconds to wait after `attempts` failed ones: `first` after one, then doubled, at most `longest`.

    Up to half of the wait is subtracted at random, so that callers that failed together do not try again together.
    """
    doublings = min(max(attempts - 1, 0), MOST_DOUBLINGS)
    return float(min(longest, first * 2**doublings)) * (0.5 + chance.random() / 2)


# ---- The longest times accepted from outside, so that one wrong answer never stops a system for good ----


LONGEST_PAUSE_SECONDS = 3600.0
LONGEST_DAY_SECONDS = 25 * 3600.0  # a day's budget is renewed at the vendor's midnight, in any time zone
LONGEST_LIFE_SECONDS = 24 * 3600.0  # a token or an address is fetched again after a day, whatever its issuer says


def longest_pause(*, daily: bool) -> float:
    """Return the longest pause in seconds. `daily`: the day's budget is used up."""
    return LONGEST_DAY_SECONDS if daily else LONGEST_PAUSE_SECONDS
