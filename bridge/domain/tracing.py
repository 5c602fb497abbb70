"""The interface for traces: steps with a beginning and an end. Without tracing, a step costs almost nothing."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol, Self

Attribute = str | int | float | bool


class Step(Protocol):
    """A step under way."""

    def set(self, name: str, value: Attribute) -> None:
        """Note the result."""


class Tracing(Protocol):
    """Steps belong to the trace of an event, and to the step around them."""

    def step(self, name: str, event: int | None = None, **about: Attribute) -> AbstractContextManager[Step]:
        """`event`: the work on it begins here; without one the step is a part of the one around it, or of no trace."""

    def took(self, name: str, event: int, seconds: float, **about: Attribute) -> None:
        """The first step of an event's trace ended now, after this many seconds; before, the event had no number."""

    def headers(self) -> Mapping[str, str]:
        """What goes with a call, so that who is called can continue the trace; nothing unless the settings say so."""


class NoStep:
    """Nothing is traced."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def set(self, name: str, value: Attribute) -> None:
        """Nobody notes it."""


NO_STEP = NoStep()
NO_HEADERS: Mapping[str, str] = {}


class NoTracing:
    """What runs unless the settings name where traces go."""

    def step(self, name: str, event: int | None = None, **about: Attribute) -> NoStep:
        """One for all."""
        return NO_STEP

    def took(self, name: str, event: int, seconds: float, **about: Attribute) -> None:
        """Nobody notes it."""

    def headers(self) -> Mapping[str, str]:
        """None."""
        return NO_HEADERS


NO_TRACING = NoTracing()
