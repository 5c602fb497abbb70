"""How long a time may be that somebody outside names: one odd answer never stops a system for good."""

LONGEST_PAUSE_SECONDS = 3600.0
LONGEST_DAY_SECONDS = 25 * 3600.0  # a day's budget comes back at the vendor's midnight, in whatever zone that is
LONGEST_LIFE_SECONDS = 24 * 3600.0  # a token or an address is asked for anew after a day, whatever its issuer says


def longest_pause(*, daily: bool) -> float:
    """Seconds. `daily`: the day's budget is used up."""
    return LONGEST_DAY_SECONDS if daily else LONGEST_PAUSE_SECONDS
