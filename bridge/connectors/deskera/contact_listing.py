"""Listings of contacts: pages counted from 1, `{data, paginationInfo: {page, totalRecords}}`.

Source: Sales page "Contact". Order and filters are documented by name only. If a server ignores them, this is noticed
or does no harm.
"""

from collections.abc import Sequence
from typing import Any

from bridge.connectors.deskera.catalog import rows_of
from bridge.connectors.deskera.client import DeskeraClient
from bridge.connectors.deskera.listing import Place, RepeatedPage, Rows, step
from bridge.connectors.limits import page_bytes
from bridge.domain.errors import RetryLater
from bridge.domain.record import Fields

PATH = "/v1/crm/contacts"
MOST_FOUND = 200

Pairs = Sequence[tuple[str, str]]


class ContactListing:
    def __init__(self, client: DeskeraClient, page_size: int) -> None:
        self._client = client
        self._size = page_size

    async def page(self, token: str | None, where: Fields) -> tuple[Rows, str | None]:
        """The rows and the next token. Only the filter `type` is sent; the caller applies all others."""
        place = Place.of(token)
        kind = where.get("type")
        filters = [("type", kind)] if isinstance(kind, str) else []
        got = await self._fetch(place.page, [*filters, ("order_by", "id"), ("sort", "asc")])
        try:
            following = step(self._client.system, place, got)
        except RepeatedPage:
            raise RetryLater(self._client.system, "Deskera returned the same page of contacts twice") from None
        return got, None if following is None else str(following)

    async def newest_first(self, number: int) -> Rows:
        return await self._fetch(number, [("order_by", "id"), ("sort", "desc")])

    async def search(self, column: str, value: str) -> list[Any]:
        """The first rows that the vendor's own filter returns."""
        rows: list[Any] = []
        for number in range(1, MOST_FOUND // self._size + 2):
            got = await self._fetch(number, [(column, value)])
            rows += got.rows
            if not got.rows or len(rows) >= min(got.total if got.total is not None else len(rows), MOST_FOUND):
                break
        return rows

    async def _fetch(self, number: int, more: Pairs) -> Rows:
        query = [("page", str(number)), ("limit", str(self._size)), *more]
        body = await self._client.get(PATH, query, most_bytes=page_bytes(self._size))
        info = body.get("paginationInfo") if isinstance(body, dict) else None
        total = info.get("totalRecords") if isinstance(info, dict) else None
        return Rows(rows_of(body), total if isinstance(total, int) else None)
