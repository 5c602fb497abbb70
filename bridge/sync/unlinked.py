"""A record without a counterpart: leave it, match it, or have it created on the other side."""

from dataclasses import dataclass

from bridge.domain.record import Gone, Record
from bridge.mapping import translate
from bridge.mapping.translate import Reading
from bridge.store.model import Completion, Link, LinkState, LinkWrite, Outcome
from bridge.sync import create, match, merging, pairing, recover, references
from bridge.sync.reading import Stale, read
from bridge.sync.references import FILTERED_PREFIX
from bridge.sync.work import Work


@dataclass(frozen=True, slots=True)
class Survivor:
    """The record's counterpart was deleted or merged away: it may be matched again, and is never copied back."""


async def sync_unlinked(work: Work) -> Completion:
    """Decide what an unlinked record needs."""
    found = await read(work, work.side, work.key.rec)
    if isinstance(found, Stale):
        return work.later(found.due, found.reason, stale_since=found.since)
    work.believe(alive=isinstance(found, Record))
    if isinstance(found, Gone):
        return await _gone(work)
    back = await merging.restored(work, found)
    if back:
        return back
    history = await _history(work)
    if isinstance(history, Completion):
        return history
    return await _sync_new(work, found, may_copy=history is None)


async def _gone(work: Work) -> Completion:
    """A record that was just made may not be shown yet: look once more before it is forgotten.

    Then nobody need find out any more whether its counterpart was created, and others with its key need not wait.
    """
    side, rec = work.side, work.key.rec
    task, settle = work.claim.tasks[0], work.endpoint(work.side).settle
    first = work.now() if task.gone_since is None else task.gone_since
    if work.deleted_by_event(side, rec) or work.now() >= first + settle:
        for row in await work.store.links.any_of(work.mapping.name, side, rec):
            if row.state is LinkState.DOUBT:
                work.links.append(LinkWrite(row.id, {"delete": True}))
        return work.done(Outcome.FILTERED, f"{FILTERED_PREFIX}: it is not there")
    return work.later(first + settle, f"{work.named(side, rec)} is not there; looking once more", gone_since=first)


async def _sync_new(work: Work, own: Record, *, may_copy: bool) -> Completion:
    """An unlinked live record: filter, match, create."""
    other = work.side.other
    if translate.passes_where(work.mapping, work.side, own.fields) is False:
        return _filtered(work, "it does not match `where`")
    reading = translate.read(work.mapping, work.side, own.fields)
    reading = (await references.resolve(work, {work.side: reading}))[work.side]
    work.note_keys(work.side, work.key.rec, reading.values)
    problems = [problem for problem in reading.problems if other in work.mapping.named[problem.field].flows]
    if problems:
        return work.dead("; ".join(str(problem) for problem in problems))
    verdict = await match.find(work, own, reading)
    if isinstance(verdict, Completion):
        return verdict
    if isinstance(verdict, Record):
        return await _link_matched(work, verdict, reading)
    if not may_copy:
        return _filtered(work, "its counterpart was deleted or merged away")
    if other not in work.mapping.creates or other not in work.mapping.writes:
        return _filtered(work, f"nothing on {work.side_name(other)} matches, and none is created there")
    return await create.create(work, own, reading)


def _filtered(work: Work, why: str) -> Completion:
    return work.done(Outcome.FILTERED, f"{FILTERED_PREFIX}: {why}")


async def _history(work: Work) -> Completion | Survivor | None:
    """What happened to this record before: twins wait for a person, a restored record finds its link again."""
    for row in await work.store.links.any_of(work.mapping.name, work.side, work.key.rec):
        if row.state is LinkState.TWIN:
            return work.done(Outcome.FILTERED, f"{FILTERED_PREFIX}: a twin of a linked record, reported")
        if row.state is LinkState.DOUBT and work.retried:
            return recover.reopened(work, row)
        if row.state is LinkState.DOUBT:
            return work.dead("an earlier create of its counterpart has an unknown outcome; retry after checking")
        if row.state is LinkState.TOMBSTONE:
            return await _tombstone(work, row)
        if row.state is LinkState.ALIAS and await _left_over(work):
            return Survivor()
    return None


async def _left_over(work: Work) -> bool:
    """Whether it was the record's counterpart that was merged away, and not the record itself."""
    endpoint = work.endpoint(work.side)
    return await work.store.records.merge_of(endpoint.system, endpoint.entity, work.key.rec) is None


async def _tombstone(work: Work, row: Link) -> Completion | Survivor | None:
    gone_at = row.gone_left if work.side.value == "left" else row.gone_right
    other = row.rec(work.side.other)
    if gone_at is None or other is None:
        return Survivor()
    settled = gone_at + work.endpoint(work.side).settle
    if work.now() < settled:
        return work.later(settled, f"{work.named(work.side, work.key.rec)} was gone a moment ago; looking once more")
    return await _restored(work, row, other)


async def _restored(work: Work, row: Link, other: str) -> Completion | None:
    """A record that is back finds its link again, but only while the other one lives and is nobody else's."""
    if await work.store.links.of(work.mapping.name, work.side.other, other) is not None:
        return None
    taken = await work.lease(work.side.other, other)
    if taken:
        return taken
    if isinstance(await work.connector(work.side.other).read(work.ref(work.side.other, other)), Gone):
        return None
    values = {"state": LinkState.LIVE, "gone_left": None, "gone_right": None}
    work.links.append(LinkWrite(row.id, values))
    work.say("restored", f"{work.named(work.side, work.key.rec)} is back; its link lives again", link=row)
    return work.done(Outcome.APPLIED, "restored", due=work.now())


async def _link_matched(work: Work, candidate: Record, reading: Reading) -> Completion:
    if work.shadow:
        work.say("would link", f"shadow: would link to {work.named(work.side.other, candidate.ref.id)}")
        return work.done(Outcome.FILTERED, f"{FILTERED_PREFIX}: the mapping is in shadow mode")
    keys = ", ".join(" + ".join(key.fields) for key in translate.match_keys(work.mapping, reading.values))
    return await pairing.pair(work, candidate.ref.id, f"the same {keys}")
