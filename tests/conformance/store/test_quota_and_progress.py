"""What status, pages and metrics show of budgets, waiting work, and running sweeps and backfills."""

from dataclasses import replace

import pytest

from bridge.app.checks import quota
from bridge.app.progress import progress_of, progress_rows
from bridge.app.quotas import budgets_of, in_words, queue_rows, quota_rows
from bridge.app.status import status_of
from bridge.domain.budget import Day, Report, Use
from bridge.domain.event import Origin
from bridge.domain.priority import Priority
from bridge.domain.record import RecordRef, Side
from bridge.monitoring.health import Status
from bridge.monitoring.metrics import Metrics
from bridge.store import Store
from bridge.store.cursors import Cursor, CursorMove
from bridge.store.model import Outcome, RecordNote
from tests.clock import FakeClock
from tests.conformance.store.builders import PEOPLE, ROUTES, Desk, done, event


def midnight(store: Store) -> float:
    """Return midnight by the store's clock, which on PostgreSQL is the real one."""
    return (store.now() // 86_400 + 1) * 86_400


async def report(store: Store, **about: object) -> None:
    base = Report(PEOPLE.left.system, 0.2, per_second=2.0, unit="tokens", ends=midnight(store))
    await store.budgets.share(replace(base, **about))  # type: ignore[arg-type]


async def page_stored(store: Store, cursor: Cursor, page: int, record_ids: list[str]) -> None:
    move = CursorMove(cursor.system, cursor.entity, cursor.kind, cursor.sweep, page=str(page + 1))
    notes = [RecordNote(RecordRef(cursor.system, cursor.entity, record_id)) for record_id in record_ids]
    await store.events.accept(
        [event(record_id, origin=Origin.BACKFILL) for record_id in record_ids], ROUTES, move, notes
    )


async def test_status_shows_what_is_left_what_waits_and_when_it_is_done(desk: Desk) -> None:
    store, scopes = desk.store, {PEOPLE.mapping: PEOPLE}
    day = Day(1000, 700, midnight(store))
    uses = {Priority.LIVE: Use(60, 30, 10), Priority.BACKFILL: Use(40, 40, 10)}
    await report(store, vendor=day, uses=uses)
    for record_id in ("1", "2"):
        await desk.receives(record_id)
    for record_id in ("3", "4", "5"):
        await desk.receives(record_id, origin=Origin.BACKFILL)
    found = await budgets_of(store, scopes)
    one = found[PEOPLE.left.system]
    assert in_words(one) == "2 calls per second, 700 of 1,000 tokens left today"
    (row,) = quota_rows(found)
    assert (row["left today"], row["of"], row["reserved"], row["instances"]) == (700, 1000, "20%", 1)
    queued = {queue.priority: queue for queue in one.queue}
    assert [queued[priority].left for priority in Priority] == [700, 500, 420, 340]
    assert (queued[Priority.LIVE].records, queued[Priority.LIVE].seconds) == (2, 3.0)  # three calls each, two a second
    assert (queued[Priority.BACKFILL].records, queued[Priority.BACKFILL].seconds) == (3, 9.0)  # after the live ones
    assert queued[Priority.RETRY].seconds is None
    rows = queue_rows(found, store.now())
    told = {str(row["priority"]): (row["used today"], row["records waiting"]) for row in rows}
    assert {"live", "backfill"} <= told.keys()
    assert (told["live"][1], told["backfill"][1], (0, 0) in told.values()) == (2, 3, False)
    assert quota(found).status is Status.PASS


async def test_work_behind_a_pause_or_an_unreachable_system_has_no_estimated_end(desk: Desk) -> None:
    store, scopes, system = desk.store, {PEOPLE.mapping: PEOPLE}, PEOPLE.left.system
    await report(store)
    await desk.receives("1")

    async def live() -> tuple[int, bool]:
        (one,) = [one for one in (await budgets_of(store, scopes))[system].queue if one.priority is Priority.LIVE]
        return one.records, one.seconds is not None

    assert await live() == (1, True)
    await store.mappings.set_paused(PEOPLE.mapping, True, "stocktaking")
    assert await live() == (0, False)
    assert queue_rows(await budgets_of(store, scopes), store.now()) == []
    await store.mappings.set_paused(PEOPLE.mapping, False, "")
    row = await store.systems.get(system)
    await store.systems.save(replace(row, down_since=store.now(), down_reason="connection refused"))
    assert await live() == (1, False)


async def test_work_that_must_wait_for_another_day_is_a_warning_that_says_until_when(desk: Desk) -> None:
    store = desk.store
    await report(store, vendor=Day(1000, 300, midnight(store)))
    await desk.receives("3", origin=Origin.BACKFILL)
    found = await budgets_of(store, {PEOPLE.mapping: PEOPLE})
    check = quota(found)
    assert check.status is Status.WARN
    assert "1 records of priority backfill" in check.output
    assert "until 00:00 UTC" in check.output
    (backfill,) = found[PEOPLE.left.system].stands
    assert backfill.seconds == pytest.approx(midnight(store) - store.now(), abs=30)


async def test_a_record_whose_attempt_failed_waits_as_a_retry(desk: Desk, clock: FakeClock) -> None:
    await desk.receives("1")
    claim = await desk.claims_one()
    later = done(claim, Outcome.WAITING, due=desk.store.now() + 1, attempt=True)
    await desk.store.tasks.submit(later)
    clock.advance(2)
    assert await desk.store.waiting.by_priority("system") == {(PEOPLE.mapping, Priority.RETRY): 1}


async def test_a_backfill_says_how_far_it_is_and_when_it_ends(desk: Desk, clock: FakeClock) -> None:
    store, scopes, end = desk.store, {PEOPLE.mapping: PEOPLE}, PEOPLE.endpoint(Side.LEFT)
    kind = f"backfill {PEOPLE.mapping}"
    cursor = await store.cursors.start(end.system, end.entity, kind, total=500)
    assert [one.total for one in await progress_of(store, scopes)] == [500]
    for page in (1, 2):
        clock.advance(30)
        await page_stored(store, cursor, page, [f"{page}{number}" for number in range(10)])
    (one,) = await progress_of(store, scopes)
    assert (one.rows, one.waiting, one.done, one.per_minute) == (20, 20, 0, None)
    for claim in await desk.claims(limit=8):
        await store.tasks.submit(done(claim, Outcome.UNCHANGED))
    (one,) = await progress_of(store, scopes)
    assert (one.done, one.per_minute) == (8, 8.0)
    assert one.seconds == pytest.approx(492 / 8 * 60)
    assert str(one) == "backfill of people (crm person): 8 of 500 records, 8 per minute, done in about 62 min"
    (row,) = progress_rows([one], store.now())
    assert (row["run"], row["state"], row["of"]) == (f"backfill/{PEOPLE.mapping}/{cursor.sweep}", "runs", 500)
    await store.mappings.set_paused(PEOPLE.mapping, True, "stocktaking")
    (held,) = await progress_of(store, scopes)
    assert (held.stands, held.seconds) == ("the mapping is paused", None)
    metrics = Metrics()
    metrics.progress([one])
    assert b'bridge_run_total_records{entity="' in metrics.render()


async def test_the_time_in_which_a_sweep_stood_still_is_not_part_of_its_rate(desk: Desk, clock: FakeClock) -> None:
    store, end = desk.store, PEOPLE.endpoint(Side.LEFT)
    cursor = await store.cursors.start(end.system, end.entity, "full", total=40)
    for page, seconds in ((1, 60.0), (2, 8 * 3600.0), (3, 60.0)):
        clock.advance(seconds)
        await page_stored(store, cursor, page, [str(page)])
    (one,) = await progress_of(store, {PEOPLE.mapping: PEOPLE})
    assert one.per_minute == pytest.approx(1.5)
    clock.advance(600)
    (one,) = await progress_of(store, {PEOPLE.mapping: PEOPLE})
    assert (one.stands, one.per_minute) == ("no page for 10 min", pytest.approx(1.5))


async def test_the_second_side_of_a_backfill_follows_the_first_and_a_full_listing_gives_its_size(
    desk: Desk, clock: FakeClock
) -> None:
    store, kind = desk.store, f"backfill {PEOPLE.mapping}"
    first, other = (PEOPLE.endpoint(side) for side in Side)
    full = await store.cursors.start(first.system, first.entity, "full")
    cursor = await store.cursors.start(first.system, first.entity, kind)
    await store.cursors.start(other.system, other.entity, kind)
    await page_stored(store, full, 1, ["1", "2", "3"])
    await store.events.accept([], {}, CursorMove(first.system, first.entity, "full", full.sweep, done=True))
    clock.advance(10)
    await page_stored(store, cursor, 1, ["1", "2"])
    found = {one.cursor.system: one for one in await progress_of(store, {PEOPLE.mapping: PEOPLE})}
    assert found[first.system].total == 3
    assert (found[other.system].stands, found[other.system].done) == ("waits for the other side", 0)


async def test_a_listing_without_changes_since_a_time_has_no_sweep_that_never_ends(desk: Desk) -> None:
    await desk.store.cursors.start("crm", "person", "incremental")
    await desk.store.cursors.start("erp", "person", "incremental", value=1.0)
    assert [row["system"] for row in (await status_of(desk.store))["sweeps"]] == ["erp"]
