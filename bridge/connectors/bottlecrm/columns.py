"""The field of each column, and the paths of each entity. Facts: the package's views and serializers, 1.35."""

from collections.abc import Mapping

from bridge.domain.catalog import Column, ColumnSpec
from bridge.domain.frozen import dataclass

PIPELINES, STAGES = "pipelines", "stages"
LEAD_STATUSES = ("assigned", "in process", "converted", "recycled", "closed")


@dataclass(frozen=True, slots=True)
class Property:
    """One column. `name`: the field. `nested`: reads show an object with the id. `items`: the
    list that names its values."""

    name: str
    spec: ColumnSpec
    nested: bool = False
    items: str = ""


@dataclass(frozen=True, slots=True)
class Resource:
    """The paths of an entity. `lists`: for each list in a page, the key paths of its rows and of their number.

    `detail`: the envelope of one record. `module`: its name in events. `dated`: reads show when it was changed.
    `found_by`: column -> parameter of the listing.
    """

    path: str
    lists: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    detail: str
    module: str
    properties: Mapping[str, Property]
    dated: bool
    found_by: Mapping[str, str]


def _plain(name: str, type_: Column = Column.TEXT, *, required: bool = False, most: int | None = None) -> Property:
    return Property(name, ColumnSpec(type_, required=required, max_length=most))


def _shown(name: str, type_: Column) -> Property:
    return Property(name, ColumnSpec(type_, writable=False))


_ADDRESS = {name: _plain(name) for name in ("address_line", "city", "state", "postcode", "country")}
_CREATED = {"created_at": _shown("created_at", Column.INSTANT)}
_DATED = {**_CREATED, "updated_at": _shown("updated_at", Column.INSTANT)}

RESOURCES: Mapping[str, Resource] = {
    "account": Resource(
        "api/accounts",
        (
            (("active_accounts", "open_accounts"), ("active_accounts", "open_accounts_count")),
            (("closed_accounts", "close_accounts"), ("closed_accounts", "close_accounts_count")),
        ),
        "account_obj",
        "account",
        {
            "name": _plain("name", required=True, most=255),
            "email": _plain("email"),
            "phone": _plain("phone"),
            "website": _plain("website"),
            "industry": _plain("industry"),
            "annual_revenue": _plain("annual_revenue", Column.DECIMAL),
            "number_of_employees": _plain("number_of_employees", Column.INTEGER),
            "currency": _plain("currency", most=3),
            "description": _plain("description"),
            **_ADDRESS,
            **_CREATED,
        },
        dated=False,
        found_by={"name": "name"},
    ),
    "contact": Resource(
        "api/contacts",
        ((("results",), ("count",)),),
        "contact_obj",
        "contact",
        {
            "first_name": _plain("first_name", required=True, most=255),
            "last_name": _plain("last_name", required=True, most=255),
            "email": _plain("email"),
            "phone": _plain("phone"),
            "organization": _plain("organization"),
            "title": _plain("title"),
            "department": _plain("department"),
            "do_not_call": _plain("do_not_call", Column.BOOLEAN),
            "linkedin_url": _plain("linkedin_url"),
            "description": _plain("description"),
            "account": Property("account", ColumnSpec(Column.REFERENCE, to="account")),
            **_ADDRESS,
            **_DATED,
        },
        dated=True,
        found_by={"email": "email", "phone": "phone"},
    ),
    "opportunity": Resource(
        "api/opportunities",
        ((("opportunities",), ("opportunities_count",)),),
        "opportunity_obj",
        "deal",
        {
            "name": _plain("name", required=True, most=255),
            "account": Property("account", ColumnSpec(Column.REFERENCE, to="account"), nested=True),
            "pipeline": Property("pipeline", ColumnSpec(Column.CHOICE), items=PIPELINES),
            "stage": Property("stage", ColumnSpec(Column.CHOICE), items=STAGES),
            "amount": _plain("amount", Column.DECIMAL),
            "currency": _plain("currency", most=3),
            "probability": _plain("probability", Column.INTEGER),
            "closed_on": _plain("closed_on", Column.DATE),
            "description": _plain("description"),
            **_CREATED,
        },
        dated=False,
        found_by={"name": "name"},
    ),
    "lead": Resource(
        "api/leads",
        (
            (("open_leads", "open_leads"), ("open_leads", "leads_count")),
            (("close_leads", "close_leads"), ("close_leads", "leads_count")),
        ),
        "lead_obj",
        "lead",
        {
            "title": _plain("title", most=255),
            "first_name": _plain("first_name"),
            "last_name": _plain("last_name"),
            "email": _plain("email"),
            "phone": _plain("phone"),
            "job_title": _plain("job_title"),
            "company_name": _plain("company_name"),
            "website": _plain("website"),
            "status": Property("status", ColumnSpec(Column.CHOICE, choices=LEAD_STATUSES)),
            "opportunity_amount": _plain("opportunity_amount", Column.DECIMAL),
            "currency": _plain("currency", most=3),
            "close_date": _plain("close_date", Column.DATE),
            "description": _plain("description"),
            **_ADDRESS,
            **_DATED,
        },
        dated=True,
        found_by={"email": "email"},
    ),
}
