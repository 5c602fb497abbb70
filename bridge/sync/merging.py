"""A linked record was merged into another one by a person: the link follows, or becomes an alias."""

from dataclasses import replace

from bridge.domain.record import Side
from bridge.store.model import Completion, Link, LinkState, LinkWrite, Outcome, TaskKey
from bridge.sync.pairing import NEEDS_A_PERSON
from bridge.sync.work import Work


async def merged(
    work: Work, link: Link, side: Side, rec: str, survivor: str, how: str = "was merged into"
) -> Completion:
    """The link follows the survivor, or becomes an alias of the survivor's link. how: what became of `rec`."""
    taken = await work.lease(side, survivor)
    if taken:
        return taken
    theirs = await work.store.links.of(work.mapping.name, side, survivor)
    if theirs is not None and theirs.state is LinkState.INTENDED:
        due = work.now() + work.jitter(2.0)
        return work.later(due, f"{work.named(side, survivor)} is just being created on the other side")
    mark = [TaskKey(work.mapping.name, side, survivor), *await pairs_naming(work, link)]
    if theirs is None or theirs.id == link.id:
        await _follow(work, link, side, survivor, f"{work.named(side, rec)} {how} {survivor}")
    else:
        _alias(work, link, theirs, side, rec, survivor)
    return work.done(Outcome.APPLIED, f"{how} {survivor}", mark=tuple(mark))


async def _follow(work: Work, link: Link, side: Side, survivor: str, what: str) -> None:
    for row in await work.store.links.any_of(work.mapping.name, side, survivor):
        if row.state in NEEDS_A_PERSON:  # merging was what the person was asked for
            work.links.append(LinkWrite(row.id, {"delete": True}))
    work.links.append(LinkWrite(link.id, {side.value: survivor}))
    _tell(work, link, side, survivor, f"{what}; the link follows")


def _alias(work: Work, link: Link, theirs: Link, side: Side, rec: str, survivor: str) -> None:
    unsent = {"sent_left": None, "sent_right": None, "sent_until": None}
    work.links.append(LinkWrite(link.id, {"state": LinkState.ALIAS, "alias_of": theirs.id, **unsent}))
    left_over = work.named(side.other, link.rec(side.other))
    text = f"{work.named(side, rec)} was merged into {survivor}, which is linked already; {left_over} is left over"
    _tell(work, replace(link, id=theirs.id), side, survivor, text, theirs.rec(side.other))


def _tell(work: Work, link: Link, side: Side, survivor: str, text: str, counterpart: str | None = None) -> None:
    """The story of the record that went, and of the one that lives on with its own `counterpart`."""
    work.say("merged", text, link=link)
    work.journal.append(replace(work.journal[-1], side=side, rec=survivor, other_rec=counterpart))


async def pairs_naming(work: Work, link: Link) -> list[TaskKey]:
    """Tasks of the pairs whose base names this link."""
    return [
        TaskKey(other.mapping, Side.LEFT, other.left)
        for other in await work.store.links.referring([link.id])
        if other.left is not None and other.state is LinkState.LIVE
    ]
