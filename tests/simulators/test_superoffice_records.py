"""Entities of the SuperOffice simulator: create, replace, patch, delete, lists."""

from typing import Any

import pytest

from bridge.simulators.world import World
from tests.simulators.doubles import HandClock
from tests.simulators.superoffice_calls import Calls, running

LATER = {"If-Unmodified-Since": "Fri, 15 Jan 2027 08:00:01 GMT"}


async def test_a_created_entity_has_its_id_links_and_utc_dates(world: World) -> None:
    async with running(world) as calls:
        made = await calls.make("/Contact", Name="Acme", Category={"Id": 2}, Country={"CountryId": 1})
        status, read = await calls.call("GET", f"/Contact/{made['ContactId']}")

    assert (status, read) == (200, made)
    assert made["Category"]["Value"] == "Prospect"
    assert made["Country"]["TwoLetterISOCountry"] == "NO"
    assert made["CreatedDate"] == made["UpdatedDate"] == "2027-01-15T08:00:00"
    assert made["_Links"]["Self"].endswith(f"/Contact/{made['ContactId']}")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"Name": "x" * 220},
        {"Name": "x", "Category": {"Id": 77}},
        {"Name": "x", "Associate": {"AssociateId": 77}},
        {"Name": "x", "NoMailing": "yes"},
        {"Name": "x", "CustomFields": {"SuperOffice:99": "x"}},
        {"Name": "x", "CustomFields": {"SuperOffice:3": "12"}},
    ],
)
async def test_wrong_data_are_refused_with_the_servers_error_body(world: World, body: dict[str, Any]) -> None:
    async with running(world) as calls:
        status, answer = await calls.call("POST", "/Contact", body)
        rows = await calls.rows("/Contact")

    assert (status, answer["Error"], rows) == (500, True, [])


async def test_the_default_entity_belongs_to_the_caller_and_a_bare_post_to_no_associate(world: World) -> None:
    async with running(world) as calls:
        _status, empty = await calls.call("GET", "/Sale/default")
        _status, owned = await calls.call("POST", "/Sale", {**empty, "Heading": "a"})
        bare = await calls.make("/Sale", Heading="b")

    assert (empty["SaleId"], empty["Status"]) == (0, "Open")
    assert owned["Associate"]["AssociateId"] == 3
    assert bare["Associate"] is None


async def test_put_replaces_the_whole_entity(world: World) -> None:
    async with running(world) as calls:
        made = await calls.make("/Contact", Name="a", Department="d", Emails=[{"Value": "a@x.example"}])
        status, put = await calls.call("PUT", f"/Contact/{made['ContactId']}", {"Name": "b"})
        nothing, _answer = await calls.call("PUT", f"/Contact/{made['ContactId']}")

    assert (status, nothing) == (200, 400)
    assert (put["Name"], put["Department"], put["Emails"]) == ("b", "", [])


@pytest.mark.parametrize(
    ("patch", "shows"),
    [
        ([{"op": "replace", "path": "name", "value": "b"}], ("Name", "b")),
        ([{"op": "add", "path": "/Name", "value": "b"}], ("Name", "b")),
        ([{"op": "remove", "path": "/Department"}], ("Department", "")),
        ({"Name": "b"}, ("Name", "b")),
        ({"Domains": ["x.example"]}, ("Domains", ["x.example"])),
        ([{"op": "add", "path": "Domains/-", "value": "b"}], ("Domains", ["a", "b"])),
    ],
)
async def test_patch_in_both_dialects(world: World, patch: Any, shows: tuple[str, Any]) -> None:
    async with running(world) as calls:
        made = await calls.make("/Contact", Name="a", Department="d", Domains=["a"])
        status, after = await calls.call("PATCH", f"/Contact/{made['ContactId']}", patch)

    assert (status, after[shows[0]]) == (200, shows[1])
    untouched = set(made) - {shows[0], "UpdatedDate"}
    assert {name: after[name] for name in untouched} == {name: made[name] for name in untouched}


async def test_a_nested_id_and_an_appended_element(world: World) -> None:
    async with running(world) as calls:
        made = await calls.make("/Contact", Name="a", Phones=[{"Value": "1"}])
        path = f"/Contact/{made['ContactId']}"
        await calls.call("PATCH", path, [{"op": "replace", "path": "Category/Id", "value": 3}])
        _status, after = await calls.call("PATCH", path, {"Phones": {"Value": "+47 22"}})
        _status, cleared = await calls.call("PATCH", path, {"Category": None, "Phones": []})

    assert after["Category"]["Value"] == "Partner"
    assert [(one["Value"], one["StrippedValue"]) for one in after["Phones"]] == [("1", "1"), ("+47 22", "4722")]
    assert (cleared["Category"], cleared["Phones"]) == (None, [])


