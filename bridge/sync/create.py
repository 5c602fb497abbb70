"""Create-once: an intent is committed before the call, and nobody creates while one is open for the same thing."""

from collections.abc import Mapping
from typing import Any

from bridge.connectors.protocols import Written
from bridge.domain.errors import DuplicateRefused, OutcomeUnknown, RemoteError, RetryLater
from bridge.domain.record import Record, Side
from bridge.mapping import translate
from bridge.mapping.base import dump_base, dump_values
from bridge.mapping.paths import parse_path
from bridge.mapping.translate import Reading
from bridge.mapping.values import UNREAD, is_empty
from bridge.store.model import (
    AlreadyLinked,
    Completion,
    IntentWait,
    Link,
    LinkState,
    LinkWrite,
    Outcome,
)
from bridge.sync import pairing, references, remember, words
from bridge.sync.references import FILTERED_PREFIX
from bridge.sync.work import Work
from bridge.sync.write import read_back, took_effect

RETRY_SECONDS = 5.0
NEVER_HEARD_OF = 2**62  # a record known for no longer than this claim is younger than every open intent


async def create(work: Work, own: Record, reading: Reading) -> Completion:
    """Create the other side's record of an unlinked one."""
    target = work.side.other
    values = _crossing(work, target, reading)
    settled = await references.for_writing(work, target, values)
    if isinstance(settled, Completion):
        return settled
    chosen = {name: values[name] if value is not None else None for name, value in settled.values.items()}
    fields = dict(translate.for_create(work.mapping, target, settled.values))
    marker = work.mapping.marker.get(target)
    if marker:
        parse_path(marker).put(fields, {}, work.key.rec)
    if work.shadow:
        work.say("would create", f"shadow: would create {work.named(target)}", words.printable(chosen))
        return work.done(Outcome.FILTERED, f"{FILTERED_PREFIX}: the mapping is in shadow mode")
    link = await _open(work, target, own, reading, chosen)
    if isinstance(link, Completion):
        return link
    await references.note_missing(work, {work.side: work.key.rec}, {work.side: reading})
    again = work.now() + references.PATIENCE_SECONDS if settled.again else None
    return await _send(work, link, target, fields, chosen, reading, again)


def _crossing(work: Work, target: Side, reading: Reading) -> dict[str, Any]:
    """The filled values of rows that flow towards the target."""
    values = {}
    for field in work.mapping.fields:
        value = reading.values.get(field.name, UNREAD)
        if target in field.flows and value is not UNREAD and not is_empty(value):
            values[field.name] = value
    return values


async def _open(
    work: Work, target: Side, own: Record, reading: Reading, chosen: Mapping[str, Any]
) -> Link | Completion:
    limits, now = work.parts.limits, work.now()
    if work.claim.expires < now + limits.write_seconds:
        work.claim = await work.store.tasks.renew(work.claim, limits.lease_seconds)
    known = await work.known(own.ref)
    deadline = now + limits.write_seconds
    payload = {"at": now, "values": dump_values(work.mapping, chosen)}
    result = await work.store.links.open_intent(
        work.claim,
        target,
        [key.hash for key in translate.match_keys(work.mapping, reading.values)],
        payload,
        deadline,
        deadline + work.endpoint(target).settle,
        known.first_seq if known else NEVER_HEARD_OF,
    )
    if isinstance(result, IntentWait) and result.person is not None:
        holder = work.named(result.person.side, result.person.rec)
        why = f"{holder} may be the same, and is a dead letter a person must see to"
        return work.later(min(result.look_at, now + limits.wait_seconds), why, waits_for=result.person)
    if isinstance(result, IntentWait):
        due = min(result.look_at, now + RETRY_SECONDS)
        return work.later(max(due, now + 0.5), "another create may be about this very record; waiting for it to end")
    if isinstance(result, AlreadyLinked):
        return work.later(now, "a link of this record appeared meanwhile")
    link = await work.store.links.get(result.link)
    assert link is not None, "the intent just committed is there"
    return link


