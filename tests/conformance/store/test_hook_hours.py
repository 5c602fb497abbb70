"""Reported and missed changes of hooks are summed by the hour, over instances and restarts."""

from collections.abc import Callable

import pytest

from bridge.domain.event import Event, EventKind, Origin
from bridge.domain.record import RecordRef
from bridge.domain.seams import Seams, from_epoch
from bridge.store import Store, open_store
from bridge.store.hooks import HookFigures, SweptChange
from bridge.store.retention import Limits
from tests.clock import FakeClock

HOOK = ("crm1", "any.deal")
HOUR = 3600.0
DAY = 24 * HOUR


def change(record_id: str, store: Store, *, ago: float | None = 120.0) -> SweptChange:
    """Return a change that a sweep found now; `ago`: seconds since it was made, None: the vendor does not show it."""
    now = store.now()
    return SweptChange(RecordRef("crm1", "deal", record_id), EventKind.CHANGED, None if ago is None else now - ago, now)


async def receive(store: Store, record_id: str, origin: Origin = Origin.WEBHOOK) -> None:
    version = from_epoch(store.now()) if origin is Origin.RECONCILE else None
    await store.events.accept([Event("crm1", "deal", record_id, EventKind.CHANGED, origin, version=version)], {})


async def test_sums_are_of_two_windows_and_survive_a_restart(
    store_url: str, new_seams: Callable[..., Seams], clock: FakeClock
) -> None:
    store = await open_store(store_url, new_seams())
    store.database.offset = 0.0
    await store.hook_hours.add({HOOK: HookFigures(reported=5, missed=1)})
    clock.advance(2 * DAY)
    await store.hook_hours.add({HOOK: HookFigures(reported=2, repaired=1), ("erp1", "user"): HookFigures()})
    await store.close()
    store = await open_store(store_url, new_seams("copy-2"))
    store.database.offset = 0.0  # the test's clock moved, the database's clock did not
    await store.hook_hours.add({HOOK: HookFigures(reported=1)})
    assert await store.hook_hours.windows() == {HOOK: {"24 h": HookFigures(3, 0, 1), "7 d": HookFigures(8, 1, 1)}}
    clock.advance(9 * DAY)
    assert await store.hook_hours.windows() == {}
    await store.retention.prune(Limits())
    await store.close()


async def test_hours_outside_every_window_are_deleted(store: Store, clock: FakeClock) -> None:
    await store.hook_hours.add({HOOK: HookFigures(reported=5)})
    clock.advance(7 * DAY)
    await store.retention.prune(Limits())
    assert HOOK in await store.hook_hours.windows()
    clock.advance(2 * DAY)
    await store.retention.prune(Limits())
    clock.advance(-9 * DAY)
    assert await store.hook_hours.windows() == {}


@pytest.mark.parametrize("ago", [120.0, None], ids=["dated", "undated"])
async def test_a_change_is_missed_when_no_callback_came_before_or_after_the_sweep(
    store: Store, clock: FakeClock, ago: float | None
) -> None:
    clock.advance(2 * DAY)
    await receive(store, "before")
    clock.advance(60)
    found = [change(record_id, store, ago=ago) for record_id in ("before", "after", "never")]
    clock.advance(30)
    await receive(store, "after")
    assert [one.ref.id for one in await store.hook_hours.missed(found)] == ["never"]


async def test_a_callback_about_an_earlier_change_does_not_report_a_later_one(store: Store, clock: FakeClock) -> None:
    clock.advance(2 * DAY)
    await receive(store, "1")
    clock.advance(600)
    assert len(await store.hook_hours.missed([change("1", store, ago=30)])) == 1


async def test_a_change_found_by_two_sweeps_counts_once(store: Store, clock: FakeClock) -> None:
    clock.advance(2 * DAY)
    await receive(store, "1", Origin.RECONCILE)
    clock.advance(300)
    assert await store.hook_hours.missed([change("1", store, ago=310)]) == []
