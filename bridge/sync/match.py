"""Decide about an unlinked record: leave it alone, match it, hold it as a duplicate, or create its counterpart.

The first part is about pairs that a person ended: both records are left alone until one of them is edited.
"""

import itertools
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from typing import Any

from bridge.domain.catalog import Lookup
from bridge.domain.errors import DuplicateRefused, RetryLater
from bridge.domain.frozen import dataclass
from bridge.domain.record import Fields, Gone, Record, Side
from bridge.mapping import translate
from bridge.mapping.model import Duplicates, Field
from bridge.mapping.model import Mapping as RecordMapping
from bridge.mapping.paths import parse_path
from bridge.mapping.translate import MatchKey, Reading
from bridge.mapping.values import UNREAD, LinkId, Reference, is_empty
from bridge.store import moves
from bridge.store.model import Completion, Json, Link, LinkState, Outcome, TaskKey, TaskState
from bridge.store.questions import (
    IsForgotten,
    Known,
    LinkById,
    LinkOf,
    LinksNaming,
    Question,
    SharingKeys,
    StateOf,
    SurvivorOf,
    TaskOf,
)
from bridge.sync import accept, references, remove, settle, shadow
from bridge.sync.reasons import Reason
from bridge.sync.situation import Create, Draft, Look, Moment, RequestListing, Search, Stale, in_words


def values_held(draft: Draft, pair: MappingOf[Side, Record | Gone]) -> dict[Side, Json]:
    """What a pair's records hold: by side and field the fingerprint and the hash of its columns. See `moves.part`."""
    return {side: _held_by(draft.mapping, side, found) for side, found in pair.items() if isinstance(found, Record)}


def _held_by(mapping: RecordMapping, side: Side, record: Record) -> Json:
    hashes = translate.read(mapping, side, record.fields).hashes
    named = mapping.named
    return {name: [named[name].columns_fingerprint, hashed] for name, hashed in hashes.items()}


def left_alone(draft: Draft, row: Link, own: Record) -> Completion | None:
    """Return the end of a claim if its record is unchanged since a person ended its pair. None: it was edited since."""
    other, run = draft.side.other, str((row.payload or {}).get("run", "a person"))
    if not edited(draft.mapping, row, draft.side, own):
        counterpart = draft.named(other, row.record_id(other))
        return draft.filtered(Reason.PARTED.of(run=run, other=counterpart))
    _over(draft, row, draft.named(draft.side, own.ref.id))
    return None


def _over(draft: Draft, row: Link, name: str) -> None:
    """Drop an ended pair, because its record of this name was edited since."""
    run = str((row.payload or {}).get("run", "a person"))
    draft.moves.append(moves.drop(row))
    draft.say("edited", f"{name} was edited, so {run} holds no more", link=row)


def edited(mapping: RecordMapping, row: Link, side: Side, record: Record) -> bool:
    """Whether a field changed since the pair ended. A field that now uses other columns does not count."""
    before, now = (row.payload or {}).get("parted", {}).get(side.value, {}), _held_by(mapping, side, record)
    return any(name in now and now[name][0] == of and now[name][1] != hashed for name, (of, hashed) in before.items())


def of_candidate(draft: Draft, candidate: Record) -> Completion | None:
    """Return the end of a claim if its record matches one whose pair a person ended, and which was not edited since."""
    other = draft.side.other
    dropped = {move.id for move in draft.moves if move.kind == moves.Kind.DROP}
    for row in draft.ask(LinksNaming(draft.mapping.name, other, candidate.ref.id)):
        if row.state is not LinkState.PARTED or row.id in dropped:
            continue
        name, run = draft.named(other, candidate.ref.id), str((row.payload or {}).get("run", "a person"))
        if not edited(draft.mapping, row, other, candidate):
            return draft.filtered(Reason.MATCH_PARTED.of(record=name, run=run))
        _over(draft, row, name)
    return None


def answered(draft: Draft, side: Side, record_id: str) -> None:
    """Drop the record's ended pairs, because a person has now decided otherwise."""
    rows = draft.ask(LinksNaming(draft.mapping.name, side, record_id))
    draft.moves += [moves.drop(row) for row in rows if row.state is LinkState.PARTED]


# ---- A record without a pair: matched, created, or left alone ----


