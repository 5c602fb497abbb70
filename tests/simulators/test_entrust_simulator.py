"""The Entrust simulator's own rules: sign-in, users, searches, webhooks, signatures, the audit feed."""

import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from bridge.simulators.entrust import EntrustSimulator, Options
from bridge.simulators.entrust.signing import signed_headers
from bridge.simulators.world import make_world
from tests.simulators.doubles import HandClock, Receiver

URL = "http://127.0.0.1/in"
USERS, HOOKS = "/api/web/v3/users", "/api/web/v1/webhooks"
SPEC = Path(__file__).parents[2].parent / "shared/specs/entrust-idaas-administration-5.46.json"
EVENTS = [{"type": "user.created"}, {"type": "user.updated"}, {"type": "user.deleted"}]


class Tenant:
    """A running simulator, called as a signed-in application."""

    def __init__(self, options: Options) -> None:
        self.clock, self.receiver = HandClock(), Receiver()
        self.simulator = EntrustSimulator(make_world(self.clock, random.Random(3), self.receiver), options)
        self.token = self.simulator.access.issue()
        self.client: TestClient[Any, Any] = TestClient(TestServer(self.simulator.app))

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"Authorization": self.token}
        async with self.client.request(method, path, json=body, headers=headers) as answer:
            return answer.status, await answer.json() if await answer.read() else None

    async def user(self, user_id: str, **more: Any) -> dict[str, Any]:
        status, made = await self.call("POST", USERS, {"userId": user_id, "lastName": "Lund", **more})
        assert status == 200, made
        shown: dict[str, Any] = made
        return shown

    async def hook(self, **more: Any) -> tuple[int, Any]:
        return await self.call("POST", HOOKS, {"name": "t", "callbackUrl": URL, "events": EVENTS, **more})

    async def delivered(self) -> list[Any]:
        await self.simulator.idle()
        return [json.loads(body) for _method, _url, _headers, body in self.receiver.seen]


@pytest.fixture
def options() -> Options:
    return Options()


@pytest.fixture
async def tenant(options: Options) -> AsyncIterator[Tenant]:
    running = Tenant(options)
    async with running.client:
        yield running


async def test_sign_in_names_when_the_token_ends_and_it_ends_then(tenant: Tenant) -> None:
    account = {"applicationId": Options().application_id, "sharedSecret": Options().shared_secret}
    _status, answer = await tenant.call("POST", "/api/web/v1/adminapi/authenticate", account)
    tenant.token = f"Bearer {answer['authToken']}"
    assert (await tenant.call("GET", HOOKS))[0] == 200
    await tenant.clock.advance(901)
    assert (await tenant.call("GET", HOOKS))[0] == 401
    wrong = {**account, "sharedSecret": "no"}
    assert (await tenant.call("POST", "/api/web/v1/adminapi/authenticate", wrong))[0] == 401


@pytest.mark.parametrize("options", [Options(permissions=frozenset({"USERS:VIEW"}))])
async def test_a_missing_right_of_the_role_is_refused_by_name(tenant: Tenant) -> None:
    status, answer = await tenant.call("POST", USERS, {"userId": "a", "lastName": "b"})
    assert (status, answer["errorMessage"]) == (403, "USERS:ADD required")


async def test_an_edit_has_an_empty_answer_ignores_null_and_clears_by_empty_text(tenant: Tenant) -> None:
    made = await tenant.user("ana", firstName="Ana", email="ana@x.example", mobile="+47 99")
    status, answer = await tenant.call("PUT", f"{USERS}/{made['id']}", {"firstName": None, "mobile": ""})
    _status, shown = await tenant.call("GET", f"{USERS}/{made['id']}")
    assert (status, answer) == (200, None)
    assert (shown["firstName"], "mobile" in shown) == ("Ana", False)


async def test_user_ids_and_aliases_are_unique(tenant: Tenant) -> None:
    await tenant.user("ana", userAliases=[{"value": "ana.lund"}])
    for taken in ("ANA", "ana.lund"):
        assert (await tenant.call("POST", USERS, {"userId": taken, "lastName": "x"}))[0] == 409


