"""Whether a read is accepted: a read that may show a state older than one already known is repeated later."""

from bridge.connectors.ties import Ties
from bridge.domain.catalog import listed_only
from bridge.domain.record import Evidence, Gone, Record, RecordRef, Side
from bridge.mapping import translate
from bridge.store.model import Completion, KnownRecord, Link, RecordNote, Task, Unless
from bridge.sync.reasons import Reason
from bridge.sync.situation import Draft, Moment, Stale

ACCEPT_AFTER_READ_LAGS = 10
AWAY_AFTER_READ_LAGS = 15
"""A record with a rejected read is read again every read lag. If it was not read for so long, the bridge was away."""
FINE_SECONDS = 0.01


def read(draft: Draft, side: Side, record_id: str) -> Record | Gone | Stale:
    """The record as it is now, or Stale when the read may show a state older than one already known."""
    ref = draft.ref(side, record_id)
    if ref in draft.accepted:
        return draft.accepted[ref]
    known = draft.known(ref)
    early = _too_early(draft, side, known)
    if early:
        return early
    found = draft.look(ref)
    since = _stale_since(draft.first, draft.now, draft.endpoint(side).read_lag)
    stale = _older_than_known(draft, side, found, known, since) or _alive_in_spite(draft, side, found)
    stale = stale or _absent_too_early(draft, side, found, known)
    if stale:
        return stale
    _note(draft, found)
    draft.accepted[ref] = found
    return found


def read_pair(draft: Draft, link: Link) -> dict[Side, Record | Gone] | Completion:
    """Both records as they are now; otherwise the end of the claim until they can be read."""
    pair: dict[Side, Record | Gone] = {}
    for side in (draft.side, draft.side.other):
        record_id = link.record_id(side)
        assert record_id is not None, "a live link has both records"
        found = read(draft, side, record_id)
        if isinstance(found, Stale):
            return draft.stale(found)
        pair[side] = found
    return pair


def too_early(draft: Draft, side: Side, record_id: str) -> bool:
    """Whether no read of the record could be accepted now, so that none is made."""
    return _too_early(draft, side, draft.known(draft.ref(side, record_id))) is not None


def of_another(draft: Draft, side: Side, record_id: str) -> Record | Gone | Stale:
    """Return a leased record that the claim is not about as it is now, or Stale."""
    known = draft.known(draft.ref(side, record_id))
    early = _too_early(draft, side, known)
    if early:
        return early
    found = draft.look(draft.ref(side, record_id), Moment.LEASED)
    since = _stale_since(draft.claim.tasks[0], draft.now, draft.endpoint(side).read_lag)
    stale = _older_than_known(draft, side, found, known, since) or _absent_too_early(draft, side, found, known)
    return stale or found


def too_early_to_link(draft: Draft, side: Side, record_id: str) -> Completion | None:
    """Wait before a record without a link is linked: the bridge wrote to it, or it was gone, within the read lag.

    The write may have been its deletion. Reads may still show it then, and no version tells that they are old. A record
    that was linked with it would lose its counterpart, or be deleted too.
    """
    known = draft.known(draft.ref(side, record_id))
    wrote, gone = (known.own_write_at or 0.0, known.gone_at or 0.0) if known is not None else (0.0, 0.0)
    settled = max(wrote, gone) + draft.endpoint(side).read_lag
    if draft.now >= settled:
        return None
    why = Reason.READ_TOO_EARLY if wrote > gone else Reason.GONE_A_MOMENT_AGO
    return draft.later(settled, why.of(record=draft.named(side, record_id)))


