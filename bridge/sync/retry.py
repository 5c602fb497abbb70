"""Decide what follows an error. Only this module says whether a record waits, an attempt counts, a system stops."""

from bridge.domain.backoff import backoff_seconds
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
from bridge.store.model import Completion, TaskKey, Unstorable
from bridge.sync.load import Loader
from bridge.sync.reasons import Reason
from bridge.sync.situation import Draft
from bridge.sync.systems import SystemWatch

AUTHORISATION_WAIT_SECONDS = 60.0
NOT_THERE = (404, 410)


async def decide(load: Loader, error: BridgeError, systems: SystemWatch) -> Completion:
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


async def _unknown(load: Loader, error: OutcomeUnknown, systems: SystemWatch) -> Completion:
    """Keep the intent or pending write, and look when reads must show it. An attempt, unless the system is down."""
    down = await systems.is_down(error.system, error.message)
    due = max(load.draft.look_at, load.parts.store.now() + load.parts.limits.backoff_first_seconds)
    return load.draft.later(due, Reason.OUTCOME_UNKNOWN.of(error=error), attempt=not down)


async def _transient(load: Loader, error: RemoteError, systems: SystemWatch) -> Completion:
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


# A write that was refused: is it the values, or did a record go away between our read and our write?


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
