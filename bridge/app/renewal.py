"""What a person does when a credential is refused; it depends on the kind of credential."""

from collections.abc import Mapping

from pydantic import BaseModel, SecretStr

from bridge.connectors.registry import CONNECTORS
from bridge.settings.model import Settings


def renewals(settings: Settings, options: Mapping[str, BaseModel]) -> dict[str, str]:
    """Return, by system, what to do."""
    return {name: renewal(settings, name, options[name]) for name in settings.systems}


def renewal(settings: Settings, system: str, options: BaseModel) -> str:
    """Return what to do when this system refuses the credential of these options."""
    why = needless(settings, system, options)
    if not why:
        return f"run `bridge authorize {system}`"
    names = [name for name, _ in options if isinstance(getattr(options, name), SecretStr)]
    places = [settings.places.fault(("systems", system, "options", name), "").where for name in names]
    given = " and ".join(f"{name} ({place.partition(': ')[0]})" for name, place in zip(names, places, strict=True))
    _, _, instead = why.partition("; ")
    first = f"renew {given or 'its credential in the settings'} at the product, then start `bridge run` again"
    return f"{first} (or {instead}: `bridge authorize {system}`)" if instead else first


def needless(settings: Settings, system: str, options: BaseModel) -> str:
    """Return why the system cannot be authorised in a browser; "" if it can."""
    consent = CONNECTORS[settings.systems[system].connector].consent
    return "its credential is in the settings" if consent is None else consent.needless(options)
