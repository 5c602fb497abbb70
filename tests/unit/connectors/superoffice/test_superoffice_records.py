"""Reads, listings and writes against answers in the vendor's shapes."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from http_fakes import FakeClock, answer
from superoffice_fakes import CONTACT, Vendor, connect, item, listed, missing, vendor

from bridge.connectors.json_text import read_json
from bridge.connectors.superoffice import SuperOfficeConnector
from bridge.domain.catalog import Column
from bridge.domain.errors import OutcomeUnknown, Rejected, RetryLater, WriteConflict
from bridge.domain.record import Evidence, Gone, Record, RecordRef

REF = RecordRef("crm1", "contact", "42")
CHANGED = datetime(2026, 3, 1, 9, tzinfo=UTC)


async def read(connector: SuperOfficeConnector, ref: RecordRef = REF) -> Record:
    record = await connector.read(ref)
    assert isinstance(record, Record)
    return record


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
async def test_a_value_in_an_unknown_form_or_of_a_doubled_name_is_unread(change: dict[str, Any], column: str) -> None:
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
async def test_a_missing_contact_is_looked_for_in_the_recycle_bin(
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


async def test_another_record_in_the_answer_is_not_believed() -> None:
    with pytest.raises(RetryLater):
        await connect(vendor({"GET Contact/42": answer(200, {**CONTACT, "ContactId": 43})})).read(REF)


def queries(server: Vendor, path: str = "Contact") -> list[dict[str, str]]:
    return [dict(one.query) for one in server.sent("GET", path) if one.query]


async def test_a_listing_goes_by_key_and_ends_at_an_empty_page() -> None:
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


async def test_a_listing_that_stands_still_is_an_error_not_a_loop() -> None:
    with pytest.raises(RetryLater, match="does not advance"):
        await connect(vendor({"GET Contact": listed(42)})).list("contact", since=None, page="42", where={})


async def test_a_listing_since_asks_by_the_second_where_the_server_can() -> None:
    server = vendor({"GET Contact": [listed(), listed(42)]})
    connector = connect(server)
    page = await connector.list("contact", since=datetime(2026, 3, 1, 8, 59, 30, tzinfo=UTC), page=None, where={})
    assert [row.ref.id for row in page.rows] == ["42"]
    assert [query["$filter"] for query in queries(server)] == [
        "updatedDate afterTime '2027-04-06T10:00:00'",
        "contactId gt 0 and updatedDate afterTime '2026-03-01T08:59:30'",
    ]


@pytest.mark.parametrize("probe", [listed(42), answer(400, {"ErrorMessage": "bad filter"})])
async def test_a_listing_since_falls_back_to_days_and_leaves_out_what_is_older(probe: Any) -> None:
    server = vendor({"GET Contact": [probe, listed(42)]})
    page = await connect(server).list("contact", since=datetime(2026, 3, 1, 12, tzinfo=UTC), page=None, where={})
    assert (page.rows, page.next) == ([], "42")
    assert queries(server)[1]["$filter"] == "contactId gt 0 and updatedDate after '2026-02-28'"


async def test_persons_have_their_own_name_for_the_modification_time() -> None:
    server = vendor({"GET Person": listed()})
    await connect(server).list("person", since=CHANGED, page=None, where={})
    assert "personUpdatedDate afterTime" in queries(server, "Person")[-1]["$filter"]


async def test_newest_goes_by_falling_key_until_one_is_older_and_never_asks_the_same_twice() -> None:
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


async def test_an_update_is_a_patch_of_what_changed_on_condition_that_nothing_else_did() -> None:
    server = vendor({"PATCH Contact/42": answer(200, {**CONTACT, "Name": "New"})})
    connector = connect(server)
    changes = {
        "name": "New",
        "category": "Customer",
        "business": None,
        "country": "NO",
        "associate_id": "8",
        "emails": [
            {"value": "c@x.example", "label": None, "primary": False},
            {"value": "d@x.example", "label": "home", "primary": True},
        ],
        "street_address": {"city": "Bergen"},
        "custom": {"Segment": "Silver", "Renewal": date(2027, 1, 2), "Discount": Decimal("2.50"), "Note": None},
    }
    written = await connector.update(await read(connector), changes)
    assert written.record is not None
    assert written.record.fields["name"] == "New"
    (request,) = server.sent("PATCH")
    assert request.headers["if-unmodified-since"] == "Sun, 01 Mar 2026 09:00:00 GMT"
    assert read_json(request.body or b"") == [
        {"op": "replace", "path": "/Name", "value": "New"},
        {"op": "replace", "path": "/Category", "value": {"Id": 1}},
        {"op": "replace", "path": "/Business", "value": None},
        {"op": "replace", "path": "/Country", "value": {"CountryId": 578}},
        {"op": "replace", "path": "/Associate", "value": {"AssociateId": 8}},
        {
            "op": "replace",
            "path": "/Emails",
            "value": [
                {"Value": "d@x.example", "Description": "home"},
                {"Value": "c@x.example", "Description": ""},
            ],
        },
        {"op": "add", "path": "/CustomFields/SuperOffice:1", "value": "[I:12]"},
        {"op": "add", "path": "/CustomFields/SuperOffice:4", "value": "[D:02.01.2027]"},
        {"op": "add", "path": "/CustomFields/SuperOffice:6", "value": "[F:2.50]"},
        {"op": "add", "path": "/CustomFields/SuperOffice:3", "value": ""},
        {
            "op": "replace",
            "path": "/Address",
            "value": {
                "Street": {"Address1": "Storgata 1", "City": "Bergen", "Zipcode": "0155"},
                "Postal": {"Address1": "", "City": "", "Zipcode": ""},
            },
        },
    ]


@pytest.mark.parametrize("status", [404, 409, 412])
async def test_a_record_that_changed_or_went_away_is_a_conflict(status: int) -> None:
    connector = connect(vendor({"PATCH Contact/42": answer(status)}))
    with pytest.raises(WriteConflict):
        await connector.update(await read(connector), {"name": "x"})


async def test_a_fraction_in_the_modification_time_is_rounded_up_in_the_condition() -> None:
    shown = {**CONTACT, "UpdatedDate": "2026-03-01T09:00:00.1234567"}
    server = vendor({"GET Contact/42": answer(200, shown), "PATCH Contact/42": answer(200, shown)})
    connector = connect(server)
    await connector.update(await read(connector), {"name": "x"})
    assert server.sent("PATCH")[0].headers["if-unmodified-since"] == "Sun, 01 Mar 2026 09:00:01 GMT"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"no_such": 1}, "no_such"),
        ({"created_date": CHANGED}, "created_date"),
        ({"category": "Unheard of"}, "category"),
        ({"category": "Partner"}, "category"),
        ({"name": 5}, "name"),
        ({"associate_id": "x"}, "associate_id"),
        ({"no_mailing": "yes"}, "no_mailing"),
        ({"emails": "a@x.example"}, "emails"),
        ({"street_address": {"planet": "x"}}, "street_address"),
        ({"custom": "x"}, "custom"),
        ({"custom": {"No such": "x"}}, "custom.No such"),
        ({"custom": {"Shirt": "x"}}, "custom.Shirt"),
        ({"custom": {"Score": 5}}, "custom.Score"),
        ({"custom": {"Seats": "five"}}, "custom.Seats"),
        ({"custom": {"Segment": "Bronze"}}, "custom.Segment"),
    ],
)
async def test_what_cannot_be_written_is_rejected_before_any_write(changes: dict[str, Any], field: str) -> None:
    server = vendor()
    connector = connect(server)
    with pytest.raises(Rejected) as caught:
        await connector.update(await read(connector), changes)
    assert caught.value.field == field
    assert server.sent("PATCH") == []


async def test_a_new_list_item_is_found_by_loading_again_once() -> None:
    server = vendor({"PATCH Contact/42": answer(200, CONTACT)})
    connector = connect(server)
    fresh = await read(connector)
    server.routes["GET List/Category/Items"] = answer(200, [item(9, "Brand new")])
    await connector.update(fresh, {"category": "Brand new"})
    assert server.body("PATCH")[0]["value"] == {"Id": 9}
    for _ in range(2):
        with pytest.raises(Rejected):
            await connector.update(fresh, {"category": "Unheard of"})
    assert len(server.sent("GET", "List/Category")) == 3


async def test_a_create_fills_in_the_vendors_default() -> None:
    default = {**CONTACT, "ContactId": 0, "Name": "", "Category": {"Id": 1, "Value": "Customer"}, "Address": None}
    default["CustomFields"] = {"SuperOffice:5": "[I:0]"}
    server = vendor({"GET Contact/default": answer(200, default), "POST Contact": answer(200, CONTACT)})
    made = {"name": "Åsgård", "custom": {"Seats": 2}, "postal_address": {"city": "Oslo"}}
    written = await connect(server).create("contact", made)
    assert written.id == "42"
    body = server.body("POST")
    assert (body["Name"], body["Category"]["Id"], body["ContactId"]) == ("Åsgård", 1, 0)
    assert body["CustomFields"] == {"SuperOffice:5": "[I:0]", "SuperOffice:2": "[I:2]"}
    assert body["Address"] == {"Street": {}, "Postal": {"City": "Oslo"}}
    assert not {"FieldProperties", "TableRight", "_Links", "UserDefinedFields"} & set(body)


async def test_a_create_answered_without_an_id_is_of_unknown_outcome() -> None:
    server = vendor({"GET Contact/default": answer(200, {}), "POST Contact": answer(200, {"ContactId": 0})})
    with pytest.raises(OutcomeUnknown):
        await connect(server).create("contact", {"name": "x"})


@pytest.mark.parametrize("reply", [answer(204), missing(), answer(500, {"ErrorType": "SoNotFoundException"})])
async def test_deleting_is_done_when_the_record_is_gone(reply: Any) -> None:
    server = vendor({"DELETE Contact/42": reply})
    connector = connect(server)
    await connector.delete(await read(connector))
    assert len(server.sent("DELETE")) == 1


async def test_deleting_what_changed_meanwhile_is_a_conflict() -> None:
    connector = connect(vendor({"DELETE Contact/42": answer(412)}))
    with pytest.raises(WriteConflict):
        await connector.delete(await read(connector))


async def test_a_failed_delete_is_of_unknown_outcome() -> None:
    connector = connect(vendor({"DELETE Contact/42": answer(500, {"ErrorMessage": "x"})}))
    with pytest.raises(OutcomeUnknown):
        await connector.delete(await read(connector))


SALE = {
    "SaleId": 5,
    "Heading": "Deal",
    "Amount": 1234.5,
    "Currency": {"Id": 9, "Value": "NOK"},
    "Saledate": "2026-04-01T00:00:00",
    "ReopenDate": "0001-01-01T00:00:00",
    "Status": "Open",
    "Rating": {"Id": 4, "Value": "Likely"},
    "Contact": {"ContactId": 42, "Name": "x"},
    "Person": None,
    "Project": {"ProjectId": 0},
    "UpdatedDate": "2026-03-01T09:00:00",
}


async def test_a_sale_reads_and_writes_money_days_and_links() -> None:
    server = vendor({"GET Sale/5": answer(200, SALE), "PATCH Sale/5": answer(200, SALE)})
    connector = connect(server)
    record = await read(connector, RecordRef("crm1", "sale", "5"))
    shown = {name: record.fields[name] for name in record.fields if name not in ("id", "custom", "updated_date")}
    assert shown == {
        "heading": "Deal",
        "amount": Decimal("1234.5"),
        "currency": "NOK",
        "saledate": date(2026, 4, 1),
        "reopen_date": None,
        "status": "Open",
        "rating": "Likely",
        "contact_id": "42",
        "person_id": None,
        "project_id": None,
    }
    await connector.update(
        record,
        {"amount": None, "saledate": date(2026, 5, 2), "reopen_date": None, "contact_id": None, "status": "Sold"},
    )
    assert {op["path"]: op["value"] for op in server.body("PATCH")} == {
        "/Amount": 0,
        "/Saledate": "2026-05-02T00:00:00",
        "/ReopenDate": "0001-01-01T00:00:00",
        "/Contact": None,
        "/Status": "Sold",
    }
    with pytest.raises(Rejected, match="Sold"):
        await connector.update(record, {"status": "Won"})


PRODUCT = {
    "ProductId": 3,
    "Name": "Desk",
    "Code": "D-1",
    "UnitCost": Decimal("-79228162514264337593543950335"),
    "UnitListPrice": 10.25,
    "InAssortment": True,
    "Rule": "kept",
    "FieldProperties": {},
}


async def test_a_product_goes_back_whole_with_what_we_do_not_know() -> None:
    shown = {**PRODUCT, "UnitCost": -79228162514264337593543950335}
    server = vendor({"GET Product/3": answer(200, shown), "PUT Product/3": answer(200, shown)})
    connector = connect(server)
    record = await read(connector, RecordRef("crm1", "product", "3"))
    assert (record.modified_at, record.fields["unit_cost"]) == (None, None)
    assert record.fields["unit_list_price"] == Decimal("10.25")
    written = await connector.update(record, {"code": None})
    assert written.record is not None
    body = server.body("PUT")
    assert (body["Code"], body["Rule"], body["Name"]) == ("", "kept", "Desk")
    assert "if-unmodified-since" not in server.sent("PUT")[0].headers
    with pytest.raises(Rejected):
        await connector.update(record, {"custom": {"x": 1}})


async def test_times_of_appointments_are_asked_for_and_sent_in_utc() -> None:
    shown = {"AppointmentId": 8, "StartDate": "2026-03-05T08:30:00", "EndDate": "2026-03-05T10:30:00+0100"}
    server = vendor({"GET Appointment/8": answer(200, shown), "PATCH Appointment/8": answer(200, shown)})
    connector = connect(server)
    record = await read(connector, RecordRef("crm1", "appointment", "8"))
    assert record.fields["start_date"] == datetime(2026, 3, 5, 8, 30, tzinfo=UTC)
    assert record.fields["end_date"] == datetime(2026, 3, 5, 9, 30, tzinfo=UTC)
    await connector.update(record, {"start_date": datetime(2026, 3, 6, 9, tzinfo=UTC)})
    assert server.body("PATCH")[0]["value"] == "2026-03-06T09:00:00Z"
    assert all(one.headers["so-timezone"] == "UTC" for one in server.sent("GET", "Appointment/8"))
    assert server.sent("PATCH")[0].headers["so-timezone"] == "UTC"


async def test_an_entity_nobody_knows_is_rejected() -> None:
    with pytest.raises(Rejected, match="no entity"):
        await connect(vendor()).read(RecordRef("crm1", "quote", "1"))
