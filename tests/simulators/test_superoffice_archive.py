"""Lists of the SuperOffice simulator: filters, order, paging, slim and full rows."""

import pytest

from bridge.simulators.world import World
from tests.simulators.doubles import HandClock
from tests.simulators.superoffice_calls import Calls, running


async def three(calls: Calls) -> None:
    await calls.make("/Contact", Name="Acme", OrgNr="1", Category={"Id": 1}, Associate={"AssociateId": 7})
    await calls.make("/Contact", Name="O'Hara", OrgNr="2", Emails=[{"Value": "post@x.example"}])
    await calls.make("/Contact", Name="Zenith acme", OrgNr="3", Category={"Id": 2})


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ("contactId gt 1", "23"),
        ("contactId between (1, 2)", "12"),
        ("contactId set (1,3)", "13"),
        ("name is 'acme'", "1"),
        ("name begins 'ze'", "3"),
        ("name contains 'ACME'", "13"),
        ("name is 'O''Hara'", "2"),
        ("orgnr in ('1','2')", "12"),
        ("startswith(name,'acme')", "1"),
        ("substringof('cme',name)", "13"),
        ("category oneOf (1,2)", "13"),
        ("category notOneOf (1)", "23"),
        ("associateId associateIsOneOf (7)", "1"),
        ("email/emailAddress is 'post@x.example'", "2"),
        ("name isNot 'acme' and (orgnr is '2' or orgnr is '1')", "2"),
        ("contactId eq 1 or contactId eq 3", "13"),
    ],
)
async def test_filters(world: World, condition: str, ids: str) -> None:
    async with running(world) as calls:
        await three(calls)
        rows = await calls.rows("/Contact", filter=condition, orderby="contactId")

    assert "".join(row["PrimaryKey"] for row in rows) == ids


@pytest.mark.parametrize(
    "condition",
    ["nosuch eq 1", "name gt 1", "contactId eq x", "contactId eq", "(contactId eq 1", "contactId eq 1 contactId", "'"],
)
async def test_a_filter_the_server_cannot_read_is_refused(world: World, condition: str) -> None:
    async with running(world) as calls:
        status, answer = await calls.call("GET", "/Contact", None, None, **{"$filter": condition})

    assert (status, "$filter" in answer["ErrorMessage"]) == (500, True)


@pytest.mark.parametrize(
    ("precision", "since", "ids"),
    [
        ("second", "2027-01-15T08:01:00", "2"),
        ("second", "2027-01-15T08:01:01", ""),
        ("day", "2027-01-15T08:01:01", "12"),
        ("day", "2027-01-16T00:00:00", ""),
    ],
)
async def test_changes_since_a_time(world: World, clock: HandClock, precision: str, since: str, ids: str) -> None:
    async with running(world, since_filter=precision) as calls:
        await calls.make("/Person", Lastname="a")
        await clock.advance(60)
        await calls.make("/Person", Lastname="b")
        rows = await calls.rows("/Person", filter=f"personUpdatedDate afterTime '{since}'")

    assert "".join(row["PrimaryKey"] for row in rows) == ids


async def test_a_time_filter_can_be_refused(world: World) -> None:
    async with running(world, since_filter="refused") as calls:
        query = {"$filter": "updatedDate afterTime '2027-01-15T08:01:00'"}
        status, _answer = await calls.call("GET", "/Contact", None, None, **query)
        by_day = await calls.rows("/Contact", filter="updatedDate after '2027-01-15'")

    assert (status, by_day) == (500, [])


async def test_pages_name_the_next_one_until_the_last(world: World) -> None:
    async with running(world) as calls:
        for number in range(5):
            await calls.make("/Sale", Heading=str(number))
        seen: list[str] = []
        query = {"$top": "2", "$orderby": "saleId desc", "$filter": "saleId gt 0"}
        _status, answer = await calls.call("GET", "/Sale", None, None, **query)
        while answer["odata.nextLink"] is not None:
            seen += [row["PrimaryKey"] for row in answer["value"]]
            async with calls.client.session.get(answer["odata.nextLink"], headers=calls.headers) as page:
                answer = await page.json()
        seen += [row["PrimaryKey"] for row in answer["value"]]
        beyond = await calls.rows("/Sale", skip="10")

    assert (seen, beyond) == (["5", "4", "3", "2", "1"], [])


async def test_without_top_a_page_has_the_default_size(world: World) -> None:
    async with running(world, default_top=2) as calls:
        await three(calls)
        rows = await calls.rows("/Contact")

    assert len(rows) == 2


async def test_slim_rows_have_text_keys_and_display_values_full_ones_both(world: World) -> None:
    async with running(world) as calls:
        await three(calls)
        slim = await calls.rows("/Contact", select="name,category,associateId,updatedDate,nosuch", top="1")
        full = await calls.rows("/Archive/SimpleContact", select="category", mode="Full", top="1")

    assert slim == [
        {
            "PrimaryKey": "1",
            "EntityName": "contact",
            "name": "Acme",
            "category": "Customer",
            "associateId": "ANNA",
            "updatedDate": "2027-01-15T08:00:00",
        }
    ]
    assert full[0]["PrimaryKey"] == 1
    assert full[0]["Column"]["category"] == {"RawValue": 1, "DisplayValue": "Customer", "TooltipHint": ""}


async def test_an_archive_accepts_its_query_in_a_body(world: World) -> None:
    async with running(world) as calls:
        await three(calls)
        query = {"$filter": "orgnr is '3'", "$select": "name"}
        _status, answer = await calls.call("POST", "/Archive/SimpleContact", query)
        unknown, _answer = await calls.call("GET", "/Archive/Nothing")

    assert [row["name"] for row in answer["value"]] == ["Zenith acme"]
    assert unknown == 500


async def test_columns_of_deletion_times_cannot_be_sorted_by(world: World) -> None:
    async with running(world) as calls:
        status, _answer = await calls.call("GET", "/Contact", None, None, **{"$orderby": "deletedDate"})

    assert status == 500


async def test_sales_are_filtered_by_contact_as_a_list_column(world: World) -> None:
    async with running(world) as calls:
        await calls.make("/Contact", Name="a")
        await calls.make("/Sale", Heading="s", Contact={"ContactId": 1})
        found = await calls.rows("/Sale", filter="contactId oneOf (1)")
        status, _answer = await calls.call("GET", "/Sale", None, None, **{"$filter": "contactId gt 0"})

    assert (len(found), status) == (1, 500)
