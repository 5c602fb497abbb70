"""Reads and listings against answers in the vendor's shapes."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from http_fakes import FakeClock, answer
from superoffice_fakes import CONTACT, REF, Vendor, connect, item, listed, missing, read, vendor

from bridge.domain.catalog import Column
from bridge.domain.errors import RetryLater
from bridge.domain.record import Evidence, Gone

CHANGED = datetime(2026, 3, 1, 9, tzinfo=UTC)


async def test_a_contact_reads_in_the_record_shape() -> None:
    server = vendor()
    record = await read(connect(server))
    assert record.modified_at == CHANGED
    assert record.created_at == datetime(2026, 1, 1, 8, tzinfo=UTC)
    assert record.fields["name"] == "Møbler ☕"
    assert record.fields["department"] is None
    assert record.fields["category"] == "Vendor"
    assert record.fields["business"] is None
    assert record.fields["country"] == "NO"
    assert record.fields["associate_id"] == "7"
    assert record.fields["emails"] == [
        {"value": "a@x.example", "label": "work", "primary": True},
        {"value": "b@x.example", "label": None, "primary": False},
    ]
    assert record.fields["phones"] == []
    assert record.fields["street_address"] == {"address1": "Storgata 1", "city": "Oslo", "zipcode": "0155"}
    assert record.fields["no_mailing"] is False
    assert "number1" not in record.fields
    assert not {"FieldProperties", "TableRight", "_Links"} & set(record.raw)
    headers = server.sent("GET", "Contact/42")[0].headers
    assert headers["so-language"] == "en"
    assert "so-timezone" not in headers


@pytest.mark.parametrize(
    ("shown", "by"),
    [
        ({"UpdatedBy": {"AssociateId": 7, "Name": "AL", "FullName": "Ana Lund"}}, "Ana Lund"),
        ({"UpdatedBy": {"AssociateId": 7, "Name": "AL", "FullName": ""}}, "AL"),
        ({"UpdatedBy": None, "CreatedBy": {"Name": "BB"}}, None),
        ({"UpdatedDate": None, "UpdatedBy": {"Name": "AL"}, "CreatedBy": {"Name": "BB"}}, "BB"),
        ({}, None),
    ],
)
async def test_a_record_names_the_associate_of_its_version(shown: dict[str, Any], by: str | None) -> None:
    server = vendor({"GET Contact/42": answer(200, {**CONTACT, **shown})})
    assert (await read(connect(server))).modified_by == by


async def test_custom_fields_read_by_label_and_in_their_types() -> None:
    assert (await read(connect(vendor()))).fields["custom"] == {
        "Segment": "Gold",
        "Seats": 5,
        "Note": None,
        "Renewal": date(2026, 12, 31),
        "Key account": True,
        "Discount": Decimal("1.5"),
    }


async def test_an_old_server_keeps_custom_fields_elsewhere() -> None:
    old = {**CONTACT, "CustomFields": {}, "UserDefinedFields": {"SuperOffice:2": "[I:9]"}}
    server = vendor({"GET Contact/42": answer(200, old), "PATCH Contact/42": answer(200, old)})
    connector = connect(server)
    record = await read(connector)
    assert record.fields["custom"] == {"Seats": 9}
    await connector.update(record, {"custom": {"Seats": 3}})
    assert server.body("PATCH") == [{"op": "add", "path": "/UserDefinedFields/SuperOffice:2", "value": "[I:3]"}]


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"Category": "text"}, "category"),
        ({"Category": {"Id": 4, "Value": "Partner"}}, "category"),
        ({"Emails": "text"}, "emails"),
        ({"NoMailing": "maybe"}, "no_mailing"),
        ({"CreatedDate": "yesterday"}, "created_date"),
        ({"Address": []}, "street_address"),
    ],
)
async def test_a_value_in_an_unknown_form_or_of_a_duplicate_name_is_unread(change: dict[str, Any], column: str) -> None:
    record = await read(connect(vendor({"GET Contact/42": answer(200, {**CONTACT, **change})})))
    assert column not in record.fields
    assert record.fields["name"] == "Møbler ☕"


async def test_a_list_item_that_was_deleted_reads_by_its_own_text() -> None:
    record = await read(
        connect(vendor({"GET Contact/42": answer(200, {**CONTACT, "Category": {"Id": 99, "Value": "Old"}})}))
    )
    assert record.fields["category"] == "Old"


async def test_a_renamed_list_item_keeps_its_first_name() -> None:
    clock, server = FakeClock(), vendor()
    connector = connect(server, clock)
    await read(connector)
    server.routes["GET List/Category/Items"] = answer(200, [item(2, "Supplier")])
    clock.seconds += 4000
    assert (await read(connector)).fields["category"] == "Vendor"


async def test_columns_name_the_accounts_choices_and_custom_fields() -> None:
    columns = await connect(vendor()).columns("contact")
    assert columns["category"].choices == ("Customer", "Vendor")
    assert columns["country"].choices == ("NO",)
    assert columns["custom.Segment"].type is Column.CHOICE
    assert columns["custom.Segment"].choices == ("Gold", "Silver")
    assert columns["custom.Note"].max_length == 39
    assert not columns["custom.Score"].writable
    assert "custom.Shirt" not in columns


@pytest.mark.parametrize(
    ("status", "recycled", "evidence"), [(404, [42], Evidence.FLAG), (404, [], Evidence.NOT_FOUND)]
)
async def test_a_missing_contact_is_looked_up_in_the_recycle_bin(
    status: int, recycled: list[int], evidence: Evidence
) -> None:
    server = vendor({"GET Contact/42": missing(), "GET Archive/RecycleContact": listed(*recycled)})
    assert await connect(server).read(REF) == Gone(REF, evidence)


async def test_not_found_in_words_counts_whatever_the_status_and_no_recycle_bin_is_no_error() -> None:
    said = {"Error": True, "ErrorType": "SoNotFoundException", "ErrorMessage": "x"}
    server = vendor({"GET Contact/42": answer(500, said), "GET Archive/RecycleContact": answer(403)})
    assert await connect(server).read(REF) == Gone(REF, Evidence.NOT_FOUND)


async def test_a_contact_marked_as_deleted_is_gone() -> None:
    gone = await connect(vendor({"GET Contact/42": answer(200, {**CONTACT, "Deleted": 1})})).read(REF)
    assert gone == Gone(REF, Evidence.FLAG, modified_at=CHANGED)


async def test_another_record_in_the_answer_is_rejected() -> None:
    with pytest.raises(RetryLater):
        await connect(vendor({"GET Contact/42": answer(200, {**CONTACT, "ContactId": 43})})).read(REF)


def queries(server: Vendor, path: str = "Contact") -> list[dict[str, str]]:
    return [dict(one.query) for one in server.sent("GET", path) if one.query]


async def test_a_listing_is_in_order_of_key_and_ends_at_an_empty_page() -> None:
    server = vendor({"GET Contact": [listed(42), listed()]})
    connector = connect(server, page_size=7)
    first = await connector.list("contact", since=None, page=None, where={})
    assert [row.ref.id for row in first.rows] == ["42"]
    assert first.next == "42"
    assert (await connector.list("contact", since=None, page="42", where={})).next is None
    assert queries(server)[0] == {
        "$select": "contactId",
        "$filter": "contactId gt 0",
        "$orderBy": "contactId asc",
        "$top": "7",
    }
    assert queries(server)[1]["$filter"] == "contactId gt 42"
    assert server.sent("GET", "Contact")[0].headers["so-timezone"] == "UTC"


async def test_a_listing_that_does_not_advance_is_an_error_and_no_loop() -> None:
    with pytest.raises(RetryLater, match="does not advance"):
        await connect(vendor({"GET Contact": listed(42)})).list("contact", since=None, page="42", where={})


async def test_a_listing_since_a_time_uses_seconds_where_the_server_can() -> None:
    server = vendor({"GET Contact": [listed(), listed(42)]})
    connector = connect(server)
    page = await connector.list("contact", since=datetime(2026, 3, 1, 8, 59, 30, tzinfo=UTC), page=None, where={})
    assert [row.ref.id for row in page.rows] == ["42"]
    assert [query["$filter"] for query in queries(server)] == [
        "updatedDate afterTime '2027-04-06T10:00:00'",
        "contactId gt 0 and updatedDate afterTime '2026-03-01T08:59:30'",
    ]


@pytest.mark.parametrize(
    "probe", [listed(42), answer(400, {"ErrorMessage": "bad filter"}), answer(500, {"ErrorType": "SoArchiveException"})]
)
async def test_a_listing_since_a_time_falls_back_to_days_and_leaves_out_older_records(probe: Any) -> None:
    server = vendor({"GET Contact": [probe, listed(42)]})
    page = await connect(server).list("contact", since=datetime(2026, 3, 1, 12, tzinfo=UTC), page=None, where={})
    assert (page.rows, page.next) == ([], "42")
    assert queries(server)[1]["$filter"] == "contactId gt 0 and updatedDate after '2026-02-28'"


async def test_persons_have_their_own_name_for_the_modification_time() -> None:
    server = vendor({"GET Person": listed()})
    await connect(server).list("person", since=CHANGED, page=None, where={})
    assert "personUpdatedDate afterTime" in queries(server, "Person")[-1]["$filter"]


async def test_newest_reads_by_falling_key_until_one_is_older_and_reads_no_page_twice() -> None:
    young = {**CONTACT, "ContactId": 43, "CreatedDate": "2026-03-02T09:59:00"}
    server = vendor({"GET Contact": listed(43, 42), "GET Contact/43": answer(200, young)})
    connector = connect(server)
    for _ in range(2):
        found = await connector.newest("contact", after=datetime(2026, 3, 2, 9, 59, 0, 500_000, tzinfo=UTC))
        assert [record.ref.id for record in found] == ["43"]
    first, second = queries(server)
    assert first["$orderBy"] == "contactId desc"
    assert first["$filter"] != second["$filter"]


async def test_find_searches_by_the_archives_column_with_quotes_doubled() -> None:
    server = vendor({"GET Contact": listed(42)})
    (found,) = await connect(server).find("contact", "emails", "o'neil@x.example")
    assert found.ref.id == "42"
    assert queries(server)[0]["$filter"].startswith("email/emailAddress is 'o''neil@x.example' and contactId gt -")
    assert await connect(server).find("contact", "description", "x") == []


async def test_find_searches_custom_text_fields() -> None:
    server = vendor({"GET Contact": listed(42)})
    connector = connect(server)
    assert len(await connector.find("contact", "custom.Note", "d-1")) == 1
    assert queries(server)[0]["$filter"].startswith("contactUdef/SuperOffice:3 is 'd-1' and ")
    for column in ("custom.Segment", "custom.Shirt", "custom.No such"):
        assert await connector.find("contact", column, "x") == []
    assert await connector.find("person", "custom.Note", "x") == []
