"""Until when the vendors want no calls (implements `connectors.protocols.RateBudget`)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, select, update

from bridge.domain.pause import longest_pause
from bridge.store.account_tables import budgets
from bridge.store.batch import Batcher
from bridge.store.database import Database
from bridge.store.marks import upsert
from bridge.store.tables import Real

BURST, DAY = "burst", "day"  # windows of pauses
SPENT, PACE = "spent ", "pace"  # a window of tokens begins with SPENT


BATCH = 64
QUEUE = 10_000


class Turn(NamedTuple):
    """One of turns `gap` seconds apart, `burst` saved up at most."""

    credential: str
    gap: float
    burst: int


@cache
def take_turns() -> Any:
    """PostgreSQL's statement that takes turns at a system's pace, built when it is first needed."""
    take = upsert(False, budgets).values(window=PACE)
    earliest, length = bindparam("earliest", type_=Real), bindparam("length", type_=Real)
    until = func.greatest(budgets.c.until, earliest) + length
    return take.on_conflict_do_update(
        index_elements=["credential", "window"], set_={"used": budgets.c.used + take.excluded.used, "until": until}
    ).returning(budgets.c.until)


class Budgets:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._turns: Batcher[Turn, float] = Batcher(self._take_turns, BATCH, QUEUE)

    async def close(self) -> None:
        await self._turns.close()

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

    async def spend(self, credential: str, window: str, cost: int, limit: int) -> int:
        """Takes `cost` from the `limit` of this window if it fits; what was used before. Earlier windows go."""
        mine = SPENT + window
        insert = upsert(self._database.sqlite, budgets).values(credential=credential, window=mine, used=0)
        begin = insert.on_conflict_do_nothing(index_elements=["credential", "window"])
        here = (budgets.c.credential == credential, budgets.c.window == mine)
        take = update(budgets).where(*here, budgets.c.used + cost <= limit).values(used=budgets.c.used + cost)
        old = budgets.c.window.startswith(SPENT) & (budgets.c.window != mine)

        def work(conn: Connection) -> int:
            if (conn.execute(begin)).rowcount:
                conn.execute(delete(budgets).where(budgets.c.credential == credential, old))
            used = conn.scalar(take.returning(budgets.c.used))
            return used - cost if used is not None else int(conn.scalar(select(budgets.c.used).where(*here)) or 0)

        return await self._database.write("budget", work)

    async def spent(self, credential: str, window: str = "") -> int | None:
        """What was taken of this window so far, or of the latest one; None where nothing is counted."""
        mine = (budgets.c.credential == credential, budgets.c.window.startswith(SPENT + window))
        query = select(budgets.c.used).where(*mine).order_by(budgets.c.window.desc()).limit(1)
        return await self._database.read(lambda conn: conn.scalar(query))

    async def turn(self, credential: str, gap: float, burst: int) -> float | None:
        """Takes the next of turns `gap` seconds apart, `burst` saved up at most; seconds until it comes.

        None on SQLite, where only one copy can run."""
        if self._database.sqlite:
            return None
        begins = await self._turns.submit(Turn(credential, gap, burst))
        return begins - self._database.now()

    async def _take_turns(self, asked: Sequence[Turn]) -> list[float]:
        """When each of these turns begins; those of one credential follow one another."""
        now = self._database.now()
        number = Counter(asked)

        def work(conn: Connection) -> dict[Turn, float]:
            ends: dict[Turn, float] = {}
            for turn, count in sorted(number.items()):
                earliest, length = now - (turn.burst - 1) * turn.gap, count * turn.gap
                values = {"credential": turn.credential, "used": count, "until": earliest + length}
                ends[turn] = conn.execute(take_turns(), {**values, "earliest": earliest, "length": length}).scalar_one()
            return ends

        ends = await self._database.write("pace", work)
        begins: list[float] = []
        for turn in asked:
            begins.append(ends[turn] - number[turn] * turn.gap)
            number[turn] -= 1
        return begins


def _shorten(conn: Connection, credential: str, ends: Mapping[str, float]) -> None:
    for window, end in sorted(ends.items()):
        too_long = (budgets.c.credential == credential, budgets.c.window == window, budgets.c.until > end)
        conn.execute(update(budgets).where(*too_long).values(until=end))
