"""Registrations of ours at vendors, as last seen, and how reliable each of them is."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, select, update

from bridge.domain.event import EventKind, Origin
from bridge.domain.frozen import dataclass
from bridge.domain.record import RecordRef
from bridge.store.database import Database
from bridge.store.model import HookRow
from bridge.store.statements import chunks, upsert
from bridge.store.tables import events, hook_hours, hook_turns, hooks


class Hooks:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, hook: HookRow) -> None:
        """Insert or replace. If `delivered_at` is None, the stored one is kept."""
        values = asdict(hook)
        kept = {name: value for name, value in values.items() if name not in ("system", "key")}
        if hook.delivered_at is None:
            del kept["delivered_at"]
        insert = upsert(self._database.sqlite, hooks).values(**values)
        statement = insert.on_conflict_do_update(index_elements=["system", "key"], set_=kept)
        await self._database.write("hook", lambda conn: conn.execute(statement))

    async def all(self, system: str | None = None) -> list[HookRow]:
        query = select(hooks).order_by(hooks.c.system, hooks.c.key)
        if system is not None:
            query = query.where(hooks.c.system == system)

        def work(conn: Connection) -> list[HookRow]:
            return [HookRow(**row) for row in (conn.execute(query)).mappings()]

        return await self._database.read(work)

    async def delivered(self, system: str, key: str, at: float) -> None:
        """Store when a callback arrived through this hook. An unknown hook or an older time changes nothing."""
        change = update(hooks).where(hooks.c.system == system, hooks.c.key == key)
        newer = hooks.c.delivered_at.is_(None) | (hooks.c.delivered_at < at)
        await self._database.write("delivered", lambda conn: conn.execute(change.where(newer).values(delivered_at=at)))

    async def missed(self, system: str, entity: str, after: float, until: float) -> int:
        """Count the records that changed in this span and that a sweep found.

        The time of a change is the vendor's; if the vendor shows none, it is when the sweep saw the record.
        """
        changed = func.coalesce(events.c.version, events.c.stored_at)
        query = select(func.count(events.c.rec.distinct())).where(
            events.c.system == system,
            events.c.entity == entity,
            events.c.origin == Origin.RECONCILE.value,
            events.c.kind == EventKind.CHANGED.value,
            changed > after,
            changed <= until,
        )
        return await self._database.read(lambda conn: conn.scalar(query)) or 0

    async def turns(self) -> dict[str, tuple[int, float]]:
        """By system how often its addresses were changed, and until when the former ones are accepted."""
        query = select(hook_turns.c.system, hook_turns.c.number, hook_turns.c.until)
        return await self._database.read(
            lambda conn: {row.system: (row.number, row.until) for row in conn.execute(query)}
        )

    async def turn(self, system: str, until: float) -> None:
        """Note that the addresses of a system change; the former ones are accepted `until` then."""
        insert = upsert(self._database.sqlite, hook_turns).values(system=system, number=1, until=until)
        next_one = {"number": hook_turns.c.number + 1, "until": until}
        statement = insert.on_conflict_do_update(index_elements=["system"], set_=next_one)
        await self._database.write("hook", lambda conn: conn.execute(statement))

    async def remove(self, system: str, key: str) -> None:
        gone = delete(hooks).where(hooks.c.system == system, hooks.c.key == key)
        await self._database.write("hook", lambda conn: conn.execute(gone))


# ---- How reliable each hook is ----


HOUR = 3600.0
WINDOWS: Mapping[str, int] = {"24 h": 24, "7 d": 7 * 24}
"""Full hours before the current one. The current hour counts as well."""
KEPT_HOURS = 8 * 24
TIMES_DIFFER_SECONDS = 60.0
"""The vendor's clock and ours may be this far apart."""
UNDATED_SECONDS = 3600.0
"""If a change shows no time, a report about its record within this time before it counts as a report of the change."""

HookName = tuple[str, str]
"""System and key of a hook."""


@dataclass(frozen=True, slots=True)
class HookFigures:
    """reported: changes that callbacks reported; missed: changes that only a sweep found; repaired: how often the hook
    was registered again because it was lost, stopped or silent."""

    reported: int = 0
    missed: int = 0
    repaired: int = 0


