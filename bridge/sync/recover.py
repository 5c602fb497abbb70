"""Writes nobody saw the end of: a create or an update whose answer was lost, or whose worker died."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from enum import Enum, auto
from typing import Any

from bridge.domain.record import Gone, Record, Side
from bridge.domain.seams import from_epoch
from bridge.mapping import translate
from bridge.mapping.base import Base, load_values
from bridge.mapping.paths import parse_path
from bridge.mapping.translate import Reading, folded, is_reduction, same
from bridge.mapping.values import UNREAD, Reference, is_empty
from bridge.store.model import Completion, Link, LinkState, LinkWrite
from bridge.sync import create, references, remember
from bridge.sync.reading import Stale, read
from bridge.sync.retry import used_up
from bridge.sync.work import Work

CLOCK_MARGIN = timedelta(seconds=600)  # a vendor's clock is not further behind ours than this
CLOSE_MARGIN = timedelta(seconds=10)  # and if no more than this, what looks shortened need not be asked about


class Looks(Enum):
    """How a record's fields compare with what was sent."""

    EQUAL = auto()
    SHORTENED = auto()
    OTHER = auto()


def unsettled(work: Work, link: Link) -> Completion | None:
    """Until reads must show an earlier write, the record is left alone."""
    settles = [work.endpoint(side).settle for side in Side if link.sent(side) is not None]
    look_at = (link.sent_until or 0.0) + max(settles, default=0.0)
    if settles and work.now() < look_at:
        return work.later(look_at, "an earlier write has not settled yet")
    return None


def settle_sent(work: Work, link: Link, readings: Mapping[Side, Reading], base: Base) -> tuple[Base, Link]:
    """Settle writes in doubt from reads that must show them: fields sent and shown are done, the rest merges again."""
    for side in Side:
        if link.sent(side) is None:
            continue
        base = settled_base(work, link, side, readings, base)
        work.links.append(LinkWrite(link.id, remember.unsent(link, side)))
        link = replace(link, sent_left=None) if side is Side.LEFT else replace(link, sent_right=None)
    return base, remember.save_base(work, link, base)


def settled_base(work: Work, link: Link, side: Side, readings: Mapping[Side, Reading], base: Base) -> Base:
    """What is known of the fields sent to `side`, from a reading of it.

    A write that was answered is the base even where the record shows something else now, which then is an edit. What a
    side held before a write nobody answered may look like a shortened form of what was sent: then it did not arrive.
    """
    sent = link.sent(side) or {}
    new, before = dict(base), load_values(work.mapping, sent.get("before", {}))
    for name, value in load_values(work.mapping, sent.get("values", {})).items():
        field, shown = work.mapping.named[name], readings[side].values.get(name, UNREAD)
        if shown is UNREAD:
            continue
        arrived = same(field, value, shown) or (
            is_reduction(field, value, shown)
            and (bool(sent.get("took_effect")) or not same(field, before.get(name), shown))
        )
        if arrived or sent.get("took_effect"):
            source = _as_sent(readings[side.other], name, value) if side.other in readings else _only(name, value)
            there = readings[side] if arrived else None
            new[name] = remember.sent_entry(work.mapping, name, side, source, value, there)
    return new


def _only(name: str, value: Any) -> Reading:
    return Reading({name: value}, {})


def _as_sent(source: Reading, name: str, value: Any) -> Reading:
    """The source side as it was when the value was sent, so that an edit made since is still an edit."""
    current = source.values.get(name, UNREAD)
    if current == value:
        return source
    hashes = {key: item for key, item in source.hashes.items() if key != name}
    return replace(source, values={**source.values, name: value}, hashes=hashes)


async def recover_create(work: Work, link: Link) -> Completion:
    """An open intent of this record: find out whether the create took effect, and only then go on."""
    target = Side.LEFT if link.made == "created_left" else Side.RIGHT
    known_id = link.rec(target)
    if known_id is not None:
        return await _adopt_created(work, link, target, known_id)
    look_at = max(link.look_at or 0.0, (link.deadline or 0.0) + work.endpoint(target).settle)
    if work.now() < look_at:
        return work.later(look_at, f"the outcome of creating {work.named(target)} is not known yet")
    found, older = await _created(work, link, target)
    if len(found) == 1:
        return await _adopt_created(work, link, target, found[0].ref.id)
    checked = (link.payload or {}).get("checked")
    among = [record.ref.id for record in found or ([] if checked else older)]
    if among or not (work.manifest(target).shows_new or checked):
        ids = ", ".join(among) or "no listing shows new records"
        payload = {**(link.payload or {}), "among": among}
        work.links.append(LinkWrite(link.id, {"state": LinkState.DOUBT, "payload": payload}))
        text = f"create outcome unknown: {work.named(target)} may exist ({ids})"
        return work.dead(f"{text}; delete or merge what is too much, then retry the dead letter")
    work.links.append(LinkWrite(link.id, {"delete": True}))
    work.say("not created", f"{work.named(target)} was never created")
    if used_up(work):
        return work.dead(f"given up after {work.claim.tasks[0].attempts} attempts: no create was answered")
    return work.later(work.now(), "a create that never took effect is tried again")


