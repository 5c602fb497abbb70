"""Until when the vendors want no calls (with `shares` it implements `connectors.protocols.RateBudget`)."""

from collections.abc import Mapping

from sqlalchemy import Connection, func, select, update

from bridge.domain.pause import longest_pause
from bridge.store.account_tables import budgets
from bridge.store.marks import upsert
from bridge.store.shares import Shares

BURST, DAY = "burst", "day"  # windows of pauses


class Budgets(Shares):
    """All that is known of what may be asked of the accounts."""

    async def pause(self, credential: str, seconds: float, *, daily: bool, why: str) -> None:
        """No copy calls for so long; a longer pause of the same kind stays. `used` counts how often that happened."""
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

        A row that ends later than any pause may (an older version's, or a clock that was set back) is shortened where
        it is stored: shortened only as it is read, it would begin anew with every look and never end."""
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
        """Forget every pause of this credential; whether there was one."""
        mine = (budgets.c.credential == credential, budgets.c.window.in_((BURST, DAY)))
        running = budgets.c.until > self._database.now()
        ended = update(budgets).where(*mine, running).values(until=self._database.now())
        return bool((await self._database.write("budget", lambda conn: conn.execute(ended))).rowcount)


def _shorten(conn: Connection, credential: str, ends: Mapping[str, float]) -> None:
    for window, end in sorted(ends.items()):
        too_long = (budgets.c.credential == credential, budgets.c.window == window, budgets.c.until > end)
        conn.execute(update(budgets).where(*too_long).values(until=end))
