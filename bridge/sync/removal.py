"""A linked record is gone: confirm it, see where it went, then do what the mapping says - under the brake."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bridge.domain.errors import NeedsAuthorisation, OutcomeUnknown, RemoteError
from bridge.domain.record import Evidence, Gone, Record, Side
from bridge.mapping import translate
from bridge.mapping.base import Base
from bridge.mapping.model import DeletePolicy
from bridge.mapping.values import UNREAD
from bridge.store.model import Completion, Link, LinkState, LinkWrite, Outcome, TaskKey
from bridge.sync import brakes, linked, remember, write
from bridge.sync.references import FILTERED_PREFIX
from bridge.sync.work import Work

CANARIES = 3


async def sync_removed(work: Work, link: Link, side: Side, pair: Mapping[Side, Record | Gone]) -> Completion:
    """One record of a link is gone. `side`: where; `pair`: both sides as just read."""
    gone, rec = pair[side], str(link.rec(side))
    assert isinstance(gone, Gone)
    survivor = gone.merged_into or await work.store.records.merge_of(*_entity(work, side), rec)
    if survivor is not None and survivor != rec:
        return await _merged(work, link, side, rec, survivor)
    removed_by_us = link.sent(side)
    if removed_by_us is not None and "removal" in removed_by_us:
        return _both_gone(work, link, f"{work.named(side, rec)} was removed by the bridge")
    if isinstance(pair[side.other], Gone):
        return _both_gone(work, link, "both records are gone")
    unsure = await _confirm(work, side, rec)
    if unsure:
        return unsure
    other = pair[side.other]
    assert isinstance(other, Record)
    return await _apply_policy(work, link, side, gone, other)


def _entity(work: Work, side: Side) -> tuple[str, str]:
    return work.endpoint(side).system, work.endpoint(side).entity


async def _confirm(work: Work, side: Side, rec: str) -> Completion | None:
    """Two reads `settle` apart, and a canary: another linked record must still be visible to us."""
    task, settle = work.claim.tasks[0], work.endpoint(side).settle
    since = task.gone_since
    if since is None or work.now() < since + settle:
        first = work.now() if since is None else since
        return work.later(first + settle, f"{work.named(side, rec)} is gone; looking once more", gone_since=first)
    if await _canary_lives(work, side, rec):
        return None
    reason = f"{work.named(side, rec)} is gone, and no other record of this entity could be seen: lost visibility?"
    work.say("no canary", reason)
    return work.later(work.now() + work.parts.limits.wait_seconds, reason)


async def _canary_lives(work: Work, side: Side, rec: str) -> bool:
    """Up to three other linked records; with none, the account itself and a listing."""
    sample = await work.store.records.linked_sample(work.claim.scope, side, CANARIES, exclude=[rec])
    connector = work.connector(side)
    for ref in sample:
        if isinstance(await connector.read(ref), Record):
            return True
    if sample:
        return False
    system = work.endpoint(side).system
    identity = await connector.identity()
    row = await work.store.systems.get(system)
    if row.identity_key is not None and row.identity_key != identity.key:
        raise NeedsAuthorisation(system, f"the credentials open another account: {identity.label}")
    await connector.list(work.endpoint(side).entity, since=None, page=None, where={})
    return True


async def _apply_policy(work: Work, link: Link, side: Side, gone: Gone, other: Record) -> Completion:
    policy = work.mapping.deleted.get(side, DeletePolicy.UNLINK)
    keep = _reason_to_keep(work, link, side, gone, other, await linked.current_base(work, link), policy)
    target = side.other
    if policy in (DeletePolicy.IGNORE, DeletePolicy.UNLINK) or keep:
        text = f"{work.named(side, link.rec(side))} was deleted; {work.named(target, link.rec(target))} stays"
        work.say("unlinked", text + (f": {keep}" if keep else f" ({policy.value})"), link=link)
        return _tombstone(work, link, side, f"unlinked: {work.named(side, link.rec(side))} was deleted")
    if work.shadow:
        work.say("would delete", f"shadow: would {policy.value} {work.named(target, link.rec(target))}", link=link)
        return work.done(Outcome.FILTERED, f"{FILTERED_PREFIX}: the mapping is in shadow mode")
    return await _remove(work, link, side, other, policy)


def _reason_to_keep(
    work: Work, link: Link, side: Side, gone: Gone, other: Record, base: Base, policy: DeletePolicy
) -> str:
    """Why the other record must stay although the policy would remove it; "" when it may go."""
    evident = gone.evidence is not Evidence.NOT_FOUND or work.deleted_by_event(side)
    if not evident and work.manifest(side).delete_evidence:
        return "the record is not visible any more, but nothing shows that it was deleted"
    if work.mapping.delete_conflict == "keep" and policy is not DeletePolicy.IGNORE:
        edited = _edited_since(work, side.other, other, base)
        if edited:
            return f"{edited} was edited there meanwhile (delete-conflict: keep)"
    return ""


def _edited_since(work: Work, side: Side, record: Record, base: Base) -> str | None:
    """The first field that was edited on the surviving side and never crossed."""
    reading = translate.read(work.mapping, side, record.fields)
    for field in work.mapping.fields:
        entry = base.get(field.name)
        value = reading.values.get(field.name, UNREAD)
        if entry is None or value is UNREAD or field.link or side.other not in field.flows:
            continue
        if not translate.same(field, value, entry.left if side is Side.LEFT else entry.right):
            return field.name
    return None


async def _remove(work: Work, link: Link, side: Side, other: Record, policy: DeletePolicy) -> Completion:
    """Delete or archive the counterpart, journaled whole before the call."""
    target = side.other
    held = await brakes.before_removal(work, link, policy.value)
    if held:
        return held
    waiting = await _referring_first(work, link)
    if waiting:
        return waiting
    if work.claim.paused:
        return work.later(work.now() + work.parts.limits.wait_seconds, "the mapping is paused")
    link = await write.commit_sent(work, link, target, {"removal": policy.value}, policy.value)
    fresh = await work.connector(target).read(other.ref)
    if isinstance(fresh, Gone):
        return _both_gone(work, link, "both records are gone")
    name = work.named(target, other.ref.id)
    await work.store.journal.append([_whole(work, link, target, fresh, policy)])
    try:
        await work.parts.seams.failpoint("removal: sent committed")
        connector = work.connector(target)
        await (connector.archive(fresh) if policy is DeletePolicy.ARCHIVE else connector.delete(fresh))
        await work.parts.seams.failpoint("removal: took effect")
    except OutcomeUnknown as error:
        return write.unknown(work, link, target, error)
    except RemoteError:
        work.links.append(LinkWrite(link.id, {f"sent_{target.value}": None, "sent_until": None}))
        raise
    work.note_wrote(target, other.ref.id, None)
    verb = "archived" if policy is DeletePolicy.ARCHIVE else "deleted"
    work.say(verb, f"{work.named(side, link.rec(side))} was deleted -> {verb} {name}", link=link)
    return _tombstone(work, link, side, f"{verb} {name}", both=policy is DeletePolicy.DELETE)


def _whole(work: Work, link: Link, target: Side, fresh: Record, policy: DeletePolicy) -> Any:
    work.say(
        "removing",
        f"about to {policy.value} {work.named(target, fresh.ref.id)}; the record as it was is kept here",
        {"record": remember.printable(fresh.fields)},
        link=link,
    )
    return work.journal.pop()


async def _referring_first(work: Work, link: Link) -> Completion | None:
    """A record that other pairs' bases still name goes only after those pairs were done once."""
    asked = work.claim.tasks[0].waits_for is not None or work.claim.tasks[0].reason.startswith("pairs that name")
    if asked:
        return None
    keys = await _pairs_naming(work, link)
    if not keys:
        return None
    due = work.now() + work.endpoint(work.side).settle
    return work.later(
        due, "pairs that name this record are done first", mark=tuple(keys), gone_since=work.claim.tasks[0].gone_since
    )


