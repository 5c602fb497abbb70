"""Records, validation, paging and searches of the Pipedrive simulator, over HTTP."""

import pytest

from bridge.simulators.pipedrive import PipedriveSimulator
from tests.simulators.doubles import Api, HandClock


async def test_a_deal_lands_in_the_first_stage_and_shows_every_custom_field(api: Api) -> None:
    deal = await api.make("/api/v2/deals", {"title": "Roof"})

    assert (deal["pipeline_id"], deal["stage_id"], deal["status"]) == (1, 1, "open")
    assert len(deal["custom_fields"]) == 2
    assert set(deal["custom_fields"].values()) == {None}


async def test_creating_a_product_answers_201(api: Api) -> None:
    status, _answer = await api.call("POST", "/api/v2/products", {"name": "Bolt"})

    assert status == 201


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"title": "x", "value": "1"}, "value: must be a number"),
        ({"title": "x", "nope": 1}, "nope: Parameter 'nope' is not allowed for this request"),
        ({"title": "x", "add_time": "2026-01-01T00:00:00Z"}, "add_time: Parameter 'add_time' is not allowed"),
        ({"title": "x", "is_archived": 1}, "is_archived: must be a boolean"),
        ({"value": 1}, "title: is required"),
        ({"title": "x", "status": "deleted"}, "status: must be one of [open, won, lost]"),
    ],
)
async def test_strict_validation_names_the_field(api: Api, body: dict[str, object], complaint: str) -> None:
    status, answer = await api.call("POST", "/api/v2/deals", body)

    assert status == 400
    assert answer["code"] == "ERR_SCHEMA_VALIDATION_FAILED"
    assert answer["error"].startswith("Validation failed: " + complaint)


async def test_enum_accepts_known_option_ids_only_and_null_clears(api: Api, pipedrive: PipedriveSimulator) -> None:
    code = pipedrive.field_code("deals", "Segment")
    _status, answer = await api.call("GET", f"/api/v2/dealFields/{code}")
    option = answer["data"]["options"][1]["id"]
    deal = await api.make("/api/v2/deals", {"title": "x", "custom_fields": {code: option}})

    bad, _answer = await api.call("PATCH", f"/api/v2/deals/{deal['id']}", {"custom_fields": {code: 999}})
    good, cleared = await api.call("PATCH", f"/api/v2/deals/{deal['id']}", {"custom_fields": {code: None}})

    assert (deal["custom_fields"][code], bad, good) == (option, 400, 200)
    assert cleared["data"]["custom_fields"][code] is None


async def test_an_empty_set_is_refused(api: Api, pipedrive: PipedriveSimulator) -> None:
    code = pipedrive.state.add_field("person", "Tags", "set", ["a", "b"])["field_code"]

    status, _answer = await api.call("POST", "/api/v2/persons", {"name": "x", "custom_fields": {code: []}})

    assert status == 400


async def test_first_email_becomes_primary_and_gets_a_label(api: Api) -> None:
    person = await api.make("/api/v2/persons", {"name": "Ann Lee", "emails": [{"value": "a@x.test"}, {"value": "b"}]})

    assert person["emails"] == [
        {"value": "a@x.test", "primary": True, "label": "work"},
        {"value": "b", "primary": False, "label": "work"},
    ]
    assert (person["first_name"], person["last_name"]) == ("Ann", "Lee")


async def test_a_deleted_record_is_shown_as_deleted_leaves_lists_and_is_purged_after_30_days(
    api: Api, clock: HandClock
) -> None:
    person = await api.make("/api/v2/persons", {"name": "x"})
    await api.call("DELETE", f"/api/v2/persons/{person['id']}")

    status, shown = await api.call("GET", f"/api/v2/persons/{person['id']}")
    _status, listed = await api.call("GET", "/api/v2/persons")
    edit, _answer = await api.call("PATCH", f"/api/v2/persons/{person['id']}", {"name": "y"})
    await clock.advance(31 * 86400)
    gone, _answer = await api.call("GET", f"/api/v2/persons/{person['id']}")

    assert (status, shown["data"]["is_deleted"], listed["data"], edit, gone) == (200, True, [], 404, 404)


