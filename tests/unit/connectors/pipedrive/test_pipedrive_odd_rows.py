"""A row of any listing that cannot be read is left out and counted, and the listing continues."""

from datetime import UTC, datetime
from typing import Any

import pytest
from http_fakes import answer
from pipedrive_fakes import DEAL, DEAL_FIELDS, PIPELINES, STAGES, Vendor, connect, data, vendor

from bridge.domain.errors import RetryLater
from bridge.domain.record import Gone, Record, RecordRef

SINCE = datetime(2026, 3, 1, 11, 30, tzinfo=UTC)
ODD: list[Any] = [None, 7, "row", [], {}, {"id": None}, {"id": {}}, {"id": True}]
HOOK = {"id": 1, "subscription_url": "https://bridge.example/h", "event_action": "*", "event_object": "deal"}
NOTE = {"id": 3, "content": "x", "add_time": "2026-03-01 08:00:00", "update_time": "2026-03-01 12:00:00"}


def offset(rows: list[Any], *, more: bool = False) -> Any:
    return answer(
        200, {"success": True, "data": rows, "additional_data": {"pagination": {"more_items_in_collection": more}}}
    )


@pytest.mark.parametrize(("entity", "path"), [("deal", "api/v2/deals"), ("person", "api/v2/persons")])
async def test_records(entity: str, path: str) -> None:
    server = vendor(**{f"GET {path}": data([*ODD, {**DEAL, "id": 1}], "c2")})
    page = await connect(server).list(entity, since=None, page=None, where={})
    assert ([row.ref.id for row in page.rows], page.skipped, page.next) == (["1"], len(ODD), "live:c2")


@pytest.mark.parametrize(
    "value", [{"custom_fields": 7}, {"label_ids": 5}, {"stage_id": {}}, {"custom_fields": {"x": []}}]
)
async def test_a_value_of_another_form_is_unread_and_its_row_is_kept(value: dict[str, Any]) -> None:
    page = await connect(vendor(**{"GET api/v2/deals": data([{**DEAL, **value}])})).list(
        "deal", since=None, page=None, where={}
    )
    assert (len(page.rows), page.skipped) == (1, 0)


async def test_deletions() -> None:
    server = vendor(**{"GET api/v2/deals": data([*ODD, {"id": 9, "is_deleted": True}])})
    page = await connect(server).list("deal", since=SINCE, page="deleted:", where={})
    assert ([type(row) for row in page.rows], page.skipped, page.next) == ([Gone], len(ODD), None)


@pytest.mark.parametrize("entity", ["note", "user"])
async def test_listings_by_offset(entity: str) -> None:
    server = vendor(**{f"GET api/v1/{entity}s": offset([*ODD, NOTE])})
    page = await connect(server).list(entity, since=None, page=None, where={})
    assert ([row.ref.id for row in page.rows], page.skipped) == (["3"], len(ODD))


async def test_the_next_offset_counts_all_rows_of_a_page() -> None:
    server = vendor(**{"GET api/v1/notes": offset([*ODD, NOTE], more=True)})
    page = await connect(server, page_size=9).list("note", since=None, page=None, where={})
    assert page.next == f"live:{len(ODD) + 1}"


async def test_archived_leads_with_odd_times_do_not_end_the_listing() -> None:
    odd = [{"id": "a", "update_time": "soon"}, {"id": "b", "update_time": 10**30}, *ODD]
    server = vendor(**{"GET api/v1/leads/archived": offset(odd)})
    page = await connect(server).list("lead", since=SINCE, page="archived", where={})
    assert ([row.ref.id for row in page.rows], page.skipped) == (["a", "b"], len(ODD))


@pytest.mark.parametrize("entity", ["deal", "note"])
async def test_the_newest_records_are_fetched_again_when_a_row_cannot_be_read(entity: str) -> None:
    """A record that this listing does not name counts as not created."""
    server = vendor(**{"GET api/v2/deals": data([DEAL, {}]), "GET api/v1/notes": offset([NOTE, {}])})
    with pytest.raises(RetryLater, match="cannot be understood"):
        await connect(server).newest(entity, after=datetime(2026, 1, 1, tzinfo=UTC))


async def test_search_results() -> None:
    found = answer(200, {"success": True, "data": {"items": [*ODD, {"item": {}}, {"item": {"id": 7}}]}})
    server = vendor(
        **{"GET api/v2/persons/search": found, "GET api/v2/persons": data([*ODD, {"id": 7, "name": "Ana"}])}
    )
    rows = await connect(server).find("person", "name", "Ana")
    assert [row.ref.id for row in rows] == ["7"]


async def test_hooks_are_listed_and_made() -> None:
    server = vendor(**{"GET api/v1/webhooks": offset([*ODD, HOOK])})
    assert [hook.id for hook in await connect(server).list_hooks()] == ["1"]


def odd(rows: list[Any]) -> list[Any]:
    return [*ODD, {"field_code": []}, *rows]


@pytest.fixture
def account() -> Vendor:
    fields = [{**row, "options": [*ODD, *row["options"]]} if row["options"] else row for row in DEAL_FIELDS]
    return vendor(
        **{
            "GET api/v2/dealFields": data(odd(fields)),
            "GET api/v2/pipelines": data(odd(PIPELINES)),
            "GET api/v2/stages": data([*odd(STAGES), {"id": 4, "name": "Nowhere"}]),
            "GET api/v1/leadLabels": data(odd([{"id": "l1", "name": "Hot"}])),
            "GET api/v2/deals/7": data(DEAL),
        }
    )


async def test_fields_options_pipelines_and_stages(account: Vendor) -> None:
    connector = connect(account)
    columns = await connector.columns("deal")
    assert columns["custom.Segment"].choices == ("Gold", "Silver")
    assert (columns["labels"].choices, columns["pipeline"].choices) == (("Hot", "Cold"), ("Sales", "Service"))
    record = await connector.read(RecordRef("crm1", "deal", "7"))
    assert isinstance(record, Record)
    assert (record.fields["stage"], record.fields["custom"]["Segment"]) == ("Offer", "Silver")


async def test_labels_of_leads(account: Vendor) -> None:
    assert (await connect(account).columns("lead"))["labels"].choices == ("Hot",)
