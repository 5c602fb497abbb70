"""Linking two records that exist."""

from bridge.domain.record import Gone
from bridge.store.model import Completion, LinkState, LinkWrite, Outcome
from bridge.sync.work import Work

NEEDS_A_PERSON = (LinkState.DOUBT, LinkState.TWIN)


async def pair(work: Work, other_rec: str, why: str) -> Completion:
    """Link the claim's record with a record of the other side; the task stays due and merges them without a base."""
    other = work.side.other
    taken = await work.lease(other, other_rec)
    if taken:
        return taken
    if isinstance(await work.connector(other).read(work.ref(other, other_rec)), Gone):
        due = work.now() + work.jitter(1.0)
        return work.later(due, f"{work.named(other, other_rec)} went away while it was being matched")
    await settled(work, other_rec)
    values = {
        work.side.value: work.key.rec,
        other.value: other_rec,
        "mapping": work.mapping.name,
        "state": LinkState.LIVE,
        "made": "matched",
        "base": {},
    }
    work.links.append(LinkWrite(None, values))
    source, target = work.named(work.side, work.key.rec), work.named(other, other_rec)
    work.say("matched", f"{source} is {target}: {why}", other=other_rec)
    return work.done(Outcome.APPLIED, f"matched {target}", due=work.now())


async def settled(work: Work, other_rec: str) -> None:
    """What a person was asked about either record is answered by linking them."""
    for side, rec in ((work.side, work.key.rec), (work.side.other, other_rec)):
        for row in await work.store.links.any_of(work.mapping.name, side, rec):
            if row.state in NEEDS_A_PERSON:
                work.links.append(LinkWrite(row.id, {"delete": True}))
