"""Translates between the record shape and the vendor's objects. Pure; a user's collections
need the names of `lists`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from bridge.connectors.entrust.columns import Property
from bridge.connectors.entrust.values import read_instant, read_text, write_boolean, write_text
from bridge.connectors.names import Names, Unresolved
from bridge.domain.catalog import Column
from bridge.domain.record import Fields

Rows = Sequence[Mapping[str, Any]]


class BadField(Exception):
    """A column that cannot be written."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(f"{column}: {message}")
        self.column = column


def read_row(properties: Mapping[str, Property], raw: Mapping[str, Any]) -> dict[str, Any]:
    """Read what the answer contains. A value in a form that we do not know is left out as unread.

    It is not documented whether an answer shows empty values as null or leaves them out. A complete answer without any
    null leaves them out: then a missing value that can be cleared is empty. Otherwise a missing value is unread.
    """
    fields: dict[str, Any] = {}
    leaves_out = _is_whole(properties, raw)
    for column, each in properties.items():
        if each.name in raw:
            _put(fields, column, partial(_read, each.spec.type, raw[each.name]))
        elif leaves_out and each.cleared == "":
            fields[column] = None
    return fields


def _is_whole(properties: Mapping[str, Property], raw: Mapping[str, Any]) -> bool:
    needed = [each.name for each in properties.values() if each.spec.required or each.name == "state"]
    names = [each.name for each in properties.values()]
    return all(raw.get(name) for name in needed) and all(raw.get(name, "") is not None for name in names)


def _put(fields: dict[str, Any], column: str, read: Callable[[], Any]) -> None:
    try:
        fields[column] = read()
    except (Unresolved, ValueError, TypeError, KeyError):
        return


def _read(kind: Column, value: Any) -> Any:
    if value is None or kind in (Column.TEXT, Column.CHOICE):
        return read_text(value)
    return write_boolean(value) if kind is Column.BOOLEAN else read_instant(value)


def write_row(entity: str, properties: Mapping[str, Property], fields: Fields) -> dict[str, Any]:
    """The body to write. Raises BadField."""
    body: dict[str, Any] = {}
    for column, value in fields.items():
        each = properties.get(column)
        if each is None:
            raise BadField(column, f"an Entrust {entity} has no such column")
        if not each.spec.writable:
            raise BadField(column, "this column cannot be written")
        body[each.name] = _write(column, each, value)
    return body


def _write(column: str, each: Property, value: Any) -> Any:
    if value is None or value == "":
        if each.cleared is None:
            raise BadField(column, "cannot be empty")
        return each.cleared
    if each.spec.choices and value not in each.spec.choices:
        raise BadField(column, f"{value!r} is not one of {', '.join(each.spec.choices)}")
    try:
        return write_boolean(value) if each.spec.type is Column.BOOLEAN else write_text(value)
    except ValueError as wrong:
        raise BadField(column, str(wrong)) from None


def read_collections(raw: Mapping[str, Any], groups: Names, organizations: Names, attributes: Names) -> dict[str, Any]:
    """Read the collections that the answer contains. A missing collection is unread, never empty."""
    fields: dict[str, Any] = {}
    if (aliases := rows_of(raw, "userAliases")) is not None:
        _put(fields, "aliases", lambda: sorted(str(row["value"]) for row in aliases if _is_custom(row)))
    if (members := rows_of(raw, "groups")) is not None:
        _put(fields, "groups", lambda: _names(members, groups))
    if (owners := rows_of(raw, "organizations")) is not None:
        _put(fields, "organizations", lambda: _names(owners, organizations))
        if len(owners) < 2:
            _put(fields, "organization", lambda: str(owners[0]["id"]) if owners else None)
    if (values := rows_of(raw, "userAttributeValues")) is not None:
        fields["custom"] = _read_custom(values, attributes)
    return fields


def rows_of(raw: Mapping[str, Any], name: str) -> Rows | None:
    """The rows of a collection; None when the answer does not contain it in a form that we know."""
    rows = raw.get(name)
    return rows if isinstance(rows, list) and all(isinstance(row, dict) for row in rows) else None


def _is_custom(alias: Mapping[str, Any]) -> bool:
    """False for aliases that the service made from a user's attributes."""
    return alias.get("type") in (None, "CUSTOM")


def _names(rows: Rows, names: Names) -> list[str]:
    return sorted(names.name(row["id"], row.get("name")) for row in rows)


def _read_custom(values: Rows, attributes: Names) -> dict[str, Any]:
    """All attributes of the account. An attribute without a value is None."""
    custom: dict[str, Any] = dict.fromkeys(attributes.names())
    for row in values:
        about = row.get("userAttribute")
        shown = about.get("name") if isinstance(about, dict) else None
        try:
            custom[attributes.name(row["userAttributeId"], shown)] = read_text(row.get("value"))
        except (Unresolved, KeyError, ValueError):
            continue
    return custom


def write_custom(raw: Mapping[str, Any], changes: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """All writable values, with the changes in them. It is not documented whether the vendor accepts a part of them."""
    now: dict[str, str] = {}
    fixed: set[str] = set()
    for row in rows_of(raw, "userAttributeValues") or ():
        key, value = row.get("userAttributeId"), row.get("value")
        if isinstance(key, str) and row.get("editable") is False:
            fixed.add(key)
        elif isinstance(key, str) and isinstance(value, str):
            now[key] = value
    for key, value in changes:
        if key in fixed:
            raise BadField("custom", "this attribute's value cannot be edited")
        now[key] = value
    return [{"userAttributeId": key, "value": value} for key, value in now.items()]
