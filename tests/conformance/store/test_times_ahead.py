"""Times of a vendor that are ahead of our clock do not decide an order, on both databases."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import update

from bridge.connectors.entrust.callbacks import decode as entrust
from bridge.connectors.pipedrive.callbacks import decode as pipedrive
from bridge.connectors.superoffice.callbacks import decode as superoffice
from bridge.domain.callback import Callback
from bridge.domain.event import Event, EventKind, Origin
from bridge.domain.record import RecordRef, Side
from bridge.domain.seams import TRUSTED_SKEW_SECONDS
from bridge.store.cursors import CursorMove
from bridge.store.model import Endpoint, KnownRecord, RecordNote, Route, TaskKey
from bridge.store.tables import records, tasks
from tests.conformance.store.builders import ROUTES, Desk, at, done, event, left

REF = RecordRef("crm", "person", "1")
FAR = at(253_000_000_000.0)  # the year 9987


async def known(desk: Desk) -> KnownRecord:
    return (await desk.store.records.known([REF]))[REF]


async def source_at(desk: Desk) -> float | None:
    task = await desk.store.tasks.get(left("1"))
    assert task is not None
    return task.source_at


@pytest.mark.parametrize("ahead", [TRUSTED_SKEW_SECONDS + 1, 86_400.0, 1e9])
async def test_the_time_of_a_callback_from_the_future_is_ignored(desk: Desk, ahead: float) -> None:
    now = desk.store.now()
    await desk.receives("1", version=at(now + ahead), source_at=at(now + ahead))
    assert ((await known(desk)).version, await source_at(desk)) == (None, None)
    await desk.receives("1", version=at(now - 5), source_at=at(now - 5))
    assert ((await known(desk)).version, await source_at(desk)) == (now - 5, now - 5)
    await desk.receives("1", version=at(now + ahead), source_at=at(now + ahead))
    assert ((await known(desk)).version, await source_at(desk)) == (now - 5, now - 5)


async def test_a_clock_that_is_a_little_ahead_is_accepted(desk: Desk) -> None:
    soon = desk.store.now() + TRUSTED_SKEW_SECONDS - 1
    await desk.receives("1", version=at(soon), source_at=at(soon))
    assert ((await known(desk)).version, await source_at(desk)) == (soon, soon)


@pytest.mark.parametrize("kind", [EventKind.DELETED, EventKind.MERGED, EventKind.CREATED])
async def test_deletes_and_merges_from_the_future_still_make_their_record_due(desk: Desk, kind: EventKind) -> None:
    await desk.receives(
        "1", kind=kind, version=FAR, source_at=FAR, merged_into="2" if kind is EventKind.MERGED else None
    )
    task = await desk.store.tasks.get(left("1"))
    assert task is not None
    assert (task.pending, task.source_at, (await known(desk)).version) == (1, None, None)


async def test_of_several_events_in_one_transaction_the_accepted_time_is_stored(desk: Desk) -> None:
    now = desk.store.now()
    batch = [event("1", version=moment, source_at=moment) for moment in (at(now - 9), FAR, at(now - 7))]
    await desk.store.events.submit(batch, ROUTES)
    assert ((await known(desk)).version, await source_at(desk)) == (now - 7, now - 7)


async def test_times_of_sweep_rows_from_the_future_are_ignored(desk: Desk) -> None:
    sweep = (await desk.store.cursors.start("crm", "person", "full")).sweep
    move = CursorMove("crm", "person", "full", sweep, done=True)
    seen = [event("1", origin=Origin.RECONCILE, version=FAR, source_at=FAR)]
    await desk.store.events.accept(seen, ROUTES, move, [RecordNote(REF, version=FAR.timestamp())])
    assert ((await known(desk)).version, await source_at(desk)) == (None, None)


async def test_the_version_of_a_read_from_the_future_is_ignored_and_that_of_our_own_write_is_kept(desk: Desk) -> None:
    await desk.store.records.note([RecordNote(REF, version=FAR.timestamp(), alive=True)])
    assert (await known(desk)).version is None
    own = desk.store.now() + 3600
    await desk.store.records.note([RecordNote(REF, version=own, own_version=own, own_write_at=desk.store.now())])
    assert ((await known(desk)).version, (await known(desk)).own_version) == (own, own)
    await desk.store.records.note([RecordNote(REF, version=FAR.timestamp(), alive=True)])
    await desk.receives("1", version=at(desk.store.now()))
    assert ((await known(desk)).version, (await known(desk)).own_version) == (own, own)


async def stored_by_an_older_program(desk: Desk, **own: float) -> None:
    await desk.receives("1", version=at(40), source_at=at(40))
    far = FAR.timestamp()

    def work(conn: Any) -> None:
        conn.execute(update(records).where(records.c.rec == "1").values(version=far, **own))
        conn.execute(update(tasks).where(tasks.c.rec == "1").values(source_at=far))

    await desk.store.database.write("test", work)


@pytest.mark.parametrize(
    ("note", "version"),
    [(RecordNote(REF), None), (RecordNote(REF, version=50.0), 50.0), (RecordNote(REF, version=50.0, alive=True), 50.0)],
)
async def test_a_stored_version_from_the_future_is_corrected(
    desk: Desk, note: RecordNote, version: float | None
) -> None:
    await stored_by_an_older_program(desk)
    await desk.store.records.note([note])
    assert (await known(desk)).version == version


async def test_a_corrected_version_falls_back_to_that_of_our_own_write(desk: Desk) -> None:
    await stored_by_an_older_program(desk, own_version=60.0)
    await desk.receives("1", version=at(50))
    assert (await known(desk)).version == 60


@pytest.mark.parametrize(("moment", "kept"), [(None, None), (at(50), 50.0)])
async def test_a_stored_source_time_from_the_future_is_corrected(
    desk: Desk, moment: datetime | None, kept: float | None
) -> None:
    await stored_by_an_older_program(desk)
    await desk.receives("1", source_at=moment)
    assert await source_at(desk) == kept


async def test_the_end_of_a_claim_clears_a_source_time_from_the_future(desk: Desk) -> None:
    await desk.receives("1", source_at=FAR)
    await desk.store.tasks.submit(done(await desk.claims_one(), records=[RecordNote(REF, version=FAR.timestamp())]))
    assert ((await known(desk)).version, await source_at(desk)) == (None, None)


MOMENTS: list[Any] = ["9990-01-01T00:00:00Z", "9990-01-01 00:00:00", "9990-01-01", 253_000_000_000, 253_000_000_000_000]
"""A far time as text, date, seconds and milliseconds."""

VENDORS: dict[str, tuple[Callable[[Callback], Sequence[Event]], Callable[[Any], dict[str, Any]]]] = {
    "pipedrive version 2": (
        pipedrive,
        lambda moment: {
            "meta": {"action": "change", "entity": "person", "entity_id": "1", "id": "e", "timestamp": moment},
            "data": {"id": 1, "update_time": moment, "add_time": moment},
        },
    ),
    "pipedrive version 1": (
        pipedrive,
        lambda moment: {
            "meta": {"action": "updated", "object": "person", "id": 1, "timestamp": moment},
            "current": {"id": 1, "update_time": moment},
        },
    ),
    "superoffice": (
        superoffice,
        lambda moment: {"Event": "person.changed", "PrimaryKey": 1, "Timestamp": moment},
    ),
    "entrust": (
        entrust,
        lambda moment: {"type": "user.updated", "eventTime": moment, "data": {"entityType": "USERS", "entityId": "1"}},
    ),
}


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_time_from_the_future_is_ignored_in_every_notation(desk: Desk, vendor: str, moment: Any) -> None:
    decode, body = VENDORS[vendor]
    sent = json.dumps(body(moment)).encode()
    events = decode(Callback("crm", "any", "POST", "https://b.example", {}, sent, datetime(2026, 1, 5, tzinfo=UTC)))
    assert events
    (ref,) = {RecordRef(one.system, one.entity, one.id) for one in events if one.id is not None}
    routes = {("crm", ref.entity): (Route("people", Side.LEFT, Endpoint("crm", ref.entity)),)}
    await desk.store.events.submit(events, routes)
    found = (await desk.store.records.known([ref]))[ref]
    task = await desk.store.tasks.get(TaskKey("people", Side.LEFT, "1"))
    assert task is not None
    assert (found.version, task.source_at, task.pending) == (None, None, len(events))