INDEX_WAIT_SECONDS = 5.0
INDEX_WAIT_LONGEST_SECONDS = 60.0
CREATE_WAIT_SECONDS = 2.0
UNKNOWN_SEQ = 2**62  # of a record that the store does not know: it is younger than every open intent


@dataclass(frozen=True, slots=True)
class Survivor:
    """The record's counterpart was deleted or merged away. The record may be matched again, but is not copied again."""


def match_or_create(draft: Draft) -> Completion | Create:
    """Decide about an unlinked record."""
    draft.ask_all(_questions_of_each(draft))
    found = accept.read(draft, draft.side, draft.key.record_id)
    if isinstance(found, Stale):
        return draft.stale(found)
    draft.accept(alive=isinstance(found, Record))
    if isinstance(found, Gone):
        return _gone(draft)
    back = remove.back_from_merge(draft, found)
    if back:
        return back
    history = _history(draft, found)
    if isinstance(history, Completion):
        return history
    return _new(draft, found, may_copy=history is None)


def _questions_of_each(draft: Draft) -> Sequence[Question[Any]]:
    """Return the questions that every unlinked record needs, to ask them together; none if a read is too early."""
    name, side, record_id = draft.mapping.name, draft.side, draft.key.record_id
    ref = draft.ref(side, record_id)
    if accept.too_early(draft, side, record_id):
        return ()
    return (Look(ref), SurvivorOf(ref), LinksNaming(name, side, record_id), IsForgotten(ref), StateOf(name))


def _gone(draft: Draft) -> Completion:
    """End a claim whose record is not found. Reads may not show a new record yet, so it is read once more first.

    After that, it no longer matters whether its counterpart was created, and others with its key need not wait.
    """
    side, record_id, read_lag = draft.side, draft.key.record_id, draft.endpoint(draft.side).read_lag
    first = draft.now if draft.first.gone_since is None else draft.first.gone_since
    if draft.deleted_by_event(side, record_id) or draft.now >= first + read_lag:
        rows = draft.ask(LinksNaming(draft.mapping.name, side, record_id))
        draft.moves += [moves.drop(row) for row in rows if row.state is LinkState.UNKNOWN]
        return draft.filtered(Reason.IS_NOT_THERE.of())
    return draft.later(first + read_lag, Reason.NOT_THERE_YET.of(record=draft.named(side, record_id)), gone_since=first)


def _history(draft: Draft, own: Record) -> Completion | Survivor | None:
    """Decide by the record's earlier links: a duplicate waits for a person, a restored record gets its link back."""
    if draft.ask(IsForgotten(draft.ref(draft.side, draft.key.record_id))):
        return draft.filtered(Reason.FORGOTTEN.of())
    for row in draft.ask(LinksNaming(draft.mapping.name, draft.side, draft.key.record_id)):
        if row.state is LinkState.DUPLICATE:
            return draft.filtered(Reason.DUPLICATE_REPORTED.of())
        if row.state is LinkState.UNKNOWN and draft.retried:
            return settle.reopen_create(draft, row)
        if row.state is LinkState.UNKNOWN:
            return draft.dead(Reason.CREATE_STILL_UNKNOWN.of())
        if row.state is LinkState.TOMBSTONE:
            return _tombstone(draft, row)
        if row.state is LinkState.PARTED and (alone := left_alone(draft, row, own)):
            return alone
        if row.state is LinkState.ALIAS and draft.ask(SurvivorOf(draft.ref(draft.side, draft.key.record_id))) is None:
            return Survivor()  # it was the record's counterpart that was merged away, and not the record itself
    return None


def _tombstone(draft: Draft, row: Link) -> Completion | Survivor | None:
    gone_at = row.gone_left if draft.side is Side.LEFT else row.gone_right
    other = row.record_id(draft.side.other)
    if gone_at is None or other is None:
        return Survivor()
    settled = gone_at + draft.endpoint(draft.side).read_lag
    if draft.now < settled:
        return draft.later(settled, Reason.GONE_A_MOMENT_AGO.of(record=draft.named(draft.side, draft.key.record_id)))
    return _restored(draft, row, other)


