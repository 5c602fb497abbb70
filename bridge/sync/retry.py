"""Errors to decisions: the only place that says whether an error waits, counts, parks the record or stops a system."""

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
from bridge.store.model import Completion
from bridge.sync import refused
from bridge.sync.systems import SystemWatch
from bridge.sync.work import Work

AUTHORISATION_WAIT_SECONDS = 60.0


async def decide(work: Work, error: BridgeError, systems: SystemWatch) -> Completion:
    """What happens next to a claim whose work raised `error`."""
    if isinstance(error, RateLimited):
        return work.later(work.now() + error.after_seconds, str(error))
    if isinstance(error, NeedsAuthorisation):
        await systems.stop(error.system, error.message)
        return work.later(work.now() + AUTHORISATION_WAIT_SECONDS, str(error))
    if isinstance(error, Rejected):
        return await _rejected(work, error)
    if isinstance(error, MappingFailed):
        return work.dead(str(error))
    if isinstance(error, OutcomeUnknown):
        return await _unknown(work, error, systems)
    if isinstance(error, Unreachable | RetryLater):
        return await _transient(work, error, systems)
    return _attempt(work, str(error))


async def _rejected(work: Work, error: Rejected) -> Completion:
    """For good, unless it is about a record that went away since it was read."""
    if refused.is_gone(error):
        return _attempt(work, str(error))
    waiting = await refused.may_be_about_another(work, error)
    if waiting:
        return waiting
    return work.dead(f"{error.field}: {error}" if error.field else str(error))


async def _unknown(work: Work, error: OutcomeUnknown, systems: SystemWatch) -> Completion:
    """The intent or `sent` stays; look once reads must show it. An attempt, unless the system is down."""
    down = await systems.is_down(error.system, error.message)
    due = max(work.look_at, work.now() + work.parts.limits.backoff_first_seconds)
    return work.later(due, f"outcome unknown: {error}", attempt=not down)


async def _transient(work: Work, error: RemoteError, systems: SystemWatch) -> Completion:
    """A system is down only when its probe fails too; otherwise the failure is this record's attempt."""
    if await systems.is_down(error.system, error.message):
        return work.later(work.now() + work.parts.limits.backoff_first_seconds, str(error))
    return _attempt(work, str(error))


def used_up(work: Work) -> bool:
    """Whether the record has had all its attempts."""
    return work.claim.tasks[0].attempts >= work.parts.limits.attempts


def _attempt(work: Work, reason: str) -> Completion:
    limits, attempts = work.parts.limits, work.claim.tasks[0].attempts
    if used_up(work):
        return work.dead(f"given up after {attempts} attempts: {reason}")
    return work.later(_next(work), f"attempt {attempts} of {limits.attempts}: {reason}", attempt=True)


def _next(work: Work) -> float:
    """When to try again; the wait doubles with each attempt."""
    limits, attempts = work.parts.limits, work.claim.tasks[0].attempts
    wait: float = min(limits.backoff_cap_seconds, limits.backoff_first_seconds * 2 ** max(0, attempts - 1))
    return work.now() + wait * (0.5 + work.parts.seams.random.random() / 2)


def crashed(work: Work, error: Exception) -> Completion:
    """A fault of the bridge itself: an attempt like any other, so that one record stops nothing else."""
    return _attempt(work, f"unexpected {type(error).__name__}: {error}")


def without_store(work: Work) -> Completion:
    """The store was away while the claim was worked on: an attempt of which nothing is kept."""
    bare = Work(work.parts, work.claim, work.mapping)
    return bare.later(_next(bare), "the store was away", attempt=True)
