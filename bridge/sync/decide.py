"""The decision about one claim: a person's instruction, otherwise by the state of its link (one module for each)."""

from bridge.store.model import Completion, LinkState
from bridge.sync import instruct, match, recover
from bridge.sync.draft import Draft
from bridge.sync.situation import Plan
from bridge.sync.update import update


def decide(draft: Draft) -> Completion | Plan:
    """How the claim ends, or what is to be written first. Pure; raises Wanted while a fact is missing."""
    link = draft.claim.link
    told = instruct.instruction(draft)
    if told is not None:
        ended = instruct.carry_out(draft, told)
        if ended is not None:
            return ended
    if link is None:
        return match.match_or_create(draft)
    if link.state is LinkState.INTENDED:
        return recover.recover_create(draft, link)
    return update(draft, link)