def _too_early(draft: Draft, side: Side, known: KnownRecord | None) -> Stale | None:
    """Return Stale within the read lag of our own write, unless a newer version is known.

    Until then no read can distinguish the echo of that write from an older state.
    """
    endpoint = draft.endpoint(side)
    if known is None or known.own_write_at is None:
        return None
    newer = known.version is not None and known.own_version is not None and known.version > known.own_version
    settled = known.own_write_at + endpoint.read_lag
    if known.told_at is not None and known.own_write_at <= known.told_at < settled:  # mostly our own echo
        settled = known.told_at + endpoint.read_lag
    elif _fine(draft, side):
        return None
    if draft.now >= settled or (endpoint.versioned and newer):
        return None
    since = _stale_since(draft.first, draft.now, draft.endpoint(side).read_lag)
    return Stale(settled, Reason.READ_TOO_EARLY.of(record=draft.named(side, known.ref.id)), since)


def _older_than_known(
    draft: Draft, side: Side, found: Record | Gone, known: KnownRecord | None, since: float
) -> Stale | None:
    """Return Stale if the read is older than a known version. since: when reads of the record began to lag."""
    if known is None or known.version is None or not isinstance(found, Record) or found.modified_at is None:
        return None
    read_lag, now, name = draft.endpoint(side).read_lag, draft.now, draft.named(side, known.ref.id)
    if found.modified_at.timestamp() >= known.version:
        return None
    if now - since > ACCEPT_AFTER_READ_LAGS * read_lag:
        draft.say("accepted", f"{name} kept showing an older state; the read is accepted now")
        return None
    return Stale(now + read_lag, Reason.READ_STALE.of(record=name), since)


def _alive_in_spite(draft: Draft, side: Side, found: Record | Gone) -> Stale | None:
    """Return Stale if a delete event came and the read shows the record: the read may lag, so it is repeated once."""
    if isinstance(found, Gone) or not draft.deleted_by_event(side, found.ref.id):
        return None
    task, read_lag = draft.first, draft.endpoint(side).read_lag
    since = task.stale_since if task.code == Reason.KEPT_VISIBLE else None  # else it waited for something else
    if since is not None and draft.now >= since + read_lag:
        return None
    since = draft.now if since is None else since
    return Stale(since + read_lag, Reason.KEPT_VISIBLE.of(record=draft.named(side, found.ref.id)), since)


def _absent_too_early(draft: Draft, side: Side, found: Record | Gone, known: KnownRecord | None) -> Stale | None:
    """Return Stale if a record is not found within the read lag of our own write: there is no version to compare."""
    if not isinstance(found, Gone) or found.evidence is not Evidence.NOT_FOUND:
        return None
    if known is None or known.own_write_at is None or draft.deleted_by_event(side, found.ref.id):
        return None
    settled, seen = known.own_write_at + draft.endpoint(side).read_lag, draft.seen(found.ref)
    if seen is None or seen.at >= settled:  # it is the read's time that counts: the process may have been stopped since
        return None
    since = _stale_since(draft.first, draft.now, draft.endpoint(side).read_lag)
    return Stale(settled, Reason.READ_TOO_EARLY.of(record=draft.named(side, found.ref.id)), since)


def edit_not_shown(draft: Draft, side: Side, record_id: str) -> Stale | None:
    """Return Stale if a callback reported an edit without its version, and the read may be older than the edit.

    Nothing is written to the record from such a read, because that could overwrite the edit.
    """
    ref, read_lag = draft.ref(side, record_id), draft.endpoint(side).read_lag
    known, seen = draft.known(ref), draft.seen(ref)
    if known is None or known.told_at is None or seen is None or seen.at >= known.told_at + read_lag:
        return None
    if _waited_enough(draft, read_lag):
        name = draft.named(side, record_id)
        draft.say("accepted", f"callbacks about {name} keep coming; the read is accepted now")
        return None
    return reported_meanwhile(draft, side, ref, known.told_at)


