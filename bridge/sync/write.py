"""The one place that changes a linked record in a remote system: say so in the store, write, look at the result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bridge.connectors.protocols import Written
from bridge.domain.errors import OutcomeUnknown, RemoteError
from bridge.domain.record import Fields, Gone, Record, Side
from bridge.mapping import translate
from bridge.mapping.base import dump_values
from bridge.mapping.merge import Decision
from bridge.mapping.translate import Reading
from bridge.mapping.values import UNREAD, is_empty
from bridge.store.failures import BrakeReached
from bridge.store.model import Completion, Link, LinkWrite
from bridge.sync import brakes, references, remember, words
from bridge.sync.work import Work

FRESH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class WriteResult:
    """An update that took effect. `shown`: the record as an answer or read-back showed it, None when nothing did.

    `unconfirmed`: what the server made of the values is not known yet; `sent` stays and is settled at `look_at`.
    `called` False: the record held all of it already, and nothing was sent.
    """

    link: Link
    shown: Reading | None
    unconfirmed: bool = False
    look_at: float = 0.0
    called: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """What one side of a link is to get. `chosen`: canonical values; `values`: the same with the target's own ids.

    `conflicts`: decisions that overwrite what somebody entered there. `unfinished`: sets the other side is still to
    get; until then their base stays, because with it alone both sides' adds and removes can be told again.
    """

    target: Side
    chosen: Mapping[str, Any]
    values: Mapping[str, Any]
    conflicts: Sequence[Decision] = ()
    unfinished: frozenset[str] = frozenset()

    @property
    def remembered(self) -> dict[str, Any]:
        return {name: value for name, value in self.chosen.items() if name not in self.unfinished}


async def update(work: Work, link: Link, record: Record, plan: Plan) -> WriteResult | Completion:
    """Write fields to one side of a link.

    Errors without effect leave no trace; an unknown outcome leaves `sent` behind (and work.look_at), and is raised.
    """
    target = plan.target
    parked = brakes.loop_alarm(work, link, target, plan.chosen)
    if parked:
        return parked
    fresh = await _still_fresh(work, target, record)
    if isinstance(fresh, Completion):
        return fresh
    before = translate.read(work.mapping, target, fresh.fields)
    changes = translate.write(work.mapping, target, plan.values, fresh.fields)
    if _holds(fresh.fields, changes):
        return WriteResult(link, (await references.resolve(work, {target: before}))[target], called=False)
    given_up = _given_up(work)
    if given_up:
        return given_up
    blanked = [name for name, value in plan.chosen.items() if is_empty(value) and not is_empty(before.values[name])]
    held = {name: before.values.get(name, UNREAD) for name in plan.chosen}
    sent = {"values": dump_values(work.mapping, plan.remembered), "before": dump_values(work.mapping, held)}
    committed = await commit_sent(work, link, target, sent, "blank" if blanked else None, len(blanked))
    if isinstance(committed, Completion):
        return committed
    await _keep_losers(work, link, plan)
    written = await _send(work, committed, target, fresh, changes, braked=bool(blanked))
    await _tell(work, link, plan, before)
    work.links.append(LinkWrite(link.id, brakes.counted(work, link)))
    return await _confirm(work, committed, plan, written, before)


def _given_up(work: Work) -> Completion | None:
    attempts, limit = work.claim.tasks[0].attempts, work.parts.limits.attempts
    if attempts > limit:
        return work.dead(f"given up after {limit} attempts, the last of which ended without an answer")
    return None


def _holds(present: Any, wanted: Fields) -> bool:
    """Whether a record shows all of these columns already."""
    return isinstance(present, Mapping) and all(
        _holds(present.get(name), value) if isinstance(value, Mapping) else name in present and present[name] == value
        for name, value in wanted.items()
    )


async def _still_fresh(work: Work, target: Side, record: Record) -> Record | Completion:
    """Close the gap between read and write: whole-record systems and old reads are read once more."""
    if not work.manifest(target).whole_record and not work.is_old(record, FRESH_SECONDS):
        return record
    again = await work.connector(target).read(record.ref)
    work.note_read(record.ref)
    if isinstance(again, Record) and mapped(work, target, again) == mapped(work, target, record):
        return again
    due = work.now() + work.jitter(0.5)
    return work.later(due, f"{work.named(target, record.ref.id)} changed while it was being compared")


def mapped(work: Work, side: Side, record: Record) -> str:
    """A hash of the columns the mapping is about."""
    return translate.row_hash(work.mapping, side, record.fields)


async def commit_sent(
    work: Work, link: Link, target: Side, sent: Mapping[str, Any], kind: str | None, hits: int = 1
) -> Link | Completion:
    """Commit what is about to be sent before the call; the lease must outlast the call's deadline.

    kind: what is removed ("delete", "archive", "blank"), `hits` times; over the brake's limit, and while the mapping is
    paused (when only recovery is claimed), nothing is committed.
    """
    if work.claim.paused:
        return work.later(work.now() + work.parts.limits.wait_seconds, "the mapping is paused")
    limits, deadline = work.parts.limits, work.now() + work.parts.limits.write_seconds
    if work.claim.expires < deadline:
        work.claim = await work.store.tasks.renew(work.claim, limits.lease_seconds)
    window = limits.brake_window_seconds
    try:
        await work.store.links.set_sent(
            work.claim, link.id, target, sent, deadline, kind, limits.brake_count, window, hits
        )
    except BrakeReached as error:
        return brakes.held_back(work, link, kind or "", error)
    work.look_at = deadline + work.endpoint(target).settle
    if target is Side.LEFT:
        return replace(link, sent_left=sent, sent_until=deadline)
    return replace(link, sent_right=sent, sent_until=deadline)


async def _keep_losers(work: Work, link: Link, plan: Plan) -> None:
    """What a conflict is about to overwrite is in the journal before it is gone."""
    for decision in plan.conflicts:
        detail = words.printable({"kept": decision.value, "lost": decision.loser})
        text = f"{decision.field}: {decision.reason}"
        work.say("conflict", text, {"field": decision.field, **detail}, link=link)
        await work.store.journal.append([work.journal.pop()])


async def _send(work: Work, link: Link, target: Side, fresh: Record, changes: Fields, *, braked: bool) -> Written:
    try:
        await work.parts.seams.failpoint("update: sent committed")
        written = await work.send(target, work.connector(target).update(fresh, changes), link.sent_until or 0.0)
        await work.parts.seams.failpoint("update: took effect")
    except OutcomeUnknown as error:
        in_doubt(work, link, target, error)
        raise
    except RemoteError:
        await no_effect(work, link, target, braked=braked)
        raise
    return written


async def no_effect(work: Work, link: Link, target: Side, *, braked: bool) -> None:
    """A write was refused: nothing is in doubt, and the brake counts only what was removed."""
    work.links.append(LinkWrite(link.id, remember.unsent(link, target)))
    if braked:
        await work.store.brakes.give_back(work.mapping.name, link.id)


def in_doubt(work: Work, link: Link, target: Side, error: OutcomeUnknown) -> None:
    """Nobody knows whether the write took effect."""
    text = f"the write to {work.named(target, link.rec(target))} may have taken effect: {error}"
    work.say("in doubt", text, link=link)


async def _confirm(work: Work, link: Link, plan: Plan, written: Written, before: Reading) -> WriteResult:
    """Learn what the server made of the values: from the answer, else from one read-back."""
    target, chosen = plan.target, plan.chosen
    rec = str(link.rec(target))
    record = written.record or await read_back(work, target, rec)
    work.note_wrote(target, rec, record)
    shown = None
    if record is not None:
        reading = translate.read(work.mapping, target, record.fields)
        shown = (await references.resolve(work, {target: reading}))[target]
    if shown is not None and written.record is None and remember.unmoved(work.mapping, chosen, before, shown):
        shown = None
    if shown is not None and (written.record is not None or remember.confirms(work.mapping, chosen, shown)):
        work.note_keys(target, rec, {**chosen, **_read_values(shown)})
        work.links.append(LinkWrite(link.id, remember.unsent(link, target)))
        return WriteResult(_cleared(link, target), shown)
    sent = took_effect(work, plan.remembered)
    work.links.append(LinkWrite(link.id, {f"sent_{target.value}": sent, "sent_until": work.now()}))
    kept = replace(link, sent_left=sent) if target is Side.LEFT else replace(link, sent_right=sent)
    look_at = work.now() + work.endpoint(target).settle
    return WriteResult(replace(kept, sent_until=work.now()), None, unconfirmed=True, look_at=look_at)


def took_effect(work: Work, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """`sent` of a write that was answered, but not with what the record holds now."""
    return {"values": dump_values(work.mapping, chosen), "took_effect": True}


def _read_values(reading: Reading) -> dict[str, Any]:
    return {name: value for name, value in reading.values.items() if value is not UNREAD}


async def read_back(work: Work, target: Side, rec: str) -> Record | None:
    """One read right after a write; None when it fails or shows nothing. What it shows may be older than the write."""
    try:
        found = await work.connector(target).read(work.ref(target, rec))
    except RemoteError:
        return None
    return None if isinstance(found, Gone) else found


def _cleared(link: Link, target: Side) -> Link:
    return replace(link, sent_left=None) if target is Side.LEFT else replace(link, sent_right=None)


async def _tell(work: Work, link: Link, plan: Plan, before: Reading) -> None:
    target = plan.target
    old = await words.in_words(work, target, {name: before.values.get(name) for name in plan.chosen})
    new = await words.in_words(work, target, plan.chosen)
    changes = {name: [old[name], new[name]] for name in plan.chosen}
    source, sink = work.named(target.other, link.rec(target.other)), work.named(target, link.rec(target))
    parts = ", ".join(f"{name}: {was!r} -> {now!r}" for name, (was, now) in changes.items())
    work.say("updated", f"{source} -> {sink}: {parts}", {"to": target.value, "changes": changes}, link=link)
