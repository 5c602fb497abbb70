"""Reads and writes records. Each module has its own envelopes (`columns.Resource`)."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bridge.connectors.bottlecrm.account import Account
from bridge.connectors.bottlecrm.columns import RESOURCES, Resource
from bridge.connectors.bottlecrm.shape import BadField, moment, read_fields, write_fields
from bridge.connectors.protocols import Page, Written
from bridge.connectors.rows import NotUnderstood, Row, Understood, one_record, row_id, understand_each
from bridge.domain.catalog import Column, ColumnSpec
from bridge.domain.errors import Rejected, RetryLater
from bridge.domain.frozen import replace
from bridge.domain.record import Evidence, Fields, Gone, Record, RecordRef

Rows = list[Any]
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Records:
    """The records of one entity."""

    def __init__(self, account: Account, entity: str) -> None:
        self._account, self._entity = account, entity
        self._resource: Resource = RESOURCES[entity]

    async def columns(self) -> Mapping[str, ColumnSpec]:
        """The columns whose choices are defined by the organisation."""
        lists = (await self._account.catalog.lists(fresh=True)).by_name
        return {
            column: ColumnSpec(Column.CHOICE, choices=tuple(lists[each.items].names()))
            for column, each in self._resource.properties.items()
            if each.items
        }

    async def read(self, ref: RecordRef) -> Record | Gone:
        """An id of another form is not requested, because the server answers it with a web page."""
        found = None
        if UUID.fullmatch(ref.id) is not None:
            found = await self._account.client.one(self._resource.path, ref.id)
        if found is None:
            return Gone(ref, Evidence.NOT_FOUND)
        with one_record(self._account.system, f"GET {self._resource.path}/:id/"):
            record = await self._record(found[self._resource.detail])
            if record.ref.id != ref.id:
                raise NotUnderstood("it is a different record")
            return record

    async def list(self, page: str | None) -> Page:
        """Newest first, or in order of id. A page holds the rows at its offset in each list of the answer.

        Pages overlap, because a record that is deleted meanwhile moves all later ones forward.
        """
        start, size = int(page or 0), self._account.options.page_size
        rows, total, longest = await self._page(start, size, ())
        found = await self._account.listings.read_each(self._entity, rows, self._record, begins=page is None)
        following = _following(start, size, longest)
        return Page(found.rows, None if following is None else str(following), total, found.skipped)

    async def newest(self, after: datetime) -> Sequence[Record]:
        """The listing can be filtered by the day of creation; the exact time is compared here."""
        query = [("created_at__gte", f"{after.astimezone(UTC):%Y-%m-%d}")]
        floor = after.replace(microsecond=0)
        found = await self._all(query)
        known = self._account.listings.whole(self._entity, found)
        return [each for each in known if each.created_at is None or each.created_at >= floor]

    async def find(self, column: str, value: Any) -> Sequence[Record]:
        parameter = self._resource.found_by.get(column)
        if parameter is None or not isinstance(value, str) or not value.strip():
            return []
        found = await self._all([(parameter, value.strip())])
        wanted = value.strip().casefold()
        return [each for each in found.rows if str(each.fields.get(column) or "").casefold() == wanted]

    async def create(self, fields: Fields) -> Written:
        body = await self._body(fields)
        said = await self._account.client.create(self._resource.path, body)
        return Written(str(said["id"]))

    async def update(self, fresh: Record, changes: Fields) -> Written:
        if not changes:
            return Written(fresh.ref.id, fresh)
        body = await self._body(changes)
        await self._account.client.change(self._resource.path, fresh.ref.id, body)
        return Written(fresh.ref.id)

    async def delete(self, fresh: Record) -> None:
        await self._account.client.delete(self._resource.path, fresh.ref.id)

    async def _all(self, query: Sequence[tuple[str, str]]) -> Understood[Record]:
        rows: Rows = []
        start: int | None = 0
        size = self._account.options.page_size
        while start is not None:
            more, _, longest = await self._page(start, size, query)
            rows += more
            start = _following(start, size, longest)
        found = await understand_each(rows, self._record)
        return replace(found, rows=list({each.ref: each for each in found.rows}.values()))

    async def _page(self, start: int, size: int, query: Sequence[tuple[str, str]]) -> tuple[Rows, int, int]:
        """The rows, the number of all records, and the length of the longest list in the answer."""
        asked = [("limit", str(size)), ("offset", str(start)), *query]
        said = await self._account.client.get(self._resource.path, asked, rows=size)
        rows: Rows = []
        numbers: list[int] = []
        for where, count in self._resource.lists:
            part, number = _within(said, where), _within(said, count)
            if not isinstance(part, list) or not isinstance(number, int):
                raise RetryLater(self._account.system, f"GET {self._resource.path}/ returned no list of records")
            rows += part
            numbers.append(number)
        return rows, sum(numbers), max(numbers)

    async def _record(self, row: Row) -> Record:
        lists = await self._account.catalog.lists()
        return Record(
            RecordRef(self._account.system, self._entity, row_id(row)),
            read_fields(self._resource, row, lists),
            moment(row.get("updated_at")) if self._resource.dated else None,
            moment(row.get("created_at")),
            archived=row.get("is_active") is False,
            raw=row,
        )

    async def _body(self, fields: Fields) -> Mapping[str, Any]:
        """The body to write. A name that the organisation does not know may be new there, so the
        lists are loaded again, once."""
        catalog = self._account.catalog
        try:
            try:
                return write_fields(self._entity, self._resource, fields, await catalog.lists())
            except BadField as bad:
                if bad.unresolved is None or not await catalog.reload_for(bad.unresolved):
                    raise
            return write_fields(self._entity, self._resource, fields, await catalog.lists())
        except BadField as bad:
            raise Rejected(self._account.system, f"{self._entity} {bad}", field=bad.column) from None


def _following(start: int, size: int, longest: int) -> int | None:
    """The offset of the next page. A tenth of the rows are in both pages."""
    if start + size >= longest:
        return None
    return start + size - size // 10


def _within(said: Any, path: Sequence[str]) -> Any:
    for key in path:
        said = said.get(key) if isinstance(said, dict) else None
    return said
