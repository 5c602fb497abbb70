"""Intake: durable, deduplicated by vendor id, level-triggered."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from bridge.domain.errors import StoreUnavailable
from bridge.domain.event import EventKind, Lane, Origin
from bridge.domain.record import RecordRef, Side
from bridge.store import Store
from bridge.store.cursors import CursorMove
from bridge.store.model import CursorMoved, KeyNote, Mode, Outcome, Quiet, RecordNote, TaskState, Unstorable
from bridge.store.questions import SharingKeys, SurvivorOf
from tests.clock import FakeClock
from tests.conformance.store.builders import GUESTS, ROUTES, Desk, at, done, event, left, routes


async def test_a_repeated_vendor_id_is_one_event(desk: Desk) -> None:
    assert await desk.receives("1", "1", vendor_id="v") == [True, False]
    assert await desk.receives("1", vendor_id="v") == [False]
    assert (await desk.store.tasks.totals())["people"]["accepted"] == 1
    assert (await desk.store.counters.get())["", "repeated"] == 2


async def test_one_vendor_id_in_two_systems_is_two_events(desk: Desk) -> None:
    assert await desk.receives("1", vendor_id="v") == [True]
    assert await desk.receives("c1", system="erp", entity="contact", vendor_id="v") == [True]


async def test_without_a_vendor_id_every_callback_is_an_event(desk: Desk) -> None:
    assert await desk.receives("1", "1") == [True, True]
    task = await desk.store.tasks.get(left("1"))
    assert task is not None
    assert (task.pending, task.state) == (2, TaskState.DUE)


async def test_an_event_marks_a_task_in_every_mapping_of_its_entity(desk: Desk) -> None:
    await desk.store.events.accept([event("1")], routes(*desk.scopes.values(), GUESTS))
    totals = await desk.store.tasks.totals()
    assert totals["people"]["waiting"] == totals["guests"]["waiting"] == 1


async def test_kinds_and_the_latest_source_time_gather_on_the_task(desk: Desk) -> None:
    await desk.receives("1", kind=EventKind.DELETED, source_at=at(200))
    await desk.receives("1", source_at=at(100))
    task = await desk.store.tasks.get(left("1"))
    assert task is not None
    assert task.kinds == {"deleted", "changed"}
    assert task.source_at == 200


@pytest.mark.parametrize(
    ("origins", "both"),
    [
        ([Origin.WEBHOOK], False),
        ([Origin.RECONCILE], True),
        ([Origin.BACKFILL], True),
        ([Origin.PERSON], True),
        ([Origin.WEBHOOK, Origin.RECONCILE], True),
        ([Origin.RECONCILE, Origin.WEBHOOK], True),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else str(value),
)
@pytest.mark.parametrize("together", [True, False])
async def test_every_event_but_a_callback_requests_a_read_of_both_sides(
    desk: Desk, origins: list[Origin], *, both: bool, together: bool
) -> None:
    batch = [event("1", origin=origin) for origin in origins]
    for some in [batch] if together else [[one] for one in batch]:
        await desk.store.events.accept(some, ROUTES)
    task = await desk.store.tasks.get(left("1"))
    assert task is not None
    assert task.both_sides is both


async def test_an_event_of_a_lower_lane_does_not_delay_a_due_task(desk: Desk) -> None:
    await desk.receives("1")
    await desk.receives("1", origin=Origin.BACKFILL)
    task = await desk.store.tasks.get(left("1"))
    assert task is not None
    assert task.lane is Lane.LIVE


async def test_an_idle_task_takes_the_lane_of_its_event(desk: Desk) -> None:
    await desk.receives("1")
    await desk.store.tasks.submit(done(await desk.claims_one()))
    await desk.receives("1", origin=Origin.BACKFILL)
    task = await desk.store.tasks.get(left("1"))
    assert task is not None
    assert task.lane is Lane.BACKFILL


@pytest.mark.parametrize("outcome", [Outcome.WAITING, Outcome.DEAD])
async def test_a_new_event_revives_a_waiting_or_dead_task(desk: Desk, outcome: Outcome) -> None:
    await desk.receives("1")
    claim = await desk.claims_one()
    await desk.store.tasks.submit(done(claim, outcome, due=desk.store.now() + 900, waits_for=left("9", "companies")))
    await desk.receives("1")
    task = await desk.store.tasks.get(left("1"))
    assert task is not None
    assert (task.state, task.due, task.pending) == (TaskState.DUE, desk.store.now(), 2)
    assert task.attempts == (0 if outcome is Outcome.DEAD else 1)
    await desk.balanced()


async def test_an_event_soon_after_our_own_write_waits_for_the_read_lag_where_there_are_no_versions(desk: Desk) -> None:
    """Counted from the event, which may report a person's edit just now as well as our write."""
    ref, now = RecordRef("erp", "guest", "g"), desk.store.now()
    await desk.store.records.note([RecordNote(ref, own_write_at=now - 10)])
    await desk.store.events.accept([event("g", "erp", "guest")], routes(GUESTS))
    (task,) = await desk.store.tasks.about("erp", "guest", "g", {"guests": GUESTS})
    assert task.due == pytest.approx(now + 30, abs=0.001)
    assert task.key.side is Side.RIGHT


