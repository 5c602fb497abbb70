"""What Pipedrive offers and what it cannot do.

Sources: the vendor's OpenAPI descriptions of API v1 and v2, "Pipedrive API v2 migration guide",
"Guide for Webhooks v2", "Rate limiting".
"""

from collections.abc import Mapping
from dataclasses import field

from bridge.connectors.pipedrive.columns import ACTIVITY, LEAD, NOTE, USER, USER_COLUMNS
from bridge.domain.catalog import Column, ColumnSpec, EntityManifest, Lookup, Manifest
from bridge.domain.frozen import dataclass

EVENTS = frozenset({"created", "changed", "deleted"})
MERGED = EVENTS | {"merged"}
ADDRESS_PARTS = (
    "value",
    "formatted_address",
    "country",
    "admin_area_level_1",
    "admin_area_level_2",
    "locality",
    "sublocality",
    "route",
    "street_number",
    "subpremise",
    "postal_code",
)


@dataclass(frozen=True, slots=True)
class Resource:
    """Where an entity's endpoints are. `search`: column -> name of the search field. `named`: column -> (vendor's
    column, field whose options name its keys). `fields_path`: its field definitions, empty if it has none.

    `rest`: the API version. `update`: the HTTP method that changes a record. `order`: the sort column of offset
    listings (version 1).
    """

    entity: str
    path: str
    fields_path: str = ""
    search: Mapping[str, str] = field(default_factory=dict)
    named: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    rest: int = 2
    update: str = "PATCH"
    order: str = "id"


LABELS = {"labels": ("label_ids", "label_ids")}

RESOURCES: Mapping[str, Resource] = {
    resource.entity: resource
    for resource in (
        Resource("deal", "api/v2/deals", "api/v2/dealFields", {"title": "title"}, LABELS),
        Resource(
            "person",
            "api/v2/persons",
            "api/v2/personFields",
            {"name": "name", "emails": "email", "phones": "phone"},
            LABELS,
        ),
        Resource(
            "organization",
            "api/v2/organizations",
            "api/v2/organizationFields",
            {"name": "name"},
            {**LABELS, "industry": ("industry", "industry")},
        ),
        Resource(
            "product",
            "api/v2/products",
            "api/v2/productFields",
            {"name": "name", "code": "code"},
            {"category": ("category", "category")},
        ),
        Resource("activity", "api/v2/activities"),
        Resource("lead", "api/v1/leads", "api/v2/dealFields", named=LABELS, rest=1, order="add_time"),
        Resource("note", "api/v1/notes", rest=1, update="PUT"),
        Resource("user", "api/v1/users", rest=1),
    )
}

_FIXED: Mapping[str, ColumnSpec] = {
    "id": ColumnSpec(Column.INTEGER, writable=False),
    "add_time": ColumnSpec(Column.INSTANT, writable=False),
    "update_time": ColumnSpec(Column.INSTANT, writable=False),
    "owner_id": USER,
    "visible_to": ColumnSpec(Column.INTEGER),
}

DEAL_PRODUCT: Mapping[str, ColumnSpec] = {
    "id": ColumnSpec(Column.TEXT, writable=False),
    "product_id": ColumnSpec(Column.REFERENCE, required=True, to="product"),
    "name": ColumnSpec(Column.TEXT, writable=False),
    "quantity": ColumnSpec(Column.DECIMAL, required=True),
    "item_price": ColumnSpec(Column.DECIMAL, required=True),
    "currency": ColumnSpec(Column.TEXT, writable=False),
    "sum": ColumnSpec(Column.DECIMAL, writable=False),
    "discount": ColumnSpec(Column.DECIMAL),
    "discount_type": ColumnSpec(Column.CHOICE, choices=("percentage", "amount")),
    "tax": ColumnSpec(Column.DECIMAL),
    "tax_method": ColumnSpec(Column.CHOICE, choices=("exclusive", "inclusive", "none")),
    "comments": ColumnSpec(Column.TEXT),
    "is_enabled": ColumnSpec(Column.BOOLEAN),
    "order_nr": ColumnSpec(Column.INTEGER, writable=False),
}
"""The columns of one line of a deal's products."""

_DEAL: Mapping[str, ColumnSpec] = {
    **_FIXED,
    "title": ColumnSpec(Column.TEXT, required=True, max_length=255),
    "value": ColumnSpec(Column.DECIMAL),
    "currency": ColumnSpec(Column.TEXT, max_length=3),
    "person_id": ColumnSpec(Column.REFERENCE, to="person"),
    "org_id": ColumnSpec(Column.REFERENCE, to="organization"),
    "creator_user_id": ColumnSpec(Column.REFERENCE, writable=False, to="user"),
    "pipeline": ColumnSpec(Column.CHOICE),
    "stage": ColumnSpec(Column.CHOICE),
    "status": ColumnSpec(Column.CHOICE, choices=("open", "won", "lost")),
    "probability": ColumnSpec(Column.DECIMAL),
    "lost_reason": ColumnSpec(Column.TEXT),
    "won_time": ColumnSpec(Column.INSTANT),
    "lost_time": ColumnSpec(Column.INSTANT),
    "close_time": ColumnSpec(Column.INSTANT),
    "stage_change_time": ColumnSpec(Column.INSTANT, writable=False),
    "expected_close_date": ColumnSpec(Column.DATE),
    "labels": ColumnSpec(Column.SET),
    "is_archived": ColumnSpec(Column.BOOLEAN),
    "products": ColumnSpec(Column.LINES, listed=False, lines=DEAL_PRODUCT, apart=True),
    "origin": ColumnSpec(Column.TEXT, writable=False),
    "origin_id": ColumnSpec(Column.TEXT, writable=False),
}

