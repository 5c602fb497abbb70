"""A person's instructions about a record: undo, link, unlink, restore. Pure, like all decisions.

An instruction ends when it is carried out or refused; it stays while the record is put off. `bridge.app.undo` makes
instructions. The end of the file makes the preview of one.
"""

from collections.abc import Callable, Sequence
from collections.abc import Mapping as MappingOf
from typing import Any

from bridge.domain.errors import MappingFailed
from bridge.domain.frozen import dataclass, replace
from bridge.domain.record import SIDES, Gone, Record, Side
from bridge.mapping import translate
from bridge.mapping.merge import Base, FieldBase, dump_base, edited_sides, load_base, load_values
from bridge.mapping.model import DeletePolicy, Field
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
from bridge.store import moves
from bridge.store.model import Completion, Fulfilled, Instruction, Json, Link, Outcome
from bridge.store.questions import IsForgotten, LinkById, LinkOf
from bridge.sync import accept, compare, match, references, remove, settle
from bridge.sync.match import UNKNOWN_SEQ
from bridge.sync.reasons import Reason
from bridge.sync.situation import (
    Create,
    Draft,
    Moment,
    Plan,
    Progress,
    Removal,
    SideWrite,
    Stale,
    Undoing,
    Update,
    in_words,
)

UNDO, REMOVE_CREATED, LINK, UNLINK, RESTORE = "undo", "remove created", "link", "unlink", "restore"


def carry_out(draft: Draft, told: Instruction) -> Completion | Plan | None:
    """Return what to do. None: a record is gone, and that is decided first."""
    draft.run = told.run
    if draft.shadow:
        return refused(draft, told, "the mapping is in shadow mode, and nothing is written")
    if draft.claim.link is not None:
        unsettled = settle.unsettled(draft, draft.claim.link)
        if unsettled:
            return unsettled
    return ACTS[told.kind](draft, told)


def refused(draft: Draft, told: Instruction, why: str) -> Completion:
    """End the instruction without doing anything. The journal says why."""
    link, name = draft.claim.link, draft.named(told.key.side, told.key.record_id)
    draft.say("not done", f"{told.run}: {name}: {why}", link=link)
    reason = Reason.INSTRUCTED.of(run=told.run, what=f"not done: {why}")
    return draft.done(Outcome.UNCHANGED, reason, due=draft.now, fulfilled=fulfilled(told, undone=False))


def ended(draft: Draft, told: Instruction, what: str, text: str, other: str | None = None) -> Completion:
    """End an instruction that is carried out, with a journal entry."""
    draft.say(what, f"{told.run}: {text}", link=draft.claim.link, other=other)
    return settle.instruction_ended(draft, fulfilled(told, undone=True), text)


def fulfilled(told: Instruction, *, undone: bool) -> Fulfilled:
    """The end of an instruction. undone: its writes were undone, except for fields that were edited since."""
    detail = told.detail
    entries = tuple(detail.get("entries", ())) if undone else ()
    return Fulfilled(told.key, told.run, entries, detail.get("redoes") if undone else None)


def _pair_of(draft: Draft, told: Instruction) -> Link | None:
    link = draft.claim.link
    paired = link is not None and link.state in moves.PAIRED and link.record_id(told.key.side) == told.key.record_id
    return link if paired else None


# ---- Undo: what the bridge overwrote is put back, field by field, if nobody has edited it since ----


def _undo(draft: Draft, told: Instruction) -> Completion | Plan | None:
    link = _pair_of(draft, told)
    if link is None:
        return refused(draft, told, "it is no longer linked; `bridge link` links two records")
    return _put_back(draft, told, link)