@pytest.mark.parametrize(
    ("patch", "status"),
    [
        ([{"op": "test", "path": "Name", "value": "other"}, {"op": "replace", "path": "Name", "value": "b"}], 409),
        ([{"op": "move", "from": "Name", "path": "Department"}], 400),
        ([{"op": "replace", "path": "NoSuch", "value": 1}], 400),
        ([{"op": "replace", "path": "Phones/5", "value": {}}], 400),
        ("text", 400),
    ],
)
async def test_a_refused_patch_changes_nothing(world: World, patch: Any, status: int) -> None:
    async with running(world) as calls:
        made = await calls.make("/Contact", Name="a")
        path = f"/Contact/{made['ContactId']}"
        seen, _answer = await calls.call("PATCH", path, patch)
        _status, after = await calls.call("GET", path)

    assert (seen, after) == (status, made)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_record_changed_meanwhile_refuses_with_412(world: World, clock: HandClock, method: str) -> None:
    async with running(world) as calls:
        made = await calls.make("/Contact", Name="a")
        path = f"/Contact/{made['ContactId']}"
        await clock.advance(60)
        calls.simulator.person_edits("contact", made["ContactId"], {"Name": "b"})
        stale, _answer = await calls.call(method, path, {"Name": "c"}, LATER)
        _status, kept = await calls.call("GET", path)
        fresh = {"If-Unmodified-Since": "Fri, 15 Jan 2027 08:01:00 GMT"}
        in_time, _answer = await calls.call(method, path, {"Name": "c"}, fresh)

    assert (stale, kept["Name"]) == (412, "b")
    assert in_time in (200, 204)


async def test_an_unchanged_record_is_not_sent_again(world: World) -> None:
    async with running(world) as calls:
        made = await calls.make("/Contact", Name="a")
        since = {"If-Modified-Since": "Fri, 15 Jan 2027 08:00:00 GMT"}
        same, _body = await calls.call("GET", f"/Contact/{made['ContactId']}", None, since)
        since = {"If-Modified-Since": "Fri, 15 Jan 2027 07:59:59 GMT"}
        other, _body = await calls.call("GET", f"/Contact/{made['ContactId']}", None, since)

    assert (same, other) == (304, 200)


async def test_products_have_no_patch_no_lock_and_no_updated_date(world: World, clock: HandClock) -> None:
    async with running(world) as calls:
        made = await calls.make("/Product", Name="Desk", UnitListPrice=10.25)
        path = f"/Product/{made['ProductId']}"
        patch, _answer = await calls.call("PATCH", path, {"Name": "x"})
        await clock.advance(60)
        put, after = await calls.call("PUT", path, {"Name": "Table"}, LATER)
        since = await calls.rows("/Product", filter="updatedDate afterTime '2027-01-15T08:00:30'")

    assert (patch, put, "UpdatedDate" in made) == (405, 200, False)
    assert (after["Name"], after["UnitListPrice"]) == ("Table", 0)
    assert [row["PrimaryKey"] for row in since] == [str(made["ProductId"])]


async def test_select_empties_the_other_properties(world: World) -> None:
    async with running(world) as calls:
        made = await calls.make("/Contact", Name="a", Department="d")
        _status, seen = await calls.call("GET", f"/Contact/{made['ContactId']}", None, None, **{"$select": "name"})

    assert (seen["Name"], seen["Department"], seen["ContactId"]) == ("a", None, made["ContactId"])


async def test_deleted_contacts_stay_in_the_recycle_bin_for_the_retention_time(world: World, clock: HandClock) -> None:
    async with running(world) as calls:
        made = await calls.make("/Contact", Name="a")
        person = await calls.make("/Person", Lastname="p", Contact={"ContactId": made["ContactId"]})
        gone, _body = await calls.call("DELETE", f"/Contact/{made['ContactId']}")
        read, error = await calls.call("GET", f"/Contact/{made['ContactId']}")
        listed = await calls.rows("/Contact")
        recycled = await calls.rows("/Archive/RecycleContact", select="name", filter="contactId eq 1")
        await calls.call("POST", "/Agents/Contact/DeleteExpired")
        kept = await calls.rows("/Archive/RecycleContact")
        await clock.advance(15 * 86400)
        calls.headers["Authorization"] = f"SOTicket {calls.simulator.access.issue_ticket()}"
        await calls.call("POST", "/Agents/Contact/DeleteExpired")
        purged = await calls.rows("/Archive/RecycleContact")
        _status, alone = await calls.call("GET", f"/Person/{person['PersonId']}")

    assert (gone, read, error["ErrorType"]) == (204, 404, "SoNotFoundException")
    assert (listed, [row["name"] for row in recycled], len(kept), purged) == ([], ["a"], 1, [])
    assert alone["Contact"] is None


