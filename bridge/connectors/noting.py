"""Notes the requests of a write, for the history of the record: what was sent, and the status of the answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request. `call`: method and path template; `status`: the status of the answer, 0 if none came."""

    call: str
    status: int


@dataclass(slots=True)
class Noted:
    """Requests in the order they were sent. `called`: a client was called that notes every request, answered or not."""

    requests: list[Exchange] = field(default_factory=list)
    called: bool = False

    @property
    def nothing_sent(self) -> bool:
        """Whether it is certain that no request that changes something was sent."""
        return self.called and not self.requests


_NOTED: ContextVar[Noted | None] = ContextVar("requests noted", default=None)


@contextmanager
def requests_noted() -> Iterator[Noted]:
    """Notes every request in this block that changes something."""
    noted = Noted()
    token = _NOTED.set(noted)
    try:
        yield noted
    finally:
        _NOTED.reset(token)


def note_call() -> None:
    """Called when the client gets a call. From here on, the requests that it sends are noted."""
    noted = _NOTED.get()
    if noted is not None:
        noted.called = True


def note_request(call: str, status: int) -> None:
    """Called for a request that changes something, after its answer came or was lost."""
    noted = _NOTED.get()
    if noted is not None:
        noted.requests.append(Exchange(call, status))
