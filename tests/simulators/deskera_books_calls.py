"""Bodies of Books requests, complete by the vendor's pages."""

from typing import Any

from tests.simulators.deskera_calls import Calls

PRODUCT = {
    "name": "Tile",
    "type": "TRACKED",
    "purchaseAccountCode": "A-1",
    "purchasePrice": 2,
    "salesAccountCode": "A-2",
    "salesPrice": 5.5,
    "stockUom": 1,
    "productTransactionType": "BOTH",
    "valuationMethod": "FIFO",
    "inventory": {
        "openingQuantity": 10,
        "costOfGoodsSoldAccountCode": "A-3",
        "inventoryAccountCode": "A-4",
        "inventoryAccountName": "Stock",
        "stockAdjustmentAccountCode": "A-5",
        "warehouseCode": "WH-1",
    },
}


def document(entity: str, contact: str, product: str, **changes: Any) -> dict[str, Any]:
    """Return a sales invoice or bill of two tiles."""
    kind = "sales" if entity == "invoices" else "purchase"
    item = {
        "productCode": product,
        "productQuantity": 2,
        "unitPrice": 5.5,
        "totalAmount": 11.77,
        "taxAmount": 0.77,
        "type": "TRACKED",
        "documentSequenceCode": product,
    }
    body = {
        "contact": {"name": "Ann", "address": {}},
        "contactCode": contact,
        "currency": "SGD",
        f"{kind}InvoiceDate": "25-10-2019",
        f"{kind}InvoiceDueDate": "24-11-2019",
        f"{kind}InvoiceItems": [item],
    }
    if entity == "bills":
        body["purchaseInvoiceType"] = "INVENTORY"
    return body | changes


def note(entity: str, **changes: Any) -> dict[str, Any]:
    date = "cnDate" if entity == "credit_notes" else "dnDate"
    line = {"accountCode": "A-2", "amount": 10, "taxAmount": 0.7}
    return {date: "25-10-2019", "currency": "SGD", "lineItems": [line]} | changes


async def made(deskera: Calls, path: str, body: dict[str, Any]) -> dict[str, Any]:
    status, record = await deskera.call("POST", path, body)
    assert status == 201, record
    return dict(record)


async def invoice(deskera: Calls, **changes: Any) -> dict[str, Any]:
    """Create a sales invoice with its own contact and product."""
    contact = await made(deskera, "/v1/contacts", {"name": "Ann"})
    product = await made(deskera, "/v1/products", PRODUCT)
    body = document("invoices", contact["code"], product["productId"], **changes)
    return await made(deskera, "/v1/invoices/sales", body)
