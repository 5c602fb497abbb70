"""The priority of calls to a system: a higher one goes first, and may use more of the account's budget."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum

from bridge.domain.event import Lane


class Priority(IntEnum):
    """The lower number goes first. LIVE: a new change, a person's request, and what the bridge needs to run."""

    LIVE = 0
    RETRY = 1
    RECONCILE = 2
    BACKFILL = 3

    @property
    def word(self) -> str:
        """The priority as messages and metrics name it."""
        return self.name.lower()


LOWER = {Lane.RECONCILE: Priority.RECONCILE, Lane.BACKFILL: Priority.BACKFILL}


def priority_of(lane: Lane, *, again: bool) -> Priority:
    """Return the priority of work on a record. `again`: an attempt failed before, which lowers only a live change."""
    return LOWER.get(lane, Priority.RETRY if again else Priority.LIVE)


class Purpose:
    """One piece of work, such as a claimed record or a page of a listing. `systems`: the systems it has called."""

    __slots__ = ("priority", "systems")

    def __init__(self, priority: Priority) -> None:
        self.priority = priority
        self.systems: set[str] = set()


_PURPOSE: ContextVar[Purpose | None] = ContextVar("what calls are made for", default=None)


def purpose() -> Purpose:
    """Return the purpose of this task's calls. The default is LIVE."""
    return _PURPOSE.get() or Purpose(Priority.LIVE)


@contextmanager
def calls_for(priority: Priority) -> Iterator[None]:
    """Give the calls in this block, and in tasks that it starts, the priority of one piece of work."""
    token = _PURPOSE.set(Purpose(priority))
    try:
        yield
    finally:
        _PURPOSE.reset(token)
