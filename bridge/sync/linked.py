"""A linked pair: read both, merge, write what differs, remember."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bridge.domain.record import Gone, Record, Side
from bridge.mapping import translate
from bridge.mapping.base import Base, FieldBase, load_base
from bridge.mapping.merge import Action, Decision, Times, merge
from bridge.mapping.translate import Reading
from bridge.mapping.values import UNREAD, LinkId
from bridge.store.model import Completion, Link, LinkState, LinkWrite, Outcome
from bridge.sync import recover, references, remember, removal, write
from bridge.sync.reading import Stale, read
from bridge.sync.work import Work

WRITES_TO = {Action.TO_LEFT: Side.LEFT, Action.TO_RIGHT: Side.RIGHT}


async def sync_linked(work: Work, link: Link) -> Completion:
    """Make both records of a link agree."""
    pair = await _read_pair(work, link)
    if isinstance(pair, Completion):
        return pair
    gone = [side for side, found in pair.items() if isinstance(found, Gone)]
    if gone:
        side = work.side if work.side in gone else gone[0]
        return await removal.sync_removed(work, link, side, pair)
    records = {side: found for side, found in pair.items() if isinstance(found, Record)}
    if link.gone_left is not None or link.gone_right is not None:
        link = replace(link, gone_left=None, gone_right=None)
        work.links.append(LinkWrite(link.id, {"gone_left": None, "gone_right": None}))
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
    readings = {side: translate.read(work.mapping, side, record.fields) for side, record in records.items()}
    readings = await references.resolve(work, readings)
    base = await current_base(work, link)
    if link.sent_left is not None or link.sent_right is not None:
        recovered = recover.settle_sent(work, link, readings, base)
        if isinstance(recovered, Completion):
            return recovered
        base, link = recovered
    decisions = merge(work.mapping, readings[Side.LEFT], readings[Side.RIGHT], base, _times(work, records))
    note_keys(work, link, readings)
    base = remember.in_step(work.mapping, base, readings, decisions)
    plans = _plans(decisions, readings)
    if work.shadow:
        return _shadowed(work, link, plans)
    return await _write_both(work, link, records, readings, base, decisions, plans)


async def current_base(work: Work, link: Link) -> Base:
    """The link's base with merged-away links followed to their survivors."""
    base = load_base(work.mapping, link.base)
    named = [value.id for entry in base.values() for value in (entry.left, entry.right) if isinstance(value, LinkId)]
    links = await work.store.links.many(named) if named else {}
    moved = {id_: found.alias_of for id_, found in links.items() if found.alias_of is not None}
    if not moved:
        return base

    def follow(value: Any) -> Any:
        return LinkId(moved[value.id]) if isinstance(value, LinkId) and value.id in moved else value

    return {name: replace(entry, left=follow(entry.left), right=follow(entry.right)) for name, entry in base.items()}


def _times(work: Work, records: Mapping[Side, Record]) -> Times:
    resolutions = [work.manifest(side).version_resolution or 1.0 for side in Side]
    return Times(records[Side.LEFT].modified_at, records[Side.RIGHT].modified_at, max(resolutions))


def note_keys(work: Work, link: Link | None, readings: Mapping[Side, Reading]) -> None:
    """Keep the match index in step with what was just read."""
    from_link = {side: link.rec(side) if link else work.key.rec for side in readings}
    for side, reading in readings.items():
        rec = from_link[side]
        if rec is not None and work.mapping.match:
            hashes = tuple(key.hash for key in translate.match_keys(work.mapping, reading.values))
            work.keys.append(remember.key_note(work.mapping.name, side, rec, hashes))


def _plans(decisions: Sequence[Decision], readings: Mapping[Side, Reading]) -> dict[Side, dict[str, Any]]:
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
            work.say("would update", text, {"values": remember.printable(values)}, link=link)
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
    conflicts = [decision for decision in decisions if decision.conflict]
    written: list[str] = []
    due: float | None = None
    for target in (side for side in Side if plans[side]):
        settled = await references.for_writing(work, target, plans[target])
        if isinstance(settled, Completion):
            return settled
        due = work.now() + work.parts.limits.backoff_first_seconds if settled.again else due
        chosen = {name: plans[target][name] for name in settled.values}
        if not chosen:
            continue
        result = await write.update(work, link, target, records[target], chosen, settled.values)
        if isinstance(result, Completion):
            return result
        base = remember.after_write(work.mapping, base, target, readings, chosen, result)
        written += [f"{work.side_name(target)}.{name}" for name in chosen]
        link = result.link
        if result.unconfirmed:
            due = min(due or result.look_at, result.look_at)
    return finish_pair(work, link, base, readings, conflicts, written, due)


def finish_pair(
    work: Work,
    link: Link,
    base: Base,
    readings: Mapping[Side, Reading],
    conflicts: Sequence[Decision],
    written: Sequence[str],
    due: float | None,
) -> Completion:
    """Remember a pair: base, references, journal; a value that cannot be translated makes it a dead letter."""
    changed = remember.link_write(work.mapping, link, base)
    if changed:
        work.links.append(changed)
    for decision in conflicts:
        text = f"both sides changed {decision.field}; {decision.reason}"
        detail = remember.printable({"kept": decision.value, "lost": decision.loser})
        work.say("conflict", text, {"field": decision.field, **detail}, link=link)
    problem = _problem(work, base, readings)
    if problem:
        return work.dead(problem)
    if written:
        return work.done(Outcome.APPLIED, f"updated {', '.join(written)}", due=due)
    return work.done(Outcome.UNCHANGED, "both sides agree", due=due)


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
