"""Calls wait for their turn by priority, within the account's budget."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import hypothesis.strategies as st
import pytest
from http_fakes import START, FakeClock
from hypothesis import given

from bridge.connectors.calls import Call
from bridge.connectors.gate import Gate
from bridge.connectors.quota import BURST, BURST_SECONDS, Learned, Quota
from bridge.domain.budget import Day, Report, Share, Use, portion
from bridge.domain.errors import RateLimited, StoreUnavailable
from bridge.domain.priority import Priority, calls_for
from bridge.domain.seams import epoch

READ = Call("GET", "things/1")
EARLIER = epoch(START) + 14 * 3600  # midnight
LOWER = [one for one in Priority if one is not Priority.LIVE]


async def pass_one(gate: Gate, call: Call = READ, learned: Learned | None = None) -> None:
    async with gate.turn(call) as units:
        gate.answered(units, learned)


async def made_for(priority: Priority, work: Callable[[], Awaitable[None]]) -> None:
    with calls_for(priority):
        await work()


@dataclass
class Shared:
    """The store's part for one instance: it records what the gate reports, and gives shares."""

    fraction: float = 1.0
    away: bool = False
    day: Day | None = None
    reports: list[Report] = field(default_factory=list)
    last: Callable[[], Report | None] = lambda: None

    async def pause(self, credential: str, seconds: float, *, daily: bool, why: str) -> None:
        raise NotImplementedError

    async def paused(self, credential: str) -> tuple[float, bool, str] | None:
        raise NotImplementedError

    async def share(self, report: Report) -> Share:
        if self.away:
            raise StoreUnavailable("away")
        self.reports.append(report)
        if report.limit is None:
            return Share(self.fraction, 25.0)
        day = self.day
        if day is None or day.ends < report.ends:
            day = Day(report.limit, report.limit, report.ends)
        held, left = portion(day, report.unspent, report.wanted, report.priority, report.reserved)
        self.day = replace(day, left=left)
        return Share(self.fraction, 25.0, held, left)

    def at_end(self, told: Callable[[], Report | None]) -> None:
        self.last = told


async def test_a_few_calls_go_at_once_and_the_next_ones_are_paced(clock: FakeClock) -> None:
    gate, at = Gate("crm1", Quota(4, per_second=10), clock), []
    for _ in range(24):
        await pass_one(gate)
        at.append(clock.seconds)
    assert at[:4] == [0.0] * 4
    assert at[-1] == pytest.approx(2.0)


async def test_calls_at_a_fast_pace_that_are_ready_together_go_together(clock: FakeClock) -> None:
    gate, at = Gate("crm1", Quota(16, per_second=1000), clock), []
    for _ in range(48):
        await pass_one(gate)
        at.append(clock.seconds)
    assert at == [0.0] * 48
    for _ in range(956):
        await pass_one(gate)
    assert clock.seconds == pytest.approx(1.0)


@given(st.floats(0.01, 1000.0))
def test_a_second_holds_at_most_the_pace_and_a_small_burst(per_second: float) -> None:
    pace = Quota(4, per_second=per_second).pace()
    assert pace is not None
    sustained, burst = pace
    assert sustained + burst == pytest.approx(per_second + BURST)
    assert sustained >= 0.95 * per_second
    assert per_second > BURST / BURST_SECONDS or pace == (per_second, BURST)


async def test_a_share_of_the_pace_is_respected_and_a_new_share_counts_from_its_renewal(clock: FakeClock) -> None:
    shared = Shared(fraction=0.5)
    gate = Gate("crm1", Quota(4, per_second=10), clock, shared)
    for _ in range(22):
        await pass_one(gate)
    assert clock.seconds == pytest.approx(4.0)  # two at once, the others at five a second
    shared.fraction = 1.0
    clock.seconds += 20
    began = clock.seconds
    for _ in range(24):
        await pass_one(gate)
    assert clock.seconds - began == pytest.approx(2.2)  # the two that the old share had saved up, then ten a second


async def test_many_calls_are_reported_to_the_store_a_few_times_a_minute(clock: FakeClock) -> None:
    shared = Shared()
    gate = Gate("crm1", Quota(4, per_second=3, per_day=1_000_000), clock, shared)
    for _ in range(180):
        await pass_one(gate)
    assert clock.seconds == pytest.approx(59, abs=1)
    assert len(shared.reports) <= 8
    told = [report.uses.get(Priority.LIVE, Use()).calls for report in shared.reports]
    assert 150 <= sum(told) <= 180


