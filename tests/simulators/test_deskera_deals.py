"""Sales deals, pipelines and custom field definitions of the Deskera simulator, over HTTP."""

import pytest

from bridge.simulators.world import World
from tests.simulators.deskera_calls import running


async def test_a_deal_lands_in_the_first_stage_with_an_empty_outcome(world: World) -> None:
    async with running(world) as deskera:
        number = await deskera.deal(amount=12.5, currency_code="SGD", closing_date="2020-05-02T08:14:19.607Z")
        _status, deal = await deskera.call("GET", f"/v1/crm/deals/{number}")

    assert (deal["pipeline_id"], deal["stage"]["name"], deal["amount"]) == (1, "Qualified", 12.5)
    assert deal["stage"]["won_lost_status"] == ""
    assert "id" not in deal["stage"]
    assert "updated_at" not in deal


async def test_the_outcome_is_in_the_pipeline_only_and_stages_embed_their_deals(world: World) -> None:
    async with running(world) as deskera:
        won = deskera.simulator.stage_id("Won")
        number = await deskera.deal(stage_id=won)
        _status, [pipeline] = await deskera.call("GET", "/v1/crm/deals/pipelines")
        _status, same = await deskera.call("GET", f"/v1/crm/deals/pipelines/{pipeline['id']}")
        _status, deal = await deskera.call("GET", f"/v1/crm/deals/{number}")

    stages = {stage["name"]: stage for stage in pipeline["stages"]}
    assert [stage["won_lost_status"] for stage in pipeline["stages"]] == ["open", "open", "won", "lost"]
    assert (stages["Qualified"]["deals"], stages["Won"]["deals"][0]["id"]) == (None, number)
    assert stages["Won"]["deals"][0]["stage"] is None
    assert (deal["stage_id"], deal["stage"]["won_lost_status"]) == (won, "")
    assert same == pipeline


async def test_closed_deals_are_listed_only_on_request(world: World) -> None:
    async with running(world) as deskera:
        await deskera.deal(name="open")
        await deskera.deal(name="lost", stage_id=deskera.simulator.stage_id("Lost"))
        _status, usual = await deskera.call("GET", "/v1/crm/deals")
        _status, everything = await deskera.call("GET", "/v1/crm/deals", show_closed_deals="true")

    assert [row["name"] for row in usual["data"]] == ["open"]
    assert [row["name"] for row in everything["data"]] == ["open", "lost"]


@pytest.mark.parametrize(("ignored", "second"), [(False, ["d10", "d11"]), (True, [f"d{n}" for n in range(10)])])
async def test_pages_of_ten_and_a_service_that_ignores_the_page(world: World, ignored: bool, second: list[str]) -> None:
    async with running(world, ignore_deal_page=ignored) as deskera:
        for number in range(12):
            await deskera.deal(name=f"d{number}")
        _status, first = await deskera.call("GET", "/v1/crm/deals")
        _status, next_page = await deskera.call("GET", "/v1/crm/deals", page="2")

    sizes = ("page", "number_of_elements", "size_per_page", "total_pages", "number_of_records")
    assert [first[key] for key in sizes] == [1, 10, 10, 2, 12]
    assert [row["name"] for row in next_page["data"]] == second


@pytest.mark.parametrize(
    ("query", "names"),
    [({"pipeline_id": "2"}, ["b"]), ({"contact_id": "1"}, ["a"]), ({"deal_ids": "2,9"}, ["b"])],
)
async def test_list_filters(world: World, query: dict[str, str], names: list[str]) -> None:
    async with running(world) as deskera:
        made = {"name": "Second", "stages": [{"name": "Start", "won_lost_status": "open"}]}
        await deskera.call("POST", "/v1/crm/deals/pipelines", made)
        ann = await deskera.contact()
        await deskera.deal(name="a", contact_id=ann["id"])
        await deskera.deal(name="b", pipeline_id=2)
        _status, answer = await deskera.call("GET", "/v1/crm/deals", **query)

    assert [row["name"] for row in answer["data"]] == names


async def test_put_answers_the_id_and_delete_204(world: World) -> None:
    async with running(world) as deskera:
        number = await deskera.deal(reason="why")
        put = await deskera.call("PUT", f"/v1/crm/deals/{number}", {"name": "Wall"})
        _status, deal = await deskera.call("GET", f"/v1/crm/deals/{number}")
        deleted = await deskera.call("DELETE", f"/v1/crm/deals/{number}")
        gone, _body = await deskera.call("GET", f"/v1/crm/deals/{number}")

    assert put == (200, {"id": number, "success": True})
    assert (deal["name"], deal["reason"]) == ("Wall", "")
    assert (deleted, gone) == ((204, None), 404)