async def test_a_restored_contact_is_read_again(world: World) -> None:
    async with running(world) as calls:
        made = await calls.make("/Contact", Name="a")
        await calls.call("DELETE", f"/Contact/{made['ContactId']}")
        status, _body = await calls.call("POST", "/Agents/Contact/Undelete", {"Id": made["ContactId"]})
        read, _body = await calls.call("GET", f"/Contact/{made['ContactId']}")

    assert (status, read) == (204, 200)


async def test_a_merged_contact_is_gone_and_the_log_names_its_survivor(world: World) -> None:
    async with running(world) as calls:
        first, second = await calls.make("/Contact", Name="a"), await calls.make("/Contact", Name="b")
        person = await calls.make("/Person", Lastname="p", Contact={"ContactId": 1})
        merged, _body = await calls.call("POST", f"/Contact/{first['ContactId']}/MergeTo/{second['ContactId']}")
        read, _body = await calls.call("GET", f"/Contact/{first['ContactId']}")
        log = await calls.rows("/Archive/mergemovelog", select="sourceRecord,destinationRecord")
        _status, moved = await calls.call("GET", f"/Person/{person['PersonId']}")

    assert (merged, read, moved["Contact"]["ContactId"]) == (204, 404, second["ContactId"])
    assert (log[0]["sourceRecord"], log[0]["destinationRecord"]) == (first["ContactId"], second["ContactId"])


async def test_the_person_of_a_sale_must_belong_to_its_contact(world: World) -> None:
    async with running(world) as calls:
        await calls.make("/Contact", Name="a")
        await calls.make("/Person", Lastname="p")
        status, _answer = await calls.call(
            "POST", "/Sale", {"Heading": "s", "Contact": {"ContactId": 1}, "Person": {"PersonId": 1}}
        )

    assert status == 500


async def test_custom_fields_are_coded_and_lists_have_companions(world: World) -> None:
    values = {"SuperOffice:1": "key", "SuperOffice:2": "[I:3]", "SuperOffice:4": "[D:09.11.2027]"}
    async with running(world) as calls:
        made = await calls.make("/Contact", Name="a", CustomFields=values)
        _status, layout = await calls.call("GET", "/Contact/UdefLayout/Published")
        _status, segments = await calls.call("GET", "/MDOList/udlist1", None, None, flat="True")

    assert {key: made["CustomFields"][key] for key in values} == values
    assert made["CustomFields"]["SuperOffice:2:DisplayText"] == "Bronze"
    assert (made["CustomFields"]["SuperOffice:3"], made["CustomFields"]["SuperOffice:6"]) == ("[I:0]", "[F:0]")
    assert made["UserDefinedFields"]["SuperOffice:1"] == "key"
    assert layout[1] | {"ProgId": "SuperOffice:2", "FieldLabel": "Segment", "MdoListName": "udlist1"} == layout[1]
    assert [item["Name"] for item in segments] == ["Gold", "Silver", "Bronze"]


@pytest.mark.parametrize(("resets", "other"), [(True, "[I:0]"), (False, "[I:5]")])
async def test_replacing_custom_fields_as_a_whole(world: World, resets: bool, other: str) -> None:
    whole = [{"op": "replace", "path": "CustomFields", "value": {"SuperOffice:1": "new"}}]
    single = [{"op": "replace", "path": "CustomFields/SuperOffice:1", "value": "newest"}]
    async with running(world, custom_replace=resets) as calls:
        await calls.make("/Contact", Name="a", CustomFields={"SuperOffice:1": "old", "SuperOffice:3": "[I:5]"})
        _status, one = await calls.call("PATCH", "/Contact/1", single)
        _status, after = await calls.call("PATCH", "/Contact/1", whole)

    assert [one["CustomFields"][f"SuperOffice:{n}"] for n in (1, 3)] == ["newest", "[I:5]"]
    assert [after["CustomFields"][f"SuperOffice:{n}"] for n in (1, 3)] == ["new", other]