async def test_an_unreachable_store_changes_no_pace_and_calls_are_reported_to_it_later(clock: FakeClock) -> None:
    shared = Shared(fraction=0.5)
    gate = Gate("crm1", Quota(4, per_second=10), clock, shared)
    await pass_one(gate)
    shared.away = True
    clock.seconds += 30
    began = clock.seconds
    for _ in range(12):
        await pass_one(gate)
    assert clock.seconds - began == pytest.approx(2.0)
    shared.away = False
    clock.seconds += 30
    await pass_one(gate)
    assert shared.reports[-1].uses[Priority.LIVE].calls == 13


async def used_up(gate: Gate, clock: FakeClock, most: int = 5000) -> int:
    """Return how many calls may go until the day's budget is used up."""
    for number in range(most):
        try:
            await pass_one(gate)
        except RateLimited:
            return number
        clock.seconds += 0.5
    return most


async def test_a_days_budget_is_used_once_even_if_the_store_was_unreachable(clock: FakeClock) -> None:
    shared = Shared()
    gate = Gate("crm1", Quota(4, per_day=1000), clock, shared)
    used = await used_up(gate, clock, 700)
    shared.away = True
    clock.seconds += 11
    used += await used_up(gate, clock, 200)
    shared.away = False
    clock.seconds += 2
    used += await used_up(gate, clock)
    assert used == 1000


async def test_while_the_store_is_unreachable_only_the_last_known_budget_is_used(clock: FakeClock) -> None:
    shared = Shared()
    gate = Gate("crm1", Quota(4, per_day=1000), clock, shared)
    used = await used_up(gate, clock, 900)
    shared.away = True
    assert used + await used_up(gate, clock) == 1000
    clock.seconds = 14 * 3600 + 1
    assert await used_up(gate, clock) == 1000, "a new day begins without the store as well"
    shared.away = False
    clock.seconds += 2
    assert await used_up(gate, clock) == 0, "the day is the same when the store is back"


async def test_calls_during_the_stores_answer_count(clock: FakeClock) -> None:
    """Calls go on with the share they hold while the share is renewed."""
    shared, answers = Shared(), asyncio.Event()
    gate = Gate("crm1", Quota(9, per_day=1000), clock, shared)
    await pass_one(gate)
    share, held = shared.share, asyncio.Event()

    async def slow(report: Report) -> Share:
        held.set()
        await answers.wait()
        return await share(report)

    shared.share = slow  # type: ignore[method-assign]
    clock.seconds += 11
    renewing = asyncio.create_task(pass_one(gate))
    await held.wait()
    gate._take(1)
    answers.set()
    await renewing
    shared.share = share  # type: ignore[method-assign]
    last = shared.last()
    assert last is not None
    await shared.share(last)
    assert shared.day is not None
    assert shared.day.left == 1000 - 3


async def test_an_instance_that_ends_gives_back_its_share_of_the_day(clock: FakeClock) -> None:
    shared = Shared()
    gate = Gate("crm1", Quota(4, per_day=10_000), clock, shared)
    for _ in range(40):
        await pass_one(gate)
    assert shared.last() is not None
    report = shared.last()
    assert report is not None
    assert (await shared.share(report)).held == 0
    assert shared.day is not None
    assert shared.day.left == 10_000 - 40


async def test_a_live_call_never_waits_behind_a_lower_priority(clock: FakeClock) -> None:
    """All wait for one free place; they leave by priority, and in order within one priority."""
    gate, order, first = Gate("crm1", Quota(1), clock), list[str](), asyncio.Event()

    async def call(name: str) -> None:
        async with gate.turn(READ):
            order.append(name)
            await first.wait()

    begun = asyncio.create_task(call("under way"))
    await asyncio.sleep(0)
    waiting = []
    for name, priority in (
        ("backfill 1", Priority.BACKFILL),
        ("sweep", Priority.RECONCILE),
        ("backfill 2", Priority.BACKFILL),
        ("retry", Priority.RETRY),
        ("live 1", Priority.LIVE),
        ("live 2", Priority.LIVE),
    ):
        waiting.append(asyncio.create_task(made_for(priority, lambda name=name: call(name))))  # type: ignore[misc]
        await asyncio.sleep(0)
    first.set()
    await asyncio.gather(begun, *waiting)
    assert order == ["under way", "live 1", "live 2", "retry", "sweep", "backfill 1", "backfill 2"]


