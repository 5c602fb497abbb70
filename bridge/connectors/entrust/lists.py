"""The account's own things by name: user attributes, groups, organizations; pinned to the vendor's ids.

Source: the vendor's OpenAPI description (User Attributes, Groups, Organizations).
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.connectors.entrust.client import EntrustClient, Rows
from bridge.connectors.names import Names
from bridge.domain.errors import Rejected
from bridge.domain.seams import Clock

log = logging.getLogger(__name__)

ATTRIBUTES, GROUPS, ORGANIZATIONS = "user attributes", "groups", "organizations"
STALE_SECONDS = 3600.0
UNKNOWN_AGAIN_SECONDS = 600.0
MOST_ROWS = 100


@dataclass(slots=True)
class AccountList:
    """`rows`: by id, as last listed."""

    names: Names = field(default_factory=Names)
    rows: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    loaded_at: float | None = None
    unknown_at: dict[str, float] = field(default_factory=dict)


class Lists:
    """One load at a time."""

    def __init__(self, client: EntrustClient, clock: Clock) -> None:
        self._client, self._clock = client, clock
        self._lists = {kind: AccountList() for kind in (ATTRIBUTES, GROUPS, ORGANIZATIONS)}
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
        if now - known.unknown_at.get(wanted, -UNKNOWN_AGAIN_SECONDS) < UNKNOWN_AGAIN_SECONDS:
            return False
        await self.of(kind, fresh=True)
        known.unknown_at = {name: at for name, at in known.unknown_at.items() if now - at < UNKNOWN_AGAIN_SECONDS}
        known.unknown_at[wanted] = now
        return True

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
        for sentence in known.names.update((key, row.get("name")) for key, row in known.rows.items()):
            log.warning("%s: %s: %s", self._client.system, kind, sentence)
        for doubled in sorted(known.names.doubled()):
            log.warning("%s: several %s are called %r; they are left out", self._client.system, kind, doubled)
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
