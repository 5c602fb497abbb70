"""One page of a listing: which of its rows some mapping must look at again."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bridge.domain.event import Event, EventKind, Origin
from bridge.domain.record import Gone, Record, Side
from bridge.domain.seams import epoch
from bridge.mapping import translate
from bridge.mapping.model import Mapping
from bridge.mapping.translate import Reading
from bridge.mapping.values import LinkId, Reference
from bridge.reconcile.compare import differs
from bridge.store.engine import Store
from bridge.store.model import KeyNote, Link, LinkState, MappingState, RecordNote, Scope, TaskKey


@dataclass(slots=True)
class PageMarks:
    """What a page's transaction stores. `unheard`: marked rows that no waiting event had told of."""

    events: dict[str, Event] = field(default_factory=dict)
    records: list[RecordNote] = field(default_factory=list)
    keys: list[KeyNote] = field(default_factory=list)
    decided: list[tuple[TaskKey, str]] = field(default_factory=list)
    unheard: int = 0


@dataclass(frozen=True, slots=True)
class Use:
    """One mapping's interest in the listed entity."""

    mapping: Mapping
    scope: Scope
    side: Side
    state: MappingState

    @property
    def system(self) -> str:
        return self.scope.endpoint(self.side).system

    @property
    def entity(self) -> str:
        return self.scope.endpoint(self.side).entity


@dataclass(frozen=True, slots=True)
class Purpose:
    """Why a listing is walked. `baseline`: rows from before going live are noted, not touched."""

    origin: Origin
    baseline: bool = False
    everything: bool = False  # a backfill takes unlinked rows whatever was decided on them before


async def judge(store: Store, uses: Sequence[Use], rows: Sequence[Record | Gone], purpose: Purpose) -> PageMarks:
    """Judge a page's rows for every mapping that has their entity."""
    marks = PageMarks()
    for row in rows:
        version = epoch(row.modified_at) if row.modified_at else None
        if isinstance(row, Record):
            marks.records.append(RecordNote(row.ref, version=version, alive=True))
    for use in uses:
        await _judge_for(store, use, rows, purpose, marks)
    return marks


async def _judge_for(store: Store, use: Use, rows: Sequence[Record | Gone], purpose: Purpose, marks: PageMarks) -> None:
    recs = [row.ref.id for row in rows]
    name, side = use.mapping.name, use.side
    links = await store.links.resolve(name, side, recs)
    settled = await store.sweeps.settled(name, side, recs)
    decided = await store.sweeps.decided(name, side, recs)
    for row in rows:
        link, rec = links.get(row.ref.id), row.ref.id
        if isinstance(row, Gone):
            if link is not None and link.rec(side) == rec:
                _mark(use, row, EventKind.DELETED, purpose, marks, decided)
            continue
        await _note_keys(store, use, row, marks)
        if link is not None:
            if _linked_due(use, row, link):
                _mark(use, row, EventKind.CHANGED, purpose, marks, decided)
        elif rec not in settled:
            _judge_unlinked(use, row, purpose, marks, decided)


def _linked_due(use: Use, row: Record, link: Link) -> bool:
    if link.state is LinkState.INTENDED or link.rec(use.side) != row.ref.id:
        return False
    passes = translate.passes_where(use.mapping, use.side, row.fields)
    if link.state is LinkState.FROZEN:
        return passes is True
    return passes is False or differs(use.mapping, use.side, row.fields, link)


def _judge_unlinked(
    use: Use, row: Record, purpose: Purpose, marks: PageMarks, decided: dict[str, tuple[str | None, int]]
) -> None:
    if translate.passes_where(use.mapping, use.side, row.fields) is False:
        return
    row_hash = translate.row_hash(use.mapping, use.side, row.fields)
    before = decided.get(row.ref.id, (None, 0))[0]
    if before == row_hash and not purpose.everything:
        return
    if purpose.baseline and not _since_live(use, row):
        marks.decided.append((TaskKey(use.mapping.name, use.side, row.ref.id), row_hash))
        return
    _mark(use, row, EventKind.CHANGED, purpose, marks, decided)


def _since_live(use: Use, row: Record) -> bool:
    """Going live starts from now: only what was made or edited since is taken."""
    live_since = use.state.live_since
    touched = [moment for moment in (row.modified_at, row.created_at) if moment is not None]
    return live_since is not None and any(epoch(moment) >= live_since for moment in touched)


def _mark(
    use: Use,
    row: Record | Gone,
    kind: EventKind,
    purpose: Purpose,
    marks: PageMarks,
    decided: dict[str, tuple[str | None, int]],
) -> None:
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
    )
    if decided.get(row.ref.id, (None, 0))[1] == 0:
        marks.unheard += 1


async def _note_keys(store: Store, use: Use, row: Record, marks: PageMarks) -> None:
    """Keep the match index: every row that belongs to the mapping, linked or not."""
    if not use.mapping.match or translate.passes_where(use.mapping, use.side, row.fields) is False:
        return
    reading = await _resolved(store, translate.read(use.mapping, use.side, row.fields), use.mapping)
    hashes = tuple(key.hash for key in translate.match_keys(use.mapping, reading.values))
    marks.keys.append(KeyNote(use.mapping.name, use.side, row.ref.id, hashes))


async def _resolved(store: Store, reading: Reading, mapping: Mapping) -> Reading:
    """Match keys may name links: those are known only as link ids."""
    in_keys = {name for names in mapping.match for name in names}
    values = dict(reading.values)
    for name in in_keys:
        value = values.get(name)
        if isinstance(value, Reference):
            link = (await store.links.resolve(value.mapping, value.side, [value.id])).get(value.id)
            if link is not None:
                values[name] = LinkId(link.id)
    return Reading(values, reading.hashes, reading.problems)
