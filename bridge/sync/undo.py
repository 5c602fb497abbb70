"""Undo: restores what the bridge overwrote in a record, field by field, if nobody has edited it since. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.domain.errors import MappingFailed
from bridge.domain.record import SIDES, Gone, Record, Side
from bridge.domain.values import dataclass, replace
from bridge.mapping import translate
from bridge.mapping.base import Base, load_values
from bridge.mapping.merge import edited_sides
from bridge.mapping.model import Field
from bridge.mapping.translate import Reading, is_reduction, same
from bridge.mapping.values import (
    UNREAD,
    LinkId,
    Reference,
    is_empty,
    names_records,
    names_unlinked,
    parts_of,
    with_parts,
)
from bridge.store.model import Completion, Fulfilled, Instruction, Json, Link
from bridge.store.questions import LinkById, LinkOf
from bridge.sync import accept, compare, references, settle
from bridge.sync.reasons import Reason
from bridge.sync.situation import Draft, Progress, SideWrite, Update, in_words


@dataclass(frozen=True, slots=True)
class Verdict:
    """What happens to one field. `value` is restored in place of `now`; `held`: the record has it already.

    `refused`: why the field stays as it is.
    """

    field: str
    now: Any
    value: Any
    refused: str = ""
    held: bool = False

    @property
    def restores(self) -> bool:
        return not self.refused and not self.held


def verdicts(
    draft: Draft, target: Side, fields: Mapping[str, Json], records: Mapping[Side, Record], link: Link
) -> list[Verdict]:
    """Return what happens to each of these fields of the target's record. `fields`: see `bridge.app.undo`."""
    readings = compare.readings(draft, records)
    base = references.current_base(draft, link)
    for side in SIDES:
        if link.sent(side) is not None:
            base = settle.settled_base(draft, link, side, readings, base)
    return [_verdict(draft, target, name, entry, records[target], readings, base) for name, entry in fields.items()]


def _verdict(
    draft: Draft,
    target: Side,
    name: str,
    entry: Json,
    record: Record,
    readings: Mapping[Side, Reading],
    base: Base,
) -> Verdict:
    row = draft.mapping.named.get(name)
    if row is None or target not in row.flows:
        return Verdict(name, None, None, f"the mapping does not write it to {draft.side_name(target)} any more")
    if "before" not in entry:
        return Verdict(name, None, None, "the journal does not have what it held before")
    before, after = (_journaled(draft, name, entry[when]) for when in ("before", "after"))
    now = readings[target].values.get(name, UNREAD)
    found = Verdict(name, now, before)
    if UNREAD in (before, after):
        return replace(found, refused="the mapping defines it otherwise now")
    if now is UNREAD:
        return replace(found, refused="the record does not show it now")
    if same(row, now, before):
        return replace(found, held=True)
    written = same(row, now, after) or (not entry.get("confirmed") and is_reduction(row, after, now))
    if not written:
        texts = in_words(draft, target, {"now": now, "after": after})
        return replace(found, refused=f"edited since: it is {texts['now']!r}, and the bridge wrote {texts['after']!r}")
    if target.other in _edited(row, readings, base):
        return replace(found, refused=f"{draft.side_name(target.other)} was edited since, and that did not cross yet")
    return replace(found, refused=_unwritable(draft, target, row, before, record))


def _journaled(draft: Draft, name: str, data: Any) -> Any:
    """Return a value from the journal. A record that it names may have been linked or merged since then."""

    def now(value: Any) -> Any:
        link = draft.ask(LinkOf(value.mapping, value.side, value.id)) if isinstance(value, Reference) else None
        return value if link is None or not references.usable(link) else LinkId(link.id)

    value = with_parts(load_values(draft.mapping, {name: data})[name], now)
    return references.followed(draft, {name: value})[name]


def _edited(row: Field, readings: Mapping[Side, Reading], base: Base) -> frozenset[Side]:
    values = [readings[side].values.get(row.name, UNREAD) for side in SIDES]
    entry = base.get(row.name)
    if UNREAD in values or entry is None:
        return frozenset()
    hashes = tuple(readings[side].hashes.get(row.name) for side in SIDES)
    return edited_sides(row, values[0], values[1], hashes, entry)


def _unwritable(draft: Draft, target: Side, row: Field, value: Any, record: Record) -> str:
    """Why the value cannot be restored; "" when it can."""
    if names_records(value) and not is_empty(value) and as_written(draft, target, value) is None:
        return "the record that it named is not linked any more"
    if names_records(value):
        return ""
    try:
        translate.write(draft.mapping, target, {row.name: value}, record.fields)
    except MappingFailed as error:
        return "; ".join(problem.message for problem in error.problems)
    return ""