async def test_mail_that_would_be_sent_is_counted(tenant: Tenant) -> None:
    quiet = {"registrationRequired": False, "verificationRequired": False, "emailVerification": False}
    await tenant.user("quiet", **quiet)
    await tenant.user("loud", **{**quiet, "emailVerification": True})
    await tenant.user("default")
    assert tenant.simulator.dump()["mails"] == ["loud", "default"]


async def test_values_of_attributes_are_stored_by_id(tenant: Tenant) -> None:
    _status, (first, second) = await tenant.call("GET", "/api/web/v1/userattributes")
    made = await tenant.user("ana", userAttributeValues=[{"userAttributeId": first["id"], "value": "Sales"}])
    more = [{"userAttributeId": second["id"], "value": "7"}]
    await tenant.call("PUT", f"{USERS}/{made['id']}", {"userAttributeValues": more})
    _status, shown = await tenant.call("GET", f"{USERS}/{made['id']}")
    values = {value["userAttribute"]["name"]: value["value"] for value in shown["userAttributeValues"]}
    assert values == {"Department": "Sales", "Cost centre": "7"}


async def test_a_search_shows_collections_only_when_requested_and_a_cursor_continues(tenant: Tenant) -> None:
    for number in range(5):
        await tenant.user(f"user{number}")
    search = {"limit": 2, "searchByAttributes": [{"name": "userId", "operator": "STARTS_WITH", "value": "USER"}]}
    _status, plain = await tenant.call("POST", "/api/web/v4/userspaged", search)
    _status, full = await tenant.call("POST", "/api/web/v4/userspaged", {**search, "attributes": ["groups"]})
    cursor = {"limit": 2, "cursor": plain["paging"]["nextCursor"]}
    _status, following = await tenant.call("POST", "/api/web/v4/userspaged", cursor)
    assert "groups" not in plain["results"][0]
    assert full["results"][0]["groups"] == []
    assert [row["userId"] for row in following["results"]] == ["user2", "user3"]
    tenant.simulator.expire_cursors()
    assert (await tenant.call("POST", "/api/web/v4/userspaged", cursor))[0] == 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"limit": 0},
        {"limit": 101},
        {"searchByAttributes": [{"name": "email", "operator": "EQUALS", "value": "a@x.example"}]},
        {"searchByAttributes": [{"name": "state", "operator": "CONTAINS", "value": "A"}]},
        {"orderByAttribute": {"name": "email", "ascending": True}},
        {"attributes": ["nothing"]},
        {"cursor": "AAAA"},
        {"cursor": "e30="},
    ],
)
async def test_a_search_by_an_unsearchable_column_is_refused(tenant: Tenant, wrong: dict[str, Any]) -> None:
    assert (await tenant.call("POST", "/api/web/v4/userspaged", wrong))[0] == 400


async def test_the_secret_of_a_webhook_is_shown_once(tenant: Tenant) -> None:
    _status, made = await tenant.hook()
    _status, read = await tenant.call("GET", f"{HOOKS}/{made['id']}")
    assert made["token"].startswith("whsec_")
    assert "token" not in read


async def test_the_twenty_first_active_webhook_is_refused(tenant: Tenant) -> None:
    made = [await tenant.hook() for _ in range(21)]
    assert [status for status, _answer in made] == [200] * 20 + [409]
    tenant.simulator.disable_hook(made[0][1]["id"])
    assert (await tenant.hook())[0] == 200


@pytest.mark.parametrize(
    "wrong",
    [{"name": ""}, {"events": []}, {"events": [{"type": "user.gone"}]}, {"callbackUrl": "ftp://x"}, {"expiry": 1001}],
)
async def test_a_wrong_webhook_is_refused(tenant: Tenant, wrong: dict[str, Any]) -> None:
    assert (await tenant.hook(**wrong))[0] == 400


async def test_a_filter_holds_back_events_of_other_groups_and_a_hook_without_events_gets_all(tenant: Tenant) -> None:
    _status, group = await tenant.call("POST", "/api/web/v1/groups", {"name": "Sales"})
    text = json.dumps([{"groupId": group["id"]}])
    _status, made = await tenant.hook(events=[{"type": "user.created", "filter": text}])
    _status, every = await tenant.hook(events=None)
    await tenant.user("ana", groups=[group["id"]])
    await tenant.user("bo")
    names = [delivery["data"]["entityName"] for delivery in await tenant.delivered()]
    assert made["events"][0]["filter"] == text
    assert "events" not in every
    assert sorted(names) == ["ana", "ana", "bo"]


