"""Writes that take several calls."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any, Protocol, cast, runtime_checkable

from bridge.connectors.protocols import Connector
from bridge.domain.errors import OutcomeUnknown, RemoteError
from bridge.domain.record import Fields, Record

Calls = Sequence[Callable[[], Awaitable[Any]]]


@contextmanager
def partly_done(system: str) -> Iterator[None]:
    """For the calls of a write after one of them took effect: a later failure does not mean that nothing was changed.

    Raises OutcomeUnknown for every RemoteError, so that the write stays pending and the records are read again.
    """
    try:
        yield
    except OutcomeUnknown:
        raise
    except RemoteError as error:
        raise OutcomeUnknown(system, f"a part of the write took effect, and then: {error.message}") from error


async def one_after_another(system: str, calls: Calls) -> None:
    """Send the calls of one write, in order; see `partly_done`."""
    for number, call in enumerate(calls):
        with partly_done(system) if number else nullcontext():
            await call()


@runtime_checkable
class StopsBetween(Protocol):
    """A connector of a product where a write of several calls changes one column step by step."""

    def between(self, entity: str, fresh: Record | None, changes: Fields | None) -> Sequence[Fields]:
        """The values that such a write passes through, and that remain when it stops between two calls.

        `fresh` None: a create of `changes`; `changes` None: the delete of `fresh`.
        """


def between(connector: Connector, entity: str, fresh: Record | None, changes: Fields | None) -> Sequence[Fields]:
    """See `StopsBetween`. Empty for all other connectors."""
    return (
        cast(StopsBetween, connector).between(entity, fresh, changes) if offers(type(connector), StopsBetween) else ()
    )


@cache  # to compare a class with a protocol takes as long as to read a small record
def offers(kind: type, protocol: type) -> bool:
    """Whether connectors of this class have what the protocol names, beside what every connector has."""
    return issubclass(kind, protocol)