async def _send(
    work: Work,
    link: Link,
    target: Side,
    fields: Mapping[str, Any],
    chosen: Mapping[str, Any],
    reading: Reading,
    again: float | None,
) -> Completion:
    entity = work.endpoint(target).entity
    try:
        await work.parts.seams.failpoint("create: intent committed")
        call = work.connector(target).create(entity, fields)
        written = await work.send(target, call, link.deadline or 0.0)
        await work.parts.seams.failpoint("create: took effect")
    except OutcomeUnknown as error:
        work.look_at = link.look_at or 0.0
        work.say("in doubt", f"creating {work.named(target)} may have taken effect: {error}", link=link)
        raise
    except DuplicateRefused as error:
        work.links.append(LinkWrite(link.id, {"delete": True}))
        return await _refused_as_duplicate(work, target, error, fields)
    except RemoteError:
        work.links.append(LinkWrite(link.id, {"delete": True}))
        raise
    story = await _story(work, target, written, chosen)
    work.say("created", story, {"values": words.printable(chosen)}, link=link, other=written.id)
    answered = written.record is not None
    return await link_created(work, link, target, written.id, written.record, chosen, reading, again, answered=answered)


async def _story(work: Work, target: Side, written: Written, chosen: Mapping[str, Any]) -> str:
    told = await words.in_words(work, target, chosen)
    values = ", ".join(f"{name}={value!r}" for name, value in told.items())
    return f"{work.named(work.side, work.key.rec)} -> created {work.named(target, written.id)}: {values}"


async def link_created(
    work: Work,
    link: Link,
    target: Side,
    rec: str,
    record: Record | None,
    chosen: Mapping[str, Any],
    source: Reading,
    again: float | None = None,
    *,
    answered: bool,
) -> Completion:
    """Settle an intent: the new record is linked, with the sent values and what the server shows of them as base.

    answered: `record` is the create's own answer; what a later read shows may be somebody's edit already.
    """
    record = record or await read_back(work, target, rec)
    work.note_wrote(target, rec, record)
    shown, seen = None, dict(chosen)
    if record is not None:
        shown = translate.read(work.mapping, target, record.fields)
        shown = (await references.resolve(work, {target: shown}))[target]
        seen |= {name: value for name, value in shown.values.items() if value is not UNREAD}
    work.note_keys(target, rec, seen)
    confirmed = shown is not None and (answered or remember.confirms(work.mapping, chosen, shown))
    base = {
        name: remember.sent_entry(work.mapping, name, target, source, value, shown if confirmed else None)
        for name, value in chosen.items()
    } | remember.of_defaults(work.mapping, target, source, chosen, shown if confirmed else None)
    values: dict[str, Any] = {
        "state": LinkState.LIVE,
        target.value: rec,
        "base": dump_base(work.mapping, base),
        "deadline": None,
        "look_at": None,
        "payload": {"at": (link.payload or {}).get("at")},
    }
    due = again
    if not confirmed:
        values[f"sent_{target.value}"] = took_effect(work, chosen)
        values["sent_until"] = work.now()
        due = work.now() + work.endpoint(target).settle
    work.links.append(LinkWrite(link.id, values, references.refs_of(base)))
    return work.done(Outcome.APPLIED, f"created {work.named(target, rec)}", due=due)


async def _refused_as_duplicate(
    work: Work, target: Side, error: DuplicateRefused, fields: Mapping[str, Any]
) -> Completion:
    """The other side has a record with this unique value: it is a match on the refused column."""
    if error.field is None:
        return work.dead(f"refused as a duplicate, without saying of what: {error.message}")
    value = parse_path(error.field).get(fields)
    if value is UNREAD:
        return work.dead(f"refused as a duplicate by {error.field}, which was not sent: {error.message}")
    found = await work.connector(target).find(work.endpoint(target).entity, error.field, value)
    if not found:  # a search may not know yet what somebody made a moment ago
        raise RetryLater(error.system, f"refused as a duplicate by {error.field}, none found: {error.message}")
    linked = await work.store.links.resolve(work.mapping.name, target, [row.ref.id for row in found])
    free = [row.ref for row in found if row.ref.id not in linked]
    if len(free) != 1:
        names = ", ".join(row.ref.id for row in found)
        return work.dead(f"refused as a duplicate by {error.field} ({names}): {error.message}")
    return await pairing.pair(work, free[0].id, f"it has the same {error.field}")
