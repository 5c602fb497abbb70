"""How commands, health and status name moments, sides and records."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from bridge.domain.seams import epoch, from_epoch
from bridge.store.model import Scope, TaskKey

Scopes = Mapping[str, Scope]
THE_BRIDGE = "the bridge"
"""Who did it, in the audit log, where no person did."""
UNITS = {"m": 60.0, "h": 3600.0, "d": 86_400.0}


def moment(seconds: float) -> str:
    """A moment as people read it."""
    return from_epoch(seconds).strftime("%Y-%m-%d %H:%M:%S UTC")


def moment_of(text: str, now: float) -> float:
    """The moment a person wrote: `2026-05-01 14:30` (UTC unless it says otherwise), or how long ago: `30m`, `2h`, `3d`.

    Raises ValueError, with what to write instead.
    """
    ago = re.fullmatch(r"([0-9]+)([mhd])", text.strip())
    try:
        at = now - float(ago[1]) * UNITS[ago[2]] if ago else _written(text.strip())
    except (ValueError, OverflowError):
        at = -1.0
    if at < 0:  # no bridge ran then
        raise ValueError(f"`{text}` is not a time: write one like `2026-05-01 14:30` (UTC), or `30m`, `2h`, `3d` ago")
    return at


def _written(text: str) -> float:
    found = datetime.fromisoformat(text.removesuffix(" UTC"))
    return epoch(found if found.tzinfo else found.replace(tzinfo=UTC))


def side_name(scopes: Scopes, key: TaskKey) -> str:
    """What mapping files call the side of a task."""
    scope = scopes.get(key.mapping)
    return key.side.value if scope is None else scope.endpoint(key.side).name


def record_name(scopes: Scopes, key: TaskKey) -> str:
    """A record as people and `bridge why` name it: `crm deal 7`."""
    scope = scopes.get(key.mapping)
    entity = key.mapping if scope is None else scope.endpoint(key.side).entity
    return f"{side_name(scopes, key)} {entity} {key.record_id}"
