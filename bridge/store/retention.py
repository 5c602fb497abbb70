"""Keeps the database bounded: deletes old rows that are no longer needed. Task rows and totals stay."""

from typing import Any

from sqlalchemy import ColumnElement, Table, and_

from bridge.domain.values import dataclass
from bridge.store.audit import Audit
from bridge.store.counters import Counters
from bridge.store.database import Database, delete_in_steps
from bridge.store.hooks import HookHours
from bridge.store.journal import Journal
from bridge.store.requests import BACKUP
from bridge.store.tables import brake_hits, events, requests

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Ages in seconds. An event's age is also how long a repeated vendor id is recognised."""

    events: float = 14 * DAY
    journal: float = 90 * DAY
    journal_rows: int | None = None
    requests: float = 7 * DAY
    brake_hits: float = 30 * DAY


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows were deleted."""

    events: int
    journal: int
    requests: int
    brake_hits: int


class Retention:
    def __init__(
        self, database: Database, journal: Journal, counters: Counters, audit: Audit, hook_hours: HookHours
    ) -> None:
        self._database = database
        self._audit = audit
        self._hook_hours = hook_hours
        self._journal = journal
        self._counters = counters

    async def prune(self, limits: Limits) -> Pruned:
        """Delete what is older than its limit, in small transactions."""
        now = self._database.now()
        await self._counters.retire()
        await self._hook_hours.prune()
        await self._audit.prune(now - limits.journal)
        answered = and_(requests.c.done_at < now - limits.requests, requests.c.kind != BACKUP)
        return Pruned(
            events=await self._older(events, events.c.stored_at < now - limits.events, events.c.stored_at),
            journal=await self._journal.prune(now - limits.journal, limits.journal_rows),
            requests=await self._older(requests, answered, requests.c.done_at),
            brake_hits=await self._older(brake_hits, brake_hits.c.at < now - limits.brake_hits, brake_hits.c.at),
        )

    async def _older(self, table: Table, old: ColumnElement[bool], by: ColumnElement[Any]) -> int:
        return await delete_in_steps(self._database, "prune", table, old, by)
