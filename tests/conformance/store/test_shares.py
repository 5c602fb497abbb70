"""Instances share the budget of an account, on both databases."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bridge.connectors.calls import Call
from bridge.connectors.gate import Gate
from bridge.connectors.quota import Quota
from bridge.domain.budget import Day, Report, Use
from bridge.domain.priority import Priority
from bridge.domain.seams import Seams, epoch
from bridge.store import Store, open_store
from bridge.store.budgets import TERM_SECONDS
from tests.clock import FakeClock

OpenCopy = Callable[[str], Seams]


def report_of(clock: FakeClock, *, unspent: int = 0, wanted: int = 0, priority: Priority = Priority.LIVE) -> Report:
    return Report(
        "crm1", 0.2, priority, 3.0, 4.0, limit=100, unit="tokens", ends=midnight(clock), unspent=unspent, wanted=wanted
    )


def midnight(clock: FakeClock) -> float:
    return (epoch(clock.now()) // 86_400 + 1) * 86_400


async def test_two_instances_never_have_more_than_the_whole_pace_and_soon_halves(
    store: Store, made_url: str, new_seams: OpenCopy, clock: FakeClock
) -> None:
    other = await open_store(made_url, new_seams("copy-2"))
    first = (await store.budgets.share(report_of(clock))).fraction
    second = (await other.budgets.share(report_of(clock))).fraction
    assert (first, second) == (pytest.approx(0.9), pytest.approx(0.1))
    for _ in range(2):
        await clock.sleep(10)
        first = (await store.budgets.share(report_of(clock))).fraction
        second = (await other.budgets.share(report_of(clock))).fraction
        assert first + second <= 1.0
    assert (first, second) == (pytest.approx(0.45), pytest.approx(0.45))
    assert (await store.budgets.accounts())["crm1"].instances == 2
    await other.close()


async def test_the_share_of_an_instance_that_died_is_free_again_and_one_that_stops_gives_it_back(
    store: Store, made_url: str, new_seams: OpenCopy, clock: FakeClock
) -> None:
    dead = await open_store(made_url, new_seams("copy-2"))
    await dead.budgets.share(report_of(clock, wanted=30))
    dead.budgets._taken = False  # it was killed, so it gave nothing back
    await dead.close()
    assert (await store.budgets.share(report_of(clock))).fraction == pytest.approx(0.1)
    await clock.sleep(TERM_SECONDS + 1)
    share = await store.budgets.share(report_of(clock, wanted=100))
    assert share.fraction == pytest.approx(0.9)
    assert (share.held, share.left) == (70, 0)  # its share of the day counts as used
    third = await open_store(made_url, new_seams("copy-3"))
    await third.budgets.share(report_of(clock))
    await third.close()
    assert (await store.budgets.accounts())["crm1"].instances == 1


async def test_a_days_budget_is_given_out_once_and_starts_again_at_midnight(
    store: Store, made_url: str, new_seams: OpenCopy, clock: FakeClock
) -> None:
    other = await open_store(made_url, new_seams("copy-2"))
    assert (await store.budgets.share(report_of(clock, wanted=60))).held == 60
    low = await other.budgets.share(report_of(clock, wanted=60, priority=Priority.RETRY))
    assert (low.held, low.left) == (20, 20)  # a fifth is reserved for live changes
    assert (await store.budgets.share(report_of(clock, unspent=50, wanted=5))).left == 65
    assert (await other.budgets.share(report_of(clock, unspent=20, wanted=200))).held == 85
    assert (await store.budgets.share(report_of(clock, unspent=5, wanted=50))).held == 5
    await clock.sleep(86_400)
    assert (await other.budgets.share(report_of(clock, wanted=10))).left == 90
    await other.close()


async def test_a_store_that_is_closed_gives_back_its_instances_share_of_the_day(
    store: Store, made_url: str, new_seams: OpenCopy, clock: FakeClock
) -> None:
    for copy in ("copy-2", "copy-3", "copy-4"):
        other = await open_store(made_url, new_seams(copy))
        gate = Gate("crm1", Quota(4, per_day=1000), clock, other.budgets)
        for _ in range(5):
            async with gate.turn(Call("GET", "things")):
                await clock.sleep(1)
        await other.close()
    report = replace(report_of(clock), limit=1000)
    assert (await store.budgets.share(report)).left == 1000 - 15


async def test_calls_beyond_the_share_are_reported_and_counted(store: Store, clock: FakeClock) -> None:
    assert (await store.budgets.share(report_of(clock, wanted=10))).left == 90
    assert (await store.budgets.share(report_of(clock, unspent=-30, wanted=10))).left == 50
    assert (await store.budgets.share(report_of(clock, unspent=-80, wanted=10))).held == 0
    await clock.sleep(86_400)
    share = await store.budgets.share(report_of(clock, unspent=-20, wanted=10))
    assert (share.held, share.left) == (10, 70)


async def test_the_budget_of_an_account_can_be_read_without_a_share(
    store: Store, made_url: str, new_seams: OpenCopy, clock: FakeClock
) -> None:
    other = await open_store(made_url, new_seams("copy-2"))
    ends = (store.now() // 86_400 + 1) * 86_400  # PostgreSQL's clock is the real one
    assert await store.budgets.accounts() == {}
    uses = {Priority.LIVE: Use(7, 3, 1), Priority.BACKFILL: Use(20, 8, 2)}
    report = Report("crm1", 0.2, per_second=3.0, unit="tokens", ends=ends, uses=uses)
    await store.budgets.share(report)
    await other.budgets.share(Report("crm1", 0.2, ends=ends, uses={Priority.LIVE: Use(1, 1, 1)}))
    account = (await other.budgets.accounts())["crm1"]
    assert account.uses == {Priority.LIVE: Use(8, 4, 2), Priority.BACKFILL: Use(20, 8, 2)}
    assert (account.per_second, account.day) == (3.0, None)
    vendor = Day(30_000, 1234, ends)
    await store.budgets.share(Report("crm1", 0.2, ends=ends, vendor=vendor))
    assert (await other.budgets.accounts())["crm1"].day == vendor
    await clock.sleep(86_400)
    account = (await other.budgets.accounts())["crm1"]
    assert (account.day, account.uses) == (None, {})
    await other.close()
