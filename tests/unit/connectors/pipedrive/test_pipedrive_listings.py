"""Listings, newest records and searches."""

from datetime import UTC, datetime, timedelta

from pipedrive_fakes import DEAL, SEGMENT, SHIRT_1, connect, custom_field, data, vendor

from bridge.connectors.pipedrive import PipedriveConnector
from bridge.connectors.protocols import HttpRequest, HttpResponse
from bridge.domain.record import Gone, Record

SINCE = datetime(2026, 3, 1, 11, 30, 0, 999000, tzinfo=UTC)


async def walk(connector: PipedriveConnector, entity: str, since: datetime | None) -> list[Record | Gone]:
    rows: list[Record | Gone] = []
    page: str | None = None
    while True:
        got = await connector.list(entity, since=since, page=page, where={})
        rows += got.rows
        page = got.next
        if page is None:
            return rows


def deals(request: HttpRequest) -> HttpResponse:
    query = dict(request.query)
    if query.get("status") == "deleted":
        return data([{**DEAL, "id": 9, "is_deleted": True}])
    return data([{**DEAL, "id": 2}]) if query.get("cursor") == "c2" else data([{**DEAL, "id": 1}], "c2")


def routes() -> dict[str, object]:
    return {"GET api/v2/deals": deals, "GET api/v2/deals/archived": data([{**DEAL, "id": 3, "is_archived": True}])}


async def test_changed_deals_are_listed_with_archived_and_deleted_ones() -> None:
    server = vendor(**routes())  # type: ignore[arg-type]
    rows = await walk(connect(server, page_size=50), "deal", SINCE)
    assert [(row.ref.id, type(row)) for row in rows] == [("1", Record), ("2", Record), ("3", Record), ("9", Gone)]
    listed = [dict(request.query) for request in server.sent("GET", "api/v2/deals")]
    assert {query["updated_since"] for query in listed} == {"2026-03-01T11:30:00Z"}
    assert {query["limit"] for query in listed} == {"50"}
    assert {query["sort_by"] for query in listed} == {"id"}


async def test_a_full_listing_shows_the_living_only() -> None:
    server = vendor(**routes())  # type: ignore[arg-type]
    rows = await walk(connect(server), "deal", None)
    assert [row.ref.id for row in rows] == ["1", "2", "3"]
    assert not any("updated_since" in dict(request.query) for request in server.requests)


async def test_times_of_other_zones_are_sent_in_utc() -> None:
    server = vendor(**{"GET api/v2/persons": data([])})
    oslo = SINCE.astimezone(datetime.fromisoformat("2026-01-01T00:00:00+01:00").tzinfo)
    await walk(connect(server), "person", oslo)
    (request,) = server.sent("GET", "api/v2/persons")
    assert dict(request.query)["updated_since"] == "2026-03-01T11:30:00Z"


async def test_an_empty_listing_may_come_as_null() -> None:
    assert await walk(connect(vendor(**{"GET api/v2/persons": data(None)})), "person", None) == []


async def test_newest_pages_by_falling_id_until_a_page_shows_an_older_record() -> None:
    first = [{"id": n, "name": "n", "add_time": f"2026-03-01T12:00:{n:02}Z"} for n in (30, 29)]
    second = [{"id": n, "name": "n", "add_time": f"2026-03-01T12:00:{n:02}Z"} for n in (28, 27)]
    server = vendor()
    server.routes["GET api/v2/persons"] = [data(first, "c2"), data(second, "c3")]
    after = datetime(2026, 3, 1, 12, 0, 28, 500000, tzinfo=UTC)
    found = await connect(server).newest("person", after=after)
    assert [record.ref.id for record in found] == ["30", "29", "28"]
    assert dict(server.sent("GET", "api/v2/persons")[0].query)["sort_direction"] == "desc"
    assert len(server.sent("GET", "api/v2/persons")) == 2
    later = await connect(server).newest("person", after=after + timedelta(days=1))
    assert later == []


async def test_a_person_is_found_by_email_and_read_whole() -> None:
    found = {"items": [{"result_score": 1, "item": {"id": 4, "emails": ["a@x.example"]}}]}
    server = vendor(
        **{
            "GET api/v2/persons/search": data(found),
            "GET api/v2/persons": data([{"id": 4, "name": "Ana", "add_time": "2026-03-01T12:00:00Z"}]),
        }
    )
    (record,) = await connect(server).find("person", "emails.primary", " a@x.example ")
    assert (record.ref.id, record.fields["name"]) == ("4", "Ana")
    search, listing = dict(server.requests[0].query), dict(server.sent("GET", "api/v2/persons")[1].query)
    assert (search["fields"], search["exact_match"], search["term"]) == ("email", "true", "a@x.example")
    assert listing["ids"] == "4"


async def test_a_custom_text_field_is_searched_by_its_key_and_archived_deals_count() -> None:
    fields = [custom_field(SHIRT_1, "Shirt", "varchar"), custom_field(SEGMENT, "Segment", "enum", (1, "Gold"))]
    server = vendor(
        **{
            "GET api/v2/dealFields": data(fields),
            "GET api/v2/itemSearch/field": data([{"id": 7, SHIRT_1: "M"}]),
            "GET api/v2/deals": data([]),
            "GET api/v2/deals/archived": data([DEAL]),
        }
    )
    connector = connect(server)
    assert [record.ref.id for record in await connector.find("deal", "custom.Shirt", "M")] == ["7"]
    (search,) = server.sent("GET", "api/v2/itemSearch/field")
    assert dict(search.query) == {
        "term": "M", "entity_type": "deal", "field": SHIRT_1, "match": "exact", "limit": "50"
    }  # fmt: skip
    assert await connector.find("deal", "custom.Segment", "Gold") == []
    assert len(server.sent("GET", "api/v2/itemSearch/field")) == 1


async def test_a_column_that_the_vendor_cannot_search_makes_no_call() -> None:
    server = vendor()
    assert await connect(server).find("deal", "value", 5) == []
    assert await connect(server).find("person", "emails", "  ") == []
    assert server.requests == []
