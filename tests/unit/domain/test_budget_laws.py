"""Laws of an account's budget, on plain values: nothing waits, and no clock runs."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.budget import (
    ALMOST,
    DAY_SECONDS,
    Account,
    Bucket,
    Day,
    fair_fraction,
    kept_share,
    portion,
    seconds_needed,
)
from bridge.domain.priority import Priority

priorities = st.sampled_from(Priority)
reserves = st.floats(0.0, 0.9)
rates = st.floats(0.1, 50.0)
bursts = st.floats(1.0, 40.0)
gaps = st.floats(0.0, 3.0)


def taken(bucket: Bucket, steps: list[tuple[float, Priority]], reserved: float) -> list[tuple[float, Priority]]:
    """Return when each call leaves the bucket. A call comes `gap` seconds after the last one and waits as required."""
    now, left = bucket.at, []
    for gap, priority in steps:
        now += gap
        wait = bucket.wait(now, 1.0, kept_share(priority, reserved))
        now += wait
        bucket = bucket.take(now, 1.0)
        left.append((now, priority))
    return left


@given(rates, bursts, reserves, st.lists(st.tuples(gaps, priorities), max_size=40))
def test_no_window_of_time_has_more_calls_than_the_budget(
    per_second: float, most: float, reserved: float, steps: list[tuple[float, Priority]]
) -> None:
    left = taken(Bucket(per_second, most, most, 0.0), steps, reserved)
    for first, (begin, _) in enumerate(left):
        for last in range(first, len(left)):
            assert last - first + 1 <= most + per_second * (left[last][0] - begin) + 1e-6


@given(rates, bursts, st.floats(0.0, 0.9), st.lists(st.tuples(gaps, priorities), max_size=30))
def test_lower_priorities_leave_the_reserved_share_of_the_second(
    per_second: float, most: float, reserved: float, steps: list[tuple[float, Priority]]
) -> None:
    bucket, now = Bucket(per_second, most, most, 0.0), 0.0
    for gap, priority in steps:
        now += gap
        if bucket.wait(now, 1.0, kept_share(priority, reserved)) > 0.0:
            continue
        before, bucket = bucket.then(now).level, bucket.take(now, 1.0)
        if priority is not Priority.LIVE and before < most - ALMOST:
            assert bucket.level >= reserved * most - 1e-6


@given(rates, bursts, reserves, priorities)
def test_a_waiting_call_gets_a_turn_when_no_higher_priority_takes_it(
    per_second: float, most: float, reserved: float, priority: Priority
) -> None:
    empty = Bucket(per_second, most, 0.0, 0.0)
    wait = empty.wait(0.0, 1.0, kept_share(priority, reserved))
    assert wait <= (1.0 + most) / per_second + 1e-6
    assert empty.wait(wait, 1.0, kept_share(priority, reserved)) <= 1e-6


@given(reserves)
def test_each_priority_leaves_at_least_as_much_as_the_one_above(reserved: float) -> None:
    kept = [kept_share(priority, reserved) for priority in Priority]
    assert kept == sorted(kept)
    assert kept[0] == 0.0
    assert kept[-1] < 1.0


class Lease:
    """Shares of the pace as the store grants them, for a few instances that renew, pause and die."""

    TERM = 25.0

    def __init__(self) -> None:
        self.parts: dict[str, tuple[float, float]] = {}

    def renew(self, name: str, now: float) -> float:
        alive = {one: part for one, (part, until) in self.parts.items() if until > now}
        mine = alive.pop(name, None)
        part = fair_fraction(alive.values(), renews=mine is not None, newcomers=0.1)
        self.parts[name] = (part, now + self.TERM)
        return part


@given(st.lists(st.tuples(st.floats(0.1, 30.0), st.sampled_from("abcd")), max_size=40))
def test_the_shares_of_the_pace_never_exceed_the_whole(steps: list[tuple[float, str]]) -> None:
    lease, now = Lease(), 0.0
    for gap, name in steps:
        now += gap
        lease.renew(name, now)
        assert sum(part for part, until in lease.parts.values() if until > now) <= 1.0 + 1e-9


@given(st.integers(1, 5), st.integers(0, 4))
def test_calling_instances_soon_have_equal_shares_also_after_one_died(number: int, dead: int) -> None:
    lease, names, now = Lease(), "abcde"[:number], 0.0
    for _ in range(6):
        now += 10.0
        for name in names:
            lease.renew(name, now)
    left = [name for place, name in enumerate(names) if place != dead] or list(names)
    for _ in range(6):
        now += 10.0
        parts = [lease.renew(name, now) for name in left]
    assert max(parts) - min(parts) < 1e-9
    assert 0.9 - 1e-9 <= sum(parts) <= 1.0


asks = st.tuples(st.integers(0, 2), priorities, st.integers(1, 40))


@given(st.integers(1, 500), reserves, st.lists(asks, max_size=60))
def test_instances_never_use_more_than_the_day_and_lower_ones_leave_the_reserve(
    limit: int, reserved: float, steps: list[tuple[int, Priority, int]]
) -> None:
    """Three instances; each takes a share when it needs one, and uses it by the gate's rule."""
    day, held, seen, used = Day(limit, limit, DAY_SECONDS), [0, 0, 0], [0, 0, 0], Counter[bool]()
    for who, priority, cost in steps:
        floor = day.kept(priority, reserved)
        if held[who] < cost or seen[who] < floor:
            held[who], left = portion(day, held[who], cost + 5, priority, reserved)
            day, seen[who] = replace(day, left=left), left
        if held[who] >= cost and seen[who] >= floor:
            held[who] -= cost
            used[priority is Priority.LIVE] += cost
        assert day.left >= 0
        assert sum(used.values()) + sum(held) + day.left == limit
    assert used[False] <= limit * (1.0 - reserved) + 1e-6


def test_live_work_may_use_the_whole_day_and_a_backfill_leaves_more_than_a_sweep() -> None:
    day = Day(1000, 1000, DAY_SECONDS)
    assert [day.for_priority(priority, 0.2) for priority in Priority] == [1000, 800, 720, 640]


def test_work_is_forecast_to_end_after_higher_work_and_when_the_days_budgets_suffice() -> None:
    account = Account("crm", reserved=0.2, per_second=2.0, day=Day(1000, 700, 3600.0))
    work = {Priority.LIVE: (20.0, 20.0), Priority.BACKFILL: (2000.0, 2000.0)}
    done = seconds_needed(account, work, now=0.0)
    assert done[Priority.LIVE] == 10.0
    # today 340 are left after the 20 live calls, each later day has 640: the third day ends the work
    assert done[Priority.BACKFILL] == 3600.0 + 2 * DAY_SECONDS


@given(st.floats(0.0, 1e4), st.floats(0.0, 1e4), st.integers(1, 5000))
def test_lower_work_is_never_forecast_to_end_before_higher_work(high: float, low: float, limit: int) -> None:
    account = Account("crm", reserved=0.2, per_second=3.0, day=Day(limit, limit, 3600.0))
    done = seconds_needed(account, {Priority.LIVE: (high, high), Priority.BACKFILL: (low, low)}, now=0.0)
    assert done[Priority.BACKFILL] >= done[Priority.LIVE]
