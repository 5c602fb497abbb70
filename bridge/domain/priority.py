"""For what a call to a system is made: what matters more goes first, and may use more of the account's budget."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum

from bridge.domain.event import Lane


class Priority(IntEnum):
    """The lower number goes first. LIVE: a change just reported, a person, and what keeps the bridge itself alive."""

    LIVE = 0
    RETRY = 1
    RECONCILE = 2
    BACKFILL = 3

    @property
    def word(self) -> str:
        """As people and metrics call it."""
        return self.name.lower()


LOWER = {Lane.RECONCILE: Priority.RECONCILE, Lane.BACKFILL: Priority.BACKFILL}


def priority_of(lane: Lane, *, again: bool) -> Priority:
    """Of work on a record. `again`: an attempt at it failed before; what is no live change stays what it is."""
    return LOWER.get(lane, Priority.RETRY if again else Priority.LIVE)


class Purpose:
    """One piece of work, such as a claimed record or a page of a listing. `systems`: those it has called already."""

    __slots__ = ("priority", "systems")

    def __init__(self, priority: Priority) -> None:
        self.priority = priority
        self.systems: set[str] = set()


_PURPOSE: ContextVar[Purpose | None] = ContextVar("what calls are made for", default=None)


def purpose() -> Purpose:
    """The purpose of this task's calls. The default is LIVE."""
    return _PURPOSE.get() or Purpose(Priority.LIVE)


@contextmanager
def calls_for(priority: Priority) -> Iterator[None]:
    """The calls in this block, and in tasks it starts, are made for one piece of work of this priority."""
    token = _PURPOSE.set(Purpose(priority))
    try:
        yield
    finally:
        _PURPOSE.reset(token)