_PERSON: Mapping[str, ColumnSpec] = {
    **_FIXED,
    "name": ColumnSpec(Column.TEXT, required=True, max_length=255),
    "first_name": ColumnSpec(Column.TEXT, writable=False),
    "last_name": ColumnSpec(Column.TEXT, writable=False),
    "org_id": ColumnSpec(Column.REFERENCE, to="organization"),
    "emails": ColumnSpec(Column.VALUES),
    "phones": ColumnSpec(Column.VALUES),
    "labels": ColumnSpec(Column.SET),
    "job_title": ColumnSpec(Column.TEXT),
    "notes": ColumnSpec(Column.TEXT),
    "birthday": ColumnSpec(Column.DATE),
}

_ORGANIZATION: Mapping[str, ColumnSpec] = {
    **_FIXED,
    "name": ColumnSpec(Column.TEXT, required=True, max_length=255),
    "address": ColumnSpec(Column.OBJECT, parts=ADDRESS_PARTS),
    "labels": ColumnSpec(Column.SET),
    "website": ColumnSpec(Column.TEXT),
    "linkedin": ColumnSpec(Column.TEXT),
    "industry": ColumnSpec(Column.CHOICE),
    "annual_revenue": ColumnSpec(Column.INTEGER),
    "employee_count": ColumnSpec(Column.INTEGER),
}

_PRODUCT: Mapping[str, ColumnSpec] = {
    **_FIXED,
    "name": ColumnSpec(Column.TEXT, required=True, max_length=255),
    "code": ColumnSpec(Column.TEXT),
    "description": ColumnSpec(Column.TEXT),
    "unit": ColumnSpec(Column.TEXT),
    "tax": ColumnSpec(Column.DECIMAL),
    "category": ColumnSpec(Column.CHOICE),
    "is_linkable": ColumnSpec(Column.BOOLEAN),
    "prices": ColumnSpec(Column.OBJECT),  # by currency code: {"EUR": {"price", "cost", "direct_cost", "notes"}}
    "billing_frequency": ColumnSpec(
        Column.CHOICE, choices=("one-time", "weekly", "monthly", "quarterly", "semi-annually", "annually")
    ),
    "billing_frequency_cycles": ColumnSpec(Column.INTEGER),
}


def _entity(
    columns: Mapping[str, ColumnSpec], searched: Mapping[str, str], *, archives: bool = False, merges: bool = True
) -> EntityManifest:
    return EntityManifest(
        columns=columns,
        events=MERGED if merges else EVENTS,
        archives=archives,
        lookup=Lookup.LAGGING,
        lookup_columns=frozenset(searched) | {"custom"},
    )


MANIFEST = Manifest(
    product="pipedrive",
    entities={
        "deal": _entity(_DEAL, RESOURCES["deal"].search, archives=True),
        "person": _entity(_PERSON, RESOURCES["person"].search),
        "organization": _entity(_ORGANIZATION, RESOURCES["organization"].search),
        "product": _entity(_PRODUCT, RESOURCES["product"].search, merges=False),
        "activity": EntityManifest(ACTIVITY, EVENTS, custom=False),
        "lead": EntityManifest(LEAD, EVENTS, archives=True, delete_evidence=False),
        "note": EntityManifest(NOTE, EVENTS, custom=False, delete_evidence=False),
        "user": EntityManifest(
            USER_COLUMNS,
            frozenset({"created", "changed"}),
            creates=False,
            updates=False,
            deletes=False,
            version_resolution=None,
            since=False,
            shows_new=False,
            custom=False,
            delete_evidence=False,
        ),
    },
    limits=(
        "Deleted persons, organizations and products show only by webhook, by reading the record, or by a full"
        " sweep; deleted deals are listed for 30 days.",
        "A deleted record is purged after 30 days; before that a read shows it marked as deleted.",
        "Archived deals and leads cannot be edited through the API, except for `is_archived` itself. The vendor does"
        " not say whether that brings one back.",
        "The current API cannot restore a deleted record.",
        "Filters of a mapping are not sent to the vendor: every record is listed, 500 per call.",
        "The value of a deal with products is their sum: map its `value` or its `products`, not both. Its products"
        " are read by a separate call, for mappings that have them; in sweeps a hundred deals share one call.",
        "A lead needs a person or an organization. It has the custom fields of deals, and raises no version 1 events.",
        "Users can only be read. There is no listing of changed users, so all are read each time.",
        "The person of an activity is written as its only participant, so that other participants are lost.",
        "The vendor bans a hook for 30 minutes after ten failed first deliveries, and the events of that time are"
        " lost; after three days without a successful delivery it deletes the hook.",
        "At most 40 hooks per user; registering them needs an administrator's token or the OAuth scope `admin`.",
        "Search does not find what was just written.",
        "The bridge notices a renamed pipeline, stage, label, option or custom field, but uses the old name until"
        " accepted.",
    ),
    not_yet=("custom fields of activities",),
)
