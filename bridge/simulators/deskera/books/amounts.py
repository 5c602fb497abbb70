"""Sums of invoices, bills and notes, and the effect of payments. Two decimals."""

from typing import Any

from bridge.simulators.deskera.state import Options
from bridge.simulators.records import Record


def document_amounts(record: Record, given: Record, lines: str, options: Options) -> Record:
    """The record with totals, due amount and payment status.

    The totals are those of the request, otherwise the sums of its lines. With `recompute_totals`, lines and totals are
    always computed.
    """
    items: list[Record] = [{"productOrder": order, **item} for order, item in enumerate(record[lines], start=1)]
    if options.recompute_totals:
        items = [item | {"totalAmount": _line_total(item)} for item in items]
    summed = {key: round(sum(item.get(key) or 0 for item in items), 2) for key in ("taxAmount", "totalAmount")}
    for key, total in summed.items():
        if options.recompute_totals or record[key] is None or (lines in given and given.get(key) is None):
            record = record | {key: total}
    draft = bool(record["draft"]) or record["status"] == "DRAFT"
    status = "DRAFT" if draft else record["status"] or "OPEN"
    return settled(record | {lines: items, "draft": draft, "status": status}, options.close_when_paid)


def settled(record: Record, close_when_paid: bool) -> Record:
    """The record with base amount, due amount and payment status, computed from what is paid."""
    paid, total = record["paid"], record["totalAmount"]
    done = bool(paid) and paid >= total
    record = record | {
        "totalAmountInBaseCurrency": round(total * (record["exchangeRate"] or 1), 2),
        "dueAmount": round(total - paid, 2),
        "paymentStatus": "RECEIVED" if done else "PARTIAL" if paid else "PENDING",
    }
    if close_when_paid and record["status"] in ("OPEN", "CLOSED") and (done or paid or record["closedByPayment"]):
        record = record | {"status": "CLOSED" if done else "OPEN", "closedByPayment": done}
    return record


def note_amounts(record: Record) -> Record:
    """The record with its amount, and the part of it that is not knocked off."""
    taxed = not record["unitPriceGstInclusive"]
    amount = sum(line["amount"] + ((line.get("taxAmount") or 0) if taxed else 0) for line in record["lineItems"])
    used = sum(_number(linked.get("amount")) for linked in record["linkedDocuments"])
    return record | {"amount": round(amount, 2), "amountDue": round(amount - used, 2)}


def _line_total(item: Record) -> float:
    gross = item["productQuantity"] * item["unitPrice"]
    discount = item.get("discount") or 0
    net = gross * (1 - discount / 100) if item.get("discountInPercent") else gross - discount
    return round(float(net + (item.get("taxAmount") or 0)), 2)


def _number(value: Any) -> float:
    return value if isinstance(value, int | float) else 0
