"""The Books entities as tables: paths, columns with Deskera's names, events, lines.

Source: Deskera's developer documentation, Books pages "Contacts", "Products", "Sales invoices", "Bills", "Credit
notes", "Debit notes" and "Webhook".
"""

from collections.abc import Mapping
from dataclasses import field

from bridge.domain.catalog import Column, ColumnSpec
from bridge.domain.event import EventKind
from bridge.domain.frozen import dataclass

CONTACT, PRODUCT = "contact", "product"
INVOICE, BILL = "sales_invoice", "bill"
CREDIT_NOTE, DEBIT_NOTE = "credit_note", "debit_note"

NamedColumns = Mapping[str, tuple[str, ColumnSpec]]
"""Column -> (Deskera's name, its type and limits)."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One entity. `code`: Deskera's name of the code. `created`: the documented sort key for age.

    `lines`: name of the list of lines. `line`: parts of the columns `line` and `lines` -> Deskera's names in a line.
    `addresses`: column -> name of a list of addresses. `updatable`: columns that an update accepts, None for all.
    """

    entity: str
    path: str
    code: str
    created: str
    named: NamedColumns
    lines: str = ""
    line: Mapping[str, str] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)
    updatable: frozenset[str] | None = None

    @property
    def columns(self) -> dict[str, ColumnSpec]:
        found = {name: spec for name, (_, spec) in self.named.items()}
        found |= {name: ColumnSpec(Column.OBJECT, parts=tuple(ADDRESS)) for name in self.addresses}
        if not self.line:
            return found
        one = ColumnSpec(Column.OBJECT, required=True, parts=tuple(self.line), instead="lines")
        return found | {
            "line": one,
            "lines": ColumnSpec(Column.LINES, lines=_LINE_ID | LINES[frozenset(self.line)], ordered=True),
        }


ADDRESS: Mapping[str, str] = {
    "address1": "address1", "address2": "address2", "city": "city", "state": "state", "country": "country",
    "postal_code": "postalCode",
}  # fmt: skip
ITEM: Mapping[str, str] = {
    "product": "productCode", "description": "productDescription", "quantity": "productQuantity",
    "unit_price": "unitPrice", "tax_code": "taxCode",
}  # fmt: skip
_LINE_ID = {"id": ColumnSpec(Column.TEXT, writable=False)}
NOTE_LINE: Mapping[str, str] = {"account": "accountCode", "amount": "amount", "tax_code": "taxCode"}


LINES: Mapping[frozenset[str], dict[str, ColumnSpec]] = {
    frozenset(ITEM): {
        "product": ColumnSpec(Column.REFERENCE, required=True, to=PRODUCT),
        "description": ColumnSpec(Column.TEXT),
        "quantity": ColumnSpec(Column.DECIMAL, required=True),
        "unit_price": ColumnSpec(Column.DECIMAL, required=True),
        "tax_code": ColumnSpec(Column.TEXT),
    },
    frozenset(NOTE_LINE): {
        "account": ColumnSpec(Column.TEXT, required=True),
        "amount": ColumnSpec(Column.DECIMAL, required=True),
        "tax_code": ColumnSpec(Column.TEXT),
    },
}


def _text(name: str, *, required: bool = False, writable: bool = True) -> tuple[str, ColumnSpec]:
    return name, ColumnSpec(Column.TEXT, required=required, writable=writable)


def _of(name: str, kind: Column, *, required: bool = False, writable: bool = True) -> tuple[str, ColumnSpec]:
    return name, ColumnSpec(kind, required=required, writable=writable)


def _word(name: str, *words: str, required: bool = False, writable: bool = True) -> tuple[str, ColumnSpec]:
    return name, ColumnSpec(Column.CHOICE, choices=words, required=required, writable=writable)


_NUMBER = {"number": _text("documentSequenceCode", writable=False)}
_STATES = ("DRAFT", "OPEN", "CLOSED", "ARCHIVED", "PROCESSED")
_PARTY = {"contact_id": ("contactCode", ColumnSpec(Column.REFERENCE, required=True, to=CONTACT))}


def _document(date: str, due: str) -> dict[str, tuple[str, ColumnSpec]]:
    return {
        **_NUMBER,
        **_PARTY,
        "currency": _text("currency", required=True),
        "date": _of(date, Column.DATE, required=True),
        "due_date": _of(due, Column.DATE, required=True),
        "memo": _text("memo"),
        "draft": _of("draft", Column.BOOLEAN),
        "order_ref": _text("purchaseOrderRefNo"),
        "exchange_rate": _of("exchangeRate", Column.DECIMAL),
        "status": _word("status", *_STATES, writable=False),
        "payment_status": _word("paymentStatus", "PENDING", "PARTIAL", "RECEIVED", writable=False),
        "total": _of("totalAmount", Column.DECIMAL, writable=False),
        "due_amount": _of("dueAmount", Column.DECIMAL, writable=False),
    }


def _note(date: str, *types: str) -> dict[str, tuple[str, ColumnSpec]]:
    return {
        **_NUMBER,
        **_PARTY,
        "currency": _text("currency", required=True),
        "date": _of(date, Column.DATE, required=True),
        "memo": _text("memo"),
        "type": _word("type", *types),
        "amount": _of("amount", Column.DECIMAL, writable=False),
        "amount_due": _of("amountDue", Column.DECIMAL, writable=False),
    }


