"""Hooks, and the work in the background: sweeps and backfills with their progress."""

from collections.abc import Mapping, Sequence

from bridge.admin.operation import Nothing, Person
from bridge.app.build import Bridge
from bridge.app.desk.overview import mode_of
from bridge.app.desk.words import when
from bridge.app.progress import Progress, progress_of
from bridge.app.verified import agreed_of, awaited, ended_early
from bridge.domain.frozen import dataclass
from bridge.store.cursors import Cursor
from bridge.store.hooks import WINDOWS, HookFigures, HookName
from bridge.store.model import ON_PURPOSE, HookRow
from bridge.store.verifications import Verification

Windows = Mapping[HookName, Mapping[str, HookFigures]]


@dataclass(frozen=True, slots=True)
class Reliability:
    """`reported`: changes that callbacks reported; `missed`: missed changes, which only sweeps found; `repaired`: how
    many times hooks were registered again. `share`: the reported part of all changes, None if there were none."""

    reported: int
    missed: int
    repaired: int
    share: float | None


@dataclass(frozen=True, slots=True)
class Hook:
    """One registration. `wanted`: a mapping needs it. `on_purpose`: a person stopped it.

    `day` and `week`: how reliable it was.
    """

    key: str
    wanted: bool
    state: str
    on_purpose: bool
    vendor_id: str
    registered_at: str | None
    seen_at: str | None
    delivered_at: str | None
    note: str
    day: Reliability
    week: Reliability


@dataclass(frozen=True, slots=True)
class SystemHooks:
    """The hooks of a system. `wanted`: without those that are `stopped` on purpose. `polled_seconds`: how often sweeps
    look for changes if the system sends no callbacks."""

    system: str
    wanted: int
    registered: int
    stopped: int
    day: Reliability
    week: Reliability
    hooks: list[Hook]
    polled_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Hooks:
    """`audited_at`: when wanted and registered hooks were last compared; `audit`: the result."""

    audited_at: str | None
    audit: str
    systems: list[SystemHooks]


@dataclass(frozen=True, slots=True)
class Run:
    """A sweep or backfill. `run`: the name by which its writes can be undone. `state`: runs, requested, done, or never.
    `rows` were read, `marked` of them had changed.

    While it runs: `finished` records of `total` are done (null: not known yet); `per_minute`: rows it reads; `ends_at`:
    the forecast; `stands`: why it makes no progress, "" if it does.
    """

    run: str
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
class Verified:
    """The last verification of a mapping. `runs`: one is running. `agreed`: None before the first one, or if it ended
    early and had found no difference. `awaited`: in words, the verification that is due after a restore; "" if none is
    due."""

    mapping: str
    runs: bool
    started_at: str | None
    done_at: str | None
    pairs: int
    agreed: bool | None
    ended_early: bool = False
    awaited: str = ""


@dataclass(frozen=True, slots=True)
class Working:
    """Whether a mapping writes."""

    mapping: str
    mode: str
    pause_reason: str


@dataclass(frozen=True, slots=True)
class Runs:
    """The work in the background, and which mappings may write."""

    mappings: list[Working]
    runs: list[Run]
    verified: list[Verified]


class Background:
    """Reads the store, and the last audit of the hook keeper."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    async def hooks(self, person: Person, given: Nothing) -> Hooks:
        keeper, store = self._bridge.keeper, self._bridge.store
        rows, windows = await store.hooks.all(), await store.hook_hours.windows()
        systems = [
            self._of_system(name, [row for row in rows if row.system == name], windows)
            for name in sorted(self._bridge.connectors)
        ]
        return Hooks(when(keeper.last_at), str(keeper.last or "not audited yet"), systems)

    def _of_system(self, system: str, rows: list[HookRow], windows: Windows) -> SystemHooks:
        wanted = self._bridge.keeper.keys(system)
        known = {row.key for row in rows}
        rows = rows + [HookRow(system, key, "", None, "not registered yet") for key in sorted(wanted - known)]
        hooks = [_hook(row, row.key in wanted, windows.get((system, row.key), {})) for row in rows]
        registered = sum(hook.state == "registered" for hook in hooks)
        mine = [found for (name, _), found in windows.items() if name == system]
        day, week = (_reliability([found[window] for found in mine if window in found]) for window in WINDOWS)
        stopped = sum(hook.on_purpose and hook.wanted for hook in hooks)
        polled = self._bridge.connectors[system].manifest.polled
        seconds = self._bridge.settings.sweep_seconds(system) if polled else None
        return SystemHooks(system, len(wanted) - stopped, registered, stopped, day, week, hooks, seconds)

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
            if (cursor.system, cursor.entity) in plan.routes and not cursor.by_full
        ]
        order = {"runs": 0, "requested": 1, "done": 2, "never": 3}
        ordered = sorted(runs, key=lambda run: (order[run.state], run.system, run.entity, run.kind))
        last = await store.verifications.last()
        after = await awaited(store, plan.scopes)
        verified = [self._verified(name, last.get(name), str(after.get(name) or "")) for name in sorted(plan.mappings)]
        return Runs(mappings, ordered, verified)

    def _verified(self, name: str, last: Verification | None, after: str) -> Verified:
        look = self._bridge.looks.last(f"verify {name}")
        runs = look is not None and look.ended_at is None
        if last is None:
            return Verified(name, runs, None, None, 0, None, awaited=after)
        pairs = (last.summary or {}).get("pairs", 0)
        early = bool(ended_early(last))
        return Verified(name, runs, when(last.started_at), when(last.done_at), pairs, agreed_of(last), early, after)


def _hook(row: HookRow, wanted: bool, found: Mapping[str, HookFigures]) -> Hook:
    day, week = (_reliability([found[window]] if window in found else []) for window in WINDOWS)
    return Hook(
        key=row.key,
        wanted=wanted,
        state=row.state,
        on_purpose=row.state in ON_PURPOSE,
        vendor_id=row.vendor_id or "",
        registered_at=when(row.registered_at),
        seen_at=when(row.seen_at),
        delivered_at=when(row.delivered_at),
        note=row.note,
        day=day,
        week=week,
    )


def _reliability(figures: Sequence[HookFigures]) -> Reliability:
    reported, missed = sum(one.reported for one in figures), sum(one.missed for one in figures)
    share = reported / (reported + missed) if reported + missed else None
    return Reliability(reported, missed, sum(one.repaired for one in figures), share)


def _run(cursor: Cursor, progress: Progress | None, now: float) -> Run:
    kind, _, mapping = cursor.kind.partition(" ")
    name = {"full": "full sweep", "incremental": "sweep"}.get(kind, kind)
    state = "never"  # a run that has read nothing may only note the time from which changes count
    if cursor.started_at is not None and (cursor.done_at is not None or cursor.page is not None or cursor.rows):
        state = "runs" if cursor.runs else "done"
    if cursor.asked_at is not None:
        state = "requested"
    started, done = when(cursor.started_at if state != "never" else None), when(cursor.done_at)
    seconds = progress.seconds if progress is not None else None
    return Run(
        run=cursor.run or "",
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
