"""What became of a write, by its answer or by later reads: what that means for the base, the link and the journal.

Answered writes come first, then how the claim ends. The other half is about writes of unknown outcome: an update or a
create whose answer was lost, or whose worker died. Pure.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from enum import Enum, auto
from typing import Any

from bridge.domain.errors import FieldProblem
from bridge.domain.frozen import replace
from bridge.domain.record import SIDES, Gone, Record, Side
from bridge.domain.seams import from_epoch
from bridge.mapping import translate
from bridge.mapping.merge import Base, dump_base, dump_values, load_values
from bridge.mapping.paths import parse_path
from bridge.mapping.translate import Reading, folded, is_reduction, same
from bridge.mapping.values import UNREAD, LinkId, is_empty, names_unlinked, with_parts
from bridge.store import moves
from bridge.store.model import Completion, Fulfilled, JournalEntry, Link, Outcome, TaskKey
from bridge.store.questions import Known, LinkOf
from bridge.sync import accept, compare, references
from bridge.sync.reasons import Reason
from bridge.sync.situation import Create, Draft, Moment, Newest, Progress, SideWrite, Stale, in_words

# ---- An update that was answered, or not needed ----


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


def not_needed(draft: Draft, pair: Progress, write: SideWrite) -> Progress:
    """Settle a write that was not sent, because the record held all of it already."""
    return _remembered(draft, pair, write, write.before, called=False)


def _told(draft: Draft, write: SideWrite, shown: Reading | None) -> JournalEntry:
    """Return the journal entry of a write, with what it overwrote and what the record holds now: undo needs both."""
    readable = {name: write.before.values.get(name, UNREAD) for name in write.chosen if name not in write.unreadable}
    there = shown.values if shown is not None else {}
    after = {name: value if there.get(name, UNREAD) is UNREAD else there[name] for name, value in write.chosen.items()}
    values = {"before": dump_values(draft.mapping, readable), "after": dump_values(draft.mapping, after)}
    told = {**write.story.detail, **values, "confirmed": shown is not None, **draft.sent()}
    return replace(write.story, detail={**told, "why": dict(write.why)} if write.why else told)


def _remembered(draft: Draft, pair: Progress, write: SideWrite, shown: Reading | None, *, called: bool) -> Progress:
    target = write.target
    readings = compare.readings_after_write(pair.readings, target, write.chosen, shown)
    base = compare.base_after_write(draft.mapping, pair.base, target, readings, write.remembered, shown)
    link = compare.settle_conflicts(draft, compare.save_base(draft, pair.link, base), write.remembered)
    written = [f"{draft.side_name(target)}.{name}" for name in write.chosen] if called else []
    return replace(pair, link=link, base=base, readings=readings, written=[*pair.written, *written])


def _counted(draft: Draft, link: Link) -> Any:
    """One more write, for the loop alarm; a person's retry begins a new count."""
    if draft.retried or draft.now - link.window_at >= draft.limits.loop_window_seconds:
        return moves.count_write(link, 1, draft.now)
    return moves.count_write(link, link.writes + 1, link.window_at)


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


def _confirmable(draft: Draft, side: Side) -> float:
    """When a new write is checked: by then reads must show it, and its echo has usually come."""
    return draft.now + max(draft.endpoint(side).read_lag, ECHO_SECONDS)


# ---- A create that was answered, or found later ----


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


# ---- How a pair's claim ends ----


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


# ---- Updates of unknown outcome: settled by reads that must show them ----


def unsettled(draft: Draft, link: Link) -> Completion | None:
    """Put the pair off until reads must show its earlier write."""
    settles = [draft.endpoint(side).read_lag for side in SIDES if link.sent(side) is not None]
    look_at = (link.sent_until or 0.0) + max(settles, default=0.0)
    if settles and draft.now < look_at:
        return draft.later(look_at, Reason.WRITE_UNSETTLED.of(), narrow=True)
    return None


def by_reads(draft: Draft, link: Link, readings: Mapping[Side, Reading], base: Base) -> tuple[Base, Link]:
    """Settle pending writes by reads that must show them: fields that arrived are done, the others are merged again."""
    for side in SIDES:
        if link.sent(side) is None:
            continue
        _tell_arrived(draft, link, side, readings[side])
        base = settled_base(draft, link, side, readings, base)
        draft.moves.append(moves.confirmed(link, side, link.sent_until))
        link = replace(link, sent_left=None) if side is Side.LEFT else replace(link, sent_right=None)
    return base, compare.save_base(draft, link, base)


