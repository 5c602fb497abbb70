"""Says why a record is on one side only, from what the store knows about it. Pure."""

from collections.abc import Mapping

from bridge.domain.record import Record, Side
from bridge.domain.seams import epoch
from bridge.mapping import translate
from bridge.mapping.model import Mapping as RecordMapping
from bridge.store.model import Link, LinkState, MappingState, Task, TaskState
from bridge.sync import match
from bridge.sync.reasons import DUPLICATES, SHADOW, UNLINKED, Reason

LIVE_MARGIN_SECONDS = 2.0  # vendors cut their times to whole seconds, and their clocks differ from the bridge's
STATES = {
    LinkState.DUPLICATE: "duplicate",
    LinkState.ALIAS: "counterpart gone",
    LinkState.TOMBSTONE: "counterpart gone",
    LinkState.UNKNOWN: "dead",
    LinkState.INTENDED: "waiting",
}
CODES: Mapping[str | None, str] = {
    **dict.fromkeys(DUPLICATES, "duplicate"),
    **dict.fromkeys(SHADOW, "shadow"),
    Reason.NONE_CREATED_THERE: "never crosses",
}


def why_alone(
    mapping: RecordMapping,
    side: Side,
    record: Record,
    task: Task | None,
    history: Link | None,
    state: MappingState,
    *,
    forgotten: bool,
) -> str:
    """Return a key of `report.ALONE_WORDS`. `history`: the youngest link that names the record; it is not a pair."""
    if forgotten:
        return "forgotten"
    if task is not None and task.state is TaskState.DEAD:
        return "dead"
    if task is not None and task.state is not TaskState.IDLE:
        return "waiting"
    if history is not None and history.state in STATES:
        return STATES[history.state]
    if _unlinked(mapping, side, record, task, history):
        return "unlinked"
    if translate.passes_where(mapping, side, record.fields) is False:
        return "filtered"
    if side.other not in mapping.creates or side.other not in mapping.writes:
        return "never crosses"
    if task is not None and task.code in CODES:
        return CODES[task.code]
    return "before going live" if _from_before(record, task, state) else "not matched"


def _unlinked(mapping: RecordMapping, side: Side, record: Record, task: Task | None, history: Link | None) -> bool:
    """Return whether a person ended the pair of the record, or of the record that it matches, and nobody edited it
    since. The edit counts even if no callback reported it."""
    if history is not None and history.state is LinkState.PARTED:
        return not match.edited(mapping, history, side, record)
    return task is not None and task.code in UNLINKED


def _from_before(record: Record, task: Task | None, state: MappingState) -> bool:
    """Return whether nobody has edited the record since the mapping went live and nothing was decided about it."""
    if task is not None and task.generation:
        return False
    touched = [epoch(moment) for moment in (record.modified_at, record.created_at) if moment is not None]
    if state.live_since is None:
        return True
    if touched:
        return max(touched) < state.live_since - LIVE_MARGIN_SECONDS
    return task is not None and task.decided_hash is not None
