"""A linked record is gone: somebody deleted it, or merged it into another one.

A deletion is confirmed first. Then the mapping says what happens to the counterpart, within its deletion threshold.
After a merge the link follows, or becomes an alias. Pure.
"""

from collections.abc import Mapping
from typing import Any

from bridge.domain.frozen import replace
from bridge.domain.record import Evidence, Gone, Record, Side
from bridge.mapping import translate
from bridge.mapping.merge import dump_values
from bridge.mapping.model import DeletePolicy, Leftover
from bridge.mapping.values import UNREAD, is_empty, names_unlinked
from bridge.store import moves
from bridge.store.model import Completion, Link, LinkState, Outcome, TaskKey, TaskState
from bridge.store.questions import DuplicatesOf, LinkOf, LinksNaming, LinksReferring, SurvivorOf, TaskOf
from bridge.sync import accept, compare, references, settle, shadow
from bridge.sync.reasons import Reason, Why
from bridge.sync.situation import DELETED, CanSee, Draft, ForgetMerge, MergedInto, Moment, NoteMerge, Removal

ARCHIVED = "was left over and is archived (merged: archive)"
VISIBILITY_SECONDS = 1800.0
"""If a record is gone and no other record of its entity can be read, a person must decide after this long."""


def removed(draft: Draft, link: Link, side: Side, pair: Mapping[Side, Record | Gone]) -> Completion | Removal:
    """Decide about a link of which one record is gone. `side`: where it is gone; `pair`: both sides as just read."""
    gone, record_id = pair[side], str(link.record_id(side))
    assert isinstance(gone, Gone)
    if gone.merged_into is not None and gone.merged_into != record_id:
        draft.ask(NoteMerge(gone.ref, gone.merged_into))
    survivor = draft.ask(SurvivorOf(draft.ref(side, record_id)))
    other = pair[side.other]
    if survivor is not None:
        return _merged(draft, link, side, survivor, gone, other)
    if "removal" in (link.sent(side) or {}):
        return _removed_by_us(draft, link, side, other)
    if isinstance(other, Gone):
        return both_gone(draft, link, Reason.BOTH_GONE.of())
    confirmed = _confirm(draft, link, side, record_id)
    if isinstance(confirmed, Completion):
        return confirmed
    link = confirmed
    instead = _duplicate_instead(draft, link, side, record_id)
    if instead:
        return instead
    return _apply_policy(draft, link, side, gone, other)


def _removed_by_us(draft: Draft, link: Link, side: Side, other: Record | Gone) -> Completion:
    """A removal whose answer was lost took effect; a record that was restored meanwhile is treated as new."""
    ended = both_gone(draft, link, Reason.REMOVED_BY_US.of(record=draft.named(side, link.record_id(side))))
    if isinstance(other, Gone):
        return ended
    return replace(ended, mark=(TaskKey(draft.mapping.name, side.other, other.ref.id),))


def both_gone(draft: Draft, link: Link, why: Why) -> Completion:
    draft.say("gone", why.text, link=link)
    return buried(draft, link, (draft.side, draft.side.other), why)


def buried(draft: Draft, link: Link, sides: tuple[Side, ...], why: Why) -> Completion:
    draft.moves.append(moves.bury(link, sides, draft.now))
    return draft.done(Outcome.APPLIED, why)


# ---- Deleted: confirm it, then do what the mapping says ----