def reopened(work: Work, doubt: Link) -> Completion:
    """A person checked a create of unknown outcome: look again, and create if nothing is there."""
    payload = {**(doubt.payload or {}), "checked": True}
    values = {"state": LinkState.INTENDED, "deadline": None, "look_at": work.now(), "payload": payload}
    work.links.append(LinkWrite(doubt.id, values))
    return work.later(work.now(), "a person checked the create of unknown outcome; looking again")


async def _created(work: Work, link: Link, target: Side) -> tuple[Sequence[Record], Sequence[Record]]:
    """Unlinked records newer than the intent and equal in the folded fields that were sent, or shortened by the server.

    With none of them, those that show a match key of what was sent: somebody edited the new record meanwhile. And apart
    from these, older ones that look shortened: `Company 1` need not be our `Company 10`.
    """
    opened = from_epoch(float((link.payload or {}).get("at", 0.0)))
    newer = opened - CLOSE_MARGIN - timedelta(seconds=work.endpoint(target).settle)
    values = load_values(work.mapping, (link.payload or {}).get("values", {}))
    keys = {key.hash for key in translate.match_keys(work.mapping, values)}
    equal: list[Record] = []
    alike: list[Record] = []
    older: list[Record] = []
    for record in await _unlinked_since(work, link, target):
        reading = translate.read(work.mapping, target, record.fields)
        reading = (await references.resolve(work, {target: reading}))[target]
        looks = _looks_sent(work, reading, values)
        if looks is Looks.EQUAL or (looks is Looks.SHORTENED and (record.created_at or newer) >= newer):
            equal.append(record)
        elif looks is Looks.SHORTENED:
            older.append(record)
        if keys & {key.hash for key in translate.match_keys(work.mapping, reading.values)}:
            alike.append(record)
    return equal or alike, older


async def _unlinked_since(work: Work, link: Link, target: Side) -> list[Record]:
    """What the intent may have created, each freshly read; a marker that names another record rules one out."""
    opened = from_epoch(float((link.payload or {}).get("at", 0.0)))
    rows = await work.connector(target).newest(work.endpoint(target).entity, after=opened - CLOCK_MARGIN)
    linked = await work.store.links.resolve(work.mapping.name, target, [row.ref.id for row in rows])
    known = await work.store.records.known([row.ref for row in rows])
    marker = work.mapping.marker.get(target)
    found: list[Record] = []
    for row in rows:
        heard_of = known.get(row.ref)
        if row.ref.id in linked or (heard_of is not None and heard_of.first_seq < link.seq):
            continue
        fresh = await work.connector(target).read(row.ref)
        marked = parse_path(marker).get(fresh.fields) if marker and isinstance(fresh, Record) else UNREAD
        if isinstance(fresh, Record) and (marked is UNREAD or marked == link.rec(target.other)):
            found.append(fresh)
    return found


def _looks_sent(work: Work, reading: Reading, values: Mapping[str, Any]) -> Looks:
    fields, looks = work.mapping.named, Looks.OTHER
    for name, value in values.items():
        shown = reading.values.get(name, UNREAD)
        if is_empty(value) or shown is UNREAD or isinstance(shown, Reference):
            continue
        if folded(fields[name], value) == folded(fields[name], shown):
            looks = looks if looks is Looks.SHORTENED else Looks.EQUAL
        elif is_reduction(fields[name], value, shown):
            looks = Looks.SHORTENED
        else:
            return Looks.OTHER
    return looks


async def _adopt_created(work: Work, link: Link, target: Side, new: str) -> Completion:
    """The create took effect: link the record with the values that were sent as its base.

    Whatever keeps the claim from ending now, the intent holds the record's id from here on. Otherwise somebody who
    deletes the record meanwhile makes it look as if it had never been created, and it would come back.
    """
    if link.rec(target) is None:
        work.links.append(LinkWrite(link.id, {target.value: new}))
    taken = await work.lease(target, new)
    if taken:
        return taken
    rec = link.rec(target.other)
    assert rec is not None, "an intent names the record it was decided for"
    source = await read(work, target.other, rec)
    if isinstance(source, Stale):
        return work.later(source.due, source.reason, stale_since=source.since)
    record = await work.connector(target).read(work.ref(target, new))
    values = load_values(work.mapping, (link.payload or {}).get("values", {}))
    reading = _source_reading(work, target.other, source, values)
    text = f"the create had taken effect: {work.named(target.other, rec)} -> {work.named(target, new)}"
    work.say("found", text, link=link, other=new)
    shown = record if isinstance(record, Record) else None
    completion = await create.link_created(work, link, target, new, shown, values, reading, answered=False)
    return replace(completion, due=work.now() if completion.due is None else completion.due)


def _source_reading(work: Work, side: Side, source: Record | Gone, values: Mapping[str, Any]) -> Reading:
    """The source as it was sent: what changed there since must still count as an edit."""
    if isinstance(source, Gone):
        return Reading(values=dict(values), hashes={}, problems=())
    reading = translate.read(work.mapping, side, source.fields)
    for name, value in values.items():
        reading = _as_sent(reading, name, value)
    return reading
