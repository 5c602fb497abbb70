"""Makes the plan: the worker's loop on a scratch copy of the store, with writes that are only recorded."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from bridge.domain.errors import (
    BridgeError,
    LeaseLost,
    NeedsAuthorisation,
    RateLimited,
    RetryLater,
    StoreUnavailable,
    Unreachable,
)
from bridge.domain.frozen import dataclass, replace
from bridge.mapping.model import Mapping as RecordMapping
from bridge.planning import describe
from bridge.planning.clock import SkippingClock
from bridge.planning.pretend import Notes
from bridge.planning.rows import Row
from bridge.reconcile.backfill import Backfill
from bridge.reconcile.reconciler import MappingsInUse, Reconciler
from bridge.reconcile.walk import Sweep
from bridge.store.model import Completion, LinkTaken, Mode, Outcome, Routes, TaskKey
from bridge.sync import retry
from bridge.sync.apply import apply
from bridge.sync.decide import decide
from bridge.sync.load import Loader
from bridge.sync.reasons import SHADOW, Reason
from bridge.sync.retry import SystemWatch
from bridge.sync.situation import Draft, Parts, Plan, Removal

log = logging.getLogger(__name__)
T = TypeVar("T")

NEVER_SECONDS = 10 * 365 * 86_400.0
"""How long a record is put off that only something outside the plan can free."""

LOOKS = 3
"""How often in a row a record may wait for the same reason. After that, only something outside the plan can free it."""

LAGS = frozenset({Reason.READ_TOO_EARLY, Reason.READ_STALE, Reason.EDIT_NOT_SHOWN, Reason.KEPT_VISIBLE})
LOOKS_AT_LAGS = 15
"""The same for waits because of read lag. Such a read is accepted after a time, which takes more looks."""

AT_ONCE = frozenset({Reason.ATTEMPT, Reason.SYSTEM, Reason.STORE_AWAY, Reason.OUTCOME_UNKNOWN, Reason.REFUSED_ONCE})
"""Reasons that are reported after one look, because the daemon tries again."""


class PlanStopped(BridgeError):
    """The plan could not be completed; the message says why."""


@dataclass(frozen=True, slots=True)
class Whole(Backfill):
    """A backfill that marks every page at once: a plan has no live changes that it could delay."""

    async def _wait_for_room(self) -> None:
        return


class Rehearsal:
    """One plan. `parts`: the scratch copy as the store, and connectors that only record writes (see `pretend`)."""

    def __init__(self, parts: Parts, routes: Routes, notes: Notes, clock: SkippingClock) -> None:
        live = {name: replace(scope, mode=Mode.LIVE) for name, scope in parts.scopes.items()}
        self.parts = replace(parts, scopes=live)
        self.systems = SystemWatch(parts.connectors, parts.store, parts.seams)
        self.notes = notes
        self.spool = notes.spool
        self.clock = clock
        self.sweeps: list[Sweep] = []
        self._steps = 0
        work = MappingsInUse(parts.mappings, live, routes)
        self.reconciler = Reconciler(parts.connectors, work, parts.store, parts.seams)
        self._dead: dict[TaskKey, str] = {}
        """Dead letters from before this plan, with their codes."""
        self._looks: dict[TaskKey, tuple[str, int]] = {}

    async def run(
        self,
        backfills: Sequence[str],
        told: Callable[[str], None] = lambda text: None,
        compared: Callable[[], None] = lambda: None,
    ) -> None:
        """Make a plan as if every mapping were live, after a full comparison of both sides.

        backfills: mappings whose records from before going live are brought in. told: called with the progress.
        compared: called when the comparison ends and work on single records begins. Raises PlanStopped when a system
        cannot be called.
        """
        await self._begin()
        for system, entity in self.reconciler.entities():
            told(f"comparing {system} {entity}")
            self._sweep(await self.reconciler.sweep(system, entity, "full"))
        for sweep in await self.reconciler.index():  # indexes that were not filled because of rows not understood
            self._sweep(sweep)
        compared()
        await self._work(told)
        for name in parents_first(self.parts.mappings, backfills):
            told(f"reading the records of {name} from before going live")
            parts = self.parts
            whole = Whole(parts.mappings[name], parts.scopes[name], parts.connectors, parts.store, parts.seams)
            self._sweep(await whole.run())
            await parts.store.left_alone.make_due_again(name, SHADOW)
            await self._work(told)
        self.spool.settle()

    async def _begin(self) -> None:
        """Take over the present mapping files, live and not paused. Check that every account answers and is the same
        as before."""
        store = self.parts.store
        self._dead = {task.key: task.code for task, _ in await store.dead_letters.list()}
        await store.mappings.sync(self.parts.scopes)
        await store.mappings.set_paused(None, False)
        for name, row in (await store.systems.all()).items():
            if row.stopped:
                raise PlanStopped(f"{name} is stopped: {row.stopped}")
        await self.systems.start()
        for name in self.parts.connectors:
            if unusable := await store.systems.unusable(name):
                raise PlanStopped(unusable)

    def _sweep(self, sweep: Sweep) -> None:
        if sweep.fault:
            place = f"{sweep.system} {sweep.entity}".strip()
            raise PlanStopped(f"{place}: {sweep.kind} ended early: {sweep.fault}")
        self.sweeps.append(sweep)

    async def _work(self, told: Callable[[str], None]) -> None:
        """Process every claim to its end, and what is due later as if the time had passed."""
        tasks, limits, scopes = self.parts.store.tasks, self.parts.limits, self.parts.scopes
        looked_at, next_word = 0, 100
        end = self.parts.store.now() + NEVER_SECONDS / 2
        while True:
            claims = await tasks.claim(limits.workers, scopes, limits.lease_seconds)
            loads = [Loader(self.parts, claim, self.parts.mappings[claim.key.mapping]) for claim in claims]
            for load, decision in zip(loads, await asyncio.gather(*map(self._decided, loads)), strict=True):
                await self._carry_on(load, decision)
            looked_at += len(claims)
            if looked_at >= next_word:
                told(f"checked records {looked_at} times")
                next_word *= 2
            if claims:
                continue
            due = await tasks.next_due(scopes)
            if due is None or due > end:
                return
            self.clock.skip(max(0.1, due - self.parts.store.now()))

    async def _decided(self, load: Loader) -> Completion | Plan | Exception:
        """Return the decision, or the error. Several run at the same time, because they wait for the systems."""
        try:
            return await load.conclude(decide)
        except Exception as error:
            return error

    async def _carry_on(self, load: Loader, decision: Completion | Plan | Exception) -> None:
        """Do what the worker does with a decision, and record it. Decisions are handled one after the other, so that of
        two new records with the same match key the first one is created."""
        claim, store = load.situation.claim, self.parts.store
        self._steps += 1
        rows: list[Row] = []
        compared: object = None
        try:
            if isinstance(decision, Exception):
                raise decision
            compared, rows = await worded(load, partial(describe.both, decision=decision))
            self.notes.writes.clear()
            end = decision if isinstance(decision, Completion) else await apply(load, decision)
            rows = describe.written(load.draft, rows, self.notes.writes)
        except (LeaseLost, StoreUnavailable):
            raise
        except (Unreachable, NeedsAuthorisation, RateLimited) as error:
            raise PlanStopped(f"{error.system} cannot be called any more: {error.message}") from error
        except RetryLater as error:
            end, rows = retry.attempt(load, str(error)), []
        except BridgeError as error:
            end, rows = await retry.decide(load, error, self.systems), []
        except Exception as error:
            log.exception("unexpected failure", extra={"mapping": claim.key.mapping, "record": claim.key.record_id})
            end, rows = retry.crashed(load, error), []
        rows += await worded(load, partial(describe.of_end, end=end, removal=isinstance(decision, Removal)))
        end = self._ended(load.draft, end, rows)
        kinds = sorted({kind for task in claim.tasks if task.key == claim.key for kind in task.kinds})
        for row in rows:
            self.spool.add(replace(row, step=self._steps, decided=compared, kinds=kinds))
        try:
            await store.tasks.submit(end)
        except LinkTaken:
            await store.tasks.release(load.draft.claim, store.now() + 1.0, "linked meanwhile")

    def _ended(self, draft: Draft, end: Completion, rows: Sequence[Row]) -> Completion:
        """Note how a claim ended. A record that only something outside the plan can free is put off for good."""
        key = draft.key
        for task in end.claim.tasks:  # a dead letter also ends with its counterpart's task
            self.spool.goes_on(task.key)
        if not rows and end.outcome is not Outcome.APPLIED:
            known = end.outcome is Outcome.DEAD and self._dead.get(key) == end.code
            self.spool.ends(key, "known" if known else end.outcome.value, end.code, describe.of_stop(draft, end))
        if end.outcome is not Outcome.WAITING:
            self._looks.pop(key, None)
            return end
        code, looks = self._looks.get(key, ("", 0))
        looks = looks + 1 if code == end.code else 1
        self._looks[key] = (end.code, looks)
        most = 1 if end.code in AT_ONCE else LOOKS_AT_LAGS if end.code in LAGS else LOOKS
        return end if looks < most else replace(end, due=self.parts.store.now() + NEVER_SECONDS)


def parents_first(mappings: Mapping[str, RecordMapping], names: Iterable[str]) -> list[str]:
    """Return the names in order: each mapping after those that its records refer to, except within a cycle."""
    order: list[str] = []
    wanted = sorted(names)

    def add(name: str, path: tuple[str, ...]) -> None:
        for row in (row for field in mappings[name].fields for row in field.refers):
            if row.link in wanted and row.link not in (*path, name):
                add(row.link, (*path, name))
        if name not in order:
            order.append(name)

    for name in wanted:
        add(name, ())
    return order


async def worded(load: Loader, words: Callable[[Draft], T]) -> T:
    """Return `words` of a draft. The names of records that it needs are looked up first."""
    draft = load.draft
    told = await load.conclude(words, before=draft)
    load.draft, draft.situation = draft, load.situation
    return told