def _put_back(draft: Draft, told: Instruction, link: Link) -> Completion | Update | None:
    """Restore the fields that may be restored, name the others. None: a record is gone, and that is decided first."""
    target, detail = told.key.side, told.detail
    pair = accept.read_pair(draft, link)
    if isinstance(pair, Completion):
        return pair
    records = {side: found for side, found in pair.items() if isinstance(found, Record)}
    if any(isinstance(found, Gone) for found in pair.values()):
        return None
    draft.accept(alive=True)
    found = _verdicts(draft, target, detail["fields"], records, link)
    readings = compare.readings(draft, records)
    base = references.current_base(draft, link)
    settled = link.sent_left is not None or link.sent_right is not None
    if settled:
        base, link = settle.by_reads(draft, link, readings, base)
    put_back = {one.field: one.value for one in found if one.restores}
    if settled and put_back:  # the result is stored before a new write replaces `sent`
        return draft.later(draft.now, Reason.WRITE_SETTLED.of())
    kept = [one for one in found if one.refused]
    if kept:
        parts = "; ".join(f"{one.field}: {one.refused}" for one in kept)
        name = draft.named(target, told.key.record_id)
        draft.say("not undone", f"{told.run}: {name} keeps {parts}", link=link)
    some = len(kept) < len(found)
    fulfils = fulfilled(told, undone=some)
    if not put_back:
        return settle.instruction_ended(draft, fulfils, "nothing was to be put back")
    blocked = draft.may_not_write()
    if blocked:
        return blocked
    pair_now = Progress(link, base, readings, fulfils=fulfils)
    return Update(pair_now, [_write_back(draft, told, link, records[target], readings, put_back)])


def _write_back(
    draft: Draft,
    told: Instruction,
    link: Link,
    record: Record,
    readings: MappingOf[Side, Reading],
    values: MappingOf[str, Any],
) -> SideWrite:
    target = told.key.side
    held, seen = readings[target], draft.seen(record.ref)
    sent = {name: _as_written(draft, target, value) for name, value in values.items()}
    changes = translate.write(draft.mapping, target, sent, record.fields)
    old = in_words(draft, target, {name: held.values[name] for name in values})
    new = in_words(draft, target, values)
    parts = ", ".join(f"{name}: {old[name]!r} -> {new[name]!r}" for name in values)
    detail = {"to": target.value, "changes": {name: [old[name], new[name]] for name in values}}
    text = f"{told.run}: {draft.named(target, told.key.record_id)} gets back {parts}"
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