_CREDIT = ("SALES", "PURCHASE", "OVERCHARGED_SALES_INVOICE", "UNDERCHARGED_PURCHASE_INVOICE", "SALES_RETURN")
_DEBIT = ("SALES", "PURCHASE", "OVERCHARGED_PURCHASE_INVOICE", "UNDERCHARGED_SALES_INVOICE", "PURCHASE_RETURN")
_UPDATABLE_NOTE = frozenset({"date", "memo", "line", "lines"})

KINDS: Mapping[str, Kind] = {
    kind.entity: kind
    for kind in (
        Kind(
            CONTACT, "/v1/contacts", "code", "createdAt",
            {
                **_NUMBER,
                "name": _text("name", required=True),
                "email": _text("emailId"),
                "phone": _text("contactNumber"),
                "currency": _text("currencyCode"),
                "customer": _of("customer", Column.BOOLEAN),
                "vendor": _of("vendor", Column.BOOLEAN),
                "status": _word("status", "ACTIVE", "INACTIVE"),
                "tax_number": _text("taxNumber"),
                "payment_term": _text("paymentTermCode"),
                "receivable_account": _text("receivableAccountCode"),
                "payable_account": _text("payableAccountCode"),
            },
            addresses={"billing_address": "billingAddress", "shipping_address": "shippingAddress"},
        ),
        Kind(
            PRODUCT, "/v1/products", "productId", "createdAt",
            {
                **_NUMBER,
                "name": _text("name", required=True),
                "description": _text("description"),
                "barcode": _text("barcode"),
                "type": _word("type", "TRACKED", "NONTRACKED", "BILL_OF_MATERIALS", required=True),
                "sales_price": _of("salesPrice", Column.DECIMAL, required=True),
                "purchase_price": _of("purchasePrice", Column.DECIMAL, required=True),
                "sales_account": _text("salesAccountCode", required=True),
                "purchase_account": _text("purchaseAccountCode", required=True),
                "sales_tax": _text("salesTaxCode"),
                "purchase_tax": _text("purchaseTaxCode"),
                "unit": _of("stockUom", Column.INTEGER, required=True),
                "transaction_type": _word("productTransactionType", "BOTH", "PURCHASE", "SALES"),
                "valuation_method": _word("valuationMethod", "FIFO", "AVERAGE"),
                "category": _text("categoryCode"),
                "taxable": _of("taxable", Column.BOOLEAN),
                "active": _of("active", Column.BOOLEAN, writable=False),
                "available": _of("availableQuantity", Column.DECIMAL, writable=False),
            },
        ),
        Kind(
            INVOICE, "/v1/invoices/sales", "salesInvoiceCode", "createdDate",
            _document("salesInvoiceDate", "salesInvoiceDueDate"), "salesInvoiceItems", ITEM,
        ),
        Kind(
            BILL, "/v1/invoices/purchase", "purchaseInvoiceCode", "createdDate",
            {
                **_document("purchaseInvoiceDate", "purchaseInvoiceDueDate"),
                "bill_type": _word("purchaseInvoiceType", "INVENTORY", "EXPENSE", required=True),
                "supplier_invoice": _text("supplierInvoiceNo"),
            },
            "purchaseInvoiceItems", ITEM,
        ),
        Kind(
            CREDIT_NOTE, "/v1/notes/credit", "code", "createdOn", _note("cnDate", *_CREDIT), "lineItems", NOTE_LINE,
            updatable=_UPDATABLE_NOTE,
        ),
        Kind(
            DEBIT_NOTE, "/v1/notes/debit", "code", "createdOn", _note("dnDate", *_DEBIT), "lineItems", NOTE_LINE,
            updatable=_UPDATABLE_NOTE,
        ),
    )
}  # fmt: skip

_MADE = {"CREATE": EventKind.CREATED, "UPDATE": EventKind.CHANGED, "DELETE": EventKind.DELETED}
_NOUNS = {INVOICE: "INVOICE", BILL: "BILL", CREDIT_NOTE: "CREDITNOTE", DEBIT_NOTE: "DEBITNOTE"}

EVENTS: Mapping[str, tuple[str, EventKind]] = {
    "CREATE_CONTACT": (CONTACT, EventKind.CREATED),
    "CREATE_PRODUCTS": (PRODUCT, EventKind.CREATED),
    "STOCK_IN": (PRODUCT, EventKind.CHANGED),
    "STOCK_OUT": (PRODUCT, EventKind.CHANGED),
    **{f"{verb}_{noun}": (entity, kind) for entity, noun in _NOUNS.items() for verb, kind in _MADE.items()},
}
CODE_KEYS: Mapping[str, tuple[str, ...]] = {
    CONTACT: ("code", "contactCode", "id"),
    PRODUCT: ("productId", "pid", "productCode", "code", "productVariantCode", "id"),
    INVOICE: ("salesInvoiceCode", "invoiceCode", "documentCode", "code", "id"),
    BILL: ("purchaseInvoiceCode", "invoiceCode", "documentCode", "code", "id"),
    CREDIT_NOTE: ("code", "documentCode", "id"),
    DEBIT_NOTE: ("code", "documentCode", "id"),
}
WRAPPERS: Mapping[str, tuple[str, ...]] = {
    CONTACT: ("contact",),
    PRODUCT: ("product",),
    INVOICE: ("invoice", "salesInvoice"),
    BILL: ("bill", "purchaseInvoice"),
    CREDIT_NOTE: ("creditNote", "credit_note"),
    DEBIT_NOTE: ("debitNote", "debit_note"),
}