def _tell_arrived(draft: Draft, link: Link, side: Side, reading: Reading) -> None:
    """Journal a write of unknown outcome if the read shows it, with what it overwrote."""
    sent, mapping = link.sent(side) or {}, draft.mapping
    values = {} if sent.get("took_effect") else load_values(mapping, sent.get("values", {}))
    before = load_values(mapping, sent.get("before", {}))
    shown = {name: reading.values.get(name, UNREAD) for name in values}
    there = {
        name: value
        for name, value in shown.items()
        if value is not UNREAD
        and is_reduction(mapping.named[name], values[name], value)
        and not same(mapping.named[name], before.get(name), value)
    }
    if not there:
        return
    old, new = (in_words(draft, side, some) for some in ({name: before.get(name) for name in there}, there))
    parts = ", ".join(f"{name}: {old[name]!r} -> {new[name]!r}" for name in there)
    held = {name: value for name, value in before.items() if name in there}
    detail = {"to": side.value, "before": dump_values(mapping, held), "after": dump_values(mapping, there)}
    text = f"the write to {draft.named(side, link.record_id(side))} had taken effect: {parts}"
    draft.say("updated", text, {**detail, "confirmed": True}, link=link)


def settled_base(draft: Draft, link: Link, side: Side, readings: Mapping[Side, Reading], base: Base) -> Base:
    """Return the base with what a read of `side` shows about the fields that were sent to it.

    An answered write becomes the base even if the record shows other values now: those are then an edit. If a write was
    not answered, the side's former value may look like a shortened form of the sent one: then the write did not arrive.
    """
    sent = link.sent(side) or {}
    new, before = dict(base), load_values(draft.mapping, sent.get("before", {}))
    beside = load_values(draft.mapping, sent.get("beside", {}))
    left = left_between(draft, sent, readings[side])
    for name, there in left.items():
        if name in base:  # the other side's value is no longer in the base, so it is written again
            only: dict[str, Any] = (
                {side.other.value: None, f"{side.other.value}_hash": None} if sent.get("took_effect") else {}
            )
            here = {side.value: there, f"{side.value}_hash": readings[side].hashes.get(name)}
            new[name] = replace(base[name], **here, **only)
    for name, value in load_values(draft.mapping, sent.get("values", {})).items():
        field, shown = draft.mapping.named[name], readings[side].values.get(name, UNREAD)
        if name in left:
            continue
        if shown is UNREAD:
            if name in readings[side].off and not sent.get("took_effect"):
                new.pop(name, None)  # it is unknown whether it arrived, so neither side's value counts as an edit
            continue
        arrived = same(field, value, shown) or (
            is_reduction(field, value, shown)
            and (bool(sent.get("took_effect")) or not same(field, before.get(name), shown))
        )
        if arrived or sent.get("took_effect"):
            other = beside.get(name, value)  # a person may have wanted the two to differ
            source = _as_pending(readings[side.other], name, other) if side.other in readings else _only(name, other)
            there = readings[side] if arrived else None
            new[name] = compare.base_of_sent(draft.mapping, name, side, source, value, there)
    for name, value in load_values(draft.mapping, sent.get("left_out", {})).items():
        new |= compare.base_of_left_out(draft.mapping.named[name], side, value, readings[side])
    return new


def left_between(draft: Draft, told: Mapping[str, Any], reading: Reading) -> Mapping[str, Any]:
    """The values that a write of several calls left when it stopped between two calls, and that were not edited since.

    `told`: what the store keeps of the write: `sent` of a link, or the payload of an intent.
    """
    values = load_values(draft.mapping, told.get("values", {}))
    return {
        name: value
        for state in told.get("between", ())
        for name, value in load_values(draft.mapping, state).items()
        if (shown := reading.values.get(name, UNREAD)) is not UNREAD
        and same(draft.mapping.named[name], value, shown)
        and not (name in values and same(draft.mapping.named[name], values[name], shown))
    }


def confirmed_base(draft: Draft, link: Link, side: Side, reading: Reading, base: Base) -> Base | None:
    """The base once a read of `side` alone shows each value of a write that took effect; None when it does not.

    The other side's part of the base was kept when the write was sent.
    """
    sent = link.sent(side)
    if sent is None:
        return base
    if not sent.get("took_effect"):
        return None
    new = dict(base)
    for name, value in load_values(draft.mapping, sent.get("values", {})).items():
        field, shown, entry = draft.mapping.named[name], reading.values.get(name, UNREAD), base.get(name)
        if entry is None or shown is UNREAD or names_unlinked(shown):
            return None
        if not same(field, value, shown) and not is_reduction(field, value, shown):
            return None
        there = {f"{side.value}": shown, f"{side.value}_hash": reading.hashes.get(name)}
        new[name] = replace(entry, **there)
    return new


