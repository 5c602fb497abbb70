"""What a write that was answered means for the pair: base, link, journal, and how the claim ends. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.domain.errors import FieldProblem
from bridge.domain.record import SIDES, Record, Side
from bridge.domain.values import replace
from bridge.mapping import translate
from bridge.mapping.base import Base, dump_base, dump_values
from bridge.mapping.translate import Reading
from bridge.mapping.values import UNREAD
from bridge.store import moves
from bridge.store.model import Completion, Fulfilled, JournalEntry, Link, Outcome, TaskKey
from bridge.sync import compare, references
from bridge.sync.reasons import Reason
from bridge.sync.situation import Create, Draft, Progress, SideWrite

NOTHING: Mapping[str, Any] = {}
ECHO_SECONDS = 1.0
"""A vendor usually reports our own write within this time."""


def updated(draft: Draft, pair: Progress, write: SideWrite, record: Record | None, until: float | None) -> Progress:
    """Settle a write that took effect. `record`: what its answer shows; None: the next read of the target confirms it.

    The write's echo causes that read, or it comes once reads must show the write.
    until: the `sent_until` of a pending write to the other side.
    """
    target, record_id = write.target, str(pair.link.record_id(write.target))
    shown = _reading(draft, target, record)
    draft.journal.append(_told(draft, write, shown))
    draft.moves.append(_counted(draft, pair.link))
    draft.note_wrote(target, record_id, record)
    link, look_at = pair.link, pair.look_at
    if shown is not None:
        seen = {name: value for name, value in shown.values.items() if value is not UNREAD}
        draft.note_keys(target, record_id, {**write.chosen, **seen})
        draft.moves.append(moves.confirmed(link, target, until))
        link = replace(_with_pending(link, target, None), sent_until=until)
        if translate.off(draft.mapping, target, write.record.fields) - shown.off:
            pair = replace(pair, again=draft.now)  # the write made the `when` of a field rule hold
    else:
        sent = _took_effect(draft, write.remembered, write.beside)
        draft.moves.append(moves.unconfirmed(link, target, sent, draft.now))
        link = replace(_with_pending(link, target, sent), sent_until=draft.now)
        look_at = _confirmable(draft, target)
    return _remembered(draft, replace(pair, link=link, look_at=look_at), write, shown, called=True)


def _told(draft: Draft, write: SideWrite, shown: Reading | None) -> JournalEntry:
    """Return the journal entry of a write, with what it overwrote and what the record holds now: undo needs both."""
    readable = {name: write.before.values.get(name, UNREAD) for name in write.chosen if name not in write.unreadable}
    there = shown.values if shown is not None else {}
    after = {name: value if there.get(name, UNREAD) is UNREAD else there[name] for name, value in write.chosen.items()}
    values = {"before": dump_values(draft.mapping, readable), "after": dump_values(draft.mapping, after)}
    told = {**write.story.detail, **values, "confirmed": shown is not None, **draft.sent()}
    return replace(write.story, detail={**told, "why": dict(write.why)} if write.why else told)


def _confirmable(draft: Draft, side: Side) -> float:
    """When a new write is checked: by then reads must show it, and its echo has usually come."""
    return draft.now + max(draft.endpoint(side).read_lag, ECHO_SECONDS)


def not_needed(draft: Draft, pair: Progress, write: SideWrite) -> Progress:
    """Settle a write that was not sent, because the record held all of it already."""
    return _remembered(draft, pair, write, write.before, called=False)


def _remembered(draft: Draft, pair: Progress, write: SideWrite, shown: Reading | None, *, called: bool) -> Progress:
    target = write.target
    readings = compare.readings_after_write(pair.readings, target, write.chosen, shown)
    base = compare.base_after_write(draft.mapping, pair.base, target, readings, write.remembered, shown)
    link = compare.settle_conflicts(draft, compare.save_base(draft, pair.link, base), write.remembered)
    written = [f"{draft.side_name(target)}.{name}" for name in write.chosen] if called else []
    return replace(pair, link=link, base=base, readings=readings, written=[*pair.written, *written])


def _reading(draft: Draft, side: Side, record: Record | None) -> Reading | None:
    if record is None:
        return None
    return references.resolve(draft, {side: translate.read(draft.mapping, side, record.fields)})[side]


def _with_pending(link: Link, side: Side, sent: Any) -> Link:
    return replace(link, sent_left=sent) if side is Side.LEFT else replace(link, sent_right=sent)


def _took_effect(draft: Draft, chosen: Mapping[str, Any], beside: Mapping[str, Any] = NOTHING) -> dict[str, Any]:
    """`sent` of a write that was answered, but not with what the record holds now."""
    other = {"beside": dump_values(draft.mapping, beside)} if beside else {}
    return {"values": dump_values(draft.mapping, chosen), "took_effect": True, **other}


def _counted(draft: Draft, link: Link) -> Any:
    """One more write, for the loop alarm; a person's retry begins a new count."""
    if draft.retried or draft.now - link.window_at >= draft.limits.loop_window_seconds:
        return moves.count_write(link, 1, draft.now)
    return moves.count_write(link, link.writes + 1, link.window_at)


