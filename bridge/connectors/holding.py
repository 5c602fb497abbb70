"""Holds writes back. For a plan, a connector prepares a write but does not send it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_HELD: ContextVar[bool] = ContextVar("writes held", default=False)


class Held(Exception):
    """A call that was held back. It is not an error of a remote system, so no connector handles it."""

    def __init__(self, method: str, path: str) -> None:
        super().__init__(f"{method} {path}")
        self.method = method
        self.path = path


@contextmanager
def writes_held() -> Iterator[None]:
    """In this block, the first call that would change a record raises Held and is not sent.
    Reads and logins are sent."""
    token = _HELD.set(True)
    try:
        yield
    finally:
        _HELD.reset(token)


def hold(method: str, path: str) -> None:
    """Called before a call that changes something. Raises Held where writes are held."""
    if _HELD.get():
        raise Held(method, path)
