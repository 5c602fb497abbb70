"""Listings, searches and custom fields of Deskera."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from deskera_fakes import FakeDeskera, contact, deal
from http_fakes import FakeClock, answer

from bridge.connectors.deskera import DeskeraConnector
from bridge.connectors.quota import BURST
from bridge.domain.errors import Rejected, RetryLater
from bridge.domain.record import Record, RecordRef

AFTER = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def fake(clock: FakeClock) -> FakeDeskera:
    contacts = {key: contact(key, type="organization" if key == 2 else "person") for key in range(1, 6)}
    deals = {key: deal(key, stage_id=11 + key % 3) for key in range(1, 6)}
    return FakeDeskera(clock, contacts=contacts, deals=deals)


async def ids(connector: DeskeraConnector, entity: str, **where: Any) -> list[str]:
    found: list[str] = []
    page: str | None = None
    while True:
        got = await connector.list(entity, since=None, page=page, where=where)
        found += [row.ref.id for row in got.rows]
        page = got.next
        if page is None:
            return found


async def test_every_contact_is_listed_once_over_several_pages(fake: FakeDeskera) -> None:
    assert await ids(fake.connector(), "crm_contact") == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("count", [0, 1, 2, 4])
async def test_listings_end_exactly_at_full_pages(fake: FakeDeskera, count: int) -> None:
    fake.contacts = {key: contact(key) for key in range(1, count + 1)}
    fake.deals = {key: deal(key) for key in range(1, count + 1)}
    assert len(await ids(fake.connector(), "crm_contact")) == count
    assert len(await ids(fake.connector(), "crm_deal")) == count


async def test_type_is_pushed_down(fake: FakeDeskera) -> None:
    assert await ids(fake.connector(), "crm_contact", type="organization") == ["2"]


async def test_page_with_rows_missing_is_refused(fake: FakeDeskera) -> None:
    short = {"data": [contact(1)], "paginationInfo": {"page": 1, "totalRecords": 5}}
    fake.special["GET /v1/crm/contacts"] = [answer(200, short)]
    with pytest.raises(RetryLater):
        await ids(fake.connector(), "crm_contact")


async def test_contact_deleted_in_mid_sweep_hides_no_other(fake: FakeDeskera) -> None:
    connector = fake.connector()
    first = await connector.list("crm_contact", since=None, page=None, where={})
    del fake.contacts[1]
    found = [row.ref.id for row in first.rows]
    page = first.next
    while page is not None:
        got = await connector.list("crm_contact", since=None, page=page, where={})
        found += [row.ref.id for row in got.rows]
        page = got.next
    assert {"2", "3", "4", "5"} <= set(found)


async def test_same_contact_page_twice_is_refused(fake: FakeDeskera) -> None:
    same = {"data": [contact(1), contact(2)], "paginationInfo": {"page": 1, "totalRecords": 5}}
    fake.special["GET /v1/crm/contacts"] = [answer(200, same), answer(200, same)]
    with pytest.raises(RetryLater, match="twice"):
        await ids(fake.connector(), "crm_contact")


async def test_closed_deals_are_listed(fake: FakeDeskera) -> None:
    assert await ids(fake.connector(), "crm_deal") == ["1", "2", "3", "4", "5"]


async def test_server_that_ignores_the_page_is_read_by_pipeline_and_stage(fake: FakeDeskera) -> None:
    fake.deals_ignore_page = True
    fake.deals[6] = deal(6, pipeline_id=2, stage_id=21)
    connector = fake.connector()
    assert set(await ids(connector, "crm_deal")) == {"1", "2", "3", "4", "5", "6"}
    page: str | None = None
    shown: dict[str, Record] = {}
    while True:
        got = await connector.list("crm_deal", since=None, page=page, where={})
        shown |= {row.ref.id: row for row in got.rows if isinstance(row, Record)}
        if (page := got.next) is None:
            break
    assert {key: (row.fields["pipeline"], row.fields["stage"]) for key, row in shown.items()} == {
        "1": ("Sales", "Won"), "2": ("Sales", "Lost"), "3": ("Sales", "New"),
        "4": ("Sales", "Won"), "5": ("Sales", "Lost"), "6": ("Service", "Ticket"),
    }  # fmt: skip


async def test_deals_outside_every_pipeline_make_the_listing_incomplete(fake: FakeDeskera) -> None:
    fake.deals_ignore_page = True
    fake.deals[6] = deal(6, pipeline_id=9, stage_id=91)
    with pytest.raises(RetryLater, match="cannot be read completely"):
        await ids(fake.connector(), "crm_deal")


async def test_newest_finds_only_what_is_new(fake: FakeDeskera) -> None:
    connector = fake.connector()
    made = await connector.create("crm_contact", {"type": "person", "name": "New"})
    deal_made = await connector.create("crm_deal", {"name": "New", "pipeline": "Sales"})
    assert [each.ref.id for each in await connector.newest("crm_contact", after=AFTER)] == [made.id]
    assert [each.ref.id for each in await connector.newest("crm_deal", after=AFTER)] == [deal_made.id]


async def test_newest_stops_early_where_the_order_is_obeyed(fake: FakeDeskera) -> None:
    await fake.connector().newest("crm_contact", after=AFTER)
    assert len(fake.sent("GET", "/v1/crm/contacts")) == 1


async def test_newest_reads_on_where_the_order_is_ignored(fake: FakeDeskera) -> None:
    rows = [contact(key) for key in (1, 2)]
    rows += [contact(3, created_at="2026-03-01T13:00:00Z")]
    total = {"page": 1, "totalRecords": 3}
    fake.special["GET /v1/crm/contacts"] = [
        answer(200, {"data": rows[:2], "paginationInfo": total}),
        answer(200, {"data": rows[2:], "paginationInfo": total}),
    ]
    assert [each.ref.id for each in await fake.connector().newest("crm_contact", after=AFTER)] == ["3"]


async def test_find_by_email_keeps_only_equal_ones(fake: FakeDeskera) -> None:
    fake.special["GET /v1/crm/contacts"] = [
        answer(200, {"data": [contact(1), contact(3)], "paginationInfo": {"page": 1, "totalRecords": 2}})
    ]
    found = await fake.connector().find("crm_contact", "email", "C3@X.example ")
    assert [each.ref.id for each in found] == ["3"]


async def test_find_by_a_column_that_cannot_be_searched_finds_nothing(fake: FakeDeskera) -> None:
    assert await fake.connector().find("crm_deal", "name", "Deal 1") == []
    assert fake.requests == []


async def test_equal_label_names_are_left_out_and_refused_on_write(fake: FakeDeskera) -> None:
    twice = [{"id": 1, "name": "Lead"}, {"id": 2, "name": "Lead"}]
    fake.special["GET /v1/crm/contacts/labels"] = [answer(200, twice)]
    connector = fake.connector()
    record = await connector.read(RecordRef("erp1", "crm_contact", "1"))
    assert isinstance(record, Record)
    assert "label" not in record.fields
    with pytest.raises(Rejected, match="exists twice"):
        await connector.update(record, {"label": "Lead"})


async def test_renamed_stage_keeps_its_first_name_and_warns(
    fake: FakeDeskera, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    connector = fake.connector()
    await connector.read(RecordRef("erp1", "crm_deal", "1"))
    fake.pipelines[0]["stages"][2]["name"] = "Closed won"
    fake.pipelines[0]["stages"].append({"id": 14, "order": 4, "name": "Later", "won_lost_status": "open"})
    fake.deals[2]["stage_id"] = 14
    clock.seconds += 60
    later = await connector.read(RecordRef("erp1", "crm_deal", "2"))
    renamed = await connector.read(RecordRef("erp1", "crm_deal", "1"))
    assert isinstance(later, Record)
    assert isinstance(renamed, Record)
    assert (later.fields["stage"], renamed.fields["stage"]) == ("Later", "Won")
    assert "Closed won" in caplog.text


DIMENSIONS = [
    {"code": "D-1", "label": "Tier", "fieldType": "DROPDOWN", "modules": ["CONTACT"], "attributes": [{"value": "V2"}]},
    {"code": "D-2", "label": "Size", "fieldType": "NUMBER", "modules": ["CONTACT", "DEAL"]},
    {"code": "D-3", "label": "Twice", "fieldType": "TEXT"},
    {"code": "D-4", "label": "Twice", "fieldType": "TEXT"},
    {"code": "D-5", "label": "Old", "fieldType": "TEXT", "status": "INACTIVE"},
]


async def test_custom_fields_are_columns_with_types(fake: FakeDeskera, caplog: pytest.LogCaptureFixture) -> None:
    fake.dimensions = DIMENSIONS
    found = await fake.connector().columns("crm_contact")
    assert {key for key in found if key.startswith("custom.")} == {"custom.Tier", "custom.Size"}
    assert found["custom.Tier"].choices == ("V2",)
    assert found["label"].choices == ("No label", "Cold lead")
    assert "Twice" in caplog.text
    assert (await fake.connector().columns("crm_deal"))["pipeline"].choices == ("Sales", "Service")


async def test_numbers_of_custom_fields_are_decimals_and_are_written_as_text(fake: FakeDeskera) -> None:
    fake.dimensions = DIMENSIONS
    connector = fake.connector()
    written = await connector.create(
        "crm_contact", {"type": "person", "name": "x", "custom": {"Size": Decimal("4.50"), "Tier": "V2"}}
    )
    assert fake.bodies("POST", "/v1/crm/contacts")[0]["custom_field"][0] == {
        "label": "Size", "code": "D-2", "module": "", "value": "4.50",
    }  # fmt: skip
    record = await connector.read(RecordRef("erp1", "crm_contact", written.id))
    assert isinstance(record, Record)
    assert record.fields["custom"] == {"Size": Decimal("4.50"), "Tier": "V2"}


async def test_two_custom_fields_of_one_name_are_refused_on_write(fake: FakeDeskera) -> None:
    fake.dimensions = DIMENSIONS
    with pytest.raises(Rejected, match="two custom fields") as refused:
        await fake.connector().create("crm_contact", {"type": "person", "name": "x", "custom": {"Twice": "y"}})
    assert refused.value.field == "custom.Twice"


async def test_calls_beyond_the_pace_are_spread(fake: FakeDeskera, clock: FakeClock) -> None:
    connector = fake.connector(requests_per_second=3)
    for _ in range(int(BURST) + 3):
        await connector.probe()
    assert clock.seconds == pytest.approx(1.0)
