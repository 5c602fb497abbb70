"""What the forms of sales and of their lines fill in when a person enters a party or a product (`on_change`)."""

from collections.abc import Mapping
from typing import Any

from bridge.simulators.records import Record
from bridge.simulators.tryton.rules import Refused
from bridge.simulators.tryton.state import State
from bridge.simulators.tryton.values import to_wire


def on_change(state: State, model: str, values: Mapping[str, Any], fields: list[str]) -> dict[str, Any]:
    """All values of the form afterwards. Nothing is stored. Raises Refused, as for a mistake inside the server."""
    shown = {name: value for name, value in values.items() if "." not in name}
    if model == "sale.sale" and "party" in fields and values.get("party"):
        addresses = [row for row in state.children("party.address", "party", values["party"]) if row["active"]]
        first = addresses[0]["id"] if addresses else None
        company = next(iter(state.rows("company.company")))
        shown |= {"invoice_address": first, "shipment_address": first, "payment_term": None}
        shown |= {"invoice_method": "order", "shipment_method": "order", "currency": company["currency"]}
    if model == "sale.line" and "product" in fields and values.get("product"):
        template = _template(state, values["product"])
        if template is not None:
            if template["sale_uom"] is None:
                raise Refused("'NoneType' object has no attribute 'category'", "")
            taxes = [[at, {"id": one}] for at, one in enumerate(template["customer_taxes"])]
            shown |= {"unit": values.get("unit") or template["sale_uom"], "unit_price": template["list_price"]}
            shown |= {"taxes": {"add": taxes}} if taxes else {}
    converted: dict[str, Any] = to_wire(shown)
    return converted


def _template(state: State, product: Any) -> Record | None:
    variant = state.get("product.product", product)
    return None if variant is None else state.get("product.template", variant["template"])
