"""Groups. They are few, so one answer lists all of them. Source: the vendor's OpenAPI description (Groups)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bridge.connectors.entrust.account import Account, missing
from bridge.connectors.entrust.columns import GROUP
from bridge.connectors.entrust.shape import read_row, write_row
from bridge.connectors.entrust.values import read_moment
from bridge.connectors.protocols import Page, Written
from bridge.connectors.rows import one_record, understand
from bridge.domain.catalog import ColumnSpec
from bridge.domain.errors import Rejected
from bridge.domain.record import Fields, Gone, Record, RecordRef

ALL, ONE, TEMPLATE = "v1/groups", "v1/groups/{}", "v1/groups/:id"


class Groups:
    def __init__(self, account: Account) -> None:
        self._account, self._client = account, account.client

    async def columns(self) -> Mapping[str, ColumnSpec]:
        return {}

    async def read(self, ref: RecordRef) -> Record | Gone:
        with one_record(self._account.system, f"GET {TEMPLATE}"):
            raw = await self._account.one(ref, ALL)
            return missing(ref) if raw is None else self._record(raw)

    async def list(self, since: datetime | None, page: str | None, where: Fields) -> Page:
        found = await self._account.listings.read("group", await self._client.rows(ALL), self._record)
        return Page(found.rows, skipped=found.skipped)

    async def newest(self, after: datetime) -> Sequence[Record]:
        floor = after.astimezone(UTC).replace(microsecond=0)
        found = await understand(await self._client.rows(ALL), self._record)
        rows = self._account.listings.whole("newest group", found)
        return [row for row in rows if row.created_at and row.created_at >= floor]

    async def find(self, column: str, value: Any) -> Sequence[Record]:
        """Uses the vendor's call, which takes a name or an external id."""
        if column not in ("name", "external_id") or not isinstance(value, str) or not value.strip():
            return []
        raw = await self._client.query("v1/groups/externalid", {"id": value}, absent=frozenset({404}))
        return (await self._account.listings.read("group found", [] if raw is None else [raw], self._record)).rows

    async def create(self, fields: Fields) -> Written:
        body = self._account.checked("group", lambda: write_row("group", GROUP, fields))
        return self._written(await self._account.create(ALL, body, "name"))

    async def update(self, fresh: Record, changes: Fields) -> Written:
        if not changes:
            return Written(fresh.ref.id, fresh)
        self._account.refuse_foreign(fresh)
        body = self._account.checked("group", lambda: write_row("group", GROUP, changes))
        said = await self._account.update(ONE.format(fresh.ref.id), body, template=TEMPLATE)
        return self._written(said) if isinstance(said, dict) and said.get("id") else Written(fresh.ref.id)

    async def delete(self, fresh: Record) -> None:
        self._account.refuse_foreign(fresh)
        await self._client.delete(ONE.format(fresh.ref.id), template=TEMPLATE)

    async def archive(self, fresh: Record) -> None:
        raise Rejected(self._account.system, "an Entrust group cannot be archived")

    def _written(self, said: Mapping[str, Any]) -> Written:
        record = self._account.shown(said, self._record)
        return Written(str(said["id"]), record if record is not None and record.modified_at is not None else None)

    def _record(self, raw: Any) -> Record:
        raw = self._account.identified(raw)
        ref = RecordRef(self._account.system, "group", raw["id"])
        modified, created = read_moment(raw.get("lastModified")), read_moment(raw.get("created"))
        return Record(ref, read_row(GROUP, raw), modified or created, created, raw=raw)
