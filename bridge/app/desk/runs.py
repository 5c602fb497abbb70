"""Hooks, and what runs in the background: sweeps and backfills with their progress."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from bridge.admin.operation import Nothing, Person
from bridge.app.build import Bridge
from bridge.app.desk.hours import Hours
from bridge.app.desk.overview import mode_of
from bridge.app.desk.words import when
from bridge.app.progress import Progress, progress_of
from bridge.domain.event import Origin
from bridge.store.cursors import Cursor
from bridge.store.model import HookRow


@dataclass(frozen=True, slots=True)
class Hook:
    """One registration. `wanted`: some mapping needs it."""

    key: str
    wanted: bool
    state: str
    vendor_id: str
    registered_at: str | None
    seen_at: str | None
    delivered_at: str | None
    note: str


@dataclass(frozen=True, slots=True)
class SystemHooks:
    """The hooks of a system. Of the changes in the last day, `heard` were told of by callbacks, and `missed` were found
    by a sweep."""

    system: str
    wanted: int
    registered: int
    heard: int
    missed: int
    hooks: list[Hook]


@dataclass(frozen=True, slots=True)
class Hooks:
    """`audited_at`: when wanted and seen hooks were last compared; `audit`: what came of it."""

    audited_at: str | None
    audit: str
    systems: list[SystemHooks]


@dataclass(frozen=True, slots=True)
class Run:
    """A sweep or backfill. `state`: runs, requested, done, or never. `rows` were read, `marked` had changed.

    While it runs: `finished` records are done with, of `total` (null: nobody knows yet); `per_minute`: rows it reads;
    `ends_at`: the forecast; `stands`: why it does not move, "" while it does.
    """

    kind: str
    system: str
    entity: str
    mapping: str
    state: str
    started_at: str | None
    done_at: str | None
    rows: int
    marked: int
    requested_by: str
    finished: int | None
    total: int | None
    per_minute: int | None
    ends_at: str | None
    stands: str


@dataclass(frozen=True, slots=True)
class Working:
    """Whether a mapping writes."""

    mapping: str
    mode: str
    pause_reason: str


@dataclass(frozen=True, slots=True)
class Runs:
    """What goes on in the background, and which mappings may write."""

    mappings: list[Working]
    runs: list[Run]


class Background:
    """Reads the store, and what the hook keeper last saw."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._hours: Hours[tuple[str, str]] = Hours(bridge.store, bridge.store.figures.heard)

    async def hooks(self, person: Person, given: Nothing) -> Hooks:
        keeper = self._bridge.keeper
        rows, heard = await self._bridge.store.hooks.all(), Counter[tuple[str, str]]()
        for _, counted in await self._hours.of_last_day():
            heard.update(counted)
        systems = [
            self._of_system(name, [row for row in rows if row.system == name], heard)
            for name in sorted(self._bridge.connectors)
        ]
        return Hooks(when(keeper.last_at), str(keeper.last or "not audited yet"), systems)

    def _of_system(self, system: str, rows: list[HookRow], heard: Mapping[tuple[str, str], int]) -> SystemHooks:
        wanted = self._bridge.keeper.keys(system)
        told, missed = (heard.get((system, origin.value), 0) for origin in (Origin.WEBHOOK, Origin.RECONCILE))
        known = {row.key for row in rows}
        hooks = [_hook(row, row.key in wanted) for row in rows]
        hooks += [Hook(key, True, "not registered yet", "", None, None, None, "") for key in sorted(wanted - known)]
        registered = sum(hook.state == "registered" for hook in hooks)
        return SystemHooks(system, len(wanted), registered, told, missed, hooks)

    async def runs(self, person: Person, given: Nothing) -> Runs:
        store, plan = self._bridge.store, self._bridge.plan
        states = await store.mappings.states()
        mappings = [
            Working(name, mode_of(states.get(name), scope), states[name].pause_reason if name in states else "")
            for name, scope in sorted(plan.scopes.items())
        ]
        going = {one.cursor.run: one for one in await progress_of(store, plan.scopes)}
        runs = [
            _run(cursor, going.get(cursor.run), store.now())
            for cursor in await store.cursors.all()
            if (cursor.system, cursor.entity) in plan.routes
        ]
        order = {"runs": 0, "requested": 1, "done": 2, "never": 3}
        return Runs(mappings, sorted(runs, key=lambda run: (order[run.state], run.system, run.entity, run.kind)))


def _hook(row: HookRow, wanted: bool) -> Hook:
    seen, delivered = when(row.seen_at), when(row.delivered_at)
    return Hook(row.key, wanted, row.state, row.vendor_id or "", when(row.registered_at), seen, delivered, row.note)


def _run(cursor: Cursor, progress: Progress | None, now: float) -> Run:
    kind, _, mapping = cursor.kind.partition(" ")
    name = {"full": "full sweep", "incremental": "sweep"}.get(kind, kind)
    state = "never"  # one that has read nothing may only note from when on changes count
    if cursor.started_at is not None and (cursor.done_at is not None or cursor.page is not None or cursor.rows):
        state = "runs" if cursor.runs else "done"
    if cursor.asked_at is not None:
        state = "requested"
    started, done = when(cursor.started_at if state != "never" else None), when(cursor.done_at)
    seconds = progress.seconds if progress is not None else None
    return Run(
        kind=name,
        system=cursor.system,
        entity=cursor.entity,
        mapping=mapping,
        state=state,
        started_at=started,
        done_at=done,
        rows=cursor.rows,
        marked=cursor.marked,
        requested_by=cursor.asked_by,
        finished=progress.done if progress is not None else None,
        total=progress.total if progress is not None else None,
        per_minute=round(progress.per_minute) if progress is not None and progress.per_minute is not None else None,
        ends_at=None if seconds is None else when(now + seconds),
        stands=progress.stands if progress is not None else "",
    )
