"""Calls of the vendor's clients besides records: fields, filters, followers, histories, conversions, statistics."""

import pytest

from bridge.simulators.pipedrive import PipedriveSimulator
from tests.simulators.doubles import Api, HandClock, Receiver


async def test_options_of_a_field_are_added_renamed_and_deleted(api: Api, pipedrive: PipedriveSimulator) -> None:
    code = pipedrive.field_code("deals", "Segment")
    path, large = f"/api/v2/dealFields/{code}", pipedrive.state.fields["deal"][code]["options"][2]["id"]
    _status, added = await api.call("POST", f"{path}/options", [{"label": "Huge"}])
    huge = added["data"][0]["id"]
    await api.call("PATCH", f"{path}/options", [{"id": huge, "label": "Giant"}])
    _status, gone = await api.call("DELETE", f"{path}/options", [{"id": large}])
    _status, field = await api.call("GET", path)

    assert [one["label"] for one in gone["data"]] == ["Large"]
    assert [one["label"] for one in field["data"]["options"]] == ["Small", "Medium", "Giant"]


async def test_version_1_has_the_same_field_under_a_number(api: Api, pipedrive: PipedriveSimulator) -> None:
    made = (await api.call("POST", "/v1/personFields", {"name": "Rank", "field_type": "varchar"}))[1]["data"]
    _status, renamed = await api.call("PUT", f"/v1/personFields/{made['id']}", {"name": "Place"})
    _status, field = await api.call("GET", f"/api/v2/personFields/{made['key']}")

    assert (renamed["data"]["name"], field["data"]["field_name"]) == ("Place", "Place")
    assert pipedrive.field_code("persons", "Place") == made["key"]


async def test_built_in_fields_are_not_renamed_or_deleted(api: Api) -> None:
    renamed, _answer = await api.call("PATCH", "/api/v2/dealFields/title", {"field_name": "Name"})
    deleted, _answer = await api.call("DELETE", "/api/v2/dealFields/title")

    assert (renamed, deleted) == (403, 404)


async def test_a_filter_passes_the_records_of_its_conditions(api: Api) -> None:
    for title, value in (("Small", 5), ("Large", 500)):
        await api.make("/api/v2/deals", {"title": title, "value": value})
    fields = (await api.call("GET", "/v1/dealFields?limit=500"))[1]["data"]
    number = next(field["id"] for field in fields if field["key"] == "value")
    row = {"object": "deal", "field_id": str(number), "operator": ">", "value": "100"}
    conditions = {"glue": "and", "conditions": [{"glue": "and", "conditions": [row]}, {"glue": "or", "conditions": []}]}
    body = {"name": "Large ones", "type": "deals", "conditions": conditions}
    made = (await api.call("POST", "/v1/filters", body))[1]["data"]
    _status, found = await api.call("GET", f"/api/v2/deals?filter_id={made['id']}")
    status, _answer = await api.call("GET", f"/api/v2/persons?filter_id={made['id']}")
    refused, _answer = await api.call("POST", "/v1/filters", {**body, "conditions": {"glue": "and"}})

    assert [deal["title"] for deal in found["data"]] == ["Large"]
    assert made["conditions"]["conditions"][0]["conditions"][0]["field_code"] == "value"
    assert (status, refused) == (404, 400)  # it is a filter of deals


async def test_include_fields_counts_the_parts_of_a_record(api: Api) -> None:
    person = await api.make("/api/v2/persons", {"name": "Ana"})
    deal = await api.make("/api/v2/deals", {"title": "x", "person_id": person["id"]})
    for done in (True, False):
        await api.make("/api/v2/activities", {"subject": "Ring", "deal_id": deal["id"], "done": done})
    await api.make("/v1/notes", {"content": "x", "deal_id": deal["id"]})
    asked = "activities_count,done_activities_count,notes_count,participants_count"
    _status, shown = await api.call("GET", f"/api/v2/deals/{deal['id']}?include_fields={asked}")
    _status, of_person = await api.call("GET", f"/api/v2/persons/{person['id']}?include_fields=open_deals_count")
    refused, _answer = await api.call("GET", "/api/v2/deals?include_fields=people_count")

    assert [shown["data"][name] for name in asked.split(",")] == [2, 1, 1, 1]
    assert (of_person["data"]["open_deals_count"], refused) == (1, 400)
    assert "notes_count" not in (await api.call("GET", f"/api/v2/deals/{deal['id']}"))[1]["data"]


@pytest.mark.parametrize(("query", "subjects"), [("done=true", ["B"]), ("done=false", ["A"]), ("lead_id=u-1", ["A"])])
async def test_activities_are_listed_by_done_and_by_lead(api: Api, query: str, subjects: list[str]) -> None:
    await api.make("/api/v2/activities", {"subject": "A", "lead_id": "u-1", "due_date": "2026-02-01"})
    await api.make("/api/v2/activities", {"subject": "B", "done": True, "due_date": "2026-01-01"})
    _status, found = await api.call("GET", f"/api/v2/activities?{query}")
    _status, by_day = await api.call("GET", "/api/v2/activities?sort_by=due_date")

    assert [row["subject"] for row in found["data"]] == subjects
    assert [row["subject"] for row in by_day["data"]] == ["B", "A"]


async def test_pages_sorted_by_a_number_are_consecutive(api: Api) -> None:
    seen: list[int] = []
    cursor = ""
    while True:
        _status, page = await api.call("GET", f"/api/v2/stages?sort_by=order_nr&sort_direction=desc&limit=3{cursor}")
        seen += [row["order_nr"] for row in page["data"]]
        if page["additional_data"]["next_cursor"] is None:
            break
        cursor = f"&cursor={page['additional_data']['next_cursor']}"

    assert seen == [4, 3, 2, 1]


