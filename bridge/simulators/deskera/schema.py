"""Writable fields of contacts and deals, with kinds and defaults, and the checks of one request body.

Pages "Contact APIs", "Deal APIs", models ContactSaveDto and DealRequest.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bridge.simulators.deskera.state import State
from bridge.simulators.records import Record

TYPES = ("person", "organization")
VISIBILITIES = ("private", "public", "team")
OUTCOMES = ("open", "won", "lost")

Complaints = list[tuple[str, str]]


@dataclass(frozen=True)
class Field:
    """The kind of one writable field, and its value when not given. `null` in a request means that default."""

    kind: str
    default: Any = ""


CONTACT: Mapping[str, Field] = {
    "name": Field("text"),
    "email": Field("text"),
    "phone": Field("text"),
    "country_code": Field("text"),
    "address": Field("text"),
    "type": Field("type", "person"),
    "label_id": Field("int", 1),
    "owner_id": Field("int", 0),
    "sub_owner_ids": Field("ints", ()),
    "visibility_type": Field("visibility", "team"),
    "visibility_ids": Field("ints", None),
    "organization_id": Field("int", 0),
    "organization_name": Field("text"),
    "person_ids": Field("ints", ()),
    "person_names": Field("texts", ()),
    "note": Field("text"),
    "logo": Field("text"),
}

DEAL: Mapping[str, Field] = {
    "name": Field("text"),
    "pipeline_id": Field("int", 0),
    "stage_id": Field("int", 0),
    "contact_id": Field("int", 0),
    "contact_name": Field("text"),
    "organization_id": Field("int", 0),
    "organization_name": Field("text"),
    "email": Field("text"),
    "mobile": Field("text"),
    "currency_code": Field("text", "USD"),
    "amount": Field("number", 0),
    "closing_date": Field("time"),
    "status": Field("int", 0),
    "owner_id": Field("int", 0),
    "sub_owner_ids": Field("ints", ()),
    "reason": Field("text"),
    "visibility_type": Field("visibility", "team"),
}

SCHEMAS: Mapping[str, Mapping[str, Field]] = {"contacts": CONTACT, "deals": DEAL}


def defaults(entity: str) -> Record:
    return {key: _fresh(field.default) for key, field in SCHEMAS[entity].items()}


def accepted(entity: str, fields: Mapping[str, Any]) -> Record:
    """The known fields of a body, with null replaced by the default. Unknown fields are
    ignored, as the service does."""
    schema = SCHEMAS[entity]
    return {
        key: _fresh(schema[key].default) if value is None else value for key, value in fields.items() if key in schema
    }


def unknown(entity: str, fields: Mapping[str, Any]) -> list[str]:
    """The field names that this entity does not have."""
    return [key for key in fields if key not in SCHEMAS[entity] and key != "custom_field"]


def complaints(state: State, entity: str, fields: Mapping[str, Any], new: bool) -> Complaints:
    """What is wrong with a body. `new`: it must contain the name."""
    schema = SCHEMAS[entity]
    wrong = [
        (key, f"must be {_KINDS[schema[key].kind][0]}")
        for key, value in fields.items()
        if key in schema and value is not None and not _KINDS[schema[key].kind][1](value)
    ]
    name = fields.get("name", "" if new else "kept")
    if not isinstance(name, str) or not name.strip():
        wrong.append(("name", "is required"))
    return wrong or _references(state, entity, fields)


def custom_values(state: State, entity: str, given: Any) -> tuple[dict[str, Any], Complaints]:
    """The `custom_field` of a body, by code. An entry is found by its code, or else by its label.
    "" and null clear a field."""
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        return {}, [("custom_field", "must be a list of objects")]
    known = state.custom[entity]
    by_label = {definition["label"]: code for code, definition in known.items()}
    values: dict[str, Any] = {}
    wrong: Complaints = []
    for item in given:
        code = item.get("code") if item.get("code") in known else by_label.get(item.get("label", ""))
        value = item.get("value")
        if code is None:
            wrong.append(("custom_field", f"unknown custom field {item.get('code') or item.get('label')}"))
        elif value not in (None, "") and known[code]["values"] and value not in known[code]["values"]:
            wrong.append(("custom_field", f"{value!r} is not a value of {known[code]['label']}"))
        else:
            values[code] = "" if value is None else value
    return values, wrong


def _references(state: State, entity: str, fields: Mapping[str, Any]) -> Complaints:
    wrong: Complaints = []
    if fields.get("label_id") and fields["label_id"] not in state.labels:
        wrong.append(("label_id", "does not exist"))
    for key, wanted in (("organization_id", "organization"), ("contact_id", "person")):
        if key in SCHEMAS[entity] and fields.get(key):
            target = state.get("contacts", fields[key])
            if target is None or target["type"] != wanted:
                wrong.append((key, f"is not a {wanted}"))
    if entity == "deals":
        if fields.get("pipeline_id") and state.get("pipelines", fields["pipeline_id"]) is None:
            wrong.append(("pipeline_id", "does not exist"))
        if fields.get("stage_id") and state.stage(fields["stage_id"]) is None:
            wrong.append(("stage_id", "does not exist"))
    return wrong


def _fresh(default: Any) -> Any:
    return list(default) if isinstance(default, tuple) else default


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_time(value: object) -> bool:
    if value == "":
        return True
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


_KINDS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "text": ("a string", lambda value: isinstance(value, str)),
    "int": ("an integer", _is_int),
    "number": ("a number", lambda value: _is_int(value) or isinstance(value, float)),
    "ints": ("a list of integers", lambda value: isinstance(value, list) and all(_is_int(item) for item in value)),
    "texts": (
        "a list of strings",
        lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value),
    ),
    "time": ("an ISO 8601 time with offset", _is_time),
    "type": (f"one of {', '.join(TYPES)}", lambda value: value in TYPES),
    "visibility": (f"one of {', '.join(VISIBILITIES)}", lambda value: value in VISIBILITIES),
}
