"""The simulated models and their fields."""

from dataclasses import dataclass, field

TEXT, BOOLEAN, INTEGER, FLOAT, NUMERIC, DATE = "char", "boolean", "integer", "float", "numeric", "date"
ONE, MANY, BOTH, SELECTION = "many2one", "one2many", "many2many", "selection"


@dataclass(frozen=True)
class Field:
    """One field. `to`: the model of a relation. `inverse`: the many2one of that model that refers back. `choices`: the
    values of a selection. `digits`: decimal places."""

    type: str
    to: str = ""
    inverse: str = ""
    required: bool = False
    readonly: bool = False
    choices: tuple[str, ...] = ()
    digits: int = 4
    default: object = None


def _text(required: bool = False, readonly: bool = False) -> Field:
    return Field(TEXT, required=required, readonly=readonly)


_ACTIVE = Field(BOOLEAN, default=True)
_PLACE = Field(INTEGER)
STATES = ("lead", "opportunity", "converted", "won", "lost", "cancelled")
SALE_STATES = ("draft", "quotation", "confirmed", "processing", "done", "cancelled")
INVOICED = ("none", "pending", "awaiting payment", "partially paid", "paid", "exception")
SHIPPED = ("none", "waiting", "partially shipped", "sent", "exception")
LINE_TYPES = ("line", "subtotal", "title", "comment")
KINDS = ("phone", "mobile", "fax", "email", "website", "skype", "sip", "irc", "jabber", "other")


@dataclass(frozen=True)
class Workflow:
    """A state that changes by buttons. `buttons`: name -> the states it starts from, and the state it leads to.

    `open`: the states in which all fields can be written. `always`: fields that can be written in other states, too ->
    those states (all when empty). `ends`: the states in which a record can be deleted.
    """

    buttons: dict[str, tuple[tuple[str, ...], str]]
    open: tuple[str, ...]
    always: dict[str, tuple[str, ...]]
    ends: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """One model. `rec_name`: the field that names a record. `children`: they are deleted with it. `company`: its
    records belong to a company.

    `used`: models and their fields. A record to which one of these fields refers cannot be deleted.
    """

    fields: dict[str, Field] = field(default_factory=dict)
    rec_name: str = "name"
    children: tuple[tuple[str, str], ...] = ()
    company: bool = False
    workflow: Workflow | None = None
    used: tuple[tuple[str, str], ...] = ()


