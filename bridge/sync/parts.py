"""What every claim of one process shares: the store, the connectors, the mappings, and the worker's limits."""

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass

from bridge.connectors.protocols import Connector
from bridge.domain.seams import Seams
from bridge.mapping.model import Mapping
from bridge.store.engine import Store
from bridge.store.model import Scope


@dataclass(frozen=True, slots=True)
class Limits:
    """Settings of the worker. Seconds and counts."""

    workers: int = 8  # claims at the same time, for each pair of systems
    attempts: int = 8
    lease_seconds: float = 120.0
    write_seconds: float = 45.0  # a remote write has ended, or its outcome is unknown, after this long
    backoff_first_seconds: float = 2.0
    backoff_cap_seconds: float = 900.0
    loop_writes: int = 20
    loop_window_seconds: float = 600.0
    brake_count: int = 25
    brake_window_seconds: float = 3600.0
    wait_seconds: float = 300.0  # a task waiting for another record is looked at again after this long


@dataclass(frozen=True, slots=True)
class Parts:
    """What every claim shares. `mappings` and `scopes` are replaced as a whole when mapping files are reloaded."""

    store: Store
    connectors: MappingOf[str, Connector]
    mappings: MappingOf[str, Mapping]
    scopes: MappingOf[str, Scope]
    seams: Seams
    limits: Limits
