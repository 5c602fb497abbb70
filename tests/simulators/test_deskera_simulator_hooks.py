"""Hooks and callbacks of the Deskera simulator."""

import json
from urllib.parse import parse_qs

import pytest

from bridge.simulators.deskera import EVENTS, DeskeraSimulator, Options
from bridge.simulators.faults import CallbackFault
from bridge.simulators.world import World
from tests.simulators.deskera_calls import HOOK_URL, running
from tests.simulators.doubles import HandClock, Receiver


async def test_every_event_can_be_registered_and_deleted_hooks_leave_the_list(world: World) -> None:
    async with running(world) as deskera:
        ids = [await deskera.hook(event) for event in EVENTS]
        status, gone = await deskera.call("DELETE", f"/v1/webhooks/delete/{ids[0]}")
        again, _body = await deskera.call("DELETE", f"/v1/webhooks/delete/{ids[0]}")
        _status, listed = await deskera.call("GET", "/v1/webhooks")

    assert len(set(ids)) == 22
    assert (status, gone["deleted"], again) == (200, True, 404)
    assert [hook["hookId"] for hook in listed] == ids[1:]
    assert set(listed[0]) == {"hookId", "eventType", "webhookUrl", "deleted"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"eventType": "CREATE_CONTACTS"}, "eventType"),
        ({"refreshToken": ""}, "refreshToken"),
        ({"webhookUrl": None}, "webhookUrl"),
        ({"clientSecret": "other"}, "clientSecret"),
    ],
)
async def test_bad_registrations_name_the_field(world: World, changes: dict[str, str], field: str) -> None:
    async with running(world) as deskera:
        body = deskera.registration("CREATE_CRM_DEAL", **changes)
        status, answer = await deskera.call("POST", "/v1/webhooks/register", body)

    assert status == 400
    assert [error["field"] for error in answer["errors"]] == [field]


@pytest.mark.parametrize(("switch", "different"), [("second", True), ("first", False)])
async def test_registering_twice(world: World, switch: str, different: bool) -> None:
    async with running(world, duplicate_hooks=switch) as deskera:
        first, second = await deskera.hook("CREATE_CRM_DEAL"), await deskera.hook("CREATE_CRM_DEAL")

    assert (first != second) is different


async def test_the_number_of_hooks_can_be_limited(world: World) -> None:
    async with running(world, max_hooks=1) as deskera:
        await deskera.hook("CREATE_CRM_DEAL")
        body = deskera.registration("UPDATE_CRM_DEAL")
        status, answer = await deskera.call("POST", "/v1/webhooks/register", body)

    assert (status, answer["errorMessage"]) == (400, "Limit of active webhooks reached")


async def test_the_dialect_of_2020_has_singular_paths_two_fields_and_no_list(world: World) -> None:
    async with running(world, dialect="2020") as deskera:
        body = deskera.registration("CREATE_CONTACT")
        plural, _answer = await deskera.call("POST", "/v1/webhooks/register", body)
        singular, made = await deskera.call("POST", "/v1/webhook/register", body)
        no_list, _answer = await deskera.call("GET", "/v1/webhook")
        _status, gone = await deskera.call("DELETE", f"/v1/webhook/delete/{made['hookId']}")

    assert (plural, singular, no_list) == (404, 200, 404)
    assert made == {"hookId": 1, "deleted": False}
    assert gone == {"hookId": 1, "deleted": True}


async def test_create_update_and_delete_call_their_own_hooks(world: World, receiver: Receiver) -> None:
    async with running(world) as deskera:
        for verb in ("CREATE", "UPDATE", "DELETE"):
            await deskera.hook(f"{verb}_CRM_DEAL", webhookUrl=f"{HOOK_URL}/{verb}")
        deal = await deskera.deal()
        deskera.simulator.person_edits("deals", deal, {"name": "Wall"})
        await deskera.call("DELETE", f"/v1/crm/deals/{deal}")
        await deskera.simulator.idle()

    assert {url.rsplit("/", 1)[1] for _method, url, _headers, _body in receiver.seen} == {"CREATE", "UPDATE", "DELETE"}
    told = {body["eventType"]: body["data"] for body in receiver.bodies()}
    assert told["UPDATE_CRM_DEAL"]["name"] == "Wall"
    assert told["DELETE_CRM_DEAL"]["is_deleted"] is True


