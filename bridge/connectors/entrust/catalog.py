"""The account's own lists by name: user attributes, groups, organizations; names are pinned to the vendor's ids.

Source: the vendor's OpenAPI description (User Attributes, Groups, Organizations).
"""

import logging
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bridge.connectors.account_list import AccountList
from bridge.connectors.entrust.client import EntrustClient, Rows
from bridge.connectors.names import Names, Pins, pair_of
from bridge.connectors.rows import Listings, Row, row_id
from bridge.domain.errors import Rejected
from bridge.domain.seams import Clock

log = logging.getLogger(__name__)

ATTRIBUTES, GROUPS, ORGANIZATIONS = "user attributes", "groups", "organizations"
MOST_ROWS = 100


@dataclass(slots=True)
class Listed:
    """One list. `rows`: its rows by id, as last listed."""

    names: Names
    rows: dict[str, Row] = field(default_factory=dict)


class Lists:
    def __init__(self, client: EntrustClient, pins: Pins, listings: Listings, clock: Clock) -> None:
        self._client, self._pins, self._listings = client, pins, listings
        self._kept = {
            kind: AccountList(clock, partial(self._load, kind, Listed(Names(kind))))
            for kind in (ATTRIBUTES, GROUPS, ORGANIZATIONS)
        }

    async def of(self, kind: str, *, fresh: bool = False) -> Listed:
        """The list of this kind. It is empty when the application's role may not see it; then records
        show the names themselves."""
        return await self._kept[kind].get(fresh=fresh)

    def forget(self) -> None:
        """List all kinds again when next needed. Pinned names stay pinned."""
        for kept in self._kept.values():
            kept.forget()

    async def reload_for(self, kind: str, wanted: str) -> bool:
        """Reload the list of this kind if that may help. Return True if it was reloaded."""
        return await self._kept[kind].again_for([wanted])

    async def _load(self, kind: str, known: Listed, oldest: float) -> Listed:
        try:
            rows = await self._rows(kind)
        except Rejected as refused:
            if refused.status != 403:
                raise
            log.warning("%s: %s cannot be listed: %s", self._client.system, kind, refused.message)
            rows = []
        found = await self._listings.read(f"ids of {kind}", rows, lambda row: (row_id(row), row))
        known.rows = dict(found.rows)
        await self._pins.update(known.names, known.rows.values(), pair_of("id", "name"))
        return known

    async def _rows(self, kind: str) -> list[Any]:
        if kind != ORGANIZATIONS:
            return await self._client.rows("v1/userattributes" if kind == ATTRIBUTES else "v1/groups")
        rows: list[Any] = []
        cursor: str | None = None
        while True:
            more, cursor = await organizations_page(self._client, cursor, MOST_ROWS)
            rows += more
            if cursor is None:
                return rows


async def organizations_page(client: EntrustClient, cursor: str | None, limit: int) -> Rows:
    """One page, in order of name. With a cursor, the cursor determines the order."""
    order = {"orderByAttribute": {"name": "name", "ascending": True}}
    return await client.page("v1/organizationspaged", {"limit": limit, **({"cursor": cursor} if cursor else order)})
