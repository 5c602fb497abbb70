"""How commands, health and status name moments, sides and records."""

from collections.abc import Mapping

from bridge.domain.seams import from_epoch
from bridge.store.model import Scope, TaskKey

Scopes = Mapping[str, Scope]


def moment(seconds: float) -> str:
    """A moment as people read it, UTC."""
    return from_epoch(seconds).strftime("%Y-%m-%d %H:%M:%S")


def side_name(scopes: Scopes, key: TaskKey) -> str:
    """What mapping files call the side of a task."""
    scope = scopes.get(key.mapping)
    return key.side.value if scope is None else scope.endpoint(key.side).name


def record_name(scopes: Scopes, key: TaskKey) -> str:
    """A record as people and `bridge why` name it: `crm deal 7`."""
    scope = scopes.get(key.mapping)
    entity = key.mapping if scope is None else scope.endpoint(key.side).entity
    return f"{side_name(scopes, key)} {entity} {key.rec}"
