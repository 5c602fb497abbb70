"""Carries out a saved plan. Each step is decided again on the records as they are now, and done only if the decision
is the same. It is done as the daemon does it: with claims, leases, intents and journal."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from enum import StrEnum
from functools import partial
from typing import Any

from bridge.domain.errors import (
    BridgeError,
    LeaseLost,
    NeedsAuthorisation,
    RateLimited,
    RemoteError,
    StoreUnavailable,
    Unreachable,
)
from bridge.domain.frozen import dataclass, replace
from bridge.domain.record import Side
from bridge.planning import describe
from bridge.planning.rehearsal import worded
from bridge.planning.rows import REMEMBERED, Kind, Row
from bridge.store.model import Completion, LinkTaken, Outcome, TaskKey
from bridge.store.statements import kind_bits
from bridge.sync import retry
from bridge.sync.apply import apply
from bridge.sync.decide import decide
from bridge.sync.load import Loader
from bridge.sync.reasons import Reason
from bridge.sync.retry import SystemWatch
from bridge.sync.situation import Draft, Parts, Plan

PATIENCE_SECONDS = 60.0
"""How long a step is tried again while something temporary prevents it: a lease, the read lag."""

BUSY_SECONDS = 0.5


class Fate(StrEnum):
    """How a step ended."""

    DONE = "done"
    NEEDLESS = "already done"
    REFUSED = "refused"
    FAILED = "failed"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one step. `why`: the reason, for the reader; empty if the step was done."""

    rows: Sequence[Row]
    fate: Fate
    why: str = ""


class CarryingOut:
    """Carries out steps, several at once if they do not depend on one another."""

    def __init__(self, parts: Parts, systems: SystemWatch) -> None:
        self.parts = parts
        self.systems = systems
        self._stopped = ""

    async def run(self, steps: Iterable[list[Row]]) -> AsyncIterator[Result]:
        """Yield the result of each step, in the order in which they end.

        Steps about one record run one after the other. A step that refers to a record that the plan creates waits for
        all steps before it. When a system can no longer be called, the remaining steps are not tried.
        """
        running: dict[asyncio.Task[Result], TaskKey] = {}
        try:
            for rows in steps:
                key = key_of(rows[0])
                alone = _names_new(rows)
                while running and (alone or key in running.values() or len(running) >= self.parts.limits.workers):
                    for ended in await _some(running):
                        yield ended
                if self._stopped:
                    yield Result(rows, Fate.NOT_TRIED, self._stopped)
                    continue
                task = asyncio.create_task(self._step(rows))
                running[task] = key
            while running:
                for ended in await _some(running):
                    yield ended
        finally:
            for task in running:  # running steps must end, so that a write that was sent is stored
                await asyncio.wait([task])

    async def _step(self, rows: Sequence[Row]) -> Result:
        """Carry out one step. Try again, for PATIENCE_SECONDS, while something temporary prevents it."""
        clock = self.parts.seams.clock
        end = clock.monotonic() + PATIENCE_SECONDS
        while True:
            result = await self._once(rows, last=clock.monotonic() >= end)
            if isinstance(result, Result):
                return result
            await clock.sleep(min(result, max(0.0, end - clock.monotonic())))

    async def _once(self, rows: Sequence[Row], *, last: bool) -> Result | float:
        """Try a step once. Return its result, or the seconds after which to try again."""
        key, store = key_of(rows[0]), self.parts.store
        bits = kind_bits(rows[0].kinds)
        claimed = await store.tasks.claim_one(key, bits, self.parts.scopes, self.parts.limits.lease_seconds)
        if claimed is None:
            why = "the bridge is processing it, or its mapping is paused or runs with another version of its file"
            return Result(rows, Fate.REFUSED, why) if last else BUSY_SECONDS
        claim, before = claimed
        load = Loader(self.parts, claim, self.parts.mappings[key.mapping])
        try:
            decision = await load.conclude(decide)
            compared, _ = await worded(load, partial(describe.both, decision=decision))
            if _same(compared, rows[0].decided):
                return await self._carry_out(load, decision, rows)
            if isinstance(decision, Completion) and decision.outcome is Outcome.WAITING and not last:
                await store.tasks.submit(decision)
                return max(BUSY_SECONDS, (decision.due or 0.0) - store.now())
            changed = await worded(load, partial(_changed, rows=rows))
        except (LeaseLost, StoreUnavailable):
            raise
        except RemoteError as error:
            await store.tasks.put_back(load.draft.claim, before)
            if isinstance(error, RateLimited) and not error.daily and not last:
                return max(BUSY_SECONDS, error.after_seconds)
            self._stop(error)
            return Result(rows, Fate.FAILED, str(error))
        except BridgeError as error:
            await store.tasks.put_back(load.draft.claim, before)
            return Result(rows, Fate.FAILED, str(error))
        except BaseException:
            await store.tasks.put_back(load.draft.claim, before)
            raise
        await store.tasks.put_back(load.draft.claim, before)
        return _refused(rows, decision, changed)

    def _stop(self, error: BridgeError) -> None:
        """Try no further steps after an error that means that a system does not answer: they would fail as well."""
        if isinstance(error, Unreachable | NeedsAuthorisation | RateLimited):
            self._stopped = str(error)

    async def _carry_out(self, load: Loader, decision: Completion | Plan, rows: Sequence[Row]) -> Result:
        """Carry out a decision that is the same as planned. The end of the claim is stored as the daemon stores it."""
        tasks = self.parts.store.tasks
        try:
            end = decision if isinstance(decision, Completion) else await apply(load, decision)
        except (LeaseLost, StoreUnavailable):
            raise
        except BridgeError as error:
            self._stop(error)
            end = await retry.decide(load, error, self.systems)
            await tasks.submit(end)
            return Result(rows, Fate.FAILED, end.reason)
        try:
            await tasks.submit(end)
        except LinkTaken as error:
            await tasks.release(load.draft.claim, self.parts.store.now(), str(error))
            return Result(rows, Fate.REFUSED, str(error))
        if end.outcome in (Outcome.APPLIED, Outcome.UNCHANGED) or rows[0].kind in REMEMBERED:
            return Result(_with_ids(load.draft, rows, end), Fate.DONE)
        return Result(rows, Fate.FAILED, end.reason)


