"""Routes of Books contacts and products (pages "Contacts", "Products")."""

from typing import Any

from aiohttp import web

from bridge.simulators.deskera.answers import Refused, id_list, json_body
from bridge.simulators.deskera.books.changes import BooksChanges
from bridge.simulators.deskera.books.routes import EntityRoutes
from bridge.simulators.deskera.books.shapes import contact_invoices, details
from bridge.simulators.deskera.state import State
from bridge.simulators.faults import Faults
from bridge.simulators.records import Record

PATCHED = ("status", "customer", "vendor", "billingAddress", "shippingAddress", "customField")


class BooksContacts(EntityRoutes):
    def __init__(self, state: State, faults: Faults, changes: BooksChanges) -> None:
        super().__init__("books_contacts", "/v1/contacts", state, faults, changes)

    def routes(self) -> list[web.RouteDef]:
        path, one = self.path, self.path + "/{id:\\d+}"
        routes = [
            web.get(path, self.page, allow_head=False),
            web.post(path, self.create),
            web.get(one, self.read_id, allow_head=False),
            web.get(path + "/code/{code}", self.read_code, allow_head=False),
            web.put(one, self.replace),
            web.patch(one, self.patch(*PATCHED)),
        ]
        if not self.newer:
            return routes
        return [
            *routes,
            web.post(path + "/codes", self.batch("code")),
            web.post(path + "/names", self.batch("name")),
            web.patch(path + "/codes/status", self.set_status),
            web.patch(path + "/updateattribute/{code}", self.patch(*PATCHED)),
            web.delete(path + "/bulk-delete", self.delete_many),
            web.delete(one, self.delete),
        ]

    async def read_id(self, request: web.Request) -> web.Response:
        return self._full(self.by_id(request.match_info["id"]))

    async def read_code(self, request: web.Request) -> web.Response:
        return self._full(self.by_code(request.match_info["code"]))

    async def set_status(self, request: web.Request) -> web.Response:
        """PATCH /v1/contacts/codes/status?status=INACTIVE with a list of codes."""
        codes: Any = await json_body(request)
        if not isinstance(codes, list):
            raise Refused(400, "A list of codes is required")
        for number in [self.by_code(str(code))["id"] for code in codes]:
            self.changes.edit(self.entity, number, {"status": request.query.get("status", "")})
        return web.Response()

    def _full(self, record: Record) -> web.Response:
        return web.json_response(self.show(record) | {"invoices": contact_invoices(self.state, record)})


class Products(EntityRoutes):
    """The routes of products. Neither generation has a GET of one product."""

    def __init__(self, state: State, faults: Faults, changes: BooksChanges) -> None:
        super().__init__("products", "/v1/products", state, faults, changes)

    def routes(self) -> list[web.RouteDef]:
        path, one = self.path, self.path + "/{id:\\d+}"
        routes = [
            web.get(path, self.page, allow_head=False),
            web.post(path, self.create),
            web.put(one, self.replace),
        ]
        if not self.newer:
            return routes
        return [
            *routes,
            web.post(path + "/ids", self.batch("id", self._details)),
            web.post(path + "/details", self.batch("code", self._details)),
            web.post(path + "/code/details", self.batch("code", self._details)),
            web.post(path + "/doc-seq-codes", self.batch("documentSequenceCode", self._details)),
            web.patch(one, self.patch()),
            web.delete(path, self.delete_these),
        ]

    async def delete_these(self, request: web.Request) -> web.Response:
        """DELETE /v1/products with a list of ids. If one of them is unknown, none is deleted."""
        for record in [self.changes.existing(self.entity, number) for number in id_list(await json_body(request))]:
            self.changes.delete(self.entity, record["id"])
        return web.Response(status=204)

    def _details(self, record: Record) -> Record:
        return details(self.state, record)
