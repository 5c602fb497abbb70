"""What the server refuses, and the rules for sold products, for sales and for their lines."""

from decimal import Decimal
from typing import Any

from bridge.simulators.records import Record
from bridge.simulators.tryton.state import State


class Refused(Exception):
    """Ends a call. `error` is what the answer contains."""

    def __init__(self, *error: Any) -> None:
        super().__init__(*error)
        self.error = list(error)


def user_error(message: str) -> Refused:
    return Refused("UserError", [message, "", None])


def places(value: Decimal) -> int:
    """The number of decimal places."""
    exponent = value.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 99


def check_sold(state: State, model: str, record: Record) -> None:
    """Raises Refused."""
    if model == "product.template" and record["salable"] and not record["sale_uom"]:
        raise user_error('A value is required for field "Sale UoM" in "Product Template".')
    if model == "sale.sale":
        _check_addresses(state, record)
    if model == "sale.line" and record["type"] == "line":
        _check_line(state, record)


def _check_addresses(state: State, sale: Record) -> None:
    for name in ("invoice_address", "shipment_address"):
        address = state.get("party.address", sale[name])
        if address is not None and address["party"] != sale["party"]:
            raise user_error(f'The value of field "{name}" in "Sale" is not valid according to its domain.')


def _check_line(state: State, line: Record) -> None:
    for name in ("quantity", "unit_price", *(("unit",) if line["product"] else ())):
        if line[name] is None:
            raise user_error(f'A value is required for field "{name}" in "Sale Line".')
    variant = state.get("product.product", line["product"])
    template = None if variant is None else state.get("product.template", variant["template"])
    if template is not None and not template["salable"]:
        raise user_error('The value of field "Product" in "Sale Line" is not valid according to its domain.')
    unit = state.get("product.uom", line["unit"])
    if unit is not None and places(Decimal(str(line["quantity"])).normalize()) > unit["digits"]:
        raise user_error('The number of digits in the value for field "Quantity" in "Sale Line" exceeds the limit.')
