"""Deleted records, from the server's log of what users do (`ir.model.log`, `trytond/ir/model.py`).

A row of the log stores which record it is about. Once that record is gone the row shows null, but its stored text can
still be searched. So we find the ids by searching for longer and longer prefixes of that text, once for each row.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bridge.connectors.tryton.client import TrytonClient
from bridge.domain.errors import Rejected

LOG = "ir.model.log"
DIGITS = "0123456789"
LONGEST_ID = 18
MOST_KEPT = 10_000  # rows whose record is remembered: sweeps overlap and would search for the same rows again


class Deleted:
    def __init__(self, client: TrytonClient) -> None:
        self._client = client
        self._ids: dict[int, str] = {}  # row of the log -> id of the record

    async def knows(self, model: str, record_id: str) -> bool:
        """Whether the log says that this record was deleted. Also False when our user may not read the log."""
        return bool(await self._rows(["event", "=", "delete"], ["resource", "=", f"{model},{record_id}"]))

    async def since(self, model: str, moment: datetime) -> Sequence[str]:
        """Ids of the records that users deleted since `moment`. What the server deletes on its own is not logged."""
        begin = f"{model},"
        rows = await self._rows(
            ["event", "=", "delete"], ["create_date", ">=", moment], ["resource", "like", f"{begin}%"]
        )
        new = [row for row in rows if row not in self._ids]
        if len(self._ids) + len(new) > MOST_KEPT:
            self._ids = {row: self._ids[row] for row in rows if row in self._ids}
        if new:
            await self._learn(begin, new)
        # Tryton logs a delete of a missing record again, so an id can occur more than once.
        return list(dict.fromkeys(self._ids[row] for row in rows if row in self._ids))

    async def _learn(self, begin: str, rows: Sequence[int]) -> None:
        """Find the record of each of these rows, whose text starts with `begin`."""
        among, digits = ["id", "in", list(rows)], begin.rpartition(",")[2]
        exact = await self._rows(among, ["resource", "=", begin]) if digits else []
        self._ids.update(dict.fromkeys(exact, digits))
        if len(exact) == len(rows) or len(digits) >= LONGEST_ID:
            return
        for digit in DIGITS:
            longer = await self._rows(among, ["resource", "like", f"{begin}{digit}%"])
            if longer:
                await self._learn(begin + digit, longer)

    async def _rows(self, *domain: Any) -> Sequence[int]:
        """Ids of the rows of the log; none when our user may not read it."""
        try:
            return await self._client.search(LOG, domain)
        except Rejected:
            return []
