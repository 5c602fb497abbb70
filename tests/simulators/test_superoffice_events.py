"""Events of the SuperOffice simulator: which ones are raised, and their content."""

from typing import Any

import pytest

from bridge.simulators.faults import CallbackFault
from bridge.simulators.world import World
from tests.simulators.doubles import HandClock, Receiver
from tests.simulators.superoffice_calls import received, running

ALL = [f"{entity}.{verb}" for entity in ("contact", "person", "sale") for verb in ("created", "changed", "deleted")]


async def test_events_name_columns_and_never_texts(world: World, receiver: Receiver) -> None:
    async with running(world) as calls:
        await calls.hook(*ALL, Properties={"site": "north"})
        made = await calls.make("/Contact", Name="Secret Ltd", OrgNr="99887766")
        await calls.call("PATCH", f"/Contact/{made['ContactId']}", {"OrgNr": "5", "Category": {"Id": 2}})
        await calls.simulator.idle()
        (_method, _url, headers, raw) = receiver.seen[-1]
        created, changed = await received(calls, receiver)

    assert (created["Event"], created["Entity"], created["PrimaryKey"]) == ("contact.created", "contact", 1)
    assert changed["Changes"] == ["category_idx", "orgNr", "updated", "updatedCount", "updated_associate_id"]
    assert changed["FieldValues"]["category_idx"] == 2
    assert (changed["ChangedByAssociateId"], changed["ContextIdentifier"], changed["WebhookName"]) == (
        3,
        "Cust00001",
        "t",
    )
    assert (changed["Timestamp"], changed["site"]) == ("2027-01-15T08:00:00.0000000Z", "north")
    assert b"Secret Ltd" not in raw
    assert headers["X-SuperOffice-EventId"] == changed["EventId"]
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert "X-SuperOffice-Retry" not in headers


async def test_old_servers_send_no_field_values(world: World, receiver: Receiver) -> None:
    async with running(world, field_values=False) as calls:
        await calls.hook(*ALL)
        await calls.make("/Contact", Name="a")
        [event] = await received(calls, receiver)

    assert "FieldValues" not in event


@pytest.mark.parametrize(("rule", "events", "moved"), [("nothing", 0, False), ("updated", 0, True), ("event", 1, True)])
@pytest.mark.parametrize(
    "patch",
    [
        {"Emails": [{"Value": "a@x.example"}]},
        {"MobilePhones": [{"Value": "1"}]},
        {"CustomFields": {"SuperOffice:1": "x"}},
        {"Address": {"Street": {"City": "Oslo"}}},
    ],
)
async def test_edits_of_dependent_tables_raise_no_event(
    world: World, receiver: Receiver, clock: HandClock, rule: str, events: int, moved: bool, patch: dict[str, Any]
) -> None:
    async with running(world, child_saves=rule) as calls:
        made = await calls.make("/Person", Lastname="p")
        await calls.hook(*ALL)
        await clock.advance(60)
        status, after = await calls.call("PATCH", "/Person/1", patch)
        seen = await received(calls, receiver)

    [name] = patch
    assert (status, after[name] != made[name]) == (200, True)
    assert (len(seen), after["UpdatedDate"] != made["UpdatedDate"]) == (events, moved)


async def test_a_save_without_any_difference_raises_nothing(world: World, receiver: Receiver) -> None:
    async with running(world) as calls:
        await calls.make("/Person", Lastname="p")
        await calls.hook(*ALL)
        await calls.call("PATCH", "/Person/1", {"Lastname": "p"})

        assert await received(calls, receiver) == []


async def test_a_deleted_contact_raises_an_event_when_deleted_and_again_when_purged(
    world: World, receiver: Receiver
) -> None:
    async with running(world) as calls:
        await calls.make("/Contact", Name="a")
        await calls.hook("contact.softdeleted", "contact.deleted", "contact.changed")
        await calls.call("DELETE", "/Contact/1")
        soft = await received(calls, receiver)
        calls.simulator.purge()
        hard = await received(calls, receiver)

    assert [(event["Event"], event["PrimaryKey"], event["Changes"]) for event in soft + hard] == [
        ("contact.softdeleted", 1, []),
        ("contact.deleted", 1, []),
    ]
    assert hard[0]["Values"]["contact_id"] == 1


@pytest.mark.parametrize(("switch", "events"), [(True, ["contact.changed"]), (False, [])])
async def test_a_restore(world: World, receiver: Receiver, switch: bool, events: list[str]) -> None:
    async with running(world, restore_event=switch) as calls:
        await calls.make("/Contact", Name="a")
        calls.simulator.person_deletes("contact", 1)
        await calls.hook(*ALL)
        calls.simulator.person_restores("contact", 1)

        assert [event["Event"] for event in await received(calls, receiver)] == events


async def test_sales_are_deleted_at_once_and_raise_an_event_when_sold(world: World, receiver: Receiver) -> None:
    async with running(world) as calls:
        await calls.hook("sale.changed", "sale.sold", "sale.deleted")
        await calls.make("/Sale", Heading="s")
        await calls.call("PATCH", "/Sale/1", {"Status": "Sold"})
        await calls.call("DELETE", "/Sale/1")
        seen = await received(calls, receiver)

    assert [event["Event"] for event in seen] == ["sale.changed", "sale.sold", "sale.deleted"]


async def test_products_raise_no_event_and_appointments_are_activities(world: World, receiver: Receiver) -> None:
    async with running(world) as calls:
        await calls.hook("product.created", "appointment.created", "activity.created")
        await calls.make("/Product", Name="Desk")
        await calls.make("/Appointment", Title="Call")
        seen = await received(calls, receiver)

    assert [event["Event"] for event in seen] == ["activity.created"]


async def test_any_event_can_be_signalled(world: World, receiver: Receiver) -> None:
    async with running(world) as calls:
        await calls.hook("fair.opened")
        status, _body = await calls.call("POST", "/Webhook/fair.opened/0", {"hall": 3})
        [event] = await received(calls, receiver)

    assert (status, event["Event"], event["PrimaryKey"]) == (204, "fair.opened", 0)


async def test_created_and_changed_can_arrive_in_the_wrong_order(world: World, receiver: Receiver) -> None:
    async with running(world) as calls:
        await calls.hook(*ALL)
        calls.simulator.faults.callbacks.append(CallbackFault("reorder", window=2))
        await calls.make("/Contact", Name="a")
        await calls.call("PATCH", "/Contact/1", {"Name": "b"})
        seen = await received(calls, receiver)

    assert [event["Event"] for event in seen] == ["contact.changed", "contact.created"]


async def test_duplicate_events_have_their_own_ids_and_repeated_callbacks_have_the_same(
    world: World, receiver: Receiver
) -> None:
    async with running(world, duplicate_events=True) as calls:
        await calls.hook("contact.created")
        await calls.make("/Contact", Name="a")
        twins = await received(calls, receiver)
    async with running(world) as calls:
        await calls.hook("contact.created")
        calls.simulator.faults.callbacks.append(CallbackFault("double", times=1))
        await calls.make("/Contact", Name="a")
        doubles = await received(calls, receiver)

    assert (len(twins), len({event["EventId"] for event in twins})) == (2, 2)
    assert (len(doubles), len({event["EventId"] for event in doubles})) == (2, 1)
