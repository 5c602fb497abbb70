"""Translates between the record shape and BottleCRM's records. Pure."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from bridge.connectors.bottlecrm.catalog import Lists
from bridge.connectors.bottlecrm.columns import Property, Resource
from bridge.connectors.names import Unresolved
from bridge.connectors.plain_values import (
    holds_nothing,
    in_utc,
    read_boolean,
    read_number,
    read_text,
    whole,
    write_boolean,
    write_date,
    write_number,
)
from bridge.domain.catalog import Column
from bridge.domain.record import Fields


class BadField(Exception):
    """A column that cannot be written. `unresolved`: a name that the organisation does not
    know; it may be new there."""

    def __init__(self, column: str, message: str, unresolved: Unresolved | None = None) -> None:
        super().__init__(f"{column}: {message}")
        self.column = column
        self.unresolved = unresolved


def read_fields(resource: Resource, row: Mapping[str, Any], lists: Lists) -> dict[str, Any]:
    """Read only the fields that the row contains. A value in a form that we do not know is left out as unread."""
    fields: dict[str, Any] = {}
    for column, each in resource.properties.items():
        if each.name not in row:
            continue
        try:
            fields[column] = _read(each, row[each.name], lists)
        except (Unresolved, ValueError, TypeError, KeyError):
            continue
    return fields


def _read(each: Property, value: Any, lists: Lists) -> Any:
    kind = each.spec.type
    if kind is Column.BOOLEAN:
        return read_boolean(value or 0)
    if holds_nothing(value):
        return None
    if each.items:
        return lists.by_name[each.items].name(value)
    if kind is Column.REFERENCE:
        return str(value["id"] if each.nested else read_text(value))
    if kind is Column.DECIMAL:
        return read_number(value)
    if kind is Column.INTEGER:
        return whole(read_number(value))
    if kind is Column.DATE:
        return date.fromisoformat(value)
    if kind is Column.INSTANT:
        return instant(value)
    return read_text(value)


def instant(value: Any) -> datetime:
    """Raises ValueError or TypeError."""
    return in_utc(datetime.fromisoformat(value))


def moment(value: Any) -> datetime | None:
    """The time, or None for what is missing or not a time."""
    try:
        return instant(value)
    except (ValueError, TypeError):
        return None


def write_fields(entity: str, resource: Resource, fields: Fields, lists: Lists) -> dict[str, Any]:
    """The values to write, by field. Raises BadField."""
    body: dict[str, Any] = {}
    for column, value in fields.items():
        each = resource.properties.get(column)
        if each is None:
            raise BadField(column, f"a BottleCRM {entity} has no such column")
        if not each.spec.writable:
            raise BadField(column, "this column cannot be written")
        try:
            body[each.name] = _write(each, value, lists)
        except Unresolved as problem:
            raise BadField(column, str(problem), problem) from None
        except (ValueError, TypeError) as wrong:
            raise BadField(column, str(wrong)) from None
    return body


def _write(each: Property, value: Any, lists: Lists) -> Any:
    kind = each.spec.type
    if kind is Column.BOOLEAN:
        return write_boolean(value)
    if value is None or value == "":
        if each.spec.required:
            raise ValueError("cannot be empty")
        return None
    if each.items:
        return lists.by_name[each.items].key(value)
    if kind is Column.DECIMAL:
        return format(write_number(value), "f")
    if kind is Column.INTEGER:
        return whole(write_number(value))
    if kind is Column.DATE:
        return write_date(value)
    if each.spec.choices and value not in each.spec.choices:
        raise ValueError(f"{value!r} is not one of {', '.join(each.spec.choices)}")
    if not isinstance(value, str):
        raise ValueError("must be text")
    return value
