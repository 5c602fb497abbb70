"""Finds the survivors of merges in the archive `mergemovelog`, their only source. Vendor pages "MergeMoveLog table",
"Archive providers".

The meaning of its operation numbers is not documented. 1 is taken as a merge; all others are ignored (moves of a person
to another company are in the same log).
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bridge.connectors.superoffice.account import Account
from bridge.connectors.superoffice.columns import Resource
from bridge.domain.errors import Rejected, RetryLater

log = logging.getLogger(__name__)

PATH = "Archive/mergemovelog"
COLUMNS = "operation,tableNumber,sourceRecord,destinationRecord,registered"
MERGE = "1"
MOST = 500
STEPS = 5
"""The most merges that are followed in a chain, where the survivor of one merge was merged again."""
CLOSED = frozenset({403, 404, 405, 410})
REFUSED_SECONDS = 86_400.0
"""Seconds until the log is read again after a refusal: somebody may grant the right in the meantime."""


class Merges:
    def __init__(self, account: Account) -> None:
        self._account = account
        self._refused_until = float("-inf")  # by the monotonic clock

    async def survivor(self, resource: Resource, record_id: str) -> str | None:
        """The survivor at the end of the chain of merges; None when this record was not merged."""
        found, seen = record_id, {record_id}
        for _ in range(STEPS):
            into = (await self._asked(resource, f"sourceRecord eq {found}")).get(found)
            if into is None or into in seen:
                break
            seen.add(into)
            found = into
        return None if found == record_id else found

    async def since(self, resource: Resource, moment: datetime) -> Mapping[str, str]:
        """Records that were merged into others at or after `moment`: loser -> survivor."""
        return await self._asked(resource, f"registered afterTime '{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}'")

    async def _asked(self, resource: Resource, condition: str) -> dict[str, str]:
        """Merged records and their survivors. Empty if our user may not read the log."""
        found: dict[str, str] = {}
        after: str | None = None
        while resource.table is not None and self._account.clock.monotonic() >= self._refused_until:
            beyond = f" and sourceRecord gt {after}" if after is not None else ""
            rows = await self._page(f"tableNumber eq {resource.table} and {condition}{beyond}")
            full = len(rows) >= MOST
            if full:  # further rows of the last record may be on the next page, which starts with all of its rows
                last = _id(rows[-1], "sourceRecord")
                rows = [row for row in rows if _id(row, "sourceRecord") != last] or rows
                after = _id(rows[-1], "sourceRecord")
            pairs = [(_id(row, "sourceRecord"), _id(row, "destinationRecord")) for row in rows if _is_merge(row)]
            found |= {loser: into for loser, into in pairs if loser and into}
            if not full:
                break
            if after is None:
                raise RetryLater(self._account.system, f"GET {PATH} returned a row without its record")
        return found

    async def _page(self, condition: str) -> Sequence[Any]:
        """One page of the log. Raises RetryLater for a refusal, except when it says that our
        user may not read the log."""
        query = [
            ("$select", COLUMNS),
            ("$filter", condition),
            ("$orderBy", "sourceRecord asc"),
            ("$top", str(MOST)),
        ]
        try:
            rows = await self._account.client.archive_or_none(PATH, query)
        except Rejected as refused:
            if refused.status not in CLOSED:
                raise RetryLater(self._account.system, refused.message) from None
            rows = None
        if rows is None:
            self._refused_until = self._account.clock.monotonic() + REFUSED_SECONDS
            log.warning("%s: this user may not read which record a merge kept", self._account.system)
        return rows or []


def _is_merge(row: Any) -> bool:
    return isinstance(row, Mapping) and str(row.get("operation")) == MERGE


def _id(row: Mapping[str, Any], name: str) -> str | None:
    text = str(row.get(name))
    return text if text.isascii() and text.isdecimal() else None