def _confirm(draft: Draft, link: Link, side: Side, record_id: str) -> Link | Completion:
    """Confirm a deletion by two reads `read_lag` apart and a canary read: another linked record must still be visible.

    If none is visible for `VISIBILITY_SECONDS`, a person must say whether the records are deleted or only hidden from
    the account; otherwise the record would wait for ever. To retry the dead letter says that they are deleted. The link
    stores the question and the answer.
    """
    since, read_lag, name = draft.first.gone_since, draft.endpoint(side).read_lag, draft.named(side, record_id)
    if since is None or draft.now < since + read_lag:
        first = draft.now if since is None else since
        return draft.later(first + read_lag, Reason.GONE_ONCE.of(record=name), gone_since=first)
    if (link.payload or {}).get("deletion_confirmed", float("-inf")) >= since:
        return link
    if _answered(draft, link):
        noted = moves.note(link, deletion_confirmed=draft.now)
        draft.moves.append(noted)
        draft.say("confirmed", f"a person says that {name} is deleted", link=link)
        return replace(link, payload=noted.values["payload"])
    if draft.ask(CanSee(side, record_id)):
        return link
    if draft.now >= since + VISIBILITY_SECONDS:
        asked = {**_asked(link), draft.side.value: since}
        draft.moves.append(moves.note(link, deletion_asked=asked))
        why = Reason.LOST_VISIBILITY.of(record=name, system=draft.endpoint(side).system)
        return draft.dead(why, gone_since=since)
    why = Reason.NO_CANARY.of(record=name)
    if draft.first.code != why.code:
        draft.say("no canary", why.text)
    return draft.later(draft.now + draft.limits.wait_seconds, why)


def _asked(link: Link) -> dict[str, float]:
    """Return, by side of the task that became a dead letter with this question, since when the record was gone."""
    return dict((link.payload or {}).get("deletion_asked", {}))


def _answered(draft: Draft, link: Link) -> bool:
    """Whether a person retried a dead letter that asked about this absence.

    A retry of another dead letter, the counterpart's for instance, says nothing about it.
    """
    asked = _asked(link)
    retried = [task for task in draft.claim.tasks if task.retried and task.gone_since is not None]
    return any(asked.get(task.key.side.value) == task.gone_since for task in retried)


def _duplicate_instead(draft: Draft, link: Link, side: Side, record_id: str) -> Completion | None:
    """Let a reported duplicate take the place of the linked record, which somebody deleted.

    The new pair is merged without a base, like any matched pair.
    """
    for duplicate in draft.ask(DuplicatesOf(link.id, side)):
        taken = draft.lease(side, duplicate)
        if taken:
            return taken
        if draft.ask(LinkOf(draft.mapping.name, side, duplicate)) is not None:
            continue  # it was linked after it was reported
        if isinstance(draft.look(draft.ref(side, duplicate), Moment.LEASED), Record):
            why = Reason.DUPLICATE_TAKES_OVER.of(record=draft.named(side, record_id), duplicate=duplicate)
            _follow(draft, link, side, duplicate, why.text, forget_base=True)
            return draft.done(Outcome.APPLIED, why, mark=(TaskKey(draft.mapping.name, side, duplicate),))
    return None


def _apply_policy(draft: Draft, link: Link, side: Side, gone: Gone, other: Record) -> Completion | Removal:
    policy, target = draft.mapping.deleted.get(side, DeletePolicy.UNLINK), side.other
    keep = ""
    if policy in (DeletePolicy.DELETE, DeletePolicy.ARCHIVE):
        keep = _reason_to_keep(draft, link, side, gone, other, policy)
    if policy in (DeletePolicy.IGNORE, DeletePolicy.UNLINK) or keep:
        gone_name, kept_name = draft.named(side, link.record_id(side)), draft.named(target, link.record_id(target))
        text = f"{gone_name} was deleted; {kept_name} stays"
        draft.say("unlinked", text + (f": {keep}" if keep else f" ({policy.value})"), link=link)
        return buried(draft, link, (side,), Reason.UNLINKED.of(record=gone_name))
    if draft.shadow:
        return shadow.would_remove(draft, link, target, other, policy.value)
    if draft.claim.paused:  # only recovery is claimed while a mapping is paused, and nothing is sent
        return draft.later(draft.now + draft.limits.wait_seconds, Reason.MAPPING_PAUSED.of())
    hidden = accept.edit_not_shown(draft, target, str(link.record_id(target)))
    if hidden:
        return draft.stale(hidden)
    first_seen = draft.now if draft.first.gone_since is None else draft.first.gone_since
    waiting = referring_first(draft, link, first_seen)
    return waiting or Removal(link, side, other, policy, values(draft, target, other))


