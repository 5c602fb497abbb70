"""A linked pair: read both, merge, write what differs, remember."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bridge.domain.record import Gone, Record, Side
from bridge.mapping import translate
from bridge.mapping.base import Base, FieldBase
from bridge.mapping.merge import Action, Decision
from bridge.mapping.translate import Reading
from bridge.mapping.values import UNREAD
from bridge.store.model import Completion, Link, LinkState, LinkWrite, Outcome
from bridge.sync import compare, conflicts, merging, recover, references, remember, removal, words, write
from bridge.sync.reading import Stale, read
from bridge.sync.work import Work

WRITES_TO = {Action.TO_LEFT: Side.LEFT, Action.TO_RIGHT: Side.RIGHT}


async def sync_linked(work: Work, link: Link) -> Completion:
    """Make both records of a link agree."""
    unsettled = recover.unsettled(work, link)
    if unsettled:
        return unsettled
    if work.key.rec != link.rec(work.side):  # merged away, or left over by a merge
        own = await read(work, work.side, work.key.rec)
        if isinstance(own, Stale):
            return work.later(own.due, own.reason, stale_since=own.since)
        back = await merging.restored(work, own)
        if back:
            return back
    pair = await _read_pair(work, link)
    if isinstance(pair, Completion):
        return pair
    gone = [side for side, found in pair.items() if isinstance(found, Gone)]
    work.believe(alive=not gone)
    if gone:
        side = work.side if work.side in gone else gone[0]
        return await removal.sync_removed(work, link, side, pair)
    records = {side: found for side, found in pair.items() if isinstance(found, Record)}
    passes = {side: translate.passes_where(work.mapping, side, record.fields) for side, record in records.items()}
    if False in passes.values():
        return _freeze(work, link, passes)
    if link.state is LinkState.FROZEN:
        work.links.append(LinkWrite(link.id, {"state": LinkState.LIVE}))
        work.say("thawed", "the pair matches the mapping's `where` again", link=link)
    return await _agree(work, link, records)


async def _read_pair(work: Work, link: Link) -> dict[Side, Record | Gone] | Completion:
    pair: dict[Side, Record | Gone] = {}
    for side in (work.side, work.side.other):
        rec = link.rec(side)
        assert rec is not None, "a live link has both records"
        found = await read(work, side, rec)
        if isinstance(found, Stale):
            return work.later(found.due, found.reason, stale_since=found.since)
        pair[side] = found
    return pair


def _freeze(work: Work, link: Link, passes: Mapping[Side, bool | None]) -> Completion:
    outside = next(side for side, passed in passes.items() if passed is False)
    reason = f"{references.FILTERED_PREFIX}: {work.named(outside, link.rec(outside))} does not match `where`"
    if link.state is not LinkState.FROZEN:
        work.links.append(LinkWrite(link.id, {"state": LinkState.FROZEN}))
        work.say("frozen", f"{reason}; the pair is left as it is", link=link)
    return work.done(Outcome.FILTERED, reason)


async def _agree(work: Work, link: Link, records: Mapping[Side, Record]) -> Completion:
    readings = await compare.readings(work, records)
    base = await references.current_base(work, link)
    settled = link.sent_left is not None or link.sent_right is not None
    if settled:
        base, link = recover.settle_sent(work, link, readings, base)
    decisions = conflicts.chosen(work, link, compare.decide(work, records, readings, base), readings)
    for side, reading in readings.items():
        work.note_keys(side, str(link.rec(side)), reading.values)
    base = remember.in_step(work.mapping, base, readings, decisions)
    plans = _plans(decisions, readings)
    for side in Side:
        plans[side] |= references.left_over(work, side, decisions, readings)
    if work.shadow:
        return _shadowed(work, link, plans)
    link = remember.save_base(work, link, base)
    link = conflicts.hold(work, link, decisions, readings)
    parents = await references.note_missing(work, {side: link.rec(side) for side in Side}, readings)
    if settled and any(plans.values()):  # what was learned is stored before `sent` says something new
        return work.later(work.now(), "an earlier write was settled; going on from there")
    ended = await _write_both(work, link, records, readings, base, decisions, plans)
    return replace(ended, mark=(*ended.mark, *parents)) if parents else ended


def _plans(decisions: Sequence[Decision], readings: Mapping[Side, Reading]) -> dict[Side, dict[str, Any]]:
    """What each side is to get; a set that changed on both may be written to both."""
    plans: dict[Side, dict[str, Any]] = {Side.LEFT: {}, Side.RIGHT: {}}
    for decision in decisions:
        target = WRITES_TO.get(decision.action)
        if target is not None and readings[target].values.get(decision.field) is not UNREAD:
            plans[target][decision.field] = decision.value
    return plans


def _shadowed(work: Work, link: Link, plans: Mapping[Side, Mapping[str, Any]]) -> Completion:
    for target, values in plans.items():
        if values:
            text = f"shadow: would update {work.named(target, link.rec(target))}: {', '.join(values)}"
            work.say("would update", text, {"values": words.printable(values)}, link=link)
    return work.done(Outcome.FILTERED, f"{references.FILTERED_PREFIX}: the mapping is in shadow mode")


async def _write_both(
    work: Work,
    link: Link,
    records: Mapping[Side, Record],
    readings: Mapping[Side, Reading],
    base: Base,
    decisions: Sequence[Decision],
    plans: Mapping[Side, Mapping[str, Any]],
) -> Completion:
    """Write one side after the other; what was settled is remembered even when the next write ends otherwise."""
    written: list[str] = []
    dues: list[float] = []
    unfinished = frozenset(plans[Side.LEFT].keys() & plans[Side.RIGHT].keys())
    for target in (side for side in Side if plans[side]):
        settled = await references.for_writing(work, target, plans[target])
        if isinstance(settled, Completion):
            return settled
        if settled.again:
            dues.append(work.now() + references.PATIENCE_SECONDS)
        chosen = {name: plans[target][name] if value is not None else None for name, value in settled.values.items()}
        if not chosen:
            continue
        losing = [one for one in decisions if one.conflict and one.field in chosen and WRITES_TO.get(one.action)]
        plan = write.Plan(target, chosen, settled.values, losing, unfinished)
        result = await write.update(work, link, records[target], plan)
        if isinstance(result, Completion):
            return result
        readings = remember.as_written(readings, target, chosen, result.shown)
        written += [f"{work.side_name(target)}.{name}" for name in chosen if result.called]
        chosen, unfinished = plan.remembered, frozenset()
        base = remember.after_write(work.mapping, base, target, readings, chosen, result.shown)
        link = conflicts.settle(work, remember.save_base(work, result.link, base), chosen)
        if result.unconfirmed:
            dues.append(result.look_at)
    return _finish(work, base, readings, written, min(dues, default=None))


def _finish(
    work: Work, base: Base, readings: Mapping[Side, Reading], written: Sequence[str], due: float | None
) -> Completion:
    """A value that cannot be translated makes the pair a dead letter, after all else has crossed."""
    problem = _problem(work, base, readings)
    if problem:
        return work.dead(problem)
    unseen = _not_shown(work, readings)
    hidden = f"; not shown and so not compared: {', '.join(unseen)}" if unseen else ""
    if written:
        return work.done(Outcome.APPLIED, f"updated {', '.join(written)}{hidden}", due=due)
    agree = "both sides agree in what they show" if unseen else "both sides agree"
    return work.done(Outcome.UNCHANGED, agree + hidden, due=due)


def _not_shown(work: Work, readings: Mapping[Side, Reading]) -> list[str]:
    """Fields one side or both did not show: unread is never equal, whatever the other side holds."""
    return [
        f"{work.side_name(side)}.{field.name}"
        for field in work.mapping.fields
        for side in Side
        if field.set_on is None
        and all(field.cells(one) is not None for one in Side)
        and readings[side].values.get(field.name, UNREAD) is UNREAD
        and field.name not in readings[side].hashes
    ]


def _problem(work: Work, base: Mapping[str, FieldBase], readings: Mapping[Side, Reading]) -> str | None:
    """A value that should cross, cannot be translated, and is not the one both sides were last in step with."""
    for side, reading in readings.items():
        for problem in reading.problems:
            if side.other not in work.mapping.named[problem.field].flows:
                continue
            entry = base.get(problem.field)
            seen = entry and (entry.left_hash if side is Side.LEFT else entry.right_hash)
            if seen is None or seen != reading.hashes.get(problem.field):
                return str(problem)
    return None
