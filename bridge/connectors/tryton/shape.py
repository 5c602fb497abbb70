"""Translates between the record shape and Tryton's rows. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from bridge.connectors.names import Unresolved
from bridge.connectors.plain_values import read_boolean, read_number, read_text, write_boolean, write_id, write_number
from bridge.connectors.rows import NotUnderstood
from bridge.connectors.tryton.catalog import Lists
from bridge.connectors.tryton.columns import ADDRESS_PARTS, CATEGORIES, COUNTRIES, MECHANISMS, Property
from bridge.domain.catalog import Column
from bridge.domain.record import Fields

Row = Mapping[str, Any]
Values = dict[str, Any]


class BadField(Exception):
    """A column that cannot be written. `unresolved`: a name that the database does not know; it may be new there."""

    def __init__(self, column: str, message: str, unresolved: Unresolved | None = None) -> None:
        super().__init__(f"{column}: {message}")
        self.column = column
        self.why = message
        self.unresolved = unresolved


def needed(properties: Mapping[str, Property]) -> set[str]:
    """The lists that hold the names of these columns' values."""
    return {each.items for each in properties.values() if each.items}


def record_id(row: Row) -> int:
    found = row.get("id")
    if isinstance(found, bool) or not isinstance(found, int):
        raise NotUnderstood("it has no id")
    return found


def moment(row: Row, name: str) -> datetime | None:
    found = row.get(name)
    return found if isinstance(found, datetime) else None


USERS = ("create_uid.rec_name", "write_uid.rec_name")
EDITORS = ("create_uid", "write_uid", *USERS)
"""The columns that name the user who wrote or created a record."""


def editor(row: Row) -> str | None:
    """Return who wrote the record last, else who created it: the name, or the number if users cannot be read."""
    name = "create_uid" if row.get("write_uid") is None else "write_uid"
    number, user = row.get(name), row.get(f"{name}.")
    told = user.get("rec_name") if isinstance(user, Mapping) else None
    if isinstance(told, str) and told:
        return told
    return f"user {number}" if isinstance(number, int) and not isinstance(number, bool) else None


def timestamps(model: str, rows: Iterable[Row]) -> dict[str, str]:
    """The timestamps that a conditional write sends, by `model,id`."""
    return {f"{model},{record_id(row)}": str(row["_timestamp"]) for row in rows if row.get("_timestamp") is not None}


def related(row: Row, name: str) -> list[Row]:
    """The records of a one2many. A read with dotted fields returns them under the field's name and a dot."""
    found = row.get(f"{name}.")
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise NotUnderstood(f"it does not show its {name}")
    return found


def read_columns(properties: Mapping[str, Property], row: Row, lists: Lists) -> dict[str, Any]:
    """Read only the fields that the row contains. A field in a form that we do not know is left out as unread."""
    fields: dict[str, Any] = {}
    for column, each in properties.items():
        if each.name in row:
            _put(fields, column, partial(_read, each, row[each.name], lists))
    return fields


def _put(fields: dict[str, Any], column: str, read: Callable[[], Any]) -> None:
    try:
        fields[column] = read()
    except (Unresolved, ValueError, TypeError, KeyError):
        return


def _read(each: Property, value: Any, lists: Lists) -> Any:
    if each.spec.type is Column.BOOLEAN:
        return read_boolean(value or 0)
    if value is None or value == "":
        return None
    if each.items:
        return lists[each.items].name(value)
    if each.spec.type is Column.REFERENCE:
        return str(record_id({"id": value}))
    if each.spec.type is Column.DECIMAL:
        return read_number(value)
    return value if each.spec.type is Column.DATE else read_text(value)


def write_columns(what: str, properties: Mapping[str, Property], fields: Fields, lists: Lists) -> Values:
    """The values to send, by Tryton's field. Raises BadField."""
    values: Values = {}
    for column, value in fields.items():
        each = properties.get(column)
        if each is None:
            raise BadField(column, f"a Tryton {what} has no such column")
        if not each.spec.writable:
            raise BadField(column, "this column cannot be written")
        values[each.name] = checked(column, partial(_write, each, value, lists))
    return values


def checked(column: str, write: Callable[[], Any]) -> Any:
    """Return what `write` returns. Raises BadField."""
    try:
        return write()
    except Unresolved as problem:
        raise BadField(column, str(problem), problem) from None
    except (ValueError, TypeError) as wrong:
        raise BadField(column, str(wrong)) from None


def _write(each: Property, value: Any, lists: Lists) -> Any:
    kind = each.spec.type
    if kind is Column.BOOLEAN:
        return write_boolean(value)
    if value is None or value == "":
        if each.spec.required:
            raise ValueError("cannot be empty")
        return None
    if each.items:
        return int(lists[each.items].key(value))
    if kind is Column.REFERENCE:
        return write_id(value)
    if kind is Column.DECIMAL:
        return write_number(value)
    if kind is Column.DATE:
        return value
    if each.spec.choices and value not in each.spec.choices:
        raise ValueError(f"{value!r} is not one of {', '.join(each.spec.choices)}")
    if not isinstance(value, str):
        raise ValueError("must be text")
    return value


