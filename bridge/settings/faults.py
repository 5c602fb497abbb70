"""Turns what pydantic found into faults a person can act on: place, key, what is wrong, remedy."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from bridge.domain.errors import Fault

Key = tuple[str, ...]
LITERAL_SECRET = "a secret stands in the settings file"  # noqa: S105 - words for people
SECRET_REMEDY = "write {file: path} or {env: NAME} instead"  # noqa: S105 - words for people


@dataclass(frozen=True, slots=True)
class Places:
    """Where each key was written: `path:line` of the settings file, or the name of an environment variable."""

    path: Path
    known: dict[Key, str] = field(default_factory=dict)

    def fault(self, key: Key, what: str, remedy: str = "") -> Fault:
        """A fault of this key; a key that was written nowhere is shown at the section it belongs to."""
        for length in range(len(key), 0, -1):
            if key[:length] in self.known:
                return Fault(f"{self.known[key[:length]]}: {'.'.join(key)}", what, remedy)
        return Fault(f"{self.path}: {'.'.join(key)}" if key else str(self.path), what, remedy)


def found_by_pydantic(error: ValidationError, model: type[BaseModel], places: Places, above: Key = ()) -> list[Fault]:
    """One fault for each error. `above`: the keys that lead to the section `model` describes. Shows no input value."""
    faults = []
    for item in error.errors(include_url=False, include_input=False):
        inner = tuple(str(part) for part in item["loc"] if part != "[key]")
        faults.append(places.fault((*above, *inner), _what(item), _remedy(item["type"], inner, model)))
    return faults


def meant(word: str, known: Iterable[str]) -> str:
    """A guess at what somebody wanted to write, or everything they could have written."""
    names = sorted(known)
    close = get_close_matches(word, names, n=1)
    return f"did you mean `{close[0]}`?" if close else f"known: {', '.join(names) or 'none'}"


def in_order(faults: Iterable[Fault]) -> list[Fault]:
    """Each fault once: those of the whole file, then by line, then those of variables."""
    return sorted(dict.fromkeys(faults), key=_place)


def _place(fault: Fault) -> tuple[bool, int, str]:
    line = fault.where.partition(": ")[0].rpartition(":")[2]
    return (fault.where.startswith("BRIDGE_"), int(line) if line.isdigit() else 0, fault.where)


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