async def test_deleted_deals_can_be_flagged_instead(world: World) -> None:
    async with running(world, flag_deleted_deals=True) as deskera:
        number = await deskera.deal()
        await deskera.call("DELETE", "/v1/crm/deals", {"ids": [number]})
        status, deal = await deskera.call("GET", f"/v1/crm/deals/{number}")
        _status, listed = await deskera.call("GET", "/v1/crm/deals")

    assert (status, deal["is_deleted"], listed["data"]) == (200, True, [])


async def test_several_are_edited_at_once(world: World) -> None:
    async with running(world) as deskera:
        ids = [await deskera.deal(), await deskera.deal()]
        body = {"ids": ids, "stage_id": deskera.simulator.stage_id("Proposal"), "reason": "r"}
        answer = await deskera.call("PATCH", "/v1/crm/deals", body)
        _status, listed = await deskera.call("GET", "/v1/crm/deals")

    assert answer == (200, ids)
    assert {(row["stage"]["name"], row["reason"]) for row in listed["data"]} == {("Proposal", "r")}


async def test_contact_zero_with_a_name_finds_or_creates_the_person(world: World) -> None:
    async with running(world) as deskera:
        ann = await deskera.contact(name="Ann")
        first = await deskera.deal(contact_id=0, contact_name="Ann")
        second = await deskera.deal(contact_id=0, contact_name="New")
        _status, found = await deskera.call("GET", f"/v1/crm/deals/{first}")
        _status, made = await deskera.call("GET", f"/v1/crm/deals/{second}")
        _status, people = await deskera.call("GET", "/v1/crm/contacts")

    assert found["contact_id"] == ann["id"]
    assert made["contact_id"] not in (0, ann["id"])
    assert [row["name"] for row in people["data"]] == ["Ann", "New"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"stage_id": 99}, "stage_id"),
        ({"pipeline_id": 99}, "pipeline_id"),
        ({"contact_id": 99}, "contact_id"),
        ({"amount": "12"}, "amount"),
        ({"closing_date": "25-10-2019"}, "closing_date"),
        ({"status": True}, "status"),
    ],
)
async def test_bad_deals_name_the_field(world: World, body: dict[str, object], field: str) -> None:
    async with running(world) as deskera:
        status, answer = await deskera.call("POST", "/v1/crm/deals", {"name": "x"} | body)

    assert status == 400
    assert [error["field"] for error in answer["errors"]] == [field]


async def test_a_stage_must_belong_to_the_pipeline_named_with_it(world: World) -> None:
    async with running(world) as deskera:
        status, made = await deskera.call("POST", "/v1/crm/deals/pipelines", {"name": "B", "stages": [{"name": "s"}]})
        refused, _body = await deskera.call("POST", "/v1/crm/deals", {"name": "x", "pipeline_id": 2, "stage_id": 1})

    assert (status, made, refused) == (201, {"Success": True, "Id": 2}, 400)


async def test_replacing_a_pipeline_keeps_named_stages_and_used_ones_cannot_be_removed(world: World) -> None:
    async with running(world) as deskera:
        await deskera.deal(stage_id=1)
        keep = {"name": "Sales 2", "stages": [{"id": 1, "name": "First"}, {"name": "New"}]}
        kept, _body = await deskera.call("PUT", "/v1/crm/deals/pipelines/1", keep)
        _status, pipeline = await deskera.call("GET", "/v1/crm/deals/pipelines/1")
        used, _body = await deskera.call("DELETE", "/v1/crm/deals/pipelines/stages/1")
        free, _body = await deskera.call("DELETE", "/v1/crm/deals/pipelines/stages/5")

    assert [(stage["id"], stage["name"]) for stage in pipeline["stages"]] == [(1, "First"), (5, "New")]
    assert (kept, pipeline["name"], used, free) == (200, "Sales 2", 400, 204)


async def test_custom_fields_of_deals_and_their_definitions(world: World) -> None:
    async with running(world) as deskera:
        number = await deskera.deal(custom_field=[{"code": "SEGMENT", "value": "Silver"}])
        _status, deal = await deskera.call("GET", f"/v1/crm/deals/{number}")
        _status, page = await deskera.call("GET", "/v1/dimension")
        _status, one = await deskera.call("GET", "/v1/dimension/code", code="SEGMENT")
        _status, several = await deskera.call("POST", "/v1/dimension/codes", ["PIPEDRIVE_ID", "NOPE"])

    assert deal["custom_field"][0]["value"] == "Silver"
    assert "c_field" not in deal
    assert (page["totalElements"], page["last"], page["number"]) == (2, True, 0)
    assert [item["value"] for item in one["attributes"]] == ["Gold", "Silver", "Bronze"]
    assert one["modules"] == ["CONTACT", "DEAL"]
    assert [row["fieldType"] for row in several] == ["TEXT"]