async def test_a_call_that_waited_too_long_behind_others_is_given_up_when_the_queue_moves(clock: FakeClock) -> None:
    gate, ends = Gate("crm1", Quota(1), clock), [asyncio.Event() for _ in range(3)]

    async def call(end: asyncio.Event) -> None:
        async with gate.turn(READ):
            await end.wait()

    live = [asyncio.create_task(call(end)) for end in ends]
    await asyncio.sleep(0)
    lower = asyncio.create_task(made_for(Priority.BACKFILL, lambda: pass_one(gate)))
    await asyncio.sleep(0)
    clock.seconds += READ.timeout_seconds
    ends[0].set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert lower.done()
    with pytest.raises(RateLimited, match="higher priority go first"):
        await lower
    for end in ends:
        end.set()
    await asyncio.gather(*live)


async def test_a_login_goes_first_at_any_priority(clock: FakeClock) -> None:
    gate = Gate("crm1", Quota(4, per_day=1000), clock)
    with calls_for(Priority.BACKFILL):
        for _ in range(640):
            await pass_one(gate)
        with pytest.raises(RateLimited):
            await pass_one(gate)
        await pass_one(gate, replace(READ, login=True))


@pytest.mark.parametrize("priority", LOWER)
async def test_lower_priorities_leave_the_reserved_share_of_the_day(clock: FakeClock, priority: Priority) -> None:
    gate = Gate("crm1", Quota(4, per_day=1000, unit="tokens"), clock, Shared(), reserved=0.3)
    used = {Priority.RETRY: 700, Priority.RECONCILE: 630, Priority.BACKFILL: 560}[priority]
    with calls_for(priority):
        for _ in range(used):
            await pass_one(gate)
        with pytest.raises(RateLimited, match="reserved for work of higher priority than") as refused:
            await pass_one(gate)
    assert refused.value.daily
    for _ in range(1000 - used):
        await pass_one(gate)
    with pytest.raises(RateLimited, match="used 1000 of its 1000 tokens of the day, until 00:00 UTC") as over:
        await pass_one(gate)
    await clock.sleep(over.value.after_seconds)
    with calls_for(priority):
        await pass_one(gate)


async def test_when_the_day_is_used_up_a_refused_call_does_not_query_the_store(clock: FakeClock) -> None:
    shared = Shared()
    gate = Gate("crm1", Quota(4, per_day=100), clock, shared)
    for _ in range(100):
        await pass_one(gate)
    asked = len(shared.reports)
    for _ in range(50):
        with pytest.raises(RateLimited):
            await pass_one(gate)
    assert len(shared.reports) <= asked + 1


async def test_the_vendors_count_of_the_day_holds_back_lower_calls_and_never_live_ones(clock: FakeClock) -> None:
    """Other programs use the account too; only the vendor's own count includes their calls."""
    gate = Gate("crm1", Quota(4, unit="tokens"), clock)
    await pass_one(gate, learned=Learned(day=Day(1000, 250, EARLIER)))
    with calls_for(Priority.RECONCILE), pytest.raises(RateLimited, match="the account has used 750 of its 1000"):
        await pass_one(gate)
    with calls_for(Priority.RETRY):
        await pass_one(gate)
    await pass_one(gate, learned=Learned(day=Day(1000, 0, EARLIER)))
    await pass_one(gate)
    clock.seconds += 3600  # the vendor's count is valid for an hour: the time of its midnight is unknown
    with calls_for(Priority.BACKFILL):
        await pass_one(gate)


async def test_a_limit_learned_from_an_answer_paces_the_calls_after_it(clock: FakeClock) -> None:
    gate = Gate("crm1", Quota(4), clock)
    for _ in range(41):
        await pass_one(gate, learned=Learned(20, 2.0))
    assert clock.seconds == pytest.approx((40 - 2.5) / 8.75, abs=0.1)


async def test_a_call_without_a_turn_is_postponed_and_not_sent(clock: FakeClock) -> None:
    """Calls of higher priority take every turn. The lower call gives up, so that its record is not leased for ever."""
    gate = Gate("crm1", Quota(4, per_second=1), clock, Shared(fraction=0.0))
    await pass_one(gate)  # the one call that an instance may have saved up
    with calls_for(Priority.BACKFILL), pytest.raises(RateLimited, match="higher priority go first"):
        await pass_one(gate)


async def test_claims_and_calls_are_counted_separately(clock: FakeClock) -> None:
    shared = Shared()
    gate = Gate("crm1", Quota(4, cost=lambda method, path: 5), clock, shared)
    for _ in range(3):
        with calls_for(Priority.BACKFILL):
            await pass_one(gate)
            await pass_one(gate)
    clock.seconds += 10
    await pass_one(gate)
    assert shared.reports[-1].uses == {Priority.BACKFILL: Use(units=30, calls=6, works=3)}