async def test_updated_since_is_inclusive_and_refuses_fractions(api: Api, clock: HandClock) -> None:
    old = await api.make("/api/v2/persons", {"name": "old"})
    await clock.advance(10)
    new = await api.make("/api/v2/persons", {"name": "new"})

    _status, answer = await api.call("GET", "/api/v2/persons", updated_since=new["update_time"])
    _status, both = await api.call("GET", "/api/v2/persons", updated_since=old["update_time"])
    bad, refusal = await api.call("GET", "/api/v2/persons", updated_since="2026-01-01T00:00:00.123Z")

    assert [row["name"] for row in answer["data"]] == ["new"]
    assert len(both["data"]) == 2
    assert (bad, refusal["code"]) == (400, "ERR_SCHEMA_VALIDATION_FAILED")


async def test_ids_leaves_out_missing_ones_and_accepts_at_most_100(api: Api) -> None:
    for name in "abc":
        await api.make("/api/v2/organizations", {"name": name})

    _status, answer = await api.call("GET", "/api/v2/organizations", ids="1,3,99")
    bad, _answer = await api.call("GET", "/api/v2/organizations", ids=",".join(str(n) for n in range(1, 102)))

    assert [row["id"] for row in answer["data"]] == [1, 3]
    assert bad == 400


async def test_archived_deals_are_listed_separately_and_cannot_be_edited(api: Api) -> None:
    deal = await api.make("/api/v2/deals", {"title": "x"})
    await api.call("PATCH", f"/api/v2/deals/{deal['id']}", {"is_archived": True})

    _status, normal = await api.call("GET", "/api/v2/deals")
    _status, archived = await api.call("GET", "/api/v2/deals/archived")
    status, _answer = await api.call("PATCH", f"/api/v2/deals/{deal['id']}", {"title": "y"})

    assert (normal["data"], [row["id"] for row in archived["data"]], status) == ([], [deal["id"]], 403)


async def test_status_deleted_lists_deleted_deals(api: Api) -> None:
    await api.make("/api/v2/deals", {"title": "x"})
    await api.call("DELETE", "/api/v2/deals/1")

    _status, answer = await api.call("GET", "/api/v2/deals", status="open,deleted")

    assert [row["is_deleted"] for row in answer["data"]] == [True]


async def test_winning_sets_times_and_reopening_clears_them(api: Api) -> None:
    deal = await api.make("/api/v2/deals", {"title": "x"})
    path = f"/api/v2/deals/{deal['id']}"

    _status, won = await api.call("PATCH", path, {"status": "won"})
    _status, again = await api.call("PATCH", path, {"status": "open"})

    assert won["data"]["won_time"] == won["data"]["close_time"] == "2027-01-15T08:00:00Z"
    assert (again["data"]["won_time"], again["data"]["close_time"]) == (None, None)


async def test_search_ignores_case_and_field_search_does_not(api: Api, pipedrive: PipedriveSimulator) -> None:
    code = pipedrive.field_code("persons", "Deskera ID")
    await api.make("/api/v2/persons", {"name": "Ann", "emails": [{"value": "A@x.test"}], "custom_fields": {code: "K1"}})

    _s, by_mail = await api.call("GET", "/api/v2/persons/search", term="a@X.test", fields="email", exact_match="true")
    field = {"entity_type": "person", "field": code, "match": "exact"}
    _s, exact = await api.call("GET", "/api/v2/itemSearch/field", term="K1", **field)
    _s, lower = await api.call("GET", "/api/v2/itemSearch/field", term="k1", **field)

    assert by_mail["data"]["items"][0]["item"]["emails"] == ["A@x.test"]
    assert exact["data"] == [{"id": 1, code: "K1"}]
    assert lower["data"] == []


async def test_search_lags_behind_reads(api: Api, pipedrive: PipedriveSimulator, clock: HandClock) -> None:
    pipedrive.faults.search_lag = 5
    await api.make("/api/v2/persons", {"name": "Ann"})

    _s, listed = await api.call("GET", "/api/v2/persons")
    _s, early = await api.call("GET", "/api/v2/persons/search", term="Ann")
    await clock.advance(5)
    _s, late = await api.call("GET", "/api/v2/persons/search", term="Ann")

    assert (len(listed["data"]), len(early["data"]["items"]), len(late["data"]["items"])) == (1, 0, 1)


async def test_unknown_custom_field_is_refused_by_name(api: Api) -> None:
    status, answer = await api.call("POST", "/api/v2/persons", {"name": "x", "custom_fields": {"f" * 40: "v"}})

    assert status == 400
    assert "f" * 40 in answer["error"]