@pytest.mark.parametrize("style", ["wrapped", "flat", "id-only", "array", "form", "empty"])
async def test_payload_styles(world: World, receiver: Receiver, style: str) -> None:
    async with running(world, payload=style) as deskera:
        await deskera.hook("CREATE_CRM_CONTACT")
        made = await deskera.contact()
        await deskera.simulator.idle()

    [(_method, _url, headers, body)] = receiver.seen
    number = made["id"]
    if style == "empty":
        assert (dict(headers), body) == ({}, b"")
    elif style == "form":
        assert parse_qs(body.decode()) == {"eventType": ["CREATE_CRM_CONTACT"], "hookId": ["1"], "id": [str(number)]}
    else:
        content = json.loads(body)
        wrapped = {"eventType": "CREATE_CRM_CONTACT", "hookId": 1, "data": made}
        assert content == {"wrapped": wrapped, "flat": made, "id-only": {"id": number}, "array": [wrapped]}[style]


async def test_a_failed_callback_is_not_tried_again_by_default(
    world: World, receiver: Receiver, clock: HandClock
) -> None:
    receiver.always = 500
    async with running(world) as deskera:
        await deskera.hook("CREATE_CRM_CONTACT")
        await deskera.contact()
        await clock.advance(86400)

    assert len(receiver.seen) == 1


async def test_retries_can_be_switched_on(world: World, receiver: Receiver, clock: HandClock) -> None:
    receiver.answers = [500, TimeoutError()]
    async with running(world, retry_delays=(60, 600), time_scale=60) as deskera:
        await deskera.hook("CREATE_CRM_CONTACT")
        await deskera.contact()
        await clock.advance(1)
        early = len(receiver.seen)
        await clock.advance(10)

    assert (early, len(receiver.seen)) == (2, 3)


async def test_a_hook_can_fall_silent_when_its_refresh_token_is_rotated(world: World, receiver: Receiver) -> None:
    async with running(world, hooks_follow_tokens=True) as deskera:
        await deskera.hook("CREATE_CRM_CONTACT")
        await deskera.contact()
        deskera.simulator.state.refresh.clear()
        await deskera.contact()
        await deskera.simulator.idle()
        _status, listed = await deskera.call("GET", "/v1/webhooks")

    assert (len(receiver.seen), len(listed)) == (1, 1)


async def test_callbacks_can_be_lost_and_repeated(world: World, receiver: Receiver) -> None:
    async with running(world) as deskera:
        await deskera.hook("CREATE_CRM_CONTACT")
        deskera.simulator.faults.callbacks = [CallbackFault("lose", times=1)]
        await deskera.contact(name="lost")
        deskera.simulator.faults.callbacks = [CallbackFault("double", times=1)]
        await deskera.contact(name="twice")
        await deskera.simulator.idle()

    assert [body["data"]["name"] for body in receiver.bodies()] == ["twice", "twice"]


async def test_the_dump_holds_no_credentials(world: World) -> None:
    async with running(world) as deskera:
        await deskera.hook("CREATE_CRM_CONTACT")
        async with deskera.client.get("/_control/state") as answer:
            text = await answer.text()

    assert HOOK_URL in text
    assert "sandbox-refresh" not in text
    assert "cl_priv" not in text


@pytest.mark.parametrize("options", [Options(payload="xml"), Options(dialect="2019")])
async def test_unknown_switch_values_are_refused_at_start(world: World, options: Options) -> None:
    with pytest.raises(ValueError, match="must be"):
        DeskeraSimulator(world, options)


async def test_hook_path_and_list_can_be_chosen_independently_of_the_dialect(world: World) -> None:
    async with running(world, hook_path="/webhooks", hook_list=False) as deskera:
        body = deskera.registration("CREATE_INVOICE")
        plural, _answer = await deskera.call("POST", "/v1/webhooks/register", body)
        bare, made = await deskera.call("POST", "/webhooks/register", body)
        no_list, _answer = await deskera.call("GET", "/webhooks")

    assert (plural, bare, no_list) == (404, 200, 404)
    assert set(made) == {"hookId", "eventType", "webhookUrl", "deleted"}
