"""Products of a deal, REST v2: listed for one deal or many, added one by one or in bulk, changed, deleted.

The vendor says: the value of a deal with products is their sum, and adding, changing or deleting one changes the deal.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from aiohttp import web

from bridge.simulators.control import UnknownRecord
from bridge.simulators.faults import Faults
from bridge.simulators.pipedrive.answers import invalid, json_object, not_found, ok
from bridge.simulators.pipedrive.changes import API, APP, Changes
from bridge.simulators.pipedrive.entities import ENTITIES
from bridge.simulators.pipedrive.reading import page_of
from bridge.simulators.pipedrive.state import State
from bridge.simulators.records import Record

DEALS = ENTITIES["deals"]
MOST = 100
SORTABLE = ("id", "deal_id", "add_time", "update_time", "order_nr")
_NUMBERS = ("item_price", "quantity", "tax", "discount")
_WORDS: Mapping[str, tuple[str, ...]] = {
    "tax_method": ("exclusive", "inclusive", "none"),
    "discount_type": ("percentage", "amount"),
    "billing_frequency": ("one-time", "annually", "semi-annually", "quarterly", "monthly", "weekly"),
}
_FRESH: Mapping[str, Any] = {
    "product_variation_id": None,
    "comments": "",
    "discount": 0,
    "discount_type": "percentage",
    "tax": 0,
    "tax_method": "inclusive",
    "is_enabled": True,
    "billing_frequency": "one-time",
    "billing_frequency_cycles": None,
    "billing_start_date": None,
}
_NEEDED = ("product_id", "item_price", "quantity")


class DealProducts:
    """The lines of the account's deals, stored beside the deals."""

    def __init__(self, state: State, faults: Faults, changes: Changes) -> None:
        self._state, self._faults, self._changes = state, faults, changes

    def routes(self) -> list[tuple[str, str, Any, int]]:
        """The routes with the costs of their calls."""
        of_one = "/api/v2/deals/{id:\\d+}/products"
        return [
            ("GET", "/api/v2/deals/products", self._of_many, 10),
            ("GET", of_one, self._of_one, 10),
            ("POST", of_one, self._add, 5),
            ("POST", f"{of_one}/bulk", self._add_many, 25),
            ("DELETE", of_one, self._delete_many, 3),
            ("PATCH", f"{of_one}/{{line:\\d+}}", self._change, 5),
            ("DELETE", f"{of_one}/{{line:\\d+}}", self._delete, 3),
        ]

    def shown(self, deal_id: str, lag: float = 0.0) -> list[Record]:
        kept = self._state.deal_products.get(deal_id, lag)
        return list(kept["lines"]) if kept is not None else []

    def person_sets(self, deal_id: str | int, lines: list[dict[str, Any]]) -> list[Record]:
        """Set the lines of a deal, as a person does. Lines with a known id are kept, the others are new."""
        known = {line["id"]: line for line in self.shown(str(deal_id))}
        whole = [{**known.get(line.get("id"), {}), **line} for line in lines]
        made = [self._line(int(deal_id), line, at) for at, line in enumerate(whole, 1)]
        self._put(str(deal_id), made, APP)
        return made

    def copy(self, deal_id: str, to: str) -> None:
        """Copy the lines of one deal to another."""
        kept = [{name: line[name] for name in (*_NEEDED, *_FRESH)} for line in self.shown(deal_id)]
        self._put(to, [self._line(int(to), line, at) for at, line in enumerate(kept, 1)], API)

    async def _of_many(self, request: web.Request) -> web.Response:
        ids = [one for one in request.query.get("deal_ids", "").split(",") if one]
        if not ids or len(ids) > MOST or not all(one.isdigit() for one in ids):
            raise invalid([("deal_ids", f"must be 1 to {MOST} ids")])
        lag = self._faults.lag("deals")
        rows = [line for one in ids if self._live(one) for line in self.shown(one, lag)]
        page, cursor = page_of(rows, request, SORTABLE)
        return ok(page, additional_data={"next_cursor": cursor})

    async def _of_one(self, request: web.Request) -> web.Response:
        deal = self._deal(request)
        page, cursor = page_of(self.shown(deal, self._faults.lag("deals")), request, SORTABLE)
        return ok(page, additional_data={"next_cursor": cursor})

    async def _add(self, request: web.Request) -> web.Response:
        deal = self._deal(request)
        (line,) = self._made(deal, [await json_object(request)])
        self._put(deal, [*self.shown(deal), line], API)
        return ok(line, 201)

    async def _add_many(self, request: web.Request) -> web.Response:
        deal = self._deal(request)
        data = (await json_object(request)).get("data")
        if not isinstance(data, list) or not 0 < len(data) <= MOST or not all(isinstance(one, dict) for one in data):
            raise invalid([("data", f"must be a list of 1 to {MOST} objects")])
        made = self._made(deal, data)
        self._put(deal, [*self.shown(deal), *made], API)
        return ok(made, 201)

    async def _change(self, request: web.Request) -> web.Response:
        deal, fields = self._deal(request), await json_object(request)
        wrong = list(self._complaints(fields, new=False))
        if wrong:
            raise invalid(wrong)
        lines = self.shown(deal)
        at = self._at(lines, request)
        lines[at] = self._line(int(deal), {**lines[at], **fields}, at + 1)
        self._put(deal, lines, API)
        return ok(lines[at])

    async def _delete(self, request: web.Request) -> web.Response:
        deal = self._deal(request)
        lines = self.shown(deal)
        gone = lines.pop(self._at(lines, request))
        self._put(deal, lines, API)
        return ok({"id": gone["id"]})

    async def _delete_many(self, request: web.Request) -> web.Response:
        deal, lines = self._deal(request), self.shown(self._deal(request))
        text = request.query.get("ids")
        named = [int(one) for one in (text or "").split(",") if one.isdigit()]
        ids = named if text is not None else [line["id"] for line in lines[:MOST]]
        if len(ids) > MOST:
            raise invalid([("ids", f"must be {MOST} at most")])
        gone = [line["id"] for line in lines if line["id"] in ids]
        self._put(deal, [line for line in lines if line["id"] not in ids], API)
        return ok({"ids": gone}, additional_data={"more_items_in_collection": False})

    def _live(self, deal: str) -> Record | None:
        try:
            return self._changes.live(DEALS, deal)
        except UnknownRecord:
            return None

    def _deal(self, request: web.Request) -> str:
        deal: str = request.match_info["id"]
        if self._live(deal) is None:
            raise not_found()
        return deal

    @staticmethod
    def _at(lines: list[Record], request: web.Request) -> int:
        wanted = int(request.match_info["line"])
        found = next((at for at, line in enumerate(lines) if line["id"] == wanted), None)
        if found is None:
            raise not_found()
        return found

    def _made(self, deal: str, data: list[dict[str, Any]]) -> list[Record]:
        wrong = [reason for fields in data for reason in self._complaints(fields, new=True)]
        if wrong:
            raise invalid(wrong)
        count = len(self.shown(deal))
        return [self._line(int(deal), fields, count + at) for at, fields in enumerate(data, 1)]

    def _complaints(self, fields: Mapping[str, Any], *, new: bool) -> Iterator[tuple[str, str]]:
        for name in _NEEDED if new else ():
            if fields.get(name) is None:
                yield name, "is required"
        product = fields.get("product_id")
        if product is not None and self._product(product) is None:
            yield "product_id", "is no product"
        for name, value in fields.items():
            if name not in {*_NEEDED, *_FRESH}:
                yield name, "is not allowed"
            elif name in _NUMBERS and (isinstance(value, bool) or not isinstance(value, int | float)):
                yield name, "must be a number"
            elif name in _WORDS and value not in _WORDS[name]:
                yield name, f"must be one of {list(_WORDS[name])}"
            elif name == "comments" and not isinstance(value, str):
                yield name, "must be a text"

    def _product(self, product: Any) -> Record | None:
        found = self._state.tables["products"].get(str(product))
        return None if found is None or found["is_deleted"] else found

    def _line(self, deal: int, fields: Mapping[str, Any], at: int) -> Record:
        product, now = self._product(fields["product_id"]), self._state.now_text()
        number = fields.get("id") or self._state.next_id("deal product")
        line: Record = {"id": number, "deal_id": deal, **_FRESH, **fields}
        line |= {"name": product["name"] if product else None, "order_nr": at * 10, "currency": self._currency(deal)}
        line |= {"add_time": fields.get("add_time", now), "update_time": now, "sum": _sum(line)}
        return line

    def _currency(self, deal: int) -> str:
        return str(self._changes.live(DEALS, str(deal))["currency"])

    def _put(self, deal: str, lines: list[Record], source: str) -> None:
        self._state.deal_products.put(deal, {"lines": lines})
        self._changes.touch(DEALS, deal, {"value": sum(line["sum"] for line in lines)} if lines else {}, source)


def _sum(line: Mapping[str, Any]) -> int | float:
    """The value of a line, including a tax that is added on top."""
    worth = Decimal(str(line["item_price"])) * Decimal(str(line["quantity"]))
    discount = Decimal(str(line["discount"] or 0))
    worth -= discount if line["discount_type"] == "amount" else worth * discount / 100
    if line["tax_method"] == "exclusive":
        worth += worth * Decimal(str(line["tax"] or 0)) / 100
    rounded = worth.quantize(Decimal("0.01"))
    return int(rounded) if rounded == rounded.to_integral_value() else float(rounded)
