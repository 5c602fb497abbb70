"""The longest times that the bridge accepts from outside, so that one wrong answer never stops a system for good."""

LONGEST_PAUSE_SECONDS = 3600.0
LONGEST_DAY_SECONDS = 25 * 3600.0  # a day's budget is renewed at the vendor's midnight, in any time zone
LONGEST_LIFE_SECONDS = 24 * 3600.0  # a token or an address is fetched again after a day, whatever its issuer says


def longest_pause(*, daily: bool) -> float:
    """Return the longest pause in seconds. `daily`: the day's budget is used up."""
    return LONGEST_DAY_SECONDS if daily else LONGEST_PAUSE_SECONDS
