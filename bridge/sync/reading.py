"""Reading one side as it is now, and deciding whether the read may be believed."""

from dataclasses import dataclass

from bridge.domain.catalog import listed_only
from bridge.domain.record import Gone, Record, Side
from bridge.mapping import translate
from bridge.store.model import KnownRecord, RecordNote
from bridge.sync.work import Work

BELIEVE_AFTER_SETTLES = 10
FINE_SECONDS = 0.01
STILL_SHOWN = "was reported as deleted and is still shown"


@dataclass(frozen=True, slots=True)
class Stale:
    """A read that may not be believed yet: look again at `due`. `since`: when this record's reads began to lag."""

    due: float
    reason: str
    since: float


async def read(work: Work, side: Side, rec: str) -> Record | Gone | Stale:
    """Read a record once. Reads that may show a state older than one already known are Stale, not returned."""
    ref = work.ref(side, rec)
    known = await work.known(ref)
    early = _too_early(work, side, known)
    if early:
        return early
    found = await work.connector(side).read(ref)
    work.note_read(ref)
    stale = _older_than_known(work, side, found, known) or _alive_in_spite(work, side, found)
    if stale:
        return stale
    _note(work, found)
    return found


def _too_early(work: Work, side: Side, known: KnownRecord | None) -> Stale | None:
    """While our own write settles and nothing newer is known, no read can tell its echo from an older state."""
    endpoint = work.endpoint(side)
    if known is None or known.own_write_at is None:
        return None
    newer = known.version is not None and known.own_version is not None and known.version > known.own_version
    settled = known.own_write_at + endpoint.settle
    if work.now() >= settled or (endpoint.versioned and newer) or _fine(work, side):
        return None
    return _unsettled(work, side, known, settled)


def _older_than_known(work: Work, side: Side, found: Record | Gone, known: KnownRecord | None) -> Stale | None:
    if known is None or not isinstance(found, Record) or found.modified_at is None:
        return None
    endpoint, version, now = work.endpoint(side), found.modified_at.timestamp(), work.now()
    task = work.claim.tasks[0]
    since = task.stale_since if task.stale_since is not None else now
    if known.version is not None and version < known.version:
        if now - since > BELIEVE_AFTER_SETTLES * endpoint.settle:
            work.say(
                "believed", f"{work.named(side, known.ref.id)} kept showing an older state; believed after a while"
            )
            return None
        reason = f"{work.named(side, known.ref.id)} was read older than a state already known"
        return Stale(now + endpoint.settle, reason, since)
    return None


def _alive_in_spite(work: Work, side: Side, found: Record | Gone) -> Stale | None:
    """A delete event and a read that shows the record alive: the read may lag, so it is repeated once."""
    if isinstance(found, Gone) or not work.deleted_by_event(side, found.ref.id):
        return None
    task, settle = work.claim.tasks[0], work.endpoint(side).settle
    since = task.stale_since if task.reason.endswith(STILL_SHOWN) else None  # else it waited for something else
    if since is not None and work.now() >= since + settle:
        return None
    since = work.now() if since is None else since
    return Stale(since + settle, f"{work.named(side, found.ref.id)} {STILL_SHOWN}", since)


def _unsettled(work: Work, side: Side, known: KnownRecord, settled: float) -> Stale:
    since = work.claim.tasks[0].stale_since
    since = work.now() if since is None else since
    return Stale(settled, f"our own write to {work.named(side, known.ref.id)} has not settled", since)


def _fine(work: Work, side: Side) -> bool:
    """Versions so fine that an equal one is the same state."""
    resolution = work.manifest(side).version_resolution
    return work.endpoint(side).versioned and resolution is not None and resolution < FINE_SECONDS


def _note(work: Work, found: Record | Gone) -> None:
    if isinstance(found, Record):
        version = found.modified_at.timestamp() if found.modified_at else None
        work.records.append(RecordNote(found.ref, version=version, alive=True))
        if found.ref == work.ref(work.side, work.key.rec):
            listed = listed_only(work.manifest(work.side), found.fields)
            work.row_hash = translate.row_hash(work.mapping, work.side, listed)
    else:
        work.records.append(RecordNote(found.ref, gone_at=work.now(), gone_how=found.evidence.value))
