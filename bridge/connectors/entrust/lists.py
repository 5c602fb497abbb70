"""The account's own things by name: user attributes, groups, organizations; pinned to the vendor's ids.

Source: the vendor's OpenAPI description (User Attributes, Groups, Organizations).
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.connectors.entrust.client import EntrustClient, Rows
from bridge.connectors.names import STALE_SECONDS, Misses, Names, Pins
from bridge.domain.errors import Rejected
from bridge.domain.seams import Clock

log = logging.getLogger(__name__)

ATTRIBUTES, GROUPS, ORGANIZATIONS = "user attributes", "groups", "organizations"
MOST_ROWS = 100


@dataclass(slots=True)
class AccountList:
    """`rows`: by id, as last listed."""

    names: Names
    rows: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    loaded_at: float | None = None
    misses: Misses = field(default_factory=Misses)


class Lists:
    """One load at a time."""

    def __init__(self, client: EntrustClient, pins: Pins, clock: Clock) -> None:
        self._client, self._pins, self._clock = client, pins, clock
        self._lists = {kind: AccountList(Names(kind)) for kind in (ATTRIBUTES, GROUPS, ORGANIZATIONS)}
        self._one = asyncio.Lock()

    async def of(self, kind: str, *, fresh: bool = False) -> AccountList:
        """Empty when the application's role may not see it: records then show the names themselves."""
        asked, known = self._clock.monotonic(), self._lists[kind]
        async with self._one:
            oldest = asked if fresh else asked - STALE_SECONDS
            if known.loaded_at is None or known.loaded_at <= oldest:
                await self._load(kind, known)
        return known

    def forget(self) -> None:
        """All are listed again when next needed; what was pinned stays pinned."""
        for known in self._lists.values():
            known.loaded_at = None

    async def reload_for(self, kind: str, wanted: str) -> bool:
        """Loads anew when that may help: not for what was looked for in vain a moment ago. True: loaded."""
        known, now = self._lists[kind], self._clock.monotonic()
        due = known.misses.due([wanted], now)
        if due:
            await self.of(kind, fresh=True)
            known.misses.add(due, now)
        return bool(due)

    async def _load(self, kind: str, known: AccountList) -> None:
        started = self._clock.monotonic()
        try:
            rows = await self._rows(kind)
        except Rejected as refused:
            if refused.status != 403:
                raise
            log.warning("%s: %s cannot be listed: %s", self._client.system, kind, refused.message)
            rows = []
        known.rows = {str(row["id"]): row for row in rows if row.get("id")}
        await self._pins.update(known.names, ((key, row.get("name")) for key, row in known.rows.items()))
        known.loaded_at = started

    async def _rows(self, kind: str) -> list[Mapping[str, Any]]:
        if kind != ORGANIZATIONS:
            return await self._client.rows("v1/userattributes" if kind == ATTRIBUTES else "v1/groups")
        rows: list[Mapping[str, Any]] = []
        cursor: str | None = None
        while True:
            more, cursor = await organizations_page(self._client, cursor, MOST_ROWS)
            rows += more
            if cursor is None:
                return rows


async def organizations_page(client: EntrustClient, cursor: str | None, limit: int) -> Rows:
    """By name; with a cursor the order is the cursor's."""
    order = {"orderByAttribute": {"name": "name", "ascending": True}}
    return await client.page("v1/organizationspaged", {"limit": limit, **({"cursor": cursor} if cursor else order)})