def _restored(draft: Draft, row: Link, other: str) -> Completion | None:
    """Give a restored record its link back, but only if the counterpart exists and has no other link."""
    if draft.ask(LinkOf(draft.mapping.name, draft.side.other, other)) is not None:
        return None
    taken = draft.lease(draft.side.other, other) or accept.too_early_to_link(draft, draft.side.other, other)
    if taken:
        return taken
    if isinstance(draft.look(draft.ref(draft.side.other, other), Moment.LEASED), Gone):
        return None
    draft.moves.append(moves.revive(row))
    draft.say("restored", f"{draft.named(draft.side, draft.key.record_id)} is back; its link lives again", link=row)
    return draft.done(Outcome.APPLIED, Reason.RESTORED.of(), due=draft.now)


def _new(draft: Draft, own: Record, *, may_copy: bool) -> Completion | Create:
    """Filter, match or create for an unlinked live record."""
    other = draft.side.other
    if translate.passes_where(draft.mapping, draft.side, own.fields) is False:
        return draft.filtered(Reason.OUTSIDE_WHERE.of())
    reading = translate.read(draft.mapping, draft.side, own.fields)
    reading = references.resolve(draft, {draft.side: reading})[draft.side]
    draft.note_keys(draft.side, draft.key.record_id, reading.values)
    problems = [problem for problem in reading.problems if other in draft.mapping.named[problem.field].flows]
    if problems:
        return draft.dead(Reason.UNTRANSLATABLE.of(problem="; ".join(str(problem) for problem in problems)))
    verdict = _find(draft, own, reading)
    if isinstance(verdict, Completion):
        return verdict
    if verdict is not None:
        return _link_matched(draft, own, *verdict)
    if not may_copy:
        return draft.filtered(Reason.COUNTERPART_GONE.of())
    if other not in draft.mapping.creates or other not in draft.mapping.writes:
        return draft.filtered(Reason.NONE_CREATED_THERE.of(side=draft.side_name(other)))
    unlike = _unlike(draft, own, reading) if draft.mapping.duplicates is Duplicates.HOLD else None
    if isinstance(unlike, Completion):
        return unlike
    return _create(draft, own, reading, unlike)


# Match: our own index first, the vendor's search second, every candidate read again.


def _find(draft: Draft, own: Record, reading: Reading) -> Completion | tuple[Record, MatchKey] | None:
    """Return the counterpart and the key that matched; None if there is none; a Completion if the claim ends here."""
    if not draft.mapping.match:
        return None
    unready = _index_missing(draft)
    if unready:
        return unready
    for key in translate.match_keys(draft.mapping, reading.values):
        verdict = _judged(draft, own, key, _candidates(draft, key, reading))
        if isinstance(verdict, Record):
            return verdict, key
        if verdict is not None:
            return verdict
    return None


def _index_missing(draft: Draft) -> Completion | None:
    """Wait until a complete listing of the other side is indexed, unless its search is exact and immediate."""
    other = draft.side.other
    state = draft.ask(StateOf(draft.mapping.name))
    if (state and other in state.indexed) or draft.manifest(other).lookup is Lookup.EXACT:
        return None
    endpoint = draft.endpoint(other)
    draft.ask(RequestListing(endpoint.system, endpoint.entity))
    waited = draft.now - draft.first.first_due  # the longer the listing takes, the less often it is checked
    due = draft.now + min(max(INDEX_WAIT_SECONDS, waited / 2), INDEX_WAIT_LONGEST_SECONDS)
    return draft.later(due, Reason.LISTING_WAITED_FOR.of(entity=f"{draft.side_name(other)} {endpoint.entity}"))


def _candidates(draft: Draft, key: MatchKey, reading: Reading) -> list[Record]:
    """Live records of the other side that show this key now."""
    other = draft.side.other
    there, searches = _index(draft, other, key, reading), _searches(draft, other, key, reading)
    here = _index(draft, draft.side, key, reading) if draft.mapping.duplicates is Duplicates.HOLD else ()
    together: tuple[Question[Any], ...] = (*there, *searches, *here)  # a create needs `here` as well
    draft.ask_all(together)
    ids = {record_id for question in (*there, *searches) for record_id in draft.ask(question)}
    shown = [draft.look(draft.ref(other, record_id)) for record_id in sorted(ids)]
    return [one for one in shown if isinstance(one, Record) and _shows_key(draft, other, one, key)]


