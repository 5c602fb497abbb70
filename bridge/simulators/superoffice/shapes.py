"""Entities as the REST API shows them, and what it accepts of a body (REST reference, carriers)."""

from collections.abc import Callable, Mapping
from typing import Any

from bridge.simulators.records import Record
from bridge.simulators.superoffice import schema
from bridge.simulators.superoffice.answers import invalid
from bridge.simulators.superoffice.custom import read_custom, show_custom
from bridge.simulators.superoffice.dates import View, local_now
from bridge.simulators.superoffice.schema import ADDRESS_PARTS, Entity, Property
from bridge.simulators.superoffice.state import Caller, State

RIGHTS = {"TableRight": {"Mask": "FULL", "Reason": ""}, "FieldProperties": {}}


def show(state: State, entity: Entity, record: Record, view: View, links: str = "") -> Record:
    """An entity as the API shows it. `links`: the API's root for its `_Links`, "" for none."""
    shown: Record = {entity.key: record["id"]}
    for name, kind in entity.properties.items():
        shown[name] = _SHOW[kind.kind](state, kind, record[name], view)
    if entity.custom:
        shown |= {"CustomFields": show_custom(state, entity.name, record, texts=True), "ExtraFields": {}}
        shown["UserDefinedFields"] = show_custom(state, entity.name, record, texts=False)
    if entity.name == "contact":
        persons = [row for row in state.rows("person") if row["Contact"] == record["id"]]
        shown["Persons"] = [_person(state, row) for row in persons]
    if entity.locks:
        shown |= RIGHTS
    if links and entity.locks:
        here = f"{links}/{entity.path}"
        shown["_Links"] = {"Self": f"{here}/{record['id']}", "Archive": here}
    return shown


def selected(entity: Entity, shown: Record, wanted: str) -> Record:
    """`wanted`: the names of $select; the properties that it does not name are emptied. "" wants all."""
    if not wanted:
        return shown
    keep = {"_links", entity.key.lower(), *(name.strip().lower() for name in wanted.split(","))}
    return {name: value if name.lower() in keep else None for name, value in shown.items()}


def defaults(state: State, entity: Entity, caller: Caller | None) -> Record:
    """The values of a new record. `caller`: the owner if known, as in GET default."""
    fields: Record = {}
    for name, kind in entity.properties.items():
        value = kind.default if kind.default is not None else _EMPTY[kind.kind]
        if value == "caller":
            value = caller.associate if caller else 0
        elif value == "now":
            value = local_now(state.now(), state.zone)
        elif value == "today":
            value = local_now(state.now(), state.zone)[:10] + "T00:00:00"
        fields[name] = value
    return {**fields, "custom": {}} if entity.custom else fields


def read(state: State, entity: Entity, body: Mapping[str, Any], view: View) -> Record:
    """The properties that a body sets, in the form of stored records. Unknown and computed ones are ignored.

    Raises Refused.
    """
    fields: Record = {}
    for name, value in body.items():
        kind = entity.properties.get(name)
        if kind is not None and not kind.computed:
            fields[name] = _READ[kind.kind](state, kind, value, view)
            _check(name, kind, fields[name])
    if entity.custom:
        given = {**(body.get("UserDefinedFields") or {}), **(body.get("CustomFields") or {})}
        fields["custom"] = read_custom(state, entity.name, given)
    return fields


def known(entity: Entity) -> frozenset[str]:
    """The names that a body of this entity may use."""
    more = ("CustomFields", "UserDefinedFields") if entity.custom else ()
    return frozenset({*entity.properties, *more})


def _check(name: str, kind: Property, value: Any) -> None:
    if kind.length is not None and len(value) > kind.length:
        raise invalid(f"{name} is longer than {kind.length} characters")


def _show_list(state: State, kind: Property, value: int, view: View) -> Record | None:
    item = state.item(str(kind.of), value)
    return None if item is None else {"Id": value, "Value": view.text(item["Name"]), "Tooltip": item["Tooltip"]}


def _show_task(state: State, kind: Property, value: int, view: View) -> Record | None:
    item = state.item(str(kind.of), value)
    return None if item is None else {"TaskListItemId": value, "Value": view.text(item["Name"]), "Type": "Appointment"}


