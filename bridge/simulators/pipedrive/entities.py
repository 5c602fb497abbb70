"""The entities of the simulated account: what can be written, and the values of a new record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Entity:
    """One entity. `writable`: root key -> its kind (see schema.KINDS). `created`: the status of the answer to a create.

    `rest`: the API version that serves it. `actors`: keys that name who made it. `uuid`: its ids are UUIDs.
    `fields_of`: the entity whose custom fields it shares.
    """

    name: str
    plural: str
    writable: Mapping[str, str]
    required: tuple[str, ...]
    fresh: Mapping[str, Any] = field(default_factory=dict)
    create_only: frozenset[str] = frozenset()
    created: int = 200
    has_fields: bool = True
    list_cost: int = 10
    searched: tuple[str, ...] = ()
    rest: int = 2
    actors: tuple[str, ...] = ()
    uuid: bool = False
    fields_of: str = ""


_OWNED = {"owner_id": "int", "visible_to": "visibility", "label_ids": "ints", "custom_fields": "object"}

_DEALS = Entity(
    "deal",
    "deals",
    {
        **_OWNED,
        "title": "text",
        "value": "number",
        "currency": "text",
        "person_id": "int",
        "org_id": "int",
        "pipeline_id": "int",
        "stage_id": "int",
        "status": "status",
        "probability": "percent",
        "lost_reason": "text",
        "won_time": "time",
        "lost_time": "time",
        "close_time": "time",
        "expected_close_date": "date",
        "is_archived": "bool",
        "archive_time": "time",
    },
    ("title",),
    {
        "value": 0,
        "currency": "EUR",
        "status": "open",
        "person_id": None,
        "org_id": None,
        "probability": None,
        "lost_reason": None,
        "won_time": None,
        "lost_time": None,
        "close_time": None,
        "expected_close_date": None,
        "is_archived": False,
        "archive_time": None,
        "stage_change_time": None,
        "local_won_date": None,
        "local_lost_date": None,
        "local_close_date": None,
        "origin": "ManuallyCreated",
        "origin_id": None,
        "channel": None,
        "channel_id": None,
        "source_lead_id": None,
        "acv": None,
        "arr": None,
        "mrr": None,
    },
    searched=("title", "custom_fields"),
)

_PERSONS = Entity(
    "person",
    "persons",
    {
        **_OWNED,
        "name": "text",
        "first_name": "text",
        "last_name": "text",
        "org_id": "int",
        "add_time": "time",
        "emails": "contacts",
        "phones": "contacts",
        "marketing_status": "text",
    },
    (),
    {"first_name": None, "last_name": None, "org_id": None, "emails": [], "phones": [], "picture_id": None},
    frozenset({"add_time"}),
    searched=("name", "email", "phone", "custom_fields"),
)

_ORGANIZATIONS = Entity(
    "organization",
    "organizations",
    {
        **_OWNED,
        "name": "text",
        "add_time": "time",
        "address": "address",
        "website": "text",
        "linkedin": "text",
        "industry": "int",
        "annual_revenue": "number",
        "employee_count": "int",
    },
    ("name",),
    {
        "address": None,
        "website": None,
        "linkedin": None,
        "industry": None,
        "annual_revenue": None,
        "employee_count": None,
    },
    frozenset({"add_time"}),
    searched=("name", "address", "custom_fields"),
)

_PRODUCTS = Entity(
    "product",
    "products",
    {
        "owner_id": "int",
        "visible_to": "visibility",
        "custom_fields": "object",
        "name": "text",
        "code": "text",
        "description": "text",
        "unit": "text",
        "tax": "number",
        "category": "number",
        "is_linkable": "bool",
        "prices": "prices",
        "billing_frequency": "text",
        "billing_frequency_cycles": "int",
    },
    ("name",),
    {
        "code": None,
        "description": None,
        "unit": None,
        "tax": 0,
        "category": None,
        "is_linkable": True,
        "prices": [],
        "billing_frequency": "one-time",
        "billing_frequency_cycles": None,
    },
    created=201,
    searched=("name", "code", "custom_fields"),
)

_PIPELINES = Entity(
    "pipeline",
    "pipelines",
    {"name": "text", "is_deal_probability_enabled": "bool"},
    ("name",),
    {"order_nr": 0, "is_deal_probability_enabled": True},
    has_fields=False,
    list_cost=5,
)

_STAGES = Entity(
    "stage",
    "stages",
    {
        "name": "text",
        "pipeline_id": "int",
        "deal_probability": "percent",
        "is_deal_rot_enabled": "bool",
        "days_to_rotten": "int",
    },
    ("name", "pipeline_id"),
    {"order_nr": 0, "deal_probability": 100, "is_deal_rot_enabled": False, "days_to_rotten": None},
    has_fields=False,
    list_cost=5,
)

_ACTIVITIES = Entity(
    "activity",
    "activities",
    {
        "subject": "text",
        "type": "text",
        "owner_id": "int",
        "deal_id": "int",
        "lead_id": "text",
        "org_id": "int",
        "project_id": "int",
        "due_date": "date",
        "due_time": "text",
        "duration": "text",
        "busy": "bool",
        "done": "bool",
        "location": "address",
        "participants": "participants",
        "attendees": "objects",
        "public_description": "text",
        "priority": "int",
        "note": "text",
    },
    (),
    {
        "subject": "Call",
        "type": "call",
        **dict.fromkeys(
            ("deal_id", "lead_id", "person_id", "org_id", "project_id", "due_date", "due_time", "duration")
        ),
        "busy": False,
        "done": False,
        "marked_as_done_time": None,
        "location": None,
        "participants": [],
        "attendees": None,
        "conference_meeting_client": None,
        "conference_meeting_url": None,
        "conference_meeting_id": None,
        "public_description": None,
        "priority": None,
        "note": None,
    },
    has_fields=False,
    actors=("owner_id", "creator_user_id"),
)
"""`person_id` is the primary participant and is refused in a write ("Pipedrive API v2 migration guide")."""

_LEADS = Entity(
    "lead",
    "leads",
    {
        "title": "text",
        "owner_id": "int",
        "label_ids": "texts",
        "person_id": "int",
        "organization_id": "int",
        "value": "lead value",
        "expected_close_date": "date",
        "visible_to": "visibility text",
        "was_seen": "bool",
        "is_archived": "bool",
        "origin_id": "text",
        "channel": "int",
        "channel_id": "text",
        "custom_fields": "object",
    },
    ("title",),
    {
        "label_ids": [],
        "person_id": None,
        "organization_id": None,
        "source_name": "Manually created",
        "origin": "ManuallyCreated",
        "origin_id": None,
        "channel": None,
        "channel_id": None,
        "source_deal_id": None,
        "is_archived": False,
        "was_seen": False,
        "value": None,
        "expected_close_date": None,
        "next_activity_id": None,
        "visible_to": "3",
        "cc_email": "sandbox+lead@pipedrivemail.invalid",
        "custom_fields": {},
    },
    has_fields=False,
    created=201,
    searched=("title", "custom_fields"),
    rest=1,
    actors=("owner_id", "creator_id"),
    uuid=True,
    fields_of="deal",
)

PINS = tuple(f"pinned_to_{name}_flag" for name in ("deal", "organization", "person", "project", "task"))
NOTE_LINKS = ("lead_id", "deal_id", "person_id", "org_id", "project_id", "task_id")

_NOTES = Entity(
    "note",
    "notes",
    {
        "content": "text",
        "lead_id": "text",
        **dict.fromkeys(NOTE_LINKS[1:], "int"),
        "user_id": "int",
        **dict.fromkeys((*PINS, "pinned_to_lead_flag"), "flag"),
    },
    ("content",),
    {**dict.fromkeys(NOTE_LINKS), **dict.fromkeys(PINS, False)},
    has_fields=False,
    rest=1,
    actors=("user_id", "last_update_user_id"),
)

ENTITIES: Mapping[str, Entity] = {
    entity.plural: entity
    for entity in (_DEALS, _PERSONS, _ORGANIZATIONS, _PRODUCTS, _PIPELINES, _STAGES, _ACTIVITIES, _LEADS, _NOTES)
}
"""By their plural, as in the paths."""
