"""Translates the custom fields of version 1 (leads) to the form of version 2 and back.

Version 1 has them at the root of the row, the parts of a value in separate keys and options as texts, and leaves out
unset fields. Vendor page "Pipedrive API v2 migration guide", custom fields.
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
"""Field type -> part in version 2 -> suffix of the key in version 1."""


def custom_at_root(row: Mapping[str, Any], types: Mapping[str, str]) -> dict[str, Any]:
    """All custom fields of the account in the form of version 2. A missing key means an empty value here."""
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
    """The root keys to write, in the form of version 1."""
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
