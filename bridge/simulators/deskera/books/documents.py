"""Routes of sales invoices, bills, credit and debit notes (pages of those names) and of stock adjustments."""

from aiohttp import web

from bridge.simulators.deskera.answers import Refused, json_object
from bridge.simulators.deskera.books import paging
from bridge.simulators.deskera.books.changes import BooksChanges
from bridge.simulators.deskera.books.routes import EntityRoutes
from bridge.simulators.deskera.state import State
from bridge.simulators.faults import Faults


class Documents(EntityRoutes):
    """Sales invoices below /v1/invoices/sales or bills below /v1/invoices/purchase."""

    def __init__(self, entity: str, state: State, faults: Faults, changes: BooksChanges) -> None:
        self.kind = "sales" if entity == "invoices" else "purchase"
        super().__init__(entity, f"/v1/invoices/{self.kind}", state, faults, changes)

    def routes(self) -> list[web.RouteDef]:
        path, one = self.path, self.path + "/{id:\\d+}"
        routes = [
            web.get(path, self.page, allow_head=False),
            web.post(path, self.create),
            web.put(one, self.replace),
        ]
        if self.entity == "bills" or self.newer:
            routes.append(web.delete(one, self.delete))
        if self.entity == "bills":
            routes.append(web.delete(path, self.delete_many))
        if self.newer:
            routes += [
                web.get(path + "/document", self.page_of_dates, allow_head=False),
                web.get(path + "/code/{code}", self.read_code, allow_head=False),
                web.get(path + "/code/{code}/details", self.read_code, allow_head=False),
                web.patch(one, self.patch("memo", "attachments")),
                web.patch(path + "/code/{code}", self.patch("memo", "attachments")),
                web.delete(path + "/bulk-delete", self.delete_many),
                web.post(path + "/codes", self.batch("code")),
            ]
        return [*routes, web.get(path + "/{code}", self.read_code, allow_head=False)]

    async def page_of_dates(self, request: web.Request) -> web.Response:
        date = "salesInvoiceDate" if self.entity == "invoices" else "purchaseInvoiceDate"
        rows = paging.between(self.rows(request), date, request.query)
        content, envelope = paging.page(rows, request.query, self.state.options)
        return paging.answer([self.show(row) for row in content], envelope)


class Notes(EntityRoutes):
    """Credit notes below /v1/notes/credit or debit notes below /v1/notes/debit."""

    def __init__(self, entity: str, state: State, faults: Faults, changes: BooksChanges) -> None:
        kind = "credit" if entity == "credit_notes" else "debit"
        super().__init__(entity, f"/v1/notes/{kind}", state, faults, changes)

    def routes(self) -> list[web.RouteDef]:
        path, one = self.path, self.path + "/{id:\\d+}"
        routes = [
            web.get(path, self.page, allow_head=False),
            web.post(path, self.create),
            web.put(one, self.replace),
            web.get(path + "/{code}", self.read_code, allow_head=False),
        ]
        return [*routes, web.delete(one, self.delete)] if self.newer else routes

    async def read_code(self, request: web.Request) -> web.Response:
        """Read a note by code. Newer servers also accept the id in this place."""
        code = request.match_info["code"]
        record = self.by_id(code) if self.newer and code.isdecimal() else self.by_code(code)
        return web.json_response(self.show(record))


class Stock:
    """POST of stock adjustments. Each line moves one product and sends its own event."""

    def __init__(self, changes: BooksChanges, state: State) -> None:
        self._changes = changes
        self._state = state

    def routes(self) -> list[web.RouteDef]:
        newer = self._state.options.books != "2020"
        prefixes = ("/v1/inventories", "/v1/products/inventories") if newer else ("/v1/inventories",)
        return [web.post(prefix + "/stockAdjustment", self.adjust) for prefix in prefixes]

    async def adjust(self, request: web.Request) -> web.Response:
        body = await json_object(request)
        items, kind = body.get("stockAdjustmentItems"), body.get("adjustmentType")
        sign = {"STOCK_IN": 1, "STOCK_OUT": -1}.get(str(kind))
        if sign is None or not isinstance(items, list) or not items:
            raise Refused(400, "Insufficient data", [("adjustmentType", "and stockAdjustmentItems are required")])
        moves = [_move(item) for item in items]
        for code, quantity in moves:
            self._changes.with_stock(code, sign * quantity)
        for code, quantity in moves:
            self._changes.move_stock(code, sign * quantity, body.get("warehouseCode"))
        number = self._state.next_id("stock_adjustment")
        return web.json_response(body | {"id": number, "code": f"SA-{number:07d}"}, status=201)


def _move(item: object) -> tuple[object, float]:
    """Product code and quantity of one line. Raises Refused."""
    quantity = item.get("quantity") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(quantity, int | float) or quantity <= 0:
        raise Refused(400, "Insufficient data", [("stockAdjustmentItems", "need productVariantCode and quantity > 0")])
    return item.get("productVariantCode"), quantity