async def test_records_keep_their_first_number_and_newest_version(desk: Desk) -> None:
    ref = RecordRef("crm", "person", "1")
    await desk.receives("1", version=at(50))
    first = (await desk.store.records.known([ref]))[ref]
    await desk.receives("1", version=at(40))
    again = (await desk.store.records.known([ref]))[ref]
    assert (again.version, again.first_seq) == (50, first.first_seq)


async def test_a_merge_is_stored_and_followed_along_chains(desk: Desk) -> None:
    await desk.receives("1", kind=EventKind.MERGED, merged_into="2")
    await desk.receives("2", kind=EventKind.MERGED, merged_into="3")
    assert await desk.store.questions.one(SurvivorOf(RecordRef("crm", "person", "1"))) == "3"
    assert await desk.store.questions.one(SurvivorOf(RecordRef("crm", "person", "3"))) is None


async def test_an_event_without_id_requests_a_sweep_once(desk: Desk, clock: FakeClock) -> None:
    await desk.store.events.accept([event(None)], ROUTES)
    asked = (await desk.store.cursors.get("crm", "person", "incremental")).asked_at
    clock.advance(30)
    await desk.store.events.accept([event(None)], ROUTES)
    cursor = await desk.store.cursors.get("crm", "person", "incremental")
    assert (cursor.asked_at, cursor.asked_by) == (asked, "callback")
    assert (await desk.store.cursors.start("crm", "person", "incremental")).asked_at is None


async def test_a_lost_cursor_race_stores_nothing(desk: Desk) -> None:
    cursors = desk.store.cursors
    old = await cursors.start("crm", "person", "full")
    new = await cursors.start("crm", "person", "full")
    move = CursorMove("crm", "person", "full", old.sweep, page="2")
    with pytest.raises(CursorMoved):
        await desk.store.events.accept([event("1", origin=Origin.RECONCILE)], ROUTES, move)
    assert await desk.store.tasks.get(left("1")) is None
    kept = await cursors.get("crm", "person", "full")
    assert (kept.sweep, kept.page) == (new.sweep, None)


async def test_a_page_moves_its_cursor_in_the_transaction_of_its_events(desk: Desk) -> None:
    ref = RecordRef("crm", "person", "1")
    sweep = (await desk.store.cursors.start("crm", "person", "full")).sweep
    move = CursorMove("crm", "person", "full", sweep, value=77.0, done=True)
    notes, keys = [RecordNote(ref, row_hash="h")], [KeyNote("people", Side.LEFT, "1", ("k1", "k2"))]
    await desk.store.events.accept([], ROUTES, move, notes, keys, [(left("1"), "h")])
    cursor = await desk.store.cursors.get("crm", "person", "full")
    assert (cursor.value, cursor.page, cursor.done_at, cursor.rows) == (77.0, None, desk.store.now(), 1)
    assert (await desk.store.records.known([ref]))[ref].row_hash == "h"
    asked = [SharingKeys("people", Side.LEFT, key) for key in ("k1", "k3")]
    assert list((await desk.store.questions.ask(asked)).values()) == [("1",), ()]
    task = await desk.store.tasks.get(left("1"))
    assert task is not None
    assert (task.state, task.decided_hash) == (TaskState.IDLE, "h")


async def test_concurrent_submitters_share_transactions_and_each_is_durable(
    store: Store, new_seams: Callable[..., object]
) -> None:
    groups = [[event(str(number), vendor_id=f"v{number % 40}")] for number in range(100)]
    answers = await asyncio.gather(*(store.events.submit(group, ROUTES) for group in groups))
    assert sum(new for answer in answers for new in answer) == 40
    assert (await store.tasks.totals())["people"]["accepted"] == 40


