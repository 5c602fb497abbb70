"""Leads, notes and activities of the Pipedrive simulator, over HTTP."""

import pytest

from bridge.simulators.pipedrive import PipedriveSimulator
from tests.simulators.doubles import Api, HandClock, Receiver


async def test_a_lead_needs_a_person_or_an_organization(api: Api) -> None:
    status, answer = await api.call("POST", "/v1/leads", {"title": "Roof"})

    assert status == 400
    assert "person_id or organization_id must be given" in answer["error"]


async def test_a_lead_has_a_uuid_and_shows_only_custom_fields_that_are_set(
    api: Api, pipedrive: PipedriveSimulator
) -> None:
    segment = pipedrive.field_code("deals", "Segment")
    other = pipedrive.field_code("deals", "Deskera ID")
    option = pipedrive.state.fields["deal"][segment]["options"][1]["id"]
    lead = await api.make("/v1/leads", {"title": "Roof", "person_id": 4, segment: str(option)})

    assert len(lead["id"]) == 36
    assert (lead[segment], lead["origin"], lead["source_name"]) == (option, "API", "API")
    assert other not in lead
    assert lead["add_time"].endswith(".000Z")


async def test_a_leads_money_is_two_keys_at_the_root(api: Api, pipedrive: PipedriveSimulator) -> None:
    fee = str(pipedrive.state.add_field("deal", "Fee", "monetary", [])["field_code"])
    lead = await api.make("/v1/leads", {"title": "Roof", "person_id": 4, fee: 10.5, f"{fee}_currency": "NOK"})

    assert (lead[fee], lead[f"{fee}_currency"]) == (10.5, "NOK")


async def test_an_archived_lead_moves_to_the_other_list_and_is_not_edited(api: Api) -> None:
    lead = await api.make("/v1/leads", {"title": "Roof", "person_id": 4})
    path = f"/v1/leads/{lead['id']}"
    await api.call("PATCH", path, {"is_archived": True})

    _status, live = await api.call("GET", "/v1/leads")
    _status, archived = await api.call("GET", "/v1/leads/archived")
    refused, _answer = await api.call("PATCH", path, {"title": "Wall"})
    back, _answer = await api.call("PATCH", path, {"is_archived": False})

    assert live["data"] is None
    assert [row["id"] for row in archived["data"]] == [lead["id"]]
    assert (refused, back) == (403, 200)


async def test_a_deleted_lead_is_unknown(api: Api) -> None:
    lead = await api.make("/v1/leads", {"title": "Roof", "person_id": 4})
    _status, gone = await api.call("DELETE", f"/v1/leads/{lead['id']}")
    status, answer = await api.call("GET", f"/v1/leads/{lead['id']}")

    assert gone["data"] == {"id": lead["id"]}
    assert (status, answer["error"]) == (404, "requested lead not found")


async def test_notes_accept_flags_as_numbers_and_show_booleans_and_plain_times(api: Api) -> None:
    note = await api.make("/v1/notes", {"content": "x", "deal_id": 3, "pinned_to_deal_flag": 1})
    _status, changed = await api.call("PUT", f"/v1/notes/{note['id']}", {"pinned_to_deal_flag": 0})
    _status, gone = await api.call("DELETE", f"/v1/notes/{note['id']}")

    assert note["pinned_to_deal_flag"] is True
    assert changed["data"]["pinned_to_deal_flag"] is False
    assert changed["data"]["content"] == "x"
    assert note["add_time"][10] == " "
    assert gone["data"] is True


async def test_a_note_without_a_link_is_refused(api: Api) -> None:
    status, answer = await api.call("POST", "/v1/notes", {"content": "x"})

    assert (status, answer["success"], answer["data"]) == (400, False, None)


