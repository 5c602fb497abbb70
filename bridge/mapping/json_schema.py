"""The JSON Schema of mapping files, for completion and checks in editors. Made from the tables of the language.

An editor sees one file at a time and knows no account, so `bridge check` finds more.
"""

import re
from collections.abc import Mapping as MappingOf
from dataclasses import field
from typing import Any

from bridge.domain.catalog import Column, ColumnSpec, EntityManifest
from bridge.domain.frozen import dataclass
from bridge.mapping.conditions import ENDS, GROUPS
from bridge.mapping.functions import BUILTIN, Functions
from bridge.mapping.load import ROWS, TABLE
from bridge.mapping.model import Conflict, DeletePolicy, Duplicates, Leftover
from bridge.mapping.types.numbers import ROUNDINGS, WRITINGS
from bridge.mapping.types.registry import TYPES, make_kind

Schema = dict[str, Any]
DRAFT = "https://json-schema.org/draft/2020-12/schema"
NO_FUNCTIONS: Functions = {}
_SCALAR: Schema = {"type": ["string", "number", "boolean", "null"]}
_TEXT: Schema = {"type": "string", "minLength": 1}


@dataclass(frozen=True, slots=True)
class Half:
    """One side of a pair: `role` is its name in files, `name` is like `pipedrive deal`. `custom`: custom fields."""

    role: str
    name: str
    entity: EntityManifest
    custom: MappingOf[str, ColumnSpec] = field(default_factory=dict)


def general_schema(functions: Functions = NO_FUNCTIONS) -> Schema:
    """Return the schema of any mapping file, with any names of sides and columns. `functions`: the operator's own."""
    path = {**_TEXT, "description": 'a column: name, address.city, emails.primary, custom."Nr. (ERP)"'}
    row: Schema = {**_row(functions, _TEXT, _TEXT), "additionalProperties": _columns(path, functions)}
    free = {role: _by_side({}, value) for role, value in _side_values(path).items()}
    return _document("A mapping file of the bridge", row, free, _TEXT, _TEXT)


def pair_schema(left: Half, right: Half, functions: Functions = NO_FUNCTIONS) -> Schema:
    """Return the schema of files for these two entities, with their columns. Any name after `custom.` is accepted."""
    halves = {half.role: half for half in (left, right)}
    paths = {role: _paths(half) for role, half in halves.items()}
    listed = [f"{role}.{path}" for role, found in paths.items() for path in found["anyOf"][0]["enum"]]
    column = {"anyOf": [{"enum": listed}, {"type": "string", "pattern": f"^({'|'.join(map(re.escape, halves))})\\."}]}
    row: Schema = {**_row(functions, {"enum": list(halves)}, column), "additionalProperties": False}
    row["properties"] = {**row["properties"], **{role: _columns(path, functions) for role, path in paths.items()}}
    sides = {
        key: _by_side({role: _side_values(paths[role])[key] for role in halves}, False)
        for key in ("sides", "where", "marker", "zone", "deleted", "merged")
    }
    sides["sides"] = _by_side({role: {"const": half.name} for role, half in halves.items()}, False)
    title = f"A mapping file of the bridge: {left.name} and {right.name}"
    anywhere: Schema = {"anyOf": [part for found in paths.values() for part in found["anyOf"]]}
    return _document(title, row, sides, {"enum": list(halves)}, anywhere)


def _side_values(path: Schema) -> dict[str, Schema]:
    """Return the schema of the value of one side, for each key of the mapping that has one value per side."""
    return {
        "sides": {"type": "string", "pattern": "^\\S+ \\S+$", "description": "product and entity: pipedrive deal"},
        "where": {"$ref": "#/$defs/condition"},
        "marker": path,
        "zone": {"type": "string", "examples": ["Europe/Oslo", "Asia/Singapore"]},
        "deleted": {"enum": [policy.value for policy in DeletePolicy]},
        "merged": {"enum": [word.value for word in Leftover]},
    }


def _by_side(known: MappingOf[str, Schema], others: Schema | bool) -> Schema:
    return {"type": "object", "properties": dict(known), "additionalProperties": others, "maxProperties": 2}