def read_mechanisms(rows: Sequence[Row], kinds: tuple[str, ...]) -> list[dict[str, Any]]:
    """The items in the party's own order. The first one is primary."""
    own = [row for row in rows if row.get("type") in kinds and row.get("active", True)]
    return [
        {"value": read_text(row["value"]), "label": str(row["type"]), "primary": number == 0}
        for number, row in enumerate(own)
        if row.get("value")
    ]


def write_mechanisms(column: str, value: Any, rows: Sequence[Row]) -> list[Any]:
    """Commands that make the mechanisms of these kinds equal to `value`. An unchanged mechanism keeps its record.

    A changed item is written to a mechanism of its kind, in order: an edited value is an edited mechanism.
    """
    kinds = MECHANISMS[column]
    wanted = [_item(item, kinds) for item in _ordered(value)]
    there = [row for row in rows if row.get("type") in kinds and row.get("active", True)]
    commands: list[Any] = []
    left = list(there)
    for place, (kind, text) in enumerate(wanted):
        same = next((row for row in left if (row["type"], row["value"]) == (kind, text)), None)
        if same is None:
            same = next((row for row in left if row["type"] == kind and not _stays(row, wanted)), None)
        if same is None:
            commands.append(["create", [{"type": kind, "value": text, "sequence": place + 1}]])
            continue
        left.remove(same)
        changes: Values = {} if same["value"] == text else {"value": text}
        if there.index(same) != place or same.get("sequence") is None:
            changes["sequence"] = place + 1
        if changes:
            commands.append(["write", [record_id(same)], changes])
    if left:
        commands.append(["delete", [record_id(row) for row in left]])
    return commands


def _stays(row: Row, wanted: Sequence[tuple[str, str]]) -> bool:
    return (row["type"], row["value"]) in wanted


def _ordered(value: Any) -> list[Any]:
    """The items, the primary one first, because Tryton uses the first mechanism."""
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list of values")
    return sorted(value, key=lambda item: not (isinstance(item, Mapping) and item.get("primary")))


def _item(item: Any, kinds: tuple[str, ...]) -> tuple[str, str]:
    text = item.get("value") if isinstance(item, Mapping) else None
    if not isinstance(text, str) or not text.strip():
        raise ValueError("must be a list of items with a value")
    label = item.get("label")
    return (label if label in kinds else kinds[0]), text


def read_category(row: Row, lists: Lists) -> dict[str, Any]:
    """The oldest of a party's categories; left out as unread if its name is not known."""
    found: dict[str, Any] = {}
    keys = row.get("categories")
    if isinstance(keys, list):
        _put(found, "category", lambda: lists[CATEGORIES].name(min(keys)) if keys else None)
    return found


def write_category(value: Any, row: Row, lists: Lists) -> list[Any]:
    """Commands that replace the oldest category."""
    keys = list(row.get("categories") or ())
    wanted = int(lists[CATEGORIES].key(value)) if value else None
    commands: list[Any] = [["remove", [min(keys)]]] if keys and min(keys) != wanted else []
    return [*commands, ["add", [wanted]]] if wanted is not None and wanted not in keys else commands


def read_address(rows: Sequence[Row], lists: Lists) -> dict[str, Any]:
    """The first address. If the party has none, all parts are empty."""
    own = [row for row in rows if row.get("active", True)]
    if not own:
        return dict.fromkeys(ADDRESS_PARTS)
    row = own[0]
    country, subdivision = row.get("country"), row.get("subdivision.")
    return {
        "name": row.get("party_name") or None,
        "street": row.get("street") or None,
        "postal_code": row.get("postal_code") or None,
        "city": row.get("city") or None,
        "country": lists[COUNTRIES].name(country) if country else None,
        "subdivision": subdivision.get("name") if isinstance(subdivision, Mapping) else None,
    }


def write_address(value: Any, rows: Sequence[Row], lists: Lists) -> list[Any]:
    """Commands that write these parts of the first address, or create it."""
    if value is None:
        value = dict.fromkeys(("name", "street", "postal_code", "city", "country"))
    if not isinstance(value, Mapping):
        raise ValueError("must be an object")
    if unknown := sorted(set(value) - set(ADDRESS_PARTS)):
        raise ValueError(f"an address has no {', '.join(unknown)}")
    if value.get("subdivision"):
        raise ValueError("the subdivision cannot be written yet")
    names = {"name": "party_name", "street": "street", "postal_code": "postal_code", "city": "city"}
    values: Values = {names[part]: _part(text) for part, text in value.items() if part in names}
    if "country" in value:
        country = value["country"]
        values["country"] = int(lists[COUNTRIES].key(country)) if country else None
    own = [row for row in rows if row.get("active", True)]
    if own:
        return [["write", [record_id(own[0])], values]] if values else []
    return [["create", [values]]] if any(values.values()) else []


def _part(text: Any) -> str | None:
    if text is not None and not isinstance(text, str):
        raise ValueError("parts of an address are text")
    return text or None
