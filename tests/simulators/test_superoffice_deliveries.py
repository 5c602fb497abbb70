"""Delivery attempts of callbacks and states of hooks in the SuperOffice simulator."""

from typing import Any

import pytest

from bridge.simulators.world import World
from tests.simulators.doubles import HandClock, Receiver
from tests.simulators.superoffice_calls import HOOK_URL, Calls, received, running


async def state_of(calls: Calls, hook: int) -> str:
    _status, seen = await calls.call("GET", f"/Webhook/{hook}")
    return str(seen["State"])


async def test_failed_tries_are_repeated_after_one_and_four_seconds_with_the_same_event_id(
    world: World, receiver: Receiver, clock: HandClock
) -> None:
    async with running(world) as calls:
        hook = await calls.hook("contact.created")
        receiver.answers = [500, OSError("down")]
        await calls.make("/Contact", Name="a")
        counts = []
        for seconds in (0, 1, 3, 1, 60):
            await clock.advance(seconds)
            counts.append(len(receiver.seen) - 1)
        tries = receiver.seen[1:]
        _status, seen = await calls.call("GET", f"/Webhook/{hook}")

    assert counts == [1, 2, 2, 3, 3]
    assert len({headers["X-SuperOffice-EventId"] for _m, _u, headers, _b in tries}) == 1
    assert [headers.get("X-SuperOffice-Retry") for _m, _u, headers, _b in tries] == [None, "1", "2"]
    assert (seen["TotalCalls"], seen["TotalErrors"], seen["ConsecutiveErrors"], seen["State"]) == (3, 2, 0, "Active")


async def test_nine_failures_in_a_row_of_one_event_end_in_too_many_errors(
    world: World, receiver: Receiver, clock: HandClock
) -> None:
    async with running(world) as calls:
        hook = await calls.hook("contact.created")
        receiver.always = 500
        await calls.make("/Contact", Name="a")
        await clock.advance(9)
        early = await state_of(calls, hook)
        await clock.advance(60)
        late = await state_of(calls, hook)
        tries = receiver.seen[1:]
        _status, last_error = await calls.call("GET", f"/Webhook/{hook}/LastError")

    assert (early, late, len(tries)) == ("Active", "TooManyErrors", 9)
    assert len({headers["X-SuperOffice-EventId"] for _m, _u, headers, _b in tries}) == 3
    assert "500" in last_error


async def test_in_the_other_reading_three_discarded_events_stop_a_hook(
    world: World, receiver: Receiver, clock: HandClock
) -> None:
    async with running(world, requeue=False) as calls:
        hook = await calls.hook("contact.created")
        receiver.always = 500
        states = []
        for name in ("a", "b", "c"):
            await calls.make("/Contact", Name=name)
            await clock.advance(60)
            states.append(await state_of(calls, hook))

    assert states == ["Active", "Active", "TooManyErrors"]
    assert len(receiver.seen) == 1 + 9


async def test_410_ends_a_hook_at_once_and_nothing_is_replayed(
    world: World, receiver: Receiver, clock: HandClock
) -> None:
    async with running(world) as calls:
        hook = await calls.hook("contact.created")
        receiver.always = 410
        await calls.make("/Contact", Name="a")
        await clock.advance(0.5)
        ended = await state_of(calls, hook)
        receiver.always = 200
        await calls.make("/Contact", Name="lost")
        status, again = await calls.call("PATCH", f"/Webhook/{hook}", {"State": "Active"})
        receiver.seen.clear()
        await calls.make("/Contact", Name="b")
        await clock.advance(60)
        seen = await received(calls, receiver)

    assert (ended, status, again["State"]) == ("TooManyErrors", 200, "Active")
    assert [event["PrimaryKey"] for event in seen] == [3]


@pytest.mark.parametrize(("lenient", "errors"), [(False, 1), (True, 0)])
async def test_whether_201_is_a_success(
    world: World, receiver: Receiver, clock: HandClock, lenient: bool, errors: int
) -> None:
    async with running(world, other_2xx=lenient) as calls:
        hook = await calls.hook("contact.created")
        receiver.answers = [201]
        await calls.make("/Contact", Name="a")
        await clock.advance(60)
        _status, seen = await calls.call("GET", f"/Webhook/{hook}")

    assert seen["TotalErrors"] == errors


async def test_state_changes_of_a_hook_are_sent_to_another_hook(
    world: World, receiver: Receiver, clock: HandClock
) -> None:
    async with running(world) as calls:
        hook = await calls.hook("contact.created")
        await calls.hook(f"webhook{hook}.stopped", f"webhook{hook}.started", TargetUrl=f"{HOOK_URL}/watch")
        receiver.seen.clear()
        calls.simulator.set_hook_state(str(hook), "Stopped")
        calls.simulator.set_hook_state(str(hook), "Active")
        await calls.simulator.idle()
        names = [headers["X-SuperOffice-Event"] for _m, _u, headers, _b in receiver.seen]
        bodies = await received(calls, receiver)

    assert names == [f"webhook{hook}.stopped", f"webhook{hook}.started"]
    assert [(body["Event"], body["ChangedByAssociateId"], "Entity" in body) for body in bodies] == [
        ("webhook.stopped", 0, False),
        ("webhook.started", 0, False),
    ]


async def test_a_stopped_hook_sends_nothing(world: World, receiver: Receiver) -> None:
    async with running(world) as calls:
        hook = await calls.hook("contact.created")
        async with calls.client.post("/_control/tenant", json={"hook_states": {str(hook): "Stopped"}}) as answer:
            assert answer.status == 200
        await calls.make("/Contact", Name="a")

        assert await received(calls, receiver) == []
        assert await state_of(calls, hook) == "Stopped"


@pytest.mark.parametrize("body", [{"tenant_state": "Odd"}, {"hook_states": {"1": "Odd"}}])
async def test_wrong_switches_of_the_tenant_are_refused(world: World, body: dict[str, Any]) -> None:
    async with running(world) as calls:
        await calls.hook("contact.created")
        async with calls.client.post("/_control/tenant", json=body) as answer:
            assert answer.status == 400
        async with calls.client.post("/_control/tenant", json={"hook_states": {"9": "Stopped"}}) as answer:
            assert answer.status == 404
