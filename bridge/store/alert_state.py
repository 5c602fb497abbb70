"""Which alerts were sent, and which instance sends them. Only one instance on this store sends alerts at a time."""

from typing import Any

from sqlalchemy import or_, select, update

from bridge.store.database import Database
from bridge.store.model import Json
from bridge.store.statements import upsert
from bridge.store.tables import alert_state

ONE = 1
"""The id of the only row."""


class AlertState:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def hold(self, seconds: float) -> Json | None:
        """Let this instance send alerts for so long, and return the last saved state; None while another one does."""
        now, mine = self._database.now(), self._database.seams.instance
        held = {"holder": mine, "until": now + seconds}
        insert = upsert(self._database.sqlite, alert_state).values(id=ONE, state={}, **held)
        free = or_(alert_state.c.holder == mine, alert_state.c.until <= now)
        if self._database.sqlite:  # no other instance can run
            statement: Any = insert.on_conflict_do_update(index_elements=["id"], set_=held)
        else:
            statement = insert.on_conflict_do_update(index_elements=["id"], set_=held, where=free)
        statement = statement.returning(alert_state.c.state)
        return await self._database.write("alert", lambda conn: conn.execute(statement).scalar())

    async def save(self, state: Json) -> bool:
        """Store which alerts were sent; False (and nothing is stored) if another instance sends the alerts now."""
        mine = (
            update(alert_state).where(alert_state.c.holder == self._database.seams.instance).values(state=dict(state))
        )
        return bool((await self._database.write("alert", lambda conn: conn.execute(mine))).rowcount)

    async def give_back(self) -> None:
        """Let another instance send alerts at once, because this one stops."""
        mine = update(alert_state).where(alert_state.c.holder == self._database.seams.instance).values(until=0.0)
        await self._database.write("alert", lambda conn: conn.execute(mine))

    async def last(self) -> Json:
        """What was saved last, by whichever instance sends the alerts."""
        return await self._database.read(lambda conn: conn.scalar(select(alert_state.c.state))) or {}
