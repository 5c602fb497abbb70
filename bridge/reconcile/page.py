"""Judges one page of a listing: which of its rows a mapping must sync again."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from typing import Any

from bridge.domain.catalog import EntityManifest, listed_only
from bridge.domain.event import Event, EventKind, Origin
from bridge.domain.record import Evidence, Fields, Gone, Record, Side
from bridge.domain.seams import epoch
from bridge.mapping import translate
from bridge.mapping.model import Mapping
from bridge.mapping.values import LinkId, Reference
from bridge.reconcile.compare import differs, edited
from bridge.store.cursors import TaskNote
from bridge.store.engine import Store
from bridge.store.hooks import SweptChange
from bridge.store.model import KeyNote, Link, LinkState, MappingState, RecordNote, Scope, TaskKey

LIVE_MARGIN_SECONDS = 2.0  # vendors cut their times to whole seconds, and their clocks differ from the bridge's
UNKNOWN = TaskNote()

Values = MappingOf[str, Any]


@dataclass(slots=True)
class PageMarks:
    """What a page's transaction stores. `reported`: records that a waiting event had reported already. `changes`: rows
    that somebody changed at the vendor since both sides agreed and since the last sweep."""

    events: dict[str, Event] = field(default_factory=dict)
    records: list[RecordNote] = field(default_factory=list)
    keys: list[KeyNote] = field(default_factory=list)
    decided: list[tuple[TaskKey, str]] = field(default_factory=list)
    reported: set[str] = field(default_factory=set)
    changes: dict[str, SweptChange] = field(default_factory=dict)

    @property
    def missed(self) -> int:
        """The number of marked rows that no callback had reported."""
        return len(self.events.keys() - self.reported)

    @property
    def missed_changes(self) -> list[SweptChange]:
        """Changes that no callback has reported yet."""
        return [change for record_id, change in self.changes.items() if record_id not in self.reported]


@dataclass(frozen=True, slots=True)
class Use:
    """One mapping that syncs the listed entity, with the side that the entity is on."""

    mapping: Mapping
    scope: Scope
    side: Side
    state: MappingState
    facts: EntityManifest

    @property
    def indexed(self) -> bool:
        """Whether a complete listing has filled the match index of this side."""
        return self.side in self.state.indexed

    def key(self, record_id: str) -> TaskKey:
        return TaskKey(self.mapping.name, self.side, record_id)

    def row_hash(self, fields: Fields) -> str:
        """Return a hash of the columns that listings contain, so that a read and a row of a listing have the same."""
        return translate.row_hash(self.mapping, self.side, listed_only(self.facts, fields))


@dataclass(frozen=True, slots=True)
class Purpose:
    """Why a listing is walked. `full`: it shows every row, so that the first walk fills the match index and is what
    later ones compare with. `everything`: it is a backfill, which also takes unlinked rows that were left alone before.
    `looked`: the time up to which earlier sweeps found changes, by the vendor's clock; None if none has looked yet.
    """

    origin: Origin
    full: bool = False
    everything: bool = False
    looked: float | None = None


async def judge(
    store: Store, uses: Sequence[Use], rows: Sequence[Record | Gone], purpose: Purpose, now: float
) -> PageMarks:
    """Judge a page's rows for every mapping of their entity."""
    marks = PageMarks(records=[_note(row, now) for row in rows])
    for use in uses:
        await _judge_for(store, use, rows, purpose, marks, now)
    return marks


def _note(row: Record | Gone, now: float) -> RecordNote:
    """Return what is stored about the row's record. A listing may lag, so its row does not revive a gone record."""
    version = epoch(row.modified_at) if row.modified_at else None
    if isinstance(row, Record):
        return RecordNote(row.ref, version=version)
    return RecordNote(row.ref, version=version, gone_at=now, gone_how=Evidence.FLAG.value)


async def _judge_for(
    store: Store, use: Use, rows: Sequence[Record | Gone], purpose: Purpose, marks: PageMarks, now: float
) -> None:
    record_ids = [row.ref.id for row in rows]
    name, side = use.mapping.name, use.side
    links = await store.links.resolve(name, side, record_ids)
    settled = await store.sweeps.settled(name, side, record_ids)
    tasks = await store.sweeps.tasks(name, side, record_ids)
    for row in rows:
        record_id = row.ref.id
        link, task = links.get(record_id), tasks.get(record_id, UNKNOWN)
        if task.pending:
            marks.reported.add(record_id)
        if isinstance(row, Gone):
            if link is not None and link.record_id(side) == record_id:
                _mark(row, EventKind.DELETED, purpose, marks)
                _note_change(row, EventKind.DELETED, purpose, marks, now)
        elif link is not None:
            if _linked_due(use, row, link, task):
                _mark(row, EventKind.CHANGED, purpose, marks)
                if edited(use.mapping, side, row.fields, link):
                    _note_change(row, EventKind.CHANGED, purpose, marks, now)
        elif record_id not in settled and _judge_unlinked(use, row, purpose, marks, task):
            _note_change(row, EventKind.CREATED if task is UNKNOWN else EventKind.CHANGED, purpose, marks, now)
    await _note_keys(store, use, [row for row in rows if isinstance(row, Record)], marks)


