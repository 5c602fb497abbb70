"""Carry out a plan: store what is about to be sent, send it, look at the result. No other module writes to a system."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from bridge.connectors.noting import requests_noted
from bridge.connectors.protocols import Written
from bridge.connectors.several import between
from bridge.connectors.ties import Ties, ties
from bridge.domain.errors import DuplicateRefused, OutcomeUnknown, RateLimited, RemoteError, RetryLater
from bridge.domain.frozen import replace
from bridge.domain.record import Fields, Gone, Record, Side
from bridge.mapping import translate
from bridge.mapping.merge import dump_values
from bridge.mapping.model import DeletePolicy
from bridge.mapping.values import UNREAD
from bridge.store import moves
from bridge.store.links import IntentRequest
from bridge.store.model import (
    AlreadyLinked,
    Completion,
    IntentOpened,
    IntentWait,
    JournalEntry,
    LeasedMeanwhile,
    Link,
    ReportedMeanwhile,
    ThresholdReached,
)
from bridge.sync import accept, match, remove, settle
from bridge.sync.load import Loader
from bridge.sync.reasons import Reason
from bridge.sync.situation import Create, Draft, Plan, Progress, Removal, SideWrite, Update, printable

FRESH_SECONDS = 1.0
NO_TIES = Ties()
CREATE_RETRY_SECONDS = 5.0
T = TypeVar("T")


async def apply(load: Loader, plan: Plan) -> Completion:
    """Carry out a plan and return how the claim ends.

    An error of the system is raised (DuplicateRefused is handled here). If the write had no effect, its intent or
    pending write is removed; if the outcome is unknown, it stays.
    """
    if isinstance(plan, Create):
        return await _create(load, plan)
    if isinstance(plan, Removal):
        return await _remove(load, plan)
    return await _update(load, plan)


# Create once: an intent is committed before the call. While it is open, no other create for the same thing begins.


async def _create(load: Loader, plan: Create) -> Completion:
    link = await _open(load, plan)
    if isinstance(link, Completion):
        return link
    draft, target = load.draft, plan.target
    entity = draft.endpoint(target).entity
    try:
        await load.parts.seams.failpoint("create: intent committed")
        written = await _send(load, target, load.connector(target).create(entity, plan.fields), link.deadline or 0.0)
        await load.parts.seams.failpoint("create: took effect")
    except OutcomeUnknown as error:
        draft.look_at = link.look_at or 0.0
        draft.say("unknown outcome", f"creating {draft.named(target)} may have taken effect: {error}", link=link)
        raise
    except DuplicateRefused as error:
        draft.moves.append(moves.drop(link))
        refused = partial(match.refused_as_duplicate, target=target, error=error, fields=plan.fields)
        return await load.conclude(refused, before=draft)
    except RemoteError:
        draft.moves.append(moves.drop(link))
        raise
    draft.say(
        "created",
        settle.created_words(draft, plan, written.id),
        {
            "values": printable(plan.chosen),
            "to": target.value,
            "after": dump_values(draft.mapping, plan.chosen),
        },
        link=link,
        other=written.id,
    )
    created = partial(
        settle.created,
        link=link,
        target=target,
        record_id=written.id,
        record=written.record,
        chosen=plan.chosen,
        source=plan.source,
        again=plan.again,
        answered=written.whole,
    )
    return await load.conclude(created, before=draft)


async def _open(load: Loader, plan: Create) -> Link | Completion:
    """Open the intent, unless another one or a link is in the way."""
    await _hold_lease(load)
    draft, now, links = load.draft, load.parts.store.now(), load.parts.store.links
    deadline = now + load.parts.limits.write_seconds
    passed = _between(load, plan.target, None, plan.fields)
    named = sorted({(link.id, link.mapping, str(link.record_id(side))) for link, side in draft.referred})
    payload = {"at": now, "values": dump_values(draft.mapping, plan.chosen), "named": named, **passed}
    look_at = deadline + draft.endpoint(plan.target).read_lag
    asked = IntentRequest(
        draft.claim,
        plan.target,
        frozenset(plan.keys),
        payload,
        deadline,
        look_at,
        plan.first_seq,
        plan.made_at,
        plan.unlike,
    )
    result = await links.open_intent(asked)
    if isinstance(result, AlreadyLinked):
        return draft.later(now, Reason.LINKED_MEANWHILE.of())
    if isinstance(result, IntentWait):
        return _intent_in_the_way(draft, result, now)
    return _opened(draft, plan, result, payload, deadline, look_at)


def _opened(draft: Draft, plan: Create, opened: IntentOpened, payload: Any, deadline: float, look_at: float) -> Link:
    values = {"payload": payload, "deadline": deadline, "look_at": look_at}
    move = moves.intend(draft.side, draft.key.record_id, values)
    record_ids = {draft.side.value: draft.key.record_id, plan.target.value: None}
    return Link(id=opened.link, mapping=draft.mapping.name, seq=opened.link, **{**move.values, **record_ids})


def _intent_in_the_way(draft: Draft, wait: IntentWait, now: float) -> Completion:
    if wait.person is not None:
        why = Reason.CREATE_HELD_BY_PERSON.of(record=draft.named(wait.person.side, wait.person.record_id))
        return draft.later(min(wait.look_at, now + draft.limits.wait_seconds), why, waits_for=wait.person)
    due = min(wait.look_at, now + CREATE_RETRY_SECONDS)
    return draft.later(max(due, now + 0.5), Reason.CREATE_ELSEWHERE.of())


# Update: what is sent is pending in the store before the call, and until its result is confirmed.


async def _update(load: Loader, plan: Update) -> Completion:
    """Write one side after the other. What the first write settled is stored even if the second one fails."""
    pair = plan.pair
    for write in plan.writes:
        if not write.changes:
            pair = await load.conclude(partial(settle.not_needed, pair=pair, write=write), before=load.draft)
            continue
        done = await _write(load, pair, write)
        if isinstance(done, Completion):
            return settle.with_parents(done, pair.parents)
        pair = done
    return await load.conclude(partial(settle.pair_ended, pair=pair, blocked=plan.blocked), before=load.draft)


async def _write(load: Loader, pair: Progress, write: SideWrite) -> Progress | Completion:
    still = await _still_fresh(load, write)
    if isinstance(still, Completion):
        return still
    fresh, read_at = still
    draft, target = load.draft, write.target
    changes = write.changes
    if fresh is not write.record:
        changes = translate.write(draft.mapping, target, write.values, fresh.fields)
    held = {name: write.before.values.get(name, UNREAD) for name in write.chosen}
    sent = {"values": dump_values(draft.mapping, write.remembered), "before": dump_values(draft.mapping, held)}
    if write.beside:
        sent["beside"] = dump_values(draft.mapping, write.beside)
    sent |= _between(load, target, fresh, changes)
    kind = "blank" if write.blanked else None
    tied = ties(load.connector(target), fresh, changes)
    link = await _commit_pending(load, pair.link, target, sent, read_at, kind, write.blanked, tied)
    if isinstance(link, Completion):
        return link
    await _journal(load, write.losers)

    async def send() -> Written:
        await load.parts.seams.failpoint("update: sent committed")
        answer = await _send(load, target, load.connector(target).update(fresh, changes), link.sent_until or 0.0)
        await load.parts.seams.failpoint("update: took effect")
        return answer

    until = pair.link.sent_until
    written = await _sent(load, link, target, send(), until, removes=bool(write.blanked))
    settled = partial(settle.updated, pair=replace(pair, link=link), write=write, record=written.record, until=until)
    return await load.conclude(settled, before=draft)


async def _still_fresh(load: Loader, write: SideWrite) -> tuple[Record, float] | Completion:
    """The record to write to and when it was read. A read that is not fresh any more is repeated."""
    draft = load.draft
    if load.parts.store.now() - write.read_at <= FRESH_SECONDS:
        return write.record, write.read_at
    seen = await load.read(write.record.ref)
    again = seen.found
    if isinstance(again, Record) and mapped(draft, write.target, again) == mapped(draft, write.target, write.record):
        return again, seen.at
    due = load.parts.store.now() + draft.jitter(0.5)
    name = draft.named(write.target, write.record.ref.id)
    return draft.later(due, Reason.CHANGED_MEANWHILE.of(record=name))


def mapped(draft: Draft, side: Side, record: Record) -> str:
    """Return a hash of the columns that the mapping uses."""
    return translate.row_hash(draft.mapping, side, record.fields)


# Remove.


async def _remove(load: Loader, plan: Removal) -> Completion:
    """Delete or archive the counterpart. The whole record is journaled before the call."""
    draft, target, link = load.draft, plan.side.other, plan.link
    seen = await load.read(plan.record.ref)
    fresh = seen.found
    if isinstance(fresh, Gone):
        if plan.undoes is not None:
            return await load.conclude(partial(remove.settled, plan=plan), before=draft)
        if plan.merged is not None:  # the left-over record is gone already
            why = Reason.CHANGED_BEFORE_REMOVAL.of(record=draft.named(target, plan.record.ref.id))
            return draft.later(load.parts.store.now() + draft.jitter(0.5), why)
        return remove.both_gone(draft, link, Reason.BOTH_GONE.of())
    if mapped(draft, target, fresh) != mapped(draft, target, plan.record):
        due = load.parts.store.now() + draft.jitter(0.5)
        return draft.later(due, Reason.CHANGED_BEFORE_REMOVAL.of(record=draft.named(target, fresh.ref.id)))
    removal = {"removal": plan.policy.value, **_between(load, target, fresh, None)}
    committed = await _commit_pending(load, link, target, removal, seen.at, plan.policy.value)
    if isinstance(committed, Completion):
        return committed
    detail = {"record": printable(fresh.fields), "to": target.value, "values": plan.values}
    text = f"about to {plan.policy.value} {draft.named(target, fresh.ref.id)}; the record as it was is kept here"
    await _journal(load, [draft.entry("removing", text, detail, link=link)])

    async def send() -> None:
        await load.parts.seams.failpoint("removal: sent committed")
        connector = load.connector(target)
        call = connector.archive(fresh) if plan.policy is DeletePolicy.ARCHIVE else connector.delete(fresh)
        await _send(load, target, call, committed.sent_until or 0.0)
        await load.parts.seams.failpoint("removal: took effect")

    await _sent(load, committed, target, send(), link.sent_until, removes=True)
    return await load.conclude(partial(remove.settled, plan=plan), before=load.draft)


# What all writes share.


def _between(load: Loader, target: Side, fresh: Record | None, changes: Fields | None) -> Mapping[str, Any]:
    """Return, in stored form, what the record may show if a write of several calls stops between two of them."""
    mapping, entity = load.draft.mapping, load.draft.endpoint(target).entity
    states = between(load.connector(target), entity, fresh, changes)
    if not states:
        return {}
    fields = {**(fresh.fields if fresh else {}), **(changes or {})}
    ended = translate.read(mapping, target, fields).values
    passed = [translate.read(mapping, target, {**fields, **state}).values for state in states]
    moved = [{name: value for name, value in one.items() if value != ended.get(name, UNREAD)} for one in passed]
    return {"between": [dump_values(mapping, one) for one in moved]}


async def _hold_lease(load: Loader) -> None:
    """Renew the lease if it would end before the deadline of the call that is about to be made."""
    limits, now = load.parts.limits, load.parts.store.now()
    if load.draft.claim.expires < now + limits.write_seconds:
        claim = await load.parts.store.tasks.renew(load.draft.claim, limits.lease_seconds)
        load.draft.claim = claim
        load.situation = replace(load.situation, claim=claim)


async def _commit_pending(
    load: Loader,
    link: Link,
    target: Side,
    sent: Mapping[str, Any],
    read_at: float,
    kind: str | None,
    hits: int = 1,
    tied: Ties = NO_TIES,
) -> Link | Completion:
    """Commit the pending write before the call.

    read_at: when the target was read. If a callback that the claim did not know of reported an edit that this read may
    not show, nothing is committed. kind: what is removed ("delete", "archive", "blank"), `hits` times. Above the
    deletion threshold nothing is committed. tied: other records that the write concerns.
    """
    draft, limits = load.draft, load.parts.limits
    deadline = load.parts.store.now() + limits.write_seconds
    await _hold_lease(load)
    window, record_id = limits.deletion_window_seconds, str(link.record_id(target))
    unless = accept.unless(draft, target, record_id, read_at, tied)
    try:
        await load.parts.store.links.set_pending(
            draft.claim, link.id, target, sent, deadline, unless, kind, limits.deletion_limit, window, hits
        )
    except ThresholdReached as error:
        return _held_back(load.refresh(), link, kind or "", error)
    except ReportedMeanwhile as error:
        refreshed = load.refresh()
        return refreshed.stale(accept.reported_meanwhile(refreshed, target, error.ref, error.at, ours=error.ours))
    except LeasedMeanwhile as error:
        refreshed = load.refresh()
        return refreshed.stale(accept.leased_elsewhere(refreshed, target, error.ref))
    draft.moves.append(moves.sent(link, target, sent, deadline))
    draft.look_at = deadline + draft.endpoint(target).read_lag
    if target is Side.LEFT:
        return replace(link, sent_left=sent, sent_until=deadline)
    return replace(link, sent_right=sent, sent_until=deadline)


def _held_back(draft: Draft, link: Link, kind: str, reached: ThresholdReached) -> Completion:
    """Put off a removal above the deletion threshold, which counts all removals of a mapping in a sliding window."""
    seconds = draft.limits.deletion_window_seconds
    why = Reason.THRESHOLD_REACHED.of(hits=reached.hits, seconds=seconds, mapping=draft.mapping.name)
    if draft.first.code != why.code:
        draft.say("held", f"{kind} held back; {why.text}", link=link)
    return draft.later(draft.now + draft.limits.wait_seconds, why)


async def _journal(load: Loader, entries: Sequence[JournalEntry]) -> None:
    """Journal what a write is about to overwrite or remove, before it is sent."""
    for entry in entries:
        await load.parts.store.journal.append([entry])


async def _sent(
    load: Loader, link: Link, target: Side, send: Coroutine[Any, Any, T], until: float | None, *, removes: bool
) -> T:
    """Send a write that is committed as pending. A refused write is no longer pending, and counts as no removal.

    until: the `sent_until` of a pending write to the other side.
    """
    draft = load.draft
    try:
        return await send
    except OutcomeUnknown as error:
        text = f"the write to {draft.named(target, link.record_id(target))} may have taken effect: {error}"
        draft.say("unknown outcome", text, link=link)
        raise
    except RemoteError:
        draft.moves.append(moves.confirmed(link, target, until))
        if removes:
            await load.parts.store.deletions.give_back(draft.mapping.name, link.id)
        raise


async def _send(load: Loader, side: Side, call: Coroutine[Any, Any, T], deadline: float) -> T:
    """Make the call of a write. Nothing is sent after the deadline, so that the outcome can be checked after it.

    Raises OutcomeUnknown if the write has not ended by then, RetryLater if it is too late, and RateLimited if nothing
    was sent by then: other calls used the account's budget, so it does not count as an attempt.
    """
    left, system = deadline - load.parts.store.now(), load.draft.endpoint(side).system
    if left <= 0:
        call.close()
        raise RetryLater(system, "too late to send a write that was decided a while ago")
    with requests_noted() as noted:
        try:
            async with asyncio.timeout(left):
                return await call
        except TimeoutError:
            if noted.nothing_sent:
                text = f"a write waited {left:.1f} s for its turn within the account's budget, and was not sent"
                raise RateLimited(system, text, left) from None
            raise OutcomeUnknown(system, f"a write did not end within {left:.1f} s") from None
        finally:
            load.draft.requests += [{"call": one.call, "status": one.status} for one in noted.requests]
