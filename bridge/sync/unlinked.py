"""A record without a counterpart: leave it, match it, or have it created on the other side."""

from bridge.domain.record import Gone, Record
from bridge.mapping import translate
from bridge.mapping.translate import Reading
from bridge.store.model import Completion, Link, LinkState, LinkWrite, Outcome
from bridge.sync import create, linked, match, references
from bridge.sync.reading import Stale, read
from bridge.sync.references import FILTERED_PREFIX
from bridge.sync.work import Work


async def sync_unlinked(work: Work) -> Completion:
    """Decide what an unlinked record needs."""
    found = await read(work, work.side, work.key.rec)
    if isinstance(found, Stale):
        return work.later(found.due, found.reason, stale_since=found.since)
    if isinstance(found, Gone):
        return work.done(Outcome.FILTERED, f"{FILTERED_PREFIX}: gone before it was linked")
    history = await _history(work, found)
    if history:
        return history
    return await sync_new(work, found)


async def sync_new(work: Work, own: Record) -> Completion:
    """An unlinked live record: filter, match, create."""
    row_hash = translate.row_hash(work.mapping, work.side, own.fields)
    if translate.passes_where(work.mapping, work.side, own.fields) is False:
        return _filtered(work, "it does not match `where`", row_hash)
    reading = translate.read(work.mapping, work.side, own.fields)
    reading = (await references.resolve(work, {work.side: reading}))[work.side]
    linked.note_keys(work, None, {work.side: reading})
    problems = [problem for problem in reading.problems if work.side.other in work.mapping.named[problem.field].flows]
    if problems:
        return work.dead("; ".join(str(problem) for problem in problems))
    other = work.side.other
    verdict = await match.find(work, own, reading)
    if isinstance(verdict, Completion):
        return verdict
    if isinstance(verdict, Record):
        return await _link_matched(work, verdict, reading)
    if other not in work.mapping.creates or other not in work.mapping.writes:
        return _filtered(work, f"nothing on {work.side_name(other)} matches, and none is created there", row_hash)
    return await create.create(work, own, reading)


def _filtered(work: Work, why: str, row_hash: str) -> Completion:
    return work.done(Outcome.FILTERED, f"{FILTERED_PREFIX}: {why}", decided_hash=row_hash)


async def _history(work: Work, own: Record) -> Completion | None:
    """Tombstones and twins of this record: a survivor is never copied back, a restored record finds its link again."""
    for row in await work.store.links.any_of(work.mapping.name, work.side, work.key.rec):
        if row.state is LinkState.TWIN:
            return work.done(Outcome.FILTERED, f"{FILTERED_PREFIX}: a twin of a linked record, reported")
        if row.state is LinkState.DOUBT:
            return work.dead("an earlier create of its counterpart has an unknown outcome; retry after checking")
        if row.state is LinkState.TOMBSTONE:
            return await _tombstone(work, own, row)
    return None


async def _tombstone(work: Work, own: Record, row: Link) -> Completion | None:
    was_deleted_here = row.gone_left if work.side.value == "left" else row.gone_right
    other_rec = row.rec(work.side.other)
    if was_deleted_here is None or other_rec is None:
        return _filtered(work, "its counterpart was deleted", translate.row_hash(work.mapping, work.side, own.fields))
    other = await work.connector(work.side.other).read(work.ref(work.side.other, other_rec))
    if isinstance(other, Gone):
        return None
    values = {"state": LinkState.LIVE, "gone_left": None, "gone_right": None}
    work.links.append(LinkWrite(row.id, values))
    work.say("restored", f"{work.named(work.side, work.key.rec)} is back; its link lives again", link=row)
    return work.done(Outcome.APPLIED, "restored", due=work.now())


async def _link_matched(work: Work, candidate: Record, reading: Reading) -> Completion:
    """Link a matched pair; the task stays due and goes on as an update, merged without a base."""
    other = work.side.other
    if work.shadow:
        work.say("would link", f"shadow: would link to {work.named(other, candidate.ref.id)}")
        return work.done(Outcome.FILTERED, f"{FILTERED_PREFIX}: the mapping is in shadow mode")
    leased = await work.store.tasks.lease(work.claim, [candidate.ref])
    if leased is None:
        return work.later(work.now() + 1.0, f"{work.named(other, candidate.ref.id)} is being worked on")
    work.claim = leased
    again = await work.connector(other).read(candidate.ref)
    if isinstance(again, Gone) or again.fields != candidate.fields:
        return work.later(work.now() + 1.0, f"{work.named(other, candidate.ref.id)} changed while it was being matched")
    values = {
        work.side.value: work.key.rec,
        other.value: candidate.ref.id,
        "mapping": work.mapping.name,
        "state": LinkState.LIVE,
        "made": "matched",
        "base": {},
    }
    work.links.append(LinkWrite(None, values))
    source, target = work.named(work.side, work.key.rec), work.named(other, candidate.ref.id)
    work.say("matched", f"{source} is {target}", {"keys": [" + ".join(key.fields) for key in _keys(work, reading)]})
    return work.done(Outcome.APPLIED, f"matched {target}", due=work.now())


def _keys(work: Work, reading: Reading) -> tuple[translate.MatchKey, ...]:
    return translate.match_keys(work.mapping, reading.values)
