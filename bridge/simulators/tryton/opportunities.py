"""How a converted opportunity changes. The server writes it whenever one of its sales changes its state.

Facts: `Opportunity.process` of the module sale_opportunity, version 8.2.
"""

from datetime import date
from decimal import Decimal

from bridge.simulators.records import Record
from bridge.simulators.tryton.reading import amounts
from bridge.simulators.tryton.state import State

WON, LOST = ("confirmed", "processing", "done"), ("cancelled",)
MOVES = (("converted", "won"), ("converted", "lost"), ("won", "converted"), ("lost", "converted"))
"""Only these changes of state are made."""


def origin(opportunity: Record) -> str:
    """The `origin` of the sales that were made from it."""
    return f"sale.opportunity,{opportunity['id']}"


def processed(state: State, opportunity: Record, today: date) -> Record:
    """The changed values. The amounts are taken to be in the opportunity's currency."""
    sales = [row for row in state.rows("sale.sale") if row["origin"] == origin(opportunity)]
    kept = [row for row in sales if row["state"] not in LOST]
    amount = sum((amounts(state, "sale.sale", row)["untaxed_amount"] for row in kept), Decimal(0))
    end = "lost" if not kept else "won" if all(row["state"] in WON for row in kept) else "converted"
    changed: Record = {"amount": amount.quantize(Decimal("0.01"))}
    if (opportunity["state"], end) in MOVES:
        changed["state"] = end
        if end != "converted" and (opportunity["end_date"] or date.max) > today:
            changed["end_date"] = today
    return changed
