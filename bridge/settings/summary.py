"""The settings as they are listed at the start: every value, secrets as set or unset."""

import re
from typing import Any

from pydantic import BaseModel, SecretStr

from bridge.settings.model import Settings


def summary(settings: Settings) -> list[str]:
    """Return lines `key = value` in the order of the file. No secret is shown."""
    return [f"{key} = {value}" for key, value in entries(settings)]


def entries(settings: Settings) -> list[tuple[str, str]]:
    """Return every key with its value. No secret is shown."""
    return _flat("", settings)


def _flat(prefix: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, SecretStr):
        return [(prefix, "set" if value.get_secret_value() else "unset")]
    if isinstance(value, BaseModel):
        value = {name: getattr(value, name) for name in type(value).model_fields}
    if isinstance(value, dict):
        rows: list[tuple[str, str]] = []
        for key, inner in value.items():
            rows += _flat(f"{prefix}.{key}" if prefix else str(key), inner)
        return rows
    if isinstance(value, list) and any(isinstance(inner, BaseModel | dict) for inner in value):
        return [row for number, inner in enumerate(value, 1) for row in _flat(f"{prefix}[{number}]", inner)]
    return [(prefix, _without_password(str(value)))]


def _without_password(text: str) -> str:
    """Return an address without its password, which may be before the host or in the query."""
    text = re.sub(r"(://[^:/?#\s]*):[^/?#]*@", r"\1@", text)
    return re.sub(r"(?i)([?&]password=)[^&#]*", r"\1***", text)
