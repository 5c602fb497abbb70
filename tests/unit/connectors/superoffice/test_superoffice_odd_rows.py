"""A row of any listing that cannot be read is left out and counted, and the listing continues."""

from datetime import UTC, datetime
from typing import Any

import pytest
from http_fakes import answer
from superoffice_fakes import CONTACT, CONTACT_FIELDS, LISTS, connect, listed, missing, vendor

from bridge.domain.errors import RetryLater
from bridge.domain.record import RecordRef

ODD: list[Any] = [None, 7, "row", [], {}, {"PrimaryKey": None}, {"PrimaryKey": "x"}, {"PrimaryKey": {}}]
HOOK = {"WebhookId": 5, "TargetUrl": "https://bridge.example/h", "State": "Active", "Events": []}


def archive(*rows: Any) -> Any:
    return answer(200, {"value": list(rows)})


async def test_records() -> None:
    server = vendor({"GET Contact": archive(*ODD, {"PrimaryKey": "42"})})
    page = await connect(server).list("contact", since=None, page=None, where={})
    assert ([row.ref.id for row in page.rows], page.skipped, page.next) == (["42"], len(ODD), "42")


@pytest.mark.parametrize("said", [[], "text", 7, {"ContactId": 41}, {}])
async def test_a_listed_record_that_reads_as_something_else(said: Any) -> None:
    server = vendor({"GET Contact": listed(41, 42), "GET Contact/41": answer(200, said)})
    server.routes["GET Contact/41"] = answer(200, {**CONTACT, "ContactId": 40} if said == {"ContactId": 41} else said)
    connector = connect(server)
    page = await connector.list("contact", since=None, page=None, where={})
    assert ([row.ref.id for row in page.rows], page.skipped, page.next) == (["42"], 1, "42")
    with pytest.raises(RetryLater):  # and it never counts as gone
        await connector.read(RecordRef("crm1", "contact", "41"))


async def test_a_page_without_any_key_ends_the_listing_with_an_error() -> None:
    with pytest.raises(RetryLater, match="does not advance"):
        await connect(vendor({"GET Contact": archive(*ODD)})).list("contact", since=None, page=None, where={})


@pytest.mark.parametrize("rows", [archive({}, {"PrimaryKey": "42"}), listed(41, 42)])
async def test_the_newest_records_are_fetched_again_when_a_row_cannot_be_read(rows: Any) -> None:
    """A record that this listing does not name counts as not created."""
    server = vendor({"GET Contact": rows, "GET Contact/41": answer(200, [])})
    with pytest.raises(RetryLater, match="cannot be understood"):
        await connect(server).newest("contact", after=datetime(2026, 1, 1, tzinfo=UTC))


async def test_search_results() -> None:
    server = vendor({"GET Contact": archive(*ODD, {"PrimaryKey": "42"})})
    assert [row.ref.id for row in await connect(server).find("contact", "name", "Ana")] == ["42"]


async def test_hooks() -> None:
    server = vendor({"GET Webhook": answer(200, [*ODD, {"WebhookId": None}, {"WebhookId": {}}, HOOK])})
    assert [hook.id for hook in await connect(server).list_hooks()] == ["5"]


async def test_fields_and_list_items() -> None:
    routes = {f"GET List/{name}/Items": answer(200, [*ODD, {"Id": {}}, *rows]) for name, rows in LISTS.items()}
    routes["GET Contact/UdefLayout/Published"] = answer(200, [*ODD, {"ProgId": []}, *CONTACT_FIELDS])
    columns = await connect(vendor(routes)).columns("contact")
    assert columns["business"].choices == ("IT", "Retail")
    assert columns["custom.Segment"].choices == ("Gold", "Silver")


async def test_an_answer_that_is_no_list_is_fetched_again_and_not_read_as_empty() -> None:
    with pytest.raises(RetryLater, match="returned no list"):
        await connect(vendor({"GET List/Business/Items": answer(200, {"a": 1})})).columns("contact")
    assert (await connect(vendor({"GET List/Business/Items": missing()})).columns("contact"))["business"].choices == ()
