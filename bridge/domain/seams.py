"""Clock, randomness, ids, traces and failpoints, passed in from outside: so a whole bridge can run on virtual time."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from random import Random
from typing import Protocol, Self

from bridge.domain.frozen import dataclass


class Clock(Protocol):
    """`now` is aware UTC time; `monotonic` counts seconds for durations; `sleep` waits seconds of this clock."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


FailPoint = Callable[[str], Awaitable[None]]
"""Awaited at named steps. It does nothing in production; in tests it raises or cancels."""


async def no_failpoint(name: str) -> None:
    """Do nothing: the failpoint in production."""


# ---- Traces: steps with a beginning and an end. Without tracing, a step costs almost nothing. ----


Attribute = str | int | float | bool


class Step(Protocol):
    """A step that has begun and not ended."""

    def set(self, name: str, value: Attribute) -> None:
        """Add an attribute to the step, such as its result."""


class Tracing(Protocol):
    """Makes steps. A step belongs to the trace of an event, or to the step around it."""

    def step(self, name: str, event: int | None = None, **about: Attribute) -> AbstractContextManager[Step]:
        """Begin a step. `event`: work on it begins here. Without it, the step is part of the step around it, if any."""

    def took(self, name: str, event: int, seconds: float, **about: Attribute) -> None:
        """Note the first step of an event's trace: it ends now and took `seconds`. Before, the event had no number."""

    def headers(self) -> Mapping[str, str]:
        """Return the headers with which the called system can continue the trace; none unless the settings say so."""


class NoStep:
    """A step that is not traced."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def set(self, name: str, value: Attribute) -> None:
        """Do nothing."""


NO_STEP = NoStep()
NO_HEADERS: Mapping[str, str] = {}


class NoTracing:
    """Traces nothing; used unless the settings name a destination for traces."""

    def step(self, name: str, event: int | None = None, **about: Attribute) -> NoStep:
        """Return the one step that does nothing."""
        return NO_STEP

    def took(self, name: str, event: int, seconds: float, **about: Attribute) -> None:
        """Do nothing."""

    def headers(self) -> Mapping[str, str]:
        """Return no headers."""
        return NO_HEADERS


NO_TRACING = NoTracing()


# ---- All of them, and times of the clock ----


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
