"""The agents of the SuperOffice simulator: how they are called, and that they and REST show the same records."""

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.simulators.world import World
from tests.simulators.doubles import Receiver
from tests.simulators.superoffice_calls import HOOK_URL, Calls, received, running
from tests.simulators.test_superoffice_simulator_spec import complaints

SPEC = Path(__file__).parents[2].parent / "shared/specs/superoffice.rest-v1.swagger.json"


async def ask(calls: Calls, method: str, body: Any = None, **query: str) -> Any:
    """Return the result of an agent's method; None for a method without a result."""
    status, answer = await calls.call("POST", f"/Agents/{method}", body, **query)
    assert status in (200, 204), (method, status, answer)
    return answer


async def test_a_record_saved_by_an_agent_is_the_one_rest_shows(world: World) -> None:
    async with running(world) as calls:
        fresh = await ask(calls, "Contact/CreateDefaultContactEntity")
        made = await ask(calls, "Contact/SaveContactEntity", {**fresh, "Name": "Fjord AS", "OrgNr": "911"})
        number = made["ContactId"]
        await calls.call("PATCH", f"/Contact/{number}", {"Department": "Oslo"})
        shown = await ask(calls, "Contact/GetContactEntity", contactEntityId=str(number))
        small = await ask(calls, "Contact/GetContact", contactId=str(number))
        await ask(calls, "Contact/DeleteContactEntity", contactEntityId=str(number))
        status, _body = await calls.call("GET", f"/Contact/{number}")

    assert (fresh["ContactId"], shown["Name"], shown["Department"]) == (0, "Fjord AS", "Oslo")
    assert (small["FullName"], small["AssociateFullName"]) == ("Fjord AS, Oslo", "Sandbox System User")
    assert status == 404


async def test_saving_a_known_record_replaces_it_as_put_does(world: World) -> None:
    async with running(world) as calls:
        made = await calls.make("/Project", Name="Quay", ProjectNumber="Q-1")
        after = await ask(calls, "Project/SaveProjectEntity", {"ProjectId": made["ProjectId"], "Name": "Pier"})

    assert (after["ProjectId"], after["Name"], after["ProjectNumber"]) == (made["ProjectId"], "Pier", "")


async def test_an_unknown_record_of_an_agent_is_null_and_only_a_malformed_call_is_an_error(world: World) -> None:
    async with running(world) as calls:
        unknown = await calls.call("POST", "/Agents/Contact/GetContactEntity", None, contactEntityId="9")
        refused = await calls.call("POST", "/Agents/Contact/SaveContactEntity", {"Department": "no name"})
        malformed, _body = await calls.call("POST", "/Agents/Contact/GetContactEntity", None, contactEntityId="glops")
        not_served, _body = await calls.call("POST", "/Agents/Ticket/GetTicketEntity", None, ticketEntityId="1")
        stranger, _body = await calls.call(
            "POST", "/Agents/Contact/GetContact", None, {"Authorization": "no"}, contactId="1"
        )

    assert (unknown, refused) == ((200, None), (200, None))
    assert (malformed, not_served, stranger) == (400, 404, 401)


async def test_names_are_accepted_in_any_case_and_addresses_with_a_final_slash(world: World) -> None:
    body = {
        "name": "Fjord AS",
        "emails": [{"value": "post@fjord.example"}],
        "address": {"street": {"city": "Oslo"}},
        "category": {"id": 1},
        "customFields": {"SuperOffice:1": "key"},
    }
    async with running(world) as calls:
        made = await calls.make("/Contact/", **body)
        status, after = await calls.call(
            "PATCH", f"/Contact/{made['ContactId']}/", [{"op": "replace", "path": "/name", "value": "Fjord"}]
        )

    assert (made["Emails"][0]["Value"], made["Address"]["Street"]["City"]) == ("post@fjord.example", "Oslo")
    assert (made["Category"]["Value"], made["CustomFields"]["SuperOffice:1"]) == ("Customer", "key")
    assert (status, after["Name"]) == (200, "Fjord")


async def test_a_day_sent_as_a_moment_is_the_day_in_the_base_zone(world: World) -> None:
    async with running(world) as calls:
        made = await calls.make(
            "/Sale", Heading="x", Saledate="2030-02-28T23:00:00.000Z", ReopenDate="0000-12-31T23:17Z"
        )

    assert (made["Saledate"], made["ReopenDate"]) == ("2030-03-01T00:00:00", "0001-01-01T00:00:00")