class SweptChange(NamedTuple):
    """A change that a sweep found and no task knew. `changed_at`: by the vendor's clock; None: not shown."""

    ref: RecordRef
    kind: EventKind
    changed_at: float | None
    found_at: float

    @property
    def reported_from(self) -> float:
        """Reports about the record from this moment on count as reports of this change."""
        if self.changed_at is None:
            return self.found_at - UNDATED_SECONDS
        return max(self.changed_at, self.found_at - UNDATED_SECONDS) - TIMES_DIFFER_SECONDS


class HookHours:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, figures: Mapping[HookName, HookFigures]) -> None:
        """Add to the current hour, in one transaction; in none if there is nothing to add."""
        hour = int(self._database.now() // HOUR)
        rows = [
            {"system": system, "key": key, "hour": hour, **_values(one)}
            for (system, key), one in sorted(figures.items())
            if one != HookFigures()
        ]
        if not rows:
            return
        insert = upsert(self._database.sqlite, hook_hours)
        grown = {name: hook_hours.c[name] + insert.excluded[name] for name in ("reported", "missed", "repaired")}
        statement = insert.on_conflict_do_update(index_elements=["system", "key", "hour"], set_=grown)
        await self._database.write("hook_hours", lambda conn: conn.execute(statement, rows))

    async def windows(self) -> dict[HookName, dict[str, HookFigures]]:
        """The sums of each window, by hook; hooks without any counts are left out."""
        now = int(self._database.now() // HOUR)

        def work(conn: Connection) -> dict[HookName, dict[str, HookFigures]]:
            found: defaultdict[HookName, dict[str, HookFigures]] = defaultdict(dict)
            for window, hours in WINDOWS.items():
                sums = [func.sum(hook_hours.c[name]) for name in ("reported", "missed", "repaired")]
                query = select(hook_hours.c.system, hook_hours.c.key, *sums)
                query = query.where(hook_hours.c.hour >= now - hours)
                for system, key, *numbers in conn.execute(query.group_by(hook_hours.c.system, hook_hours.c.key)):
                    found[system, key][window] = HookFigures(*map(int, numbers))
            return dict(found)

        return await self._database.read(work)

    async def missed(self, changes: Sequence[SweptChange]) -> list[SweptChange]:
        """Return those changes that neither a callback nor an earlier sweep reported."""
        by_entity: defaultdict[tuple[str, str], list[SweptChange]] = defaultdict(list)
        for change in changes:
            by_entity[change.ref.system, change.ref.entity].append(change)

        def work(conn: Connection) -> list[SweptChange]:
            return [
                one
                for place, some in sorted(by_entity.items())
                for part in chunks(some)
                for one in _missed(conn, *place, part)
            ]

        return await self._database.read(work)

    async def prune(self) -> None:
        """Delete hours that no window shows any more."""
        old = delete(hook_hours).where(hook_hours.c.hour < int(self._database.now() // HOUR) - KEPT_HOURS)
        await self._database.write("prune_hook_hours", lambda conn: conn.execute(old))


def _missed(conn: Connection, system: str, entity: str, changes: Sequence[SweptChange]) -> list[SweptChange]:
    told = (Origin.WEBHOOK.value, Origin.RECONCILE.value)
    query = select(events.c.rec, events.c.origin, events.c.stored_at).where(
        events.c.stored_at >= min(one.reported_from for one in changes),
        events.c.system == system,
        events.c.entity == entity,
        events.c.origin.in_(told),
        events.c.rec.in_([one.ref.id for one in changes]),
    )
    reported: defaultdict[str, list[tuple[str, float]]] = defaultdict(list)
    for record_id, origin, stored_at in conn.execute(query):
        reported[record_id].append((origin, stored_at))

    def is_reported(one: SweptChange) -> bool:
        return any(
            stored_at >= one.reported_from and (origin == Origin.WEBHOOK.value or stored_at < one.found_at)
            for origin, stored_at in reported[one.ref.id]
        )

    return [one for one in changes if not is_reported(one)]


def _values(figures: HookFigures) -> dict[str, int]:
    return {"reported": figures.reported, "missed": figures.missed, "repaired": figures.repaired}
