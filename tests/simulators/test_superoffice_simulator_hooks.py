"""Registration of webhooks with the SuperOffice simulator."""

import base64
import hashlib
import hmac
from typing import Any

import pytest

from bridge.simulators.world import World
from tests.simulators.doubles import Receiver, basic
from tests.simulators.superoffice_calls import HOOK_URL, running


async def test_a_registration_sends_a_signed_test_first(world: World, receiver: Receiver) -> None:
    async with running(world) as calls:
        made = await calls.make("/Webhook", Name="t", Events=["contact.created"], TargetUrl=HOOK_URL, Secret="k")
        [(method, url, headers, body)] = receiver.seen

    signature = base64.b64encode(hmac.new(b"k", body, hashlib.sha256).digest()).decode()
    assert (method, url, headers["X-Hook-Test"], headers["X-SuperOffice-Event"]) == ("POST", HOOK_URL, "true", "test")
    assert headers["X-SuperOffice-Signature"] == signature
    assert (receiver.bodies()[0]["Event"], receiver.bodies()[0]["PrimaryKey"]) == ("test", 0)
    assert (made["State"], made["Type"], made["RegisteredAssociate"]["AssociateId"]) == ("Active", "webhook", 3)


@pytest.mark.parametrize("answer", [201, 404, 410, 500, OSError("down"), TimeoutError()])
async def test_a_target_that_does_not_answer_200_is_not_saved(
    world: World, receiver: Receiver, answer: int | Exception
) -> None:
    receiver.always = answer
    async with running(world) as calls:
        body = {"Name": "t", "Events": ["contact.created"], "TargetUrl": HOOK_URL}
        status, _answer = await calls.call("POST", "/Webhook", body)
        _status, tried = await calls.call("POST", "/Webhook/Test", body)
        _status, listed = await calls.call("GET", "/Webhook")

    assert (status, tried["Success"], listed) == (500, False, [])


@pytest.mark.parametrize(
    "changes",
    [
        {"Events": []},
        {"Events": ["x" * 4001]},
        {"TargetUrl": "ftp://x"},
        {"Name": "n" * 401},
        {"State": "Sleeping"},
        {"Type": "pigeon"},
    ],
)
async def test_a_registration_that_cannot_be_stored_is_refused(world: World, changes: dict[str, Any]) -> None:
    async with running(world) as calls:
        body = {"Name": "t", "Events": ["contact.created"], "TargetUrl": HOOK_URL, **changes}
        status, _answer = await calls.call("POST", "/Webhook", body)

    assert status == 500


async def test_without_the_agent_no_hook_can_be_registered(world: World) -> None:
    async with running(world, agent=False) as calls:
        status, answer = await calls.call("POST", "/Webhook", {"Name": "t", "Events": ["x"], "TargetUrl": HOOK_URL})

    assert (status, "agent" in answer["ErrorMessage"]) == (500, True)


async def test_hooks_are_listed_by_name_event_and_state_as_a_plain_array(world: World) -> None:
    async with running(world) as calls:
        first = await calls.hook("contact.created", Name="a")
        second = await calls.hook("sale.sold", Name="b")
        calls.simulator.set_hook_state(str(second), "Stopped")
        found = []
        for query in (
            {},
            {"nameFilter": "a"},
            {"eventFilter": "sale.sold"},
            {"statusFilter": "Active"},
            {"statusFilter": "Unknown"},
        ):
            _status, hooks = await calls.call("GET", "/Webhook", None, None, **query)
            found.append([hook["WebhookId"] for hook in hooks])
        odd, _answer = await calls.call("GET", "/Webhook", None, None, statusFilter="Odd")

    assert found == [[first, second], [first], [second], [first], [first, second]]
    assert odd == 400


async def test_an_app_sees_only_its_own_hooks(world: World) -> None:
    async with running(world) as calls:
        hook = await calls.hook("contact.created")
        other = {"Authorization": basic("bridge", "sandbox-password")}
        _status, listed = await calls.call("GET", "/api/v1/Webhook", None, other)
        read, _answer = await calls.call("GET", f"/api/v1/Webhook/{hook}", None, other)
        gone, _answer = await calls.call("DELETE", f"/api/v1/Webhook/{hook}", None, other)

    assert (listed, read, gone) == ([], 404, 404)


async def test_put_clears_properties_it_does_not_name_and_patch_does_not(world: World) -> None:
    async with running(world) as calls:
        hook = await calls.hook("contact.created", Description="d")
        _status, patched = await calls.call("PATCH", f"/Webhook/{hook}", {"Events": ["sale.sold"]})
        body = {"Name": "n", "Events": ["sale.lost"], "TargetUrl": HOOK_URL}
        _status, put = await calls.call("PUT", f"/Webhook/{hook}", body)

    assert (patched["Events"], patched["Description"], patched["Secret"]) == (["sale.sold"], "d", "k")
    assert (put["Events"], put["Description"], put["Secret"]) == (["sale.lost"], "", None)


async def test_a_deleted_hook_is_gone(world: World) -> None:
    async with running(world) as calls:
        hook = await calls.hook("contact.created")
        first, _body = await calls.call("DELETE", f"/Webhook/{hook}")
        second, _body = await calls.call("DELETE", f"/Webhook/{hook}")
        read, _body = await calls.call("GET", f"/Webhook/{hook}")

    assert (first, second, read) == (204, 404, 404)


async def test_changing_a_hook_tests_its_target_again(world: World, receiver: Receiver) -> None:
    async with running(world) as calls:
        hook = await calls.hook("contact.created")
        receiver.always = 500
        status, _answer = await calls.call("PATCH", f"/Webhook/{hook}", {"Events": ["sale.sold"]})
        _status, kept = await calls.call("GET", f"/Webhook/{hook}")

    assert (status, kept["Events"]) == (500, ["contact.created"])