def _only(name: str, value: Any) -> Reading:
    return Reading({name: value}, {})


def _as_pending(source: Reading, name: str, value: Any) -> Reading:
    """The source side as it was when the value was sent, so that an edit made since is still an edit."""
    current = source.values.get(name, UNREAD)
    if current == value:
        return source
    hashes = {key: item for key, item in source.hashes.items() if key != name}
    return replace(source, values={**source.values, name: value}, hashes=hashes)


# ---- Creates of unknown outcome: the record is looked for before anything else ----


CLOCK_MARGIN = timedelta(seconds=600)  # a vendor's clock is at most this far behind ours
CLOSE_MARGIN = timedelta(seconds=10)  # within this margin, a record that looks shortened counts as the created one


class Looks(Enum):
    """How a record's fields compare with what was sent."""

    EQUAL = auto()
    SHORTENED = auto()
    OTHER_LINKS = auto()  # equal except for the records it refers to
    UNSEEN = auto()  # it shows nothing to compare, for example because no `when` holds any more
    OTHER = auto()


def recover_create(draft: Draft, link: Link) -> Completion:
    """An open create intent of this record: find out whether the create took effect before anything else."""
    target = Side.LEFT if link.made == "created_left" else Side.RIGHT
    known_id = link.record_id(target)
    if known_id is not None:
        return _adopt_created(draft, link, target, known_id)
    look_at = max(link.look_at or 0.0, (link.deadline or 0.0) + draft.endpoint(target).read_lag)
    if draft.now < look_at:
        return draft.later(look_at, Reason.CREATE_UNKNOWN_YET.of(record=draft.named(target)))
    checked = bool((link.payload or {}).get("checked"))
    found, unsure = _may_be_created(draft, link, target, checked)
    if len(found) == 1:
        return _adopt_created(draft, link, target, found[0].ref.id)
    among = [record.ref.id for record in found or ([] if checked else unsure)]
    if among or not (draft.manifest(target).shows_new or checked):
        draft.moves.append(moves.unknown(link, among))
        ids = ", ".join(among) or "no listing shows new records"
        return draft.dead(Reason.CREATE_UNKNOWN.of(record=draft.named(target), among=ids))
    draft.moves.append(moves.drop(link))
    draft.say("not created", f"{draft.named(target)} was never created")
    if draft.first.attempts >= draft.limits.attempts:
        return draft.dead(Reason.NO_CREATE_ANSWERED.of(attempts=draft.first.attempts))
    return draft.later(draft.now, Reason.CREATE_AGAIN.of())


def reopen_create(draft: Draft, unknown: Link) -> Completion:
    """Reopen a create of unknown outcome that a person checked: look again, and create if nothing is there."""
    draft.moves.append(moves.reopen(unknown, draft.now))
    return draft.later(draft.now, Reason.CREATE_CHECKED.of())


def _may_be_created(draft: Draft, link: Link, target: Side, checked: bool) -> tuple[Sequence[Record], Sequence[Record]]:
    """Return the records that the create may have made, and the records that only a person can judge.

    The first are unlinked records newer than the intent that are equal in the folded fields that were sent, or
    shortened by the server. If there are none: those that show a match key of what was sent, because somebody may have
    edited the new record. If there are none of these either, and a person has `checked`: those that are equal but refer
    to other records, because somebody may have changed what the new record refers to.

    The second are the last kind, those that show nothing of what was sent, and older ones that look shortened (`Company
    1` need not be our `Company 10`).
    """
    opened = from_epoch(float((link.payload or {}).get("at", 0.0)))
    newer = opened - CLOSE_MARGIN - timedelta(seconds=draft.endpoint(target).read_lag)
    values = references.followed(draft, load_values(draft.mapping, (link.payload or {}).get("values", {})))
    sent = references.sent_names(draft, target, (link.payload or {}).get("named", ()))
    keys = {key.hash for key in translate.match_keys(draft.mapping, values)}
    equal: list[Record] = []
    alike: list[Record] = []
    referring: list[Record] = []
    doubtful: list[Record] = []
    for record in _unlinked_since(draft, link, target):
        shown = translate.read(draft.mapping, target, record.fields)
        reading = references.resolve(draft, {target: references.as_sent(shown, sent)})[target]
        values_now = {**values, **left_between(draft, link.payload or {}, reading)}
        looks, is_newer = _looks_sent(draft, reading, values_now), (record.created_at or newer) >= newer
        if looks is Looks.OTHER_LINKS:
            found, gone = references.what_became_of(draft, sent)
            reading = references.resolve(draft, {target: references.as_sent(shown, found)})[target]
            looks = _looks_sent(draft, reading, values_now, gone)
        if looks is Looks.EQUAL or (looks is Looks.SHORTENED and is_newer):
            equal.append(record)
        elif looks is Looks.SHORTENED or (looks is Looks.UNSEEN and is_newer):
            doubtful.append(record)
        elif looks is Looks.OTHER_LINKS and is_newer:
            referring.append(record)
        if keys & {key.hash for key in translate.match_keys(draft.mapping, reading.values)}:
            alike.append(record)
    return equal or alike or (referring if checked else []), [*referring, *doubtful]