def pair_ended(draft: Draft, pair: Progress, blocked: Completion | None = None) -> Completion:
    """How a pair's claim ends. A value that cannot be translated makes a dead letter after the other writes."""
    if blocked is not None:
        return with_parents(draft.gathered(blocked), pair.parents)
    if pair.fulfils is not None:
        return instruction_ended(draft, pair.fulfils, f"undid {', '.join(pair.written) or 'nothing'}")
    problem = untranslatable(draft, pair.base, pair.readings)
    if problem:
        return with_parents(draft.dead(Reason.UNTRANSLATABLE.of(problem=problem)), pair.parents)
    unseen = _not_shown(draft, pair.readings)
    looks = [at for at in (pair.again, pair.look_at) if at is not None]
    more = {"due": min(looks, default=None), "narrow": pair.again is None}
    hidden = f"; not shown and so not compared: {', '.join(unseen)}" if unseen else ""
    if pair.written:
        why = Reason.UPDATED.of(fields=f"{', '.join(pair.written)}{hidden}")
        return with_parents(draft.done(Outcome.APPLIED, why, **more), pair.parents)
    agree = ("both sides agree in what they show" if unseen else "both sides agree") + hidden
    return with_parents(draft.done(Outcome.UNCHANGED, Reason.IN_SYNC.of(agree=agree), **more), pair.parents)


def instruction_ended(draft: Draft, fulfilled: Fulfilled, what: str) -> Completion:
    """End a claim whose instruction was carried out. Both records are then processed as usual, for other edits."""
    link, pair = draft.claim.link, list[TaskKey]()
    if link is not None:
        pair = [
            TaskKey(draft.mapping.name, side, record_id)
            for side in SIDES
            if (record_id := link.record_id(side)) is not None
        ]
    why = Reason.INSTRUCTED.of(run=fulfilled.run, what=what)
    return draft.done(Outcome.APPLIED, why, due=draft.now, fulfilled=fulfilled, mark=tuple(pair))


def with_parents(end: Completion, parents: Sequence[TaskKey]) -> Completion:
    return replace(end, mark=(*end.mark, *parents)) if parents else end


def _not_shown(draft: Draft, readings: Mapping[Side, Reading]) -> list[str]:
    """Fields one side or both did not show: unread is never equal, whatever the other side holds."""
    return [
        f"{draft.side_name(side)}.{field.name}"
        for field in draft.mapping.fields
        for side in SIDES
        if field.set_on is None
        and all(field.columns_of(one) is not None for one in SIDES)
        and readings[side].values.get(field.name, UNREAD) is UNREAD
        and field.name not in readings[side].hashes
        and field.name not in readings[side].off
    ]


def untranslatable(draft: Draft, base: Base, readings: Mapping[Side, Reading]) -> FieldProblem | None:
    """A value that should be written, cannot be translated, and is not the one both sides last agreed on."""
    for side, reading in readings.items():
        for problem in reading.problems:
            if side.other not in draft.mapping.named[problem.field].flows:
                continue
            entry = base.get(problem.field)
            seen = entry and (entry.left_hash if side is Side.LEFT else entry.right_hash)
            if seen is None or seen != reading.hashes.get(problem.field):
                return problem
    return None


def created(
    draft: Draft,
    link: Link,
    target: Side,
    record_id: str,
    record: Record | None,
    chosen: Mapping[str, Any],
    source: Reading,
    again: float | None = None,
    *,
    answered: bool,
) -> Completion:
    """Settle an intent: the new record is linked, with the sent values and what the server shows of them as base.

    record: what the create's answer shows, or (`answered` False) a later read, which may show somebody's edit already,
    or what a create of several calls left when one of them failed. None: the next read confirms it.
    """
    draft.note_wrote(target, record_id, record)
    shown, seen = _reading(draft, target, record), dict(chosen)
    if shown is not None:
        seen |= {name: value for name, value in shown.values.items() if value is not UNREAD}
    draft.note_keys(target, record_id, seen)
    draft.note_keys(target.other, str(link.record_id(target.other)), source.values)
    if shown is not None and not (answered or compare.confirms(draft.mapping, chosen, shown)):
        shown = None
    base = {
        name: compare.base_of_sent(draft.mapping, name, target, source, value, shown) for name, value in chosen.items()
    } | compare.base_of_defaults(draft.mapping, target, source, chosen, shown)
    left_out = references.done_without(draft, target, source, chosen)
    if shown is not None:
        base = {**compare.base_of_empty(draft.mapping, target, source, shown), **base}
        for name, value in left_out.items():
            base |= compare.base_of_left_out(draft.mapping.named[name], target, value, shown)
    draft.moves.append(
        moves.mark_live(
            link, target, record_id, dump_base(draft.mapping, base), compare.refs_of_base(draft.mapping, base)
        )
    )
    if shown is not None and {name for name, _ in draft.mapping.gates[target] if name in source.off} - shown.off:
        again = draft.now  # the `when` of a field rule holds for the record as the server made it
    looks = [] if again is None else [again]
    if shown is None:
        live = replace(link, state=moves.LIVE)
        more = {} if answered else {"between": (link.payload or {}).get("between", [])}
        more |= {"left_out": dump_values(draft.mapping, left_out)} if left_out else {}
        draft.moves.append(moves.unconfirmed(live, target, {**_took_effect(draft, chosen), **more}, draft.now))
        looks.append(_confirmable(draft, target))
    why = Reason.CREATED.of(record=draft.named(target, record_id))
    return draft.done(Outcome.APPLIED, why, due=min(looks, default=None), narrow=again is None)


def created_words(draft: Draft, plan: Create, record_id: str) -> str:
    values = ", ".join(f"{name}={value!r}" for name, value in plan.words.items())
    out = "".join(f"; left out: {why}" for why in plan.left_out.values())
    source, new = draft.named(draft.side, draft.key.record_id), draft.named(plan.target, record_id)
    return f"{source} -> created {new}: {values}{out}"
