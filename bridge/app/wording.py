"""The names of moments, sides and records in commands, health and status."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from bridge.domain.seams import epoch, from_epoch
from bridge.store.model import Scope, TaskKey

Scopes = Mapping[str, Scope]
THE_BRIDGE = "the bridge"
"""The name in the audit log for an action that no person did."""
UNITS = {"m": 60.0, "h": 3600.0, "d": 86_400.0}


def moment(seconds: float) -> str:
    """Return a moment as text for people."""
    return from_epoch(seconds).strftime("%Y-%m-%d %H:%M:%S UTC")


def moment_of(text: str, now: float) -> float:
    """Return the moment that a person wrote: `2026-05-01 14:30` (UTC by default), or how long ago: `30m`, `2h`, `3d`.

    Raises ValueError, with what to write instead.
    """
    ago = re.fullmatch(r"([0-9]+)([mhd])", text.strip())
    try:
        at = now - float(ago[1]) * UNITS[ago[2]] if ago else _written(text.strip())
    except (ValueError, OverflowError):
        at = -1.0
    if at < 0:  # no bridge ran before 1970
        raise ValueError(f"`{text}` is not a time: write one like `2026-05-01 14:30` (UTC), or `30m`, `2h`, `3d` ago")
    return at


def _written(text: str) -> float:
    found = datetime.fromisoformat(text.removesuffix(" UTC"))
    return epoch(found if found.tzinfo else found.replace(tzinfo=UTC))


def side_name(scopes: Scopes, key: TaskKey) -> str:
    """Return the name of a task's side in the mapping files."""
    scope = scopes.get(key.mapping)
    return key.side.value if scope is None else scope.endpoint(key.side).name


def record_name(scopes: Scopes, key: TaskKey) -> str:
    """Return a record's name for people and for `bridge why`: `crm deal 7`."""
    scope = scopes.get(key.mapping)
    entity = key.mapping if scope is None else scope.endpoint(key.side).entity
    return f"{side_name(scopes, key)} {entity} {key.record_id}"
