"""Hooks and callbacks of the Pipedrive simulator."""

import pytest
from aiohttp.test_utils import TestClient, TestServer

from bridge.simulators.faults import CallbackFault
from bridge.simulators.pipedrive import Options, PipedriveSimulator
from bridge.simulators.world import World
from tests.simulators.doubles import Api, HandClock, Receiver, basic, settle


async def test_a_persons_edit_is_marked_app_and_an_edit_by_the_api_api(
    api: Api, pipedrive: PipedriveSimulator, receiver: Receiver
) -> None:
    await api.hook(event_object="deal", http_auth_user="u", http_auth_password="p")
    deal = pipedrive.person_creates("deals", {"title": "a"})
    await api.call("PATCH", f"/api/v2/deals/{deal['id']}", {"title": "b"})
    await pipedrive.idle()

    assert [(m["action"], m["change_source"], m["entity_id"]) for m in receiver.metas()] == [
        ("create", "app", "1"),
        ("change", "api", "1"),
    ]
    assert receiver.bodies()[0]["previous"] is None
    assert receiver.bodies()[0]["data"]["visible_to"] == "3"
    assert receiver.bodies()[1]["previous"] == {"title": "a"}
    assert receiver.seen[0][2]["Authorization"] == basic("u", "p")


async def test_custom_fields_are_typed_objects(api: Api, pipedrive: PipedriveSimulator, receiver: Receiver) -> None:
    code = pipedrive.field_code("deals", "Segment")
    deal = pipedrive.person_creates("deals", {"title": "a", "custom_fields": {code: 1}})
    await api.hook()
    pipedrive.person_edits("deals", deal["id"], {"custom_fields": {code: 2}})
    await pipedrive.idle()

    body = receiver.bodies()[0]
    assert body["data"]["custom_fields"][code] == {"type": "enum", "id": 2}
    assert body["previous"] == {"custom_fields": {code: {"type": "enum", "id": 1}}}


async def test_delete_carries_the_last_state_only(api: Api, pipedrive: PipedriveSimulator, receiver: Receiver) -> None:
    pipedrive.person_creates("organizations", {"name": "Acme", "address": {"value": "Main St 1"}})
    await api.hook(event_action="delete", event_object="organization")
    pipedrive.person_deletes("organizations", 1)
    await pipedrive.idle()

    assert receiver.bodies()[0]["data"] is None
    assert receiver.bodies()[0]["previous"]["address"] == "Main St 1"


async def test_a_merge_is_a_delete_and_a_change_that_name_each_other(
    api: Api, pipedrive: PipedriveSimulator, receiver: Receiver
) -> None:
    for name in ("Gone", "Stays"):
        pipedrive.person_creates("persons", {"name": name, "phones": [{"value": "1"}] if name == "Gone" else []})
    await api.hook(event_object="person")
    status, answer = await api.call("PUT", "/v1/persons/1/merge", {"merge_with_id": 2})
    await pipedrive.idle()

    gone, stays = receiver.metas()
    assert (status, answer["data"]["name"], answer["data"]["merge_what_id"]) == (200, "Stays", 1)
    assert answer["data"]["phone"][0]["value"] == "1"
    assert (gone["action"], gone["merged_to_id"]) == ("delete", "2")
    assert (stays["action"], stays["merged_from_id"]) == ("change", "1")
    assert gone["correlation_id"] == stays["correlation_id"]


async def test_an_edit_without_a_change_causes_no_callback(
    api: Api, pipedrive: PipedriveSimulator, receiver: Receiver
) -> None:
    pipedrive.person_creates("deals", {"title": "a"})
    await api.hook()
    await api.call("PATCH", "/api/v2/deals/1", {"title": "a"})
    await pipedrive.idle()

    assert receiver.seen == []


async def test_failed_deliveries_are_retried_after_3_30_and_150_seconds(
    api: Api, pipedrive: PipedriveSimulator, receiver: Receiver, clock: HandClock
) -> None:
    receiver.always = 500
    await api.hook()
    pipedrive.person_creates("deals", {"title": "a"})
    counts = []
    for seconds in (0, 3, 30, 150, 1000):
        await clock.advance(seconds)
        counts.append(len(receiver.seen))

    assert counts == [1, 2, 3, 4, 4]
    assert [meta["attempt"] for meta in receiver.metas()] == [1, 2, 3, 4]
    assert len({meta["id"] for meta in receiver.metas()}) == 1


async def test_ten_failed_first_tries_ban_a_hook_for_30_minutes_and_its_events_are_lost(
    api: Api, pipedrive: PipedriveSimulator, receiver: Receiver, clock: HandClock
) -> None:
    await api.hook()
    receiver.always = TimeoutError()
    for number in range(10):
        pipedrive.person_creates("deals", {"title": str(number)})
    await clock.advance(200)
    receiver.always, receiver.seen = 200, []
    pipedrive.person_creates("deals", {"title": "lost"})
    await clock.advance(1800)
    pipedrive.person_creates("deals", {"title": "after"})
    await settle()

    assert [body["data"]["title"] for body in receiver.bodies()] == ["after"]
    assert pipedrive.deliveries.counts["banned"] == 1


async def test_a_hook_without_success_for_three_days_is_deleted(
    api: Api, pipedrive: PipedriveSimulator, receiver: Receiver, clock: HandClock
) -> None:
    await api.hook()
    receiver.always = 503
    for day in range(4):
        pipedrive.person_creates("deals", {"title": str(day)})
        await clock.advance(86_400)

    _status, answer = await api.call("GET", "/v1/webhooks")
    assert answer["data"] == []


