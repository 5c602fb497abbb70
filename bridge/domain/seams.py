"""Clock, randomness, ids and failpoints, passed in from outside so that a whole bridge can run on virtual time."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from random import Random
from typing import Protocol

from bridge.domain.tracing import NO_TRACING, Tracing
from bridge.domain.values import dataclass


class Clock(Protocol):
    """`now` is aware UTC time; `monotonic` counts seconds for durations; `sleep` waits seconds of this clock."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


FailPoint = Callable[[str], Awaitable[None]]
"""Awaited at named steps. It does nothing in production; in tests it raises or cancels."""


async def no_failpoint(name: str) -> None:
    """Do nothing: the failpoint in production."""


@dataclass(frozen=True, slots=True)
class Seams:
    """Passed in by `app`. Nothing else may use the wall clock, randomness or process ids.

    `instance` names this instance of the bridge (unique per process start). `new_id` returns text ids that nobody can
    guess.
    """

    clock: Clock
    random: Random
    new_id: Callable[[], str]
    instance: str
    failpoint: FailPoint = no_failpoint
    tracing: Tracing = NO_TRACING


TRUSTED_SKEW_SECONDS = 600.0
"""The bridge assumes that its clock and a vendor's differ by at most this."""


def plausible_time(seconds: float | None, now: float) -> float | None:
    """Return a vendor's time; None if it lies further ahead of `now` than clocks differ, as it then orders nothing."""
    return seconds if seconds is not None and seconds <= now + TRUSTED_SKEW_SECONDS else None


def epoch(moment: datetime) -> float:
    """Return the seconds since 1970 of an aware datetime. The store keeps times in this form."""
    return moment.timestamp()


def from_epoch(seconds: float) -> datetime:
    """Return the aware UTC datetime of `epoch` seconds."""
    return datetime.fromtimestamp(seconds, UTC)