def _forms(draft: Draft, side: Side, key: MatchKey, reading: Reading) -> list[str]:
    """Return the hashes that the index of `side` may have for this key: what it names may have been linked later."""
    values = {name: reading.values[name] for name in key.fields}
    named = [value.id for value in values.values() if isinstance(value, LinkId)]
    links = dict(zip(named, draft.ask_all(LinkById(one) for one in named), strict=True))
    ways: list[list[Any]] = []
    for value in values.values():
        link = links.get(value.id) if isinstance(value, LinkId) else None
        there = link.record_id(side) if link else None
        ways.append([value] if link is None or there is None else [value, Reference(link.mapping, side, there)])
    forms = (dict(zip(values, way, strict=True)) for way in itertools.product(*ways))
    return [text for form in forms if (text := translate.key_hash(draft.mapping, key.fields, form))]


def _index(draft: Draft, side: Side, key: MatchKey, reading: Reading) -> list[SharingKeys]:
    return [SharingKeys(draft.mapping.name, side, form) for form in _forms(draft, side, key, reading)]


def _searches(draft: Draft, other: Side, key: MatchKey, reading: Reading) -> list[Search]:
    """Return one search, by a column that the vendor's search covers; none if it covers no column of the key."""
    endpoint, manifest = draft.endpoint(other), draft.manifest(other)
    if manifest.lookup is Lookup.NONE:
        return []
    lookups = translate.lookups(draft.mapping, other, key, reading.values)
    searches = (
        Search(endpoint.system, endpoint.entity, *each) for each in lookups if each[0] in manifest.lookup_columns
    )
    return list(itertools.islice(searches, 1))


def _shows_key(draft: Draft, side: Side, record: Record, key: MatchKey) -> bool:
    """Whether a record passes `where` and has this match key."""
    passes = translate.passes_where(draft.mapping, side, record.fields)
    return passes is not False and _has_key(draft, side, record, key)


def _has_key(draft: Draft, side: Side, record: Record, key: MatchKey) -> bool:
    reading = translate.read(draft.mapping, side, record.fields)
    reading = references.resolve(draft, {side: reading})[side]
    return any(shown.hash == key.hash for shown in translate.side_keys(draft.mapping, reading.values))


def _judged(draft: Draft, own: Record, key: MatchKey, found: Sequence[Record]) -> Completion | Record | None:
    other, free = draft.side.other, []
    together: list[Question[Any]] = [LinkOf(draft.mapping.name, other, record.ref.id) for record in found]
    together += [question(record.ref) for record in found for question in (IsForgotten, Known)]
    draft.ask_all(together)
    found = [record for record in found if not draft.ask(IsForgotten(record.ref))]
    links = draft.ask_all(LinkOf(draft.mapping.name, other, record.ref.id) for record in found)
    for record, link in zip(found, links, strict=True):
        if link is None:
            why = accept.too_early_to_link(draft, other, record.ref.id)
            why = why or _question(draft, own, record) or of_candidate(draft, record)
            if why:
                return why
            free.append(record)
        elif link.state is LinkState.INTENDED:
            due = draft.now + draft.jitter(CREATE_WAIT_SECONDS)
            return draft.later(due, Reason.CREATED_HERE.of(record=draft.named(other, record.ref.id)))
        elif _is_duplicate(draft, own, link):
            return _report_duplicate(draft, link, record)
    if len(free) > 1:
        names, side = ", ".join(record.ref.id for record in free), draft.side_name(other)
        return draft.dead(Reason.SEVERAL_MATCH.of(side=side, key=" + ".join(key.fields), records=names))
    return free[0] if free else None


def _question(draft: Draft, own: Record, record: Record) -> Completion | None:
    """Wait if a person must say which record the create for `record` made, and this may be that record."""
    other = draft.side.other
    for row in draft.ask(LinksNaming(draft.mapping.name, other, record.ref.id)):
        if row.state is LinkState.UNKNOWN and own.ref.id in (row.payload or {}).get("among", ()):
            holder = TaskKey(draft.mapping.name, other, record.ref.id)
            asked = draft.ask(TaskOf(holder))
            if asked is not None and asked.state is TaskState.IDLE:  # a person discarded the question
                continue
            why = Reason.WHICH_WAS_CREATED.of(record=draft.named(other, record.ref.id))
            return draft.later(draft.now + draft.limits.wait_seconds, why, waits_for=holder)
    return None


