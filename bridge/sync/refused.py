"""A write that was refused: is it the values, or did a record go away between our read and our write?"""

from bridge.domain.errors import Rejected, RemoteError
from bridge.domain.record import Gone, Side
from bridge.store.model import Completion, TaskKey
from bridge.sync.work import Work

NOT_THERE = (404, 410)
REFUSED = "refused: "


def is_gone(error: Rejected) -> bool:
    """The record itself was not there any more: the next look finds out what became of it."""
    return error.status in NOT_THERE


async def may_be_about_another(work: Work, error: Rejected) -> Completion | None:
    """When the write named a record that was deleted, that one's pair is looked at first, and this one waits for it.

    Without this a deleted company would make a dead letter of every person who is just being written. Reads may lag, so
    a refused write that names others is tried twice.
    """
    gone: list[TaskKey] = []
    for link, side in work.referred:
        scope, rec = work.parts.scopes.get(link.mapping), link.rec(side)
        if scope is None or rec is None:
            continue
        ref = scope.endpoint(side).ref(rec)
        try:
            found = await work.parts.connectors[ref.system].read(ref)
        except RemoteError:
            continue
        if isinstance(found, Gone):
            gone.append(TaskKey(link.mapping, side, rec))
    if not gone:
        return _once_more(work, error)
    names = ", ".join(f"{key.mapping} {key.rec}" for key in gone)
    due = work.now() + work.parts.limits.wait_seconds
    reason = f"it names {names}, gone since it was linked; looking there first"
    return work.later(due, reason, waits_for=gone[0], mark=tuple(gone))


def _once_more(work: Work, error: Rejected) -> Completion | None:
    if not work.referred or work.claim.tasks[0].reason.startswith(REFUSED):
        return None
    due = work.now() + max(work.endpoint(side).settle for side in Side)
    return work.later(due, f"{REFUSED}{error}", attempt=True)
