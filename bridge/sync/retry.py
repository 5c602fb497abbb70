"""What an error means for the claim, and for the system that it came from.

Only this file says whether a record waits, an attempt counts, or a system is down or stopped. A system is down only if
its probe fails too, and it is up again as soon as a check succeeds.
"""

import logging
from collections.abc import Mapping

from bridge.connectors.protocols import Connector
from bridge.domain.concurrent import together
from bridge.domain.errors import (
    BridgeError,
    MappingFailed,
    NeedsAuthorisation,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    RemoteError,
    RetryLater,
    Unreachable,
)
from bridge.domain.record import SIDES, Gone, RecordRef
from bridge.domain.seams import Seams
from bridge.domain.waits import backoff_seconds
from bridge.store.engine import Store
from bridge.store.model import Completion, SystemRow, TaskKey, Unstorable
from bridge.sync.load import Loader
from bridge.sync.reasons import Reason
from bridge.sync.situation import Draft

AUTHORISATION_WAIT_SECONDS = 60.0
NOT_THERE = (404, 410)


async def decide(load: Loader, error: BridgeError, systems: "SystemWatch") -> Completion:
    """Return how a claim ends whose work raised `error`."""
    draft = load.refresh()
    if isinstance(error, RateLimited):
        return draft.later(draft.now + error.after_seconds, Reason.SYSTEM.of(error=error))
    if isinstance(error, NeedsAuthorisation):
        await systems.stop(error.system, error.message)
        draft = load.refresh()
        return draft.later(draft.now + AUTHORISATION_WAIT_SECONDS, Reason.SYSTEM.of(error=error))
    if isinstance(error, Rejected):
        return await _rejected(load, error)
    if isinstance(error, MappingFailed | Unstorable):  # the same value would be refused again
        return draft.dead(Reason.UNTRANSLATABLE.of(problem=error))
    if isinstance(error, OutcomeUnknown):
        return await _unknown(load, error, systems)
    if isinstance(error, Unreachable | RetryLater):
        return await _transient(load, error, systems)
    return attempt(load, str(error))


async def _unknown(load: Loader, error: OutcomeUnknown, systems: "SystemWatch") -> Completion:
    """Keep the intent or pending write, and look when reads must show it. An attempt, unless the system is down."""
    down = await systems.is_down(error.system, error.message)
    due = max(load.draft.look_at, load.parts.store.now() + load.parts.limits.backoff_first_seconds)
    return load.draft.later(due, Reason.OUTCOME_UNKNOWN.of(error=error), attempt=not down)


async def _transient(load: Loader, error: RemoteError, systems: "SystemWatch") -> Completion:
    """A system is down only when its probe fails too; otherwise the failure is this record's attempt."""
    if await systems.is_down(error.system, error.message):
        due = load.parts.store.now() + load.parts.limits.backoff_first_seconds
        return load.draft.later(due, Reason.SYSTEM.of(error=error))
    return attempt(load, str(error))


def attempt(load: Loader, reason: str) -> Completion:
    """A failed attempt of this record: it is tried again, or given up when there were enough."""
    attempts, limit = load.draft.first.attempts, load.parts.limits.attempts
    if attempts >= limit:
        return load.draft.dead(Reason.GIVEN_UP.of(attempts=attempts, error=reason))
    why = Reason.ATTEMPT.of(attempts=attempts, limit=limit, error=reason)
    return load.draft.later(_next(load), why, attempt=True)


def _next(load: Loader) -> float:
    """When to try again; the wait doubles with each attempt."""
    limits, attempts = load.parts.limits, load.draft.first.attempts
    first, longest = limits.backoff_first_seconds, limits.backoff_cap_seconds
    return load.parts.store.now() + backoff_seconds(attempts, first, longest, load.parts.seams.random)


def crashed(load: Loader, error: Exception) -> Completion:
    """A fault of the bridge itself counts as a failed attempt, so that one record does not stop the others."""
    return attempt(load, f"unexpected {type(error).__name__}: {error}")


def without_store(load: Loader) -> Completion:
    """End a claim during which the store was away. It counts as an attempt, and nothing that was gathered is kept."""
    return load.bare().draft.later(_next(load), Reason.STORE_AWAY.of(), attempt=True)


# ---- A write that was refused: is it the values, or did a record go away between our read and our write? ----


async def _rejected(load: Loader, error: Rejected) -> Completion:
    """Make a dead letter of a refused write, unless it concerns a record that went away since it was read."""
    if error.status in NOT_THERE:  # the next read finds out what happened to the record
        return attempt(load, str(error))
    gone = [key for ref, key in _referred(load) if await _is_gone(load, ref)]
    load.refresh()
    waiting = _looked_at_first(load.draft, gone) if gone else _once_more(load.draft, error)
    if waiting:
        return waiting
    return load.draft.dead(Reason.REFUSED.of(error=f"{error.field}: {error}" if error.field else error))


def _referred(load: Loader) -> list[tuple[RecordRef, TaskKey]]:
    """The records that the write named."""
    found: list[tuple[RecordRef, TaskKey]] = []
    for link, side in load.draft.referred:
        scope, record_id = load.parts.scopes.get(link.mapping), link.record_id(side)
        if scope is not None and record_id is not None:
            found.append((scope.endpoint(side).ref(record_id), TaskKey(link.mapping, side, record_id)))
    return found


