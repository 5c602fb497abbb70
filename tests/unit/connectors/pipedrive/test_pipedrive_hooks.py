"""Hook registrations."""

from typing import Any

import pytest
from http_fakes import answer
from pipedrive_fakes import connect, vendor

from bridge.domain.callback import HookSecret, HookSpec
from bridge.domain.errors import Rejected

URL = "https://bridge.example/hooks/crm1/any.deal"
SECRET = HookSecret("bridge", "s3cret-hook")
SPEC = HookSpec("any.deal", frozenset({"deal"}), frozenset())
HOOK = {
    "id": 31,
    "event_action": "*",
    "event_object": "deal",
    "subscription_url": URL,
    "version": "2.0",
    "is_active": 1,
    "http_auth_user": "bridge",
    "http_auth_password": "s3cret-hook",
    "last_http_status": 200,
    "remove_time": None,
}


def listed(*hooks: dict[str, Any]) -> Any:
    return answer(200, {"status": "ok", "success": True, "data": list(hooks)})


def test_one_hook_per_entity_reports_everything() -> None:
    specs = connect(vendor()).hooks_for(frozenset({"deal", "person", "unheard_of"}))
    assert [(spec.key, set(spec.entities)) for spec in specs] == [("any.deal", {"deal"}), ("any.person", {"person"})]
    assert specs[0].kinds == {"created", "changed", "deleted", "merged"}


async def test_a_hook_is_registered_with_version_and_credentials() -> None:
    server = vendor(**{"GET api/v1/webhooks": listed(), "POST api/v1/webhooks": answer(201, {"data": HOOK})})
    seen = await connect(server, hook_user_id=5).create_hook(SPEC, URL, SECRET, "bridge any.deal")
    assert (seen.id, seen.url, seen.key, seen.active) == ("31", URL, "any.deal", True)
    assert server.body("POST") == {
        "subscription_url": URL,
        "event_action": "*",
        "event_object": "deal",
        "name": "bridge any.deal",
        "version": "2.0",
        "http_auth_user": "bridge",
        "http_auth_password": "s3cret-hook",
        "user_id": 5,
    }


async def test_an_equal_hook_is_adopted_and_no_second_one_registered() -> None:
    server = vendor(**{"GET api/v1/webhooks": listed({**HOOK, "id": 30, "is_active": 0}, HOOK)})
    assert (await connect(server).create_hook(SPEC, URL, SECRET, "x")).id == "31"
    assert server.sent("POST") == []


@pytest.mark.parametrize(
    "change", [{"http_auth_password": "other"}, {"version": "1.0"}, {"event_action": "create"}, {"is_active": 0}]
)
async def test_a_hook_that_differs_is_not_adopted(change: dict[str, Any]) -> None:
    routes = {"GET api/v1/webhooks": listed({**HOOK, **change}), "POST api/v1/webhooks": answer(201, {"data": HOOK})}
    server = vendor(**routes)
    await connect(server).create_hook(SPEC, URL, SECRET, "x")
    assert len(server.sent("POST")) == 1


async def test_hooks_are_listed_with_what_is_wrong_and_without_passwords() -> None:
    removed = {**HOOK, "id": 32, "is_active": 0, "remove_reason": "unsuccessful", "last_http_status": 500}
    old = {**HOOK, "id": 33, "version": "1.0", "event_action": "updated"}
    server = vendor(**{"GET api/v1/webhooks": listed(HOOK, removed, old)})
    seen = await connect(server).list_hooks()
    assert [(hook.id, hook.key, hook.active) for hook in seen] == [
        ("31", "any.deal", True),
        ("32", "any.deal", False),
        ("33", "v1.0.updated.deal", True),
    ]
    assert seen[1].note == "remove_reason unsuccessful, last_http_status 500"
    assert "s3cret" not in repr(seen)


async def test_removing_a_hook_that_is_gone_is_no_error() -> None:
    missing = answer(404, {"status": "error", "success": False, "errors": {"id": ["not found"]}})
    server = vendor(**{"DELETE api/v1/webhooks/31": missing})
    await connect(server).remove_hook("31")
    assert len(server.sent("DELETE")) == 1


@pytest.mark.parametrize(
    ("status", "body", "words", "field"),
    [
        (422, {"success": False}, "limit of 40 hooks", None),
        (
            400,
            {"errors": {"subscription_url": ["invalid or non-reachable URL"]}},
            "non-reachable URL",
            "subscription_url",
        ),
    ],
)
async def test_a_refused_hook_says_why(status: int, body: Any, words: str, field: str | None) -> None:
    server = vendor(**{"GET api/v1/webhooks": listed(), "POST api/v1/webhooks": answer(status, body)})
    with pytest.raises(Rejected, match=words) as caught:
        await connect(server).create_hook(SPEC, URL, SECRET, "x")
    assert caught.value.field == field
    assert "s3cret" not in str(caught.value)