@pytest.mark.parametrize(
    ("restrictions", "found"),
    [
        ([("category", "equals", ["[I:2]"])], ["b", "c"]),
        ([("category", "oneOf", ["1", "[I:3]"])], ["a"]),
        ([("name", "is", ["a"], "Or"), ("name", "begins", ["c"])], ["a", "c"]),
        ([("category", "equals", ["2"], "And"), ("name", "isNot", ["b"])], ["c"]),
        ([], ["a", "b", "c"]),
    ],
)
async def test_an_archive_is_queried_with_restrictions(world: World, restrictions: list[Any], found: list[str]) -> None:
    asked = [
        {"Name": name, "Operator": verb, "Values": values, "IsActive": True, "InterOperator": (*more, "None")[0]}
        for name, verb, values, *more in restrictions
    ]
    query = {"ProviderName": "FindContact", "Columns": ["name"], "Restriction": asked, "Page": 0, "PageSize": 9}
    query["SortOrder"] = [{"Name": "name", "Direction": "ASC"}]
    async with running(world) as calls:
        for name, category in (("a", 1), ("c", 2), ("b", 2)):
            await calls.make("/Contact", Name=name, Category={"Id": category})
        rows = await ask(calls, "Archive/GetArchiveListByColumns", query)
        second = await ask(calls, "Archive/GetArchiveListByColumns", {**query, "Page": 1, "PageSize": 1})

    assert [row["ColumnData"]["name"]["DisplayValue"] for row in rows] == found
    assert [row["ColumnData"]["name"]["DisplayValue"] for row in second] == found[1:2]


async def test_the_webhook_agent_and_rest_show_the_same_hooks(world: World) -> None:
    async with running(world) as calls:
        hook = {"name": "t", "events": ["contact.created"], "targetUrl": HOOK_URL}
        made = await ask(calls, "Webhook/SaveWebhook", hook)
        _status, shown = await calls.call("GET", f"/Webhook/{made['WebhookId']}")
        await ask(calls, "Webhook/SaveWebhook", {**made, "State": "Stopped"})
        stopped = await ask(calls, "Webhook/GetAllWebhooks", {"StatusFilter": "Stopped"})
        await ask(calls, "Webhook/DeleteWebhook", webhookId=str(made["WebhookId"]))
        left = await ask(calls, "Webhook/GetAllWebhooks", {})

    assert (shown["Name"], shown["TargetUrl"]) == ("t", HOOK_URL)
    assert ([one["WebhookId"] for one in stopped], left) == ([made["WebhookId"]], [])


async def test_an_agents_write_causes_a_callback_like_any_other(world: World, receiver: Receiver) -> None:
    async with running(world) as calls:
        await calls.hook("contact.created", "sale.sold")
        company = await ask(calls, "Contact/SaveContactEntity", {"Name": "a"})
        sale = await calls.make("/Sale", Heading="x", Contact={"ContactId": company["ContactId"]})
        await ask(calls, "Sale/SetAsSold", {"SaleIds": [sale["SaleId"]]})
        events = await received(calls, receiver)

    assert [one["Event"] for one in events] == ["contact.created", "sale.sold"]


@pytest.mark.skipif(not SPEC.exists(), reason="the vendor's description is not here")
async def test_small_carriers_have_names_and_types_of_the_vendors_description(world: World) -> None:
    found = json.loads(SPEC.read_text())["definitions"]
    definitions = {name.rpartition(".")[2]: content for name, content in found.items()}
    wrong: list[str] = []
    async with running(world) as calls:
        company = await calls.make("/Contact", Name="a", Category={"Id": 1}, Emails=[{"Value": "x@y.example"}])
        link = {"Contact": {"ContactId": company["ContactId"]}}
        await calls.make("/Person", Lastname="p", **link)
        await calls.make("/Project", Name="p")
        await calls.make("/Sale", Heading="s", **link)
        await calls.make("/Appointment", Title="t", **link)
        for name in ("Contact", "Person", "Project", "Sale", "Appointment"):
            shown = await ask(calls, f"{name}/Get{name}", **{f"{name.lower()}Id": "1"})
            wrong += complaints(shown, definitions[name], definitions, name)
            wrong += [f"{name}.{part} is missing" for part in definitions[name]["properties"] if part not in shown]
        for method, name, query in (
            ("Associate/GetAssociate", "Associate", {"associateId": "3"}),
            ("User/GetUser", "User", {"userId": "3"}),
            ("User/GetUserInfo", "UserInfo", {"userInfoId": "3"}),
            ("Appointment/GetTaskListItem", "TaskListItem", {"taskListItemId": "1"}),
            ("List/GetCountry", "Country", {"countryId": "1"}),
        ):
            wrong += complaints(await ask(calls, method, **query), definitions[name], definitions, name)

    assert wrong == []
