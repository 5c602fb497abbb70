"""The OpenAPI document of the admin API, generated from the table of operations and their types."""

import re
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter

from bridge.admin.operation import Operation

REFERENCE = "#/components/schemas/{model}"
ERRORS = {
    "401": "The token is missing or unknown.",
    "403": "The role of the token does not allow this.",
    "404": "Not found; the text says what exists.",
    "422": "The request is not valid; the text says what is wrong.",
    "429": "Too many requests with wrong tokens; Retry-After says when to try again.",
    "503": "The store or a vendor does not answer now.",
}
OF_BODIES = {"413": "The body is too large.", "415": "The body is not JSON."}


def described(operations: Sequence[Operation], root: str, version: str) -> dict[str, Any]:
    """Return the whole document."""
    parts = _Schemas()
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(root + operation.path, {})[operation.method.lower()] = _operation(operation, parts)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sync bridge",
            "version": version,
            "description": "Everything that the bridge's pages show and do. Actions continue in the background: their "
            "answer says what is done so far, and `request` returns the result.",
        },
        "paths": paths,
        "components": {
            "schemas": {**parts.found, "Error": _error()},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


class _Schemas:
    """Collects the components while the document is built."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}

    def of(self, kind: Any, mode: Any) -> dict[str, Any]:
        schema = TypeAdapter(kind).json_schema(ref_template=REFERENCE, mode=mode)
        self.found |= schema.pop("$defs", {})
        return schema


def _operation(operation: Operation, parts: _Schemas) -> dict[str, Any]:
    given = parts.of(operation.given, "validation")
    needed, fields = set(given.get("required", ())), given.get("properties", {})
    answer = parts.of(operation.answer, "serialization")
    name = operation.answer.__name__
    parts.found[name] = answer
    told: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.about,
        "description": f"Needs a token with role `{operation.role.word}`.",
        "tags": [re.split(r"[/]", operation.path)[1]],
        "parameters": [
            {"name": key, "in": "path", "required": True, "schema": {**schema, "minLength": 1}}
            for key, schema in fields.items()
            if key in operation.in_path
        ],
        "responses": {
            "200": {"description": "Done.", "content": _json({"$ref": f"#/components/schemas/{name}"})},
            **{code: _refused(text) for code, text in ERRORS.items()},
        },
    }
    rest = {key: schema for key, schema in fields.items() if key not in operation.in_path}
    if operation.method == "GET":
        told["parameters"] += [
            {"name": key, "in": "query", "required": key in needed, "schema": schema} for key, schema in rest.items()
        ]
        return told
    body = {"type": "object", "properties": rest, "additionalProperties": False}
    if required := sorted(needed & rest.keys()):
        body["required"] = required
    told["requestBody"] = {"required": bool(required), "content": _json(body)}
    told["responses"] |= {code: _refused(text) for code, text in OF_BODIES.items()}
    return told


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _refused(text: str) -> dict[str, Any]:
    return {"description": text, "content": _json({"$ref": "#/components/schemas/Error"})}


def _error() -> dict[str, Any]:
    return {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
