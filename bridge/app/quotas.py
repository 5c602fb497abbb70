"""What is left of each account's budget, what waits for it, and when that will be done, for status, pages, metrics."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from bridge.app.wording import moment
from bridge.domain.budget import Account, Use, seconds_needed
from bridge.domain.priority import Priority
from bridge.store.engine import Store
from bridge.store.model import Scope
from bridge.sync.reasons import Reason

CALLS = 4.0
"""Calls per record at a system that was not called yet: about as many as an update and its echo need."""
MOST_CALLS = 20.0
Row = dict[str, object]


class Queued(NamedTuple):
    """The work of one priority at a system. `used`: units used today; `left`: units it may still use, None: no limit.

    `records` wait, or are still to be read by backfills; records of paused mappings are not counted. `seconds`: until
    they are done; None if that is unknown, and while the system is stopped or does not answer.
    """

    priority: Priority
    used: int
    left: int | None
    records: int
    seconds: float | None


class Budgeted(NamedTuple):
    """A system's budget and its queue, the highest priority first."""

    account: Account
    queue: tuple[Queued, ...]

    @property
    def stands(self) -> tuple[Queued, ...]:
        """The priorities that must wait for another day, because nothing is left for them today."""
        return tuple(one for one in self.queue if one.records and one.left == 0)


async def budgets_of(store: Store, scopes: Mapping[str, Scope]) -> dict[str, Budgeted]:
    """Return the budgets by system, for all that were called since the store was made."""
    accounts = await store.budgets.accounts()
    if not accounts:
        return {}
    waiting, now = await _waiting(store, scopes), store.now()
    found = {}
    for name, account in accounts.items():
        records = {one: waiting[name, one] for one in Priority}
        usable = not (any(records.values()) and await store.systems.unusable(name))
        found[name] = Budgeted(account, _queue(account, records, now, usable=usable))
    return found


async def _waiting(store: Store, scopes: Mapping[str, Scope]) -> Counter[tuple[str, Priority]]:
    """Return how many records wait for calls at each system. A record needs calls at both systems of its mapping."""
    found: Counter[tuple[str, Priority]] = Counter()
    paused = {name for name, state in (await store.mappings.states()).items() if state.paused}

    def add(mapping: str, priority: Priority, number: int) -> None:
        if (scope := scopes.get(mapping)) is not None and mapping not in paused:
            for system in {scope.left.system, scope.right.system}:
                found[system, priority] += number

    for (mapping, priority), number in (await store.waiting.by_priority(Reason.SYSTEM)).items():
        add(mapping, priority, number)
    for cursor in await store.cursors.all():
        if cursor.mapping and cursor.runs and cursor.total is not None:
            add(cursor.mapping, Priority.BACKFILL, max(0, cursor.total - cursor.rows))
    return found


def _queue(account: Account, records: Mapping[Priority, int], now: float, *, usable: bool) -> tuple[Queued, ...]:
    work = {one: _work(account.uses.get(one, Use()), number) for one, number in records.items()}
    done = seconds_needed(account, work, now)
    knows = usable and (account.per_second is not None or account.day is not None)
    return tuple(
        Queued(
            priority=one,
            used=account.uses.get(one, Use()).units,
            left=None if account.day is None else account.day.for_priority(one, account.reserved),
            records=records[one],
            seconds=done[one] if knows and records[one] else None,
        )
        for one in Priority
    )


def _work(use: Use, records: int) -> tuple[float, float]:
    """Return the calls and units that so many records need, if each needs as many as those of today."""
    calls = min(MOST_CALLS, use.calls / use.works) if use.works else CALLS
    units = use.units / use.calls if use.calls else 1.0
    return records * calls, records * calls * units


def quota_rows(found: Mapping[str, Budgeted]) -> list[Row]:
    """Return the rows about budgets, for `bridge status`."""
    return [
        {
            "system": name,
            "calls per second": _number(one.account.per_second),
            "reserved": f"{one.account.reserved:.0%}",
            "left today": "-" if one.account.day is None else one.account.day.left,
            "of": "-" if one.account.day is None else one.account.day.limit,
            "unit": one.account.unit or "calls",
            "renewed": "-" if one.account.day is None else moment(one.account.day.ends),
            "instances": one.account.instances,
        }
        for name, one in sorted(found.items())
    ]


def queue_rows(found: Mapping[str, Budgeted], now: float) -> list[Row]:
    """Return the rows about what used the budgets today or waits for them, for `bridge status`."""
    return [
        {
            "system": name,
            "priority": one.priority.word,
            "used today": one.used,
            "may use today": "-" if one.left is None else one.left,
            "records waiting": one.records,
            "done": "-" if one.seconds is None else moment(now + one.seconds),
        }
        for name, budgeted in sorted(found.items())
        for one in budgeted.queue
        if one.used or one.records
    ]


def in_words(one: Budgeted) -> str:
    """Return the budget in one line."""
    account = one.account
    told = [f"{_number(account.per_second)} calls per second"] if account.per_second is not None else []
    if account.day is not None:
        told.append(f"{account.day.left:,} of {account.day.limit:,} {account.unit or 'calls'} left today")
    return ", ".join(told)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"
