"""The strict checks of REST v2: kinds of values, and the errors of a write."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from bridge.simulators.pipedrive.entities import Entity

Check = Callable[[Any], bool]

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


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


def _are_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _are_participants(value: Any) -> bool:
    return _are_objects(value) and all(
        set(item) <= {"person_id", "primary"} and _is_int(item.get("person_id")) for item in value
    )


def _is_lead_value(value: Any) -> bool:
    return isinstance(value, dict) and _is_number(value.get("amount")) and _is_text(value.get("currency"))


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
    "texts": (lambda value: isinstance(value, list) and all(map(_is_text, value)), "must be an array of strings"),
    "objects": (_are_objects, "must be an array of objects"),
    "participants": (_are_participants, "must be an array of {person_id, primary}"),
    "lead value": (_is_lead_value, "must be an object with amount and currency"),
    "flag": (lambda value: value in (0, 1), "must be 0 or 1"),
    "visibility text": (lambda value: value in ("1", "3", "5", "7"), "must be one of [1, 3, 5, 7]"),
    "object": (lambda value: isinstance(value, dict), "must be an object"),
    "status": (lambda value: value in ("open", "won", "lost"), "must be one of [open, won, lost]"),
    "visibility": (lambda value: _is_int(value) and value in (1, 3, 5, 7), "must be one of [1, 3, 5, 7]"),
    "discount": (lambda value: value in ("percentage", "amount"), "must be one of [percentage, amount]"),
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
"""Field types that an account can have -> the kind of their REST v2 value."""


def parse_time(text: str) -> datetime | None:
    """An RFC 3339 UTC time with Z, or None when the text is not such a time."""
    if not TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None


def complaints(
    entity: Entity, body: Mapping[str, Any], custom: Mapping[str, Mapping[str, Any]], new: bool
) -> list[tuple[str, str]]:
    """The errors that REST v2 finds in a write: (key, reason). `custom` maps field codes to definitions."""
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
