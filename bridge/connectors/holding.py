"""Holding writes back: a plan lets a connector make a write ready, and sends nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_HELD: ContextVar[bool] = ContextVar("writes held", default=False)


class Held(Exception):
    """The call that would have been sent. Not an error of a remote system: no connector handles it."""

    def __init__(self, method: str, path: str) -> None:
        super().__init__(f"{method} {path}")
        self.method = method
        self.path = path


@contextmanager
def writes_held() -> Iterator[None]:
    """In this block the first call that would change a record raises Held in its place. Reads and logins go out."""
    token = _HELD.set(True)
    try:
        yield
    finally:
        _HELD.reset(token)


def hold(method: str, path: str) -> None:
    """Told of a call that is about to change something. Raises Held where writes are held."""
    if _HELD.get():
        raise Held(method, path)
