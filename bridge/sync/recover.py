"""Writes nobody saw the end of: a create or an update whose answer was lost, or whose worker died."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bridge.domain.record import Gone, Record, Side
from bridge.domain.seams import from_epoch
from bridge.mapping import translate
from bridge.mapping.base import Base, load_values
from bridge.mapping.translate import Reading, folded, is_reduction, same
from bridge.mapping.values import UNREAD, Reference, is_empty
from bridge.store.model import Completion, Link, LinkState, LinkWrite, Outcome
from bridge.sync import create, references, remember
from bridge.sync.reading import Stale, read
from bridge.sync.work import Work

CLOCK_MARGIN = timedelta(seconds=120)


def settle_sent(work: Work, link: Link, readings: Mapping[Side, Reading], base: Base) -> tuple[Base, Link] | Completion:
    """Settle updates in doubt from a read that must show them: fields sent and shown are done, the rest merges again.

    A field that shows neither its base nor what was sent is sent once more by the normal merge, with the sent value as
    the base of a write that is known to have taken effect.
    """
    for side in Side:
        sent = link.sent(side)
        if sent is None:
            continue
        look_at = (link.sent_until or 0.0) + work.endpoint(side).settle
        if work.now() < look_at:
            return work.later(look_at, "an earlier write has not settled yet")
        if "values" in sent:
            base = _settled_base(work, side, sent, readings, base)
        cleared: dict[str, Any] = {f"sent_{side.value}": None, "sent_until": None}
        work.links.append(LinkWrite(link.id, cleared))
        link = replace(link, sent_left=None) if side is Side.LEFT else replace(link, sent_right=None)
    return base, link


def _settled_base(
    work: Work, side: Side, sent: Mapping[str, Any], readings: Mapping[Side, Reading], base: Base
) -> Base:
    fields = {field.name: field for field in work.mapping.fields}
    new = dict(base)
    took_effect = bool(sent.get("took_effect"))
    for name, value in load_values(work.mapping, sent["values"]).items():
        shown = readings[side].values.get(name, UNREAD)
        if name not in fields or shown is UNREAD:
            continue
        arrived = same(fields[name], value, shown) or is_reduction(fields[name], value, shown)
        if arrived or took_effect:
            source = _as_sent(readings[side.other], name, value)
            new[name] = remember.sent_entry(
                work.mapping, name, side, source, value, readings[side] if arrived else None
            )
    return new


def _as_sent(source: Reading, name: str, value: Any) -> Reading:
    """The source side as it was when the value was sent, so that an edit made since is still an edit."""
    current = source.values.get(name, UNREAD)
    if current == value:
        return source
    hashes = {key: item for key, item in source.hashes.items() if key != name}
    return replace(source, values={**source.values, name: value}, hashes=hashes)


async def recover_create(work: Work, link: Link) -> Completion:
    """An open intent of this record: find out whether the create took effect, and only then go on."""
    target = Side.RIGHT if link.right is None else Side.LEFT
    if link.left is not None and link.right is not None:
        work.links.append(LinkWrite(link.id, {"state": LinkState.LIVE, "deadline": None, "look_at": None}))
        return work.done(Outcome.APPLIED, "the create had taken effect", due=work.now())
    payload = link.payload or {}
    look_at = max(link.look_at or 0.0, (link.deadline or 0.0) + work.endpoint(target).settle)
    if work.now() < look_at:
        return work.later(look_at, f"the outcome of creating {work.named(target, '?')} is not known yet")
    found = await _created(work, link, target, payload)
    if len(found) == 1:
        return await _adopt_created(work, link, target, found[0], payload)
    if found or not work.manifest(target).shows_new:
        ids = ", ".join(record.ref.id for record in found) or "no listing shows new records"
        work.links.append(LinkWrite(link.id, {"state": LinkState.DOUBT}))
        return work.dead(f"create outcome unknown: {work.named(target, '?')} may exist ({ids})")
    if work.claim.paused:
        return work.later(work.now() + work.parts.limits.wait_seconds, "the mapping is paused")
    work.links.append(LinkWrite(link.id, {"delete": True}))
    work.say("not created", f"{work.named(target, '?')} was never created; it is tried again")
    return work.done(Outcome.WAITING, "a create that never took effect is tried again", due=work.now())


async def _created(work: Work, link: Link, target: Side, payload: Mapping[str, Any]) -> Sequence[Record]:
    """Unlinked records newer than the intent and equal in the folded fields that were sent."""
    opened = from_epoch(float(payload.get("at", 0.0)))
    entity = work.endpoint(target).entity
    rows = await work.connector(target).newest(entity, after=opened - CLOCK_MARGIN)
    linked = await work.store.links.resolve(work.mapping.name, target, [row.ref.id for row in rows])
    values = load_values(work.mapping, payload.get("values", {}))
    seen: list[Record] = []
    for row in rows:
        if row.ref.id in linked:
            continue
        known = (await work.store.records.known([row.ref])).get(row.ref)
        if known is not None and known.first_seq < link.seq:
            continue
        fresh = await work.connector(target).read(row.ref)
        if isinstance(fresh, Record) and await _looks_sent(work, target, fresh, values):
            seen.append(fresh)
    return seen


async def _looks_sent(work: Work, target: Side, record: Record, values: Mapping[str, Any]) -> bool:
    reading = translate.read(work.mapping, target, record.fields)
    reading = (await references.resolve(work, {target: reading}))[target]
    fields = {field.name: field for field in work.mapping.fields}
    compared = 0
    for name, value in values.items():
        shown = reading.values.get(name, UNREAD)
        if name not in fields or is_empty(value) or shown is UNREAD or isinstance(shown, Reference):
            continue
        compared += 1
        equal = folded(fields[name], value) == folded(fields[name], shown)
        if not equal and not is_reduction(fields[name], value, shown):
            return False
    return compared > 0


async def _adopt_created(
    work: Work, link: Link, target: Side, record: Record, payload: Mapping[str, Any]
) -> Completion:
    leased = await work.store.tasks.lease(work.claim, [record.ref])
    if leased is None:
        return work.later(work.now() + 1.0, f"{work.named(target, record.ref.id)} is being worked on")
    work.claim = leased
    rec = link.rec(target.other)
    assert rec is not None, "an intent names the record it was decided for"
    source = await read(work, target.other, rec)
    if isinstance(source, Stale):
        return work.later(source.due, source.reason, stale_since=source.since)
    values = load_values(work.mapping, payload.get("values", {}))
    reading = _source_reading(work, target.other, source, values)
    work.say("found", f"the create had taken effect: {work.named(target, record.ref.id)}", link=link)
    return await create.link_created(work, link, target, record.ref.id, record, values, reading)


def _source_reading(work: Work, side: Side, source: Record | Gone, values: Mapping[str, Any]) -> Reading:
    """The source as it was sent: what changed there since must still count as an edit."""
    if isinstance(source, Gone):
        return Reading(values=dict(values), hashes={}, problems=())
    reading = translate.read(work.mapping, side, source.fields)
    for name, value in values.items():
        reading = _as_sent(reading, name, value)
    return reading
