"""The store keeps the last verification of each mapping, and one of several instances begins the next."""

from bridge.store import Store
from tests.clock import FakeClock


async def test_one_of_several_instances_begins_a_due_verification(store: Store, clock: FakeClock) -> None:
    assert await store.verifications.begin("people", None)
    assert not await store.verifications.begin("people", None)
    first = (await store.verifications.last())["people"]
    assert (first.done_at, first.summary) == (None, None)
    clock.advance(60)
    assert await store.verifications.begin("people", first.started_at)
    assert not await store.verifications.begin("people", first.started_at)


async def test_a_result_stays_until_the_next_verification_ends(store: Store, clock: FakeClock) -> None:
    await store.verifications.end("people", store.now(), {"pairs": 3})
    before = (await store.verifications.last())["people"]
    clock.advance(60)
    assert await store.verifications.begin("people", before.started_at)
    under_way = (await store.verifications.last())["people"]
    assert (under_way.summary, under_way.done_at) == ({"pairs": 3}, before.done_at)
    await store.verifications.end("people", under_way.started_at, {"pairs": 4})
    assert (await store.verifications.last())["people"].summary == {"pairs": 4}


async def test_the_store_reports_its_size_and_errors(store: Store) -> None:
    state = await store.vitals.state()
    assert state.bytes > 0
    assert state.problems == ()
    assert (state.file is None) is not store.database.sqlite