def _with_ids(draft: Draft, rows: Sequence[Row], end: Completion) -> list[Row]:
    """Return the rows with the id of the created record in place of the plan's id."""
    made = [entry.other_record_id for entry in end.journal if entry.what == "created" and entry.other_record_id]
    names = [draft.named(draft.side.other, record_id) for record_id in made]
    return [replace(row, target=names[0]) if names and row.kind is Kind.CREATE else row for row in rows]


def key_of(row: Row) -> TaskKey:
    return TaskKey(row.mapping, Side(row.side), row.record_id)


async def _some(running: dict[asyncio.Task[Result], TaskKey]) -> list[Result]:
    done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        del running[task]
    return [task.result() for task in done]


def _names_new(rows: Sequence[Row]) -> bool:
    """Whether a step names a record that an earlier one creates."""
    return any(change.get("new", False) for row in rows for change in row.fields.values())


def _same(decided: Any, planned: Any) -> bool:
    return bool(json.loads(json.dumps(decided)) == planned)


def _changed(draft: Draft, rows: Sequence[Row]) -> list[str]:
    """Return the names of records that changed since the plan was made."""
    now = describe.seen(draft)
    return sorted({name for row in rows for name, before in row.seen.items() if now.get(name, before) != before})


def _refused(rows: Sequence[Row], decision: Completion | Plan, changed: Sequence[str]) -> Result:
    if isinstance(decision, Completion) and decision.code in (Reason.IN_SYNC, Reason.OWN_SIDE_IN_SYNC):
        return Result(rows, Fate.NEEDLESS)
    if changed:
        return Result(rows, Fate.REFUSED, f"{' and '.join(changed)} changed since the plan was made")
    if isinstance(decision, Completion):
        return Result(rows, Fate.REFUSED, f"the bridge would now do something else: {decision.reason}")
    return Result(rows, Fate.REFUSED, f"the bridge would now do something else: {type(decision).__name__.lower()}")
