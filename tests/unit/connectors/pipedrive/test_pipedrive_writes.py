"""Writing sends only changed columns, in the vendor's keys, and checks them before any call."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from http_fakes import answer
from pipedrive_fakes import (
    BOSS,
    DEAL,
    DEAL_FIELDS,
    DUE,
    FEE,
    PIPELINES,
    SEGMENT,
    STAGES,
    TAGS,
    Vendor,
    connect,
    custom_field,
    data,
    vendor,
)

from bridge.connectors.protocols import TransportFailed
from bridge.domain.errors import OutcomeUnknown, Rejected, WriteConflict
from bridge.domain.record import Record, RecordRef

FRESH = Record(RecordRef("crm1", "deal", "7"), {"title": "x"}, raw=DEAL)


def deal_vendor() -> Vendor:
    return vendor(**{"PATCH api/v2/deals/7": data(DEAL), "POST api/v2/deals": data(DEAL, status=201)})


async def patched(**changes: Any) -> Any:
    server = deal_vendor()
    await connect(server).update(FRESH, changes)
    return server.body("PATCH")


async def test_only_the_changed_columns_are_sent() -> None:
    assert await patched(value=Decimal("10.10"), currency="NOK") == {"value": Decimal("10.10"), "currency": "NOK"}


async def test_typed_values_take_the_vendors_form() -> None:
    sent = await patched(
        person_id="12",
        org_id=None,
        expected_close_date=date(2026, 4, 1),
        won_time=datetime(2026, 4, 1, 10, 0, 0, 5, tzinfo=UTC),
        labels=["Cold", "Hot"],
    )
    assert sent == {
        "person_id": 12,
        "org_id": None,
        "expected_close_date": "2026-04-01",
        "won_time": "2026-04-01T10:00:00Z",
        "label_ids": [2, 1],
    }


async def test_custom_fields_are_sent_by_key() -> None:
    own = {
        "Segment": "Gold",
        "Tags": ["B"],
        "Fee": {"value": Decimal("5"), "currency": "EUR"},
        "Due": date(2026, 1, 2),
        "Boss": "33",
    }
    assert await patched(custom=own) == {
        "custom_fields": {
            SEGMENT: 10,
            TAGS: [21],
            FEE: {"value": Decimal("5"), "currency": "EUR"},
            DUE: "2026-01-02",
            BOSS: 33,
        }
    }


async def test_an_emptied_set_is_null_because_an_empty_list_is_refused() -> None:
    assert await patched(custom={"Tags": [], "Segment": None}) == {"custom_fields": {TAGS: None, SEGMENT: None}}


async def test_emptied_labels_are_an_empty_list() -> None:
    assert await patched(labels=None) == {"label_ids": []}


@pytest.mark.parametrize(
    ("changes", "body"),
    [
        ({"stage": "Offer"}, {"stage_id": 3}),  # the deal is in pipeline Service
        ({"pipeline": "Sales", "stage": "Offer"}, {"stage_id": 1}),
        ({"pipeline": "Sales"}, {"pipeline_id": 1}),
    ],
)
async def test_a_stage_is_looked_up_within_its_pipeline(changes: Any, body: Any) -> None:
    assert await patched(**changes) == body


async def test_a_create_names_the_stage_alone_when_only_one_pipeline_has_it() -> None:
    server = deal_vendor()
    written = await connect(server).create("deal", {"title": "x", "stage": "Won over"})
    assert server.body("POST") == {"title": "x", "stage_id": 2}
    assert written.id == "7"
    assert written.record is not None
    assert written.record.fields["stage"] == "Offer"


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"titel": "x"}, "titel", "no such column"),
        ({"add_time": datetime(2026, 1, 1, tzinfo=UTC)}, "add_time", "cannot be written"),
        ({"value": "5"}, "value", "must be a number"),
        ({"value": Decimal("NaN")}, "value", "must be a number"),
        ({"title": 5}, "title", "must be text"),
        ({"person_id": "p-1"}, "person_id", "digits"),
        ({"expected_close_date": datetime(2026, 1, 1, tzinfo=UTC)}, "expected_close_date", "must be a date"),
        ({"won_time": datetime(2026, 1, 1)}, "won_time", "zone"),  # noqa: DTZ001 - the point of the test
        ({"status": "sleeping"}, "status", "not one of open, won, lost"),
        ({"labels": ["Warm"]}, "labels", "'Warm' does not exist"),
        ({"labels": "Hot"}, "labels", "list of names"),
        ({"stage": "Won over"}, "stage", "does not exist"),
        ({"stage": None}, "stage", "cannot be emptied"),
        ({"pipeline": "Marketing"}, "pipeline", "does not exist"),
        ({"custom": {"Segment": "Bronze"}}, "custom.Segment", "'Bronze' does not exist"),
        ({"custom": {"Nothing": 1}}, "custom.Nothing", "does not exist"),
        ({"custom": {"Shirt": "M"}}, "custom.Shirt", "exists twice"),
        ({"custom": {"Fee": {"amount": 1}}}, "custom.Fee", "no part 'amount'"),
    ],
)
async def test_a_bad_value_is_rejected_by_name_before_any_write(changes: Any, field: str, words: str) -> None:
    server = deal_vendor()
    with pytest.raises(Rejected, match=words) as caught:
        await connect(server).update(FRESH, changes)
    assert caught.value.field == field
    assert server.sent("PATCH") == []


async def test_a_stage_in_two_pipelines_needs_the_pipeline() -> None:
    with pytest.raises(Rejected, match="name the pipeline"):
        await connect(deal_vendor()).create("deal", {"title": "x", "stage": "Offer"})


async def test_pipelines_of_equal_name_are_refused_when_used_and_unread_otherwise() -> None:
    server = vendor(
        **{"GET api/v2/deals/7": data(DEAL), "GET api/v2/pipelines": data([*PIPELINES, {"id": 9, "name": "Service"}])}
    )
    connector = connect(server)
    record = await connector.read(FRESH.ref)
    assert isinstance(record, Record)
    assert "pipeline" not in record.fields
    with pytest.raises(Rejected, match="exists twice"):
        await connector.update(record, {"pipeline": "Service"})


async def test_a_deleted_stage_does_not_hide_a_stage_of_the_same_name() -> None:
    server = deal_vendor()
    server.routes["GET api/v2/stages"] = data(
        [*STAGES, {"id": 4, "name": "Offer", "pipeline_id": 2, "is_deleted": True}]
    )
    await connect(server).update(FRESH, {"stage": "Offer"})
    assert server.body("PATCH") == {"stage_id": 3}


async def test_a_new_option_is_found() -> None:
    server = deal_vendor()
    newer = [custom_field(SEGMENT, "Segment", "enum", (10, "Gold"), (12, "Platinum"))]
    server.routes["GET api/v2/dealFields"] = [data(DEAL_FIELDS), data(newer)]
    await connect(server).update(FRESH, {"custom": {"Segment": "Platinum"}})
    assert server.body("PATCH") == {"custom_fields": {SEGMENT: 12}}


async def test_the_new_name_of_a_renamed_stage_may_be_used() -> None:
    server = deal_vendor()
    renamed = [*STAGES[:2], {"id": 3, "name": "Proposal", "pipeline_id": 2}]
    server.routes["GET api/v2/stages"] = [data(STAGES), data(renamed)]
    connector = connect(server)
    await connector.update(FRESH, {"stage": "Proposal"})
    assert server.body("PATCH") == {"stage_id": 3}


async def test_nothing_to_change_sends_nothing() -> None:
    server = deal_vendor()
    written = await connect(server).update(FRESH, {})
    assert (written.id, server.requests) == ("7", [])


async def test_an_update_of_a_missing_record_needs_a_new_read() -> None:
    server = vendor(**{"PATCH api/v2/deals/7": answer(404, {"success": False, "error": "Entity was not found"})})
    with pytest.raises(WriteConflict):
        await connect(server).update(FRESH, {"title": "x"})


async def test_emails_are_sent_whole_with_the_vendors_default_label() -> None:
    server = vendor(**{"POST api/v2/persons": data({"id": 1})})
    emails = [{"value": "a@x.example", "label": None, "primary": True}, {"value": ""}]
    await connect(server).create("person", {"name": "Ana", "emails": emails, "phones": None})
    assert server.body("POST") == {
        "name": "Ana",
        "emails": [{"value": "a@x.example", "label": "work", "primary": True}],
        "phones": [],
    }


async def test_prices_and_category_of_a_product_are_sent_in_the_vendors_form() -> None:
    category = {"field_code": "category", "is_custom_field": False, "options": [{"id": "3", "label": "Chairs"}]}
    server = vendor(**{"GET api/v2/productFields": data([category]), "POST api/v2/products": data({"id": 1})})
    prices = {"EUR": {"price": Decimal("10.25")}}
    await connect(server).create("product", {"name": "Desk", "prices": prices, "category": "Chairs"})
    assert server.body("POST") == {
        "name": "Desk",
        "prices": [{"currency": "EUR", "price": Decimal("10.25")}],
        "category": 3,
    }


async def test_an_answer_that_shows_too_little_gives_the_id_only() -> None:
    written = await connect(vendor(**{"POST api/v2/persons": data({"id": 41})})).create("person", {"name": "Ana"})
    assert (written.id, written.record) == ("41", None)


async def test_an_error_after_a_create_took_effect_does_not_lose_its_id() -> None:
    server = deal_vendor()
    server.routes["POST api/v2/deals"] = data({**DEAL, "custom_fields": {SEGMENT: 99}})
    server.routes["GET api/v2/dealFields"] = [data(DEAL_FIELDS), answer(429)]
    written = await connect(server).create("deal", {"title": "x"})
    assert (written.id, written.record) == ("7", None)


@pytest.mark.parametrize("reply", [answer(500, {"success": False}), answer(200, b"<html>"), data(None), data({})])
async def test_a_create_without_a_clear_answer_has_an_unknown_outcome(reply: Any) -> None:
    server = vendor(**{"POST api/v2/deals": reply})
    with pytest.raises(OutcomeUnknown):
        await connect(server).create("deal", {"title": "x"})
    assert len(server.sent("POST")) == 1


async def test_a_create_whose_connection_drops_has_an_unknown_outcome() -> None:
    def drop(request: object) -> Any:
        raise TransportFailed("connection lost", sent=True)

    with pytest.raises(OutcomeUnknown):
        await connect(vendor(**{"POST api/v2/deals": drop})).create("deal", {"title": "x"})


async def test_deleting_a_missing_record_is_no_error() -> None:
    server = vendor(**{"DELETE api/v2/deals/7": answer(404, {"success": False, "error": "Entity was not found"})})
    await connect(server).delete(FRESH)
    assert len(server.sent("DELETE")) == 1


async def test_deals_are_archived_once_and_persons_never() -> None:
    server = deal_vendor()
    connector = connect(server)
    await connector.archive(FRESH)
    assert server.body("PATCH") == {"is_archived": True}
    await connector.archive(Record(FRESH.ref, {}, archived=True))
    assert len(server.sent("PATCH")) == 1
    with pytest.raises(Rejected):
        await connector.archive(Record(RecordRef("crm1", "person", "1"), {}))