async def _is_gone(load: Loader, ref: RecordRef) -> bool:
    try:
        return isinstance((await load.read(ref)).found, Gone)
    except RemoteError:
        return False


def _looked_at_first(draft: Draft, gone: list[TaskKey]) -> Completion:
    """Process the deleted records that the write referred to first; this record waits for them.

    Without this a deleted company would make a dead letter of every person who is just being written.
    """
    why = Reason.NAMES_GONE.of(names=", ".join(f"{key.mapping} {key.record_id}" for key in gone))
    return draft.later(draft.now + draft.limits.wait_seconds, why, waits_for=gone[0], mark=tuple(gone))


def _once_more(draft: Draft, error: Rejected) -> Completion | None:
    """Try a refused write that refers to other records once more, because reads may lag."""
    if not draft.referred or draft.first.code == Reason.REFUSED_ONCE:
        return None
    due = draft.now + max(draft.endpoint(side).read_lag for side in SIDES)
    return draft.later(due, Reason.REFUSED_ONCE.of(error=error), attempt=True)


# ---- Which systems answer ----


log = logging.getLogger(__name__)
PROBE_FIRST_SECONDS = 2.0
PROBE_CAP_SECONDS = 60.0
STOPPED_RECHECK_SECONDS = 300.0


class SystemWatch:
    """Keeps the state of each system in the store. `blocked`: systems for which the worker must not claim."""

    def __init__(self, connectors: Mapping[str, Connector], store: Store, seams: Seams) -> None:
        self.connectors = connectors
        self.store = store
        self.seams = seams
        self.blocked: frozenset[str] = frozenset()
        self.next_probe: dict[str, float] = {}
        self.failed: dict[str, int] = {}

    async def start(self) -> None:
        """Learn or check each account's identity. A system with another account than before is stopped."""
        await together(*(self.check(name) for name in self.connectors))

    async def is_down(self, name: str, reason: str) -> bool:
        """Probe a system that just failed; when the probe fails too it is marked as down."""
        if name in self.blocked:
            return True
        try:
            await self.connectors[name].probe()
        except RateLimited:
            return False
        except NeedsAuthorisation as error:
            await self.stop(name, error.message)
            return True
        except RemoteError as error:
            await self._mark_down(name, f"{reason}; probe: {error.message}")
            return True
        return False

    async def stop(self, name: str, reason: str) -> None:
        """Send nothing more to a system until a person has acted. It is checked every `STOPPED_RECHECK_SECONDS`."""
        await self._save(name, stopped=reason)
        self._block(name, STOPPED_RECHECK_SECONDS)
        log.error("system stopped", extra={"system": name, "reason": reason})

    async def run(self) -> None:
        """Check blocked systems until they answer, each on its own. Runs until cancelled."""
        await together(*(self._keep_looking(name) for name in self.connectors))

    async def _keep_looking(self, name: str) -> None:
        while True:
            at = self.next_probe.get(name)
            if at is not None and at <= self.store.now():
                await self.check(name)
            await self.seams.clock.sleep(1.0)

    async def check(self, name: str) -> str:
        """Check a system now. Return why it cannot be used, "" when it can."""
        await self._look(name)
        return await self.store.systems.unusable(name)

    async def _look(self, name: str) -> None:
        try:
            identity = await self.connectors[name].identity()
        except NeedsAuthorisation as error:
            await self.stop(name, error.message)
            return
        except RemoteError as error:
            await self._mark_down(name, error.message)
            return
        row = await self.store.systems.get(name)
        if row.identity_key is not None and row.identity_key != identity.key:
            await self.stop(name, f"the credentials open {identity.label}, not {row.identity_label} as before")
            return
        await self._mark_up(name, identity.key, identity.label)

    async def _mark_up(self, name: str, key: str, label: str) -> None:
        await self.store.systems.save(SystemRow(name=name, identity_key=key, identity_label=label))
        if name in self.blocked:
            log.info("system answers again", extra={"system": name})
        self.blocked -= {name}
        self.next_probe.pop(name, None)
        self.failed.pop(name, None)
        self.store.wake.set()

    async def _mark_down(self, name: str, reason: str) -> None:
        row = await self.store.systems.get(name)
        since = row.down_since if row.down_since is not None else self.store.now()
        await self._save(name, down_since=since, down_reason=reason)
        self.failed[name] = self.failed.get(name, 0) + 1
        if name not in self.blocked:
            log.warning("system is down", extra={"system": name, "reason": reason})
        wait = backoff_seconds(self.failed[name], PROBE_FIRST_SECONDS, PROBE_CAP_SECONDS, self.seams.random)
        self._block(name, wait)

    def _block(self, name: str, seconds: float) -> None:
        self.blocked |= {name}
        self.next_probe[name] = self.store.now() + seconds

    async def _save(
        self, name: str, *, down_since: float | None = None, down_reason: str = "", stopped: str = ""
    ) -> None:
        row = await self.store.systems.get(name)
        await self.store.systems.save(
            SystemRow(
                name=name,
                identity_key=row.identity_key,
                identity_label=row.identity_label,
                down_since=down_since,
                down_reason=down_reason,
                stopped=stopped,
            )
        )
