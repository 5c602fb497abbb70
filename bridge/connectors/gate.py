"""Every call to an account waits here for its turn: by priority, within the account's budget.

`domain.budget` has the rules. This file has what is not pure: the queue, the clock, and this instance's part of the
budget that all instances share.
"""

import asyncio
from bisect import insort
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count
from typing import NamedTuple

from bridge.connectors.calls import Call
from bridge.connectors.protocols import RateBudget, TransportFailed
from bridge.connectors.quota import Learned, Quota
from bridge.domain.budget import Bucket, Day, Report, Share, Use, kept_share, portion
from bridge.domain.errors import RateLimited, StoreUnavailable
from bridge.domain.frozen import replace
from bridge.domain.priority import Priority, purpose
from bridge.domain.seams import Clock, epoch

RENEW_SECONDS = 10.0
"""Seconds between two renewals of this instance's part. Each renewal also reports what was used."""
AGAIN_SECONDS = 1.0
"""Seconds until the next renewal when this instance has no part, or when the store was unavailable."""
RESERVED = 0.2
LEARNED_SECONDS = 3600.0
"""Seconds for which the vendor's daily figure counts. The vendor does not document the time zone of its midnight."""


class Place(NamedTuple):
    """A call's place in the queue.

    `until`: when it has waited for as long as a call may take. `moved`: set when it may be the call's turn.
    """

    priority: Priority
    number: int
    until: float
    moved: asyncio.Event