async def test_last_status_is_listed(api: Api, pipedrive: PipedriveSimulator, receiver: Receiver) -> None:
    await api.hook()
    receiver.answers = [204]
    pipedrive.person_creates("deals", {"title": "a"})
    await pipedrive.idle()

    _status, answer = await api.call("GET", "/v1/webhooks")
    assert answer["data"][0]["last_http_status"] == 204


async def test_a_version_1_hook_gets_the_old_body(api: Api, pipedrive: PipedriveSimulator, receiver: Receiver) -> None:
    await api.hook(version="1.0", event_action="updated", event_object="deal")
    pipedrive.person_creates("deals", {"title": "a"})
    pipedrive.person_edits("deals", 1, {"title": "b"})
    await pipedrive.idle()

    _after_the_create, body = receiver.bodies()
    assert (body["v"], body["event"], body["retry"]) == (1, "updated.deal", 0)
    assert (body["previous"]["title"], body["current"]["title"]) == ("a", "b")


async def test_version_1_reports_a_create_twice(api: Api, pipedrive: PipedriveSimulator, receiver: Receiver) -> None:
    await api.hook(version="1.0", event_object="deal")
    pipedrive.person_creates("deals", {"title": "a"})
    await pipedrive.idle()

    assert [body["event"] for body in receiver.bodies()] == ["added.deal", "updated.deal"]


@pytest.mark.parametrize(
    ("action", "events"),
    [
        ("merged", ["merged.person"]),
        ("deleted", ["deleted.person"]),
        ("*", ["merged.person", "deleted.person", "updated.person"]),
    ],
)
async def test_version_1_reports_a_merge_with_the_survivor_as_current(
    api: Api, pipedrive: PipedriveSimulator, receiver: Receiver, action: str, events: list[str]
) -> None:
    for name in ("gone", "stays"):
        pipedrive.person_creates("persons", {"name": name})
    await api.hook(version="1.0", event_action=action, event_object="person")
    pipedrive.person_merges("persons", 1, 2)
    await pipedrive.idle()

    assert [body["event"] for body in receiver.bodies()] == events
    for body in receiver.bodies():
        if body["event"] == "merged.person":
            assert (body["current"]["id"], body["previous"]["id"], body["meta"]["id"]) == (2, 1, 2)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"event_action": "added"}, "event_action"),
        ({"event_object": "activityType"}, "event_object"),
        ({"version": "3.0"}, "version"),
        ({"subscription_url": "not a url"}, "subscription_url"),
        ({"subscription_url": "https://x.pipedrive.com/v1"}, "subscription_url"),
        ({"name": ""}, "name"),
    ],
)
async def test_bad_hooks_are_refused_by_field(api: Api, changes: dict[str, str], key: str) -> None:
    body = {"name": "t", "subscription_url": "http://127.0.0.1/in", "event_action": "*", "event_object": "*", **changes}
    status, answer = await api.call("POST", "/v1/webhooks", body)

    assert status == 400
    assert list(answer["errors"]) == [key]


async def test_duplicates_are_accepted_up_to_forty_hooks(api: Api) -> None:
    for _number in range(40):
        await api.hook()

    body = {"name": "t", "subscription_url": "http://127.0.0.1/in", "event_action": "*", "event_object": "*"}
    status, _answer = await api.call("POST", "/v1/webhooks", body)
    assert status == 422


async def test_reordered_callbacks_arrive_in_another_order(
    api: Api, pipedrive: PipedriveSimulator, receiver: Receiver
) -> None:
    await api.hook()
    pipedrive.faults.callbacks.append(CallbackFault("reorder", window=3))
    for number in "123":
        pipedrive.person_creates("deals", {"title": number})
    await pipedrive.idle()

    titles = [body["data"]["title"] for body in receiver.bodies()]
    assert sorted(titles) == ["1", "2", "3"]
    assert titles != ["1", "2", "3"]


async def test_a_delayed_callback_waits_its_time(
    api: Api, pipedrive: PipedriveSimulator, receiver: Receiver, clock: HandClock
) -> None:
    await api.hook()
    pipedrive.faults.callbacks.append(CallbackFault("delay", seconds=60))
    pipedrive.person_creates("deals", {"title": "a"})
    await clock.advance(59)
    early = len(receiver.seen)
    await clock.advance(1)

    assert (early, len(receiver.seen)) == (0, 1)


async def test_a_removed_hook_gets_no_further_retry(
    api: Api, pipedrive: PipedriveSimulator, receiver: Receiver, clock: HandClock
) -> None:
    hook = await api.hook()
    receiver.always = 500
    pipedrive.person_creates("deals", {"title": "a"})
    await clock.advance(1)
    await api.call("DELETE", f"/v1/webhooks/{hook['id']}")
    await clock.advance(1000)

    assert len(receiver.seen) == 1


async def test_a_probed_url_that_does_not_answer_is_refused(world: World, receiver: Receiver) -> None:
    simulator = PipedriveSimulator(world, Options(probe_hooks=True))
    receiver.answers = [404]
    body = {"name": "t", "subscription_url": "http://127.0.0.1/in", "event_action": "*", "event_object": "*"}
    async with TestClient(TestServer(simulator.app)) as client:
        api = Api(client, "sandbox-token")
        refused, answer = await api.call("POST", "/v1/webhooks", body)
        taken, _answer = await api.call("POST", "/v1/webhooks", body)

    assert (refused, answer["errors"]) == (400, {"subscription_url": ["invalid or non-reachable URL"]})
    assert taken == 201
