"""What a product's folder offers to the registry, and what it is given to build one connector."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from bridge.connectors.http import Observe
from bridge.connectors.protocols import Connector, TokenVault, Transport
from bridge.domain.catalog import Manifest
from bridge.domain.seams import Seams


@dataclass(frozen=True, slots=True)
class Construction:
    """Everything one connector is built from. `options` is an instance of the product's own options class."""

    system: str
    options: Any
    transport: Transport
    seams: Seams
    vault: TokenVault
    observe: Observe | None = None


@dataclass(frozen=True, slots=True)
class ConnectorType:
    """One product: `options` is what the operator must supply (unknown keys refused, secrets as SecretStr)."""

    product: str
    manifest: Manifest
    options: type[BaseModel]
    build: Callable[[Construction], Connector]