async def test_a_webhook_expires(tenant: Tenant) -> None:
    _status, made = await tenant.hook(expiry=1)
    await tenant.clock.advance(90_000)
    tenant.token = tenant.simulator.access.issue()
    await tenant.user("ana")
    _status, read = await tenant.call("GET", f"{HOOKS}/{made['id']}")
    assert read["expired"] is True
    assert await tenant.delivered() == []


async def test_deliveries_name_the_user_and_the_actor(tenant: Tenant) -> None:
    await tenant.hook()
    made = await tenant.user("ana")
    tenant.simulator.person_edits("users", made["id"], {"lastName": "Berg"})
    tenant.simulator.person_deletes("users", made["id"])
    told = await tenant.delivered()
    assert [one["type"] for one in told] == ["user.created", "user.updated", "user.deleted"]
    assert {one["data"]["entityId"] for one in told} == {made["id"]}
    assert [one["data"]["subjectType"] for one in told] == ["ADMIN_API", "USER", "USER"]


async def test_only_5xx_is_retried_and_consecutive_failures_disable_the_hook(tenant: Tenant) -> None:
    _status, made = await tenant.hook()
    tenant.receiver.answers = [400, 503, 200]
    await tenant.user("a")
    await tenant.delivered()
    await tenant.user("b")
    await tenant.clock.advance(3)
    assert [one["data"]["entityName"] for one in await tenant.delivered()] == ["a", "b", "b"]
    tenant.receiver.always = 404
    for number in range(100):
        tenant.simulator.person_creates("users", {"userId": f"u{number}", "lastName": "x"})
        await tenant.simulator.idle()
    _status, read = await tenant.call("GET", f"{HOOKS}/{made['id']}")
    assert read["enabled"] is False


async def test_the_test_delivery_comes_at_once(tenant: Tenant) -> None:
    _status, made = await tenant.hook()
    assert (await tenant.call("POST", f"{HOOKS}/test/{made['id']}", {}))[0] == 200
    assert [one["data"] for one in await tenant.delivered()] == [{"test": True}]


async def test_the_audit_feed_lists_every_change_and_needs_a_start(tenant: Tenant) -> None:
    made = await tenant.user("ana")
    await tenant.call("PUT", f"{USERS}/{made['id']}", {"lastName": "Berg"})
    path = "/api/web/v2/reports/auditeventspaged/siem"
    start = {"name": "startTime", "operator": "GREATER_THAN_OR_EQUAL", "value": "2020-01-01T00:00:00Z"}
    _status, answer = await tenant.call("POST", path, {"limit": 100, "searchByAttributes": [start]})
    assert [row["entityAction"] for row in answer["results"]] == ["ADD", "EDIT"]
    modified = answer["results"][1]["auditDetails"]["modifiedEntityAttributes"]
    assert modified == [{"name": "lastName", "oldValue": "Lund", "newValue": "Berg"}]
    assert (await tenant.call("POST", path, {}))[0] == 400


async def test_the_audit_feed_compares_times_with_and_without_zone_and_ignores_an_order(tenant: Tenant) -> None:
    await tenant.user("ana")
    now = tenant.simulator.state.now_text()
    ends = [
        {"name": "startTime", "operator": "GREATER_THAN_OR_EQUAL", "value": now},
        {"name": "endTime", "operator": "LESS_THAN_OR_EQUAL", "value": now.removesuffix("Z")},
    ]
    search = {"searchByAttributes": ends, "orderByAttribute": {"name": "eventTime", "ascending": False}}
    _status, answer = await tenant.call("POST", "/api/web/v2/reports/auditeventspaged/siem", search)
    assert len(answer["results"]) == 1


async def test_hooks_with_one_address_are_judged_separately(tenant: Tenant) -> None:
    _status, first = await tenant.hook(events=[{"type": "user.created"}])
    _status, second = await tenant.hook(events=[{"type": "user.deleted"}])
    tenant.receiver.always = 400
    await tenant.user("ana")
    await tenant.simulator.idle()
    failures = {hook_id: hook["_failures"] for hook_id, hook in tenant.simulator.state.hooks.items()}
    assert failures == {first["id"]: 1, second["id"]: 0}


