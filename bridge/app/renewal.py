"""What a person does when a credential is refused; it depends on the kind of credential."""

from collections.abc import Mapping

from pydantic import BaseModel, SecretStr

from bridge.connectors.product import Needless
from bridge.connectors.registry import CONNECTORS
from bridge.settings.model import Settings


def renewals(settings: Settings, options: Mapping[str, BaseModel]) -> dict[str, str]:
    """Return, by system, what to do."""
    return {name: renewal(settings, name, options[name]) for name in settings.systems}


def renewal(settings: Settings, system: str, options: BaseModel) -> str:
    """Return what to do when this system refuses the credential of these options."""
    why = needless(settings, system, options)
    if why is None:
        return f"run `bridge authorize {system}`"
    names = [name for name, _ in options if isinstance(getattr(options, name), SecretStr)]
    given = " and ".join(f"{name} ({settings.places.at(('systems', system, 'options', name))})" for name in names)
    first = f"renew {given or 'its credential in the settings'} at the product, then start `bridge run` again"
    return f"{first} (or {why.instead}: `bridge authorize {system}`)" if why.instead else first


def needless(settings: Settings, system: str, options: BaseModel) -> Needless | None:
    """Return why the system cannot be authorised in a browser; None if it can."""
    consent = CONNECTORS[settings.systems[system].connector].consent
    return Needless("its credential is in the settings") if consent is None else consent.needless(options)
