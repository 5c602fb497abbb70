"""Hook registrations."""

from typing import Any

import pytest
from http_fakes import answer
from superoffice_fakes import connect, missing, vendor

from bridge.domain.callback import HookSecret, HookSpec
from bridge.domain.errors import OutcomeUnknown, Rejected

URL = "https://bridge.example/hooks/crm1/contact?t0ken"
SECRET = HookSecret("bridge", "s3cret-hook")
EVENTS = ["contact.created", "contact.changed", "contact.deleted", "contact.softdeleted"]
SPEC = HookSpec("contact", frozenset({"contact"}), frozenset())
HOOK: dict[str, Any] = {
    "WebhookId": 31,
    "Name": "a contact",
    "Events": EVENTS[::-1],
    "TargetUrl": URL,
    "Secret": "s3cret-hook",
    "State": "Active",
    "Type": "webhook",
    "_Links": {"Self": "x"},
}
NOT_REACHED = answer(200, {"Success": False, "Message": f"POST {URL}: certificate has expired"})


def test_one_hook_per_entity_names_all_its_events() -> None:
    specs = connect(vendor()).hooks_for(frozenset({"contact", "sale", "product", "appointment", "unheard_of"}))
    assert [spec.key for spec in specs] == ["appointment", "contact", "sale"]
    assert {kind for spec in specs for kind in spec.kinds} == {"created", "changed", "deleted"}


async def test_a_hook_is_registered_with_its_secret() -> None:
    server = vendor({"GET Webhook": answer(200, []), "POST Webhook": answer(200, HOOK)})
    seen = await connect(server).create_hook(SPEC, URL, SECRET, "bridge contact")
    assert (seen.id, seen.url, seen.key, seen.active) == ("31", URL, "contact", True)
    assert server.body("POST") == {
        "WebhookId": 0,
        "Name": "bridge contact",
        "Events": EVENTS,
        "TargetUrl": URL,
        "Secret": "s3cret-hook",
        "State": "Active",
        "Type": "webhook",
    }


async def test_an_equal_active_hook_is_adopted() -> None:
    server = vendor({"GET Webhook": answer(200, [HOOK])})
    assert (await connect(server).create_hook(SPEC, URL, SECRET, "x")).id == "31"
    assert server.sent("POST") + server.sent("PATCH") == []


@pytest.mark.parametrize("shown", [None, "other"])
async def test_a_hook_without_our_secret_gets_it(shown: str | None) -> None:
    server = vendor({"GET Webhook": answer(200, [{**HOOK, "Secret": shown}]), "PATCH Webhook/31": answer(200, HOOK)})
    await connect(server).create_hook(SPEC, URL, SECRET, "x")
    assert server.body("PATCH") == {"Secret": "s3cret-hook"}


async def test_a_server_without_patch_gets_the_whole_hook() -> None:
    shown = {**HOOK, "Secret": None}
    routes = {"GET Webhook": answer(200, [shown]), "PATCH Webhook/31": answer(405), "PUT Webhook/31": answer(200, HOOK)}
    server = vendor(routes)
    await connect(server).create_hook(SPEC, URL, SECRET, "x")
    assert server.body("PUT") == {name: value for name, value in HOOK.items() if name != "_Links"}


@pytest.mark.parametrize(
    "change", [{"State": "Stopped"}, {"State": 3}, {"Events": EVENTS[:2]}, {"TargetUrl": URL + "2"}]
)
async def test_a_hook_that_differs_is_not_adopted(change: dict[str, Any]) -> None:
    routes = {
        "GET Webhook": answer(200, [{**HOOK, **change}]),
        "GET Webhook/31/LastError": answer(200, "timeout"),
        "POST Webhook": answer(200, {**HOOK, "WebhookId": 32}),
    }
    server = vendor(routes)
    assert (await connect(server).create_hook(SPEC, URL, SECRET, "x")).id == "32"


async def test_stopped_hooks_are_inactive_with_the_reason_and_without_secrets() -> None:
    rows = [
        HOOK,
        {**HOOK, "WebhookId": 32, "State": "TooManyErrors"},
        {**HOOK, "WebhookId": 33, "State": 2, "LastError": "HTTP 500"},
        {**HOOK, "WebhookId": 34, "Events": ["sale.created", "person.created"]},
        {**HOOK, "WebhookId": 35, "State": 1, "Events": None},
    ]
    last = answer(200, f"{URL} gave 503")
    seen = await connect(vendor({"GET Webhook": answer(200, rows), "GET Webhook/32/LastError": last})).list_hooks()
    assert [(hook.id, hook.key, hook.active, hook.note) for hook in seen] == [
        ("31", "contact", True, ""),
        ("32", "contact", False, "state TooManyErrors, (our address) gave 503"),
        ("33", "contact", False, "state Stopped, HTTP 500"),
        ("34", "sale.created,person.created", True, ""),
        ("35", "unknown", True, ""),
    ]
    assert "s3cret" not in repr(seen)


@pytest.mark.parametrize(("state", "by_hand"), [("Active", False), ("Stopped", True), ("TooManyErrors", False)])
async def test_a_hook_stopped_by_a_person_is_distinguished_from_a_failed_one(state: str, by_hand: bool) -> None:
    rows = [{**HOOK, "State": state, "LastError": "HTTP 500"}]
    (seen,) = await connect(vendor({"GET Webhook": answer(200, rows)})).list_hooks()
    assert (seen.active, seen.by_hand) == (state == "Active", by_hand)


@pytest.mark.parametrize("status", [400, 500])
async def test_an_unreachable_callback_address_is_reported_without_showing_it(status: int) -> None:
    failed = answer(status, {"Error": True, "ErrorMessage": "Webhook test failed"})
    server = vendor({"GET Webhook": answer(200, []), "POST Webhook": failed, "POST Webhook/Test": NOT_REACHED})
    with pytest.raises(Rejected, match="certificate has expired") as caught:
        await connect(server).create_hook(SPEC, URL, SECRET, "x")
    assert "t0ken" not in str(caught.value)
    assert "s3cret" not in str(caught.value)


async def test_a_refusal_without_a_failed_test_keeps_the_vendors_words() -> None:
    failed = answer(403, {"Error": True, "ErrorMessage": "agent not enabled"})
    server = vendor({"GET Webhook": answer(200, []), "POST Webhook": failed, "POST Webhook/Test": failed})
    with pytest.raises(Rejected, match="agent not enabled"):
        await connect(server).create_hook(SPEC, URL, SECRET, "x")


async def test_a_hook_that_was_saved_but_not_answered_is_found() -> None:
    lists = [answer(200, []), answer(200, [HOOK])]
    server = vendor({"GET Webhook": lists, "POST Webhook": answer(502)})
    assert (await connect(server).create_hook(SPEC, URL, SECRET, "x")).id == "31"


async def test_a_failure_without_a_reason_has_an_unknown_outcome() -> None:
    works = answer(200, {"Success": True, "Message": ""})
    server = vendor({"GET Webhook": answer(200, []), "POST Webhook": answer(502), "POST Webhook/Test": works})
    with pytest.raises(OutcomeUnknown):
        await connect(server).create_hook(SPEC, URL, SECRET, "x")


async def test_removing_a_hook_that_is_gone_is_no_error() -> None:
    server = vendor({"DELETE Webhook/31": missing()})
    await connect(server).remove_hook("31")
    assert len(server.sent("DELETE")) == 1
