"""Reads numbered pages without losing a row.

A page token is `<page>:<rows per page>:<total>:<first id>`. Each page must hold exactly as many rows as its number, the
size of the first page and the total say. If the total shrinks, rows have moved up, and the previous page is read again.
"""

from collections.abc import Sequence
from typing import Any

from bridge.domain.errors import RetryLater
from bridge.domain.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a listing. `size` 0: not known yet. `first`: the first id of the previous page,
    to detect a repeated page."""

    page: int = 1
    size: int = 0
    total: int = 0
    first: str = ""

    @classmethod
    def of(cls, token: str | None) -> "Place":
        if token is None:
            return cls()
        page, size, total, first = token.split(":", 3)
        return cls(int(page), int(size), int(total), first)

    def __str__(self) -> str:
        return f"{self.page}:{self.size}:{self.total}:{self.first}"


class RepeatedPage(Exception):
    """The vendor ignores the page number: it returned the previous page again."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one page, as Deskera returned them, and the vendor's total (None if it gives none)."""

    rows: Sequence[Any]
    total: int | None


def step(system: str, place: Place, got: Rows) -> Place | None:
    """The next place, None at the end. Raises RepeatedPage, or RetryLater when rows are missing."""
    shown = (row.get("id") for row in got.rows if isinstance(row, dict))
    first = next((str(each) for each in shown if each is not None), "")
    count = len(got.rows)
    if place.page > 1 and first and first == place.first:
        raise RepeatedPage
    if got.total is None:
        return Place(place.page + 1, count, 0, first) if count and count >= place.size else None
    if place.page > 1 and got.total < place.total:
        return Place(max(place.page - 1, 1), place.size, got.total, "")
    size = place.size or count
    expected = max(min(size, got.total - (place.page - 1) * size), 0)
    if count != expected or (count == 0 and got.total > 0 and place.page == 1):
        raise RetryLater(system, f"a listing page {place.page} holds {count} rows instead of {expected}")
    return Place(place.page + 1, size, got.total, first) if place.page * size < got.total else None
