"""Which instances run on this store, and since when none does."""

from collections.abc import Callable

from bridge.app.status import instance_state, status_of
from bridge.domain.seams import Seams
from bridge.store import Store, open_store
from bridge.store.instances import BEAT_SECONDS, KEPT_SECONDS, SILENT_SECONDS
from bridge.store.model import SystemRow
from tests.clock import FakeClock


async def state_of(store: Store) -> list[str]:
    return [instance_state(one, store.now()).partition(" 2026")[0] for one in await store.instances.all()]


async def test_a_bridge_runs_from_its_start_to_its_end(store: Store, clock: FakeClock) -> None:
    assert (await store.instances.running(), await state_of(store)) == (False, [])
    await store.instances.begin()
    assert await state_of(store) == ["runs since"]
    for _ in range(20):
        clock.advance(BEAT_SECONDS)
        await store.instances.beat()
    assert await store.instances.running() is True
    await store.instances.end()
    assert (await store.instances.running(), await state_of(store)) == (False, ["stopped at"])


async def test_a_killed_instance_counts_as_gone_after_a_while(store: Store, clock: FakeClock) -> None:
    await store.instances.begin()
    clock.advance(SILENT_SECONDS)
    assert await store.instances.running() is True
    clock.advance(1)
    assert await state_of(store) == ["does not run: it was last seen at"]


async def test_several_instances_have_a_heartbeat_each(
    postgres_url: str, new_seams: Callable[..., Seams], clock: FakeClock
) -> None:
    one, two = [await open_store(postgres_url, new_seams(name)) for name in ("copy-1", "copy-2")]
    await one.instances.begin()
    await two.instances.begin()
    clock.advance(SILENT_SECONDS + 1)
    await two.instances.beat()
    assert [row.name for row in await one.instances.all() if row.runs(one.now())] == ["copy-2"]
    await two.instances.end()
    assert await one.instances.running() is False
    await one.close()
    await two.close()


async def test_on_sqlite_a_new_bridge_knows_that_the_former_one_is_gone(
    sqlite_url: str, new_seams: Callable[..., Seams], clock: FakeClock
) -> None:
    killed = await open_store(sqlite_url, new_seams("copy-1"))
    await killed.instances.begin()
    await killed.close()
    clock.advance(1)
    fresh = await open_store(sqlite_url, new_seams("copy-2"), exclusive=True)
    await fresh.instances.begin()
    assert await state_of(fresh) == ["runs since", "stopped at"]
    await fresh.close()


async def test_old_instances_are_deleted(sqlite_url: str, new_seams: Callable[..., Seams], clock: FakeClock) -> None:
    for name in ("copy-1", "copy-2"):
        store = await open_store(sqlite_url, new_seams(name))
        await store.instances.begin()
        await store.instances.end()
        await store.close()
        clock.advance(KEPT_SECONDS + 1)
    again = await open_store(sqlite_url, new_seams("copy-3"))
    await again.instances.begin()
    assert [one.name for one in await again.instances.all()] == ["copy-3"]
    await again.close()


async def test_status_does_not_call_a_system_reachable_while_no_bridge_runs(store: Store, clock: FakeClock) -> None:
    await store.systems.save(SystemRow("crm1", "id", "Acme"))
    await store.systems.save(SystemRow("erp1", "id", "Acme", stopped="the token is refused"))
    alone = await status_of(store)
    await store.instances.begin()
    watched = await status_of(store)
    assert alone["bridge"][0]["state"] == "no bridge has run on this store yet"
    assert [row["state"] for row in alone["systems"]] == [
        "not watched, because no bridge runs; last known: answered",
        "stopped: the token is refused",
    ]
    assert [row["state"] for row in watched["systems"]] == ["answers", "stopped: the token is refused"]
    assert str(watched["bridge"][0]["state"]).startswith("runs since 2026-")
