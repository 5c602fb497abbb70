"""Turns what pydantic found into faults a person can act on: place, key, what is wrong, remedy."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from bridge.domain.errors import Fault
from bridge.settings.faults import Key, Places, meant


def found_by_pydantic(error: ValidationError, model: type[BaseModel], places: Places, above: Key = ()) -> list[Fault]:
    """One fault for each error. `above`: the keys that lead to the section `model` describes. Shows no input value."""
    faults = []
    for item in error.errors(include_url=False, include_input=False):
        inner = tuple(str(part) for part in item["loc"] if part != "[key]")
        faults.append(places.fault((*above, *inner), _what(item), _remedy(item["type"], inner, model)))
    return faults


def _what(item: Mapping[str, Any]) -> str:
    match item["type"]:
        case "extra_forbidden":
            return "unknown key"
        case "missing":
            return "is missing"
        case "string_pattern_mismatch" if item["ctx"]["pattern"].startswith("^[a-z0-9]"):
            return "may hold lower-case letters, digits, - and _ only"
        case "model_type" | "dict_type":
            return "must be a section with keys of its own"
    return str(item["msg"]).removeprefix("Value error, ").replace("Input should be", "must be")


def _remedy(kind: str, keys: Key, model: type[BaseModel]) -> str:
    section = _section(model, keys[:-1])
    if section is None or not keys:
        return ""
    if kind == "extra_forbidden":
        return meant(keys[-1], section.model_fields)
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