async def test_pages_by_offset_name_the_next_offset(api: Api) -> None:
    for number in range(5):
        await api.make("/v1/notes", {"content": str(number), "deal_id": 1})
    _status, first = await api.call("GET", "/v1/notes", start="0", limit="3", sort="id DESC")
    _status, last = await api.call("GET", "/v1/notes", start="3", limit="3", sort="id DESC")

    assert [row["content"] for row in first["data"] + last["data"]] == ["4", "3", "2", "1", "0"]
    assert first["additional_data"]["pagination"] == {
        "start": 0,
        "limit": 3,
        "more_items_in_collection": True,
        "next_start": 3,
    }
    assert last["additional_data"]["pagination"]["more_items_in_collection"] is False


@pytest.mark.parametrize("query", [{"sort": "colour ASC"}, {"limit": "501"}, {"start": "x"}, {"updated_since": "now"}])
async def test_an_unsupported_list_parameter_is_refused(api: Api, query: dict[str, str]) -> None:
    status, _answer = await api.call("GET", "/v1/notes", **query)

    assert status == 400


async def test_the_primary_participant_is_the_activitys_person(api: Api) -> None:
    people = [{"person_id": 4, "primary": False}, {"person_id": 9, "primary": True}]
    activity = await api.make("/api/v2/activities", {"subject": "Ring", "participants": people})
    status, answer = await api.call("PATCH", f"/api/v2/activities/{activity['id']}", {"person_id": 4})

    assert activity["person_id"] == 9
    assert status == 400
    assert "person_id" in answer["error"]


async def test_a_done_activity_shows_its_time(api: Api, clock: HandClock) -> None:
    activity = await api.make("/api/v2/activities", {"subject": "Ring"})
    await clock.advance(60)
    _status, done = await api.call("PATCH", f"/api/v2/activities/{activity['id']}", {"done": True})

    assert activity["marked_as_done_time"] is None
    assert done["data"]["marked_as_done_time"] == done["data"]["update_time"]


async def test_hooks_of_version_2_report_leads_and_those_of_version_1_do_not(
    api: Api, pipedrive: PipedriveSimulator, receiver: Receiver
) -> None:
    await api.hook(event_object="lead")
    await api.hook(version="1.0")
    lead = await api.make("/v1/leads", {"title": "Roof", "person_id": 4})
    await pipedrive.idle()

    assert [(meta["entity"], meta["entity_id"]) for meta in receiver.metas()] == [("lead", lead["id"])]
    assert receiver.bodies()[0]["data"]["title"] == "Roof"


async def test_activity_and_note_events_have_their_own_words(
    api: Api, pipedrive: PipedriveSimulator, receiver: Receiver
) -> None:
    await api.hook()
    await api.make("/api/v2/activities", {"subject": "Ring", "due_time": "09:30"})
    await api.make("/v1/notes", {"content": "x", "deal_id": 3})
    await pipedrive.idle()

    activity, note = (body["data"] for body in receiver.bodies())
    assert (activity["active_flag"], activity["busy_flag"], activity["due_time"]["value"]) == (True, False, "09:30")
    assert (note["content"], note["active_flag"]) == ("x", True)


async def test_a_merge_moves_leads_notes_and_activities(api: Api) -> None:
    gone, stays = [(await api.make("/api/v2/persons", {"name": name}))["id"] for name in ("gone", "stays")]
    lead = await api.make("/v1/leads", {"title": "Roof", "person_id": gone})
    note = await api.make("/v1/notes", {"content": "x", "person_id": gone})
    people = [{"person_id": gone, "primary": True}, {"person_id": 99, "primary": False}]
    activity = await api.make("/api/v2/activities", {"subject": "Ring", "participants": people})
    await api.call("PUT", f"/v1/persons/{gone}/merge", {"merge_with_id": stays})

    for path in (f"/v1/leads/{lead['id']}", f"/v1/notes/{note['id']}", f"/api/v2/activities/{activity['id']}"):
        _status, answer = await api.call("GET", path)
        assert answer["data"]["person_id"] == stays, path
    assert [who["person_id"] for who in answer["data"]["participants"]] == [stays, 99]