async def test_a_changelog_lists_the_newest_change_first_and_keeps_a_hundred(api: Api, clock: HandClock) -> None:
    deal = await api.make("/api/v2/deals", {"title": "0"})
    for number in range(1, 103):
        await clock.advance(1)
        await api.call("PATCH", f"/api/v2/deals/{deal['id']}", {"title": str(number)})
    _status, log = await api.call("GET", f"/v1/deals/{deal['id']}/changelog?limit=500")
    _status, flow = await api.call("GET", f"/v1/deals/{deal['id']}/flow?items=dealChange&limit=500")

    assert [(row["old_value"], row["new_value"]) for row in log["data"][:2]] == [("101", "102"), ("100", "101")]
    assert len(log["data"]) == 100
    assert flow["data"][-1]["data"]["field_key"] == "add_time"


async def test_recents_show_changes_since_a_time(api: Api, clock: HandClock) -> None:
    await api.make("/api/v2/persons", {"name": "Old"})
    await clock.advance(60)
    await api.make("/v1/notes", {"content": "x", "person_id": 1})
    since = "2027-01-15 08:00:30"
    _status, found = await api.call("GET", f"/v1/recents?since_timestamp={since}")
    _status, none = await api.call("GET", f"/v1/recents?since_timestamp={since}&items=person")

    assert [(row["item"], row["data"]["content"]) for row in found["data"]] == [("note", "x")]
    assert none["data"] is None


async def test_a_lead_becomes_a_deal_and_is_gone(api: Api, receiver: Receiver, pipedrive: PipedriveSimulator) -> None:
    person = await api.make("/api/v2/persons", {"name": "Ana"})
    value = {"amount": 7, "currency": "NOK"}
    lead = await api.make("/v1/leads", {"title": "Fair", "person_id": person["id"], "value": value})
    note = await api.make("/v1/notes", {"content": "x", "lead_id": lead["id"]})
    await api.hook()
    path = f"/api/v2/leads/{lead['id']}/convert"
    _status, asked = await api.call("POST", f"{path}/deal", {"stage_id": 2})
    _status, state = await api.call("GET", f"{path}/status/{asked['data']['conversion_id']}")
    _status, deal = await api.call("GET", f"/api/v2/deals/{state['data']['deal_id']}")
    gone, _answer = await api.call("GET", f"/v1/leads/{lead['id']}")
    again, _answer = await api.call("POST", f"{path}/deal", {})
    await pipedrive.idle()

    shown = {key: deal["data"][key] for key in ("title", "value", "currency", "stage_id", "source_lead_id")}
    assert shown == {"title": "Fair", "value": 7, "currency": "NOK", "stage_id": 2, "source_lead_id": lead["id"]}
    assert (state["data"]["status"], gone, again) == ("completed", 404, 404)
    assert (await api.call("GET", f"/v1/notes/{note['id']}"))[1]["data"]["deal_id"] == deal["data"]["id"]
    told = [(meta["entity"], meta["action"]) for meta in receiver.metas()]
    assert told == [("deal", "create"), ("note", "change"), ("lead", "delete")]


async def test_a_search_finds_notes_and_names_the_related_records(api: Api) -> None:
    org = await api.make("/api/v2/organizations", {"name": "Acme"})
    person = await api.make("/api/v2/persons", {"name": "Ana", "org_id": org["id"]})
    lead = await api.make("/v1/leads", {"title": "Fair", "person_id": person["id"]})
    await api.make("/v1/notes", {"content": "Likes red", "lead_id": lead["id"]})
    _status, found = await api.call("GET", "/api/v2/leads/search?term=likes")
    _status, old = await api.call("GET", "/v1/leads/search?term=likes&limit=1")
    _status, people = await api.call("GET", "/api/v2/itemSearch?term=ana&search_for_related_items=true")

    (item,) = (row["item"] for row in found["data"]["items"])
    assert (item["id"], item["notes"], item["person"]["name"]) == (lead["id"], ["Likes red"], "Ana")
    assert old["data"]["items"][0]["item"]["id"] == lead["id"]
    assert people["data"]["items"][0]["item"]["organization"]["name"] == "Acme"
    assert [row["item"]["id"] for row in people["data"]["related_items"]] == [lead["id"]]


async def test_both_versions_show_the_same_followers(api: Api, pipedrive: PipedriveSimulator) -> None:
    user = pipedrive.state.colleague_id
    person = await api.make("/api/v2/persons", {"name": "Ana"})
    path = f"persons/{person['id']}/followers"
    _status, made = await api.call("POST", f"/v1/{path}", {"user_id": user})
    _status, new = await api.call("GET", f"/api/v2/{path}")
    await api.call("DELETE", f"/api/v2/{path}/{user}")
    _status, changes = await api.call("GET", f"/api/v2/{path}/changelog")
    _status, left = await api.call("GET", f"/v1/{path}")

    assert (made["data"]["person_id"], [row["user_id"] for row in new["data"]]) == (person["id"], [user])
    assert [row["action"] for row in changes["data"]] == ["removed", "added"]
    assert left["data"] == []


async def test_the_parts_of_a_purged_record_are_deleted(
    api: Api, pipedrive: PipedriveSimulator, clock: HandClock
) -> None:
    deal = await api.make("/api/v2/deals", {"title": "x"})
    path = f"/api/v2/deals/{deal['id']}"
    part = {"description": "Half", "amount": 5, "billing_date": "2026-12-24"}
    await api.call("POST", f"{path}/installments", part)
    await api.call("PATCH", path, {"title": "y"})
    await api.call("DELETE", path)
    await clock.advance(31 * 86400)
    await api.call("GET", "/api/v2/deals")

    assert pipedrive.state.belongings == {}
    assert pipedrive.state.history == {}
