"""How instances share the budget of an account: its pauses, and each instance's part of the pace and of the day.

Implements `connectors.protocols.RateBudget`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from bridge.domain.budget import NEWCOMERS, Account, Day, Report, Share, Use, Uses, fair_fraction, portion
from bridge.domain.errors import StoreUnavailable
from bridge.domain.priority import Priority
from bridge.domain.waits import longest_pause
from bridge.store.database import Database
from bridge.store.statements import Row, upsert
from bridge.store.tables import budgets, quotas, shares

TERM_SECONDS = 25.0
"""A part is valid for so long unless renewed. That is longer than two intervals of renewal (`connectors.gate`)."""


class Shares:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._taken = False
        self._told_at_end: list[Callable[[], Report | None]] = []

    async def share(self, report: Report) -> Share:
        """Store what an instance reports about an account, and renew its part. The parts never exceed the whole."""

        def work(conn: Connection) -> Share:
            row, now = self._locked(conn, report), self._database.now()
            fraction = self._fraction(conn, report.credential, now)
            day = _of_today(row, report)
            held, left = 0, 0
            if report.limit is not None and report.ends >= day.ends:
                held, left = portion(day, report.unspent, report.wanted, report.priority, report.reserved)
                day = Day(day.limit, left, day.ends)
            here = quotas.c.credential == report.credential
            conn.execute(update(quotas).where(here).values(**_told(row, report, day)))
            return Share(fraction, TERM_SECONDS, held, left)

        self._taken = True
        return await self._database.write("share", work)

    def _locked(self, conn: Connection, report: Report) -> Row:
        query = select(quotas).where(quotas.c.credential == report.credential).with_for_update()
        row = conn.execute(query).mappings().first()
        if row is None:
            new = {"credential": report.credential, "reserved": report.reserved, "unit": report.unit, "uses": {}}
            begin = insert(quotas) if self._database.sqlite else upsert(False, quotas).on_conflict_do_nothing()
            conn.execute(begin.values(**new, day_held=0, day_ends=0.0))
            row = conn.execute(query).mappings().one()
        return row

    def _fraction(self, conn: Connection, credential: str, now: float) -> float:
        """Renew and return this instance's part. A row without a part still says that an instance wants one."""
        me = self._database.seams.instance
        rows = conn.execute(select(shares).where(shares.c.credential == credential)).mappings().all()
        alive = {row["instance"]: row["fraction"] for row in rows if row["until"] > now}
        mine = alive.pop(me, None)
        fraction = fair_fraction(alive.values(), renews=mine is not None, newcomers=NEWCOMERS)
        values = {"fraction": fraction, "until": now + TERM_SECONDS}
        note = upsert(self._database.sqlite, shares).values(credential=credential, instance=me, **values)
        conn.execute(note.on_conflict_do_update(index_elements=["credential", "instance"], set_=values))
        if any(row["until"] <= now and row["instance"] != me for row in rows):
            conn.execute(delete(shares).where(shares.c.credential == credential, shares.c.until <= now))
        return fraction

    def at_end(self, told: Callable[[], Report | None]) -> None:
        """See `connectors.protocols.RateBudget`."""
        self._told_at_end.append(told)

    async def close(self) -> None:
        """Give back what this instance has. If the store is not available, the parts expire."""
        if not self._taken:
            return
        mine = delete(shares).where(shares.c.instance == self._database.seams.instance)
        try:
            for told in self._told_at_end:
                if (report := told()) is not None:
                    await self.share(report)
            await self._database.write("share", lambda conn: conn.execute(mine))
        except StoreUnavailable:
            return

    async def forget_parts(self) -> None:
        """Remove all parts when the only instance that a SQLite store can have starts."""
        if self._database.sqlite:
            await self._database.write("share", lambda conn: conn.execute(delete(shares)))

    async def accounts(self) -> dict[str, Account]:
        """Return what is known of each account's budget, by credential."""
        now = self._database.now()

        def work(conn: Connection) -> dict[str, Account]:
            alive = [row.credential for row in conn.execute(select(shares).where(shares.c.until > now))]
            rows = conn.execute(select(quotas).order_by(quotas.c.credential)).mappings()
            return {row["credential"]: _account(row, alive.count(row["credential"]), now) for row in rows}

        return await self._database.read(work)


def _of_today(row: Row, report: Report) -> Day:
    """Return the part of our own daily budget that no instance holds; a new day begins with all of it."""
    limit = report.limit or 0
    if report.ends > row["day_ends"]:
        return Day(limit, limit - max(0, report.unspent), report.ends)
    return Day(limit, limit - row["day_held"], row["day_ends"])