def _linked_due(use: Use, row: Record, link: Link, task: TaskNote) -> bool:
    if link.state is LinkState.INTENDED or link.record_id(use.side) != row.ref.id:
        return False
    passes = translate.passes_where(use.mapping, use.side, row.fields)
    if link.state is LinkState.FROZEN:
        return passes is True
    if task.dead and task.decided_hash == use.row_hash(row.fields):
        return False
    return passes is False or differs(use.mapping, use.side, row.fields, link)


def _judge_unlinked(use: Use, row: Record, purpose: Purpose, marks: PageMarks, task: TaskNote) -> bool:
    """Mark an unlinked row if it must be synced, and return whether it was marked."""
    if translate.passes_where(use.mapping, use.side, row.fields) is False:
        return False
    row_hash = use.row_hash(row.fields)
    if not purpose.everything:
        if task.decided_hash == row_hash:
            return False
        if task.decided_hash is None and not task.pending and _from_before(use, row, purpose):
            marks.decided.append((use.key(row.ref.id), row_hash))
            return False
    _mark(row, EventKind.CHANGED, purpose, marks)
    return True


def _from_before(use: Use, row: Record, purpose: Purpose) -> bool:
    """Return whether an unlinked row is from before going live. Such a row is only noted, and left alone.

    A row without a time is old if the first complete listing contains it.
    """
    live_since = use.state.live_since
    touched = [epoch(moment) for moment in (row.modified_at, row.created_at) if moment is not None]
    if live_since is not None and touched:
        return max(touched) < live_since - LIVE_MARGIN_SECONDS
    return purpose.full and not use.indexed


def _mark(row: Record | Gone, kind: EventKind, purpose: Purpose, marks: PageMarks) -> None:
    merged = row.merged_into if isinstance(row, Gone) else None
    marks.events[row.ref.id] = Event(
        system=row.ref.system,
        entity=row.ref.entity,
        id=row.ref.id,
        kind=EventKind.MERGED if merged else kind,
        origin=purpose.origin,
        version=row.modified_at,
        source_at=row.modified_at,
        merged_into=merged,
        actor=row.modified_by if isinstance(row, Record) else None,
    )


def _note_change(row: Record | Gone, kind: EventKind, purpose: Purpose, marks: PageMarks, now: float) -> None:
    """Note a change for the figures of the hooks. A change counts only in the first sweep that could find it.

    A row without a time counts in each sweep that finds it changed.
    """
    changed = epoch(row.modified_at) if row.modified_at is not None else None
    if purpose.looked is not None and (changed is None or changed >= purpose.looked):
        marks.changes[row.ref.id] = SweptChange(row.ref, kind, changed, now)


async def _note_keys(store: Store, use: Use, rows: Sequence[Record], marks: PageMarks) -> None:
    """Note the match keys of every row that belongs to the mapping, linked or not, for the match index."""
    if not use.mapping.match:
        return
    readings = {
        row.ref.id: translate.read(use.mapping, use.side, row.fields).values
        for row in rows
        if translate.passes_where(use.mapping, use.side, row.fields) is not False
    }
    links = await _named_links(store, use.mapping, readings.values())
    for record_id, values in readings.items():
        resolved = {
            name: links.get(value, value) if isinstance(value, Reference) else value for name, value in values.items()
        }
        marks.keys.append(KeyNote(use.mapping.name, use.side, record_id, translate.index_hashes(use.mapping, resolved)))


async def _named_links(store: Store, mapping: Mapping, readings: Iterable[Values]) -> dict[Reference, LinkId]:
    """Return the links of the records that match keys refer to, fetched once for a page."""
    in_keys = {name for names in mapping.match for name in names}
    wanted: defaultdict[tuple[str, Side], set[str]] = defaultdict(set)
    for values in readings:
        for value in (values.get(name) for name in in_keys):
            if isinstance(value, Reference):
                wanted[value.mapping, value.side].add(value.id)
    found = {}
    for (name, side), record_ids in wanted.items():
        for record_id, link in (await store.links.resolve(name, side, sorted(record_ids))).items():
            found[Reference(name, side, record_id)] = LinkId(link.id)
    return found
