"""Which column is which field of which model. Facts: the modules party, product, sale, sale_opportunity, version 8."""

from collections.abc import Mapping

from bridge.domain.catalog import Column, ColumnSpec
from bridge.domain.frozen import dataclass

CURRENCIES, COUNTRIES, LANGUAGES, UNITS, EMPLOYEES = "currencies", "countries", "languages", "units", "employees"
CATEGORIES = "party categories"
ADDRESS_PARTS = ("name", "street", "postal_code", "city", "country", "subdivision")
STATES = ("lead", "opportunity", "converted", "won", "lost", "cancelled")
SALE_STATES = ("draft", "quotation", "confirmed", "processing", "done", "cancelled")
INVOICE_STATES = ("none", "pending", "awaiting payment", "partially paid", "paid", "exception")
SHIPMENT_STATES = ("none", "waiting", "partially shipped", "sent", "exception")
PRODUCT_TYPES = ("goods", "assets", "service")


@dataclass(frozen=True, slots=True)
class Property:
    """One column. `name`: Tryton's field. `items`: the list that holds the names of what the field points to."""

    name: str
    spec: ColumnSpec
    items: str = ""


def _plain(name: str, type_: Column, *, required: bool = False, writable: bool = True) -> Property:
    return Property(name, ColumnSpec(type_, required=required, writable=writable))


def _text(name: str, *, required: bool = False) -> Property:
    return _plain(name, Column.TEXT, required=required)


def _item(name: str, items: str, *, required: bool = False) -> Property:
    return Property(name, ColumnSpec(Column.CHOICE, required=required), items)


MECHANISMS: Mapping[str, tuple[str, ...]] = {
    "emails": ("email",),
    "phones": ("phone", "mobile", "fax"),
    "websites": ("website",),
}
"""Columns made from a party's contact mechanisms, with their types. An item without a label gets the first type."""

PARTY: Mapping[str, Property] = {
    "name": _text("name"),
    "code": _text("code"),
    "active": _plain("active", Column.BOOLEAN),
    "language": _item("lang", LANGUAGES),
}
PARTY_LISTS: Mapping[str, ColumnSpec] = {
    **dict.fromkeys(MECHANISMS, ColumnSpec(Column.VALUES)),
    "address": ColumnSpec(Column.OBJECT, parts=ADDRESS_PARTS),
}
"""`address` is the party's first address. Further addresses are not changed."""
CATEGORY = ColumnSpec(Column.CHOICE)
"""A party's oldest category. It tells people from companies, which are one model in Tryton."""

TEMPLATE: Mapping[str, Property] = {
    "name": _text("name", required=True),
    "type": Property("type", ColumnSpec(Column.CHOICE, choices=PRODUCT_TYPES)),
    "unit": _item("default_uom", UNITS, required=True),
    "list_price": _plain("list_price", Column.DECIMAL),
    "salable": _plain("salable", Column.BOOLEAN),
    "sale_unit": _item("sale_uom", UNITS),
}
"""The columns that all variants of a product share."""

VARIANT: Mapping[str, Property] = {
    "description": _text("description"),
    "active": _plain("active", Column.BOOLEAN),
}
CODE = ColumnSpec(Column.TEXT)

OPPORTUNITY: Mapping[str, Property] = {
    "number": _plain("number", Column.TEXT, writable=False),
    "reference": _text("reference"),
    "description": _text("description"),
    "party": Property("party", ColumnSpec(Column.REFERENCE, to="party")),
    "amount": _plain("amount", Column.DECIMAL),
    "currency": _item("currency", CURRENCIES),
    "start_date": _plain("start_date", Column.DATE),
    "end_date": _plain("end_date", Column.DATE),
    "comment": _text("comment"),
    "probability": _plain("conversion_probability", Column.DECIMAL),
    "lost_reason": _text("lost_reason"),
    "employee": _item("employee", EMPLOYEES),
    "employee_id": Property("employee", ColumnSpec(Column.REFERENCE, to="employee")),
}
"""`employee` and `employee_id` are the same field: once as a name, once as a record that a
mapping can pair with a user."""
STATE = ColumnSpec(Column.CHOICE, choices=STATES)

EMPLOYEE: Mapping[str, ColumnSpec] = {
    "name": ColumnSpec(Column.TEXT, writable=False),
    "email": ColumnSpec(Column.TEXT, writable=False),
    "end_date": ColumnSpec(Column.DATE, writable=False),
}

SALE: Mapping[str, Property] = {
    "number": _plain("number", Column.TEXT, writable=False),
    "reference": _text("reference"),
    "description": _text("description"),
    "party": Property("party", ColumnSpec(Column.REFERENCE, required=True, to="party")),
    "currency": _item("currency", CURRENCIES),
    "date": _plain("sale_date", Column.DATE),
    "comment": _text("comment"),
    "untaxed_amount": _plain("untaxed_amount", Column.DECIMAL, writable=False),
    "tax_amount": _plain("tax_amount", Column.DECIMAL, writable=False),
    "total_amount": _plain("total_amount", Column.DECIMAL, writable=False),
    "invoice_state": Property("invoice_state", ColumnSpec(Column.CHOICE, choices=INVOICE_STATES, writable=False)),
    "shipment_state": Property("shipment_state", ColumnSpec(Column.CHOICE, choices=SHIPMENT_STATES, writable=False)),
}
SALE_STATE = ColumnSpec(Column.CHOICE, choices=SALE_STATES)

SALE_LINE: Mapping[str, Property] = {
    "product": Property("product", ColumnSpec(Column.REFERENCE, to="product")),
    "description": _text("description"),
    "quantity": _plain("quantity", Column.DECIMAL, required=True),
    "unit": _item("unit", UNITS),
    "unit_price": _plain("unit_price", Column.DECIMAL),
    "note": _text("note"),
    "amount": _plain("amount", Column.DECIMAL, writable=False),
}
LINE_ID = ColumnSpec(Column.TEXT, writable=False)
LINES = ColumnSpec(
    Column.LINES, lines={"id": LINE_ID, **{name: each.spec for name, each in SALE_LINE.items()}}, ordered=True
)
"""The sold lines. Titles, subtotals and comments between them are not changed. A new line takes its unit, price and
taxes from its product where the mapping sets none."""
