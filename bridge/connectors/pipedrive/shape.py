"""Translates between the record shape and REST v2 rows, with the names of one catalog. Pure."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from bridge.connectors.names import Names, Unresolved
from bridge.connectors.pipedrive.catalog import Catalog
from bridge.connectors.pipedrive.columns import PINS
from bridge.connectors.pipedrive.custom_fields_v1 import custom_at_root, root_of_custom
from bridge.connectors.pipedrive.manifest import MANIFEST, RESOURCES
from bridge.connectors.pipedrive.values import (
    CUSTOM_REFERENCES,
    CUSTOM_TYPES,
    PARTS,
    READERS,
    WRITERS,
    Codec,
    nullable,
    read_object,
    read_prices,
    write_flag,
    write_number_text,
    write_object,
    write_participant,
    write_prices,
    write_text,
)
from bridge.domain.catalog import Column, ColumnSpec
from bridge.domain.record import Fields

OBJECTS: Mapping[tuple[str, str], tuple[Codec, Codec]] = {
    ("organization", "address"): (read_object("address"), write_object("address")),
    ("product", "prices"): (read_prices, write_prices),
    ("lead", "value"): (read_object("lead value"), write_object("lead value")),
}
ODD_WRITERS: Mapping[tuple[str, str], Codec] = {
    ("lead", "visible_to"): write_number_text,
    ("activity", "person_id"): write_participant,
    **{("note", name): write_flag for name in PINS},
}
"""Columns that are written in another form than their type usually is."""


class BadField(Exception):
    """A column that cannot be written. `unresolved`: a name that the account does not know; it may be new there."""

    def __init__(self, column: str, message: str, unresolved: Unresolved | None = None) -> None:
        super().__init__(f"{column}: {message}")
        self.column = column
        self.unresolved = unresolved


@dataclass(slots=True)
class Reading:
    """The fields of a row. `unresolved`: keys without a name; their columns are left out as unread."""

    fields: dict[str, Any] = field(default_factory=dict)
    unresolved: list[Unresolved] = field(default_factory=list)

    def put(self, target: dict[str, Any], name: str, read: Callable[..., Any], *values: Any) -> None:
        try:
            target[name] = read(*values)
        except Unresolved as problem:
            self.unresolved.append(problem)
        except (ValueError, TypeError, KeyError):
            return  # leave out a value in a form that we do not know, rather than misread it


def read_row(entity: str, row: Mapping[str, Any], catalog: Catalog) -> Reading:
    """Read only the columns that the row contains."""
    reading = Reading()
    named = RESOURCES[entity].named
    for name, spec in MANIFEST.entities[entity].columns.items():
        if name in named:
            if (key := named[name][0]) in row:
                reading.put(reading.fields, name, _read_named, spec.type, catalog.names_of(name), row[key])
        elif name in ("pipeline", "stage"):
            if f"{name}_id" in row:
                reading.put(reading.fields, name, _read_stage, name, row[f"{name}_id"], catalog)
        elif name in row and spec.type is not Column.LINES:  # lines are read by separate calls
            codec = OBJECTS[entity, name][0] if spec.type is Column.OBJECT else READERS[spec.type]
            reading.put(reading.fields, name, nullable, codec, row[name])
    own = custom_at_root(row, catalog.types) if entity == "lead" else row.get("custom_fields")
    if isinstance(own, Mapping):
        reading.fields["custom"] = _read_custom(own, catalog, reading)
    return reading


def _read_named(column: Column, names: Names, value: Any) -> Any:
    if column is Column.SET:
        return [names.name(_option_key(key)) for key in value or []]
    return None if value is None else names.name(_option_key(value))


def _read_stage(name: str, key: Any, catalog: Catalog) -> str | None:
    if key is None:
        return None
    if name == "pipeline":
        return catalog.names_of("pipeline").name(key)
    pipeline = catalog.pipeline_of.get(str(key))
    if pipeline is None:
        raise Unresolved("stage", key)
    return catalog.names_of(f"stage {pipeline}").name(key)


def _read_custom(own: Mapping[str, Any], catalog: Catalog, reading: Reading) -> dict[str, Any]:
    custom: dict[str, Any] = {}
    for code, value in own.items():
        try:
            name = catalog.names_of("field").name(code)
        except Unresolved as problem:
            reading.unresolved.append(problem)
            continue
        reading.put(custom, name, _read_custom_field, code, value, catalog)
    return custom


def _read_custom_field(code: str, value: Any, catalog: Catalog) -> Any:
    kind = catalog.types[code]
    column = CUSTOM_TYPES.get(kind, Column.TEXT)
    if column in (Column.CHOICE, Column.SET):
        return None if value is None else _read_named(column, catalog.names_of(f"option {code}"), value)
    return nullable(read_object(kind) if column is Column.OBJECT else READERS[column], value)


def _option_key(value: Any) -> Any:
    return value["id"] if isinstance(value, Mapping) else value


def write_row(entity: str, fields: Fields, catalog: Catalog, *, pipeline_id: Any = None) -> dict[str, Any]:
    """The body of a create or patch. `pipeline_id`: the pipeline that the deal is in now. Raises BadField."""
    body: dict[str, Any] = {}
    columns = MANIFEST.entities[entity].columns
    for name, value in fields.items():
        if name in ("pipeline", "stage") and entity == "deal":
            continue
        if (entity, name) == ("deal", "products"):
            raise BadField(name, "the products of a deal are written only after it exists")
        if name == "custom":
            own = _write_custom(value, catalog)
            body |= root_of_custom(own, catalog.types) if entity == "lead" else {"custom_fields": own}
            continue
        spec = columns.get(name)
        if spec is None:
            raise BadField(name, f"a Pipedrive {entity} has no such column")
        if not spec.writable:
            raise BadField(name, "this column cannot be written")
        vendor_name, vendor_value = _write_column(entity, name, spec, value, catalog)
        body[vendor_name] = vendor_value
    if entity == "deal" and ("pipeline" in fields or "stage" in fields):
        body.update(_write_stage(fields, catalog, pipeline_id))
    return body


def _write_column(entity: str, name: str, spec: ColumnSpec, value: Any, catalog: Catalog) -> tuple[str, Any]:
    named = RESOURCES[entity].named
    if name in named:
        return named[name][0], _checked(name, _write_named, spec.type, catalog.names_of(name), value)
    if value is None and (spec.type is Column.VALUES or name == "prices"):
        return name, []
    if spec.choices and value is not None and value not in spec.choices:
        raise BadField(name, f"{value!r} is not one of {', '.join(spec.choices)}")
    codec = OBJECTS[entity, name][1] if spec.type is Column.OBJECT else WRITERS[spec.type]
    codec = write_text if spec.to == "lead" else ODD_WRITERS.get((entity, name), codec)
    written = _checked(name, nullable, codec, value)
    return ("participants", written or []) if (entity, name) == ("activity", "person_id") else (name, written)


def _write_named(column: Column, names: Names, value: Any) -> Any:
    """An empty list clears labels, null clears a single choice."""
    if column is Column.SET:
        if value is not None and not isinstance(value, list | tuple | set | frozenset):
            raise ValueError("must be a list of names")
        return [_vendor_key(names.key(name)) for name in value or []]
    return None if value is None else _vendor_key(names.key(value))


def _write_stage(fields: Fields, catalog: Catalog, pipeline_id: Any) -> dict[str, Any]:
    """A stage fixes the pipeline, so only one of the two is sent. A stage is looked up within its pipeline."""
    pipelines = catalog.names_of("pipeline")
    pipeline = None if pipeline_id is None else str(pipeline_id)
    if fields.get("pipeline") is not None:
        pipeline = _checked("pipeline", pipelines.key, fields["pipeline"])
    stage = fields.get("stage")
    if stage is None:
        if "stage" in fields or fields.get("pipeline") is None:
            raise BadField("stage" if "stage" in fields else "pipeline", "a deal always has one: it cannot be emptied")
        return {"pipeline_id": _vendor_key(str(pipeline))}
    if pipeline is not None:
        return {"stage_id": _vendor_key(_checked("stage", catalog.names_of(f"stage {pipeline}").key, stage))}
    found = []
    for key in sorted(set(catalog.pipeline_of.values())):
        with suppress(Unresolved):
            found.append(catalog.names_of(f"stage {key}").key(stage))
    if len(found) != 1:
        problem = Unresolved("stage", stage, twice=len(found) > 1)
        raise BadField(
            "stage", "several pipelines have this stage: name the pipeline" if found else str(problem), problem
        )
    return {"stage_id": _vendor_key(found[0])}


def _write_custom(value: Any, catalog: Catalog) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise BadField("custom", "must be custom fields by name")
    body = {}
    for name, item in value.items():
        column = f"custom.{name}"
        code: str = _checked(column, catalog.names_of("field").key, name)
        body[code] = _checked(column, _write_custom_field, code, item, catalog)
    return body


def _write_custom_field(code: str, value: Any, catalog: Catalog) -> Any:
    """Null clears a custom field. The vendor refuses an empty list for a set, so null is sent."""
    kind = catalog.types[code]
    column = CUSTOM_TYPES.get(kind, Column.TEXT)
    if column in (Column.CHOICE, Column.SET):
        return _write_named(column, catalog.names_of(f"option {code}"), value) or None
    return nullable(write_object(kind) if column is Column.OBJECT else WRITERS[column], value)


def _checked(column: str, write: Callable[..., Any], *values: Any) -> Any:
    try:
        return write(*values)
    except Unresolved as problem:
        raise BadField(column, str(problem), problem) from None
    except (ValueError, TypeError, KeyError) as wrong:
        raise BadField(column, str(wrong)) from None


def _vendor_key(key: str) -> int | str:
    return int(key) if key.isascii() and key.isdecimal() else key


def custom_columns(entity: str, catalog: Catalog) -> dict[str, ColumnSpec]:
    """The account's custom fields as `custom.<name>`, and the built-in columns whose choices the account defines."""
    columns: dict[str, ColumnSpec] = {}
    fields = catalog.names_of("field")
    for name in fields.names():
        code = fields.key(name)
        kind = catalog.types[code]
        columns[f"custom.{name}"] = ColumnSpec(
            CUSTOM_TYPES.get(kind, Column.TEXT),
            choices=tuple(catalog.names_of(f"option {code}").names()),
            to=CUSTOM_REFERENCES.get(kind),
            parts=tuple(PARTS.get(kind, ())),
        )
    for name in RESOURCES[entity].named:
        columns[name] = ColumnSpec(
            MANIFEST.entities[entity].columns[name].type, choices=tuple(catalog.names_of(name).names())
        )
    if entity == "deal":
        columns["pipeline"] = ColumnSpec(Column.CHOICE, choices=tuple(catalog.names_of("pipeline").names()))
        stages = {
            name for key in set(catalog.pipeline_of.values()) for name in catalog.names_of(f"stage {key}").names()
        }
        columns["stage"] = ColumnSpec(Column.CHOICE, choices=tuple(sorted(stages)))
    return columns