def _is_duplicate(draft: Draft, own: Record, link: Link) -> bool:
    """Whether people created the record on both sides at once, and the bridge already copied the other one here."""
    if link.made != f"created_{draft.side.value}" or link.record_id(draft.side) == own.ref.id:
        return False
    known = draft.known(own.ref)
    if known is not None and known.first_seq <= link.seq:
        return True
    copy = draft.look(draft.ref(draft.side, str(link.record_id(draft.side))))
    if isinstance(copy, Gone):  # one of the two is already removed; once that is confirmed, the other is linked
        return True
    if own.created_at is None or copy.created_at is None:
        return False
    return (own.created_at - copy.created_at).total_seconds() <= draft.endpoint(
        draft.side
    ).read_lag  # both times are of one clock


def _report_duplicate(draft: Draft, link: Link, candidate: Record) -> Completion:
    mine, theirs = draft.named(draft.side, draft.key.record_id), draft.named(draft.side.other, candidate.ref.id)
    copy = draft.named(draft.side, link.record_id(draft.side))
    draft.moves.append(moves.report_duplicate(draft.mapping.name, draft.side, draft.key.record_id, link))
    draft.say("duplicate", f"{mine} and {copy} are the same thing made twice ({theirs}); merge them by hand", link=link)
    return draft.filtered(Reason.DUPLICATE_OF.of(record=copy))


# Two records of one side with the same match key: the second is held while the first one is linked.


def _unlike(draft: Draft, own: Record, reading: Reading) -> Completion | frozenset[str]:
    """Return why nothing is created now; otherwise the records of its side that no longer show a key of the record.

    The first record counts even if its pair is frozen, because its counterpart is still there. In shadow mode nothing
    is linked: a record that was known earlier counts as linked, and one that is gone does not count, because shadow
    mode does not change its link.
    """
    unlike: set[str] = set()
    for key in translate.side_keys(draft.mapping, reading.values):
        for record_id, link in _firsts(draft, own, key, reading).items():
            if record_id == own.ref.id:  # its create was confirmed after this claim was taken
                return draft.later(draft.now + draft.jitter(1.0), Reason.LINKED_MEANWHILE.of())
            if link is not None and link.state is LinkState.INTENDED:
                return draft.later(draft.now + draft.jitter(CREATE_WAIT_SECONDS), Reason.CREATE_ELSEWHERE.of())
            taken = draft.lease(draft.side, record_id)  # its next claim begins after this one's end, and wakes it
            if taken:
                return taken
            if link is not None and not _still_linked(draft, link):
                due = draft.now + draft.jitter(1.0)
                return draft.later(due, Reason.CHANGED_MEANWHILE.of(record=draft.named(draft.side, record_id)))
            first = accept.of_another(draft, draft.side, record_id)
            if isinstance(first, Stale):
                return draft.stale(first)
            if isinstance(first, Gone) and link is not None and not draft.shadow:
                return _first_is_gone(draft, record_id, key)
            if isinstance(first, Record) and _has_key(draft, draft.side, first, key):
                return _held(draft, record_id, link, key)
            unlike.add(record_id)
    return frozenset(unlike)


def _still_linked(draft: Draft, link: Link) -> bool:
    """Whether the link is unchanged. It may have changed after it was found and before the record was leased."""
    now = draft.ask(LinkById(link.id))
    return now is not None and now.state in moves.PAIRED and now.record_id(draft.side) == link.record_id(draft.side)


def _firsts(draft: Draft, own: Record, key: MatchKey, reading: Reading) -> dict[str, Link | None]:
    """Return other records of this side that may show the key, with their links: from the index, or by counterparts."""
    name, side, other = draft.mapping.name, draft.side, draft.side.other
    index = draft.ask_all(_index(draft, side, key, reading))
    record_ids = sorted({record_id for found in index for record_id in found} - {own.ref.id})
    there = _candidates(draft, key, reading) if key in translate.match_keys(draft.mapping, reading.values) else []
    here = draft.ask_all(LinkOf(name, side, record_id) for record_id in record_ids)
    links = [*here, *draft.ask_all(LinkOf(name, other, record.ref.id) for record in there)]
    found: dict[str, Link | None] = {
        str(link.record_id(side)): link for link in links if link is not None and link.record_id(side)
    }
    if draft.shadow:
        free = [record_id for record_id, link in zip(record_ids, here, strict=True) if link is None]
        found |= {record_id: None for record_id in free if _known_earlier(draft, record_id, own.ref.id)}
    return found


