"""What is made from the secrets in the settings: seals, addresses, and the list of values that logs must hide."""

from typing import Any

from pydantic import BaseModel, SecretStr

from bridge.domain.address import Addresses, Turn
from bridge.monitoring.redaction import Redactor
from bridge.settings.model import Settings
from bridge.store.seal import FernetSeal


def seal_of(settings: Settings) -> FernetSeal:
    """Return the seal that encrypts tokens in the store."""
    return FernetSeal(settings.instance_secret.get_secret_value().encode(), _former(settings))


def addresses_of(settings: Settings) -> Addresses:
    """Return the addresses at which vendors call this instance."""
    now, former = settings.instance_secret.get_secret_value().encode(), _former(settings)
    turns: dict[str, Turn] = {}
    before = None if former is None else Addresses(settings.instance, former, settings.public_url, turns=turns)
    return Addresses(settings.instance, now, settings.public_url, before, turns)


def _former(settings: Settings) -> bytes | None:
    former = settings.instance_secret_former
    return None if former is None else former.get_secret_value().encode()


def register_secrets(settings: Settings, redactor: Redactor) -> None:
    """Hide every secret of the settings in all logs of the process."""
    for value in _secrets(settings):
        redactor.register(value)


def _secrets(value: Any) -> list[str]:
    if isinstance(value, SecretStr):
        return [value.get_secret_value()]
    if isinstance(value, BaseModel):
        value = {name: getattr(value, name) for name in type(value).model_fields}
    if isinstance(value, dict | list):
        inners = value.values() if isinstance(value, dict) else value
        return [secret for inner in inners for secret in _secrets(inner)]
    return []
