"""Pauses that vendors request: one instance learns of them, all instances respect them."""

from collections.abc import Callable

import pytest

from bridge.domain.seams import Seams
from bridge.store import Store, open_store
from tests.clock import FakeClock


async def test_a_pause_applies_to_all_instances_and_ends(
    store: Store, made_url: str, new_seams: Callable[..., Seams], clock: FakeClock
) -> None:
    await store.budgets.pause("crm1", 3600, daily=True, why="the day's budget is used up")
    other = await open_store(made_url, new_seams("copy-2"))
    await clock.sleep(600)
    seconds, daily, why = await other.budgets.paused("crm1") or (0.0, False, "")
    assert (seconds, daily, why) == (pytest.approx(3000, abs=5), True, "the day's budget is used up")
    assert await other.budgets.paused("erp1") is None
    await clock.sleep(3010)
    assert await other.budgets.paused("crm1") is None
    await other.close()


async def test_a_longer_pause_stays(store: Store) -> None:
    await store.budgets.pause("crm1", 60, daily=False, why="long")
    await store.budgets.pause("crm1", 2, daily=False, why="short")
    seconds, daily, _ = await store.budgets.paused("crm1") or (0.0, True, "")
    assert (seconds, daily) == (pytest.approx(60, abs=5), False)


@pytest.mark.parametrize(("daily", "longest"), [(False, 3600), (True, 25 * 3600)])
async def test_a_stored_pause_that_is_too_long_is_shortened_once_and_ends(
    store: Store, clock: FakeClock, daily: bool, longest: int
) -> None:
    """A version without a limit stored the pause; reading it often must not start it again."""
    await store.budgets.pause("crm1", 315_360_000, daily=daily, why="of an older version")
    seconds, *_ = await store.budgets.paused("crm1") or (0.0,)
    assert seconds == pytest.approx(longest, abs=5)
    await clock.sleep(longest / 2)
    seconds, *_ = await store.budgets.paused("crm1") or (0.0,)
    assert seconds == pytest.approx(longest / 2, abs=5)
    await clock.sleep(longest / 2 + 5)
    assert await store.budgets.paused("crm1") is None


async def test_a_burst_that_is_too_long_does_not_hide_the_days_budget(store: Store) -> None:
    await store.budgets.pause("crm1", 315_360_000, daily=False, why="of an older version")
    await store.budgets.pause("crm1", 7200, daily=True, why="day")
    seconds, daily, why = await store.budgets.paused("crm1") or (0.0, False, "")
    assert (seconds, daily, why) == (pytest.approx(7200, abs=5), True, "day")


async def test_the_longest_of_day_and_burst_counts(store: Store) -> None:
    await store.budgets.pause("crm1", 600, daily=True, why="day")
    await store.budgets.pause("crm1", 2, daily=False, why="burst")
    assert (await store.budgets.paused("crm1") or ())[1:] == (True, "day")
