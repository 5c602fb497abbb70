"""The worker: claims due tasks, works on several at once, and finishes them. It sleeps until the next is due.

Each pair of systems has its own number of claims, so that a slow system delays only its own pairs.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from bridge.domain.errors import BridgeError, LeaseLost, StoreUnavailable
from bridge.domain.event import Lane
from bridge.domain.patience import STORE_AWAY, when_store_is_back
from bridge.domain.priority import Priority, calls_for, priority_of
from bridge.monitoring.following import EVENT
from bridge.store.model import Claim, Completion, LinkTaken, Outcome, Pair, Scope, Unstorable
from bridge.sync import retry
from bridge.sync.apply import apply
from bridge.sync.decide import decide
from bridge.sync.load import Loader
from bridge.sync.reasons import FOR_A_PERSON, Reason
from bridge.sync.retry import SystemWatch
from bridge.sync.situation import Parts

log = logging.getLogger(__name__)

IDLE_SECONDS = 2.0  # polling is only a safety net: events wake the worker
BUSY_SECONDS = 0.1  # a task that is due already is held by a running claim, whose end wakes the worker
TOGETHER_SECONDS = 0.04
"""While claims run, new ones are taken only this often, because claims that are taken together share transactions."""
ENDS_TOGETHER_SECONDS = 0.03
"""While other claims run, one that has ended is stored only after this time, in one transaction with those that end
meanwhile."""
SPREAD_SECONDS = 0.015
"""Claims that were taken together start within this time."""
STARTED_TOGETHER = 2
"""This many of them start at a time: each later start costs a turn of the event loop or two."""

KEPT_FREE = 4
"""One of this many claims is reserved for live changes, so that they never wait for the end of a sweep or backfill."""

Observe = Callable[[str, Outcome, float | None], None]
"""Called for every outcome (see `is_outcome`): mapping, outcome, seconds from the callback to the write it caused."""


class Worker:
    """Runs claims of one process. `parts` may be replaced while it runs; claims under way keep theirs."""

    def __init__(
        self, parts: Parts, systems: SystemWatch, observe: Observe = lambda mapping, outcome, seconds: None
    ) -> None:
        self.parts = parts
        self.systems = systems
        self.observe = observe
        self.running: dict[asyncio.Task[None], Pair] = {}
        self.lower: set[asyncio.Task[None]] = set()  # those with a lower priority than live changes

    async def run(self) -> None:
        """Work until cancelled; claims under way are then given the time they need to finish."""
        try:
            while True:
                await self._turn()
        finally:
            await self._drain()

    async def _turn(self) -> None:
        if self.running:
            await self.parts.seams.clock.sleep(TOGETHER_SECONDS)
        claims, next_due = await when_store_is_back(self.parts.seams.clock, self._claim)
        self._start_spread(claims)
        if self.running and not self._with_room():
            await asyncio.wait(self.running, return_when=asyncio.FIRST_COMPLETED)
        elif not claims:
            await self._sleep(next_due)

    async def _claim(self) -> tuple[Sequence[Claim], float | None]:
        """Claim what is due now. If nothing is, return when the next task will be."""
        tasks, limits = self.parts.store.tasks, self.parts.limits
        self.parts.store.wake.clear()
        scopes, blocked, at_work = self._with_room(), self.systems.blocked, Counter(self.running.values())
        lower = Counter(self.running[task] for task in self.lower)
        room = {
            scope.pair: limits.workers - limits.workers // KEPT_FREE - lower[scope.pair] for scope in scopes.values()
        }
        claims = await tasks.claim(limits.workers, scopes, limits.lease_seconds, blocked, at_work, room)
        return claims, None if claims else await tasks.next_due(scopes, blocked, room)

    def _with_room(self) -> dict[str, Scope]:
        """The mappings whose pair of systems may have more claims."""
        at_work, most = Counter(self.running.values()), self.parts.limits.workers
        return {name: scope for name, scope in self.parts.scopes.items() if at_work[scope.pair] < most}

    async def _sleep(self, next_due: float | None) -> None:
        seconds = IDLE_SECONDS
        if next_due is not None:
            seconds = min(seconds, max(BUSY_SECONDS, next_due - self.parts.store.now()))
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.parts.store.wake.wait()

    def _start_spread(self, claims: Sequence[Claim]) -> None:
        """Start claims one after the other, so that a callback which arrives meanwhile does not wait for all of them.

        If there may be more to claim than workers, all start at once.
        """
        full = len(self.running) + len(claims) >= self.parts.limits.workers
        apart = 0.0 if full or not claims else SPREAD_SECONDS / len(claims)
        for number, claim in enumerate(claims):
            self._start(claim, apart * (number - number % STARTED_TOGETHER))

    def _start(self, claim: Claim, after_seconds: float = 0.0) -> None:
        with calls_for(purpose_of(claim)):
            working = self._work(claim, after_seconds)
            task = asyncio.get_running_loop().create_task(working, name=f"sync {claim.key.mapping}")
        self.running[task] = claim.scope.pair
        if claim.tasks[0].lane is not Lane.LIVE:
            self.lower.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.running.pop(task, None)
        self.lower.discard(task)
        self.parts.store.wake.set()
        if not task.cancelled() and task.exception() is not None:
            log.error("a claim was abandoned", exc_info=task.exception())

    async def _work(self, claim: Claim, after_seconds: float = 0.0) -> None:
        parts = self.parts
        if after_seconds:
            await parts.seams.clock.sleep(after_seconds)
        EVENT.set(claim.event)
        load = Loader(parts, claim, parts.mappings[claim.key.mapping])
        if log.isEnabledFor(logging.DEBUG):
            log.debug("claimed", extra=_claimed(load))
        try:
            with parts.seams.tracing.step("claim", claim.event, mapping=claim.key.mapping) as step:
                completion = await self._outcome(load)
                completion = await self._submit(load, completion)
                step.set("outcome", completion.outcome.value)
        except LeaseLost:
            log.warning("lease lost", extra={"mapping": claim.key.mapping, "record": claim.key.record_id})
            return
        except LinkTaken as error:
            draft, why = load.refresh(), f"{Reason.LINKED_MEANWHILE.of().text}: {error}"
            due = draft.now + draft.jitter(1.0)
            await self._give_back(load, lambda: parts.store.tasks.release(load.draft.claim, due, why))
            return
        except StoreUnavailable as error:
            told = {"reason": str(error), "once": STORE_AWAY}
            log.error("store unavailable; the claim continues later", extra=told)
            await self._give_back(load, lambda: parts.store.tasks.submit(retry.without_store(load)))
            return
        self._report(load, completion)

    async def _give_back(self, load: Loader, end: Callable[[], Awaitable[None]]) -> None:
        """End a claim as soon as the store is available, so that nothing waits for the end of its lease."""
        left = load.draft.claim.expires - self.parts.store.now()
        with suppress(LeaseLost, StoreUnavailable):
            await when_store_is_back(self.parts.seams.clock, end, away=lambda _: None, at_most=left)

    async def _outcome(self, load: Loader) -> Completion:
        try:
            try:
                return await synchronize(load)
            except (LeaseLost, StoreUnavailable):
                raise
            except BridgeError as error:
                return await retry.decide(load, error, self.systems)
        except (LeaseLost, StoreUnavailable):
            raise
        except Exception as error:
            key = load.draft.key
            log.exception("unexpected failure", extra={"mapping": key.mapping, "record": key.record_id})
            return retry.crashed(load, error)

    async def _submit(self, load: Loader, completion: Completion) -> Completion:
        """Store how a claim ended. An end that cannot be stored is an attempt, so it is not repeated for ever."""
        tasks, key = self.parts.store.tasks, load.draft.key
        try:
            await tasks.submit(completion, ENDS_TOGETHER_SECONDS if len(self.running) > 1 else 0.0)
            return completion
        except (LeaseLost, LinkTaken, StoreUnavailable):
            raise
        except Unstorable as error:  # a value in a vendor's answer; the next answer may differ
            bare = retry.attempt(load.bare(), str(error))
        except Exception as error:
            log.exception("could not be stored", extra={"mapping": key.mapping, "record": key.record_id})
            bare = retry.crashed(load.bare(), error)
        await tasks.submit(bare)
        return bare

    def _report(self, load: Loader, completion: Completion) -> None:
        key = load.draft.key
        if is_outcome(completion):
            self.observe(key.mapping, completion.outcome, self._from_callback(completion))
        begins = completion.code in FOR_A_PERSON and completion.code != load.draft.first.code
        level = logging.WARNING if begins or completion.outcome is Outcome.DEAD else logging.INFO
        if not log.isEnabledFor(level):
            return
        told = _about(load)
        told.update(outcome=completion.outcome.value, code=completion.code, reason=completion.reason)
        if completion.code == Reason.SYSTEM:  # the same for every record until the system may be called again
            told["once"] = f"{key.mapping} {completion.code}"
        log.log(level, "synchronized", extra=told)

    def _from_callback(self, completion: Completion) -> float | None:
        task = completion.claim.tasks[0]
        if completion.outcome is not Outcome.APPLIED or task.lane is not Lane.LIVE or not task.taken:
            return None
        return max(0.0, self.parts.store.now() - task.first_due)

    async def _drain(self) -> None:
        """Let running claims finish. Those that are cut off are recovered from intents and pending writes."""
        if self.running:
            await asyncio.wait(self.running, timeout=self.parts.limits.write_seconds)
        for task in self.running:
            task.cancel()
        await asyncio.gather(*self.running, return_exceptions=True)


def _about(load: Loader) -> dict[str, object]:
    key = load.draft.key
    return {
        "mapping": key.mapping,
        "record": load.draft.named(key.side, key.record_id),
        "attempts": load.draft.first.attempts,
    }


def _claimed(load: Loader) -> dict[str, object]:
    task = load.draft.first
    return {**_about(load), "events": task.taken, "waited_seconds": round(load.draft.now - task.first_due, 3)}


def purpose_of(claim: Claim) -> Priority:
    """Return the priority of its calls: the highest one of its tasks."""
    again = claim.tasks[0].attempts > 1
    return min(priority_of(task.lane, again=again) for task in claim.tasks)


def is_outcome(completion: Completion) -> bool:
    """Whether the claim had a result, so that it is counted.

    It has none if the record still waits after it, if no event caused it and it found nothing to do, or if a person's
    retry left the dead letter unchanged. So no figure grows with the number of attempts.
    """
    tasks = completion.claim.tasks
    if completion.outcome is Outcome.DEAD:
        return not tasks[0].retried
    if completion.outcome in (Outcome.UNCHANGED, Outcome.FILTERED):
        return any(task.taken for task in tasks)
    return completion.outcome is Outcome.APPLIED


async def synchronize(load: Loader) -> Completion:
    """Make the claim's record and its counterpart agree, or say when and why not.

    Raises the errors of domain.errors for `retry` to decide on.
    """
    decided = await load.conclude(decide)
    if isinstance(decided, Completion):
        return decided
    with load.parts.seams.tracing.step("apply"):
        return await apply(load, decided)
