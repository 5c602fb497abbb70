"""Organizations. They show no times. Source: the vendor's OpenAPI description (Organizations)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bridge.connectors.entrust.account import Account, missing
from bridge.connectors.entrust.catalog import organizations_page
from bridge.connectors.entrust.columns import ORGANIZATION
from bridge.connectors.entrust.shape import read_row, write_row
from bridge.connectors.protocols import Page, Written
from bridge.connectors.rows import one_record
from bridge.domain.catalog import ColumnSpec
from bridge.domain.errors import Rejected
from bridge.domain.record import Fields, Gone, Record, RecordRef

ALL, ONE, TEMPLATE = "v1/organizations", "v1/organizations/{}", "v1/organizations/:id"
FOUND_AT_MOST = 100


class Organizations:
    def __init__(self, account: Account) -> None:
        self._account, self._client = account, account.client

    async def columns(self) -> Mapping[str, ColumnSpec]:
        return {}

    async def read(self, ref: RecordRef) -> Record | Gone:
        with one_record(self._account.system, f"GET {TEMPLATE}"):
            raw = await self._account.one(ref, ALL)
            return missing(ref) if raw is None else self._record(raw)

    async def list(self, since: datetime | None, page: str | None, where: Fields) -> Page:
        rows, cursor = await organizations_page(self._client, page, self._account.options.page_size)
        found = await self._account.listings.read("organization", rows, self._record, begins=page is None)
        return Page(found.rows, cursor, skipped=found.skipped)

    async def newest(self, after: datetime) -> Sequence[Record]:
        """Always empty, because an organization does not show when it was created."""
        return []

    async def find(self, column: str, value: Any) -> Sequence[Record]:
        if column not in ("name", "display_name") or not isinstance(value, str) or not value.strip():
            return []
        asked = {"name": ORGANIZATION[column].name, "operator": "EQUALS", "value": value}
        rows, _ = await self._client.page(
            "v1/organizationspaged", {"limit": FOUND_AT_MOST, "searchByAttributes": [asked]}
        )
        return (await self._account.listings.read("organization found", rows, self._record)).rows

    async def create(self, fields: Fields) -> Written:
        body = self._account.checked("organization", lambda: write_row("organization", ORGANIZATION, fields))
        said = await self._account.create(ALL, body, "name")
        return Written(str(said["id"]), self._account.shown(said, self._record))

    async def update(self, fresh: Record, changes: Fields) -> Written:
        if not changes:
            return Written(fresh.ref.id, fresh)
        body = self._account.checked("organization", lambda: write_row("organization", ORGANIZATION, changes))
        await self._account.update(ONE.format(fresh.ref.id), body, template=TEMPLATE)
        return Written(fresh.ref.id)

    async def delete(self, fresh: Record) -> None:
        await self._client.delete(ONE.format(fresh.ref.id), template=TEMPLATE)

    async def archive(self, fresh: Record) -> None:
        raise Rejected(self._account.system, "an Entrust organization cannot be archived")

    def _record(self, raw: Any) -> Record:
        raw = self._account.identified(raw)
        ref = RecordRef(self._account.system, "organization", raw["id"])
        return Record(ref, read_row(ORGANIZATION, raw), raw=raw)
