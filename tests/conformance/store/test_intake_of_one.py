"""A callback that is stored alone changes the same rows as one that is stored with others."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, select

from bridge.domain.event import EventKind, Origin
from bridge.domain.record import RecordRef, Side
from bridge.store import Store, events
from bridge.store.model import Outcome, Quiet, RecordNote, Routes
from bridge.store.tables import events as events_table
from bridge.store.tables import records, tasks
from bridge.store.tasks import Mark
from tests.clock import FakeClock
from tests.conformance.store.builders import GUESTS, ROUTES, SCOPES, Desk, at, done, event, left, routes

ALONE, BESIDE = "1", "2"
QUIET = Quiet(30.0, "quiet", "waits for further edits")
QUIET_ROUTES = {where: [replace(route, quiet=QUIET) for route in some] for where, some in ROUTES.items()}
Prepare = Callable[[Desk, str], Awaitable[Any]]


async def _nothing(desk: Desk, record_id: str) -> None:
    pass


async def _due(desk: Desk, record_id: str) -> None:
    await desk.receives(record_id)


async def _ended(desk: Desk, record_id: str, outcome: Outcome = Outcome.APPLIED, **ends: Any) -> None:
    await desk.receives(record_id)
    await desk.store.tasks.submit(done(await desk.claims_one(), outcome, **ends))


async def _dead(desk: Desk, record_id: str) -> None:
    await _ended(desk, record_id, Outcome.DEAD, waits_for=left("p", "companies"), reason="no", code="refused")


async def _waiting(desk: Desk, record_id: str) -> None:
    await _ended(desk, record_id, Outcome.WAITING, due=desk.store.now() + 99, reason="later", code="system")


async def _at_work(desk: Desk, record_id: str) -> None:
    await desk.receives(record_id)
    await desk.claims_one()


async def _gone(desk: Desk, record_id: str) -> None:
    ref = RecordRef("crm", "person", record_id)
    await desk.store.records.note([RecordNote(ref, alive=False, gone_at=5.0, gone_how="deleted", version=7.0)])


async def _written(desk: Desk, record_id: str) -> None:
    await desk.store.records.note([RecordNote(RecordRef("erp", "guest", record_id), own_write_at=desk.store.now() - 1)])


BEFORE: Mapping[str, Prepare] = {
    "an unknown record": _nothing,
    "a record that is due": _due,
    "a record that is idle": _ended,
    "a dead letter": _dead,
    "a record that waits": _waiting,
    "a record that is worked on": _at_work,
    "a record that was deleted": _gone,
}
GUEST = {"system": "erp", "entity": "guest"}
EVENTS: Mapping[str, dict[str, Any]] = {
    "an edit": {},
    "a new record": {"kind": EventKind.CREATED, "vendor_id": "v", "actor": "Ana"},
    "a deletion": {"kind": EventKind.DELETED},
    "a version": {"version": at(1_767_000_000.5), "source_at": at(1_767_000_000.25)},
    "a version in the future": {"version": at(9e9), "source_at": at(9e9)},
    "a sweep": {"origin": Origin.RECONCILE},
}


async def _stored(desk: Desk, by: Routes, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> tuple[Any, Any]:
    """Store one event by a callback and one by a page of a sweep; return what each changed."""
    stored_by_one_statement: list[Mark] = []
    mark_row = events.mark_row

    def counted(mark: Mark, latest: Mapping[str, float]) -> dict[str, Any]:
        stored_by_one_statement.append(mark)
        return mark_row(mark, latest)

    monkeypatch.setattr(events, "mark_row", counted)
    found = []
    for record_id in (ALONE, BESIDE):
        one = event(record_id, **(changes | ({"vendor_id": record_id} if "vendor_id" in changes else {})))
        before = await _totals(desk.store)
        if record_id == ALONE:
            await desk.store.events.submit([one], by)
        else:
            await desk.store.events.accept([one], by)
        found.append((await _rows(desk.store, record_id), await _totals(desk.store) - before))
    assert len(stored_by_one_statement) == (0 if desk.store.database.sqlite else 1)
    return found[0], found[1]


async def _totals(store: Store) -> Counter[tuple[str, str]]:
    return Counter(await store.counters.get())


async def _rows(store: Store, record_id: str) -> Any:
    """The rows of a record. Numbers are given as how far they are behind the last event of the record."""

    def work(conn: Connection) -> Any:
        found = {
            table.name: [dict(row) for row in conn.execute(select(table).where(table.c.rec == record_id)).mappings()]
            for table in (events_table, tasks, records)
        }
        last = max(row["seq"] for row in found["events"])
        for rows in found.values():
            for row in rows:
                row.pop("rec")
                row.pop("vendor_id", None)
                for name in {"seq", "gen", "done_gen", "event", "first_seq"} & row.keys():
                    row[name] = row[name] == last
        return found

    return await store.database.read(work)


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("what", EVENTS)
@pytest.mark.parametrize("by", [ROUTES, QUIET_ROUTES], ids=["at once", "after a quiet time"])
async def test_one_callback_is_stored_as_a_page_is(
    desk: Desk, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, before: str, what: str, by: Routes
) -> None:
    for record_id in (ALONE, BESIDE):
        await BEFORE[before](desk, record_id)
    clock.advance(3.0)
    alone, beside = await _stored(desk, by, monkeypatch, **EVENTS[what])
    assert alone == beside


async def test_a_callback_about_our_own_write_waits_for_the_read_lag(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.store.mappings.sync({**SCOPES, GUESTS.mapping: GUESTS})
    for record_id in (ALONE, BESIDE):
        await _written(desk, record_id)
    alone, beside = await _stored(desk, routes(GUESTS), monkeypatch, **GUEST)
    assert alone == beside
    assert alone[0]["tasks"][0]["due"] == desk.store.now() + GUESTS.endpoint(Side.RIGHT).read_lag


async def test_promise_2_a_repeated_callback_changes_nothing_but_the_total(desk: Desk) -> None:
    assert await desk.store.events.take_in([event("1", vendor_id="v")], ROUTES) != [None]
    rows = await _rows(desk.store, "1")
    assert await desk.store.events.take_in([event("1", vendor_id="v")], ROUTES) == [None]
    assert await _rows(desk.store, "1") == rows
    assert (await _totals(desk.store))["", "repeated"] == 1


async def test_a_callback_for_two_mappings_makes_both_due(desk: Desk) -> None:
    await desk.store.mappings.sync({**SCOPES, GUESTS.mapping: GUESTS})
    await desk.store.events.submit([event("1")], routes(*SCOPES.values(), GUESTS))
    assert await desk.store.tasks.get(left("1")) is not None
    assert await desk.store.tasks.get(left("1", "guests")) is not None
