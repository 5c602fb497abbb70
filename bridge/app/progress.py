"""The progress of sweeps and backfills, and when they will end, for commands, pages and metrics."""

from collections.abc import Mapping
from typing import NamedTuple

from bridge.app.quotas import Budgeted, budgets_of
from bridge.app.wording import moment
from bridge.domain.event import Lane
from bridge.domain.priority import Priority
from bridge.store.cursors import LONGEST_PAGE_SECONDS, Cursor
from bridge.store.engine import Store
from bridge.store.model import Scope

STILL_SECONDS = 120.0
"""A run without a new page for this long makes no progress."""
Row = dict[str, object]


class Progress(NamedTuple):
    """A sweep or backfill that began and has not ended.

    `rows` were read, of `total` (None: not known yet; if the vendor does not say, the number of the last full listing).
    `waiting`: records it marked that are not processed yet. `per_minute`: records, while it was working. `seconds`:
    until it ends at that rate and within the budgets; None if that is unknown, for example while it is paused.
    `stands`: why it makes no progress, "" if it does.
    """

    cursor: Cursor
    rows: int
    total: int | None
    waiting: int
    per_minute: float | None
    seconds: float | None
    stands: str

    @property
    def done(self) -> int:
        """The number of rows that are done."""
        return max(0, self.rows - self.waiting)

    @property
    def name(self) -> str:
        """Its name for people: `backfill of deals (pipedrive deal)`, `full sweep of deskera crm_deal`."""
        cursor, entity = self.cursor, f"{self.cursor.system} {self.cursor.entity}"
        if cursor.mapping:
            return f"backfill of {cursor.mapping} ({entity})"
        return f"{'full sweep' if cursor.kind == 'full' else 'sweep'} of {entity}"

    def __str__(self) -> str:
        of = f" of {self.total:,}" if self.total is not None else ""
        told = [f"{self.done:,}{of} records"]
        told += [f"{self.per_minute:,.0f} per minute"] if self.per_minute is not None else []
        told += [self.stands] if self.stands else []
        told += [f"done in about {_duration(self.seconds)}"] if self.seconds is not None and not self.stands else []
        return f"{self.name}: {', '.join(told)}"


async def progress_of(
    store: Store, scopes: Mapping[str, Scope], budgets: Mapping[str, Budgeted] | None = None
) -> list[Progress]:
    """Return all sweeps and backfills that have not ended, backfills first."""
    cursors = await store.cursors.all()
    running = [cursor for cursor in cursors if cursor.runs and _reads(cursor)]
    if not running:
        return []
    budgets = await budgets_of(store, scopes) if budgets is None else budgets
    listed = {(one.system, one.entity): one.expected for one in cursors if one.kind == "full" and not one.runs}
    states, found = await store.mappings.states(), []
    for cursor in sorted(running, key=lambda one: (not one.mapping, one.system, one.entity, one.kind)):
        waiting, stands = 0, await store.systems.unusable(cursor.system)
        if cursor.mapping:
            waiting = await store.standing.waiting(Lane.BACKFILL, cursor.mapping)
            state = states.get(cursor.mapping)
            stands = "the mapping is paused" if state is not None and state.paused else stands
            if not _begun(cursor) and any(one.mapping == cursor.mapping and _begun(one) for one in running):
                waiting, stands = 0, stands or "waits for the other side"
        total = cursor.total if cursor.total is not None else listed.get((cursor.system, cursor.entity))
        held = _held(cursor, budgets, scopes)
        found.append(_progress(cursor, total, waiting, stands, held, store.now()))
    return found


def _reads(cursor: Cursor) -> bool:
    """Whether the run reads. One that has read nothing may only note the time from which changes count."""
    return bool(cursor.mapping) or _begun(cursor)


def _begun(cursor: Cursor) -> bool:
    return cursor.page is not None or cursor.rows > 0


def _progress(cursor: Cursor, total: int | None, waiting: int, stands: str, held: "_Held", now: float) -> Progress:
    """Return the progress. The rate is the number of finished records divided by the working time until now."""
    still = max(0.0, now - (cursor.moved_at or cursor.started_at or now))
    ends = not stands
    if not stands and held.stands:
        stands = "the daily budget has nothing left for it"
    if not stands and still > STILL_SECONDS and not waiting:
        stands = f"no page for {_duration(still)}"
    at_work = cursor.seconds + (0.0 if stands else min(still, LONGEST_PAGE_SECONDS))
    done = max(0, cursor.rows - waiting)
    per_second = done / at_work if done and at_work > 0 else None
    total = None if total is None else max(total, cursor.rows)
    seconds = None
    if ends and total is not None and per_second is not None:
        seconds = max((total - done) / per_second, held.seconds)
    return Progress(cursor, cursor.rows, total, waiting, per_second * 60 if per_second else None, seconds, stands)


class _Held(NamedTuple):
    """How long the budgets of its systems delay it. `stands`: nothing is left for it today."""

    seconds: float = 0.0
    stands: bool = False


def _held(cursor: Cursor, budgets: Mapping[str, Budgeted], scopes: Mapping[str, Scope]) -> _Held:
    priority, systems = Priority.RECONCILE, {cursor.system}
    if (scope := scopes.get(cursor.mapping)) is not None:
        priority, systems = Priority.BACKFILL, {scope.left.system, scope.right.system}
    queues = [one for name in systems if name in budgets for one in budgets[name].queue if one.priority is priority]
    days = [one.seconds for one in queues if one.left is not None and one.seconds is not None]
    return _Held(max(days, default=0.0), any(one.left == 0 for one in queues))


def progress_rows(found: list[Progress], now: float) -> list[Row]:
    """Return the rows for `bridge status`."""
    return [
        {
            "run": one.cursor.run,
            "state": one.stands or "runs",
            "done": one.done,
            "of": "-" if one.total is None else one.total,
            "still to be worked on": one.waiting,
            "per minute": "-" if one.per_minute is None else round(one.per_minute),
            "done at": "-" if one.seconds is None else moment(now + one.seconds),
        }
        for one in found
    ]


def _duration(seconds: float) -> str:
    """Return a duration for people: 40 s, 12 min, 3.5 h, 2.1 days."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} days"
