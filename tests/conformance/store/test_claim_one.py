"""One task is made due and claimed at once, and put back as if it had never existed, on either database."""

from typing import Any

from sqlalchemy import Connection, select

from bridge.domain.record import Side
from bridge.store.model import TaskKey
from bridge.store.tables import leases, tasks
from tests.conformance.store.builders import PEOPLE, SCOPES, Desk

KEY = TaskKey("people", Side.LEFT, "1")
TTL = 60.0


async def rows(desk: Desk) -> list[Any]:
    def work(conn: Connection) -> list[Any]:
        return [dict(row) for row in conn.execute(select(tasks).order_by(tasks.c.rec)).mappings()]

    return await desk.store.database.read(work)


async def leased(desk: Desk) -> int:
    return await desk.store.database.read(
        lambda conn: len(conn.execute(select(leases).where(leases.c.fence > 0)).all())
    )


async def test_a_new_task_is_gone_again_when_it_is_put_back(desk: Desk) -> None:
    claimed = await desk.store.tasks.claim_one(KEY, 0, SCOPES, TTL)
    assert claimed is not None
    claim, before = claimed
    assert (claim.key, before, claim.leased) == (KEY, None, (PEOPLE.left.ref("1"),))
    await desk.store.tasks.put_back(claim, before)
    assert await rows(desk) == []


async def test_a_due_task_is_unchanged_when_it_is_put_back(desk: Desk) -> None:
    await desk.receives("1")
    before = await rows(desk)
    claimed = await desk.store.tasks.claim_one(KEY, 0, SCOPES, TTL)
    assert claimed is not None
    await desk.store.tasks.put_back(*claimed)
    assert await rows(desk) == before


async def test_an_event_during_the_claim_stays_due(desk: Desk) -> None:
    claimed = await desk.store.tasks.claim_one(KEY, 0, SCOPES, TTL)
    assert claimed is not None
    await desk.receives("1")
    await desk.store.tasks.put_back(*claimed)
    (row,) = await rows(desk)
    assert (row["state"], row["pending"], row["taken"]) == ("due", 1, 0)


async def test_a_leased_task_is_not_claimed_and_nothing_is_changed(desk: Desk) -> None:
    await desk.receives("1")
    (other,) = await desk.store.tasks.claim(1, SCOPES, TTL)
    before = await rows(desk)
    assert await desk.store.tasks.claim_one(KEY, 0, SCOPES, TTL) is None
    assert await rows(desk) == before
    await desk.store.tasks.release(other, desk.store.now(), "")


async def test_a_task_of_a_paused_mapping_or_another_definition_is_not_claimed(desk: Desk) -> None:
    await desk.store.mappings.set_paused("people", True)
    assert await desk.store.tasks.claim_one(KEY, 0, SCOPES, TTL) is None
    assert await rows(desk) == []
    assert await leased(desk) == 0