def as_written(draft: Draft, target: Side, value: Any) -> Any:
    """The value for the target's columns: a link becomes the target's own record. None if that is not known."""
    named = dict.fromkeys(one for one in parts_of(value) if isinstance(one, LinkId))
    there: dict[LinkId, Reference] = {}
    for one, link in zip(named, draft.ask_all(LinkById(one.id) for one in named), strict=True):
        record_id = link.record_id(target) if link is not None and references.usable(link) else None
        if link is None or record_id is None:
            return None
        there[one] = Reference(link.mapping, target, record_id)
    return with_parts(value, lambda one: there[one] if isinstance(one, LinkId) else one)


def undo(draft: Draft, instruction: Instruction, link: Link) -> Completion | Update | None:
    """Restore the fields that may be restored, name the others. None: a record is gone, and that is decided first."""
    target, detail = instruction.key.side, instruction.detail
    pair = accept.read_pair(draft, link)
    if isinstance(pair, Completion):
        return pair
    records = {side: found for side, found in pair.items() if isinstance(found, Record)}
    if any(isinstance(found, Gone) for found in pair.values()):
        return None
    draft.accept(alive=True)
    found = verdicts(draft, target, detail["fields"], records, link)
    readings = compare.readings(draft, records)
    base = references.current_base(draft, link)
    settled = link.sent_left is not None or link.sent_right is not None
    if settled:
        base, link = settle.by_reads(draft, link, readings, base)
    put_back = {one.field: one.value for one in found if one.restores}
    if settled and put_back:  # the result is stored before a new write replaces `sent`
        return draft.later(draft.now, Reason.WRITE_SETTLED.of())
    refused = [one for one in found if one.refused]
    if refused:
        parts = "; ".join(f"{one.field}: {one.refused}" for one in refused)
        name = draft.named(target, instruction.key.record_id)
        draft.say("not undone", f"{instruction.run}: {name} keeps {parts}", link=link)
    some = len(refused) < len(found)
    fulfils = ends(instruction, undone=some)
    if not put_back:
        return settle.instruction_ended(draft, fulfils, "nothing was to be put back")
    blocked = draft.may_not_write()
    if blocked:
        return blocked
    pair_now = Progress(link, base, readings, fulfils=fulfils)
    return Update(pair_now, [_write(draft, instruction, link, records[target], readings, put_back)])


def ends(instruction: Instruction, *, undone: bool) -> Fulfilled:
    """The end of an instruction. undone: its writes were undone, except for fields that were edited since."""
    detail = instruction.detail
    entries = tuple(detail.get("entries", ())) if undone else ()
    return Fulfilled(instruction.key, instruction.run, entries, detail.get("redoes") if undone else None)


def _write(
    draft: Draft,
    instruction: Instruction,
    link: Link,
    record: Record,
    readings: Mapping[Side, Reading],
    values: Mapping[str, Any],
) -> SideWrite:
    target = instruction.key.side
    held, seen = readings[target], draft.seen(record.ref)
    sent = {name: as_written(draft, target, value) for name, value in values.items()}
    changes = translate.write(draft.mapping, target, sent, record.fields)
    old = in_words(draft, target, {name: held.values[name] for name in values})
    new = in_words(draft, target, values)
    parts = ", ".join(f"{name}: {old[name]!r} -> {new[name]!r}" for name in values)
    detail = {"to": target.value, "changes": {name: [old[name], new[name]] for name in values}}
    text = f"{instruction.run}: {draft.named(target, instruction.key.record_id)} gets back {parts}"
    return SideWrite(
        target=target,
        record=record,
        read_at=seen.at if seen else 0.0,
        before=held,
        chosen=values,
        values=sent,
        changes={} if compare.holds(record.fields, changes) else changes,
        story=draft.entry("undone", text, detail, link=link),
        blanked=len([name for name, value in values.items() if is_empty(value) and not is_empty(held.values[name])]),
        beside={name: readings[target.other].values.get(name, UNREAD) for name in values},
    )


def edited_since_created(
    draft: Draft, target: Side, fields: Mapping[str, Json], records: Mapping[Side, Record], link: Link
) -> Sequence[str]:
    """Fields of a record that the bridge created and that somebody edited since, each with what it is now."""
    reading = compare.readings(draft, records)[target]
    base = references.current_base(draft, link)
    found = []
    for row in draft.mapping.fields:
        now, entry, known = reading.values.get(row.name, UNREAD), fields.get(row.name), base.get(row.name)
        if now is UNREAD or names_unlinked(now) or row.set_on is not None:
            continue
        if entry is not None:
            after = _journaled(draft, row.name, entry["after"])
            kept = same(row, now, after) or (not entry.get("confirmed") and is_reduction(row, after, now))
        elif known is not None:  # the bridge sent no value, or its default
            there, here = (known.right, known.left) if target is Side.RIGHT else (known.left, known.right)
            kept = is_empty(now) or (same(row, now, there) and is_empty(here))
        else:
            continue
        if not kept:
            found.append(f"{row.name} is {in_words(draft, target, {row.name: now})[row.name]!r}")
    return found
