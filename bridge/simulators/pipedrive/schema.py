"""The entities of the simulated account: what can be written, what a fresh record holds, and the strict checks of
REST v2.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

Check = Callable[[Any], bool]

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@dataclass(frozen=True)
class Entity:
    """One entity. `writable` maps a root key to its kind (see KINDS); `created` is the status that answers a create."""

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


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_date(value: Any) -> bool:
    try:
        return isinstance(value, str) and len(value) == 10 and date.fromisoformat(value) is not None
    except ValueError:
        return False


def _is_time(value: Any) -> bool:
    return parse_time(value) is not None if isinstance(value, str) else False


def _is_ints(value: Any) -> bool:
    return isinstance(value, list) and all(_is_int(item) for item in value)


def _are_contacts(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, dict)
        and set(item) <= {"value", "label", "primary"}
        and _is_text(item.get("value"))
        and _is_text(item.get("label", "work"))
        and isinstance(item.get("primary", False), bool)
        for item in value
    )


def _is_address(value: Any) -> bool:
    return isinstance(value, dict) and _is_text(value.get("value"))


def _are_prices(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, dict) and _is_text(item.get("currency")) and _is_number(item.get("price")) for item in value
    )


def _is_money(value: Any) -> bool:
    return isinstance(value, dict) and _is_number(value.get("value")) and _is_text(value.get("currency"))


KINDS: Mapping[str, tuple[Check, str]] = {
    "text": (_is_text, "must be a string"),
    "number": (_is_number, "must be a number"),
    "int": (_is_int, "must be an integer"),
    "bool": (lambda value: isinstance(value, bool), "must be a boolean"),
    "date": (_is_date, "must be a date in the form YYYY-MM-DD"),
    "time": (_is_time, "must be a valid datetime"),
    "ints": (_is_ints, "must be an array of integers"),
    "contacts": (_are_contacts, "must be an array of {value, label, primary}"),
    "address": (_is_address, "must be an object with a value"),
    "prices": (_are_prices, "must be an array of {currency, price}"),
    "money": (_is_money, "must be an object with value and currency"),
    "object": (lambda value: isinstance(value, dict), "must be an object"),
    "status": (lambda value: value in ("open", "won", "lost"), "must be one of [open, won, lost]"),
    "visibility": (lambda value: _is_int(value) and value in (1, 3, 5, 7), "must be one of [1, 3, 5, 7]"),
    "percent": (lambda value: _is_number(value) and 0 <= value <= 100, "must be between 0 and 100"),
}

CUSTOM_KINDS: Mapping[str, str] = {
    "varchar": "text",
    "varchar_auto": "text",
    "text": "text",
    "phone": "text",
    "double": "number",
    "monetary": "money",
    "date": "date",
    "user": "int",
    "org": "int",
    "people": "int",
    "enum": "int",
    "set": "ints",
    "address": "address",
    "time": "object",
    "timerange": "object",
    "daterange": "object",
}
"""Field types an account can have, and the kind of their REST v2 value."""

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

ENTITIES: Mapping[str, Entity] = {
    entity.plural: entity for entity in (_DEALS, _PERSONS, _ORGANIZATIONS, _PRODUCTS, _PIPELINES, _STAGES)
}
"""By plural, as in the paths."""


def parse_time(text: str) -> datetime | None:
    """An RFC 3339 UTC time with Z, or None when the text is none."""
    if not TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None


def complaints(
    entity: Entity, body: Mapping[str, Any], custom: Mapping[str, Mapping[str, Any]], new: bool
) -> list[tuple[str, str]]:
    """What REST v2 finds wrong with a write: (key, reason). `custom` maps field codes to definitions."""
    found: list[tuple[str, str]] = []
    for key, value in body.items():
        if key not in entity.writable or (not new and key in entity.create_only):
            found.append((key, f"Parameter '{key}' is not allowed for this request"))
        elif key == "custom_fields" and isinstance(value, dict):
            found.extend(_custom_complaints(value, custom))
        elif value is not None:
            check, reason = KINDS[entity.writable[key]]
            found += [] if check(value) else [(key, reason)]
    for key in entity.required:
        if (new and key not in body) or (key in body and body[key] in (None, "")):
            found.append((key, "is required" if key not in body else "must not be empty"))
    if entity.name == "person" and new and not any(body.get(k) for k in ("name", "first_name", "last_name")):
        found.append(("name", "is required"))
    return found


def _custom_complaints(values: Mapping[str, Any], custom: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for code, value in values.items():
        definition = custom.get(code)
        if definition is None:
            found.append((f"custom_fields.{code}", f"Parameter '{code}' is not allowed for this request"))
        elif value is not None:
            reason = _custom_reason(definition, value)
            found += [] if reason is None else [(f"custom_fields.{code}", reason)]
    return found


def _custom_reason(definition: Mapping[str, Any], value: Any) -> str | None:
    check, reason = KINDS[CUSTOM_KINDS[definition["field_type"]]]
    if not check(value):
        return reason
    if definition["field_type"] not in ("enum", "set"):
        return None
    known = {option["id"] for option in definition["options"] or []}
    chosen = value if isinstance(value, list) else [value]
    if not chosen:
        return "must contain at least 1 item"
    return None if set(chosen) <= known else "is not a known option"
