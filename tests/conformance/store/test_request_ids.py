"""Journal and audit log name a request by its id, so no other request ever gets the same id."""

from sqlalchemy import insert

from bridge.store import Store
from bridge.store.requests import Answer
from bridge.store.retention import Limits
from bridge.store.tables import requests
from tests.clock import FakeClock

DAY = 86_400.0


async def test_the_id_of_a_deleted_request_is_not_used_again(store: Store, clock: FakeClock) -> None:
    first = await store.requests.add("undo", {"record": "1"}, by="ana")
    await store.requests.done(first, Answer("undone"))
    clock.advance(8 * DAY)
    assert (await store.retention.prune(Limits())).requests == 1
    second = await store.requests.add("pause", {"mapping": "people"}, by="bo")
    await store.requests.done(second, Answer("paused"))
    assert second > first
    told = {deed.person: (deed.request, deed.answer) for deed in await store.audit.recent(10)}
    assert told == {"ana": (first, "undone"), "bo": (second, "paused")}


async def test_new_request_ids_follow_those_of_a_former_version(store: Store) -> None:
    values = {"kind": "pause", "arguments": {}, "asked_at": 1.0, "answer": ""}
    await store.database.write("former", lambda conn: conn.execute(insert(requests).values(id=5000, **values)))
    asked = [await store.requests.add("resume", {}) for _ in range(2)]
    assert 5000 < asked[0] < asked[1]
    assert [request.id for request in await store.requests.take()] == [5000, *asked]
