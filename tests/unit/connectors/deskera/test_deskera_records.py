"""Contacts and deals of Deskera: reads, creates, updates, deletes."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from deskera_fakes import FakeDeskera, contact, deal
from http_fakes import FakeClock, answer

from bridge.connectors.ties import Ties
from bridge.domain.errors import OutcomeUnknown, RateLimited, Rejected, RetryLater
from bridge.domain.record import Evidence, Gone, Record, RecordRef


@pytest.fixture
def fake(clock: FakeClock) -> FakeDeskera:
    return FakeDeskera(clock, contacts={3: contact(3), 4: contact(4, type="organization")}, deals={7: deal(7)})


def ref(entity: str, key: int | str) -> RecordRef:
    return RecordRef("erp1", entity, str(key))


async def read(fake: FakeDeskera, entity: str, key: int) -> Record:
    found = await fake.connector().read(ref(entity, key))
    assert isinstance(found, Record)
    return found


async def test_contact_reads_in_the_record_shape(fake: FakeDeskera) -> None:
    fake.contacts[3] |= {"organization_id": 4, "email": "", "label_id": 2, "new_in_2027": {"x": 1}}
    record = await read(fake, "crm_contact", 3)
    assert record.modified_at == datetime(2026, 3, 1, 8, 7, 56, 232310, tzinfo=UTC)
    assert record.fields["organization_id"] == "4"
    assert record.fields["label"] == "Cold lead"
    assert record.fields["email"] is None
    assert record.fields["owner_id"] == "9"
    assert record.fields["custom"] == {"Tier": "V2", "Size": None}


@pytest.mark.parametrize(("shown", "by"), [({"updated_by": 9}, "user 9"), ({}, "user 5"), ({"created_by": {}}, None)])
async def test_a_contact_names_the_user_of_its_version(
    fake: FakeDeskera, shown: dict[str, Any], by: str | None
) -> None:
    fake.contacts[3].update(shown)
    assert (await read(fake, "crm_contact", 3)).modified_by == by


async def test_phone_missing_from_the_answer_is_unread(fake: FakeDeskera) -> None:
    assert "phone" not in (await read(fake, "crm_contact", 3)).fields


async def test_contact_without_custom_fields_in_the_answer_leaves_them_unread(fake: FakeDeskera) -> None:
    del fake.contacts[3]["custom_field"], fake.contacts[3]["c_field"]
    assert "custom" not in (await read(fake, "crm_contact", 3)).fields


async def test_deal_reads_stage_pipeline_and_outcome_by_name(fake: FakeDeskera) -> None:
    fields = (await read(fake, "crm_deal", 7)).fields
    assert (fields["pipeline"], fields["stage"], fields["status"]) == ("Sales", "Won", "won")
    assert fields["amount"] == Decimal(10)
    assert fields["closing_date"] == datetime(2026, 6, 17, 10, 44, 21, 345000, tzinfo=UTC)
    assert fields["contact_id"] == "3"
    assert fields["organization_id"] is None


async def test_deals_have_no_version_even_when_a_time_is_shown(fake: FakeDeskera) -> None:
    fake.deals[7]["updated_at"] = "2026-03-01T10:44:48Z"
    assert (await read(fake, "crm_deal", 7)).modified_at is None


@pytest.mark.parametrize(
    ("shown", "evidence"),
    [
        (answer(404, {"message": "no"}), Evidence.NOT_FOUND),
        (answer(410), Evidence.FLAG),
        (answer(200, {**deal(7), "is_deleted": True}), Evidence.FLAG),
        (answer(200, {**deal(7), "deleted": True}), Evidence.FLAG),
    ],
)
async def test_missing_or_deleted_record_is_gone(fake: FakeDeskera, shown: Any, evidence: Evidence) -> None:
    fake.special["GET /v1/crm/deals/7"] = [shown]
    found = await fake.connector().read(ref("crm_deal", 7))
    assert isinstance(found, Gone)
    assert found.evidence is evidence


async def test_answer_with_another_record_is_rejected(fake: FakeDeskera) -> None:
    fake.special["GET /v1/crm/deals/7"] = [answer(200, deal(8))]
    with pytest.raises(RetryLater):
        await fake.connector().read(ref("crm_deal", 7))


async def test_created_contact_reads_back(fake: FakeDeskera) -> None:
    connector = fake.connector()
    fields = {"type": "person", "name": "Åse Ødegård 李", "label": "Cold lead", "organization_id": "4", "email": None}
    written = await connector.create("crm_contact", fields)
    assert written.record is None
    body = fake.bodies("POST", "/v1/crm/contacts")[0]
    assert body == {"type": "person", "name": "Åse Ødegård 李", "label_id": 2, "organization_id": 4, "email": ""}
    record = await connector.read(ref("crm_contact", written.id))
    assert isinstance(record, Record)
    assert {key: record.fields[key] for key in fields} == fields


async def test_create_answered_with_the_whole_contact_shows_the_record(fake: FakeDeskera) -> None:
    fake.special["POST /v1/crm/contacts"] = [answer(200, contact(12))]
    written = await fake.connector().create("crm_contact", {"type": "person", "name": "Contact 12"})
    assert written.id == "12"
    assert written.record is not None
    assert written.record.fields["name"] == "Contact 12"


async def test_create_answered_without_id_has_an_unknown_outcome(fake: FakeDeskera) -> None:
    fake.special["POST /v1/crm/deals"] = [answer(201, b"")]
    with pytest.raises(OutcomeUnknown):
        await fake.connector().create("crm_deal", {"name": "x", "pipeline": "Sales"})


async def test_new_deal_gets_ids_of_pipeline_and_first_stage(fake: FakeDeskera) -> None:
    fields = {"name": "Roof", "pipeline": "Sales", "amount": Decimal("10.10"), "contact_id": "3"}
    await fake.connector().create("crm_deal", fields)
    body = fake.bodies("POST", "/v1/crm/deals")[0]
    assert body == {"name": "Roof", "pipeline_id": 1, "stage_id": 11, "amount": 10.10, "contact_id": 3}
    assert b"10.10" in (fake.sent("POST", "/v1/crm/deals")[0].body or b"")


async def test_new_deal_without_pipeline_is_refused_when_there_are_several(fake: FakeDeskera) -> None:
    with pytest.raises(Rejected) as refused:
        await fake.connector().create("crm_deal", {"name": "Roof", "stage": "New"})
    assert refused.value.field == "pipeline"


async def test_update_sends_the_whole_record_and_changes_nothing_else(fake: FakeDeskera) -> None:
    fake.contacts[4] |= {"persons": [{"id": 3, "name": "x"}], "logo": "l.png", "vat": "unknown to us"}
    connector = fake.connector()
    fresh = await connector.read(ref("crm_contact", 4))
    assert isinstance(fresh, Record)
    await connector.update(fresh, {"name": "New name", "custom": {"Tier": "V3"}})
    body = fake.bodies("PUT", "/v1/crm/contacts/4")[0]
    assert body["name"] == "New name"
    assert body["custom_field"] == [{"code": "D-1", "label": "Tier", "value": "V3", "module": "", "shortName": "Tier"}]
    assert (body["email"], body["vat"], body["logo"], body["person_ids"]) == (
        "c4@x.example",
        "unknown to us",
        "l.png",
        [3],
    )
    assert not {"updated_at", "tenant_id", "label", "persons", "organization", "phone"} & body.keys()


async def test_a_company_carries_the_people_it_is_sent_with(fake: FakeDeskera) -> None:
    fake.contacts[4] |= {"persons": [{"id": 3, "name": "x"}, {"name": "without an id"}, "no person"]}
    company = await read(fake, "crm_contact", 4)
    assert fake.connector().ties(company, {"name": "New name"}) == Ties([ref("crm_contact", 3)], [])
    assert fake.connector().ties(await read(fake, "crm_deal", 7), {"name": "New name"}) == Ties()


@pytest.mark.parametrize(("company", "left"), [(4, [ref("crm_contact", 4)]), (0, [])])
async def test_a_person_who_moves_is_carried_by_the_company_that_is_left(
    fake: FakeDeskera, company: int, left: list[RecordRef]
) -> None:
    fake.contacts[3] |= {"organization_id": company}
    person = await read(fake, "crm_contact", 3)
    assert fake.connector().ties(person, {"organization_id": "5"}) == Ties([], left)
    assert fake.connector().ties(person, {"name": "New name"}) == Ties([], [])


@pytest.mark.parametrize("persons", [None, [], "3", {"id": 3}])
async def test_a_company_shown_without_people_is_sent_without_them(fake: FakeDeskera, persons: Any) -> None:
    fake.contacts[4] |= {"persons": persons}
    company = await read(fake, "crm_contact", 4)
    await fake.connector().update(company, {"name": "New name"})
    assert "person_ids" not in fake.bodies("PUT", "/v1/crm/contacts/4")[0]
    assert fake.connector().ties(company, {"name": "New name"}) == Ties([], [])


async def test_update_of_the_stage_sends_its_id_and_drops_the_embedded_stage(fake: FakeDeskera) -> None:
    connector = fake.connector()
    fresh = await read(fake, "crm_deal", 7)
    await connector.update(fresh, {"stage": "Lost"})
    body = fake.bodies("PUT", "/v1/crm/deals/7")[0]
    assert (body["pipeline_id"], body["stage_id"]) == (1, 13)
    assert "stage" not in body


async def test_moving_a_deal_to_another_pipeline_keeps_the_name_of_the_stage(fake: FakeDeskera) -> None:
    fresh = await read(fake, "crm_deal", 7)
    await fake.connector().update(fresh, {"pipeline": "Service"})
    body = fake.bodies("PUT", "/v1/crm/deals/7")[0]
    assert (body["pipeline_id"], body["stage_id"]) == (2, 22)


async def test_another_contact_drops_the_name_of_the_former_one(fake: FakeDeskera) -> None:
    fake.deals[7]["contact_name"] = "Paul"
    fresh = await read(fake, "crm_deal", 7)
    await fake.connector().update(fresh, {"contact_id": "4"})
    body = fake.bodies("PUT", "/v1/crm/deals/7")[0]
    assert body["contact_id"] == 4
    assert "contact_name" not in body


@pytest.mark.parametrize(
    ("entity", "fields", "column"),
    [
        ("crm_contact", {"nickname": "x"}, "nickname"),
        ("crm_contact", {"type": "robot"}, "type"),
        ("crm_contact", {"label": "Lukewarm"}, "label"),
        ("crm_contact", {"updated_at": None}, "updated_at"),
        ("crm_contact", {"custom": {"Shoe": "x"}}, "custom.Shoe"),
        ("crm_deal", {"pipeline": "Sales", "stage": "Nowhere"}, "stage"),
        ("crm_deal", {"pipeline": "Nowhere"}, "pipeline"),
        ("crm_deal", {"pipeline": "Sales", "stage": None}, "stage"),
        ("crm_deal", {"status": "won"}, "status"),
        ("crm_deal", {"amount": "ten"}, "amount"),
        ("crm_deal", {"closing_date": datetime(2026, 1, 1)}, "closing_date"),  # noqa: DTZ001 - the point
    ],
)
async def test_unknown_column_or_choice_is_refused_before_the_write(
    fake: FakeDeskera, entity: str, fields: dict[str, Any], column: str
) -> None:
    with pytest.raises(Rejected) as refused:
        await fake.connector().create(entity, fields)
    assert refused.value.field == column
    assert [each for each in fake.requests if each.method == "POST"] == []


async def test_unknown_entity_is_refused(fake: FakeDeskera) -> None:
    with pytest.raises(Rejected, match="crm_contact, crm_deal"):
        await fake.connector().read(ref("invoice", 1))


async def test_deleting_twice_is_no_error(fake: FakeDeskera) -> None:
    connector = fake.connector()
    fresh = await read(fake, "crm_deal", 7)
    await connector.delete(fresh)
    await connector.delete(fresh)
    assert fake.deals == {}


async def test_success_false_in_a_2xx_is_a_refusal(fake: FakeDeskera) -> None:
    fake.special["POST /v1/crm/contacts"] = [answer(200, {"id": 0, "errorMessage": "e-mail is in use"})]
    with pytest.raises(Rejected, match="e-mail is in use"):
        await fake.connector().create("crm_contact", {"type": "person", "name": "x"})


@pytest.mark.parametrize("said", [{"errorMessage": "Plan used up"}, {}])
async def test_406_without_a_reason_is_a_quota(fake: FakeDeskera, said: dict[str, Any]) -> None:
    fake.special["POST /v1/crm/contacts"] = [answer(406, said)]
    with pytest.raises(RateLimited):
        await fake.connector().create("crm_contact", {"type": "person", "name": "x"})


async def test_406_about_missing_stock_is_a_refusal(fake: FakeDeskera) -> None:
    fake.special["POST /v1/crm/contacts"] = [answer(406, {"errorMessage": "Insufficient stock"})]
    with pytest.raises(Rejected, match="Insufficient stock"):
        await fake.connector().create("crm_contact", {"type": "person", "name": "x"})


async def test_406_about_a_limit_waits_and_other_406_are_refusals(fake: FakeDeskera) -> None:
    fake.special["POST /v1/crm/contacts"] = [
        answer(406, {"code": 406, "errorMessage": "Monthly limit reached"}),
        answer(406, {"code": 406, "errorMessage": "No stock", "errors": [{"field": "name", "error": "taken"}]}),
    ]
    connector = fake.connector()
    with pytest.raises(RateLimited) as waits:
        await connector.create("crm_contact", {"type": "person", "name": "x"})
    assert waits.value.after_seconds == 3600
    with pytest.raises(Rejected, match="No stock - name: taken") as refused:
        await connector.create("crm_contact", {"type": "person", "name": "x"})
    assert refused.value.field == "name"
