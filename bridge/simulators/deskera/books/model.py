"""Books entities with their writable fields, kinds and defaults. Pages "Contacts", "Products", "Sales invoices",
"Bills", "Credit notes", "Debit notes"; the samples are in the pages from before the restructuring of June 2023."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TYPES = ("TRACKED", "NONTRACKED", "BILL_OF_MATERIALS")
INVOICE_STATUSES = ("DRAFT", "OPEN", "CLOSED", "ARCHIVED", "PROCESSED")
CREDIT_TYPES = ("SALES", "PURCHASE", "OVERCHARGED_SALES_INVOICE", "UNDERCHARGED_PURCHASE_INVOICE", "SALES_RETURN")
DEBIT_TYPES = ("SALES", "PURCHASE", "OVERCHARGED_PURCHASE_INVOICE", "UNDERCHARGED_SALES_INVOICE", "PURCHASE_RETURN")


@dataclass(frozen=True)
class Field:
    """A writable field. `kind` is a key of `checks.KINDS` or a tuple of the allowed words. Null means the default.

    `newer`: only the pages of 2026 name it; a server of 2020 ignores it.
    """

    kind: str | tuple[str, ...] = "text"
    default: Any = None
    required: bool = False
    newer: bool = False


@dataclass(frozen=True)
class Model:
    """One entity. `code`: the answer's field for the readable key. `created`: the sort key for age.

    `lines`: the name of the list of lines. `line`: the fields of a line. `updatable`: the only fields that an update
    accepts (None: all).
    """

    title: str
    noun: str
    prefix: str
    code: str
    created: str
    name: str
    fields: Mapping[str, Field]
    lines: str = ""
    line: Mapping[str, Field] = field(default_factory=dict)
    updatable: frozenset[str] | None = None


TEXT, MONEY, FLAG = Field(), Field("number", 0), Field("flag", False)
NEEDED, NEEDED_MONEY = Field(required=True), Field("number", required=True)
NUMBERING = {"documentSequenceCode": TEXT, "sequenceFormat": TEXT, "customField": Field("custom")}

CONTACT = Model(
    title="Contact",
    noun="CONTACT",
    prefix="C",
    code="code",
    created="createdAt",
    name="name",
    fields={
        **NUMBERING,
        "name": NEEDED,
        "emailId": TEXT,
        "contactNumber": Field(newer=True),
        "otherEmails": Field("texts", newer=True),
        "creditLimit": Field("number", newer=True),
        "currencyCode": Field(default="SGD"),
        "customer": Field("flag", True),
        "vendor": FLAG,
        "status": Field(("ACTIVE", "INACTIVE"), "ACTIVE"),
        "taxNumber": TEXT,
        "uen": TEXT,
        "taxExempted": FLAG,
        "taxExemptionNo": TEXT,
        "taxExemptionReason": TEXT,
        "paymentTermCode": Field(default="Net 0"),
        "receivableAccountCode": TEXT,
        "payableAccountCode": TEXT,
        "billingAddress": Field("objects", ()),
        "shippingAddress": Field("objects", ()),
        "peppolId": TEXT,
        "businessUnit": TEXT,
        "attentionTo": TEXT,
    },
)

PRODUCT = Model(
    title="Product",
    noun="PRODUCTS",
    prefix="P",
    code="productId",
    created="createdAt",
    name="name",
    fields={
        **NUMBERING,
        "name": NEEDED,
        "type": Field(TYPES, required=True),
        "purchaseAccountCode": NEEDED,
        "purchasePrice": NEEDED_MONEY,
        "salesAccountCode": NEEDED,
        "salesPrice": NEEDED_MONEY,
        "stockUom": Field("int", required=True),
        "productTransactionType": Field(("BOTH", "PURCHASE", "SALES"), required=True, newer=True),
        "valuationMethod": Field(("FIFO", "AVERAGE"), required=True, newer=True),
        "description": TEXT,
        "barcode": TEXT,
        "categoryCode": TEXT,
        "categoryDesc": TEXT,
        "purchaseTaxCode": TEXT,
        "salesTaxCode": TEXT,
        "purchasePriceTaxInclusive": FLAG,
        "salesPriceTaxInclusive": FLAG,
        "purchaseReturnAccountCode": TEXT,
        "salesReturnAccountCode": TEXT,
        "manufacturingCostAccountCode": TEXT,
        "taxable": FLAG,
        "images": Field("list", ()),
        "reorderEnabled": FLAG,
        "reorderLevel": MONEY,
        "inventory": Field("inventory"),
    },
)

INVENTORY: Mapping[str, Field] = {
    "openingQuantity": MONEY,
    "openingValuation": MONEY,
    "costOfGoodsSoldAccountCode": NEEDED,
    "inventoryAccountCode": NEEDED,
    "inventoryAccountName": NEEDED,
    "stockAdjustmentAccountCode": NEEDED,
    "warehouseCode": NEEDED,
}

ITEM: Mapping[str, Field] = {
    "productCode": NEEDED,
    "productQuantity": NEEDED_MONEY,
    "unitPrice": NEEDED_MONEY,
    "totalAmount": NEEDED_MONEY,
    "type": NEEDED,
    "documentSequenceCode": NEEDED,
    "taxCode": TEXT,
    "taxAmount": MONEY,
    "discount": MONEY,
    "discountInPercent": FLAG,
    "productDescription": TEXT,
    "productOrder": Field("int", 0),
    "customField": Field("any"),
}

DOCUMENT: Mapping[str, Field] = {
    **NUMBERING,
    "contact": Field("object", required=True),
    "contactCode": NEEDED,
    "currency": NEEDED,
    "exchangeRate": Field("number", 1),
    "memo": TEXT,
    "attachments": Field("list", ()),
    "status": Field(INVOICE_STATUSES),
    "draft": Field("flag"),
    "taxAmount": Field("number"),
    "totalAmount": Field("number"),
    "billTo": Field("object"),
    "shipTo": Field("object"),
    "shipFrom": Field("object"),
    "purchaseOrderRefNo": TEXT,
    "unitPriceGstInclusive": FLAG,
    "warehouseCode": TEXT,
    "recurring": FLAG,
}

INVOICE = Model(
    title="Sales invoice",
    noun="INVOICE",
    prefix="SI",
    code="salesInvoiceCode",
    created="createdDate",
    name="memo",
    fields={
        **DOCUMENT,
        "salesInvoiceDate": Field("date", required=True),
        "salesInvoiceDueDate": Field("date", required=True),
        "salesInvoiceItems": Field("lines", (), required=True),
        "fulfillmentStatus": Field(("UNFULFILLED", "PARTIAL_FULFILLED", "FULLY_FULFILLED"), "UNFULFILLED"),
    },
    lines="salesInvoiceItems",
    line=ITEM,
)

BILL = Model(
    title="Bill",
    noun="BILL",
    prefix="PI",
    code="purchaseInvoiceCode",
    created="createdDate",
    name="memo",
    fields={
        **DOCUMENT,
        "purchaseInvoiceDate": Field("date", required=True),
        "purchaseInvoiceDueDate": Field("date", required=True),
        "purchaseInvoiceType": Field(("INVENTORY", "EXPENSE"), required=True),
        "purchaseInvoiceItems": Field("lines", (), required=True),
        "supplierInvoiceNo": TEXT,
        "payableAccountCode": TEXT,
        "receiveGoodsStatus": Field(("UNRECEIVED", "PARTIAL_RECEIVED", "FULLY_RECEIVED"), "UNRECEIVED"),
        "totalTdsAmount": MONEY,
    },
    lines="purchaseInvoiceItems",
    line=ITEM,
)

NOTE_LINE: Mapping[str, Field] = {
    "accountCode": NEEDED,
    "amount": NEEDED_MONEY,
    "taxCode": TEXT,
    "taxAmount": MONEY,
}


def _note(title: str, noun: str, prefix: str, date: str, types: tuple[str, ...]) -> Model:
    fields = {
        **NUMBERING,
        date: Field("date", required=True),
        "currency": NEEDED,
        "contact": Field("object"),
        "contactCode": TEXT,
        "currencyExchangeRate": Field("number", 1),
        "lineItems": Field("lines", ()),
        "linkedDocuments": Field("objects", ()),
        "memo": TEXT,
        "type": Field(types, types[0]),
        "unitPriceGstInclusive": FLAG,
    }
    updatable = frozenset({date, "lineItems", "memo", "unitPriceGstInclusive"})
    return Model(title, noun, prefix, "code", "createdOn", "memo", fields, "lineItems", NOTE_LINE, updatable)


CREDIT_NOTE = _note("Credit note", "CREDITNOTE", "CN", "cnDate", CREDIT_TYPES)
DEBIT_NOTE = _note("Debit note", "DEBITNOTE", "DN", "dnDate", DEBIT_TYPES)

MODELS: Mapping[str, Model] = {
    "books_contacts": CONTACT,
    "products": PRODUCT,
    "invoices": INVOICE,
    "bills": BILL,
    "credit_notes": CREDIT_NOTE,
    "debit_notes": DEBIT_NOTE,
}
"""By the names that the control routes, read lag and trimming use."""

DOCUMENTS = ("invoices", "bills")
NOTES = ("credit_notes", "debit_notes")
