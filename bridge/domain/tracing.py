"""The interface for traces: steps with a beginning and an end. Without tracing, a step costs almost nothing."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol, Self

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
