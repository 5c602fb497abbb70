"""Canonical values: the common form to which both sides' values of a field are translated."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from bridge.domain.record import Side


class Missing(Enum):
    """`UNREAD`: the answer did not contain the column. `LEAVE`: the column must not be written."""

    UNREAD = "unread"
    LEAVE = "leave"

    def __repr__(self) -> str:
        return self.name

    def __bool__(self) -> bool:
        return False


UNREAD: Final = Missing.UNREAD
LEAVE: Final = Missing.LEAVE


class Untranslatable(Exception):
    """A field rule cannot translate a value; the text names the value and what was expected."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A link field as one side shows it: record `id` of `side` in `mapping`; `sync` resolves it to a `LinkId`."""

    mapping: str
    side: Side
    id: str

    def __str__(self) -> str:
        return f"{self.mapping} {self.id}"


@dataclass(frozen=True, slots=True, order=True)
class LinkId:
    """A link field's canonical value: the id of the link itself, which is the same for both sides.

    merged_away: it was read from a reference to a record whose pair was merged into this link's pair.
    """

    id: int
    merged_away: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return f"link {self.id}"


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in units of `currency` (ISO 4217), rounded to the currency's exponent if it is known."""

    amount: Decimal
    currency: str | None = None

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}" if self.currency else str(self.amount)


@dataclass(frozen=True, slots=True, eq=False)
class Phone:
    """A telephone number: `e164`, `extension` and `remark` are compared; `original` is the text as typed.

    `e164` None: the text is not certainly one number; then its letters and digits are compared. `remark`: words beside
    the number, like `home`; they are compared, but not used for matching.
    """

    e164: str | None
    original: str
    extension: str | None = None
    remark: str | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Phone):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __str__(self) -> str:
        return self.original

    @property
    def number(self) -> str | None:
        """The number in international form with its extension: +4722123456 ext. 5."""
        return f"{self.e164} ext. {self.extension}" if self.e164 and self.extension else self.e164

    @property
    def letters(self) -> str:
        """The letters and digits of the text, for comparing a text that is not a number."""
        return "".join(c for c in self.original.casefold() if c.isalnum()) or self.original

    def _key(self) -> tuple[str, ...]:
        if self.e164 is None:
            return (self.letters,)
        return (self.e164, self.extension or "", self.remark or "")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a list: (field, value) in file order; None for an empty value."""

    values: tuple[tuple[str, Any], ...]

    def value(self, name: str) -> Any:
        return next((value for known, value in self.values if known == name), None)

    def __str__(self) -> str:
        return " ".join(f"{name}={value}" for name, value in self.values if not is_empty(value))


@dataclass(frozen=True, slots=True)
class Lines:
    """A list of at least one line. A list without lines is None."""

    rows: tuple[Line, ...]

    def __str__(self) -> str:
        return "; ".join(map(str, self.rows))


def parts_of(value: Any) -> tuple[Any, ...]:
    """Return the value itself; for lines, the values of all lines."""
    return tuple(one for line in value.rows for _, one in line.values) if isinstance(value, Lines) else (value,)


def with_parts(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return the changed value; for lines, each value of each line is changed."""
    if not isinstance(value, Lines):
        return change(value)
    return Lines(tuple(Line(tuple((name, change(one)) for name, one in line.values)) for line in value.rows))


def names_records(value: Any) -> bool:
    """Return whether the value refers to other records, linked or not."""
    return any(isinstance(one, LinkId | Reference) for one in parts_of(value))


def names_unlinked(value: Any) -> bool:
    """Return whether the value refers to a record that is not linked, as far as the value shows."""
    return any(isinstance(one, Reference) for one in parts_of(value))


def names_merged_away(value: Any) -> bool:
    """Return whether the value refers to a record that was merged into a linked survivor."""
    return any(isinstance(one, LinkId) and one.merged_away for one in parts_of(value))


def is_empty(value: Any) -> bool:
    """Return whether there is no value: None, UNREAD, empty text, list or set. Zero and False are values."""
    if value is None or value is UNREAD:
        return True
    if isinstance(value, _CONTAINERS):
        return not value
    return isinstance(value, Money) and value.amount is None


_CONTAINERS = (str, list, tuple, frozenset, set, dict)
