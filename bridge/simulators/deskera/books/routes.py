"""What the routes of all Books entities share: reads, lists, creates, updates, deletes."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from bridge.simulators.deskera.answers import Refused, id_list, json_body, json_object
from bridge.simulators.deskera.books import paging
from bridge.simulators.deskera.books.changes import BooksChanges
from bridge.simulators.deskera.books.model import MODELS
from bridge.simulators.deskera.books.shapes import shown
from bridge.simulators.deskera.state import GONE, State
from bridge.simulators.faults import Faults
from bridge.simulators.records import Record

Route = Callable[[web.Request], Awaitable[web.Response]]
SEARCHED = ("name", "emailId", "code", "documentSequenceCode", "contactCode", "memo", "purchaseOrderRefNo", "barcode")


class EntityRoutes:
    """One entity below `path`. Updates and deletes use the numeric id, reads the code (contacts: both)."""

    def __init__(self, entity: str, path: str, state: State, faults: Faults, changes: BooksChanges) -> None:
        self.entity = entity
        self.path = path
        self.model = MODELS[entity]
        self.state = state
        self.faults = faults
        self.changes = changes
        self.newer = state.options.books != "2020"

    def rows(self, request: web.Request) -> list[Record]:
        """All live rows that match `search`, `query` and `contactCode(s)`, in the requested order."""
        query, search = request.query, request.query.get("search", "").casefold()
        lag = self.faults.lag_of_search(self.entity) if search or query.get("query") else self.faults.lag(self.entity)
        rows = self.state.rows(self.entity, lag)
        if search:
            rows = [row for row in rows if any(search in str(row.get(key) or "").casefold() for key in SEARCHED)]
        codes = query.get("contactCodes") or query.get("contactCode") or ""
        if codes and "contactCode" in self.model.fields:
            rows = [row for row in rows if row["contactCode"] in codes.split(",")]
        rows = [row | {self.model.code: row["code"]} for row in rows]
        return paging.in_order(paging.matching(rows, query.get("query", "")), query)

    async def page(self, request: web.Request) -> web.Response:
        content, envelope = paging.page(self.rows(request), request.query, self.state.options)
        return paging.answer([self.show(row) for row in content], envelope)

    async def create(self, request: web.Request) -> web.Response:
        record = self.changes.create(self.entity, await json_object(request))
        return web.json_response(self.show(record), status=self.state.options.books_create_status)

    async def read_code(self, request: web.Request) -> web.Response:
        return web.json_response(self.show(self.by_code(request.match_info["code"])))

    async def replace(self, request: web.Request) -> web.Response:
        reset = not self.state.options.partial_put
        record = self.changes.edit(self.entity, request.match_info["id"], await json_object(request), reset)
        return web.json_response(self.show(record))

    async def delete(self, request: web.Request) -> web.Response:
        self.changes.delete(self.entity, request.match_info["id"])
        return web.Response(status=204)

    async def delete_many(self, request: web.Request) -> web.Response:
        """Delete several records. The answer is 207 with one line per id."""
        done = []
        for number in id_list(await json_body(request)):
            found = self.state.get(self.entity, number) is not None
            if found:
                self.changes.delete(self.entity, number)
            done.append({"id": number, "status": 204 if found else 404})
        return web.json_response(done, status=207)

    def patch(self, *keys: str) -> Route:
        """A PATCH that accepts only these fields and leaves missing ones alone; by id or by code."""

        async def edit(request: web.Request) -> web.Response:
            where, body = request.match_info, await json_object(request)
            number = where["id"] if "id" in where else self.by_code(where["code"])["id"]
            taken = {key: value for key, value in body.items() if key in keys or not keys}
            return web.json_response(self.show(self.changes.edit(self.entity, number, taken)))

        return edit

    def batch(self, key: str, look: Callable[[Record], Record] | None = None) -> Route:
        """A POST of a bare list. It answers with the records whose `key` is in the list."""

        async def read(request: web.Request) -> web.Response:
            wanted = await json_body(request)
            if not isinstance(wanted, list):
                raise Refused(400, "A list is required")
            rows = self.state.rows(self.entity, self.faults.lag(self.entity))
            return web.json_response([(look or self.show)(row) for row in rows if row[key] in wanted])

        return read

    def show(self, record: Record) -> Record:
        return shown(self.state, self.entity, record)

    def by_id(self, number: str) -> Record:
        return self._live(self.state.tables[self.entity].get(number, self.faults.lag(self.entity)))

    def by_code(self, code: str) -> Record:
        return self.by_id(self.state.by_code[self.entity].get(code, ""))

    def _live(self, record: Any) -> Record:
        gone = record is not None and GONE in record
        if record is None or (gone and not self.state.options.flag_deleted_books):
            raise Refused(404, f"{self.model.title} not found")
        return dict(record)
