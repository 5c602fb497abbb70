"""Custom fields: their definitions and the coded form of their values (page "Custom fields", encoded values)."""

import re
from collections.abc import Mapping
from typing import Any

from bridge.simulators.records import Record
from bridge.simulators.superoffice.answers import invalid
from bridge.simulators.superoffice.schema import Entity
from bridge.simulators.superoffice.state import CustomField, State

_CODED = re.compile(r"^\[(I|D|DT|F|M|T):(.*)\]$")
_LETTERS = {"Number": "I", "Checkbox": "I", "List": "I", "Date": "D", "Decimal": "F"}
_FORMS = {
    "I": re.compile(r"^-?\d+$"),
    "D": re.compile(r"^(\d\d[./]\d\d[./]\d{4})?$"),
    "F": re.compile(r"^-?\d+(\.\d+)?$"),
}
KINDS = ("Number", "ShortText", "LongText", "Date", "Checkbox", "List", "Decimal")
_FIELD_TYPES = {
    "Number": "Integer",
    "ShortText": "ShortText",
    "LongText": "LongText",
    "Date": "Date",
    "Checkbox": "Checkbox",
    "List": "MdoList",
    "Decimal": "Decimal",
}


def show_custom(state: State, entity: str, record: Record, texts: bool) -> dict[str, Any]:
    """All custom fields of a record; `texts` adds the companions of list fields."""
    shown: dict[str, Any] = {}
    for field in state.custom[entity]:
        value = record["custom"].get(field.key, empty(field))
        shown[field.key] = value
        if texts and field.kind == "List":
            item = state.item(field.list_name, int(value[3:-1]))
            shown[f"{field.key}:DisplayText"] = item["Name"] if item else ""
            shown[f"{field.key}:DisplayTooltip"] = ""
    return shown


def read_custom(state: State, entity: str, given: Mapping[str, Any]) -> dict[str, str]:
    """Values by key in the form of stored records. Companions are ignored. Raises Refused for
    unknown fields and wrong values."""
    fields = {field.key.lower(): field for field in state.custom[entity]}
    kept: dict[str, str] = {}
    for key, value in given.items():
        if key.endswith((":DisplayText", ":DisplayTooltip")):
            continue
        field = fields.get(key.lower())
        if field is None:
            raise invalid(f"no custom field {key!r}")
        kept[field.key] = _coded(state, field, value)
    return kept


def empty(field: CustomField) -> str:
    letter = _LETTERS.get(field.kind)
    return {"I": "[I:0]", "F": "[F:0]", "D": "[D:]"}.get(letter or "", "")


def _coded(state: State, field: CustomField, value: Any) -> str:
    letter = _LETTERS.get(field.kind)
    if value is None or value == "":
        return empty(field)
    if letter is None:
        return str(value)
    match = _CODED.match(str(value))
    if match is None or match[1] != letter or not _FORMS[letter].match(match[2]):
        raise invalid(f"custom field {field.key}: {value!r} is not of the form [{letter}:...]")
    if field.kind == "List" and match[2] != "0" and state.item(field.list_name, int(match[2])) is None:
        raise invalid(f"custom field {field.key}: no list item {match[2]}")
    return str(value)


def udef_layout(state: State, entity: Entity) -> list[Record]:
    """The published user-defined fields (UserDefinedFieldInfo)."""
    first = 1000 * list(state.custom).index(entity.name)
    return [
        {
            "UDefFieldId": first + number,
            "UdefIdentity": first + number,
            "ColumnId": number,
            "FieldLabel": field.label,
            "ShortLabel": field.label,
            "FieldType": field.kind,
            "ProgId": field.key,
            "Type": entity.path,
            "MdoListName": field.list_name,
            "UDListDefinitionId": 1 if field.list_name else 0,
            "IsMandatory": False,
            "IsReadOnly": False,
            "HasBeenPublished": True,
            "TextLength": 199 if field.kind == "ShortText" else 0,
            "Version": 1,
        }
        for number, field in enumerate(state.custom[entity.name], start=1)
    ]


def field_infos(state: State, entity: Entity) -> list[Record]:
    """The same fields as FieldInfoBase."""
    return [
        {
            "FieldType": _FIELD_TYPES[field.kind],
            "FieldName": field.key,
            "DisplayName": field.label,
            "Description": "",
            "IsMandatory": False,
            "IsReadOnly": False,
            "IsExternal": False,
            "Rank": number,
        }
        for number, field in enumerate(state.custom[entity.name], start=1)
    ]