async def _pairs_naming(work: Work, link: Link) -> list[TaskKey]:
    keys = []
    for other in await work.store.links.referring([link.id]):
        if other.left is not None and other.state is LinkState.LIVE:
            keys.append(TaskKey(other.mapping, Side.LEFT, other.left))
    return keys


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


async def _merged(work: Work, link: Link, side: Side, rec: str, survivor: str) -> Completion:
    """The record was merged away: the link follows the survivor, or becomes an alias of the survivor's link."""
    survivor_ref = work.ref(side, survivor)
    leased = await work.store.tasks.lease(work.claim, [survivor_ref])
    if leased is None:
        return work.later(work.now() + 1.0, f"{work.named(side, survivor)} is being worked on")
    work.claim = leased
    theirs = await work.store.links.of(work.mapping.name, side, survivor)
    mark = [TaskKey(work.mapping.name, side, survivor), *await _pairs_naming(work, link)]
    if theirs is None:
        work.links.append(LinkWrite(link.id, {side.value: survivor}))
        work.say("merged", f"{work.named(side, rec)} was merged into {survivor}; the link follows", link=link)
        return work.done(Outcome.APPLIED, f"merged into {survivor}", mark=tuple(mark))
    if theirs.state is LinkState.INTENDED:
        return work.later(work.now() + 2.0, f"{work.named(side, survivor)} is just being created on the other side")
    work.links.append(LinkWrite(link.id, {"state": LinkState.ALIAS, "alias_of": theirs.id}))
    left_over = work.named(side.other, link.rec(side.other))
    text = f"{work.named(side, rec)} was merged into {survivor}, which is linked already; {left_over} is left over"
    work.say("merged", text, link=replace(link, id=theirs.id))
    return work.done(Outcome.APPLIED, f"merged into {survivor}", mark=tuple(mark))
