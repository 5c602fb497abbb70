"""Match before create: our own index first, the vendor's search second, every candidate read again."""

import itertools
from collections.abc import Iterable
from typing import Any

from bridge.domain.catalog import Lookup
from bridge.domain.record import Gone, Record, Side
from bridge.mapping import translate
from bridge.mapping.translate import MatchKey, Reading
from bridge.mapping.values import LinkId, Reference
from bridge.store.model import Completion, Link, LinkState, LinkWrite, Outcome, TaskKey
from bridge.sync import references
from bridge.sync.references import FILTERED_PREFIX
from bridge.sync.work import Work

INDEX_WAIT_SECONDS = 5.0
INDEX_WAIT_LONGEST_SECONDS = 60.0
CREATE_WAIT_SECONDS = 2.0


async def find(work: Work, own: Record, reading: Reading) -> Completion | Record | None:
    """The one record on the other side that is this record; None when there is none; else what to do instead."""
    if not work.mapping.match:
        return None
    unready = await _index_missing(work)
    if unready:
        return unready
    for key in translate.match_keys(work.mapping, reading.values):
        candidates = await _candidates(work, key, reading)
        verdict = await _decide(work, own, key, candidates)
        if verdict is not None:
            return verdict
    return None


async def _index_missing(work: Work) -> Completion | None:
    """No create before a complete listing of the other side is indexed, unless its search is exact and immediate."""
    other = work.side.other
    state = (await work.store.mappings.states()).get(work.mapping.name)
    if (state and other in state.indexed) or work.manifest(other).lookup is Lookup.EXACT:
        return None
    endpoint = work.endpoint(other)
    await work.store.cursors.ask(endpoint.system, endpoint.entity, "full", by="match index")
    reason = f"waiting for the first complete listing of {work.side_name(other)} {endpoint.entity}"
    waited = work.now() - work.claim.tasks[0].first_due  # a long listing is asked after the less often
    return work.later(work.now() + min(max(INDEX_WAIT_SECONDS, waited / 2), INDEX_WAIT_LONGEST_SECONDS), reason)


async def _candidates(work: Work, key: MatchKey, reading: Reading) -> list[Record]:
    """Live records of the other side that show this key now."""
    other = work.side.other
    index = await work.store.records.with_keys(work.mapping.name, other, await _forms(work, key, reading))
    ids = {rec for recs in index.values() for rec in recs}
    if work.manifest(other).lookup is not Lookup.NONE:
        ids |= await _searched(work, other, key, reading)
    found = []
    for rec in sorted(ids):
        record = await work.connector(other).read(work.ref(other, rec))
        if isinstance(record, Record) and await shows_key(work, other, record, key):
            found.append(record)
    return found


async def _forms(work: Work, key: MatchKey, reading: Reading) -> list[str]:
    """The hashes under which the other side's index may hold this key: what it names may have been unlinked then."""
    other, values = work.side.other, {name: reading.values[name] for name in key.fields}
    named = [value.id for value in values.values() if isinstance(value, LinkId)]
    links = await work.store.links.many(named) if named else {}
    ways: list[list[Any]] = []
    for value in values.values():
        link = links.get(value.id) if isinstance(value, LinkId) else None
        there = link.rec(other) if link else None
        ways.append([value] if link is None or there is None else [value, Reference(link.mapping, other, there)])
    forms = (dict(zip(values, way, strict=True)) for way in itertools.product(*ways))
    return [text for form in forms if (text := translate.key_hash(work.mapping, key.fields, form))]


async def _searched(work: Work, other: Side, key: MatchKey, reading: Reading) -> set[str]:
    entity, searchable = work.endpoint(other).entity, work.manifest(other).lookup_columns
    for column, value in translate.lookups(work.mapping, other, key, reading.values):
        if column in searchable:
            return {row.ref.id for row in await work.connector(other).find(entity, column, value)}
    return set()


async def shows_key(work: Work, side: Side, record: Record, key: MatchKey) -> bool:
    """Whether a record passes `where` and has this match key."""
    if translate.passes_where(work.mapping, side, record.fields) is False:
        return False
    reading = translate.read(work.mapping, side, record.fields)
    reading = (await references.resolve(work, {side: reading}))[side]
    return any(shown.hash == key.hash for shown in translate.match_keys(work.mapping, reading.values))


async def _decide(work: Work, own: Record, key: MatchKey, candidates: Iterable[Record]) -> Completion | Record | None:
    other, free = work.side.other, []
    found = list(candidates)
    links = await work.store.links.resolve(work.mapping.name, other, [record.ref.id for record in found])
    for record in found:
        link = links.get(record.ref.id)
        if link is None:
            asked = await _question(work, own, record)
            if asked:
                return asked
            free.append(record)
        elif link.state is LinkState.INTENDED:
            due = work.now() + work.jitter(CREATE_WAIT_SECONDS)
            return work.later(due, f"{work.named(other, record.ref.id)} is just being created here")
        elif await _is_twin(work, own, link):
            return _report_twin(work, link, record)
    if len(free) > 1:
        names = ", ".join(record.ref.id for record in free)
        return work.dead(f"several {work.side_name(other)} records match by {' + '.join(key.fields)}: {names}")
    return free[0] if free else None


async def _question(work: Work, own: Record, record: Record) -> Completion | None:
    """A person has to say which of several records a lost create of `record` made, and this is one of them."""
    other = work.side.other
    for row in await work.store.links.any_of(work.mapping.name, other, record.ref.id):
        if row.state is LinkState.DOUBT and own.ref.id in (row.payload or {}).get("among", ()):
            why = f"a person must say which record the create of {work.named(other, record.ref.id)} made"
            holder = TaskKey(work.mapping.name, other, record.ref.id)
            return work.later(work.now() + work.parts.limits.wait_seconds, why, waits_for=holder)
    return None


async def _is_twin(work: Work, own: Record, link: Link) -> bool:
    """Two people made the same record on both sides at once: the bridge had already copied the other one here."""
    if link.made != f"created_{work.side.value}" or link.rec(work.side) == own.ref.id:
        return False
    known = await work.known(own.ref)
    if known is not None and known.first_seq <= link.seq:
        return True
    copy = await work.connector(work.side).read(work.ref(work.side, str(link.rec(work.side))))
    if isinstance(copy, Gone):  # somebody took one of the two away already; once that is sure, the other is linked
        return True
    if own.created_at is None or copy.created_at is None:
        return False
    return (own.created_at - copy.created_at).total_seconds() <= work.endpoint(work.side).settle  # one clock's times


def _report_twin(work: Work, link: Link, candidate: Record) -> Completion:
    mine, theirs = work.named(work.side, work.key.rec), work.named(work.side.other, candidate.ref.id)
    copy = work.named(work.side, link.rec(work.side))
    work.links.append(
        LinkWrite(
            None,
            {
                "mapping": work.mapping.name,
                work.side.value: work.key.rec,
                "state": LinkState.TWIN,
                "made": "twin",
                "alias_of": link.id,
                "base": {},
            },
        )
    )
    work.say("twin", f"{mine} and {copy} are the same thing made twice ({theirs}); merge them by hand", link=link)
    return work.done(Outcome.FILTERED, f"{FILTERED_PREFIX}: a twin of {copy}")
