"""What a product's folder offers to the registry, and what it is given to build one connector."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel

from bridge.connectors.http import Observe
from bridge.connectors.names import PinnedHere
from bridge.connectors.protocols import CatalogCache, Connector, RateBudget, TokenVault, Transport
from bridge.domain.catalog import Manifest
from bridge.domain.seams import Seams

Switches = Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Construction:
    """Everything one connector is built from. `options` is an instance of the product's own options class."""

    system: str
    options: Any
    transport: Transport
    seams: Seams
    vault: TokenVault
    observe: Observe | None = None
    cache: CatalogCache = field(default_factory=PinnedHere)
    budget: RateBudget | None = None


@dataclass(frozen=True, slots=True)
class ConnectorType:
    """One product: `options` is what the operator must supply (unknown keys refused, secrets as SecretStr).

    `switches`: the option that must be true before records of an entity are made or removed, by entity and ability
    (`creates`, `deletes`, `archives`); the manifest says what can be done with all of them true.
    """

    product: str
    manifest: Manifest
    options: type[BaseModel]
    build: Callable[[Construction], Connector]
    switches: Switches = field(default_factory=dict)


def allowed(manifest: Manifest, switches: Switches, options: BaseModel) -> Manifest:
    """The manifest without what these options do not allow."""
    entities = dict(manifest.entities)
    for (entity, ability), option in switches.items():
        if not getattr(options, option):
            narrowed: dict[str, Any] = {ability: False}
            entities[entity] = replace(entities[entity], **narrowed)
    return replace(manifest, entities=entities)
