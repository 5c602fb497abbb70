"""Custom fields in the form of version 1 (leads): at the root of the row, parts of a value in separate keys, options as
texts, unset ones left out. Here they become the form of version 2 and back. Vendor page "Pipedrive API v2 migration
guide", custom fields.
"""

from collections.abc import Mapping
from typing import Any

from bridge.connectors.pipedrive.manifest import ADDRESS_PARTS

PARTS: Mapping[str, Mapping[str, str]] = {
    "monetary": {"currency": "currency"},
    "daterange": {"until": "until"},
    "time": {"timezone_name": "timezone_id"},
    "timerange": {"until": "until", "timezone_name": "timezone_id"},
    "address": {part: part for part in ADDRESS_PARTS if part != "value"},
}
"""Type of field -> part in version 2 -> end of the key in version 1."""


def custom_at_root(row: Mapping[str, Any], types: Mapping[str, str]) -> dict[str, Any]:
    """For every custom field of the account: a key that is missing means an empty value here."""
    return {code: _read(row, code, kind) for code, kind in types.items()}


def _read(row: Mapping[str, Any], code: str, kind: str) -> Any:
    value = row.get(code)
    if value is None or value == "":
        return None
    if kind in PARTS:
        return {"value": value, **{part: row.get(f"{code}_{end}") for part, end in PARTS[kind].items()}}
    if kind == "set" and not isinstance(value, list):
        return [part.strip() for part in str(value).split(",") if part.strip()]
    return value


def root_of_custom(own: Mapping[str, Any], types: Mapping[str, str]) -> dict[str, Any]:
    """The keys of a write."""
    root: dict[str, Any] = {}
    for code, value in own.items():
        kind = types[code]
        if value is not None and kind in PARTS:
            root[code] = value.get("value")
            root |= {f"{code}_{end}": value[part] for part, end in PARTS[kind].items() if part in value}
        elif value is not None and kind in ("enum", "set"):
            root[code] = ",".join(str(item) for item in (value if isinstance(value, list) else [value]))
        else:
            root[code] = value
    return root
