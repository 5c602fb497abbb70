"""Translates between the record shape and the vendor's entities, with the names of one catalog. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bridge.connectors.names import Names, Unresolved
from bridge.connectors.superoffice.catalog import Catalog
from bridge.connectors.superoffice.columns import RESOURCES, Property
from bridge.connectors.superoffice.values import (
    read,
    read_address,
    read_coded,
    read_number,
    write,
    write_address,
    write_coded,
    write_id,
)
from bridge.domain.catalog import Column, ColumnSpec
from bridge.domain.frozen import dataclass
from bridge.domain.record import Fields

CUSTOM, OLD_CUSTOM = "CustomFields", "UserDefinedFields"
BULKY = frozenset({"FieldProperties", "TableRight", "_Links"})


class BadField(Exception):
    """A column that cannot be written. `unresolved`: it holds a name that the account does not
    know; it may be new there."""

    def __init__(self, column: str, message: str, *, unresolved: bool = False) -> None:
        super().__init__(f"{column}: {message}")
        self.column = column
        self.unresolved = unresolved


@dataclass(frozen=True, slots=True)
class Change:
    """One property to set. `name`: the property. `part`: the key below it (custom fields only)."""

    name: str
    value: Any
    part: str = ""


def without_bulk(entity: Mapping[str, Any]) -> dict[str, Any]:
    """The entity without the properties that describe rights and addresses."""
    return {name: value for name, value in entity.items() if name not in BULKY}


def custom_bag(raw: Mapping[str, Any]) -> str:
    """The property in which this server stores custom fields. Older servers fill only the deprecated one."""
    return OLD_CUSTOM if not raw.get(CUSTOM) and raw.get(OLD_CUSTOM) else CUSTOM


def read_entity(entity: str, raw: Mapping[str, Any], catalog: Catalog) -> dict[str, Any]:
    """Read only the properties that the answer contains. A value in a form that we do not
    know is left out as unread."""
    fields: dict[str, Any] = {}
    for column, each in RESOURCES[entity].properties.items():
        if each.name in raw:
            _put(fields, column, _read_property, each, raw[each.name], catalog)
    own = raw.get(custom_bag(raw))
    if RESOURCES[entity].custom and isinstance(own, Mapping):
        fields["custom"] = _read_custom(own, catalog)
    return fields


def _put(target: dict[str, Any], name: str, reader: Callable[..., Any], *values: Any) -> None:
    try:
        target[name] = reader(*values)
    except (Unresolved, ValueError, TypeError, KeyError):
        return


def _read_property(each: Property, value: Any, catalog: Catalog) -> Any:
    if each.spec.type is Column.VALUES:
        return read(Column.VALUES, value) or []
    if not each.part:
        return read(each.spec.type, value)
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise ValueError("is not an object")
    if each.spec.type is Column.OBJECT:
        half = value.get(each.part)
        return None if half is None else read_address(half)
    return _read_key(each, value, catalog)


def _read_key(each: Property, value: Mapping[str, Any], catalog: Catalog) -> str | None:
    """The id of the other record, or the name of a list item."""
    key = value[each.part]
    if not key:
        return None
    if not each.items:
        return str(int(read_number(key) or 0))
    shown = value.get("TwoLetterISOCountry") or value.get("Value")
    return catalog.lists[each.items].name(key, shown)


def _read_custom(own: Mapping[str, Any], catalog: Catalog) -> dict[str, Any]:
    """The custom fields by label. The `key:DisplayText` entries beside lists are not fields."""
    custom: dict[str, Any] = {}
    for prog_id, kind in catalog.fields.items():
        if prog_id not in own:
            continue
        try:
            name = catalog.labels.name(prog_id)
        except Unresolved:
            continue
        if kind.type is Column.CHOICE:
            shown = own.get(f"{prog_id}:DisplayText")
            _put(custom, name, _read_choice, catalog.lists.get(kind.items), own[prog_id], shown)
        else:
            _put(custom, name, read_coded, kind.type, own[prog_id])
    return custom


def _read_choice(names: Names | None, value: Any, shown: Any) -> str | None:
    key = read_coded(Column.INTEGER, value)
    return (names or Names()).name(key, shown) if key else None


def changes_of(entity: str, fields: Fields, catalog: Catalog, raw: Mapping[str, Any]) -> list[Change]:
    """The changes to send for these columns. `raw`: the entity as it is now, or the vendor's
    default. Raises BadField."""
    resource, changes = RESOURCES[entity], []
    addresses: dict[str, Any] = {}
    for column, value in fields.items():
        if column == "custom" and resource.custom:
            changes += _write_custom(value, catalog, custom_bag(raw))
            continue
        each = resource.properties.get(column)
        if each is None:
            raise BadField(column, f"a SuperOffice {entity} has no such column")
        if not each.spec.writable:
            raise BadField(column, "this column cannot be written")
        written = _checked(column, _write_property, each, value, catalog)
        if each.spec.type is Column.OBJECT:
            addresses[each.part] = written
        else:
            changes.append(Change(each.name, written))
    if addresses:
        changes.append(Change("Address", _address(raw.get("Address"), addresses)))
    return changes


def _write_property(each: Property, value: Any, catalog: Catalog) -> Any:
    if each.spec.type is Column.OBJECT:
        return write_address(value)
    if each.items:
        return None if value is None else {each.part: int(catalog.lists[each.items].key(value))}
    if each.part:
        return {each.part: write_id(value)} if value is not None else None
    if each.spec.choices and value not in each.spec.choices:
        raise ValueError(f"{value!r} is not one of {', '.join(each.spec.choices)}")
    return write(each.spec.type, value)


def _address(now: Any, changed: Mapping[str, Any]) -> dict[str, Any]:
    """Both halves of the address, without the localised rows, which would override the values that we set."""
    now = now if isinstance(now, Mapping) else {}
    halves = {half: dict(now.get(half) or {}) for half in ("Street", "Postal")}
    for half, parts in changed.items():
        halves[half].update(parts)
    return halves


def _write_custom(value: Any, catalog: Catalog, bag: str) -> list[Change]:
    if not isinstance(value, Mapping):
        raise BadField("custom", "must be custom fields by name")
    changes = []
    for name, item in value.items():
        column = f"custom.{name}"
        prog_id: str = _checked(column, catalog.labels.key, name)
        if not catalog.fields[prog_id].writable:
            raise BadField(column, "this field cannot be written")
        changes.append(Change(bag, _checked(column, _write_custom_field, prog_id, item, catalog), prog_id))
    return changes


def _write_custom_field(prog_id: str, value: Any, catalog: Catalog) -> str:
    kind = catalog.fields[prog_id]
    if kind.type is not Column.CHOICE:
        return write_coded(kind.type, value)
    return "[I:0]" if value is None else f"[I:{catalog.lists.get(kind.items, Names()).key(value)}]"


def _checked(column: str, writer: Callable[..., Any], *values: Any) -> Any:
    try:
        return writer(*values)
    except Unresolved as problem:
        raise BadField(column, str(problem), unresolved=not problem.twice) from None
    except (ValueError, TypeError, KeyError) as wrong:
        raise BadField(column, str(wrong)) from None


def whole(raw: Mapping[str, Any], changes: Sequence[Change]) -> dict[str, Any]:
    """The entity with the changes in it, for calls that do not accept a patch."""
    body = without_bulk(raw)
    for change in changes:
        if change.part:
            body[change.name] = {**(body.get(change.name) or {}), change.part: change.value}
        else:
            body[change.name] = change.value
    return body


def patch(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """The changes as an RFC 6902 patch. `add` sets a custom field whether or not it exists,
    and leaves the others alone."""
    return [
        {
            "op": "add" if change.part else "replace",
            "path": f"/{change.name}" + (f"/{_escaped(change.part)}" if change.part else ""),
            "value": change.value,
        }
        for change in changes
    ]


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def custom_columns(entity: str, catalog: Catalog) -> dict[str, ColumnSpec]:
    """Custom fields as `custom.<label>`, and the columns whose choices the account defines."""
    columns: dict[str, ColumnSpec] = {}
    for label in catalog.labels.names():
        kind = catalog.fields[catalog.labels.key(label)]
        choices = tuple(catalog.lists[kind.items].names()) if kind.items in catalog.lists else ()
        columns[f"custom.{label}"] = ColumnSpec(
            kind.type, writable=kind.writable, max_length=kind.max_length, choices=choices
        )
    for column, each in RESOURCES[entity].properties.items():
        if each.items:
            columns[column] = ColumnSpec(Column.CHOICE, choices=tuple(catalog.lists[each.items].names()))
    return columns
