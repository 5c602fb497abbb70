"""Tells the redactor every secret the settings hold."""

from typing import Any

from pydantic import BaseModel, SecretStr

from bridge.monitoring.redaction import Redactor
from bridge.settings.model import Settings


def register_secrets(settings: Settings, redactor: Redactor) -> None:
    """Hide every secret value of the settings in all logs of the process."""
    for value in _secrets(settings):
        redactor.register(value)


def _secrets(value: Any) -> list[str]:
    if isinstance(value, SecretStr):
        return [value.get_secret_value()]
    if isinstance(value, BaseModel):
        value = {name: getattr(value, name) for name in type(value).model_fields}
    if isinstance(value, dict):
        return [secret for inner in value.values() for secret in _secrets(inner)]
    return []
