"""Decide about one claim: by a person's instruction, otherwise by the state of its link.

The rest of this file decides about a linked pair: both records are compared with what both sides agreed on last, and
what differs is to be written. `instruct`, `match`, `settle` and `remove` decide about everything else. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bridge.domain.frozen import replace
from bridge.domain.record import SIDES, Gone, Record, Side
from bridge.mapping import translate
from bridge.mapping.merge import Base, Decision
from bridge.mapping.translate import Reading
from bridge.mapping.values import UNREAD, is_empty
from bridge.store import moves
from bridge.store.model import Completion, Link, LinkState, Outcome, TaskKey, TaskState
from bridge.store.questions import TaskOf
from bridge.sync import accept, compare, instruct, match, references, remove, settle, shadow
from bridge.sync.reasons import Reason
from bridge.sync.situation import DELETED, Draft, Plan, Progress, Removal, SideWrite, Stale, Update, in_words, printable


def decide(draft: Draft) -> Completion | Plan:
    """Return how the claim ends, or the plan to carry out first. Pure. Raises Wanted while a fact is missing."""
    link = draft.claim.link
    told = draft.instruction()
    if told is not None:
        ended = instruct.carry_out(draft, told)
        if ended is not None:
            return ended
    if link is None:
        return match.match_or_create(draft)
    if link.state is LinkState.INTENDED:
        return settle.recover_create(draft, link)
    return _decide_pair(draft, link)


# ---- A linked pair: is one side enough, do both records exist, do they still match `where`? ----


def _decide_pair(draft: Draft, link: Link) -> Completion | Update | Removal:
    """Make both records of a link agree."""
    unsettled = settle.unsettled(draft, link)
    if unsettled:
        return unsettled
    if draft.key.record_id != link.record_id(draft.side):  # merged away, or left over by a merge
        own = accept.read(draft, draft.side, draft.key.record_id)
        if isinstance(own, Stale):
            return draft.stale(own)
        back = remove.back_from_merge(draft, own)
        if back:
            return back
    ended = _half_typed(draft, link) or _of_one_side(draft, link)
    if ended:
        return ended
    pair = accept.read_pair(draft, link)
    if isinstance(pair, Completion):
        return pair
    gone = [side for side, found in pair.items() if isinstance(found, Gone)]
    draft.accept(alive=not gone)
    if gone:
        side = draft.side if draft.side in gone else gone[0]
        return remove.removed(draft, link, side, pair)
    records = {side: found for side, found in pair.items() if isinstance(found, Record)}
    passes = {side: translate.passes_where(draft.mapping, side, record.fields) for side, record in records.items()}
    if False in passes.values():
        return _freeze(draft, link, passes)
    if link.state is LinkState.FROZEN:
        draft.moves.append(moves.thaw(link))
        draft.say("thawed", "the pair matches the mapping's `where` again", link=link)
    return _agree(draft, link, records)


def _half_typed(draft: Draft, link: Link) -> Completion | None:
    """Put the pair off while the other record waits for its quiet time: somebody may still be editing it."""
    record_id = link.record_id(draft.side.other)
    if not draft.mapping.quiet or record_id is None or any(task.instructed for task in draft.claim.tasks):
        return None
    task = draft.ask(TaskOf(TaskKey(draft.mapping.name, draft.side.other, record_id)))
    if task is None or task.code != Reason.QUIET or task.state is not TaskState.WAITING or task.due <= draft.now:
        return None
    why = Reason.QUIET.of(record=draft.named(draft.side.other, record_id), seconds=draft.mapping.quiet)
    return draft.later(task.due, why)


def _of_one_side(draft: Draft, link: Link) -> Completion | None:
    """Return the end of a claim if only one side must be read, and it still shows what both sides agreed on last.

    The other side's own events and sweeps report its changes. None: both sides must be read.
    """
    sides = _told_of(draft, link)
    if sides is None or len(sides) > 1:
        return None
    if not sides:
        return draft.done(Outcome.UNCHANGED, Reason.SETTLED_MEANWHILE.of())
    side = next(iter(sides))
    if draft.seen(draft.ref(side.other, str(link.record_id(side.other)))) is not None:
        return None  # an earlier run of this decision found that one side is not enough
    record_id = str(link.record_id(side))
    found = accept.read(draft, side, record_id)
    if isinstance(found, Stale):
        return draft.stale(found, narrow=True)
    if isinstance(found, Gone) or translate.passes_where(draft.mapping, side, found.fields) is False:
        return None
    reading = compare.readings(draft, {side: found})[side]
    base = settle.confirmed_base(draft, link, side, reading, references.current_base(draft, link))
    if base is None or not compare.shows_base(draft.mapping, side, reading, base):
        return None
    hidden = accept.edit_not_shown(draft, side, record_id)
    if hidden and not accept.shows_reported_edit(draft, side, record_id, changed=False):
        return draft.stale(hidden, narrow=True)
    draft.accept(alive=True)
    draft.note_keys(side, record_id, reading.values)
    if link.sent(side) is not None:
        draft.moves.append(moves.confirmed(link, side))
    compare.save_base(draft, link, base)
    references.note_missing(draft, {side: record_id}, {side: reading})
    return draft.done(Outcome.UNCHANGED, Reason.OWN_SIDE_IN_SYNC.of(record=draft.named(side, record_id)))


def _told_of(draft: Draft, link: Link) -> frozenset[Side] | None:
    """Return the sides to check because of events or our own pending writes. None: something else needs both sides."""
    asked = any(task.both_sides or DELETED & task.kinds for task in draft.claim.tasks)
    if asked or draft.shadow or link.held or link.state is not LinkState.LIVE:
        return None
    told = {task.key.side for task in draft.claim.tasks if task.kinds}
    return frozenset(told | {side for side in SIDES if link.sent(side) is not None})


def _freeze(draft: Draft, link: Link, passes: Mapping[Side, bool | None]) -> Completion:
    outside = next(side for side, passed in passes.items() if passed is False)
    why = Reason.PAIR_OUTSIDE_WHERE.of(record=draft.named(outside, link.record_id(outside)))
    if link.state is not LinkState.FROZEN:
        draft.moves.append(moves.freeze(link))
        draft.say("frozen", f"{why.text}; the pair is left as it is", link=link)
    return draft.filtered(why)


# ---- Both records exist: what each side is to get ----


def _agree(draft: Draft, link: Link, records: Mapping[Side, Record]) -> Completion | Update:
    readings = compare.readings(draft, records)
    base = references.current_base(draft, link)
    hidden = {side: stale for side in SIDES if (stale := accept.edit_not_shown(draft, side, str(link.record_id(side))))}
    again = _again(draft, link, readings, base, hidden)
    settled = link.sent_left is not None or link.sent_right is not None
    if settled:
        base, link = settle.by_reads(draft, link, readings, base)
    decisions = compare.with_choices(draft, link, compare.decide_fields(draft, records, readings, base), readings)
    for side, reading in readings.items():
        draft.note_keys(side, str(link.record_id(side)), reading.values)
    base = compare.base_in_sync(draft.mapping, base, readings, decisions)
    plans = compare.plans(decisions, readings)
    for side in SIDES:
        plans[side] |= references.merged_away(draft, side, decisions, readings)
    if draft.shadow:
        return shadow.would_update(draft, link, records, readings, decisions, plans)
    link = compare.save_base(draft, link, base)
    link = compare.hold_conflicts(draft, link, decisions, readings, records)
    parents = references.note_missing(draft, {side: link.record_id(side) for side in SIDES}, readings)
    if settled and any(plans.values()):  # the result is stored before a new write replaces `sent`
        return draft.later(draft.now, Reason.WRITE_SETTLED.of())
    state = Progress(link, base, readings, parents, again=again)
    if not any(plans.values()):
        return settle.pair_ended(draft, state)
    return _written(draft, state, records, decisions, plans, hidden)


def _again(
    draft: Draft, link: Link, readings: Mapping[Side, Reading], base: Base, hidden: Mapping[Side, Stale]
) -> float | None:
    """When both sides are read again, because one of them does not show the edit that a callback reported."""
    waits = []
    for side, stale in hidden.items():
        changed = not compare.shows_base(draft.mapping, side, readings[side], base)
        if not accept.shows_reported_edit(draft, side, str(link.record_id(side)), changed=changed):
            waits.append(stale.due)
    return min(waits, default=None)


def _written(
    draft: Draft,
    state: Progress,
    records: Mapping[Side, Record],
    decisions: Sequence[Decision],
    plans: Mapping[Side, Mapping[str, Any]],
    hidden: Mapping[Side, Stale],
) -> Completion | Update:
    """Plan the writes to one side after the other, without those that cannot be made now.

    If one side must wait, the other one is written; an alarm about the pair stops both. hidden: sides whose reads may
    not show an edit yet; a write there could overwrite it.
    """
    writes: list[SideWrite] = []
    again = state.again
    blocked: Completion | None = None
    unfinished = frozenset(plans[Side.LEFT].keys() & plans[Side.RIGHT].keys())
    for target in (side for side in SIDES if plans[side]):
        if target in hidden:
            blocked = blocked or draft.stale(hidden[target])
            continue
        settled = references.for_writing(draft, target, plans[target])
        if isinstance(settled, Completion):
            blocked = blocked or settled
            continue
        if settled.again:
            patience = draft.now + references.PATIENCE_SECONDS
            again = patience if again is None else min(again, patience)
        chosen = settled.chosen(plans[target])
        if not chosen:
            continue
        write = _side_write(draft, state, records, target, chosen, settled.values, decisions, unfinished)
        stopped = _loop_alarm(draft, state.link, target, chosen) or (draft.may_not_write() if write.changes else None)
        if stopped:
            blocked = stopped
            break
        writes.append(write)
        unfinished = frozenset()
    if not writes and blocked:
        return settle.with_parents(blocked, state.parents)
    return Update(replace(state, again=again), writes, blocked)


def _loop_alarm(draft: Draft, link: Link, target: Side, fields: Iterable[str]) -> Completion | None:
    """Return a dead letter for a pair that keeps changing. None: it may be written once more."""
    limits = draft.limits
    recent = draft.now - link.window_at < limits.loop_window_seconds
    if draft.retried or not recent or link.writes < limits.loop_writes:
        return None
    why = Reason.LOOP_ALARM.of(
        record=draft.named(target, link.record_id(target)),
        writes=link.writes,
        seconds=limits.loop_window_seconds,
        fields=", ".join(sorted(fields)),
    )
    return draft.dead(why)


def _side_write(
    draft: Draft,
    state: Progress,
    records: Mapping[Side, Record],
    target: Side,
    chosen: Mapping[str, Any],
    values: Mapping[str, Any],
    decisions: Sequence[Decision],
    unfinished: frozenset[str],
) -> SideWrite:
    before, record = state.readings[target], records[target]
    held = translate.read(draft.mapping, target, record.fields)
    changes = translate.write(draft.mapping, target, values, record.fields)
    losing = [one for one in decisions if one.conflict and one.field in chosen and compare.WRITES_TO.get(one.action)]
    emptied = [name for name, value in chosen.items() if is_empty(value) and not is_empty(held.values[name])]
    seen = draft.seen(record.ref)
    return SideWrite(
        target=target,
        record=record,
        read_at=seen.at if seen else 0.0,
        before=before,
        chosen=chosen,
        values=values,
        changes={} if compare.holds(record.fields, changes) else changes,
        story=_story(draft, state.link, target, chosen, held),
        losers=[_lost(draft, state.link, one, records) for one in losing],
        unfinished=unfinished,
        blanked=len(emptied),
        unreadable=frozenset(name for name in chosen if held.values[name] is UNREAD),
        why={one.field: one.reason for one in decisions if one.field in chosen and one.action in compare.WRITES_TO},
    )


def _story(draft: Draft, link: Link, target: Side, chosen: Mapping[str, Any], before: Reading) -> Any:
    old = in_words(draft, target, {name: before.values.get(name) for name in chosen})
    new = in_words(draft, target, chosen)
    changes = {name: [old[name], new[name]] for name in chosen}
    source, sink = draft.named(target.other, link.record_id(target.other)), draft.named(target, link.record_id(target))
    parts = ", ".join(f"{name}: {was!r} -> {now!r}" for name, (was, now) in changes.items())
    return draft.entry("updated", f"{source} -> {sink}: {parts}", {"to": target.value, "changes": changes}, link=link)


def _lost(draft: Draft, link: Link, decision: Decision, records: Mapping[Side, Record]) -> Any:
    """What a conflict is about to overwrite."""
    detail = printable({"kept": decision.value, "lost": decision.loser})
    detail = {**detail, "edited": compare.edited(draft, decision.field, records)}
    text = f"{decision.field}: {decision.reason}"
    return draft.entry("conflict", text, {"field": decision.field, **detail}, link=link)
