"""A linked record was merged into another one by a person: the link follows, or becomes an alias."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from bridge.domain.record import Gone, Record, Side
from bridge.store.model import Completion, Link, LinkState, LinkWrite, Outcome, TaskKey
from bridge.sync.pairing import NEEDS_A_PERSON
from bridge.sync.work import Work


async def merged(work: Work, link: Link, side: Side, rec: str, survivor: str) -> Completion:
    """The link follows the survivor, or becomes an alias of the survivor's link."""
    taken = await work.lease(side, survivor)
    if taken:
        return taken
    theirs = await work.store.links.of(work.mapping.name, side, survivor)
    if theirs is not None and theirs.state is LinkState.INTENDED:
        due = work.now() + work.jitter(2.0)
        return work.later(due, f"{work.named(side, survivor)} is just being created on the other side")
    mark = [TaskKey(work.mapping.name, side, survivor), *await pairs_naming(work, link)]
    if theirs is None or theirs.id == link.id:
        await _follow(work, link, side, survivor, f"{work.named(side, rec)} was merged into {survivor}")
    else:
        _alias(work, link, theirs, side, rec, survivor)
    return work.done(Outcome.APPLIED, f"merged into {survivor}", mark=tuple(mark))


async def twin_instead(work: Work, link: Link, side: Side, rec: str) -> Completion | None:
    """Of two records for one thing, as was reported, somebody deleted the linked one: the other takes its place.

    The two meet it without a base, as any matched pair does.
    """
    for twin in await work.store.links.twins_of(link.id, side):
        taken = await work.lease(side, twin)
        if taken:
            return taken
        if isinstance(await work.connector(side).read(work.ref(side, twin)), Record):
            what = f"{work.named(side, rec)} was deleted, and its twin {twin} takes its place"
            await _follow(work, link, side, twin, what, {"base": {}})
            return work.done(Outcome.APPLIED, what, mark=(TaskKey(work.mapping.name, side, twin),))
    return None


async def _follow(
    work: Work, link: Link, side: Side, survivor: str, what: str, more: Mapping[str, Any] = MappingProxyType({})
) -> None:
    for row in await work.store.links.any_of(work.mapping.name, side, survivor):
        if row.state in NEEDS_A_PERSON:  # merging was what the person was asked for
            work.links.append(LinkWrite(row.id, {"delete": True}))
    work.links.append(LinkWrite(link.id, {side.value: survivor, **more}))
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


async def restored(work: Work, found: Record | Gone) -> Completion | None:
    """A record that was merged away and is back: its own pair lives again, if that is still to be had.

    found: the claim's record, as just read and believed. None when it was never merged away, or still is.
    """
    ref, other = work.ref(work.side, work.key.rec), work.side.other
    if isinstance(found, Gone) or await work.store.records.merge_of(ref.system, ref.entity, ref.id) is None:
        return None
    known = await work.known(ref)
    settled = (known.gone_at or 0.0) + work.endpoint(work.side).settle if known else 0.0
    if work.now() < settled:
        return work.later(settled, f"{work.named(work.side, ref.id)} was gone a moment ago; looking once more")
    rows = await work.store.links.any_of(work.mapping.name, work.side, ref.id)
    row = next((row for row in rows if row.state is LinkState.ALIAS), None)
    if row is not None:
        counterpart = str(row.rec(other))
        taken = await work.lease(other, counterpart)
        if taken:
            return taken
        alive = {"state": LinkState.LIVE, "alias_of": None}
        work.links.append(LinkWrite(row.id, alive if await _free(work, other, counterpart) else {"delete": True}))
        work.say("restored", f"{work.named(work.side, ref.id)} is back from being merged away", link=row)
    await work.store.records.forget_merge(ref)
    return work.done(Outcome.APPLIED, "restored", due=work.now())


async def _free(work: Work, side: Side, rec: str) -> bool:
    """Whether the record lives and no other link names it."""
    link = await work.store.links.of(work.mapping.name, side, rec)
    if link is not None and link.rec(side) == rec:
        return False
    return isinstance(await work.connector(side).read(work.ref(side, rec)), Record)


async def pairs_naming(work: Work, link: Link) -> list[TaskKey]:
    """Tasks of the pairs whose base names this link."""
    return [
        TaskKey(other.mapping, Side.LEFT, other.left)
        for other in await work.store.links.referring([link.id])
        if other.left is not None and other.state is LinkState.LIVE
    ]
