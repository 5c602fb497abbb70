"""What a person does in the product's own pages: approvals, payments, stock counts, and creates with few fields.

Control routes beside those of every simulator: POST /_control/records/{entity}/{id}/approve for a draft invoice or
bill, .../payment with {"amount": 12.5} (negative: taken back), and /_control/records/products/{id}/stock with
{"quantity": -3}.
"""

from typing import Any

from aiohttp import web

from bridge.simulators.deskera.answers import Refused, json_object
from bridge.simulators.deskera.books.changes import BooksChanges
from bridge.simulators.deskera.books.checks import known_fields
from bridge.simulators.deskera.books.model import DOCUMENTS, MODELS
from bridge.simulators.deskera.books.shapes import shown
from bridge.simulators.deskera.state import State
from bridge.simulators.records import Record
from bridge.simulators.world import utc

FORM: Record = {
    "type": "TRACKED",
    "purchaseAccountCode": "ACC-COGS",
    "purchasePrice": 0,
    "salesAccountCode": "ACC-SALES",
    "salesPrice": 0,
    "stockUom": 1,
    "productTransactionType": "BOTH",
    "valuationMethod": "FIFO",
    "purchaseInvoiceType": "INVENTORY",
    "currency": "SGD",
}
"""The values that the product's forms contain from the start."""

INVENTORY_FORM: Record = {
    "openingQuantity": 0,
    "costOfGoodsSoldAccountCode": "ACC-COGS",
    "inventoryAccountCode": "ACC-STOCK",
    "inventoryAccountName": "Stock",
    "stockAdjustmentAccountCode": "ACC-ADJUST",
    "warehouseCode": "WH-1",
}


class People:
    """What a person does. Methods raise Refused."""

    def __init__(self, state: State, changes: BooksChanges) -> None:
        self._state = state
        self._changes = changes

    def creates(self, entity: str, fields: dict[str, Any]) -> Record:
        today = utc(self._state.world.clock.now()).strftime("%d-%m-%Y")
        filled: Record = {}
        for key, known in MODELS[entity].fields.items():
            if known.required and known.kind == "date":
                filled[key] = today
            elif known.required and key in FORM:
                filled[key] = FORM[key]
        if entity == "products" and fields.get("type", "TRACKED") == "TRACKED":
            filled["inventory"] = INVENTORY_FORM
            if isinstance(fields.get("inventory"), dict):
                fields = fields | {"inventory": INVENTORY_FORM | fields["inventory"]}
        if entity in DOCUMENTS:
            filled["contact"] = {"name": "Sandbox", "address": {}}
        return shown(self._state, entity, self._changes.create(entity, filled | fields))

    def edits(self, entity: str, record_id: str | int, fields: dict[str, Any]) -> Record:
        return shown(self._state, entity, self._changes.edit(entity, record_id, fields))

    def unknown(self, entity: str, fields: dict[str, Any]) -> list[str]:
        return [key for key in fields if key not in known_fields(self._state, entity)]

    def control_routes(self) -> list[web.RouteDef]:
        one = "/_control/records/{entity}/{id}"
        return [
            web.post(one + "/approve", self.approve),
            web.post(one + "/payment", self.pay),
            web.post("/_control/records/products/{id}/stock", self.move_stock),
        ]

    async def approve(self, request: web.Request) -> web.Response:
        entity = _entity(request)
        return self._shown(entity, self._changes.approve(entity, request.match_info["id"]))

    async def pay(self, request: web.Request) -> web.Response:
        entity, amount = _entity(request), _number(await json_object(request), "amount")
        return self._shown(entity, self._changes.pay(entity, request.match_info["id"], amount))

    async def move_stock(self, request: web.Request) -> web.Response:
        product = self._changes.existing("products", request.match_info["id"])
        quantity = _number(await json_object(request), "quantity")
        return self._shown("products", self._changes.move_stock(product["code"], quantity))

    def _shown(self, entity: str, record: Record) -> web.Response:
        return web.json_response(shown(self._state, entity, record))


def _entity(request: web.Request) -> str:
    entity = request.match_info["entity"]
    if entity not in DOCUMENTS:
        raise Refused(404, f"only {' and '.join(DOCUMENTS)} can be approved or paid, not {entity}")
    return entity


def _number(body: dict[str, Any], key: str) -> float:
    value = body.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise Refused(400, "Insufficient data", [(key, "must be a number")])
    return value
