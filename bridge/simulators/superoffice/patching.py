"""PATCH bodies in both dialects (PATCH reference pages): RFC 6902 operations or an RFC 7396 object.

A merge object is turned into operations: an object where a list is expected is appended, a list replaces the whole
list. Property names match in any case, the leading slash may be missing, move and copy do not exist.
"""

import copy
from collections.abc import Mapping
from typing import Any

from bridge.simulators.superoffice.answers import Refused

OPERATIONS = ("add", "replace", "remove", "test")


def patched(document: Mapping[str, Any], body: Any) -> tuple[dict[str, Any], set[str]]:
    """The document after the patch, and the top-level properties that it touched.

    Raises Refused: 409 for a failed test, 400 for what cannot be done.
    """
    operations = body if isinstance(body, list) else None
    if operations is None:
        if not isinstance(body, dict):
            raise Refused(400, "ArgumentException", "a patch is an object or a list of operations")
        operations = _from_object(document, body)
    changed = copy.deepcopy(dict(document))
    touched: set[str] = set()
    for operation in operations:
        if not isinstance(operation, dict) or operation.get("op") not in OPERATIONS:
            raise Refused(400, "JsonPatchException", f"op must be one of {', '.join(OPERATIONS)}")
        parts = [part for part in str(operation.get("path", "")).split("/") if part]
        if not parts:
            raise Refused(400, "JsonPatchException", "an operation needs a path")
        _apply(changed, operation, [part.replace("~1", "/").replace("~0", "~") for part in parts])
        if operation["op"] != "test":
            touched.add(_name(document, parts[0]))
    return changed, touched


def _from_object(document: Mapping[str, Any], body: Mapping[str, Any], path: str = "") -> list[dict[str, Any]]:
    operations: list[dict[str, Any]] = []
    for key, value in body.items():
        name = _name(document, key)
        here, there = document.get(name), f"{path}/{name.replace('~', '~0').replace('/', '~1')}"
        if isinstance(value, dict) and isinstance(here, list):
            operations.append({"op": "add", "path": f"{there}/-", "value": value})
        elif isinstance(value, dict) and isinstance(here, dict):
            operations += _from_object(here, value, there)
        else:
            operations.append({"op": "replace", "path": there, "value": value})
    return operations


def _apply(document: dict[str, Any], operation: Mapping[str, Any], parts: list[str]) -> None:
    target: Any = document
    for part in parts[:-1]:
        target = _inside(target, part)
    last, verb, value = parts[-1], operation["op"], operation.get("value")
    if isinstance(target, list):
        _apply_to_list(target, verb, last, value)
    elif verb == "test":
        if target.get(_name(target, last)) != value:
            raise Refused(409, "JsonPatchTestException", f"the test of {'/'.join(parts)} failed")
    elif verb == "remove":
        target[_name(target, last)] = None
    else:
        target[_name(target, last)] = copy.deepcopy(value)


def _inside(target: Any, part: str) -> Any:
    """The container below. An empty link or list item becomes an object."""
    if isinstance(target, list):
        return target[_index(target, part)]
    name = _name(target, part)
    if target.get(name) is None:
        target[name] = {}
    if not isinstance(target[name], dict | list):
        raise Refused(400, "JsonPatchException", f"{part} has no parts")
    return target[name]


def _apply_to_list(target: list[Any], verb: str, part: str, value: Any) -> None:
    if verb == "add" and part == "-":
        target.append(copy.deepcopy(value))
        return
    if verb == "add" and part == str(len(target)):
        target.append(copy.deepcopy(value))
        return
    index = _index(target, part)
    if verb == "add":
        target.insert(index, copy.deepcopy(value))
    elif verb == "remove":
        del target[index]
    elif verb == "replace":
        target[index] = copy.deepcopy(value)
    elif target[index] != value:
        raise Refused(409, "JsonPatchTestException", f"the test of element {part} failed")


def _index(target: list[Any], part: str) -> int:
    if not part.isdigit() or int(part) >= len(target):
        raise Refused(400, "JsonPatchException", f"no element {part}")
    return int(part)


def _name(document: Mapping[str, Any], part: str) -> str:
    """The property's own spelling; for an unknown property the given name."""
    plain = part.replace("~1", "/").replace("~0", "~")
    return next((name for name in document if name.lower() == plain.lower()), plain)
