"""Checks of one Books request body, and its accepted fields."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bridge.simulators.deskera.books.model import INVENTORY, MODELS, Field, Model
from bridge.simulators.deskera.schema import Complaints, custom_values
from bridge.simulators.deskera.state import State
from bridge.simulators.records import Record


def accepted(state: State, entity: str, body: Mapping[str, Any]) -> Record:
    """The known fields of a body except customField, with null replaced by the default. Unknown fields are ignored."""
    fields = known_fields(state, entity)
    return {
        key: fresh(fields[key]) if value is None else value
        for key, value in body.items()
        if key in fields and key != "customField"
    }


def known_fields(state: State, entity: str) -> Mapping[str, Field]:
    """The fields that this server's generation knows."""
    old = state.options.books == "2020"
    return {key: known for key, known in MODELS[entity].fields.items() if not (old and known.newer)}


def fresh(known: Field) -> Any:
    return list(known.default) if isinstance(known.default, tuple) else known.default


def complaints(state: State, entity: str, body: Mapping[str, Any], whole: bool) -> Complaints:
    """What is wrong with a body. A `whole` body must contain all required fields."""
    model, fields = MODELS[entity], known_fields(state, entity)
    wrong = _object("", fields, body, whole)
    if not wrong and body.get(model.lines):
        for number, line in enumerate(body[model.lines]):
            wrong += _object(f"{model.lines}[{number}].", model.line, line, True)
    if not wrong and body.get("inventory"):
        wrong += _object("inventory.", INVENTORY, body["inventory"], True)
    return wrong or _references(state, model, body)


def custom(state: State, entity: str, given: Any) -> tuple[dict[str, Any], Complaints]:
    """The `customField` of a body, by code: a list of {code or label, value}, or a map by code
    or label. Null clears all."""
    if given is None:
        return dict.fromkeys(state.custom[entity], ""), []
    if isinstance(given, dict):
        codes = state.custom[entity]
        given = [{"code" if key in codes else "label": key, "value": value} for key, value in given.items()]
    values, wrong = custom_values(state, entity, given)
    return values, [("customField", complaint) for _field, complaint in wrong]


def _object(path: str, fields: Mapping[str, Field], body: Mapping[str, Any], whole: bool) -> Complaints:
    wrong: Complaints = []
    for key, known in fields.items():
        value = body.get(key)
        if value in (None, "", []):
            if known.required and (whole or key in body):
                wrong.append((path + key, "is required"))
        elif isinstance(known.kind, tuple):
            if value not in known.kind:
                wrong.append((path + key, f"must be one of {', '.join(known.kind)}"))
        elif not KINDS[known.kind][1](value):
            wrong.append((path + key, f"must be {KINDS[known.kind][0]}"))
    return wrong


def _references(state: State, model: Model, body: Mapping[str, Any]) -> Complaints:
    wrong: Complaints = []
    if body.get("contactCode") and not code_exists(state, "books_contacts", body["contactCode"]):
        wrong.append(("contactCode", "does not exist"))
    for number, line in enumerate(body.get(model.lines) or ()):
        if "productCode" in line and not code_exists(state, "products", line["productCode"]):
            wrong.append((f"{model.lines}[{number}].productCode", "does not exist"))
    return wrong


def code_exists(state: State, entity: str, code: object) -> bool:
    return state.get(entity, state.by_code[entity].get(str(code))) is not None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_date(value: object) -> bool:
    """Whether this is dd-MM-yyyy, with two digits for day and month."""
    if not isinstance(value, str) or not re.fullmatch(r"\d\d-\d\d-\d{4}", value):
        return False
    try:
        return bool(datetime.strptime(value, "%d-%m-%Y"))  # noqa: DTZ007 - a date without a zone
    except ValueError:
        return False


def _is_objects(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


KINDS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "text": ("a string", lambda value: isinstance(value, str)),
    "texts": ("a list of strings", lambda value: isinstance(value, list) and all(isinstance(i, str) for i in value)),
    "int": ("an integer", lambda value: isinstance(value, int) and not isinstance(value, bool)),
    "number": ("a number", _is_number),
    "flag": ("true or false", lambda value: isinstance(value, bool)),
    "date": ("a date as dd-MM-yyyy", _is_date),
    "list": ("a list", lambda value: isinstance(value, list)),
    "object": ("an object", lambda value: isinstance(value, dict)),
    "objects": ("a list of objects", _is_objects),
    "lines": ("a list of objects", _is_objects),
    "inventory": ("an object", lambda value: isinstance(value, dict)),
    "custom": ("a list or an object", lambda value: isinstance(value, dict | list)),
    "any": ("anything", lambda _value: True),
}
