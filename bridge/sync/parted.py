"""Pairs that a person ended: what their records held then, and whether one was edited since. Pure."""

from collections.abc import Mapping

from bridge.domain.record import Gone, Record, Side
from bridge.mapping import translate
from bridge.mapping.model import Mapping as RecordMapping
from bridge.store import moves
from bridge.store.model import Completion, Json, Link, LinkState
from bridge.store.questions import LinksNaming
from bridge.sync.draft import Draft
from bridge.sync.reasons import Reason


def shown(draft: Draft, pair: Mapping[Side, Record | Gone]) -> dict[Side, Json]:
    """What the records of a pair hold, by field the fingerprint of its columns and their hash; see `moves.part`."""
    return {side: _held(draft.mapping, side, found) for side, found in pair.items() if isinstance(found, Record)}


def _held(mapping: RecordMapping, side: Side, record: Record) -> Json:
    hashes = translate.read(mapping, side, record.fields).hashes
    named = mapping.named
    return {name: [named[name].columns_fingerprint, hashed] for name, hashed in hashes.items()}


def left_alone(draft: Draft, row: Link, own: Record) -> Completion | None:
    """The end of a claim whose record is as it was when a person ended its pair. None: it was edited since."""
    other, run = draft.side.other, str((row.payload or {}).get("run", "a person"))
    if not edited(draft.mapping, row, draft.side, own):
        counterpart = draft.named(other, row.rec(other))
        return draft.filtered(Reason.PARTED.of(run=run, other=counterpart))
    _over(draft, row, draft.named(draft.side, own.ref.id))
    return None


def _over(draft: Draft, row: Link, name: str) -> None:
    """The record of this name was edited since: its pair's end holds no more."""
    run = str((row.payload or {}).get("run", "a person"))
    draft.moves.append(moves.drop(row))
    draft.say("edited", f"{name} was edited, so {run} holds no more", link=row)


def edited(mapping: RecordMapping, row: Link, side: Side, record: Record) -> bool:
    """Whether a field holds something else than when the pair ended; one whose columns are others now says nothing."""
    before, now = (row.payload or {}).get("parted", {}).get(side.value, {}), _held(mapping, side, record)
    return any(name in now and now[name][0] == of and now[name][1] != hashed for name, (of, hashed) in before.items())


def of_candidate(draft: Draft, candidate: Record) -> Completion | None:
    """The end of a claim whose record matches one that a person wants left alone."""
    other = draft.side.other
    dropped = {move.id for move in draft.moves if move.kind == moves.Kind.DROP}
    for row in draft.ask(LinksNaming(draft.mapping.name, other, candidate.ref.id)):
        if row.state is not LinkState.PARTED or row.id in dropped:
            continue
        name, run = draft.named(other, candidate.ref.id), str((row.payload or {}).get("run", "a person"))
        if not edited(draft.mapping, row, other, candidate):
            return draft.filtered(Reason.MATCH_PARTED.of(record=name, run=run))
        _over(draft, row, name)
    return None


def answered(draft: Draft, side: Side, rec: str) -> None:
    """A person says otherwise now."""
    rows = draft.ask(LinksNaming(draft.mapping.name, side, rec))
    draft.moves += [moves.drop(row) for row in rows if row.state is LinkState.PARTED]