MODELS: dict[str, Model] = {
    "party.party": Model(
        {
            "name": _text(),
            "code": _text(required=True),
            "active": _ACTIVE,
            "lang": Field(ONE, "ir.lang"),
            "replaced_by": Field(ONE, "party.party", readonly=True),
            "categories": Field(BOTH, "party.category", default=()),
            "contact_mechanisms": Field(MANY, "party.contact_mechanism", "party"),
            "addresses": Field(MANY, "party.address", "party"),
        },
        children=(("party.contact_mechanism", "party"), ("party.address", "party")),
        used=(("sale.opportunity", "party"), ("sale.sale", "party")),
    ),
    "party.contact_mechanism": Model(
        {
            "party": Field(ONE, "party.party", required=True),
            "type": Field(SELECTION, required=True, choices=KINDS),
            "value": _text(required=True),
            "name": _text(),
            "comment": _text(),
            "sequence": _PLACE,
            "active": _ACTIVE,
        },
        rec_name="value",
    ),
    "party.address": Model(
        {
            "party": Field(ONE, "party.party", required=True),
            "party_name": _text(),
            "street": _text(),
            "postal_code": _text(),
            "city": _text(),
            "country": Field(ONE, "country.country"),
            "subdivision": Field(ONE, "country.subdivision"),
            "sequence": _PLACE,
            "active": _ACTIVE,
        },
        rec_name="city",
    ),
    "product.template": Model(
        {
            "name": _text(required=True),
            "code": _text(),
            "type": Field(SELECTION, required=True, choices=("goods", "assets", "service"), default="goods"),
            "default_uom": Field(ONE, "product.uom", required=True),
            "list_price": Field(NUMERIC),
            "salable": Field(BOOLEAN, default=False),
            "sale_uom": Field(ONE, "product.uom"),
            "customer_taxes": Field(BOTH, "account.tax", default=()),
            "active": _ACTIVE,
            "products": Field(MANY, "product.product", "template"),
        },
        children=(("product.product", "template"),),
    ),
    "product.product": Model(
        {
            "template": Field(ONE, "product.template", required=True),
            "suffix_code": _text(),
            "code": _text(readonly=True),
            "description": _text(),
            "active": _ACTIVE,
        },
        rec_name="code",
        used=(("sale.line", "product"),),
    ),
    "sale.sale": Model(
        {
            "number": _text(readonly=True),
            "reference": _text(),
            "description": _text(),
            "origin": _text(),
            "party": Field(ONE, "party.party", required=True),
            "invoice_address": Field(ONE, "party.address"),
            "shipment_address": Field(ONE, "party.address"),
            "payment_term": Field(ONE, "account.invoice.payment_term"),
            "company": Field(ONE, "company.company", required=True),
            "currency": Field(ONE, "currency.currency", required=True),
            "quotation_date": Field(DATE),
            "sale_date": Field(DATE),
            "comment": _text(),
            "invoice_method": Field(SELECTION, choices=("manual", "order", "fulfillment"), default="order"),
            "shipment_method": Field(SELECTION, choices=("manual", "order", "invoice"), default="order"),
            "invoice_state": Field(SELECTION, readonly=True, choices=INVOICED, default="none"),
            "shipment_state": Field(SELECTION, readonly=True, choices=SHIPPED, default="none"),
            "untaxed_amount": Field(NUMERIC, readonly=True, digits=2),
            "tax_amount": Field(NUMERIC, readonly=True, digits=2),
            "total_amount": Field(NUMERIC, readonly=True, digits=2),
            "lines": Field(MANY, "sale.line", "sale"),
            "state": Field(SELECTION, readonly=True, choices=SALE_STATES, default="draft"),
        },
        rec_name="number",
        children=(("sale.line", "sale"),),
        company=True,
        workflow=Workflow(
            {
                "draft": (("cancelled", "quotation", "confirmed"), "draft"),
                "quote": (("draft",), "quotation"),
                "confirm": (("quotation",), "confirmed"),
                "process": (("confirmed",), "processing"),
                "cancel": (("draft", "quotation"), "cancelled"),
            },
            open=("draft",),
            always={"reference": (), "comment": (), "sale_date": ("quotation",), "lines": ()},
            ends=("draft", "cancelled"),
        ),
    ),
    "sale.line": Model(
        {
            "sale": Field(ONE, "sale.sale", required=True),
            "type": Field(SELECTION, required=True, choices=LINE_TYPES, default="line"),
            "product": Field(ONE, "product.product"),
            "description": _text(),
            "quantity": Field(FLOAT),
            "unit": Field(ONE, "product.uom"),
            "unit_price": Field(NUMERIC),
            "amount": Field(NUMERIC, readonly=True, digits=2),
            "taxes": Field(BOTH, "account.tax", default=()),
            "note": _text(),
            "sequence": _PLACE,
        },
        rec_name="description",
    ),
    "account.tax": Model({"name": _text(), "rate": Field(NUMERIC)}),
    "account.invoice.payment_term": Model({"name": _text()}),
    "sale.opportunity": Model(
        {
            "number": _text(readonly=True),
            "reference": _text(),
            "description": _text(),
            "party": Field(ONE, "party.party"),
            "company": Field(ONE, "company.company", required=True),
            "currency": Field(ONE, "currency.currency", required=True),
            "amount": Field(NUMERIC, digits=2),
            "employee": Field(ONE, "company.employee"),
            "start_date": Field(DATE, required=True),
            "end_date": Field(DATE),
            "comment": _text(),
            "conversion_probability": Field(FLOAT, required=True, default=0.5),
            "lost_reason": _text(),
            "state": Field(SELECTION, readonly=True, choices=STATES, default="lead"),
        },
        rec_name="number",
        company=True,
        workflow=Workflow(
            {
                "lead": (("opportunity", "lost", "cancelled"), "lead"),
                "opportunity": (("lead",), "opportunity"),
                "convert": (("lead", "opportunity"), "converted"),
                "lost": (("lead", "opportunity"), "lost"),
                "cancel": (("lead", "opportunity"), "cancelled"),
            },
            open=("lead", "opportunity"),
            always={"lost_reason": (), "reference": ()},
            ends=("cancelled",),
        ),
    ),
    "company.company": Model({"party": Field(ONE, "party.party"), "currency": Field(ONE, "currency.currency")}),
    "company.employee": Model(
        {"party": Field(ONE, "party.party"), "company": Field(ONE, "company.company"), "end_date": Field(DATE)}
    ),
    "currency.currency": Model({"name": _text(), "code": _text(), "active": _ACTIVE}),
    "country.country": Model({"name": _text(), "code": _text(), "active": _ACTIVE}),
    "country.subdivision": Model({"name": _text(), "code": _text()}),
    "party.category": Model({"name": _text(required=True), "active": _ACTIVE}),
    "ir.lang": Model({"name": _text(), "code": _text()}),
    "product.uom": Model({"name": _text(), "symbol": _text(), "digits": _PLACE, "active": _ACTIVE}),
    "ir.model.log": Model({"event": _text(), "resource": _text(), "target": _text(), "action": _text()}, "event"),
}
