"""What becomes of a converted opportunity, which the server writes whenever one of its sales goes on.

Facts: `Opportunity.process` of the module sale_opportunity, version 8.2.
"""

from datetime import date
from decimal import Decimal

from bridge.simulators.records import Record
from bridge.simulators.tryton.reading import amounts
from bridge.simulators.tryton.state import State

WON, LOST = ("confirmed", "processing", "done"), ("cancelled",)
MOVES = (("converted", "won"), ("converted", "lost"), ("won", "converted"), ("lost", "converted"))
"""Of these states; others stay as they are."""


def origin(opportunity: Record) -> str:
    """What its sales say they were made of."""
    return f"sale.opportunity,{opportunity['id']}"


def processed(state: State, opportunity: Record, today: date) -> Record:
    """What changes of it. Amounts are taken to be in its currency."""
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
