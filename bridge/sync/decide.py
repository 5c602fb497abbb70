"""Decide about one claim: by a person's instruction, otherwise by the state of its link (one module for each state)."""

from bridge.store.model import Completion, LinkState
from bridge.sync import instruct, match, settle
from bridge.sync.situation import Draft, Plan
from bridge.sync.update import update


def decide(draft: Draft) -> Completion | Plan:
    """Return how the claim ends, or the plan to carry out first. Pure. Raises Wanted while a fact is missing."""
    link = draft.claim.link
    told = instruct.instruction(draft)
    if told is not None:
        ended = instruct.carry_out(draft, told)
        if ended is not None:
            return ended
    if link is None:
        return match.match_or_create(draft)
    if link.state is LinkState.INTENDED:
        return settle.recover_create(draft, link)
    return update(draft, link)