async def test_one_bad_row_fails_alone(desk: Desk) -> None:
    bad = event("\ud800")
    answers = await asyncio.gather(
        *(desk.store.events.submit([one], ROUTES) for one in (event("1"), bad, event("2"))), return_exceptions=True
    )
    assert answers[0] == answers[2] == [True]
    assert isinstance(answers[1], Unstorable)
    assert (await desk.store.tasks.totals())["people"]["accepted"] == 2


async def test_a_full_queue_refuses_at_once(desk: Desk) -> None:
    desk.store.events.queue_limit = 0
    with pytest.raises(StoreUnavailable):
        await desk.store.events.submit([event("1")], ROUTES)


async def test_changed_match_keys_empty_the_index(desk: Desk) -> None:
    mappings, scope = desk.store.mappings, desk.scopes["people"]
    await mappings.mark_indexed("people", Side.LEFT, "another")
    assert (await mappings.states())["people"].indexed == frozenset()
    await mappings.mark_indexed("people", Side.LEFT, scope.match_fingerprint)
    state = (await mappings.states())["people"]
    assert (state.indexed, state.mode, state.live_since) == ({Side.LEFT}, Mode.LIVE, desk.store.now())


@pytest.mark.parametrize(
    "odd",
    [
        {"record_id": "7" * 201},
        {"vendor_id": "v" * 201},
        {"entity": "d" * 201},
        {"record_id": "7\x00"},
        {"record_id": "\ud800"},
    ],
)
async def test_a_text_too_long_for_an_index_is_refused_before_it_shares_a_transaction(
    desk: Desk, odd: dict[str, str]
) -> None:
    """The limit is the same on both stores; other submitters of the same transaction are not affected."""
    rest = {name: value for name, value in odd.items() if name != "record_id"}
    strange = event(odd.get("record_id", "1"), **rest)
    waiting = asyncio.gather(
        *(desk.store.events.submit([one], ROUTES) for one in (event("2"), strange, event("3"))), return_exceptions=True
    )
    first, refused, last = await waiting
    assert (first, last) == ([True], [True])
    assert isinstance(refused, Unstorable)


async def test_ids_of_the_largest_length_are_stored(desk: Desk) -> None:
    assert await desk.receives("7" * 200, vendor_id="v" * 200) == [True]


async def test_the_time_of_a_callback_without_a_version_is_stored(desk: Desk) -> None:
    ref, other = RecordRef("crm", "person", "1"), RecordRef("erp", "guest", "g")
    await desk.receives("1", version=at(50))
    assert (await desk.store.records.known([ref]))[ref].told_at is None
    now = desk.store.now()
    await desk.receives("1")
    await desk.receives("1", kind=EventKind.DELETED)
    await desk.store.events.accept(
        [event("g", "erp", "guest", version=at(50))], routes(GUESTS)
    )  # reads show no version
    known = await desk.store.records.known([ref, other])
    assert [known[ref].told_at, known[other].told_at] == pytest.approx([now, now], abs=1)


async def test_an_event_of_a_sweep_or_a_person_is_no_callback(desk: Desk) -> None:
    ref = RecordRef("crm", "person", "1")
    for origin in (Origin.RECONCILE, Origin.BACKFILL, Origin.PERSON):
        await desk.receives("1", origin=origin)
    assert (await desk.store.records.known([ref]))[ref].told_at is None


async def test_a_task_with_another_wait_waits_for_the_next_edit_from_then_on(desk: Desk, clock: FakeClock) -> None:
    typed = Quiet(30.0, "quiet", "left alone for 30 s")
    places = {
        place: [replace(route, quiet=typed) for route in found]
        for place, found in routes(*desk.scopes.values()).items()
    }
    await desk.receives("1")
    claim = await desk.claims_one()
    held = done(claim, Outcome.WAITING, due=desk.store.now() + 7200, code="rate_limited", reason="the day is used up")
    await desk.store.tasks.finish([held])
    clock.advance(3600)
    for _ in range(2):
        await desk.store.events.accept([event("1")], places)
        task = await desk.store.tasks.get(left("1"))
        assert task is not None
        assert (task.code, task.due) == ("quiet", pytest.approx(desk.store.now() + 30, abs=1))
        clock.advance(10)
