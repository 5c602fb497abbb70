"""Finds records created a moment ago, through listings, because Deskera's search may lag."""

from datetime import datetime
from itertools import pairwise
from typing import Any

from bridge.connectors.deskera.contact_listing import ContactListing
from bridge.connectors.deskera.deal_listing import DealListing
from bridge.connectors.deskera.values import Unreadable, instant, known_reference

MOST_PAGES = 10_000
LONGEST_ID = 18  # digits


async def newest_contacts(listing: ContactListing, after: datetime) -> list[Any]:
    """Requests the newest contacts first. It stops early only if the server keeps that order."""
    found: dict[str, Any] = {}
    seen = 0
    obeys = True
    for number in range(1, MOST_PAGES):
        got = await listing.newest_first(number)
        seen += len(got.rows)
        obeys = obeys and _descending([_id(raw) for raw in got.rows])
        recent = [raw for raw in got.rows if created_since(raw, after)]
        found |= {str(_id(raw)): raw for raw in recent}
        past = obeys and len(got.rows) > 1 and len(recent) < len(got.rows)
        if not got.rows or past or (got.total is not None and seen >= got.total):
            break
    return list(found.values())


async def newest_deals(listing: DealListing, after: datetime) -> list[Any]:
    """Reads the whole listing, because no order is documented."""
    found: dict[str, Any] = {}
    token: str | None = None
    for _ in range(MOST_PAGES):
        got, token = await listing.page(token)
        found |= {str(_id(raw)): raw for raw in got.rows if created_since(raw, after)}
        if token is None:
            break
    return list(found.values())


def _id(raw: Any) -> str | None:
    return known_reference(raw.get("id")) if isinstance(raw, dict) else None


def created_since(raw: Any, after: datetime) -> bool:
    """Whether the row was created at or after `after`. A row without a readable creation time counts as new."""
    try:
        created = instant(raw.get("created_at")) if isinstance(raw, dict) else None
    except Unreadable:
        created = None
    return created is None or created >= after


def may_equal(raw: Any, column: str, wanted: str) -> bool:
    """Whether the row shows this value, ignoring case and surrounding blanks, or does not show the column."""
    if not isinstance(raw, dict) or column not in raw:
        return True
    shown = raw[column]
    return isinstance(shown, str) and shown.strip().casefold() == wanted.strip().casefold()


def _descending(ids: list[str | None]) -> bool:
    numbers = [
        int(each) if each and each.isascii() and each.isdecimal() and len(each) <= LONGEST_ID else -1 for each in ids
    ]
    return all(earlier > later for earlier, later in pairwise(numbers))
