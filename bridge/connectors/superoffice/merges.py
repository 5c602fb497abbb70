"""Where merged records went: the archive `mergemovelog`, the only place that tells. Vendor pages "MergeMoveLog table",
"Archive providers".

What its numbers of operations mean is not documented; 1 is taken for a merge, and all others are left alone (moves of a
person to another company are in the same log).
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bridge.connectors.superoffice.account import Account
from bridge.connectors.superoffice.columns import Resource
from bridge.domain.errors import Rejected

log = logging.getLogger(__name__)

PATH = "Archive/mergemovelog"
COLUMNS = "operation,tableNumber,sourceRecord,destinationRecord,registered"
MERGE = "1"
MOST = 500
STEPS = 5
"""A record was merged into one that was merged in its turn: followed so far."""


class Merges:
    def __init__(self, account: Account) -> None:
        self._account = account
        self._refused = False

    async def survivor(self, resource: Resource, record_id: str) -> str | None:
        """The record that the last of a chain of merges left; None when this one was not merged."""
        found, seen = record_id, {record_id}
        for _ in range(STEPS):
            into = (await self._asked(resource, f"sourceRecord eq {found}")).get(found)
            if into is None or into in seen:
                break
            seen.add(into)
            found = into
        return None if found == record_id else found

    async def since(self, resource: Resource, moment: datetime) -> Mapping[str, str]:
        """Records that were merged away at or after `moment`, with those they were merged into."""
        return await self._asked(resource, f"registered afterTime '{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}'")

    async def _asked(self, resource: Resource, condition: str) -> dict[str, str]:
        """By record where it went. Nothing where this user may not see the log."""
        if resource.table is None or self._refused:
            return {}
        query = [
            ("$select", COLUMNS),
            ("$filter", f"tableNumber eq {resource.table} and {condition}"),
            ("$orderBy", "sourceRecord asc"),
            ("$top", str(MOST)),
        ]
        try:
            rows = await self._account.client.asked(PATH, query)
        except Rejected:
            rows = None
        if rows is None:
            self._refused = True  # until the next start
            log.warning("%s: this user may not see where merged records went", self._account.system)
            return {}
        pairs = [(_id(row, "sourceRecord"), _id(row, "destinationRecord")) for row in rows if _is_merge(row)]
        return {loser: into for loser, into in pairs if loser and into}


def _is_merge(row: Any) -> bool:
    return isinstance(row, Mapping) and str(row.get("operation")) == MERGE


def _id(row: Mapping[str, Any], name: str) -> str | None:
    text = str(row.get(name))
    return text if text.isascii() and text.isdecimal() else None
