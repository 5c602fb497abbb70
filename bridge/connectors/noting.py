"""Noting the requests of a write, for the story of the record: what was sent, and the status of the answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request. `call`: method and path template; `status`: of the answer, 0 where none came."""

    call: str
    status: int


@dataclass(slots=True)
class Noted:
    """Requests in the order they were sent. `told`: a client is in use that notes each of them, answered or not."""

    requests: list[Exchange] = field(default_factory=list)
    told: bool = False

    @property
    def nothing_sent(self) -> bool:
        """Whether it is certain that no request has left that changes something."""
        return self.told and not self.requests


_NOTED: ContextVar[Noted | None] = ContextVar("requests noted", default=None)


@contextmanager
def requests_noted() -> Iterator[Noted]:
    """What the client sends in this block to change something is noted."""
    noted = Noted()
    token = _NOTED.set(noted)
    try:
        yield noted
    finally:
        _NOTED.reset(token)


def note_call() -> None:
    """Called when the client gets a call: the requests that it sends from here on are noted."""
    noted = _NOTED.get()
    if noted is not None:
        noted.told = True


def note_request(call: str, status: int) -> None:
    """Told of a request that changes something, when its answer came or was lost."""
    noted = _NOTED.get()
    if noted is not None:
        noted.requests.append(Exchange(call, status))