async def test_times_follow_so_timezone_and_pure_dates_do_not(world: World) -> None:
    body = {"Title": "Call", "StartDate": "2027-03-05T08:30:00Z"}
    async with running(world) as calls:
        local = await calls.make("/Appointment", **body)
        utc = await times(calls, "UTC")
        offset = await times(calls, "Europe/Oslo, includeTZOffset")
        sale = await calls.make("/Sale", Heading="s", Saledate="2027-04-01T00:00:00")
        _status, seen = await calls.call("GET", f"/Sale/{sale['SaleId']}", None, {"SO-TimeZone": "UTC"})

    assert (local["StartDate"], local["UpdatedDate"]) == ("2027-03-05T09:30:00", "2027-01-15T08:00:00")
    assert utc == ("2027-03-05T08:30:00", "2027-01-15T08:00:00")
    assert offset == ("2027-03-05T09:30:00+0100", "2027-01-15T09:00:00+0100")
    assert seen["Saledate"] == "2027-04-01T00:00:00"


async def times(calls: Calls, zone: str) -> tuple[str, str]:
    _status, seen = await calls.call("GET", "/Appointment/1", None, {"SO-TimeZone": zone})
    return seen["StartDate"], seen["UpdatedDate"]


async def test_lists_have_their_own_carriers(world: World) -> None:
    async with running(world) as calls:
        keys = {}
        for name in ("Category", "Currency", "SaleType", "Rating", "Task", "Country", "Position"):
            _status, items = await calls.call("GET", f"/List/{name}/Items")
            keys[name] = next(iter(items[0]))
        _status, users = await calls.call("GET", "/MDOList/associate")
        unknown, _body = await calls.call("GET", "/List/Nothing/Items")

    assert keys == {
        "Category": "Id",
        "Currency": "CurrencyId",
        "SaleType": "SaleTypeId",
        "Rating": "SaleStageId",
        "Task": "TaskListItemId",
        "Country": "CountryId",
        "Position": "Id",
    }
    assert (len(users), unknown) == (3, 404)


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({"Accept-Language": "en-GB,en;q=0.8"}, "Customer"),
        ({"SO-Language": "nb-NO"}, "Kunde"),
        ({"SO-Language": "*"}, 'US:"Customer";NO:"Kunde"'),
        ({"Accept-Language": ""}, 'US:"Customer";NO:"Kunde"'),
    ],
)
async def test_list_texts_follow_the_language(world: World, headers: dict[str, str], text: str) -> None:
    async with running(world) as calls:
        await calls.make("/Contact", Name="a", Category={"Id": 1})
        _status, contact = await calls.call("GET", "/Contact/1", None, headers)
        _status, items = await calls.call("GET", "/List/Category/Items", None, headers)
        _status, flat = await calls.call("GET", "/MDOList/category", None, headers)
        _status, rows = await calls.call("GET", "/Contact", None, headers, **{"$select": "category"})

    seen = {contact["Category"]["Value"], items[0]["Name"], flat[0]["Name"], rows["value"][0]["category"]}
    assert seen == {text}


async def test_foreign_keys_are_set_and_found(world: World) -> None:
    async with running(world) as calls:
        await calls.make("/Contact", Name="a")
        await calls.make("/ForeignApp/Bridge")
        key = {"Key": "id", "Value": "p-7", "RecordId": 1, "TableName": "contact"}
        await calls.make("/ForeignApp/Bridge/crm/copy-1/Key", **key)
        _status, found = await calls.call("GET", "/ForeignApp/Bridge/crm/Key/id/contact", None, None, keyValue="p-7")
        _status, none = await calls.call("GET", "/ForeignApp/Bridge/crm/Key/id/contact", None, None, keyValue="p-8")
        _status, contact = await calls.call("GET", "/Contact/1", None, None, fk="true")

    assert ([one["RecordId"] for one in found], none) == ([1], [])
    assert contact["ExtraFields"] == {"Bridge.crm.id": "p-7"}


async def test_duplicates_are_found_by_name(world: World) -> None:
    async with running(world) as calls:
        await calls.make("/Contact", Name="Acme", Department="North")
        await calls.make("/Contact", Name="Acme", Department="South")
        _status, both = await calls.call("GET", "/Contact/Duplicates/acme")
        _status, one = await calls.call("GET", "/Contact/Duplicates/acme", None, None, department="South")

    assert [entry["SoPrimaryKey"] for entry in both] == [1, 2]
    assert [entry["SoPrimaryKey"] for entry in one] == [2]
