"""The calls for one Books entity. Reads use the code; updates and deletes use the numeric id of the record just read.

The older generation of the API cannot read a single product; there the listing is searched.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from bridge.connectors.calls import Call
from bridge.connectors.deskera.books.forms import changed_body, fields_of, product_row
from bridge.connectors.deskera.books.kinds import BILL, CONTACT, INVOICE, KINDS, PRODUCT, Kind
from bridge.connectors.deskera.catalog import objects_of, rows_of
from bridge.connectors.deskera.client import DeskeraClient
from bridge.connectors.deskera.listing import Place, RepeatedPage, Rows, step
from bridge.connectors.deskera.values import deleted, known_reference
from bridge.connectors.limits import page_bytes
from bridge.connectors.protocols import Page, Written
from bridge.connectors.rows import MAKES_NO_SENSE, NotUnderstood, one_record
from bridge.domain.catalog import ColumnSpec
from bridge.domain.errors import OutcomeUnknown, Rejected, RetryLater
from bridge.domain.record import Evidence, Fields, Gone, Record, RecordRef

_MISSING = frozenset({404, 405})
_GONE = frozenset({404, 410})
_MOST_PAGES = 10_000
_PRODUCT_DETAILS = "/v1/products/code/details"
Raw = Mapping[str, Any]


class BooksRecords:
    """One entity of one organisation."""

    def __init__(self, client: DeskeraClient, kind: Kind, page_size: int) -> None:
        self._client = client
        self._kind = kind
        self._size = page_size
        self._details = True

    def columns(self) -> dict[str, ColumnSpec]:
        """Empty, because custom fields of Books records are not supported yet."""
        return {}

    async def read(self, code: str) -> Record | Gone:
        if self._kind.entity == PRODUCT:
            raw = await self._product(code)
            with one_record(self._client.system, f"GET {self._kind.path}"):
                return self.row(raw) if raw is not None else Gone(self._ref(code), Evidence.NOT_FOUND)
        inner = "code/" if self._kind.entity == CONTACT else ""
        path = f"{self._kind.path}/{inner}{code}"
        shown = await self._client.get_one(path, template=f"{self._kind.path}/{inner}{{code}}")
        if isinstance(shown, int):
            return Gone(self._ref(code), Evidence.FLAG if shown == 410 else Evidence.NOT_FOUND)
        with one_record(self._client.system, f"GET {self._kind.path}"):
            if not isinstance(shown, dict) or self._code(shown) != code:
                raise NotUnderstood("it is a different record, or no record")
            return self.row(shown)

    def row(self, raw: Raw) -> Record | Gone:
        """The record in an answer. Raises NotUnderstood, or another of `MAKES_NO_SENSE`."""
        code = self._code(raw)
        if code is None:
            raise NotUnderstood("it has no code")
        if deleted(raw):
            return Gone(self._ref(code), Evidence.FLAG)
        return Record(self._ref(code), fields_of(self._kind, raw), raw=raw)

    async def list(self, page: str | None) -> Page:
        """Oldest first, so that new records appear at the end of a listing."""
        place = Place.of(page)
        got = await self._fetch(place.page, [("sort", self._kind.created), ("sortDir", "asc")])
        try:
            following = step(self._client.system, place, got)
        except RepeatedPage:  # the vendor's own sample returns the last page again after the end
            if place.total and (place.page - 1) * place.size < place.total:
                what = f"Deskera returned the same page of {self._kind.path} twice"
                raise RetryLater(self._client.system, what) from None
            return Page([], None, got.total)
        found = await self._client.listings.read(self._kind.entity, got.rows, self.row, begins=page is None)
        token = None if following is None else str(following)
        return Page(found.rows, token, got.total, skipped=found.skipped)

    async def everything(self) -> Sequence[Record]:
        """All records, because Books shows no time of creation, so any may be new. A record that is not
        among them counts as absent."""
        found: list[Record] = []
        page: str | None = None
        for _ in range(_MOST_PAGES):
            got = await self.list(page)
            if got.skipped:
                what = f"the listing of {self._kind.path} holds rows that cannot be understood"
                raise RetryLater(self._client.system, what)
            found += [row for row in got.rows if isinstance(row, Record)]
            page = got.next
            if page is None:
                break
        return found

    async def create(self, fields: Fields) -> Written:
        body = await self._completed(changed_body(self._client.system, self._kind, {}, fields))
        answer = await self._client.write("POST", self._kind.path, body)
        shown = answer.loose_json()
        code = self._code(shown) if isinstance(shown, dict) else None
        if code is None:
            raise OutcomeUnknown(self._client.system, f"POST {self._kind.path} did not answer with a code")
        return Written(code, self._shown(shown))

    async def update(self, fresh: Record, changes: Fields) -> Written:
        """Sends the whole record, because it is not documented whether PUT accepts a part."""
        if not changes:
            return Written(fresh.ref.id, fresh)
        raw = await self._whole(fresh)
        body = await self._completed(changed_body(self._client.system, self._kind, raw, changes))
        template = f"{self._kind.path}/{{id}}"
        answer = await self._client.write("PUT", f"{self._kind.path}/{self._number(raw)}", body, template=template)
        shown = answer.loose_json()
        ours = isinstance(shown, dict) and self._code(shown) == fresh.ref.id
        return Written(fresh.ref.id, self._shown(shown) if ours else None)

    async def delete(self, fresh: Record) -> None:
        number = self._number(fresh.raw)
        if self._kind.entity == PRODUCT:
            await self._client.send(Call("DELETE", self._kind.path, json=[number], accept=_GONE))
        else:
            await self._client.delete(f"{self._kind.path}/{number}", template=f"{self._kind.path}/{{id}}")

    def _shown(self, raw: Raw) -> Record | None:
        """The record in a write's answer. None if the answer makes no sense: the write took effect all the same."""
        try:
            row = self.row(raw)
        except MAKES_NO_SENSE:
            return None
        return row if isinstance(row, Record) else None

    async def _product(self, code: str) -> Raw | None:
        if self._details:
            call = Call("POST", _PRODUCT_DETAILS, json=[code], accept=_MISSING, reads=True)
            answer = await self._client.send(call)
            if answer.status not in _MISSING:
                rows = [product_row(row) for row in objects_of(answer.json())]
                return next((row for row in rows if self._code(row) == code), None)
            self._details = False  # an older server
        return await self._listed(code)

    async def _listed(self, code: str) -> Raw | None:
        """Find a product by search, or in the whole listing if the search does not find it."""
        got = await self._fetch(1, [("search", code)])
        for raw in got.rows:
            if isinstance(raw, dict) and self._code(raw) == code:
                return raw
        return next((each.raw for each in await self.everything() if each.ref.id == code), None)

    async def _whole(self, fresh: Record) -> Raw:
        """The whole record for an update. A product's details lack some of it."""
        if self._kind.entity != PRODUCT or not self._details:
            return fresh.raw
        whole = await self._listed(fresh.ref.id)
        if whole is None:
            raise RetryLater(self._client.system, f"product {fresh.ref.id} is not listed")
        return {**whole, **{name: value for name, value in fresh.raw.items() if name in whole}}

    async def _completed(self, body: dict[str, Any]) -> dict[str, Any]:
        """Add what Deskera requires of documents beside our columns: the contact's name, and
        lines with type and sums."""
        if self._kind.entity not in (INVOICE, BILL):
            return body
        if not body.get("contact") and body.get("contactCode"):
            body["contact"] = await self._party(body["contactCode"])
        items = [await self._item(item) for item in body.get(self._kind.lines) or []]
        body[self._kind.lines] = items
        body["totalAmount"] = sum((_number(item.get("totalAmount")) for item in items), Decimal(0))
        body["totalAmount"] += sum((_number(item.get("taxAmount")) for item in items), Decimal(0))
        return body

    async def _party(self, code: str) -> dict[str, Any]:
        found = await BooksRecords(self._client, KINDS[CONTACT], self._size).read(code)
        if isinstance(found, Gone):
            raise Rejected(self._client.system, f"there is no contact {code}", field="contact_id")
        listed = found.raw.get("billingAddress")
        return {"name": found.raw.get("name"), "address": listed[0] if isinstance(listed, list) and listed else None}

    async def _item(self, item: dict[str, Any]) -> dict[str, Any]:
        total = _number(item.get("productQuantity")) * _number(item.get("unitPrice"))
        made = {**item, "totalAmount": total}
        if not item.get("documentSequenceCode") or not item.get("type"):
            found = await BooksRecords(self._client, KINDS[PRODUCT], self._size).read(str(item.get("productCode")))
            if isinstance(found, Gone):
                raise Rejected(self._client.system, f"there is no product {item.get('productCode')}", field="line")
            made |= {"type": found.raw.get("type"), "documentSequenceCode": found.raw.get("documentSequenceCode")}
        return made

    async def _fetch(self, page: int, more: Sequence[tuple[str, str]]) -> Rows:
        """One page. Deskera counts the pages of Books from 0."""
        query = [("page", str(page - 1)), ("limit", str(self._size)), *more]
        body = await self._client.get(self._kind.path, query, most_bytes=page_bytes(self._size))
        total = body.get("totalElements") if isinstance(body, dict) else None
        return Rows(rows_of(body), total if isinstance(total, int) else None)

    def _code(self, raw: Raw) -> str | None:
        return known_reference(raw.get(self._kind.code))

    def _number(self, raw: Raw) -> Any:
        number = raw.get("id")
        if number is None:
            raise RetryLater(self._client.system, f"Deskera returned a {self._kind.entity} without its id")
        return number

    def _ref(self, code: str) -> RecordRef:
        return RecordRef(self._client.system, self._kind.entity, code)


def _number(value: Any) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value or 0))