class Gate:
    """The calls to one account. `reserved`: the share of its budget that is kept for live changes and people."""

    def __init__(
        self,
        system: str,
        quota: Quota,
        clock: Clock,
        budget: RateBudget | None = None,
        reserved: float = RESERVED,
    ) -> None:
        self._system, self._quota, self._clock, self._budget = system, quota, clock, budget
        self._reserved = reserved
        self._queue: list[Place] = []
        self._numbers = count()
        self._under_way = 0
        self._units_under_way = 0
        self._answered_at = float("-inf")  # by the event loop's clock
        self._pace = quota.pace()
        self._bucket: Bucket | None = None
        self._share = Share(held=0, left=0)
        # What is left of the part that the store gave; negative if more was used while the store was unavailable.
        self._unspent = 0
        self._renew_at = float("-inf")
        self._renewing = asyncio.Lock()
        self._refused: dict[Priority, float] = {}  # priority -> until when the store is not queried again
        self._ends = 0.0
        self._vendor: Day | None = None
        self._vendor_at = float("-inf")
        self._uses: dict[Priority, Use] = {}
        self._resize()
        if budget is not None:
            budget.at_end(self._last_report)

    @asynccontextmanager
    async def turn(self, call: Call) -> AsyncIterator[int]:
        """Wait for the call's turn. In this block the call may be sent; it costs the yielded number of the day's units.

        Raises RateLimited when the day has nothing left for its priority, or when calls of higher priority took every
        turn for as long as a call may take; TransportFailed when no call was answered for that long.
        """
        about = purpose()
        priority = Priority.LIVE if call.login else about.priority
        units = self._quota.cost(call.method, call.template or call.path)
        await self._renew()
        await self._require_day(units, priority)
        until = self._clock.monotonic() + call.timeout_seconds
        place = Place(priority, next(self._numbers), until, asyncio.Event())
        insort(self._queue, place)
        try:
            await self._wait(place, units, call.timeout_seconds)
            self._take(units)
        finally:
            self._queue.remove(place)
            self._tell()
        self._book(priority, units, new=self._system not in about.systems)
        about.systems.add(self._system)
        try:
            yield units
        finally:
            self._under_way -= 1
            self._units_under_way -= units
            self._tell()

    def answered(self, units: int, learned: Learned | None) -> None:
        """Note an answer to a call that cost so many units. `learned`: what the answer says about the limits."""
        self._answered_at = asyncio.get_running_loop().time()
        if learned is None:
            return
        pace = learned.pace()
        if pace is not None and pace != self._pace:
            self._pace = pace
            self._resize()
        if learned.day is not None:
            others = self._units_under_way - units  # calls under way, which the vendor may not have counted yet
            self._vendor = replace(learned.day, left=learned.day.left - others)
            self._vendor_at = self._clock.monotonic()

    async def _wait(self, place: Place, units: int, most_seconds: float) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            place.moved.clear()
            wait = self._wait_seconds(place)
            if wait == 0.0:
                if self._day_allows(units, place.priority):
                    return
                await self._require_day(units, place.priority)
                continue
            if self._waited_too_long(place):
                raise RateLimited(self._system, "calls of higher priority go first", most_seconds)
            patience = max(began, self._answered_at) + most_seconds
            try:
                async with asyncio.timeout_at(patience):
                    await (place.moved.wait() if wait is None else self._clock.sleep(min(wait, AGAIN_SECONDS)))
            except TimeoutError:
                if self._answered_at + most_seconds > loop.time():
                    continue
                text = f"waited {most_seconds:g} s for earlier calls, which were not answered"
                raise TransportFailed(text, sent=False) from None
            await self._renew()

    def _wait_seconds(self, place: Place) -> float | None:
        """Seconds until it is this call's turn; None: wait until something changes in the queue."""
        if self._queue[0] != place or self._under_way >= self._quota.at_once:
            return None
        if self._bucket is None:
            return 0.0
        return self._bucket.wait(self._clock.monotonic(), 1.0, kept_share(place.priority, self._reserved))

    def _waited_too_long(self, place: Place) -> bool:
        return place.priority is not Priority.LIVE and self._clock.monotonic() >= place.until

    def _take(self, units: int) -> None:
        self._under_way += 1
        self._units_under_way += units
        if self._bucket is not None:
            self._bucket = self._bucket.take(self._clock.monotonic(), 1.0)
        if self._quota.per_day is not None:
            self._share = replace(self._share, held=self._share.held - units)
            self._unspent -= units
        if self._vendor is not None:
            self._vendor = replace(self._vendor, left=self._vendor.left - units)

    def _book(self, priority: Priority, units: int, *, new: bool) -> None:
        self._uses[priority] = self._uses.get(priority, Use()) + Use(units, 1, int(new))

    def _tell(self) -> None:
        """Wake the calls that a change of the queue concerns: the first one, and those that have waited too long."""
        for at, place in enumerate(self._queue):
            if at == 0 or self._waited_too_long(place):
                place.moved.set()

    def _day_allows(self, units: int, priority: Priority) -> bool:
        return self._own_allows(units, priority) and self._vendor_allows(units, priority)

    def _own_allows(self, units: int, priority: Priority) -> bool:
        if self._quota.per_day is None:
            return True
        share, kept = self._share, self._day().kept(priority, self._reserved)
        return not self._day_is_over() and share.held >= units and share.left >= kept

    def _vendor_allows(self, units: int, priority: Priority) -> bool:
        """LIVE is never refused here. The vendor itself refuses when its day is used up."""
        if self._vendor is None or priority is Priority.LIVE:
            return True
        if (
            self._clock.monotonic() - self._vendor_at >= LEARNED_SECONDS
            or epoch(self._clock.now()) >= self._vendor.ends
        ):
            self._vendor = None
            return True
        return units <= self._vendor.for_priority(priority, self._reserved)

    async def _require_day(self, units: int, priority: Priority) -> None:
        if not self._own_allows(units, priority):
            if self._clock.monotonic() >= self._refused.get(priority, float("-inf")) or self._day_is_over():
                await self._renew(units, priority)
            if not self._own_allows(units, priority):
                self._refused[priority] = self._clock.monotonic() + RENEW_SECONDS
                raise self._used_up(priority, self._day())
        if not self._vendor_allows(units, priority):
            assert self._vendor is not None
            raise self._used_up(priority, self._vendor)

    def _day(self) -> Day:
        limit = self._quota.per_day or 0
        return Day(limit, self._share.left + self._share.held, self._ends)

    def _used_up(self, priority: Priority, day: Day) -> RateLimited:
        now, unit = self._clock.now(), self._quota.unit or "calls"
        whose = "this bridge has" if day is not self._vendor else "the account has"
        text = f"{whose} used {day.limit - max(0, day.left)} of its {day.limit} {unit} of the day, until {day.ends_at}"
        if priority is not Priority.LIVE:
            text += f"; the rest is reserved for work of higher priority than {priority.word}"
        wait = min(day.ends - epoch(now), LEARNED_SECONDS if day is self._vendor else day.ends)
        return RateLimited(self._system, text, max(wait, 1.0), daily=True)

    def _day_is_over(self) -> bool:
        return epoch(self._clock.now()) >= self._ends

    async def _renew(self, needed: int = 0, priority: Priority = Priority.LIVE) -> None:
        """Renew the part when its time has come. `needed`: renew at once, to get units for a call."""
        if not needed and self._clock.monotonic() < self._renew_at:
            return
        async with self._renewing:
            if needed and self._own_allows(needed, priority):
                return
            if not needed and self._clock.monotonic() < self._renew_at:
                return
            report = self._report(needed, priority)
            again = RENEW_SECONDS
            if self._budget is None:
                self._share = self._alone(report)
            else:
                try:
                    share = await self._budget.share(report)
                    meanwhile = report.unspent - self._unspent
                    self._unspent = share.held - meanwhile
                    self._share = replace(share, held=self._unspent)
                except StoreUnavailable:
                    self._add_back(report)
                    again = AGAIN_SECONDS
                    self._share = self._alone(report)
            share = self._share
            self._resize()
            self._renew_at = self._clock.monotonic() + (again if share.fraction > 0 else AGAIN_SECONDS)

    def _alone(self, report: Report) -> Share:
        """The part, counted without the store (there is none, or it is unavailable), starting
        from the last known figures."""
        if report.limit is None:
            return self._share
        day = Day(report.limit, self._share.left, report.ends)
        held, left = portion(day, self._share.held, report.wanted, report.priority, report.reserved)
        return replace(self._share, held=held, left=left)

    def _last_report(self) -> Report | None:
        """The last report of this instance. It returns the units that the instance still
        holds. None: it never called."""
        return replace(self._report(0, Priority.LIVE), wanted=0) if self._ends else None

    def _report(self, needed: int, priority: Priority) -> Report:
        if self._day_is_over():
            now = self._clock.now()
            midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
            self._ends, self._refused, self._unspent = epoch(midnight), {}, 0
            self._share = replace(self._share, held=0, left=self._quota.per_day or 0)
        limit, uses = self._quota.per_day, self._uses
        if not needed:  # no call needs units now, so it takes no more than its recent uses may take
            priority = max(uses, default=Priority.LIVE)
        lately = sum(use.units for use in uses.values())
        self._uses = {}
        pace = self._pace or (None, None)
        return Report(
            credential=self._system,
            reserved=self._reserved,
            priority=priority,
            per_second=pace[0],
            burst=pace[1],
            limit=limit,
            unit=self._quota.unit,
            ends=self._ends,
            unspent=self._unspent,
            wanted=max(needed, 2 * lately, (limit or 0) // 500),
            vendor=self._vendor,
            uses=uses,
        )

    def _add_back(self, report: Report) -> None:
        """Add the uses of a report that failed to the next report."""
        for priority, use in report.uses.items():
            self._uses[priority] = self._uses.get(priority, Use()) + use

    def _resize(self) -> None:
        """Set the bucket to this instance's part of the pace."""
        if self._pace is None:
            return
        now = self._clock.monotonic()
        per_second, burst = self._pace
        mine = (per_second * self._share.fraction, max(1.0, burst * self._share.fraction))
        self._bucket = Bucket(*mine, mine[1], now) if self._bucket is None else self._bucket.resized(now, *mine)