def show_task(state: State, value: int, view: View) -> Record | None:
    """A kind of appointment, with its own carrier."""
    item = state.item("Task", value)
    if item is None:
        return None
    more = {name: item[name] for name in ("Tooltip", "Deleted", "Rank")}
    flags = dict.fromkeys(("IsDefaultAlldayEvent", "IsDefaultFree", "IsDefaultPublished"), False)
    words = {"Type": "Appointment", "Direction": "Unknown", "ColorIndex": "LightBlue"}
    shown = {"TaskListItemId": value, "Value": view.text(item["Name"]), "IntentId": 0}
    return {**shown, **more, **flags, **words, "DefaultVideomeetingStatus": "NoChange", **RIGHTS}


def show_country(state: State, value: int) -> Record | None:
    item = state.item("Country", value)
    if item is None:
        return None
    code, english = item["TwoLetterISOCountry"], item["EnglishName"]
    more = {"TwoLetterISOCountry": code, "EnglishName": english, "Deleted": item["Deleted"], "Rank": item["Rank"]}
    return {"CountryId": value, "Name": item["Name"], **more, "Tooltip": "", "DomainName": code.lower()}


def _show_link(state: State, kind: Property, value: int, _view: View) -> Record | None:
    record = state.get(str(kind.of), value)
    if record is None:
        return None
    return _LINKED[str(kind.of)](state, record)


def _person(_state: State, record: Record) -> Record:
    shown = {"PersonId": record["id"], "Firstname": record["Firstname"], "Lastname": record["Lastname"]}
    email = record["Emails"][0]["Value"] if record["Emails"] else ""
    return {**shown, "FullName": record["FullName"], "Email": email, "ContactId": record["Contact"]}


def _contact(_state: State, record: Record) -> Record:
    shown = {"ContactId": record["id"], "Name": record["Name"], "OrgNr": record["OrgNr"]}
    return {**shown, "Department": record["Department"], "AssociateId": record["Associate"]}


_LINKED: dict[str, Callable[[State, Record], Record]] = {
    "contact": _contact,
    "person": _person,
    "project": lambda _state, record: {"ProjectId": record["id"], "Name": record["Name"]},
    "sale": lambda _state, record: {"SaleId": record["id"], "Title": record["Heading"]},
}


def _show_elements(_state: State, _kind: Property, value: list[Record], _view: View) -> list[Record]:
    return [{"Value": one["Value"], "StrippedValue": one["Stripped"], "Description": one["Text"]} for one in value]


def show_address(value: Record) -> Record:
    """An address as in carriers. `value` may be empty."""
    text = "\n".join(part for part in value.get("Street", {}).values() if part)
    shown = {part: {name: value.get(part, {}).get(name, "") for name in ADDRESS_PARTS} for part in ("Street", "Postal")}
    return {**shown, "LocalizedAddress": [], "Formatted": text, "Wgs84Latitude": 0.0, "Wgs84Longitude": 0.0}


_Show = Callable[[State, Property, Any, View], Any]
_SHOW: dict[str, _Show] = {
    **{
        kind: lambda _state, _kind, value, _view: value
        for kind in (schema.TEXT, schema.NUMBER, schema.MONEY, schema.FLAG, schema.ENUM, schema.STRINGS)
    },
    schema.LIST: _show_list,
    schema.TASK: _show_task,
    schema.COUNTRY: lambda state, _kind, value, _view: show_country(state, value),
    schema.USER: lambda state, _kind, value, _view: state.associates.get(value),
    schema.LINK: _show_link,
    schema.ELEMENTS: _show_elements,
    schema.ADDRESS: lambda _state, _kind, value, _view: show_address(value),
    schema.DAY: lambda _state, _kind, value, view: view.day(value),
    schema.MOMENT: lambda _state, _kind, value, view: view.moment(value),
    schema.STAMP: lambda _state, _kind, value, view: view.stamp(value),
}

_EMPTY: dict[str, Any] = {
    **dict.fromkeys((schema.TEXT, schema.ENUM, schema.DAY, schema.MOMENT), ""),
    **dict.fromkeys((schema.NUMBER, schema.LIST, schema.TASK, schema.COUNTRY, schema.USER, schema.LINK), 0),
    schema.MONEY: 0.0,
    schema.FLAG: False,
    schema.ELEMENTS: [],
    schema.STRINGS: [],
    schema.ADDRESS: {},
    schema.STAMP: 0,
}