def _told(row: Row, report: Report, day: Day) -> dict[str, Any]:
    vendor, new = report.vendor, report.ends > row["day_ends"]
    uses = dict(report.uses) if new else _sum(uses_of(row["uses"]), report.uses)
    told: dict[str, Any] = {
        "reserved": report.reserved,
        "unit": report.unit,
        "day_limit": report.limit,
        "day_held": day.limit - day.left,
        "day_ends": day.ends,
        "uses": {one.word: [use.units, use.calls, use.works] for one, use in uses.items()},
    }
    if report.per_second is not None or row["per_second"] is None:
        told["per_second"] = report.per_second
    if vendor is not None:
        told |= {"vendor_limit": vendor.limit, "vendor_left": vendor.left, "vendor_ends": vendor.ends}
    return told


def _sum(one: Uses, two: Uses) -> dict[Priority, Use]:
    return {key: one.get(key, Use()) + two.get(key, Use()) for key in {**one, **two}}


def uses_of(stored: Mapping[str, list[int]]) -> dict[Priority, Use]:
    """Uses by priority, from their stored form."""
    return {one: Use(*stored[one.word]) for one in Priority if one.word in stored}


def _account(row: Row, instances: int, now: float) -> Account:
    """Return an account from its row. If its day is over, all units are left, and nothing of the new day is used."""
    over = row["day_ends"] <= now
    days = []
    if row["day_limit"] is not None:
        left = row["day_limit"] - (0 if over else row["day_held"])
        days.append(Day(row["day_limit"], max(0, left), row["day_ends"] if not over else _midnight(now)))
    if row["vendor_limit"] is not None and row["vendor_ends"] > now:
        days.append(Day(row["vendor_limit"], max(0, row["vendor_left"]), row["vendor_ends"]))
    return Account(
        credential=row["credential"],
        reserved=row["reserved"],
        per_second=row["per_second"],
        day=min(days, key=lambda day: day.left, default=None),
        unit=row["unit"],
        uses={} if over else uses_of(row["uses"]),
        instances=instances,
    )


def _midnight(now: float) -> float:
    return (now // 86_400.0 + 1.0) * 86_400.0


# ---- Pauses: until when the vendors accept no calls ----


BURST, DAY = "burst", "day"  # windows of pauses


class Budgets(Shares):
    """Parts and pauses of all accounts."""

    async def pause(self, credential: str, seconds: float, *, daily: bool, why: str) -> None:
        """Stop all instances' calls for so long. A longer pause of the same kind stays. `used` counts the pauses."""
        until = self._database.now() + seconds
        insert = upsert(self._database.sqlite, budgets).values(
            credential=credential, window=DAY if daily else BURST, used=1, until=until, why=why
        )
        longest = func.max if self._database.sqlite else func.greatest
        new = insert.excluded
        statement = insert.on_conflict_do_update(
            index_elements=["credential", "window"],
            set_={"used": budgets.c.used + 1, "until": longest(budgets.c.until, new.until), "why": new.why},
        )
        await self._database.write("budget", lambda conn: conn.execute(statement))

    async def paused(self, credential: str) -> tuple[float, bool, str] | None:
        """Seconds that remain of the longest pause, whether it is the day's budget, and why.

        A row that ends later than any pause may (from an older version, or after a clock was set back) is shortened in
        the store. If it were shortened only when it is read, it would never end.
        """
        now = self._database.now()
        pauses = budgets.c.window.in_((BURST, DAY))
        query = select(budgets.c.until, budgets.c.window, budgets.c.why).where(
            budgets.c.credential == credential, pauses, budgets.c.until > now
        )
        rows = await self._database.read(lambda conn: conn.execute(query).all())
        ends = {row.window: min(row.until, now + longest_pause(daily=row.window == DAY)) for row in rows}
        if any(row.until > ends[row.window] for row in rows):
            await self._database.write("budget", lambda conn: _shorten(conn, credential, ends))
        left = [(ends[row.window] - now, row.window == DAY, str(row.why or "")) for row in rows]
        return max(left, default=None)

    async def end_pause(self, credential: str) -> bool:
        """End every pause of this credential. Return whether there was one."""
        mine = (budgets.c.credential == credential, budgets.c.window.in_((BURST, DAY)))
        running = budgets.c.until > self._database.now()
        ended = update(budgets).where(*mine, running).values(until=self._database.now())
        return bool((await self._database.write("budget", lambda conn: conn.execute(ended))).rowcount)


def _shorten(conn: Connection, credential: str, ends: Mapping[str, float]) -> None:
    for window, end in sorted(ends.items()):
        too_long = (budgets.c.credential == credential, budgets.c.window == window, budgets.c.until > end)
        conn.execute(update(budgets).where(*too_long).values(until=end))
