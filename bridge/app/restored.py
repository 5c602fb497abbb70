"""After a backup was restored, every mapping is verified. This says what each mapping still waits for."""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from bridge.domain.record import SIDES
from bridge.store.cursors import Cursor
from bridge.store.engine import Store
from bridge.store.model import MappingState, Scope
from bridge.store.requests import RESTORED

MARGIN_SECONDS = 60.0
"""A change that a sweep found may become due this long after the sweep's end, because vendors' reads lag."""
NOT_YET = float("-inf")


class Stand(StrEnum):
    """What a mapping waits for before it is verified after a restore."""

    PAUSED = "paused"
    DOWN = "down"
    SWEEPS = "sweeps"
    WAITS = "waits"
    READY = "ready"


WORDS: Mapping[Stand, str] = {
    Stand.PAUSED: "it is verified after the restore when it is resumed: `bridge resume {mapping}`",
    Stand.DOWN: "it is verified after the restore when its systems answer",
    Stand.SWEEPS: "it is verified after the restore, when every record of both sides was compared",
    Stand.WAITS: "it is verified after the restore, when its waiting records are done: {waiting}",
    Stand.READY: "it is verified now, after the restore",
}


class Awaited(NamedTuple):
    """A mapping that will be verified after a restore, and how many of its records wait."""

    mapping: str
    stand: Stand
    waiting: int = 0

    def __str__(self) -> str:
        return WORDS[self.stand].format(mapping=self.mapping, waiting=self.waiting)


async def awaited(store: Store, scopes: Mapping[str, Scope]) -> dict[str, Awaited]:
    """Return, by mapping, what it waits for; only mappings that are still to be verified after a restore."""
    requested = await store.requests.open(RESTORED)
    since = {str(one.arguments["mapping"]): float(one.arguments["since"]) for one in requested}
    return {name: await awaited_of(store, scopes[name], at) for name, at in sorted(since.items()) if name in scopes}


async def awaited_of(store: Store, scope: Scope, since: float) -> Awaited:
    """Return what one mapping waits for. `since`: when the store was restored (epoch seconds)."""
    systems = await store.systems.all()
    state = (await store.mappings.states()).get(scope.mapping)
    away = {name for name, row in systems.items() if row.stopped or row.down_since is not None}
    cursors = [one for one in await store.cursors.all() if one.kind == "full"]
    stand, swept_at = stand_of(scope, state, away, cursors, since)
    if stand is not Stand.READY:
        return Awaited(scope.mapping, stand)
    waiting = await store.standing.waiting(mapping=scope.mapping, since=swept_at + MARGIN_SECONDS)
    return Awaited(scope.mapping, Stand.WAITS if waiting else Stand.READY, waiting)


def stand_of(
    scope: Scope, state: MappingState | None, away: Collection[str], cursors: Iterable[Cursor], since: float
) -> tuple[Stand, float]:
    """Return what a mapping waits for, apart from its waiting records, and when the comparison of its sides ended.

    `away`: systems that are down or stopped. `cursors`: those of full sweeps. `since`: when the store was restored.
    """
    if state is not None and state.paused:
        return Stand.PAUSED, NOT_YET
    places = {(scope.endpoint(side).system, scope.endpoint(side).entity) for side in SIDES}
    if any(system in away for system, _ in places):
        return Stand.DOWN, NOT_YET
    ended = [_compared(one, since) for one in cursors if (one.system, one.entity) in places]
    swept_at = max(ended, default=NOT_YET)
    if len(ended) < len(places) or NOT_YET in ended:
        return Stand.SWEEPS, NOT_YET
    return Stand.READY, swept_at


def _compared(full: Cursor, since: float) -> float:
    """Return when the full sweep ended, if it began after `since`; NOT_YET otherwise."""
    if full.started_at is None or full.done_at is None or full.runs or full.started_at < since:
        return NOT_YET
    return full.done_at
