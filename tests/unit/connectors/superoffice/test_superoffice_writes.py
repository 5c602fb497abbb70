"""Writes against answers in the vendor's shapes."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from http_fakes import answer
from superoffice_fakes import CONTACT, connect, item, missing, read, vendor

from bridge.connectors.json_text import read_json
from bridge.domain.errors import OutcomeUnknown, Rejected, WriteConflict
from bridge.domain.record import RecordRef

CHANGED = datetime(2026, 3, 1, 9, tzinfo=UTC)


async def test_an_update_patches_the_changed_columns_if_the_record_did_not_change() -> None:
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
async def test_a_changed_or_missing_record_is_a_conflict(status: int) -> None:
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
async def test_a_value_that_cannot_be_written_is_rejected_before_any_write(changes: dict[str, Any], field: str) -> None:
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


async def test_a_create_answered_without_an_id_has_an_unknown_outcome() -> None:
    server = vendor({"GET Contact/default": answer(200, {}), "POST Contact": answer(200, {"ContactId": 0})})
    with pytest.raises(OutcomeUnknown):
        await connect(server).create("contact", {"name": "x"})


@pytest.mark.parametrize("reply", [answer(204), missing(), answer(500, {"ErrorType": "SoNotFoundException"})])
async def test_a_delete_is_complete_when_the_record_is_gone(reply: Any) -> None:
    server = vendor({"DELETE Contact/42": reply})
    connector = connect(server)
    await connector.delete(await read(connector))
    assert len(server.sent("DELETE")) == 1


async def test_deleting_a_record_that_changed_meanwhile_is_a_conflict() -> None:
    connector = connect(vendor({"DELETE Contact/42": answer(412)}))
    with pytest.raises(WriteConflict):
        await connector.delete(await read(connector))


async def test_a_failed_delete_has_an_unknown_outcome() -> None:
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


async def test_a_product_is_written_whole_with_the_columns_that_we_do_not_know() -> None:
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


async def test_times_of_appointments_are_read_and_sent_in_utc() -> None:
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


async def test_an_unknown_entity_is_rejected() -> None:
    with pytest.raises(Rejected, match="no entity"):
        await connect(vendor()).read(RecordRef("crm1", "quote", "1"))
