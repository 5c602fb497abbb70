"""Reading gives one record shape, whatever form the vendor's answer has."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from http_fakes import FakeClock, answer
from pipedrive_fakes import DEAL, DEAL_FIELDS, SEGMENT, SHIRT_1, STAGES, custom_field, data, vendor
from pipedrive_fakes import connect as connect_to

from bridge.domain.catalog import Column
from bridge.domain.errors import RetryLater
from bridge.domain.record import Evidence, Gone, Record, RecordRef

REF = RecordRef("crm1", "deal", "7")


async def read_deal(**changed: object) -> Record:
    record = await connect_to(vendor(**{"GET api/v2/deals/7": data({**DEAL, **changed})})).read(REF)
    assert isinstance(record, Record)
    return record


async def test_a_deal_is_read_typed_and_by_name() -> None:
    record = await read_deal()
    assert record.ref == REF
    assert record.modified_at == datetime(2026, 3, 1, 9, 0, 0, 250000, tzinfo=UTC)
    assert record.created_at == datetime(2026, 3, 1, 8, tzinfo=UTC)
    fields = record.fields
    assert fields["value"] == Decimal("1234.5")
    assert fields["expected_close_date"] == date(2026, 4, 1)
    assert (fields["pipeline"], fields["stage"]) == ("Service", "Offer")
    assert fields["labels"] == ["Hot", "Cold"]
    assert (fields["owner_id"], fields["person_id"], fields["org_id"]) == ("5", "12", None)
    assert fields["title"] == "Møbler ☕"
    assert fields["custom"]["Segment"] == "Silver"
    assert fields["custom"]["Tags"] == ["A", "B"]
    assert fields["custom"]["Fee"] == {"value": Decimal("10.5"), "currency": "NOK"}
    assert fields["custom"]["Due"] == date(2026, 5, 1)
    assert fields["custom"]["Boss"] == "33"


async def test_null_is_kept_and_absent_stays_unread() -> None:
    row = {name: value for name, value in DEAL.items() if name not in ("value", "custom_fields")}
    record = await connect_to(vendor(**{"GET api/v2/deals/7": data(row)})).read(REF)
    assert isinstance(record, Record)
    assert record.fields["probability"] is None
    assert "value" not in record.fields
    assert "custom" not in record.fields


async def test_a_value_that_cannot_be_read_is_unread() -> None:
    record = await read_deal(value="a lot", won_time="yesterday", label_ids=[99], stage_id=44)
    assert not {"value", "won_time", "labels", "stage"} & record.fields.keys()
    assert record.fields["pipeline"] == "Service"


async def test_fields_of_equal_name_are_left_out_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    record = await read_deal()
    assert "Shirt" not in record.fields["custom"]
    assert "deal field: 'Shirt' appears several times" in caplog.text


async def test_numbers_as_text_and_ids_as_text_read_the_same() -> None:
    record = await read_deal(value="1234.5", stage_id="3", owner_id="5")
    assert (record.fields["value"], record.fields["stage"], record.fields["owner_id"]) == (
        Decimal("1234.5"),
        "Offer",
        "5",
    )


@pytest.mark.parametrize(
    ("reply", "evidence"),
    [
        (data({**DEAL, "is_deleted": True}), Evidence.FLAG),
        (data({**DEAL, "is_deleted": None, "status": "deleted"}), Evidence.FLAG),
        (answer(404, {"success": False, "error": "Entity was not found"}), Evidence.NOT_FOUND),
        (answer(410, {"success": False}), Evidence.NOT_FOUND),
        (answer(204), Evidence.NOT_FOUND),
    ],
)
async def test_a_deleted_or_missing_record_is_gone(reply: object, evidence: Evidence) -> None:
    gone = await connect_to(vendor(**{"GET api/v2/deals/7": reply})).read(REF)  # type: ignore[arg-type]
    assert isinstance(gone, Gone)
    assert gone.evidence is evidence


async def test_an_id_that_is_no_number_makes_no_call() -> None:
    server = vendor()
    assert isinstance(await connect_to(server).read(RecordRef("crm1", "deal", "7/../users")), Gone)
    assert server.requests == []


async def test_an_answer_without_a_record_is_retried_later() -> None:
    with pytest.raises(RetryLater):
        await connect_to(vendor(**{"GET api/v2/deals/7": data(None)})).read(REF)


async def test_an_archived_deal_is_a_record() -> None:
    assert (await read_deal(is_archived=True)).archived


async def test_a_new_option_is_learned_without_restart() -> None:
    server = vendor(**{"GET api/v2/deals/7": data({**DEAL, "custom_fields": {SEGMENT: 12}})})
    newer = [custom_field(SEGMENT, "Segment", "enum", (10, "Gold"), (12, "Platinum"))]
    server.routes["GET api/v2/dealFields"] = [data(DEAL_FIELDS), data(newer)]
    record = await connect_to(server).read(REF)
    assert isinstance(record, Record)
    assert record.fields["custom"]["Segment"] == "Platinum"


async def test_an_unknown_key_is_not_looked_up_with_every_read() -> None:
    server = vendor(**{"GET api/v2/deals/7": data({**DEAL, "custom_fields": {SEGMENT: 99}})})
    connector = connect_to(server)
    for _ in range(5):
        await connector.read(REF)
    assert len(server.sent("GET", "api/v2/dealFields")) == 2


async def test_a_renamed_stage_keeps_its_name_and_warns(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    server = vendor(**{"GET api/v2/deals/7": data(DEAL)})
    renamed = [*STAGES[:2], {"id": 3, "name": "Proposal", "pipeline_id": 2}]
    server.routes["GET api/v2/stages"] = [data(STAGES), data(renamed)]
    connector = connect_to(server, clock)
    await connector.read(REF)
    clock.seconds += 7200
    record = await connector.read(REF)
    assert isinstance(record, Record)
    assert record.fields["stage"] == "Offer"
    assert "'Offer' is now called 'Proposal'" in caplog.text


async def test_custom_columns_have_their_type_and_choices() -> None:
    columns = await connect_to(vendor()).columns("deal")
    assert columns["custom.Segment"].choices == ("Gold", "Silver")
    assert columns["custom.Fee"].parts == ("value", "currency")
    assert columns["custom.Boss"].to == "person"
    assert columns["custom.Due"].type is Column.DATE
    assert columns["pipeline"].choices == ("Sales", "Service")
    assert "custom.Shirt" not in columns


async def test_the_definitions_of_a_large_account_are_read_to_the_end() -> None:
    server = vendor()
    server.routes["GET api/v2/dealFields"] = [data(DEAL_FIELDS[:2], "next"), data(DEAL_FIELDS[2:])]
    assert "custom.Segment" in await connect_to(server).columns("deal")
    assert ("cursor", "next") in server.sent("GET", "api/v2/dealFields")[1].query


async def test_a_person_shows_values_without_the_vendors_empty_item() -> None:
    row = {
        "id": 1,
        "name": "Ana",
        "emails": [{"value": "a@x.example", "label": "work", "primary": True}],
        "phones": [{"value": "", "primary": True}],
        "add_time": "2026-03-01 08:00:00",
        "update_time": None,
    }
    record = await connect_to(vendor(**{"GET api/v2/persons/1": data(row)})).read(RecordRef("crm1", "person", "1"))
    assert isinstance(record, Record)
    assert record.fields["emails"] == [{"value": "a@x.example", "label": "work", "primary": True}]
    assert record.fields["phones"] == []
    assert record.modified_at == record.created_at == datetime(2026, 3, 1, 8, tzinfo=UTC)


async def test_prices_of_a_product_are_columns_by_currency() -> None:
    row = {"id": 1, "name": "Desk", "prices": [{"product_id": 1, "currency": "EUR", "price": 10.25, "notes": ""}]}
    record = await connect_to(vendor(**{"GET api/v2/products/1": data(row)})).read(RecordRef("crm1", "product", "1"))
    assert isinstance(record, Record)
    assert record.fields["prices"] == {"EUR": {"price": Decimal("10.25"), "notes": ""}}


async def test_the_accounts_identity_is_its_company() -> None:
    me = {"id": 5, "company_id": 77, "company_name": "Acme", "company_domain": "acme"}
    identity = await connect_to(vendor(**{"GET api/v1/users/me": data(me)})).identity()
    assert (identity.key, identity.label, identity.user) == ("77", "Acme", "5")


async def test_only_a_header_carries_the_token() -> None:
    server = vendor(**{"GET api/v2/deals/7": data(DEAL)})
    await connect_to(server).read(REF)
    assert all(request.headers["x-api-token"] == "s3cret-token" for request in server.requests)
    assert not any("s3cret" in request.url + str(request.query) for request in server.requests)
    assert SHIRT_1 not in str(server.requests)
