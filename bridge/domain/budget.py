"""How many calls an account's budget allows, and for which priority. Plain values: no clock, no store, no waiting.

An account has two budgets: calls per second (a `Bucket`), and units per day (a `Day`; a unit is a call, or what the
vendor counts, such as tokens). Instances on one store share both. Each instance has a fraction of the pace for some
seconds (`fair_fraction`). Each takes a portion of the day and gives back what it did not use (`portion`).

The reserved share of both is for live changes and people. Every lower priority also leaves a little to those above it,
so that a long backfill does not use up the sweeps' part of the day.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field
from math import ceil
from typing import NamedTuple

from bridge.domain.frozen import dataclass, replace
from bridge.domain.priority import Priority
from bridge.domain.seams import from_epoch

STEP = 0.1
"""The part of what is not reserved that each priority from RECONCILE on leaves, in addition, to those above it."""
NEWCOMERS = 0.1
"""The part of the pace that instances leave free for one that starts."""
DAY_SECONDS = 86_400.0
ALMOST = 1e-6


def kept_share(priority: Priority, reserved: float) -> float:
    """Return the share of a budget that calls of this priority leave to higher ones: 0 for LIVE, below 1 for all."""
    if priority is Priority.LIVE:
        return 0.0
    return reserved + (1.0 - reserved) * STEP * (priority - Priority.RETRY)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Calls per second: `per_second` are added, and at most `most` are saved up. At the time `at` there are `level`.

    In any t seconds at most `most` + `per_second` * t calls are allowed. A call that costs more than `most` counts as
    `most` here, and the rest is paid back before the next call.
    """

    per_second: float
    most: float
    level: float
    at: float

    def level_at(self, now: float) -> float:
        return min(self.most, self.level + max(0.0, now - self.at) * self.per_second)

    def then(self, now: float) -> "Bucket":
        """Return the bucket as it is at `now`."""
        return replace(self, level=self.level_at(now), at=max(now, self.at))

    def wait(self, now: float, cost: float, kept: float) -> float:
        """Return the seconds until `cost` may be taken and the share `kept` of a full bucket is left. They are infinite
        if nothing is added.

        From a full bucket every call may take, so that nothing waits for ever.
        """
        missing = min(self.most, cost + kept * self.most) - self.level_at(now)
        if missing <= ALMOST:
            return 0.0
        return missing / self.per_second if self.per_second > 0 else float("inf")

    def take(self, now: float, cost: float) -> "Bucket":
        return replace(self, level=self.level_at(now) - cost, at=max(now, self.at))

    def resized(self, now: float, per_second: float, most: float) -> "Bucket":
        """Return the bucket with another pace from now on. What was saved up is kept as far as it fits."""
        here = self.then(now)
        return Bucket(per_second, most, min(here.level, most), here.at)


@dataclass(frozen=True, slots=True)
class Day:
    """The units of one day: `left` of `limit` are not used. The budget is renewed at `ends` (epoch seconds)."""

    limit: int
    left: int
    ends: float

    @property
    def ends_at(self) -> str:
        """The end of the day as people read it."""
        return from_epoch(self.ends).strftime("%H:%M UTC")

    def kept(self, priority: Priority, reserved: float) -> int:
        """Return how many units calls of this priority must leave to higher priorities."""
        return ceil(kept_share(priority, reserved) * self.limit - ALMOST)

    def for_priority(self, priority: Priority, reserved: float) -> int:
        """Return how many of the units that are left calls of this priority may use."""
        return max(0, self.left - self.kept(priority, reserved))


def fair_fraction(others: Iterable[float], *, renews: bool, newcomers: float) -> float:
    """Return the part of the pace that an instance may have now. With the parts of the `others` it is at most 1.

    An instance that renews its part takes at most an equal part, and leaves `newcomers` free. An instance that starts
    takes what is free, and gets more when the others renew theirs.
    """
    parts = list(others)
    free = max(0.0, 1.0 - sum(parts))
    if parts and not renews:
        return free
    return min(free, (1.0 - newcomers) / (len(parts) + 1))


def portion(day: Day, unspent: int, wanted: int, priority: Priority, reserved: float) -> tuple[int, int]:
    """Give back `unspent` units of a day, and take up to `wanted` for a priority.

    `day.left`: units that no instance holds. Returns (the units this instance holds now, the units no instance holds).
    """
    free = Day(day.limit, day.left + unspent, day.ends)
    held = max(0, min(wanted, free.for_priority(priority, reserved)))
    return held, free.left - held


@dataclass(frozen=True, slots=True)
class Use:
    """What was used: units of the day, calls, and works (claimed records, pages of listings)."""

    units: int = 0
    calls: int = 0
    works: int = 0

    def __add__(self, other: "Use") -> "Use":
        return Use(self.units + other.units, self.calls + other.calls, self.works + other.works)


Uses = Mapping[Priority, Use]


@dataclass(frozen=True, slots=True)
class Report:
    """What an instance reports about an account when it renews its share of the budget.

    `per_second`, `burst`: the account's whole pace; None if it is not known. `limit`: the most units per day that the
    settings allow; None if they set no limit. `unspent`, `wanted`: see `portion`; `unspent` is below 0 if more was used
    than held. `ends`: when the day of the settings' limit ends. `vendor`: the day as the vendor's answers show it.
    `uses`: what was used since the last report.
    """

    credential: str
    reserved: float
    priority: Priority = Priority.LIVE
    per_second: float | None = None
    burst: float | None = None
    limit: int | None = None
    unit: str = ""
    ends: float = 0.0
    unspent: int = 0
    wanted: int = 0
    vendor: Day | None = None
    uses: Uses = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Share:
    """An instance's part: `fraction` of the pace for `seconds`, and `held` units of the day. `left`: free units."""

    fraction: float = 1.0
    seconds: float = float("inf")
    held: int = 0
    left: int = 0


class Account(NamedTuple):
    """What is known of an account's budget, for people. `day`: the tighter of the vendor's day and the settings' day.

    `uses`: what all instances used of the day so far. `instances`: how many have a part of the budget now.
    """

    credential: str
    reserved: float
    per_second: float | None = None
    day: Day | None = None
    unit: str = ""
    uses: Uses = field(default_factory=dict)
    instances: int = 0


def seconds_needed(account: Account, work: Mapping[Priority, tuple[float, float]], now: float) -> dict[Priority, float]:
    """Return in how many seconds the work of each priority is done, after the work of all higher priorities.

    `work`: the calls and units that each priority needs. If the day has too few units, the rest waits for later days.
    """
    done: dict[Priority, float] = {}
    calls, earlier = 0.0, 0.0
    for priority in sorted(work):
        more, units = work[priority]
        calls += more
        paced = calls / account.per_second if account.per_second else 0.0
        done[priority] = max(paced, _days(account, priority, earlier, units, now), *done.values(), 0.0)
        earlier += units
    return done


def _days(account: Account, priority: Priority, earlier: float, units: float, now: float) -> float:
    """Return the seconds until a day has enough units for this work: 0 if today has."""
    day = account.day
    if day is None or units <= 0:
        return 0.0
    missing = earlier + units - day.for_priority(priority, account.reserved)
    if missing <= 0:
        return 0.0
    full = max(1, replace(day, left=day.limit).for_priority(priority, account.reserved))
    whole, rest = divmod(missing, full)
    return max(0.0, day.ends - now) + (whole if rest else whole - 1) * DAY_SECONDS
