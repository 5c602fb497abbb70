"""Until when the vendors want no calls (implements `connectors.protocols.RateBudget`)."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.store.account_tables import budgets
from bridge.store.database import Database
from bridge.store.marks import upsert

BURST, DAY = "burst", "day"


class Budgets:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def pause(self, credential: str, seconds: float, *, daily: bool, why: str) -> None:
        """No copy calls for so long; a longer pause of the same kind stays. `used` counts how often that happened."""
        until = self._database.now() + seconds
        insert = upsert(self._database, budgets).values(
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
        """Seconds that remain of the longest pause, whether it is the day's budget, and why."""
        now = self._database.now()
        query = select(budgets.c.until, budgets.c.window, budgets.c.why).where(
            budgets.c.credential == credential, budgets.c.until > now
        )

        async def work(conn: AsyncConnection) -> tuple[float, bool, str] | None:
            row = (await conn.execute(query.order_by(budgets.c.until.desc()).limit(1))).first()
            return None if row is None else (row.until - now, row.window == DAY, str(row.why or ""))

        return await self._database.read(work)