def _reason_to_keep(draft: Draft, link: Link, side: Side, gone: Gone, other: Record, policy: DeletePolicy) -> str:
    """Why the other record must stay although the policy would remove it; "" when it may go."""
    facts = draft.manifest(side.other)
    if not (facts.archives if policy is DeletePolicy.ARCHIVE else facts.deletes):
        return f"{draft.endpoint(side.other).system} cannot {policy.value} it"
    evident = gone.evidence is not Evidence.NOT_FOUND or _told(draft, side, str(link.record_id(side)))
    if not evident and draft.manifest(side).delete_evidence:
        return "the record is not visible any more, but nothing shows that it was deleted"
    if draft.mapping.delete_conflict == "keep":
        edited = _edited_since(draft, link, side.other, other)
        if edited:
            return f"{edited} was edited there meanwhile (delete-conflict: keep)"
    return ""


def _told(draft: Draft, side: Side, record_id: str) -> bool:
    """Whether a delete event named the record; its task may wait while the claim is about the other one."""
    if draft.task_of(side, record_id) is not None:
        return draft.deleted_by_event(side, record_id)
    task = draft.ask(TaskOf(TaskKey(draft.mapping.name, side, record_id)))
    return task is not None and bool(DELETED & task.kinds)


def _edited_since(draft: Draft, link: Link, side: Side, record: Record) -> str | None:
    """The first field that was edited on the surviving side and never synced; without a base, the first filled one."""
    reading = compare.readings(draft, {side: record})[side]
    base = references.current_base(draft, link)
    base = settle.settled_base(draft, link, side, {side: reading}, base)
    for field in draft.mapping.fields:
        value, entry = reading.values.get(field.name, UNREAD), base.get(field.name)
        if names_unlinked(value) or side.other not in field.flows:
            continue
        if value is UNREAD:  # a value that cannot be translated may still be an edit
            seen = entry and (entry.left_hash if side is Side.LEFT else entry.right_hash)
            if reading.hashes.get(field.name, seen) != seen:
                return field.name
            continue
        if field.link and is_empty(value):  # products empty these themselves when the named record is deleted
            continue
        before = None if entry is None else entry.left if side is Side.LEFT else entry.right
        if not translate.same(field, value, before):
            return field.name
    return None


def values(draft: Draft, side: Side, record: Record) -> dict[str, Any]:
    """The record's values, as the journal keeps them, so that it can be created again."""
    return dump_values(draft.mapping, compare.readings(draft, {side: record})[side].values)


def referring_first(draft: Draft, link: Link, since: float) -> Completion | None:
    """Wait until pairs whose base names this link have been processed after `since`. None: none is left."""
    now, read_lag = draft.now, draft.endpoint(draft.side).read_lag
    asked = (link.payload or {}).get("referring_asked")
    keys = _pairs_naming(draft, link)
    if asked is None or asked < since:
        if not keys:
            return None
        draft.moves.append(moves.note(link, referring_asked=now))
        return draft.later(now + read_lag, Reason.REFERRING_FIRST.of(), mark=tuple(keys))
    tasks = draft.ask_all(TaskOf(key) for key in keys)
    open_ = any(task is not None and task.state is TaskState.DUE for task in tasks)
    if open_ and now < asked + draft.limits.wait_seconds:
        return draft.later(now + read_lag, Reason.REFERRING_FIRST.of())
    return None