def _known_earlier(draft: Draft, record_id: str, than: str) -> bool:
    one, two = (draft.known(draft.ref(draft.side, each)) for each in (record_id, than))
    return one is not None and (one.first_seq, record_id) < ((two.first_seq if two else UNKNOWN_SEQ), than)


def _first_is_gone(draft: Draft, record_id: str, key: MatchKey) -> Completion:
    """Wait for the first record's pair: its counterpart becomes free, or its link follows a merge."""
    first = TaskKey(draft.mapping.name, draft.side, record_id)
    why = Reason.FIRST_IS_GONE.of(first=draft.named(draft.side, record_id), key=" + ".join(key.fields))
    return draft.later(draft.now + draft.limits.wait_seconds, why, waits_for=first, mark=(first,))


def _held(draft: Draft, record_id: str, link: Link | None, key: MatchKey) -> Completion:
    """Return a dead letter. It is tried again each time the first record has been processed."""
    record, first, fields = (
        draft.named(draft.side, draft.key.record_id),
        draft.named(draft.side, record_id),
        " + ".join(key.fields),
    )
    if draft.shadow:
        draft.say("would hold", f"shadow: would be held, as {first} has the same {fields}")
        return draft.filtered(Reason.IN_SHADOW.of())
    assert link is not None, "only in shadow a record without a link counts as the first one"
    why = Reason.HELD_AS_DUPLICATE.of(
        record=record,
        first=first,
        counterpart=draft.named(draft.side.other, link.record_id(draft.side.other)),
        key=fields,
        system=draft.endpoint(draft.side).system,
        mapping=draft.mapping.name,
        side=draft.side_name(draft.side),
        entity=draft.endpoint(draft.side).entity,
        id=draft.key.record_id,
    )
    return draft.dead(why, waits_for=TaskKey(draft.mapping.name, draft.side, record_id))


# Link two records that exist.


def _link_matched(draft: Draft, own: Record, candidate: Record, key: MatchKey) -> Completion:
    if draft.shadow:
        return shadow.would_link(draft, own, candidate)
    return _pair(draft, candidate.ref.id, f"the same {' + '.join(key.fields)}")


def _pair(draft: Draft, other_record_id: str, why: str) -> Completion:
    """Link the claim's record with a record of the other side; the task stays due and merges them without a base."""
    other = draft.side.other
    taken = draft.lease(other, other_record_id) or accept.too_early_to_link(draft, other, other_record_id)
    if taken:
        return taken
    if isinstance(draft.look(draft.ref(other, other_record_id), Moment.LEASED), Gone):
        due = draft.now + draft.jitter(1.0)
        return draft.later(due, Reason.WENT_AWAY_MEANWHILE.of(record=draft.named(other, other_record_id)))
    remove.drop_questions(draft, draft.side, draft.key.record_id)
    remove.drop_questions(draft, other, other_record_id)
    draft.moves.append(moves.match(draft.mapping.name, draft.side, draft.key.record_id, other_record_id))
    source, target = draft.named(draft.side, draft.key.record_id), draft.named(other, other_record_id)
    draft.say("matched", f"{source} is {target}: {why}", other=other_record_id)
    return draft.done(Outcome.APPLIED, Reason.MATCHED.of(record=target), due=draft.now)


def refused_as_duplicate(draft: Draft, target: Side, error: DuplicateRefused, fields: Fields) -> Completion:
    """Match the record of the other side that has the refused unique value."""
    if error.field is None:
        return draft.dead(Reason.REFUSED_AS_DUPLICATE.of(of=", without saying of what", error=error.message))
    value = parse_path(error.field).get(fields)
    if value is UNREAD:
        of = f" by {error.field}, which was not sent"
        return draft.dead(Reason.REFUSED_AS_DUPLICATE.of(of=of, error=error.message))
    endpoint = draft.endpoint(target)
    found = draft.ask(Search(endpoint.system, endpoint.entity, error.field, value))
    if not found:  # the search may not know a record yet that was created a moment ago
        raise RetryLater(error.system, f"refused as a duplicate by {error.field}, none found: {error.message}")
    links = draft.ask_all(LinkOf(draft.mapping.name, target, record_id) for record_id in found)
    forgotten = draft.ask_all(IsForgotten(draft.ref(target, record_id)) for record_id in found)
    free = [record_id for record_id, link, out in zip(found, links, forgotten, strict=True) if link is None and not out]
    if len(free) != 1:
        of = f" by {error.field} ({', '.join(found)})"
        return draft.dead(Reason.REFUSED_AS_DUPLICATE.of(of=of, error=error.message))
    return _pair(draft, free[0], f"it has the same {error.field}")