@pytest.mark.parametrize("wrong", [{"userAttributeValues": ["x"]}, {"userAliases": ["x"]}])
async def test_a_body_of_the_wrong_shape_is_refused(tenant: Tenant, wrong: dict[str, Any]) -> None:
    made = await tenant.user("ana")
    assert (await tenant.call("PUT", f"{USERS}/{made['id']}", wrong))[0] == 400


async def test_groups_and_organizations_are_created_found_changed_and_removed_from_their_users(tenant: Tenant) -> None:
    _status, group = await tenant.call("POST", "/api/web/v1/groups", {"name": "Buyers", "externalId": "g-1"})
    _status, firm = await tenant.call("POST", "/api/web/v1/organizations", {"name": "fjord", "displayName": "Fjord"})
    user = await tenant.user("ana", groups=[group["id"]], organizations=[firm["id"]])
    found = await tenant.call("POST", "/api/web/v1/groups/externalid", {"id": "g-1"})
    await tenant.call("PUT", f"/api/web/v1/organizations/{firm['id']}", {"name": "fjord", "displayName": "Fjord AS"})
    await tenant.call("DELETE", f"/api/web/v1/groups/{group['id']}")
    _status, shown = await tenant.call("GET", f"{USERS}/{user['id']}")
    assert found[1]["id"] == group["id"]
    assert shown["groups"] == []
    assert [one["displayName"] for one in shown["organizations"]] == ["Fjord AS"]


async def test_a_user_joins_and_leaves_one_organization(tenant: Tenant) -> None:
    made = [
        (await tenant.call("POST", "/api/web/v1/organizations", {"name": name, "displayName": name}))[1]["id"]
        for name in ("fjord", "dahl")
    ]
    user = await tenant.user("ana", organizations=[made[0]])
    here = f"/api/web/v1/organizations/{made[1]}/users/{user['id']}"
    answers = [await tenant.call(verb, here) for verb in ("POST", "POST", "DELETE", "DELETE")]
    _status, shown = await tenant.call("GET", f"{USERS}/{user['id']}")
    assert [status for status, _body in answers] == [200, 200, 200, 404]
    assert [one["id"] for one in shown["organizations"]] == [made[0]]


async def test_each_of_several_users_succeeds_or_fails_separately(tenant: Tenant) -> None:
    users = [
        {"userId": "ana", "lastName": "a", "externalId": "x:1"},
        {"userId": "bo"},
        {"userId": "cy", "lastName": "c"},
    ]
    _status, made = await tenant.call("POST", f"{USERS}/multiple", {"users": users})
    _status, stopped = await tenant.call("POST", f"{USERS}/multiple", {"users": users, "stopOnError": True})
    edits = [{"id": "cy", "idType": "USERID", "parms": {"firstName": "Cy"}}, {"id": "none", "parms": {}}]
    _status, edited = await tenant.call("PUT", f"{USERS}/multiple", {"users": edits})
    gone = {"users": [{"id": "x:1", "idType": "EXTERNALID"}]}
    _status, deleted = await tenant.call("DELETE", f"{USERS}/multiple", gone)
    told = [[one["success"] for one in answer] for answer in (made, stopped, edited, deleted)]
    assert told == [[True, False, True], [False], [True, False], [True]]
    assert [row["firstName"] for row in tenant.simulator.state.rows("users")] == ["Cy"]


async def test_a_requested_search_is_fetched_later(tenant: Tenant) -> None:
    user = await tenant.user("ana", userAliases=[{"value": "lund"}])
    asked = {"searchByAttributes": [{"name": "userId", "operator": "EQUALS", "value": "LUND"}]}
    _status, begun = await tenant.call("POST", "/api/web/v4/async/userspaged", asked)
    _status, state = await tenant.call("GET", f"/api/web/v4/async/userspaged/{begun['id']}/status")
    _status, found = await tenant.call("GET", f"/api/web/v4/async/userspaged/{begun['id']}/result")
    assert (begun["state"], state["state"]) == ("SCHEDULED", "COMPLETED")
    assert [row["id"] for row in found["results"]] == [user["id"]]


