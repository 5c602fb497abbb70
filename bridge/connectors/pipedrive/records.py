"""Reading records: REST v2, and v1 for leads, notes and users."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bridge.connectors.names import Unresolved
from bridge.connectors.pipedrive.account import Account
from bridge.connectors.pipedrive.deal_products import read_lines
from bridge.connectors.pipedrive.manifest import MANIFEST, RESOURCES
from bridge.connectors.pipedrive.offset_lists import ARCHIVED, LIVE, newest_by_offset, page_by_offset
from bridge.connectors.pipedrive.shape import Reading, custom_columns, read_row
from bridge.connectors.pipedrive.values import CUSTOM_TYPES, known_instant
from bridge.connectors.plain_values import write_seconds
from bridge.connectors.protocols import Identity, Page
from bridge.connectors.rows import Row, Understood, row_id, understand
from bridge.domain.catalog import Column, ColumnSpec
from bridge.domain.errors import RetryLater
from bridge.domain.record import Evidence, Fields, Gone, Record, RecordRef

NEWEST_PAGE = 100
DIGITS = re.compile(r"[0-9]{1,18}")
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
SEARCH_LIMIT = 50
DELETED = "deleted"


class PipedriveReads:
    def __init__(self, account: Account) -> None:
        self._account = account
        self._system = account.system

    async def identity(self) -> Identity:
        me = await self._account.client.me()
        if me.get("company_id") is None:
            raise RetryLater(self._system, "GET api/v1/users/me did not name the company")
        label = me.get("company_name") or me.get("company_domain") or me["company_id"]
        return Identity(str(me["company_id"]), str(label), str(me["id"]))

    async def probe(self) -> None:
        await self._account.client.me()

    async def columns(self, entity: str) -> Mapping[str, ColumnSpec]:
        return custom_columns(entity, await self._account.catalogs.of(entity, fresh=True))

    async def read(self, ref: RecordRef) -> Record | Gone:
        form = UUID if ref.entity == "lead" else DIGITS
        if form.fullmatch(ref.id) is None:
            return Gone(ref, Evidence.NOT_FOUND)
        row = await self._account.client.get(RESOURCES[ref.entity].path, ref.id)
        return Gone(ref, Evidence.NOT_FOUND) if row is None else await self.one(ref.entity, row)

    async def lines(self, entity: str, column: str, record_ids: Sequence[str]) -> Mapping[str, Sequence[Fields]]:
        """The products of deals. No other column is read by separate calls."""
        assert (entity, column) == ("deal", "products"), "no other column is read by calls of its own"
        return await read_lines(self._account.client, self._system, record_ids)

    async def list(self, entity: str, *, since: datetime | None, page: str | None, where: Fields) -> Page:
        """Filters are not sent. A listing of changed records must also show records that no longer pass the filter.

        Deals are in three listings, read one after the other. A page token is `<listing>:<cursor>`.
        """
        resource, client = RESOURCES[entity], self._account.client
        if resource.rest == 1:
            rows, token = await page_by_offset(client, resource, since, page, self._account.page_size)
            return await self._page(entity, rows, token, begins=page is None)
        listing, _, cursor = (page or LIVE).partition(":")
        path = resource.path
        query = [("limit", str(self._account.page_size)), ("sort_by", "id"), ("sort_direction", "asc")]
        if since is not None:
            query.append(("updated_since", write_seconds(since)))
        if listing == DELETED:
            query.append(("status", "deleted"))
        if cursor:
            query.append(("cursor", cursor))
        rows, following = await client.rows(f"{path}/archived" if listing == ARCHIVED else path, query)
        token = f"{listing}:{following}" if following is not None else _next_listing(entity, listing, since)
        return await self._page(entity, rows, token, begins=page is None)

    async def _page(self, entity: str, rows: Sequence[Any], token: str | None, *, begins: bool) -> Page:
        found = self._account.listings.note(entity, await self._records(entity, rows), begins=begins)
        return Page(found.rows, token, skipped=found.skipped)

    async def newest(self, entity: str, *, after: datetime) -> Sequence[Record]:
        """Newest ids first. Ids grow, while the creator of a record may set its creation time."""
        found: list[Record] = []
        cursor: str | None = None
        floor = after.astimezone(UTC).replace(microsecond=0)
        if RESOURCES[entity].rest == 1:
            old = await newest_by_offset(self._account.client, RESOURCES[entity], floor)
            return await self._whole(entity, old)
        while True:
            query = [("limit", str(NEWEST_PAGE)), ("sort_by", "id"), ("sort_direction", "desc")]
            rows, cursor = await self._account.client.rows(
                RESOURCES[entity].path, [*query, *([("cursor", cursor)] if cursor else [])]
            )
            page = await self._whole(entity, rows)
            young = [record for record in page if record.created_at is not None and record.created_at >= floor]
            found += young
            if cursor is None or len(young) < len(page):
                return found

    async def find(self, entity: str, column: str, value: Any) -> Sequence[Record]:
        """Uses the vendor's search, exact match. Custom fields can be searched only if they are text.
        Empty for any other column."""
        ids = await self._search(entity, column, value)
        if not ids:
            return []
        rows: list[Any] = []
        path = RESOURCES[entity].path
        for source in (path, f"{path}/archived") if MANIFEST.entities[entity].archives else (path,):
            page, _ = await self._account.client.rows(source, [("ids", ",".join(ids)), ("limit", str(SEARCH_LIMIT))])
            rows += page
        found = self._account.listings.note(f"{entity} found", await self._records(entity, rows))
        return [record for record in found.rows if isinstance(record, Record)]

    async def _search(self, entity: str, column: str, value: Any) -> Sequence[str]:
        resource, limit = RESOURCES[entity], ("limit", str(SEARCH_LIMIT))
        if not isinstance(value, str) or not value.strip():
            return []
        field = resource.search.get(column.split(".")[0])
        if field is not None:
            query = [("term", value.strip()), ("fields", field), ("exact_match", "true"), limit]
            items = await self._account.client.search(f"{resource.path}/search", query)
        elif column.startswith("custom."):
            code = await self._text_field(entity, column.removeprefix("custom.").strip('"'))
            if code is None:
                return []
            query = [("term", value), ("entity_type", entity), ("field", code), ("match", "exact"), limit]
            items = await self._account.client.search("api/v2/itemSearch/field", query)
        else:
            return []
        found = await self._account.listings.read(f"search of {entity}", items, row_id)
        return list(dict.fromkeys(found.rows))

    async def _text_field(self, entity: str, name: str) -> str | None:
        catalog = await self._account.catalogs.of(entity)
        if name not in catalog.names_of("field").names():
            return None
        code = catalog.names_of("field").key(name)
        return code if CUSTOM_TYPES.get(catalog.types[code]) is Column.TEXT else None

    async def _whole(self, entity: str, rows: Sequence[Any]) -> Sequence[Record]:
        found = self._account.listings.whole(f"newest {entity}", await self._records(entity, rows))
        return [record for record in found if isinstance(record, Record)]

    async def one(self, entity: str, row: Row) -> Record | Gone:
        """Read an answer that is one record. Raises RetryLater if it cannot be understood."""
        found = await self._records(entity, [row])
        if not found.rows:
            raise RetryLater(self._system, f"a {entity} cannot be understood: {found.why}")
        return found.rows[0]

    async def _records(self, entity: str, rows: Sequence[Any]) -> Understood[Record | Gone]:
        """Rows as records. When keys have no name in the catalog, it is loaded again, once."""
        catalog = await self._account.catalogs.of(entity)
        unresolved: list[Unresolved] = []

        def read(row: Row) -> Record | Gone:
            reading = read_row(entity, row, catalog)
            unresolved.extend(reading.unresolved)
            return _record(self._system, entity, row, reading)

        found = await understand(rows, read)
        if unresolved and await self._account.catalogs.reload_for(entity, unresolved):
            found = await understand(rows, read)
        return found


def _record(system: str, entity: str, row: Mapping[str, Any], reading: Reading) -> Record | Gone:
    ref = RecordRef(system, entity, row_id(row))
    created = known_instant(row.get("add_time"))
    modified = known_instant(row.get("update_time")) or created
    inactive = entity == "note" and row.get("active_flag") is False
    if row.get("is_deleted") is True or row.get("status") == "deleted" or inactive:
        return Gone(ref, Evidence.FLAG, modified_at=modified)
    return Record(ref, reading.fields, modified, created, archived=row.get("is_archived") is True, raw=row)


def _next_listing(entity: str, listing: str, since: datetime | None) -> str | None:
    if not MANIFEST.entities[entity].archives:
        return None
    if listing == LIVE:
        return ARCHIVED
    return DELETED if listing == ARCHIVED and since is not None else None
