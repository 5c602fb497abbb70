"""Noting the requests of a write, for the story of the record: what was sent, and the status of the answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request. `call`: method and path template; `status`: of the answer, 0 where none came."""

    call: str
    status: int


_NOTED: ContextVar[list[Exchange] | None] = ContextVar("requests noted", default=None)


@contextmanager
def requests_noted() -> Iterator[list[Exchange]]:
    """What the client sends in this block to change something is noted in the list, in this order."""
    noted: list[Exchange] = []
    token = _NOTED.set(noted)
    try:
        yield noted
    finally:
        _NOTED.reset(token)


def note_request(call: str, status: int) -> None:
    """Told of a request that changes something, when its answer came or was lost."""
    noted = _NOTED.get()
    if noted is not None:
        noted.append(Exchange(call, status))
