"""A request of a command is carried out by one instance, and by another one if that instance died."""

from bridge.store import Store
from bridge.store.requests import ABANDONED_SECONDS, Answer
from tests.clock import FakeClock


async def test_a_request_of_a_dead_instance_is_taken_over_and_one_of_a_living_instance_is_not(
    store: Store, clock: FakeClock
) -> None:
    lost = await store.requests.add("reconcile", {"full": True})
    long = await store.requests.add("backfill", {"mapping": "people"})
    assert [request.id for request in await store.requests.take()] == [lost, long]
    clock.advance(ABANDONED_SECONDS - 1)
    assert await store.requests.take() == []
    await store.requests.keep({long})
    clock.advance(2)
    assert [request.id for request in await store.requests.take()] == [lost]
    await store.requests.done(lost, Answer("done by the other copy"))
    clock.advance(ABANDONED_SECONDS)
    assert [request.id for request in await store.requests.take()] == [long]
    assert await store.requests.answer(lost) == Answer("done by the other copy")