def _unlinked_since(draft: Draft, link: Link, target: Side) -> list[Record]:
    """Return what the intent may have created, freshly read. A record whose marker names another record is left out."""
    opened = from_epoch(float((link.payload or {}).get("at", 0.0)))
    endpoint = draft.endpoint(target)
    rows = draft.ask(Newest(endpoint.system, endpoint.entity, opened - CLOCK_MARGIN))
    links = draft.ask_all(LinkOf(draft.mapping.name, target, row.ref.id) for row in rows)
    known = draft.ask_all(Known(row.ref) for row in rows)
    marker = draft.mapping.marker.get(target)
    found: list[Record] = []
    for row, linked, heard_of in zip(rows, links, known, strict=True):
        if linked is not None or (heard_of is not None and heard_of.first_seq < link.seq):
            continue
        fresh = draft.look(row.ref)
        marked = parse_path(marker).get(fresh.fields) if marker and isinstance(fresh, Record) else UNREAD
        if isinstance(fresh, Record) and (marked is UNREAD or marked == link.record_id(target.other)):
            found.append(fresh)
    return found


def _looks_sent(
    draft: Draft, reading: Reading, values: Mapping[str, Any], gone: Collection[LinkId] = frozenset()
) -> Looks:
    """Compare a record with what was sent. gone: records that were sent and are deleted: products empty such fields."""
    fields, found, unread = draft.mapping.named, set[Looks](), False
    for name, value in values.items():
        shown = reading.values.get(name, UNREAD)
        silent = shown is UNREAD or (shown is None and isinstance(value, LinkId) and value in gone)
        unread = unread or (silent and not is_empty(value))
        if is_empty(value) or silent or names_unlinked(shown):
            continue
        if folded(fields[name], value) == folded(fields[name], shown):
            found.add(Looks.EQUAL)
        elif is_reduction(fields[name], value, shown):
            found.add(Looks.SHORTENED)
        elif is_reduction(fields[name], *(with_parts(one, _without_link) for one in (value, shown))):
            found.add(Looks.OTHER_LINKS)
        else:
            return Looks.OTHER
    nothing = Looks.UNSEEN if unread else Looks.OTHER
    return next((one for one in (Looks.OTHER_LINKS, Looks.SHORTENED, Looks.EQUAL) if one in found), nothing)


def _without_link(value: Any) -> Any:
    return None if isinstance(value, LinkId) else value


def _adopt_created(draft: Draft, link: Link, target: Side, new: str) -> Completion:
    """The create took effect: link the record with the values that were sent as its base.

    The intent keeps the record's id from here on, even if the claim must wait. Otherwise, if somebody deleted the
    record meanwhile, it would look as if it had never been created, and would be created again.
    """
    if link.record_id(target) is None:
        draft.moves.append(moves.learn_id(link, target, new))
    taken = draft.lease(target, new)
    if taken:
        return taken
    record_id = link.record_id(target.other)
    assert record_id is not None, "an intent names the record it was decided for"
    source = accept.read(draft, target.other, record_id)
    if isinstance(source, Stale):
        return draft.stale(source)
    record = draft.look(draft.ref(target, new), Moment.LEASED)
    values = load_values(draft.mapping, (link.payload or {}).get("values", {}))
    reading = _source_reading(draft, target.other, source, values)
    text = f"the create had taken effect: {draft.named(target.other, record_id)} -> {draft.named(target, new)}"
    draft.say("found", text, {"to": target.value, "after": dump_values(draft.mapping, values)}, link=link, other=new)
    shown = record if isinstance(record, Record) else None
    completion = created(draft, link, target, new, shown, values, reading, answered=False)
    return replace(completion, due=draft.now if completion.due is None else completion.due, narrow=False)


def _source_reading(draft: Draft, side: Side, source: Record | Gone, values: Mapping[str, Any]) -> Reading:
    """The source as it was sent: what changed there since must still count as an edit."""
    if isinstance(source, Gone):
        return Reading(values=dict(values), hashes={}, problems=())
    reading = translate.read(draft.mapping, side, source.fields)
    for name, value in values.items():
        reading = _as_pending(reading, name, value)
    return reading
