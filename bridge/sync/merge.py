"""A linked record was merged into another one by a person: the link follows, or becomes an alias."""

from bridge.domain.record import Gone, Record, Side
from bridge.domain.values import replace
from bridge.store import moves
from bridge.store.model import Completion, Link, LinkState, Outcome, TaskKey
from bridge.store.questions import DuplicatesOf, LinkOf, LinksNaming, LinksReferring, SurvivorOf
from bridge.sync.reasons import Reason
from bridge.sync.situation import Draft, ForgetMerge, Moment

NEEDS_A_PERSON = (LinkState.UNKNOWN, LinkState.DUPLICATE)


def survivors_link(draft: Draft, link: Link, side: Side, survivor: str) -> Link | Completion | None:
    """Return the survivor's own link; None if it has none but this one; a Completion if that is not known yet."""
    taken = draft.lease(side, survivor)
    if taken:
        return taken
    theirs = draft.ask(LinkOf(draft.mapping.name, side, survivor))
    if theirs is not None and theirs.state is LinkState.INTENDED:
        due = draft.now + draft.jitter(2.0)
        return draft.later(due, Reason.SURVIVOR_CREATED.of(record=draft.named(side, survivor)))
    return None if theirs is None or theirs.id == link.id else theirs


def merged(
    draft: Draft, link: Link, side: Side, survivor: str, theirs: Link | None, fate: str = "is left over"
) -> Completion:
    """Let the link follow the survivor, or make it an alias of the survivor's link.

    theirs: the survivor's link. fate: what happens to this link's record on the other side, for the journal.
    """
    record_id, mark = (
        str(link.record_id(side)),
        (TaskKey(draft.mapping.name, side, survivor), *pairs_naming(draft, link)),
    )
    if theirs is None:
        _follow(draft, link, side, survivor, f"{draft.named(side, record_id)} was merged into {survivor}")
    else:
        _alias(draft, link, theirs, side, survivor, fate)
    return draft.done(Outcome.APPLIED, Reason.MERGED.of(survivor=survivor), mark=mark)


def duplicate_instead(draft: Draft, link: Link, side: Side, record_id: str) -> Completion | None:
    """Let a reported duplicate take the place of the linked record, which somebody deleted.

    The new pair is merged without a base, like any matched pair.
    """
    for duplicate in draft.ask(DuplicatesOf(link.id, side)):
        taken = draft.lease(side, duplicate)
        if taken:
            return taken
        if draft.ask(LinkOf(draft.mapping.name, side, duplicate)) is not None:
            continue  # it was linked after it was reported
        if isinstance(draft.look(draft.ref(side, duplicate), Moment.LEASED), Record):
            why = Reason.DUPLICATE_TAKES_OVER.of(record=draft.named(side, record_id), duplicate=duplicate)
            _follow(draft, link, side, duplicate, why.text, forget_base=True)
            return draft.done(Outcome.APPLIED, why, mark=(TaskKey(draft.mapping.name, side, duplicate),))
    return None


def answered(draft: Draft, side: Side, record_id: str) -> None:
    """The record was linked or merged, as a person was asked to do: remove the question."""
    rows = draft.ask(LinksNaming(draft.mapping.name, side, record_id))
    draft.moves += [moves.drop(row) for row in rows if row.state in NEEDS_A_PERSON]


def _follow(draft: Draft, link: Link, side: Side, survivor: str, what: str, *, forget_base: bool = False) -> None:
    answered(draft, side, survivor)
    draft.moves.append(moves.follow(link, side, survivor, forget_base=forget_base))
    _tell(draft, link, side, survivor, f"{what}; the link follows")


def _alias(draft: Draft, link: Link, theirs: Link, side: Side, survivor: str, fate: str) -> None:
    draft.moves.append(moves.alias_to(link, theirs))
    gone, left_over = draft.named(side, link.record_id(side)), draft.named(side.other, link.record_id(side.other))
    text = f"{gone} was merged into {survivor}, which is linked already; {left_over} {fate}"
    _tell(draft, replace(link, id=theirs.id), side, survivor, text, theirs.record_id(side.other))


def _tell(draft: Draft, link: Link, side: Side, survivor: str, text: str, counterpart: str | None = None) -> None:
    """Journal the merge for the record that was merged away and for the survivor, which has its own `counterpart`."""
    draft.say("merged", text, link=link)
    draft.journal.append(replace(draft.journal[-1], side=side, record_id=survivor, other_record_id=counterpart))


def restored(draft: Draft, found: Record | Gone) -> Completion | None:
    """Revive the pair of a record that was merged away and exists again, if its counterpart is still free.

    found: the claim's record, as just read and accepted. Return None if it was never merged away, or still is.
    """
    ref, other = draft.ref(draft.side, draft.key.record_id), draft.side.other
    if isinstance(found, Gone) or draft.ask(SurvivorOf(ref)) is None:
        return None
    known = draft.known(ref)
    settled = (known.gone_at or 0.0) + draft.endpoint(draft.side).read_lag if known else 0.0
    if draft.now < settled:
        return draft.later(settled, Reason.GONE_A_MOMENT_AGO.of(record=draft.named(draft.side, ref.id)))
    rows = draft.ask(LinksNaming(draft.mapping.name, draft.side, ref.id))
    row = next((row for row in rows if row.state is LinkState.ALIAS), None)
    if row is not None:
        counterpart = str(row.record_id(other))
        taken = draft.lease(other, counterpart)
        if taken:
            return taken
        draft.moves.append(moves.unmerge(row) if _free(draft, other, counterpart) else moves.drop(row))
        draft.say("restored", f"{draft.named(draft.side, ref.id)} is back from being merged away", link=row)
    draft.ask(ForgetMerge(ref))
    return draft.done(Outcome.APPLIED, Reason.RESTORED.of(), due=draft.now)


def _free(draft: Draft, side: Side, record_id: str) -> bool:
    """Whether the record lives and no other link names it."""
    link = draft.ask(LinkOf(draft.mapping.name, side, record_id))
    if link is not None and link.record_id(side) == record_id:
        return False
    return isinstance(draft.look(draft.ref(side, record_id), Moment.LEASED), Record)


def pairs_naming(draft: Draft, link: Link) -> list[TaskKey]:
    """Tasks of the pairs whose base names this link."""
    return [
        TaskKey(other.mapping, Side.LEFT, other.left)
        for other in draft.ask(LinksReferring(link.id))
        if other.left is not None and other.state is LinkState.LIVE
    ]