def unless(draft: Draft, side: Side, record_id: str, read_at: float, ties: Ties) -> Unless:
    """Return what prevents a write: a reported edit of a record, after a moment; a worker that has leased a record.

    The claim knows what was reported before it began, but a write may wait long for its turn at a vendor. Of carried
    records it knows nothing. Nothing prevents the write of a record that has waited long enough. read_at: when the
    record was read. The read shows what was reported, and what the bridge wrote, at least one read lag earlier.
    """
    ref, read_lag = draft.ref(side, record_id), draft.endpoint(side).read_lag
    if _waited_enough(draft, read_lag):
        return Unless()
    known, shown = draft.known(ref), read_at - read_lag
    before = known.told_at if known is not None else None
    own = shown if before is None else max(before, shown)
    reported = {ref: own, **dict.fromkeys(ties.carried, shown)}
    return Unless(reported, frozenset((*ties.carried, *ties.carriers)))


def reported_meanwhile(draft: Draft, side: Side, ref: RecordRef, at: float, *, ours: bool = False) -> Stale:
    """Return the Stale for an edit that a callback reported at that moment: reads show it after the read lag.

    ours: the bridge wrote the record itself at that moment.
    """
    name = _named(draft, side, ref)
    why = Reason.READ_TOO_EARLY.of(record=name) if ours else Reason.EDIT_NOT_SHOWN.of(record=name)
    read_lag = draft.endpoint(side).read_lag
    return Stale(at + read_lag, why, _stale_since(draft.claim.tasks[0], draft.now, read_lag))


def leased_elsewhere(draft: Draft, side: Side, ref: RecordRef) -> Stale:
    """Return the Stale for a record that another worker may be writing, and that this write concerns."""
    why = Reason.RECORD_BUSY.of(record=_named(draft, side, ref))
    since = _stale_since(draft.claim.tasks[0], draft.now, draft.endpoint(side).read_lag)
    return Stale(draft.now + draft.jitter(0.5), why, since)


def _named(draft: Draft, side: Side, ref: RecordRef) -> str:
    """Return `draft.named` for a record that may be of another entity than the mapping's."""
    return f"{draft.side_name(side)} {ref.entity} {ref.id}"


def _stale_since(task: Task, now: float, read_lag: float) -> float:
    """Return since when reads have lagged. Time in which the bridge was away, and read nothing, does not count."""
    since = task.stale_since
    return now if since is None or now - since > AWAY_AFTER_READ_LAGS * read_lag > 0 else since


def _waited_enough(draft: Draft, read_lag: float) -> bool:
    since = _stale_since(draft.claim.tasks[0], draft.now, read_lag)
    return draft.now - since > ACCEPT_AFTER_READ_LAGS * read_lag


def shows_reported_edit(draft: Draft, side: Side, record_id: str, *, changed: bool) -> bool:
    """Whether exactly one event reported an edit and the read shows one: mostly the same, so no second read is needed.

    changed: whether the record differs from the base.
    """
    task, known, seen = (
        draft.task_of(side, record_id),
        draft.known(draft.ref(side, record_id)),
        draft.seen(draft.ref(side, record_id)),
    )
    if task is None or task.taken != 1 or known is None or seen is None:
        return False
    return changed or _newer(draft, side, seen.found, known)


def _newer(draft: Draft, side: Side, found: Record | Gone, known: KnownRecord) -> bool:
    """Whether a read shows a state that was not known when the claim began."""
    if not draft.endpoint(side).versioned or not isinstance(found, Record) or found.modified_at is None:
        return False
    return known.version is None or found.modified_at.timestamp() > known.version


def _fine(draft: Draft, side: Side) -> bool:
    """Whether versions are so fine that equal versions mean the same state."""
    resolution = draft.manifest(side).version_resolution
    return draft.endpoint(side).versioned and resolution is not None and resolution < FINE_SECONDS


def _note(draft: Draft, found: Record | Gone) -> None:
    if isinstance(found, Record):
        version = found.modified_at.timestamp() if found.modified_at else None
        draft.records.append(RecordNote(found.ref, version=version, alive=True))
        if found.ref == draft.ref(draft.side, draft.key.record_id):
            listed = listed_only(draft.manifest(draft.side), found.fields)
            draft.row_hash = translate.row_hash(draft.mapping, draft.side, listed)
    else:
        draft.records.append(RecordNote(found.ref, gone_at=draft.now, gone_how=found.evidence.value))
