"""How much may be asked of an account, so that what work costs can be told beforehand."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quota:
    """How much may be asked of an account, for telling beforehand what work costs.

    `per_second`: calls, None where nothing is known. `at_once`: calls under way at the same time. `per_day`: of
    `unit`, None where nothing is known. `cost`: what a call of this method and path takes of the day's units.
    """

    at_once: int
    per_second: float | None = None
    per_day: int | None = None
    unit: str = ""
    cost: Callable[[str, str], int] = lambda method, path: 1
