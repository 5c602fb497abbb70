"""Reading and writing items."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bridge.connectors.protocols import Page, Written
from bridge.connectors.rows import Listings, Row, one_record, understand
from bridge.connectors.sample.client import SampleClient
from bridge.connectors.sample.shape import BadField, read_item, write_item
from bridge.domain.errors import Rejected
from bridge.domain.record import Evidence, Fields, Gone, Record, RecordRef

DIGITS = re.compile(r"[0-9]{1,18}")


class Items:
    def __init__(self, client: SampleClient, listings: Listings, page_size: int) -> None:
        self._client, self._listings, self._page_size = client, listings, page_size
        self._system = client.system

    async def read(self, ref: RecordRef) -> Record | Gone:
        row = await self._client.one(ref.id) if DIGITS.fullmatch(ref.id) else None
        if row is None:
            return Gone(ref, Evidence.NOT_FOUND)
        with one_record(self._system, "GET items/:id"):
            return self._record(row)

    async def list(self, since: datetime | None, page: str | None) -> Page:
        """List by id. Rows that cannot be read are left out and counted; the listing continues."""
        query = [("after", page)] if page else []
        if since is not None:
            query.append(("updated_since", _text(since)))
        rows, following = await self._client.page(query, self._page_size)
        found = await self._listings.read("item", rows, self._record, begins=page is None)
        return Page(found.rows, following, skipped=found.skipped)

    async def newest(self, after: datetime) -> Sequence[Record]:
        """Return all new records or raise: a record that this does not name counts as not created."""
        found: list[Record] = []
        page: str | None = None
        while True:
            query = [("created_since", _text(after)), *([("after", page)] if page else [])]
            rows, page = await self._client.page(query, self._page_size)
            found += self._listings.whole("item", await understand(rows, self._record))
            if page is None:
                return found

    async def find(self, column: str, value: Any) -> Sequence[Record]:
        if column != "name" or not isinstance(value, str):
            return []
        rows, _ = await self._client.page([("name", value)], self._page_size)
        return (await self._listings.read("item found", rows, self._record)).rows

    async def create(self, fields: Fields) -> Written:
        row = await self._client.create(self._body(fields))
        return Written(str(row["id"]), self._shown(row))

    async def update(self, fresh: Record, changes: Fields) -> Written:
        if not changes:
            return Written(fresh.ref.id, fresh)
        return Written(fresh.ref.id, self._shown(await self._client.change(fresh.ref.id, self._body(changes))))

    async def delete(self, fresh: Record) -> None:
        await self._client.delete(fresh.ref.id)

    def _record(self, row: Row) -> Record:
        return read_item(self._system, row)

    def _shown(self, row: Mapping[str, Any]) -> Record | None:
        """The write took effect, so an answer that cannot be read must not lose the id."""
        try:
            return self._record(row)
        except (LookupError, TypeError, ValueError):
            return None

    def _body(self, fields: Fields) -> Mapping[str, Any]:
        try:
            return write_item(fields)
        except BadField as bad:
            raise Rejected(self._system, f"item {bad}", field=bad.column) from None


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
