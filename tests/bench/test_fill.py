"""A filled store looks like one that the bridge has written."""

from collections.abc import Callable

from bridge.domain.record import Side
from bridge.domain.seams import Seams
from bridge.store.engine import open_store
from bridge.store.model import LinkState
from tests.bench.fill import FIRST_ID, fill
from tests.bench.site import MAPPING


async def test_every_pair_is_linked_known_and_at_rest(store_url: str, new_seams: Callable[..., Seams]) -> None:
    await fill(store_url, 30)
    store = await open_store(store_url, new_seams())
    record_id = str(FIRST_ID + 30)
    link = await store.links.of(MAPPING, Side.LEFT, record_id)
    assert link is not None
    assert link.state is LinkState.LIVE
    assert link.record_id(Side.RIGHT) == record_id
    assert set(link.base) == {"name", "email"}
    assert await store.tasks.waiting() == 0
    assert await store.dead_letters.list() == []
    assert len(await store.journal.about(MAPPING, Side.LEFT, record_id)) == 1
    await store.close()
