"""A row of any listing that cannot be read is left out and counted, and the listing continues."""

from datetime import UTC, datetime
from typing import Any

import pytest
from deskera_fakes import LABELS, FakeDeskera, contact, deal, pipelines
from http_fakes import FakeClock, answer

from bridge.domain.errors import OutcomeUnknown, RetryLater

ODD: list[Any] = [None, 7, "row", [], {}, {"id": None}, {"id": 0}, {"id": {}}, {"id": [1]}]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
INVOICE = {"salesInvoiceCode": "SI-0000001", "id": 4, "salesInvoiceItems": ["line"], "billingAddress": [{"city": {}}]}


@pytest.fixture
def fake(clock: FakeClock) -> FakeDeskera:
    return FakeDeskera(clock, contacts={1: contact(1)}, deals={1: deal(1)})


def listed(rows: list[Any], total: int | None = None) -> Any:
    return answer(200, {"data": rows, "paginationInfo": {"totalRecords": len(rows) if total is None else total}})


async def test_contacts(fake: FakeDeskera) -> None:
    fake.special["GET /v1/crm/contacts"] = [listed([*ODD, contact(1)])]
    page = await fake.connector(page_size=50).list("crm_contact", since=None, page=None, where={})
    assert ([row.ref.id for row in page.rows], page.skipped, page.next) == (["1"], len(ODD), None)


async def test_odd_rows_count_for_the_pages_of_a_walk(fake: FakeDeskera) -> None:
    fake.special["GET /v1/crm/contacts"] = [listed([None, {}], 4), listed([{}, contact(1)], 4)]
    connector = fake.connector(page_size=2)
    first = await connector.list("crm_contact", since=None, page=None, where={})
    second = await connector.list("crm_contact", since=None, page=first.next, where={})
    assert ((len(first.rows), first.skipped), (len(second.rows), second.skipped)) == ((0, 2), (1, 1))
    assert second.next is None


@pytest.mark.parametrize("value", [{"label_id": {}}, {"organization_id": []}, {"custom_field": 7}, {"organization": 7}])
async def test_a_value_of_another_form_is_unread_and_its_row_is_kept(fake: FakeDeskera, value: dict[str, Any]) -> None:
    fake.special["GET /v1/crm/contacts"] = [listed([contact(1, **value)])]
    page = await fake.connector(page_size=50).list("crm_contact", since=None, page=None, where={})
    assert (len(page.rows), page.skipped) == (1, 0)


async def test_deals(fake: FakeDeskera) -> None:
    rows = [*ODD, deal(1), deal(2, pipeline_id={}, stage_id=[])]
    fake.special["GET /v1/crm/deals"] = [answer(200, {"data": rows, "number_of_records": len(rows)})]
    page = await fake.connector(page_size=50).list("crm_deal", since=None, page=None, where={})
    assert ([row.ref.id for row in page.rows], page.skipped) == (["1", "2"], len(ODD))


async def test_deals_embedded_in_a_pipelines_stages(fake: FakeDeskera) -> None:
    embedded = {"id": 1, "stages": [{"id": 12, "deals": [None, {}, {"id": 1, "name": "Deal 1"}]}]}
    fake.special["GET /v1/crm/deals"] = [answer(200, {"data": [], "number_of_records": 3})]
    fake.special["GET /v1/crm/deals/pipelines/1"] = [answer(200, embedded)]
    page = await fake.connector().list("crm_deal", since=None, page="s3:0:0", where={})
    assert ([row.ref.id for row in page.rows], page.skipped) == (["1"], 2)


async def test_books_records(fake: FakeDeskera) -> None:
    odd = [None, 7, [], {}, {"salesInvoiceCode": {}}]
    rows = [*odd, INVOICE]
    fake.special["GET /v1/invoices/sales"] = [answer(200, {"content": rows, "totalElements": len(rows)})]
    page = await fake.connector(page_size=50).list("sales_invoice", since=None, page=None, where={})
    assert ([row.ref.id for row in page.rows], page.skipped) == (["SI-0000001"], len(odd))


@pytest.mark.parametrize("entity", ["crm_contact", "crm_deal", "sales_invoice"])
async def test_the_newest_records_are_fetched_again_when_a_row_cannot_be_read(fake: FakeDeskera, entity: str) -> None:
    """A record that this listing does not name counts as not created."""
    fake.special["GET /v1/crm/contacts"] = [listed([{}])]
    fake.special["GET /v1/crm/deals"] = [answer(200, {"data": [None], "number_of_records": 1})]
    fake.special["GET /v1/invoices/sales"] = [answer(200, {"content": [{}], "totalElements": 1})]
    with pytest.raises(RetryLater, match="cannot be understood"):
        await fake.connector().newest(entity, after=LONG_AGO)


async def test_search_results(fake: FakeDeskera) -> None:
    fake.special["GET /v1/crm/contacts"] = [listed([*ODD[:5], contact(1)])]
    rows = await fake.connector(page_size=50).find("crm_contact", "email", "c1@x.example")
    assert [row.ref.id for row in rows] == ["1"]


async def test_hooks(fake: FakeDeskera) -> None:
    hook = {"hookId": 4, "eventType": "CREATE_CRM_DEAL", "webhookUrl": "https://bridge.example/h"}
    fake.special["GET /v1/webhooks"] = [answer(200, [*ODD, {"hookId": {}}, {"hookId": 3, "deleted": True}, hook])]
    assert [seen.id for seen in await fake.connector().list_hooks() or ()] == ["4"]


async def test_labels_pipelines_stages_and_custom_fields(fake: FakeDeskera) -> None:
    fake.pipelines = [*ODD, *({**row, "stages": [*ODD, *row["stages"]]} for row in pipelines())]
    fake.dimensions = [
        *ODD[:5],
        {"label": "Tier", "code": "D-1", "fieldType": "DROPDOWN", "attributes": [None, {"value": "V1"}]},
    ]
    fake.special["GET /v1/crm/contacts/labels"] = [answer(200, [*ODD, {"id": 5, "name": {"en": "x"}}, *LABELS])]
    connector = fake.connector()
    deals = await connector.columns("crm_deal")
    assert deals["pipeline"].choices == ("Sales", "Service")
    assert set(deals["stage"].choices) == {"New", "Won", "Lost", "Ticket"}
    contacts = await connector.columns("crm_contact")
    assert contacts["label"].choices == ("No label", "Cold lead")
    assert contacts["custom.Tier"].choices == ("V1",)


async def test_a_create_of_a_contact_answered_without_a_usable_id_has_an_unknown_outcome(
    fake: FakeDeskera,
) -> None:
    fake.special["POST /v1/crm/contacts"] = [answer(200, {"id": {}})]
    with pytest.raises(OutcomeUnknown):
        await fake.connector().create("crm_contact", {"name": "Ana", "type": "person"})
