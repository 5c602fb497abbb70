"""What a product's folder gives to the registry, and what it gets to build one connector."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from typing import Any

from pydantic import BaseModel

from bridge.connectors.gate import RESERVED, Gate
from bridge.connectors.http import Observe
from bridge.connectors.names import PinnedHere
from bridge.connectors.protocols import CatalogCache, Connector, RateBudget, TokenVault, Transport
from bridge.connectors.quota import Quota
from bridge.domain.catalog import Manifest
from bridge.domain.frozen import dataclass, replace
from bridge.domain.seams import Seams
from bridge.monitoring.skipped import SkippedRows

Switches = Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Construction:
    """What one connector is built from. `options` is an instance of the product's own options class.

    `reserved`: the share of the account's budget that is kept for live changes and people.
    """

    system: str
    options: Any
    transport: Transport
    seams: Seams
    vault: TokenVault
    observe: Observe | None = None
    cache: CatalogCache = field(default_factory=PinnedHere)
    budget: RateBudget | None = None
    skipped: SkippedRows = field(default_factory=SkippedRows)
    reserved: float = RESERVED

    def gate(self, quota: Quota) -> Gate:
        """The gate where the account's calls wait for their turn."""
        return Gate(self.system, quota, self.seams.clock, self.budget, self.reserved)


@dataclass(frozen=True, slots=True)
class Needless:
    """Why no consent is needed or possible, and what to change in the settings to authorise anyway."""

    why: str
    instead: str = ""

    def __str__(self) -> str:
        return f"{self.why}; {self.instead}" if self.instead else self.why


@dataclass(frozen=True, slots=True)
class Consent:
    """A person's consent in a browser, and the code it yields (RFC 6749, 4.1). The functions take the product's
    options.

    `needless`: why these options need, or allow, no consent; None when they need one.

    `redirect`: the address to which the vendor sends the browser back; None: the caller chooses it.

    `address`: the consent page's address, from (options, redirect, state).

    `exchange`: puts the tokens for (code, redirect) into the vault, as the connector stores them, and returns the
    rights that the vendor names ("" when it names none). Raises domain errors, NeedsAuthorisation when the code is
    refused.
    """

    needless: Callable[[Any], Needless | None]
    redirect: Callable[[Any], str | None]
    address: Callable[[Any, str, str], str]
    exchange: Callable[[Construction, str, str], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class ConnectorType:
    """One product. `options`: what the operator must supply (unknown keys are refused, secrets are SecretStr).

    `switches`: the option that must be true before records of an entity are created or removed, by entity and ability
    (`creates`, `deletes`, `archives`). The manifest says what can be done with all of them true. `consent`: None where
    only the settings give a credential. `quota`: what these options allow. `hook_keys`: the keys of all hooks that
    `hooks_for` may return.
    """

    product: str
    manifest: Manifest
    options: type[BaseModel]
    build: Callable[[Construction], Connector]
    switches: Switches = field(default_factory=dict)
    consent: Consent | None = None
    quota: Callable[[Any], Quota] = lambda options: Quota(4)
    hook_keys: frozenset[str] = frozenset()


def allowed(manifest: Manifest, switches: Switches, options: BaseModel) -> Manifest:
    """The manifest without the abilities that these options switch off."""
    entities = dict(manifest.entities)
    for (entity, ability), option in switches.items():
        if not getattr(options, option):
            narrowed: dict[str, Any] = {ability: False}
            entities[entity] = replace(entities[entity], **narrowed)
    return replace(manifest, entities=entities)