def _condition(path: Schema) -> Schema:
    """Return the definitions for conditions on one side's columns (`where`, `when`)."""
    words: Schema = {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR, "minItems": 1}]}
    end: Schema = {"type": ["string", "number"]}
    tests: Schema = {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": {
            "in": words,
            "not": {"anyOf": [*words["anyOf"], {"$ref": "#/$defs/tests"}]},
            **dict.fromkeys(ENDS, end),
            "between": {"type": "array", "items": end, "minItems": 2, "maxItems": 2},
            "empty": {"type": "boolean"},
        },
    }
    several = {"type": "array", "items": {"$ref": "#/$defs/condition"}, "minItems": 1}
    condition: Schema = {
        "type": "object",
        "properties": dict.fromkeys(GROUPS, several),
        "propertyNames": {"anyOf": [{"enum": list(GROUPS)}, path]},
        "additionalProperties": {"anyOf": [*words["anyOf"], {"$ref": "#/$defs/tests"}]},
    }
    return {"tests": tests, "condition": condition}


def _document(title: str, row: Schema, sides: MappingOf[str, Schema], role: Schema, path: Schema) -> Schema:
    return {
        "$schema": DRAFT,
        "title": title,
        "type": "object",
        "required": ["mapping", "sides", "match"],
        "anyOf": [{"required": ["fields"]}, {"required": ["include"]}],
        "additionalProperties": False,
        "properties": {
            "mapping": _said("its name, in commands and in the journal", _TEXT),
            "description": _TEXT,
            "sides": _said("two sides; settings bind them to accounts", {**sides["sides"], "minProperties": 2}),
            "where": _said("filter, and what new records get", sides["where"]),
            "quiet": _said(
                "an edit crosses once its record has been left alone this long: 30s, 2m",
                {"type": "string", "pattern": "^[0-9]{1,4} ?(s|m)$"},
            ),
            "direction": _said(
                "both, like crm -> erp, or none", {"type": "string", "pattern": "^(both|none|\\S+ *-> *\\S+)$"}
            ),
            "creates": _said("sides that may get new records", _one_or_many(role)),
            "match": _said("none, or fields in this order; + means both", _one_or_many(_TEXT)),
            "duplicates": _said(
                "a second record with the match key of a linked one of its side",
                {"enum": [one.value for one in Duplicates]},
            ),
            "marker": _said("a column that keeps the other side's id", sides["marker"]),
            "zone": _said("of days and instants that name none, by side", sides["zone"]),
            "deleted": _said("what happens when deleted on that side", sides["deleted"]),
            "delete-conflict": _said("deleted here and edited there", {"enum": ["keep", "delete"]}),
            "conflict": _policy(),
            "drift": {"enum": ["keep"]},
            "on-leave": {"enum": ["freeze"]},
            "merged": _said(
                "the other record of one that was merged away on that side",
                {"anyOf": [{"enum": [word.value for word in Leftover]}, sides["merged"]]},
            ),
            "include": _said("files of shared field rules", _one_or_many({"type": "string", "pattern": _ending(ROWS)})),
            "fields": {"type": "object", "additionalProperties": {"$ref": "#/$defs/row"}},
            "tests": {"type": "array", "items": {"type": "object"}},
        },
        "$defs": {"row": row, **_condition(path)},
    }


