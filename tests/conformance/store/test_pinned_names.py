"""Names of fields, stages and options of accounts: pinned when first seen, over restarts and for all instances."""

from collections.abc import Callable

from bridge.domain.seams import Seams
from bridge.store import Store, open_store
from bridge.store.systems import Renamed


async def test_a_name_stays_as_it_was_first_seen_and_survives_a_restart(
    store: Store, made_url: str, new_seams: Callable[..., Seams]
) -> None:
    assert await store.names.pin("crm1", "deal field", {"7": "Segment", "8": "Æon"}) == {"7": "Segment", "8": "Æon"}
    again = await open_store(made_url, new_seams("copy-2"))
    pinned = await again.names.pin("crm1", "deal field", {"7": "Class", "9": "New"})
    await again.close()
    assert pinned == {"7": "Segment", "8": "Æon", "9": "New"}


async def test_lists_and_systems_have_their_own_names(store: Store) -> None:
    await store.names.pin("crm1", "deal field", {"7": "Segment"})
    assert await store.names.pin("crm1", "person field", {"7": "Rank"}) == {"7": "Rank"}
    assert await store.names.pin("crm2", "deal field", {}) == {}


async def test_a_person_accepts_todays_names_of_one_system(store: Store) -> None:
    for system in ("crm1", "crm2"):
        await store.names.pin(system, "deal field", {"7": "Segment", "8": "Same"})
        await store.names.pin(system, "deal field", {"7": "Class", "8": "Same"})
    renamed = [Renamed(system, "deal field", "Segment", "Class") for system in ("crm1", "crm2")]
    assert await store.names.renamed() == renamed
    assert await store.names.accept("crm1") == renamed[:1]
    assert await store.names.renamed() == renamed[1:]
    assert await store.names.pin("crm1", "deal field", {"7": "Class"}) == {"7": "Class", "8": "Same"}


async def test_a_name_that_came_back_is_no_rename(store: Store) -> None:
    for name in ("Segment", "Class", "Segment"):
        await store.names.pin("crm1", "deal field", {"7": name})
    assert await store.names.renamed() == []