def _text(_state: State, kind: Property, value: Any, _view: View) -> str:
    if value is not None and not isinstance(value, str):
        raise invalid(f"{kind.column or 'a text'} must be a text")
    return value or ""


def _number(_state: State, kind: Property, value: Any, _view: View) -> int:
    if value is not None and type(value) is not int:
        raise invalid(f"{kind.column} must be an integer")
    return value or 0


def _money(_state: State, kind: Property, value: Any, _view: View) -> float:
    if value is not None and type(value) not in (int, float):
        raise invalid(f"{kind.column} must be a number")
    return float(value or 0)


def _flag(_state: State, kind: Property, value: Any, _view: View) -> bool:
    if value is not None and type(value) is not bool:
        raise invalid(f"{kind.column} must be true or false")
    return bool(value)


def _enum(_state: State, kind: Property, value: Any, _view: View) -> str:
    """A value of an enumeration, given by name or number."""
    words = tuple(kind.of)
    if type(value) is int and 0 <= value < len(words):
        return words[value]
    if value not in words:
        raise invalid(f"{kind.column} must be one of {', '.join(words)}")
    return str(value)


def _reference(value: Any, key: str, what: str, found: Callable[[int], object]) -> int:
    if value is None:
        return 0
    number = value.get(key, 0) if isinstance(value, dict) else None
    if type(number) is not int:
        raise invalid(f"{what} must be an object with {key}")
    if number and found(number) is None:
        raise invalid(f"{what} {number} does not exist")
    return number


def _link(state: State, kind: Property, value: Any, _view: View) -> int:
    name = str(kind.of)
    return _reference(value, schema.ENTITIES[name].key, name, lambda number: state.get(name, number))


def _elements(_state: State, _kind: Property, value: Any, _view: View) -> list[Record]:
    if value is not None and not isinstance(value, list):
        raise invalid("a list of elements is expected")
    kept = []
    for one in value or []:
        if not isinstance(one, dict):
            raise invalid("an element is an object with Value")
        text = str(one.get("Value") or "")
        if text:
            kept.append({"Value": text, "Stripped": _stripped(text), "Text": str(one.get("Description") or "")})
    return kept


def _stripped(text: str) -> str:
    """The form for machines: the digits of a phone number; any other text unchanged."""
    bare = "".join(sign for sign in text if sign.isdigit())
    return bare if bare and not any(sign.isalpha() or sign == "@" for sign in text) else text


def _strings(_state: State, _kind: Property, value: Any, _view: View) -> list[str]:
    return [str(one) for one in value or []]


def _address(_state: State, _kind: Property, value: Any, _view: View) -> Record:
    if value is not None and not isinstance(value, dict):
        raise invalid("Address must be an object")
    kept: Record = {}
    for part in ("Street", "Postal"):
        given = (value or {}).get(part) or {}
        kept[part] = {name: str(given.get(name) or "") for name in ADDRESS_PARTS}
    return kept


_READ: dict[str, _Show] = {
    schema.TEXT: _text,
    schema.NUMBER: _number,
    schema.MONEY: _money,
    schema.FLAG: _flag,
    schema.ENUM: _enum,
    schema.LIST: lambda state, kind, value, _view: _reference(
        value, "Id", str(kind.of), lambda number: state.item(str(kind.of), number)
    ),
    schema.TASK: lambda state, kind, value, _view: _reference(
        value, "TaskListItemId", "Task", lambda number: state.item(str(kind.of), number)
    ),
    schema.COUNTRY: lambda state, _kind, value, _view: _reference(
        value, "CountryId", "Country", lambda number: state.item("Country", number)
    ),
    schema.USER: lambda state, _kind, value, _view: _reference(value, "AssociateId", "Associate", state.associates.get),
    schema.LINK: _link,
    schema.ELEMENTS: _elements,
    schema.STRINGS: _strings,
    schema.ADDRESS: _address,
    schema.DAY: lambda _state, _kind, value, view: view.read_day(value),
    schema.MOMENT: lambda _state, _kind, value, view: view.read_moment(value),
}
