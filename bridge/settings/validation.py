"""Turns what pydantic found into faults a person can act on: place, key, what is wrong, remedy."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bridge.domain.errors import Problem
from bridge.domain.guess import did_you_mean, nearest
from bridge.settings.faults import NAME, Key, Places

M = TypeVar("M", bound=BaseModel)

WORDS = {
    "extra_forbidden": "unknown key",
    "missing": "is missing",
    "model_type": "must be a section with keys of its own",
    "list_type": "must be a list",
    "dict_type": "must be a section with keys of its own",
    "string_type": "must be text (in quotes, if it looks like a number or a date)",
    "string_too_short": "must have at least {min_length} characters",
    "too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number, and not that large",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "literal_error": "must be {expected}",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be {le} or less",
    "path_type": "must be the path of a file",
}
PATTERNS = {
    NAME: "may hold lower-case letters, digits, - and _ only",
    r"^https?://": "must be an address that begins with https://",
    r"^https?://[^\s?#]+$": "must be an address that begins with https://, without blanks, ? and #",
    r"^/": "must begin with /",
    r"^[A-Za-z0-9]+$": "may hold letters and digits only",
    r"^([01]\d|2[0-3]):[0-5]\d$": "must be a time of the day in quotes, such as '22:00'",
    r"^[A-Za-z-]{2,10}$": "must be the code of a language, such as en or nb-NO",
}
"""What each pattern of a setting asks for; a test finds those that are missing here."""

STILL_OPEN = "..."
"""What a settings file made by `bridge init` holds where a person must write something."""

STAND_INS: tuple[Any, ...] = ("https://stand-in.example.com", "standin", 1, True)


def validated(
    model: type[M], values: Mapping[str, Any], places: Places, above: Key = (), told: frozenset[str] = frozenset()
) -> tuple[M | None, list[Problem]]:
    """The model, or every fault there is. `above`: the keys that lead to this section; `told`: places told already.

    What a section says as a whole (`give api_token, or client_id`) is asked as well while some of its keys are faulty:
    these are taken to be right then, so that a person is told everything at once and nothing that follows.
    """
    open_keys = _still_open(values)
    told |= {places.fault((*above, *key), "").where for key in open_keys}
    faults = [
        places.fault((*above, *key), "is still to be filled in", _remedy("", key, model) or "write the value")
        for key in open_keys
    ]
    try:
        made = model(**values)
        return (None if faults else made), faults
    except ValidationError as error:
        found = found_by_pydantic(error, model, places, above)
        faults += [fault for fault in found if fault.where not in told]
        faults += _later(error, model, values, places, above)
        return None, list(dict.fromkeys(faults))


def found_by_pydantic(error: ValidationError, model: type[BaseModel], places: Places, above: Key = ()) -> list[Problem]:
    """One fault for each error. `above`: the keys that lead to the section `model` describes. Shows no input value."""
    faults = []
    items = error.errors(include_url=False, include_input=False)
    meant_keys = {_meant_key(item["loc"], model) for item in items if item["type"] == "extra_forbidden"}
    for item in items:
        inner = tuple(str(part) for part in item["loc"] if part != "[key]")
        if item["type"] == "missing" and inner in meant_keys:
            continue  # it is there, misspelt
        faults.append(places.fault((*above, *inner), _what(item), _remedy(item["type"], inner, model)))
    return faults


def _meant_key(where: tuple[int | str, ...], model: type[BaseModel]) -> Key:
    """The key a misspelt one probably stands for."""
    keys = tuple(str(part) for part in where)
    section = _section(model, keys[:-1])
    near = nearest(keys[-1], section.model_fields) if section is not None else None
    return keys[:-1] if near is None else (*keys[:-1], near)


def _later(
    error: ValidationError, model: type[BaseModel], values: Mapping[str, Any], places: Places, above: Key
) -> list[Problem]:
    """What shows only once the faulty keys are right."""
    mended = deepcopy(dict(values))
    for item in error.errors(include_url=False, include_input=False):
        if not item["loc"] or not _mended(model, mended, item["loc"]):
            return []
    try:
        model(**mended)
    except ValidationError as later:
        return found_by_pydantic(later, model, places, above)
    return []


def _mended(model: type[BaseModel], values: dict[str, Any], where: tuple[int | str, ...]) -> bool:
    """Put something right at that place: nothing at all, or one of the stand-ins."""
    node: Any = values
    for step in where[:-1]:
        node = node.get(step) if isinstance(node, dict) else None
    if not isinstance(node, dict):
        return False
    key = where[-1]
    given = key in node
    for stand_in in STAND_INS:
        node[key] = stand_in
        if not _is_wrong(model, values, where):
            return True
    if given:
        del node[key]
    return given and not _is_wrong(model, values, where)


def _is_wrong(model: type[BaseModel], values: Mapping[str, Any], where: tuple[int | str, ...]) -> bool:
    try:
        model(**values)
    except ValidationError as error:
        return any(item["loc"] == where for item in error.errors(include_url=False, include_input=False))
    return False


def _still_open(node: Any, at: Key = ()) -> list[Key]:
    if isinstance(node, Mapping):
        return [key for name, value in node.items() for key in _still_open(value, (*at, str(name)))]
    return [at] if isinstance(node, str) and node == STILL_OPEN else []


def _what(item: Mapping[str, Any]) -> str:
    """Each error in our own words: pydantic's speak of types, patterns and validation."""
    kind, limits = str(item["type"]), item.get("ctx", {})
    if kind == "string_pattern_mismatch":
        return PATTERNS.get(limits["pattern"], "has a form that is not allowed here")
    if kind == "value_error":
        return str(item["msg"]).removeprefix("Value error, ")
    return WORDS.get(kind, "is not of the kind that is expected here").format(**limits)


def _remedy(kind: str, keys: Key, model: type[BaseModel]) -> str:
    section = _section(model, keys[:-1])
    if section is None or not keys:
        return ""
    if kind == "extra_forbidden":
        return did_you_mean(keys[-1], section.model_fields)
    if keys[-1] in section.model_fields:
        return section.model_fields[keys[-1]].description or ""
    return ""


def _section(model: type[BaseModel], keys: Key) -> type[BaseModel] | None:
    """The model of the section these keys lead to."""
    found: Any = model
    for key in keys:
        fields = getattr(found, "model_fields", None)
        if fields is None or key not in fields:
            continue  # a name of the operator's own, such as a system's
        annotation = fields[key].annotation
        inner = getattr(annotation, "__args__", ())
        found = inner[-1] if inner else annotation
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None
