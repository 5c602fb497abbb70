"""The one place that changes a linked record in a remote system: say so in the store, write, look at the result."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bridge.connectors.protocols import Written
from bridge.domain.errors import OutcomeUnknown, RemoteError
from bridge.domain.record import Gone, Record, Side
from bridge.mapping import translate
from bridge.mapping.base import dump_values
from bridge.mapping.translate import Reading
from bridge.mapping.values import is_empty
from bridge.store.model import Completion, Link, LinkWrite
from bridge.sync import brakes, references, remember
from bridge.sync.work import Work

FRESH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class WriteResult:
    """An update that took effect. `shown`: the record as an answer or read-back showed it, None when nothing did.

    `unconfirmed`: what the server made of the values is not known yet; `sent` stays and is settled at `look_at`.
    """

    link: Link
    shown: Reading | None
    unconfirmed: bool = False
    look_at: float = 0.0


async def update(
    work: Work, link: Link, target: Side, record: Record, chosen: Mapping[str, Any], values: Mapping[str, Any]
) -> WriteResult | Completion:
    """Write fields to one side of a link. `chosen`: canonical values; `values`: the same with the target's ids.

    Errors without effect leave no trace; an unknown outcome leaves `sent` behind and puts the task off.
    """
    refused = await brakes.before_write(work, link, target, chosen)
    if refused:
        return refused
    fresh = await _still_fresh(work, target, record)
    if isinstance(fresh, Completion):
        return fresh
    changes = translate.write(work.mapping, target, values, fresh.fields)
    if work.claim.paused:
        return work.later(work.now() + work.parts.limits.wait_seconds, "the mapping is paused")
    blanked = any(is_empty(value) for value in chosen.values())
    link = await commit_sent(
        work, link, target, {"values": dump_values(work.mapping, chosen)}, "blank" if blanked else None
    )
    try:
        await work.parts.seams.failpoint("update: sent committed")
        written = await work.connector(target).update(fresh, changes)
        await work.parts.seams.failpoint("update: took effect")
    except OutcomeUnknown as error:
        return unknown(work, link, target, error)
    except RemoteError:
        work.links.append(LinkWrite(link.id, {f"sent_{target.value}": None, "sent_until": None}))
        raise
    _tell(work, link, target, fresh, chosen)
    work.links.append(LinkWrite(link.id, brakes.counted(work, link)))
    return await _confirm(work, link, target, chosen, written)


async def _still_fresh(work: Work, target: Side, record: Record) -> Record | Completion:
    """Close the gap between read and write: whole-record systems and old reads are read once more."""
    if not work.manifest(target).whole_record and not work.is_old(record, FRESH_SECONDS):
        return record
    again = await work.connector(target).read(record.ref)
    work.note_read(record.ref)
    unchanged = isinstance(again, Record) and again.fields == record.fields
    if isinstance(again, Gone) or not unchanged:
        return work.later(work.now(), f"{work.named(target, record.ref.id)} changed while it was being compared")
    return again


async def commit_sent(work: Work, link: Link, target: Side, sent: Mapping[str, Any], brake: str | None) -> Link:
    """Commit what is about to be sent before the call; the lease must outlast the call's deadline."""
    deadline = work.now() + work.parts.limits.write_seconds
    if work.claim.expires < deadline:
        work.claim = await work.store.tasks.renew(work.claim, work.parts.limits.lease_seconds)
    await work.store.links.set_sent(work.claim, link.id, target, sent, deadline, brake=brake)
    if target is Side.LEFT:
        return replace(link, sent_left=sent, sent_until=deadline)
    return replace(link, sent_right=sent, sent_until=deadline)


def unknown(work: Work, link: Link, target: Side, error: OutcomeUnknown) -> Completion:
    """Nobody knows whether the write took effect: look once reads must show it."""
    due = (link.sent_until or work.now()) + work.endpoint(target).settle
    work.say(
        "in doubt", f"the write to {work.named(target, link.rec(target))} may have taken effect: {error}", link=link
    )
    return work.later(due, f"outcome of a write unknown: {error}")


async def _confirm(
    work: Work, link: Link, target: Side, chosen: Mapping[str, Any], written: Written
) -> WriteResult | Completion:
    """Learn what the server made of the values: from the answer, else from one read-back."""
    rec = str(link.rec(target))
    record = written.record
    if record is None:
        record = await read_back(work, target, rec)
    work.note_wrote(target, rec, record)
    shown = None
    if record is not None:
        reading = translate.read(work.mapping, target, record.fields)
        shown = (await references.resolve(work, {target: reading}))[target]
    look_at = work.now() + work.endpoint(target).settle
    believable = shown is not None and (written.record is not None or remember.confirms(work.mapping, chosen, shown))
    cleared: dict[str, Any] = {f"sent_{target.value}": None, "sent_until": None}
    if believable:
        work.links.append(LinkWrite(link.id, cleared))
        return WriteResult(_cleared(link, target), shown)
    confirmed = {"values": dump_values(work.mapping, chosen), "took_effect": True}
    work.links.append(LinkWrite(link.id, {f"sent_{target.value}": confirmed, "sent_until": work.now()}))
    return WriteResult(link, None, unconfirmed=True, look_at=look_at)


async def read_back(work: Work, target: Side, rec: str) -> Record | None:
    """One read right after a write; None when it fails or shows nothing. What it shows may be older than the write."""
    try:
        found = await work.connector(target).read(work.ref(target, rec))
    except RemoteError:
        return None
    return found if isinstance(found, Record) else None


def _cleared(link: Link, target: Side) -> Link:
    return replace(link, sent_left=None) if target is Side.LEFT else replace(link, sent_right=None)


def _tell(work: Work, link: Link, target: Side, before: Record, chosen: Mapping[str, Any]) -> None:
    old = translate.read(work.mapping, target, before.fields).values
    changes = {name: [remember.plain(old.get(name)), remember.plain(value)] for name, value in chosen.items()}
    source, sink = work.named(target.other, link.rec(target.other)), work.named(target, link.rec(target))
    parts = ", ".join(f"{name}: {was!r} -> {now!r}" for name, (was, now) in changes.items())
    work.say("updated", f"{source} -> {sink}: {parts}", {"to": target.value, "changes": changes}, link=link)
