"""A linked record is gone: confirm it, see where it went, then do what the mapping says - under the brake."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bridge.domain.errors import NeedsAuthorisation, OutcomeUnknown, RemoteError
from bridge.domain.record import Evidence, Gone, Record, Side
from bridge.mapping import translate
from bridge.mapping.model import DeletePolicy
from bridge.mapping.values import UNREAD, Reference, is_empty
from bridge.store.model import RETRIED, Completion, Link, LinkState, LinkWrite, Outcome, TaskKey, TaskState
from bridge.sync import compare, merging, recover, references, words, write
from bridge.sync.references import FILTERED_PREFIX
from bridge.sync.work import DELETED, Work

CANARIES = 3
VISIBILITY_SECONDS = 1800.0
"""A record that is gone, while nothing else of its entity can be seen, is a question for a person after this long."""

REFERRING = "pairs that name this record are done first"


async def sync_removed(work: Work, link: Link, side: Side, pair: Mapping[Side, Record | Gone]) -> Completion:
    """One record of a link is gone. `side`: where; `pair`: both sides as just read."""
    gone, rec = pair[side], str(link.rec(side))
    assert isinstance(gone, Gone)
    if gone.merged_into is not None and gone.merged_into != rec:
        await work.store.records.note_merge(gone.ref, gone.merged_into)
    survivor = await work.store.records.merge_of(*_entity(work, side), rec)
    if survivor is not None:
        return await merging.merged(work, link, side, rec, survivor)
    other = pair[side.other]
    if "removal" in (link.sent(side) or {}):
        return _removed_by_us(work, link, side, other)
    if isinstance(other, Gone):
        return _both_gone(work, link, "both records are gone")
    confirmed = await _confirm(work, link, side, rec)
    if isinstance(confirmed, Completion):
        return confirmed
    link = confirmed
    instead = await merging.twin_instead(work, link, side, rec)
    if instead:
        return instead
    return await _apply_policy(work, link, side, gone, other)


def _removed_by_us(work: Work, link: Link, side: Side, other: Record | Gone) -> Completion:
    """A removal whose answer was lost took effect; a record that was restored meanwhile begins anew."""
    ended = _both_gone(work, link, f"{work.named(side, link.rec(side))} was removed by the bridge")
    if isinstance(other, Gone):
        return ended
    return replace(ended, mark=(TaskKey(work.mapping.name, side.other, other.ref.id),))


def _entity(work: Work, side: Side) -> tuple[str, str]:
    return work.endpoint(side).system, work.endpoint(side).entity


async def _confirm(work: Work, link: Link, side: Side, rec: str) -> Link | Completion:
    """Two reads `settle` apart, and a canary: another linked record must still be visible to us.

    When none is for `VISIBILITY_SECONDS`, a person has to say whether the records are deleted or only hidden from us.
    Retrying the dead letter says that they are deleted; the link remembers question and answer. Else it would wait for
    ever.
    """
    task, settle = work.claim.tasks[0], work.endpoint(side).settle
    since = task.gone_since
    if since is None or work.now() < since + settle:
        first = work.now() if since is None else since
        return work.later(first + settle, f"{work.named(side, rec)} is gone; looking once more", gone_since=first)
    payload = link.payload or {}
    if payload.get("deletion_confirmed", float("-inf")) >= since:
        return link
    if _answered(work, link):
        payload = {**payload, "deletion_confirmed": work.now()}
        work.links.append(LinkWrite(link.id, {"payload": payload}))
        work.say("confirmed", f"a person says that {work.named(side, rec)} is deleted", link=link)
        return replace(link, payload=payload)
    if await _canary_lives(work, side, rec):
        return link
    reason = f"{work.named(side, rec)} is gone, and no other record of this entity could be seen: lost visibility?"
    if work.now() >= since + VISIBILITY_SECONDS:
        system = work.endpoint(side).system
        asked = f"{reason} Give the account of {system} its rights back, or retry to say that it is deleted"
        payload = {**payload, "deletion_asked": {**_asked(link), work.side.value: since}}
        work.links.append(LinkWrite(link.id, {"payload": payload}))
        return replace(work.dead(asked), gone_since=since)
    if task.reason != reason:
        work.say("no canary", reason)
    return work.later(work.now() + work.parts.limits.wait_seconds, reason)


def _asked(link: Link) -> dict[str, float]:
    """Since when the record was gone for each task, by side, that became a dead letter with this question."""
    return dict((link.payload or {}).get("deletion_asked", {}))


def _answered(work: Work, link: Link) -> bool:
    """Whether a person retried a dead letter that asked about this very absence.

    A retry of another dead letter, the counterpart's for instance, says nothing about it.
    """
    asked = _asked(link)
    retried = [task for task in work.claim.tasks if task.reason == RETRIED and task.gone_since is not None]
    return any(asked.get(task.key.side.value) == task.gone_since for task in retried)


async def _canary_lives(work: Work, side: Side, rec: str) -> bool:
    """Up to three other linked records; with none, the account itself and a listing.

    A record that the vendor shows as deleted proves that we see, like a live one; where all of the sample is simply
    not found, a listing must show something.
    """
    sample = await work.store.records.linked_sample(work.claim.scope, side, CANARIES, exclude=[rec])
    connector = work.connector(side)
    for ref in sample:
        seen = await connector.read(ref)
        if isinstance(seen, Record) or seen.evidence is not Evidence.NOT_FOUND:
            return True
    system = work.endpoint(side).system
    identity = await connector.identity()
    row = await work.store.systems.get(system)
    if row.identity_key is not None and row.identity_key != identity.key:
        raise NeedsAuthorisation(system, f"the credentials open another account: {identity.label}")
    page = await connector.list(work.endpoint(side).entity, since=None, page=None, where={})
    return bool(page.rows) or not sample


async def _apply_policy(work: Work, link: Link, side: Side, gone: Gone, other: Record) -> Completion:
    policy, target = work.mapping.deleted.get(side, DeletePolicy.UNLINK), side.other
    keep = ""
    if policy in (DeletePolicy.DELETE, DeletePolicy.ARCHIVE):
        keep = await _reason_to_keep(work, link, side, gone, other, policy)
    if policy in (DeletePolicy.IGNORE, DeletePolicy.UNLINK) or keep:
        text = f"{work.named(side, link.rec(side))} was deleted; {work.named(target, link.rec(target))} stays"
        work.say("unlinked", text + (f": {keep}" if keep else f" ({policy.value})"), link=link)
        return _tombstone(work, link, side, f"unlinked: {work.named(side, link.rec(side))} was deleted")
    if work.shadow:
        work.say("would delete", f"shadow: would {policy.value} {work.named(target, link.rec(target))}", link=link)
        return work.done(Outcome.FILTERED, f"{FILTERED_PREFIX}: the mapping is in shadow mode")
    return await _remove(work, link, side, other, policy)


async def _reason_to_keep(work: Work, link: Link, side: Side, gone: Gone, other: Record, policy: DeletePolicy) -> str:
    """Why the other record must stay although the policy would remove it; "" when it may go."""
    facts = work.manifest(side.other)
    if not (facts.archives if policy is DeletePolicy.ARCHIVE else facts.deletes):
        return f"{work.endpoint(side.other).system} cannot {policy.value} it"
    evident = gone.evidence is not Evidence.NOT_FOUND or await _told(work, side, str(link.rec(side)))
    if not evident and work.manifest(side).delete_evidence:
        return "the record is not visible any more, but nothing shows that it was deleted"
    if work.mapping.delete_conflict == "keep":
        edited = await _edited_since(work, link, side.other, other)
        if edited:
            return f"{edited} was edited there meanwhile (delete-conflict: keep)"
    return ""


async def _told(work: Work, side: Side, rec: str) -> bool:
    """Whether a delete event named the record; its task may wait while the claim is about the other one."""
    if work.task_of(side, rec) is not None:
        return work.deleted_by_event(side, rec)
    task = await work.store.tasks.get(TaskKey(work.mapping.name, side, rec))
    return task is not None and bool(DELETED & task.kinds)


async def _edited_since(work: Work, link: Link, side: Side, record: Record) -> str | None:
    """The first field that was edited on the surviving side and never crossed; without a base, that is filled."""
    reading = (await compare.readings(work, {side: record}))[side]
    base = await references.current_base(work, link)
    base = recover.settled_base(work, link, side, {side: reading}, base)
    for field in work.mapping.fields:
        value, entry = reading.values.get(field.name, UNREAD), base.get(field.name)
        if isinstance(value, Reference) or side.other not in field.flows:
            continue
        if value is UNREAD:  # what cannot be translated may be an edit all the same
            seen = entry and (entry.left_hash if side is Side.LEFT else entry.right_hash)
            if reading.hashes.get(field.name, seen) != seen:
                return field.name
            continue
        if field.link and is_empty(value):  # products empty these by themselves when the record named goes
            continue
        before = None if entry is None else entry.left if side is Side.LEFT else entry.right
        if not translate.same(field, value, before):
            return field.name
    return None


async def _remove(work: Work, link: Link, side: Side, other: Record, policy: DeletePolicy) -> Completion:
    """Delete or archive the counterpart, journaled whole before the call."""
    target = side.other
    waiting = await _referring_first(work, link)
    if waiting:
        return waiting
    fresh = await work.connector(target).read(other.ref)
    if isinstance(fresh, Gone):
        return _both_gone(work, link, "both records are gone")
    if write.mapped(work, target, fresh) != write.mapped(work, target, other):
        due = work.now() + work.jitter(0.5)
        return work.later(due, f"{work.named(target, other.ref.id)} changed while it was to be removed")
    committed = await write.commit_sent(work, link, target, {"removal": policy.value}, policy.value)
    if isinstance(committed, Completion):
        return committed
    await work.store.journal.append([_whole(work, link, target, fresh, policy)])
    await _send(work, committed, target, fresh, policy)
    work.note_wrote(target, other.ref.id, None)
    verb = "archived" if policy is DeletePolicy.ARCHIVE else "deleted"
    name = work.named(target, other.ref.id)
    work.say(verb, f"{work.named(side, link.rec(side))} was deleted -> {verb} {name}", link=link)
    return _tombstone(work, link, side, f"{verb} {name}", both=policy is DeletePolicy.DELETE)


async def _send(work: Work, link: Link, target: Side, fresh: Record, policy: DeletePolicy) -> None:
    connector = work.connector(target)
    try:
        await work.parts.seams.failpoint("removal: sent committed")
        call = connector.archive(fresh) if policy is DeletePolicy.ARCHIVE else connector.delete(fresh)
        await work.send(target, call, link.sent_until or 0.0)
        await work.parts.seams.failpoint("removal: took effect")
    except OutcomeUnknown as error:
        write.in_doubt(work, link, target, error)
        raise
    except RemoteError:
        await write.no_effect(work, link, target, braked=True)
        raise


def _whole(work: Work, link: Link, target: Side, fresh: Record, policy: DeletePolicy) -> Any:
    work.say(
        "removing",
        f"about to {policy.value} {work.named(target, fresh.ref.id)}; the record as it was is kept here",
        {"record": words.printable(fresh.fields)},
        link=link,
    )
    return work.journal.pop()


async def _referring_first(work: Work, link: Link) -> Completion | None:
    """A record that other pairs' bases still name goes only after those pairs were done once."""
    payload, now = link.payload or {}, work.now()
    first_seen = work.claim.tasks[0].gone_since or now
    asked = payload.get("referring_asked")
    keys = await merging.pairs_naming(work, link)
    if asked is None or asked < first_seen:
        if not keys:
            return None
        work.links.append(LinkWrite(link.id, {"payload": {**payload, "referring_asked": now}}))
        return work.later(now + work.endpoint(work.side).settle, REFERRING, mark=tuple(keys))
    tasks = [await work.store.tasks.get(key) for key in keys]
    open_ = any(task is not None and task.state is TaskState.DUE for task in tasks)
    if open_ and now < asked + work.parts.limits.wait_seconds:
        return work.later(now + work.endpoint(work.side).settle, REFERRING)
    return None


def _tombstone(work: Work, link: Link, side: Side, reason: str, *, both: bool = False) -> Completion:
    values: dict[str, Any] = {
        "state": LinkState.TOMBSTONE,
        f"gone_{side.value}": work.now(),
        "sent_left": None,
        "sent_right": None,
        "sent_until": None,
    }
    if both:
        values[f"gone_{side.other.value}"] = work.now()
    work.links.append(LinkWrite(link.id, values))
    return work.done(Outcome.APPLIED, reason)


def _both_gone(work: Work, link: Link, reason: str) -> Completion:
    work.say("gone", reason, link=link)
    return _tombstone(work, link, work.side, reason, both=True)
