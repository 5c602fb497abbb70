"""Rows of a listing. A row that cannot be understood is left out and counted, and the listing continues."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from bridge.connectors.turns import OthersTurn
from bridge.domain.errors import RetryLater
from bridge.domain.frozen import dataclass
from bridge.domain.record import why_unstorable
from bridge.monitoring.skipped import SkippedRows

log = logging.getLogger(__name__)

T = TypeVar("T")
T_in = TypeVar("T_in")
Row = Mapping[str, Any]

PORTION = 100  # rows that are read before other tasks of the process run


class NotUnderstood(Exception):
    """A row that cannot be understood; the text says why."""


MAKES_NO_SENSE = (NotUnderstood, LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
"""What reading a row raises when its content does not have the form that the vendor documents. Never a remote error."""


@dataclass(frozen=True, slots=True)
class Understood(Generic[T]):
    """The values read from an answer's rows. `skipped`: the number of rows that could not be understood; `why`:
    the reason for the first."""

    rows: list[T]
    skipped: int = 0
    why: str = ""


def row_id(row: Row, name: str = "id") -> str:
    """The row's id as text."""
    found = row.get(name)
    if isinstance(found, bool) or not isinstance(found, int | str) or not str(found).strip():
        raise NotUnderstood(f"it has no {name}")
    if why := why_unstorable(str(found)):
        raise NotUnderstood(f"its {name} cannot be kept: {why}")
    return str(found)


async def understand(rows: Iterable[Any], read: Callable[[Row], T]) -> Understood[T]:
    """Read each row; a long answer is processed in portions, so that callbacks are accepted meanwhile."""

    async def read_now(row: Row) -> T:
        return read(row)

    return await understand_each(rows, read_now)


async def understand_each(rows: Iterable[Any], read: Callable[[Row], Awaitable[T]]) -> Understood[T]:
    """The same, for rows whose reading needs calls. An error of `domain.errors` that `read` raises is passed on."""
    found: list[T] = []
    problems: list[str] = []
    for number, row in enumerate(rows, 1):
        try:
            found.append(await read(_as_object(row)))
        except MAKES_NO_SENSE as problem:
            log.debug("a row cannot be understood", exc_info=problem)
            problems.append(why_not(problem))
        if number % PORTION == 0:
            await OthersTurn()
    return Understood(found, len(problems), problems[0] if problems else "")


async def read_all(wanted: Sequence[T_in], read: Callable[[T_in], Awaitable[T]], at_once: int) -> Understood[T]:
    """For listings that name their records but do not show them. Read each record, `at_once` of them at a time."""
    found: list[T] = []
    problems: list[str] = []

    async def attempt(one: T_in) -> tuple[T] | str:
        try:
            return (await read(one),)
        except MAKES_NO_SENSE as problem:
            log.debug("a record cannot be understood", exc_info=problem)
            return why_not(problem)

    for place in range(0, len(wanted), at_once):
        for each in await asyncio.gather(*(attempt(one) for one in wanted[place : place + at_once])):
            if isinstance(each, str):
                problems.append(each)
            else:
                found.append(each[0])
    return Understood(found, len(problems), problems[0] if problems else "")


@contextmanager
def one_record(system: str, asked: str) -> Iterator[None]:
    """For reading the answer to `asked`, which is one record. Raises RetryLater when it makes no sense."""
    try:
        yield
    except MAKES_NO_SENSE as problem:
        log.debug("an answer cannot be understood", exc_info=problem)
        what = f"{asked} did not answer with the record asked for: {why_not(problem)}"
        raise RetryLater(system, what) from None


class Listings:
    """The listings of one system. It reports the rows that they leave out."""

    def __init__(self, system: str, told: SkippedRows) -> None:
        self._system, self._told = system, told

    def whole(self, listing: str, found: Understood[T]) -> Sequence[T]:
        """The rows of a listing in which a missing row means a missing record. Raises RetryLater if one was skipped."""
        if found.skipped:
            what = f"the listing of {listing} holds a row that cannot be understood: {found.why}"
            raise RetryLater(self._system, what)
        return found.rows

    def note(self, listing: str, found: Understood[T], *, begins: bool = True) -> Understood[T]:
        """Report the skipped rows. `begins`: this is the listing's first answer."""
        if begins:
            self._told.begin(self._system, listing)
        if found.skipped:
            self._told.add(self._system, listing, found.skipped, found.why)
        return found

    async def read(
        self, listing: str, rows: Iterable[Any], read: Callable[[Row], T], *, begins: bool = True
    ) -> Understood[T]:
        return self.note(listing, await understand(rows, read), begins=begins)

    async def read_each(
        self, listing: str, rows: Iterable[Any], read: Callable[[Row], Awaitable[T]], *, begins: bool = True
    ) -> Understood[T]:
        return self.note(listing, await understand_each(rows, read), begins=begins)


def _as_object(row: Any) -> Row:
    if not isinstance(row, Mapping):
        raise NotUnderstood("it is no object")
    return row


def why_not(problem: Exception) -> str:
    """The reason, for people; `problem` is one of `MAKES_NO_SENSE`."""
    if isinstance(problem, NotUnderstood):
        return str(problem)
    if isinstance(problem, KeyError):
        return f"it lacks {problem.args[0]!r}" if problem.args else "it lacks a key"
    return "a value has a form the vendor does not document"