async def test_an_attribute_is_renamed_and_deleted_with_its_values(tenant: Tenant) -> None:
    path = "/api/web/v1/userattributes"
    _status, (first, _second) = await tenant.call("GET", path)
    user = await tenant.user("ana", userAttributeValues=[{"userAttributeId": first["id"], "value": "Sales"}])
    renamed = await tenant.call("PUT", f"{path}/{first['id']}", {"name": "Unit"})
    taken = await tenant.call("PUT", f"{path}/{first['id']}", {"name": "Cost centre"})
    await tenant.call("DELETE", f"{path}/{first['id']}")
    _status, shown = await tenant.call("GET", f"{USERS}/{user['id']}")
    assert (renamed[1]["name"], taken[0], shown["userAttributeValues"]) == ("Unit", 409, [])


def test_signatures_agree_with_a_worked_example() -> None:
    """The values come from another implementation of RFC 9421."""
    token, url = "whsec_test_0123456789abcdef0123456789abcdef", "https://bridge.example.org/hooks/entrust/main"
    body = (
        b'{"id":"770fa622-0000-4000-8000-000000000001","type":"user.updated",'
        b'"accountId":"7c9e6679-0000-4000-8000-000000000002","eventTime":"2026-01-15T10:00:00.000Z",'
        b'"data":{"entityType":"USERS","entityId":"b2c3d4e5-0000-4000-8000-000000000003","entityName":"jane"}}'
    )
    made = signed_headers(Options(signatures="both"), token, "wh_test", url, body, 1768471200.0)
    assert made["Content-Digest"] == "sha-256=:7/wHowXcsIbvcCY41bNr5zPiyvBJEYCybDBwWxagsXY=:"
    assert made["Signature"] == "sig=:ALqwm//MEolhKodqqFU7GIrLMWMKh3O3GwPsRVyYFdM=:"
    assert made["x-sha2-signature"] == "c8fdbfb07f2578eb68ed6b8dd9e8ed124680ce67238acb376f03669522056f51"


@pytest.mark.skipif(not SPEC.exists(), reason="the vendor's description is not here")
async def test_answers_have_the_names_and_types_of_the_vendors_description(tenant: Tenant) -> None:
    schemas = json.loads(SPEC.read_text())["components"]["schemas"]
    _status, (attribute, _other) = await tenant.call("GET", "/api/web/v1/userattributes")
    values = [{"userAttributeId": attribute["id"], "value": "x"}]
    user = await tenant.user("ana", email="a@x.example", userAttributeValues=values, userAliases=[{"value": "al"}])
    _status, hook = await tenant.hook()
    _status, page = await tenant.call("POST", "/api/web/v4/userspaged", {"limit": 1})
    _status, groups = await tenant.call("POST", "/api/web/v1/groupspaged", {})
    start = {"name": "eventTime", "operator": "GREATER_THAN", "value": "2020-01-01T00:00:00Z"}
    _status, audit = await tenant.call("POST", "/api/web/v2/reports/auditeventspaged", {"searchByAttributes": [start]})
    _status, refused = await tenant.call("POST", USERS, {})
    shown = {
        "User": user, "Webhook": hook, "UsersPage": page, "GroupsPage": groups, "AuditEventPage": audit,
        "ErrorInfo": refused, "UserAttribute": attribute,
    }  # fmt: skip
    assert [bad for name, value in shown.items() for bad in _complaints(value, schemas[name], schemas, name)] == []
    assert _complaints({"id": 1, "foo": 2, "state": "GONE"}, schemas["User"], schemas, "User") != []


def _complaints(value: Any, kind: dict[str, Any], schemas: dict[str, Any], path: str) -> list[str]:
    """Return names that are not described, required ones that are missing, and types that differ."""
    kind = schemas[kind["$ref"].rpartition("/")[2]] if "$ref" in kind else kind
    if kind.get("type") == "array":
        return [bad for one in value for bad in _complaints(one, kind["items"], schemas, f"{path}[]")]
    if "properties" in kind:
        known = kind["properties"]
        bad = [f"{path}.{name} is not described" for name in value if name not in known]
        bad += [f"{path}.{name} is missing" for name in kind.get("required", []) if name not in value]
        for name in value.keys() & known.keys():
            bad += _complaints(value[name], known[name], schemas, f"{path}.{name}")
        return bad
    types: dict[str, Any] = {"string": str, "integer": int, "boolean": bool}
    if not isinstance(value, types.get(kind.get("type", ""), object)) or value not in kind.get("enum", [value]):
        return [f"{path} is {value!r}"]
    return []