# Create.


def _create(draft: Draft, own: Record, reading: Reading, unlike: frozenset[str] | None) -> Completion | Create:
    """Plan the create of the counterpart of an unlinked record."""
    target = draft.side.other
    holding = _holding(draft, target, reading)
    if isinstance(holding, Completion):
        return holding
    to_write = _to_write(draft, target, holding)
    settled = references.for_writing(draft, target, to_write)
    if isinstance(settled, Completion):
        return settled
    chosen = settled.chosen(to_write)
    fields = dict(translate.for_create(draft.mapping, target, settled.values, holding.off))
    if draft.shadow:
        values = translate.initial(draft.mapping, target, chosen, holding.off)
        return shadow.would_create(draft, target, values, settled.left_out)
    marker = draft.mapping.marker.get(target)
    if marker:
        parse_path(marker).put(fields, {}, draft.key.record_id)
    known = draft.known(own.ref)
    plan = Create(
        target=target,
        source=holding,
        chosen=chosen,
        fields=fields,
        keys=translate.index_hashes(draft.mapping, reading.values),
        first_seq=known.first_seq if known else UNKNOWN_SEQ,
        unlike=unlike,
        words=in_words(draft, target, chosen),
        made_at=own.created_at.timestamp() if own.created_at else None,
        again=draft.now if _lines_follow(draft, target, holding) else _again(draft, own, patient=settled.again),
        left_out=settled.left_out,
    )
    references.note_missing(draft, {draft.side: draft.key.record_id}, {draft.side: reading})
    return plan


def _holding(draft: Draft, target: Side, reading: Reading) -> Completion | Reading:
    """Return the reading without the field rules whose `when` would not hold for the new record."""
    gated = frozenset(name for name, _ in draft.mapping.gates[target])
    if not gated:
        return reading
    settled = references.for_writing(draft, target, _to_write(draft, target, translate.without(reading, gated)))
    if isinstance(settled, Completion):
        return settled
    return translate.without(reading, translate.off_in_new(draft.mapping, target, settled.values, reading.off))


def _lines_follow(draft: Draft, target: Side, reading: Reading) -> bool:
    filled = [field for field in draft.mapping.fields if not is_empty(reading.values.get(field.name, UNREAD))]
    return any(target in field.flows and _follows(draft, target, field) for field in filled)


def _follows(draft: Draft, target: Side, field: Field) -> bool:
    """Whether the field is written only after the record exists, because its lines take calls of their own.

    So a create stays one call with one outcome. If only some lines were sent, the next read shows which are missing.
    """
    ours, columns = field.columns_of(target), draft.manifest(target).columns
    return ours is not None and any(path.column in columns and columns[path.column].apart for path in ours.paths)


def _again(draft: Draft, own: Record, *, patient: bool) -> float | None:
    """When the new pair is processed again: for its references, and for an edit that this read may not show yet."""
    looks = [draft.now + references.PATIENCE_SECONDS] if patient else []
    hidden = accept.edit_not_shown(draft, draft.side, own.ref.id)
    if hidden and not accept.shows_reported_edit(draft, draft.side, own.ref.id, changed=True):
        looks.append(hidden.due)
    return min(looks, default=None)


def _to_write(draft: Draft, target: Side, reading: Reading) -> dict[str, Any]:
    """Return the filled values of field rules that flow to the target, without lines written after the create."""
    values = {}
    for field in draft.mapping.fields:
        value = reading.values.get(field.name, UNREAD)
        if target in field.flows and value is not UNREAD and not is_empty(value) and not _follows(draft, target, field):
            values[field.name] = value
    return values
