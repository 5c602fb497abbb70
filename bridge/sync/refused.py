"""A write that was refused: is it the values, or did a record go away between our read and our write?"""

from bridge.domain.errors import Rejected, RemoteError
from bridge.domain.record import Gone
from bridge.store.model import Completion, TaskKey
from bridge.sync.work import Work

NOT_THERE = (404, 410)


def is_gone(error: Rejected) -> bool:
    """The record itself was not there any more: the next look finds out what became of it."""
    return error.status in NOT_THERE


async def named_one_gone(work: Work) -> Completion | None:
    """Whether the write named a record that was deleted: that one's pair is looked at first, and this one waits for it.

    Without this a deleted company would make a dead letter of every person who is just being written.
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
        return None
    names = ", ".join(f"{key.mapping} {key.rec}" for key in gone)
    due = work.now() + work.parts.limits.wait_seconds
    reason = f"it names {names}, gone since it was linked; looking there first"
    return work.later(due, reason, waits_for=gone[0], mark=tuple(gone))
