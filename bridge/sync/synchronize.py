"""One claim from start to end: `synchronize` reads, decides, writes, and says what is to be remembered."""

from bridge.store.model import Completion, LinkState
from bridge.sync import linked, recover, unlinked
from bridge.sync.work import Work


async def synchronize(work: Work) -> Completion:
    """Make the claim's record and its counterpart agree, or say when and why not.

    Raises the errors of domain.errors for `retry` to decide on.
    """
    link = work.claim.link
    if link is None:
        return await unlinked.sync_unlinked(work)
    if link.state is LinkState.INTENDED:
        return await recover.recover_create(work, link)
    return await linked.sync_linked(work, link)