def _row(functions: Functions, role: Schema, column: Schema) -> Schema:
    """Return the schema of a field rule without its sides."""
    options = {
        "zone": _said("like Europe/Oslo", _TEXT),
        "region": _said("country of numbers without a country code: NO", {"type": "string", "pattern": "^[A-Z]{2}$"}),
        "places": {"type": "integer", "minimum": 0, "maximum": 12},
        "rounding": {"enum": list(ROUNDINGS)},
        "currency": _said("where a side keeps none: EUR", {"type": "string", "pattern": "^[A-Z]{3}$"}),
        "separator": _said("between the words of a set kept as one text", _TEXT),
        "format": _said("how texts are written: DD.MM.YYYY, DD.MM.YYYY HH:mm, '#.##0,00'", _TEXT),
        "number-format": _said("how texts write numbers: 1,250.50 or 1.250,50 or 1 250,50", {"enum": list(WRITINGS)}),
        "names": _said("languages of names of countries: [nb, de]; the first is written", _one_or_many(_TEXT)),
        "aliases": {"type": "object", "additionalProperties": _TEXT},
    }
    known = {option for _, names in TYPES.values() for option in names}
    return {
        "type": "object",
        "properties": {
            "type": {"enum": list(TYPES)},
            "link": _said("the mapping that keeps the record it points to", _TEXT),
            "missing": {"enum": ["wait", "blank", "reject"]},
            "required": {"type": "boolean"},
            "when": _said(
                "the field rule holds only of records like these, by side",
                {"type": "object", "additionalProperties": {"$ref": "#/$defs/condition"}, "maxProperties": 2},
            ),
            "from": _said("the only side that is read", role),
            "absent": _said("whether an emptied value empties the other side", {"enum": ["clear", "keep"]}),
            "conflict": _policy(),
            "lossy": {"type": "boolean"},
            "default": _said("for new records without a value", _SCALAR),
            "value": _said("a constant", _SCALAR),
            "set": {"enum": ["on-create", "always"]},
            "table": {"anyOf": [_words(), {"type": "string", "pattern": _ending(TABLE)}]},
            "unlisted": {"enum": ["reject", "keep", "skip"]},
            "otherwise": _SCALAR,
            "columns": {"type": "array", "minItems": 2, "items": column},
            "rows": {"type": "array", "items": {"type": "array", "items": _SCALAR}},
            "lines": _said("the field rules of each line of a list", {"type": "object", "minProperties": 1}),
            "key": _said("which of them identify the line", _one_or_many(_TEXT)),
            "ordered": _said("the order of the lines counts and crosses", {"type": "boolean"}),
            "note": _TEXT,
            **{name: options[name] for name in sorted(known)},
        },
    }


def _columns(path: Schema, functions: Functions) -> Schema:
    """Return the schema of one side of a rule: a column, a value in several columns, or columns through functions."""
    shapes = {shape.parts for name in TYPES for shape in make_kind(name, {}).shapes.values()} | {("amount",)}
    parts: list[Schema] = [
        {"type": "object", "properties": dict.fromkeys(names, path), "required": list(names)}
        for names in sorted(shapes)
    ]
    through: Schema = {
        "type": "object",
        "properties": {"column": path, "columns": {"type": "array", "items": path}, "via": _via(functions)},
        "anyOf": [{"required": ["column"]}, {"required": ["columns"]}],
    }
    tables: list[Schema] = [*parts, through]
    return {"anyOf": [path, *({**part, "additionalProperties": False} for part in tables)]}


def _via(functions: Functions) -> Schema:
    bare = [name for name, one in BUILTIN.items() if one.takes in ("nothing", "a separator or nothing")]
    taking = {name: {"description": one.does} for name, one in BUILTIN.items() if one.takes != "nothing"}
    argued = {"type": "object", "properties": taking, "additionalProperties": False}
    return _one_or_many({"anyOf": [{"enum": [*bare, *functions]}, {**argued, "minProperties": 1, "maxProperties": 1}]})


def _paths(half: Half) -> Schema:
    """Return every column of the entity as a path, for completion. Any label of a list and any custom field fits."""
    listed: list[str] = []
    free: list[str] = ["custom\\."] if half.entity.custom else []
    for name, spec in {**half.entity.columns, **half.custom}.items():
        if spec.type is Column.VALUES:
            listed.append(f"{name}.primary")
            free.append(f"{re.escape(name)}[.[]")
        elif spec.type is Column.OBJECT:
            listed += [f"{name}.{part}" for part in spec.parts]
            free.append(f"{re.escape(name)}[.[]")
        else:
            top, _, own = name.partition(".")
            listed.append(f'{top}."{own}"' if any(c in own for c in '."[]') else name)
    pattern = f"^({'|'.join(free)})" if free else "^$"
    return {"anyOf": [{"enum": listed}, {"type": "string", "pattern": pattern}]}


def _policy() -> Schema:
    words = "a side wins, `newest, else SIDE`, ask, or fill-empty"
    fixed = [Conflict.ASK.value, Conflict.FILL_EMPTY.value]
    return _said(words, {"anyOf": [{"enum": fixed}, {"type": "string", "pattern": "^(newest, *else +\\S+|[^ ,]+)$"}]})


def _words() -> Schema:
    return {"type": "object", "additionalProperties": _SCALAR}


def _one_or_many(item: Schema) -> Schema:
    return {"anyOf": [item, {"type": "array", "items": item}]}


def _ending(text: str) -> str:
    return f"{re.escape(text)}$"


def _said(description: str, schema: Schema) -> Schema:
    return {"description": description, **schema}
