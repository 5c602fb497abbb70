"""Books records as answers show them. As with the vendor, no entity shows when it was changed."""

from datetime import datetime
from typing import Any

from bridge.simulators.deskera.books.checks import known_fields
from bridge.simulators.deskera.books.model import DOCUMENTS, INVENTORY, MODELS
from bridge.simulators.deskera.shapes import custom_field
from bridge.simulators.deskera.state import GONE, State
from bridge.simulators.records import Record


def shown(state: State, entity: str, record: Record) -> Record:
    """A record as in every answer except those of POST products/details."""
    model = MODELS[entity]
    out = {key: record[key] for key in known_fields(state, entity) if key != "customField"}
    out |= {"id": record["id"], model.code: record["code"], "customField": _custom(state, entity, record)}
    if entity == "books_contacts":
        return out | _contact(state, record)
    if entity == "products":
        return out | _product(record)
    if entity in DOCUMENTS:
        return out | _document(state, record)
    return out | {"amount": record["amount"], "amountDue": record["amountDue"], "jeCode": f"JE-{record['id']:07d}"}


def details(state: State, record: Record) -> Record:
    """A product as ProductDetails: `pid` instead of productId, stock and warehouse outside an inventory."""
    out = shown(state, "products", record)
    inventory = out.pop("inventory") or {}
    out["pid"] = out.pop("productId")
    stock = {"availableQuantity": record["available"], "warehouseCode": inventory.get("warehouseCode")}
    return out | stock


def iso_date(day: str) -> str:
    """dd-MM-yyyy as yyyy-MM-dd."""
    return datetime.strptime(day, "%d-%m-%Y").date().isoformat()  # noqa: DTZ007 - a date without a zone


def contact_invoices(state: State, record: Record) -> list[Record]:
    """The `invoices` of one contact. Their dates are yyyy-MM-dd, unlike those in the invoices themselves."""
    return [
        {
            "salesInvoiceCode": invoice["code"],
            "salesInvoiceDate": iso_date(invoice["salesInvoiceDate"]),
            "totalAmount": invoice["totalAmount"],
            "dueAmount": invoice["dueAmount"],
        }
        for invoice in state.rows("invoices")
        if invoice["contactCode"] == record["code"]
    ]


def _contact(state: State, record: Record) -> Record:
    empty = dict.fromkeys(("theyOweYou", "youOweThem", "totalNetAmount", "totalBillAmount", "invoices", "errorMessage"))
    out: Record = {**empty, "deleted": GONE in record, "tenantId": state.options.tenant_id}
    if state.options.books != "2020":
        out["contactMasterId"] = record["masterId"]
    return out


def _product(record: Record) -> Record:
    out: Record = {"active": True, "deleted": GONE in record, "errorMessage": None}
    if record["inventory"] is not None:
        kept = {key: record["inventory"].get(key) for key in INVENTORY}
        out["inventory"] = {**kept, "availableQuantity": record["available"]}
    return out


def _document(state: State, record: Record) -> Record:
    contact = state.get("books_contacts", state.by_code["books_contacts"].get(record["contactCode"]))
    dto: Record | None = None
    if contact is not None:
        dto = {key: contact[key] for key in ("id", "code", "name", "emailId", "currencyCode", "customer", "vendor")}
    return {
        "totalAmountInBaseCurrency": record["totalAmountInBaseCurrency"],
        "dueAmount": record["dueAmount"],
        "paymentStatus": record["paymentStatus"],
        "contactDto": dto,
        "journalEntryCode": None if record["draft"] else f"JE-{record['id']:07d}",
        "withheldAmount": 0,
    }


def _custom(state: State, entity: str, record: Record) -> Any:
    rows = custom_field(state, entity, record)
    style = state.options.custom_field_shape
    if style == "list":
        return rows
    return {row["code"]: row["value"] for row in rows} if style == "map" and rows else None