def settled(draft: Draft, plan: Removal) -> Completion:
    """End the claim after the counterpart was removed."""
    target, link = plan.side.other, plan.link
    draft.note_wrote(target, plan.record.ref.id, None)
    verb = "archived" if plan.policy is DeletePolicy.ARCHIVE else "deleted"
    name = draft.named(target, plan.record.ref.id)
    detail = {"to": target.value, "values": plan.values}
    if plan.undoes is not None:
        fulfils = plan.undoes.fulfils
        draft.say(verb, f"{fulfils.run}: {verb} {name}, which the bridge had created", detail, link=link)
        draft.moves.append(moves.part(link, plan.undoes.shown, fulfils.run))
        return settle.instruction_ended(draft, fulfils, f"{verb} {name}")
    if plan.merged is not None:
        gone, into = draft.named(plan.side, link.record_id(plan.side)), plan.merged
        draft.say(verb, f"{gone} was merged into {into.survivor} -> {verb} {name}", detail, link=link)
        return _follow_or_alias(draft, link, plan.side, into.survivor, into.link, ARCHIVED)
    text = f"{draft.named(plan.side, link.record_id(plan.side))} was deleted -> {verb} {name}"
    draft.say(verb, text, detail, link=link)
    sides = (plan.side, target) if plan.policy is DeletePolicy.DELETE else (plan.side,)
    return buried(draft, link, sides, Reason.REMOVED.of(verb=verb, record=name))


# ---- Merged into another record: the link follows, or becomes an alias of the survivor's link ----


def _merged(
    draft: Draft, link: Link, side: Side, survivor: str, gone: Gone, other: Record | Gone
) -> Completion | Removal:
    """Decide about a record that was merged into another one. The mapping says whether its counterpart is archived."""
    theirs = _survivors_link(draft, link, side, survivor)
    if isinstance(theirs, Completion):
        return theirs
    archives = draft.mapping.merged[side] is Leftover.ARCHIVE
    if isinstance(other, Record) and other.archived and "removal" in (link.sent(side.other) or {}):
        return _follow_or_alias(draft, link, side, survivor, theirs, ARCHIVED)  # the archive's answer was lost
    if theirs is None or not archives or not isinstance(other, Record) or other.archived:
        return _follow_or_alias(draft, link, side, survivor, theirs)
    keep = _reason_to_keep(draft, link, side, replace(gone, evidence=Evidence.FLAG), other, DeletePolicy.ARCHIVE)
    if keep:
        return _follow_or_alias(draft, link, side, survivor, theirs, f"is left over: {keep}")
    if draft.shadow:
        return shadow.would_remove(draft, link, side.other, other, DeletePolicy.ARCHIVE.value)
    if draft.claim.paused:
        return draft.later(draft.now + draft.limits.wait_seconds, Reason.MAPPING_PAUSED.of())
    hidden = accept.edit_not_shown(draft, side.other, str(link.record_id(side.other)))
    if hidden:
        return draft.stale(hidden)
    held, into = values(draft, side.other, other), MergedInto(survivor, theirs)
    return Removal(link, side, other, DeletePolicy.ARCHIVE, held, merged=into)


def _survivors_link(draft: Draft, link: Link, side: Side, survivor: str) -> Link | Completion | None:
    """Return the survivor's own link; None if it has none but this one; a Completion if that is not known yet."""
    taken = draft.lease(side, survivor)
    if taken:
        return taken
    theirs = draft.ask(LinkOf(draft.mapping.name, side, survivor))
    if theirs is not None and theirs.state is LinkState.INTENDED:
        due = draft.now + draft.jitter(2.0)
        return draft.later(due, Reason.SURVIVOR_CREATED.of(record=draft.named(side, survivor)))
    return None if theirs is None or theirs.id == link.id else theirs


def _follow_or_alias(
    draft: Draft, link: Link, side: Side, survivor: str, theirs: Link | None, fate: str = "is left over"
) -> Completion:
    """Let the link follow the survivor, or make it an alias of the survivor's link.

    theirs: the survivor's link. fate: what happens to this link's record on the other side, for the journal.
    """
    record_id, mark = (
        str(link.record_id(side)),
        (TaskKey(draft.mapping.name, side, survivor), *_pairs_naming(draft, link)),
    )
    if theirs is None:
        _follow(draft, link, side, survivor, f"{draft.named(side, record_id)} was merged into {survivor}")
    else:
        _alias(draft, link, theirs, side, survivor, fate)
    return draft.done(Outcome.APPLIED, Reason.MERGED.of(survivor=survivor), mark=mark)


