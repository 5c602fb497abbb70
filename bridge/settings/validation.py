"""Turns pydantic's errors into problems that a person can correct: place, key, what is wrong, remedy."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bridge.domain.errors import Problem
from bridge.domain.guess import did_you_mean, nearest
from bridge.settings.problems import NAME, Key, Places

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
"""What each pattern of a setting requires. A test finds patterns that are missing here."""

STILL_OPEN = "..."
"""What `bridge init` writes into a settings file where a person must enter a value."""

STAND_INS: tuple[Any, ...] = ("https://stand-in.example.com", "standin", 1, True)


def validated(
    model: type[M], values: Mapping[str, Any], places: Places, above: Key = (), told: frozenset[str] = frozenset()
) -> tuple[M | None, list[Problem]]:
    """Return the model, or every problem. `above`: the keys that lead to this section; `told`: places with a known
    problem.

    Conditions about a whole section (`give api_token, or client_id`) are checked even if some of its keys are wrong:
    those keys are taken as correct then. So a person gets all problems at once, and none that only follows from
    another.
    """
    open_keys = _still_open(values)
    told |= {places.problem((*above, *key), "").where for key in open_keys}
    problems = [
        places.problem((*above, *key), "is still to be filled in", _remedy("", key, model) or "write the value")
        for key in open_keys
    ]
    try:
        made = model(**values)
        return (None if problems else made), problems
    except ValidationError as error:
        found = found_by_pydantic(error, model, places, above)
        problems += [problem for problem in found if problem.where not in told]
        problems += _later(error, model, values, places, above)
        return None, list(dict.fromkeys(problems))


def found_by_pydantic(error: ValidationError, model: type[BaseModel], places: Places, above: Key = ()) -> list[Problem]:
    """Return one problem for each error. `above`: the keys that lead to the section of `model`. Input values are not
    shown."""
    problems = []
    items = error.errors(include_url=False, include_input=False)
    meant_keys = {_meant_key(item["loc"], model) for item in items if item["type"] == "extra_forbidden"}
    for item in items:
        inner = tuple(str(part) for part in item["loc"] if part != "[key]")
        if item["type"] == "missing" and inner in meant_keys:
            continue  # the key is there, but misspelt
        problems.append(places.problem((*above, *inner), _what(item), _remedy(item["type"], inner, model)))
    return problems


def _meant_key(where: tuple[int | str, ...], model: type[BaseModel]) -> Key:
    """Return the key that a misspelt one probably means."""
    keys = tuple(str(part) for part in where)
    section = _section(model, keys[:-1])
    near = nearest(keys[-1], section.model_fields) if section is not None else None
    return keys[:-1] if near is None else (*keys[:-1], near)


def _later(
    error: ValidationError, model: type[BaseModel], values: Mapping[str, Any], places: Places, above: Key
) -> list[Problem]:
    """Return the problems that appear only after the faulty keys are corrected."""
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
    """Correct the value at this place with one of the stand-ins, or by removing it. Return whether that succeeded."""
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
    """Return each error in the bridge's words, because pydantic's are about types, patterns and validation."""
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
    """Return the model of the section to which these keys lead."""
    found: Any = model
    for key in keys:
        fields = getattr(found, "model_fields", None)
        if fields is None or key not in fields:
            continue  # the key is a name that the operator chose, such as a system's
        annotation = fields[key].annotation
        inner = getattr(annotation, "__args__", ())
        found = inner[-1] if inner else annotation
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None
