"""What the outside hands in, so that a whole bridge can run on virtual time: clock, randomness, ids, failpoints."""

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
"""Awaited at named steps; does nothing in production, raises or cancels in tests."""


async def no_failpoint(name: str) -> None:
    """The production fail point."""


@dataclass(frozen=True, slots=True)
class Seams:
    """Handed in by `app`; nothing else may touch wall clock, randomness or process ids.

    `instance` names this instance of the bridge (unique per process start); `new_id` gives unguessable text ids.
    """

    clock: Clock
    random: Random
    new_id: Callable[[], str]
    instance: str
    failpoint: FailPoint = no_failpoint
    tracing: Tracing = NO_TRACING


TRUSTED_SKEW_SECONDS = 600.0
"""Our clock and a vendor's are not further apart than this."""


def believable(seconds: float | None, now: float) -> float | None:
    """A vendor's time, or None for one that lies ahead of `now` by more than clocks differ: it orders nothing."""
    return seconds if seconds is not None and seconds <= now + TRUSTED_SKEW_SECONDS else None


def epoch(moment: datetime) -> float:
    """Seconds since 1970 of an aware datetime, the form the store keeps."""
    return moment.timestamp()


def from_epoch(seconds: float) -> datetime:
    """The aware UTC datetime of `epoch` seconds."""
    return datetime.fromtimestamp(seconds, UTC)