def _follow(draft: Draft, link: Link, side: Side, survivor: str, what: str, *, forget_base: bool = False) -> None:
    drop_questions(draft, side, survivor)
    draft.moves.append(moves.follow(link, side, survivor, forget_base=forget_base))
    _tell(draft, link, side, survivor, f"{what}; the link follows")


def _alias(draft: Draft, link: Link, theirs: Link, side: Side, survivor: str, fate: str) -> None:
    draft.moves.append(moves.alias_to(link, theirs))
    gone, left_over = draft.named(side, link.record_id(side)), draft.named(side.other, link.record_id(side.other))
    text = f"{gone} was merged into {survivor}, which is linked already; {left_over} {fate}"
    _tell(draft, replace(link, id=theirs.id), side, survivor, text, theirs.record_id(side.other))


def _tell(draft: Draft, link: Link, side: Side, survivor: str, text: str, counterpart: str | None = None) -> None:
    """Journal the merge for the record that was merged away and for the survivor, which has its own `counterpart`."""
    draft.say("merged", text, link=link)
    draft.journal.append(replace(draft.journal[-1], side=side, record_id=survivor, other_record_id=counterpart))


def _pairs_naming(draft: Draft, link: Link) -> list[TaskKey]:
    """Tasks of the pairs whose base names this link."""
    return [
        TaskKey(other.mapping, Side.LEFT, other.left)
        for other in draft.ask(LinksReferring(link.id))
        if other.left is not None and other.state is LinkState.LIVE
    ]


NEEDS_A_PERSON = (LinkState.UNKNOWN, LinkState.DUPLICATE)


def drop_questions(draft: Draft, side: Side, record_id: str) -> None:
    """The record was linked or merged, as a person was asked to do: remove the question."""
    rows = draft.ask(LinksNaming(draft.mapping.name, side, record_id))
    draft.moves += [moves.drop(row) for row in rows if row.state in NEEDS_A_PERSON]


# ---- A record that was merged away exists again ----


def back_from_merge(draft: Draft, found: Record | Gone) -> Completion | None:
    """Revive the pair of a record that was merged away and exists again, if its counterpart is still free.

    found: the claim's record, as just read and accepted. Return None if it was never merged away, or still is.
    """
    ref, other = draft.ref(draft.side, draft.key.record_id), draft.side.other
    if isinstance(found, Gone) or draft.ask(SurvivorOf(ref)) is None:
        return None
    known = draft.known(ref)
    settled = (known.gone_at or 0.0) + draft.endpoint(draft.side).read_lag if known else 0.0
    if draft.now < settled:
        return draft.later(settled, Reason.GONE_A_MOMENT_AGO.of(record=draft.named(draft.side, ref.id)))
    rows = draft.ask(LinksNaming(draft.mapping.name, draft.side, ref.id))
    row = next((row for row in rows if row.state is LinkState.ALIAS), None)
    if row is not None:
        counterpart = str(row.record_id(other))
        taken = draft.lease(other, counterpart) or accept.too_early_to_link(draft, other, counterpart)
        if taken:
            return taken
        draft.moves.append(moves.unmerge(row) if _free(draft, other, counterpart) else moves.drop(row))
        draft.say("restored", f"{draft.named(draft.side, ref.id)} is back from being merged away", link=row)
    draft.ask(ForgetMerge(ref))
    return draft.done(Outcome.APPLIED, Reason.RESTORED.of(), due=draft.now)


def _free(draft: Draft, side: Side, record_id: str) -> bool:
    """Whether the record lives and no other link names it."""
    link = draft.ask(LinkOf(draft.mapping.name, side, record_id))
    if link is not None and link.record_id(side) == record_id:
        return False
    return isinstance(draft.look(draft.ref(side, record_id), Moment.LEASED), Record)