def _verdicts(
    draft: Draft, target: Side, fields: MappingOf[str, Json], records: MappingOf[Side, Record], link: Link
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
    readings: MappingOf[Side, Reading],
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


def _edited(row: Field, readings: MappingOf[Side, Reading], base: Base) -> frozenset[Side]:
    values = [readings[side].values.get(row.name, UNREAD) for side in SIDES]
    entry = base.get(row.name)
    if UNREAD in values or entry is None:
        return frozenset()
    hashes = tuple(readings[side].hashes.get(row.name) for side in SIDES)
    return edited_sides(row, values[0], values[1], hashes, entry)


def _unwritable(draft: Draft, target: Side, row: Field, value: Any, record: Record) -> str:
    """Why the value cannot be restored; "" when it can."""
    if names_records(value) and not is_empty(value) and _as_written(draft, target, value) is None:
        return "the record that it named is not linked any more"
    if names_records(value):
        return ""
    try:
        translate.write(draft.mapping, target, {row.name: value}, record.fields)
    except MappingFailed as error:
        return "; ".join(problem.message for problem in error.problems)
    return ""


def _as_written(draft: Draft, target: Side, value: Any) -> Any:
    """The value for the target's columns: a link becomes the target's own record. None if that is not known."""
    named = dict.fromkeys(one for one in parts_of(value) if isinstance(one, LinkId))
    there: dict[LinkId, Reference] = {}
    for one, link in zip(named, draft.ask_all(LinkById(one.id) for one in named), strict=True):
        record_id = link.record_id(target) if link is not None and references.usable(link) else None
        if link is None or record_id is None:
            return None
        there[one] = Reference(link.mapping, target, record_id)
    return with_parts(value, lambda one: there[one] if isinstance(one, LinkId) else one)


# ---- Undo of a create: the record is removed or unlinked, if nobody has edited it since ----


def _remove_created(draft: Draft, told: Instruction) -> Completion | Plan | None:
    """Remove a record that the bridge created, as the mapping's delete policy says; otherwise unlink it."""
    link, target, source = _pair_of(draft, told), told.key.side, told.key.side.other
    if link is None:
        return refused(draft, told, "it is no longer linked, so decide about it at the product")
    pair = accept.read_pair(draft, link)
    if isinstance(pair, Completion):
        return pair
    there, origin = pair[target], pair[source]
    shown, fulfils, name = (
        match.values_held(draft, pair),
        fulfilled(told, undone=True),
        draft.named(target, told.key.record_id),
    )
    if isinstance(there, Gone):
        if "removal" not in (link.sent(target) or {}):
            return None
        draft.moves.append(moves.part(link, shown, told.run))  # the answer of our own removal was lost
        return ended(draft, told, "deleted", f"{name}, which the bridge had created, is removed")
    if isinstance(origin, Gone):
        return None
    draft.accept(alive=True)
    edits = _edited_since_created(draft, target, told.detail["fields"], {target: there, source: origin}, link)
    if edits:
        return refused(
            draft, told, f"it stays, because somebody has edited it since it was created: {'; '.join(edits)}"
        )
    policy, kept = removal_policy(draft, target)
    if policy is DeletePolicy.UNLINK:
        draft.moves.append(moves.part(link, shown, told.run))
        return ended(draft, told, "unlinked", f"{name}, which the bridge had created, stays and is unlinked ({kept})")
    hidden = accept.edit_not_shown(draft, target, told.key.record_id)
    if hidden:
        return draft.stale(hidden)
    waiting = remove.referring_first(draft, link, told.at)
    values = remove.values(draft, target, there)
    return waiting or Removal(link, source, there, policy, values, Undoing(fulfils, shown))


def _edited_since_created(
    draft: Draft, target: Side, fields: MappingOf[str, Json], records: MappingOf[Side, Record], link: Link
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


def removal_policy(draft: Draft, target: Side) -> tuple[DeletePolicy, str]:
    """The delete policy for a record that the bridge created and an undo removes, and why it is only unlinked."""
    policy, facts = draft.mapping.deleted.get(target.other, DeletePolicy.UNLINK), draft.manifest(target)
    side = draft.side_name(target.other)
    if policy in (DeletePolicy.IGNORE, DeletePolicy.UNLINK):
        return DeletePolicy.UNLINK, f"the mapping says `deleted: {{{side}: {policy.value}}}`"
    if not (facts.archives if policy is DeletePolicy.ARCHIVE else facts.deletes):
        return DeletePolicy.UNLINK, f"{draft.endpoint(target).system} cannot {policy.value} it"
    return policy, ""


# ---- Link and unlink ----


def _link(draft: Draft, told: Instruction) -> Completion | Plan | None:
    """Link two records that exist and that no other link names."""
    side, other, record_id = told.key.side, told.key.side.other, str(told.detail["other"])
    mine, theirs = draft.named(side, told.key.record_id), draft.named(other, record_id)
    own = draft.claim.link
    if own is not None and own.record_id(other) == record_id:
        return ended(draft, told, "linked", f"{mine} and {theirs} are already linked")
    out = forgotten(draft, {side: told.key.record_id, other: record_id})
    if out:
        return refused(draft, told, out)
    taken = draft.lease(other, record_id) or accept.too_early_to_link(draft, other, record_id)
    if taken:
        return taken
    links = {mine: own, theirs: draft.ask(LinkOf(draft.mapping.name, other, record_id))}
    for name, link in links.items():
        if link is not None:
            return refused(draft, told, f"{name} is already linked; `bridge unlink` it first")
    found = accept.read(draft, side, told.key.record_id)
    if isinstance(found, Stale):
        return draft.stale(found)
    records = {side: found, other: draft.look(draft.ref(other, record_id), Moment.LEASED)}
    wrong = unfit(draft, records)
    if wrong:
        return refused(draft, told, wrong)
    alive = {which: one for which, one in records.items() if isinstance(one, Record)}
    for which, one in alive.items():
        match.answered(draft, which, one.ref.id)
        remove.drop_questions(draft, which, one.ref.id)
    base = preferring(draft, alive, told.detail.get("prefer"))
    draft.moves.append(
        moves.match(draft.mapping.name, side, told.key.record_id, record_id, dump_base(draft.mapping, base))
    )
    return ended(draft, told, "linked", f"{mine} and {theirs} are linked, as a person decided", other=record_id)


def forgotten(draft: Draft, record_ids: MappingOf[Side, str]) -> str:
    """Why nothing is done with these records: one of them was forgotten. "" if none was."""
    out = draft.ask_all(IsForgotten(draft.ref(side, record_id)) for side, record_id in record_ids.items())
    for (side, record_id), gone in zip(record_ids.items(), out, strict=True):
        if gone:
            end = draft.endpoint(side)
            command = f"bridge forget {end.name} {end.entity} {record_id} --take-back"
            return f"a person had {draft.named(side, record_id)} forgotten; `{command}` allows it again"
    return ""


def unfit(draft: Draft, records: MappingOf[Side, Record | Gone]) -> str:
    """Why these two cannot be linked; "" if they can."""
    for side, one in records.items():
        name = draft.named(side, one.ref.id)
        if isinstance(one, Gone):
            return f"{name} does not exist"
        if translate.passes_where(draft.mapping, side, one.fields) is False:
            return f"{name} does not match `where` of mapping {draft.mapping.name}"
    return ""


def preferring(draft: Draft, records: MappingOf[Side, Record], prefer: str | None) -> dict[str, FieldBase]:
    """Return the base of a new pair in which the values of side `prefer` count as edits of the other side's values.

    Without `prefer`, and where a side is empty, the fields are merged like those of any matched pair.
    """
    if prefer is None:
        return {}
    winner, readings, base = Side(prefer), compare.readings(draft, records), {}
    for row in draft.mapping.fields:
        values = {side: readings[side].values.get(row.name, UNREAD) for side in SIDES}
        lost = values[winner.other]
        known = not any(is_empty(value) or names_unlinked(value) for value in values.values())
        if known and not same(row, values[winner], lost):
            hashed = {winner.other: readings[winner.other].hashes.get(row.name), winner: None}
            hashes = (hashed[Side.LEFT], hashed[Side.RIGHT])
            base[row.name] = FieldBase(lost, lost, *hashes, row.fingerprint, row.columns_fingerprint)
    return base


def _unlink(draft: Draft, told: Instruction) -> Completion | Plan | None:
    link = _pair_of(draft, told)
    if link is None:
        return refused(draft, told, "it is not linked")
    pair = accept.read_pair(draft, link)
    if isinstance(pair, Completion):
        return pair
    draft.moves.append(moves.part(link, match.values_held(draft, pair), told.run))
    names = " and ".join(draft.named(side, link.record_id(side)) for side in SIDES)
    return ended(draft, told, "unlinked", f"{names} are unlinked, as a person decided")


# ---- Restore: a deleted record is created again ----


def _restore(draft: Draft, told: Instruction) -> Completion | Plan | None:
    """Create a deleted record again, as the counterpart of the claim's record, which may be gone as well."""
    source, target, old = told.key.side, told.key.side.other, str(told.detail["rec"])
    link, name = draft.claim.link, draft.named(target, old)
    out = forgotten(draft, {source: told.key.record_id, target: old})
    if out:
        return refused(draft, told, out)
    own = accept.read(draft, source, told.key.record_id)
    if isinstance(own, Stale):
        return draft.stale(own)
    if link is not None:
        return _restored(draft, told, link, own)
    if isinstance(draft.look(draft.ref(target, old)), Record):
        return refused(draft, told, f"{name} exists; `bridge link` links it to another record")
    if isinstance(own, Record):
        match.answered(draft, source, told.key.record_id)
    values = load_values(draft.mapping, told.detail["values"])
    chosen = {row.name: values[row.name] for row in draft.mapping.fields if not is_empty(values.get(row.name))}
    chosen = {key: value for key, value in chosen.items() if target in draft.mapping.named[key].flows}
    sent = {key: _as_written(draft, target, value) for key, value in chosen.items()}
    chosen = {key: value for key, value in chosen.items() if sent[key] is not None}
    switched_off = translate.off(draft.mapping, source, own.fields) if isinstance(own, Record) else frozenset[str]()
    return Create(
        target=target,
        source=_source(draft, told, own, chosen),
        chosen=chosen,
        fields=translate.for_create(
            draft.mapping, target, {key: sent[key] for key in chosen}, switched_off - set(chosen)
        ),
        keys=translate.index_hashes(draft.mapping, chosen),
        first_seq=UNKNOWN_SEQ
        if (known := draft.known(draft.ref(source, told.key.record_id))) is None
        else known.first_seq,
        words=in_words(draft, target, chosen),
    )


def _source(draft: Draft, told: Instruction, own: Record | Gone, chosen: MappingOf[str, Any]) -> Reading:
    """The other record as of the last sync, so that later edits there still count as edits."""
    if isinstance(own, Gone):
        return Reading(dict(chosen), {})
    reading = compare.readings(draft, {told.key.side: own})[told.key.side]
    values, hashes = dict(reading.values), dict(reading.hashes)
    for name, entry in load_base(draft.mapping, told.detail.get("base", {})).items():
        here = entry.left if told.key.side is Side.LEFT else entry.right
        hashed = entry.left_hash if told.key.side is Side.LEFT else entry.right_hash
        if here is UNREAD or names_unlinked(here) or name not in values:
            continue
        values[name] = here
        hashes.pop(name, None)
        if hashed is not None:
            hashes[name] = hashed
    return Reading(values, hashes)


def _restored(draft: Draft, told: Instruction, link: Link, own: Record | Gone) -> Completion:
    """End a restore whose counterpart is linked: to the record created again, or to another one (refused)."""
    target = told.key.side.other
    record_id, mine = str(link.record_id(target)), draft.named(told.key.side, told.key.record_id)
    if (link.payload or {}).get("at", 0.0) < told.at or link.made != f"created_{target.value}":
        return refused(draft, told, f"{mine} is already linked to {draft.named(target, record_id)}")
    text = (
        f"{draft.named(target, str(told.detail['rec']))} was created again: it is {draft.named(target, record_id)} now"
    )
    if isinstance(own, Record):
        return ended(draft, told, "restored", f"{text}, linked to {mine}")
    found = accept.read(draft, target, record_id)
    if isinstance(found, Stale):
        return draft.stale(found)
    draft.moves.append(moves.part(link, match.values_held(draft, {target: found}), told.run))
    return ended(
        draft, told, "restored", f"{text}; {mine} is still deleted, and is created again when {record_id} is edited"
    )


ACTS: MappingOf[str, Callable[[Draft, Instruction], Completion | Plan | None]] = {
    UNDO: _undo,
    REMOVE_CREATED: _remove_created,
    LINK: _link,
    UNLINK: _unlink,
    RESTORE: _restore,
}


# ---- The preview of an instruction ----


@dataclass(frozen=True, slots=True)
class Preview:
    """A preview. `lines`: one sentence about the record, then one per field. `acts`: something would be done.

    `restored`, `kept`: how many fields would be restored and how many stay. `removes`: a record would be removed.
    """

    lines: tuple[str, ...]
    acts: bool = True
    restored: int = 0
    kept: int = 0
    removes: bool = False


def preview(draft: Draft, told: Instruction) -> Preview:
    """What the instruction would do now."""
    if draft.shadow:
        return _refused(draft, told, "the mapping is in shadow mode, and nothing is written")
    return PREVIEWS[told.kind](draft, told)


def _refused(draft: Draft, told: Instruction, why: str) -> Preview:
    return Preview((f"{draft.named(told.key.side, told.key.record_id)}: refused: {why}",), acts=False)


def _pair(draft: Draft, told: Instruction) -> tuple[Link, dict[Side, Record]] | str:
    """The pair with its records, or the reason why there is none."""
    link = draft.ask(LinkOf(draft.mapping.name, told.key.side, told.key.record_id))
    if link is None or link.state not in moves.PAIRED or link.record_id(told.key.side) != told.key.record_id:
        return "it is not linked"
    found = {side: draft.look(draft.ref(side, str(link.record_id(side)))) for side in SIDES}
    gone = [draft.named(side, link.record_id(side)) for side, one in found.items() if isinstance(one, Gone)]
    if gone:
        return f"{gone[0]} no longer exists; `bridge restore` creates a deleted record again"
    return link, {side: one for side, one in found.items() if isinstance(one, Record)}


def _undo_preview(draft: Draft, told: Instruction) -> Preview:
    pair = _pair(draft, told)
    if isinstance(pair, str):
        return _refused(draft, told, pair)
    link, records = pair
    target, lines, restored, kept = told.key.side, [], 0, 0
    for one in _verdicts(draft, target, told.detail["fields"], records, link):
        shown = in_words(draft, target, {"now": one.now, "value": one.value})
        if one.refused:
            lines.append(f"{one.field}: stays: {one.refused}")
            kept += 1
        elif one.held:
            lines.append(f"{one.field}: already is {_value(shown['value'])}")
        else:
            lines.append(f"{one.field}: {_value(shown['now'])} -> {_value(shown['value'])}")
            restored += 1
    return Preview((draft.named(target, told.key.record_id), *lines), acts=restored > 0, restored=restored, kept=kept)


def _removal_preview(draft: Draft, told: Instruction) -> Preview:
    pair = _pair(draft, told)
    if isinstance(pair, str):
        return _refused(draft, told, pair)
    link, records = pair
    target, name = told.key.side, draft.named(told.key.side, told.key.record_id)
    edits = _edited_since_created(draft, target, told.detail["fields"], records, link)
    if edits:
        head = f"{name}: stays, because somebody has edited it since the bridge created it"
        return Preview((head, *edits), acts=False, kept=len(edits))
    policy, kept = removal_policy(draft, target)
    if policy is DeletePolicy.UNLINK:
        return Preview((f"{name}: created by the bridge; it stays and is unlinked ({kept})",))
    verb = "archived" if policy is DeletePolicy.ARCHIVE else "deleted"
    return Preview((f"{name}: created by the bridge; it is {verb}",), removes=True)


def _link_preview(draft: Draft, told: Instruction) -> Preview:
    side, other, record_id = told.key.side, told.key.side.other, str(told.detail["other"])
    mine, theirs = draft.named(side, told.key.record_id), draft.named(other, record_id)
    out = forgotten(draft, {side: told.key.record_id, other: record_id})
    if out:
        return _refused(draft, told, out)
    for name, link in (
        (mine, draft.ask(LinkOf(draft.mapping.name, side, told.key.record_id))),
        (theirs, draft.ask(LinkOf(draft.mapping.name, other, record_id))),
    ):
        if link is not None:
            there = " and ".join(draft.named(one, link.record_id(one)) for one in SIDES if link.record_id(one))
            return _refused(draft, told, f"{name} is already linked ({there}); `bridge unlink` it first")
    found = {side: draft.look(draft.ref(side, told.key.record_id)), other: draft.look(draft.ref(other, record_id))}
    wrong = unfit(draft, found)
    if wrong:
        return _refused(draft, told, wrong)
    records = {one: record for one, record in found.items() if isinstance(record, Record)}
    return Preview((f"{mine} and {theirs} are linked", *_merged(draft, told, records)))


def _merged(draft: Draft, told: Instruction, records: MappingOf[Side, Record]) -> list[str]:
    """What the new pair's first comparison does with fields that differ."""
    readings = compare.readings(draft, records)
    base = preferring(draft, records, told.detail.get("prefer"))
    decisions = compare.decide_fields(draft, records, readings, base)
    lines = []
    for target, values in compare.plans(decisions, readings).items():
        old = in_words(draft, target, {name: readings[target].values.get(name) for name in values})
        new, reasons = in_words(draft, target, values), {one.field: one.reason for one in decisions}
        side = draft.side_name(target)
        lines += [f"{side}.{name}: {_value(old[name])} -> {_value(new[name])} ({reasons[name]})" for name in values]
    return lines or ["both have the same values in all mapped fields"]


def _unlink_preview(draft: Draft, told: Instruction) -> Preview:
    link = draft.ask(LinkOf(draft.mapping.name, told.key.side, told.key.record_id))
    if link is None or link.state not in moves.PAIRED or link.record_id(told.key.side) != told.key.record_id:
        return _refused(draft, told, "it is not linked")
    names = " and ".join(draft.named(side, link.record_id(side)) for side in (told.key.side, told.key.side.other))
    return Preview((f"{names} are unlinked; both stay, and are left alone until one of them is edited",))


def _restore_preview(draft: Draft, told: Instruction) -> Preview:
    target, record_id = told.key.side.other, str(told.detail["rec"])
    name, mine = draft.named(target, record_id), draft.named(told.key.side, told.key.record_id)
    out = forgotten(draft, {told.key.side: told.key.record_id, target: record_id})
    if out:
        return _refused(draft, told, out)
    if isinstance(draft.look(draft.ref(target, record_id)), Record):
        refusal = f"{name}: refused: it exists; `bridge link` links it to another record"
        return Preview((refusal,), acts=False)
    link = draft.ask(LinkOf(draft.mapping.name, told.key.side, told.key.record_id))
    if link is not None:
        there = draft.named(target, link.record_id(target))
        return Preview((f"{name}: refused: its counterpart {mine} is now linked to {there}",), acts=False)
    alive = isinstance(draft.look(draft.ref(told.key.side, told.key.record_id)), Record)
    after = f"linked to {mine}" if alive else f"not linked, because {mine} is deleted too"
    values = load_values(draft.mapping, told.detail["values"])
    filled = {name: value for name, value in values.items() if not is_empty(value)}
    shown = in_words(draft, target, filled)
    head = f"{name}: is created again under a new id, {after}, with these values"
    return Preview((head, *(f"{field}: {_value(value)}" for field, value in shown.items())))


def _value(value: Any) -> str:
    return "(empty)" if value is None else repr(value)


PREVIEWS: MappingOf[str, Callable[[Draft, Instruction], Preview]] = {
    UNDO: _undo_preview,
    REMOVE_CREATED: _removal_preview,
    LINK: _link_preview,
    UNLINK: _unlink_preview,
    RESTORE: _restore_preview,
}
