"""A population of any size, created record by record when it is read."""

from typing import Any

import pytest

from bridge.simulators.pipedrive import PipedriveSimulator
from bridge.simulators.records import Table
from bridge.simulators.world import World
from tests.simulators.deskera_calls import running
from tests.simulators.doubles import Api, HandClock

COUNT = 2_000


def test_records_of_a_population_are_created_when_read_and_kept_once_edited() -> None:
    made: list[int] = []

    def make(number: int) -> dict[str, Any]:
        made.append(number)
        return {"id": number, "name": f"n{number}"}

    table = Table(HandClock())
    table.populate(1000, make)
    assert table.get("7") == {"id": 7, "name": "n7"}
    assert table.get("1001") is None
    table.put("7", {"id": 7, "name": "edited"})
    table.put("1001", {"id": 1001, "name": "new"})
    table.remove("8")
    made.clear()
    assert [key for key, _ in table.rows(after=997)] == ["998", "999", "1000", "1001"]
    assert made == [998, 999, 1000]


@pytest.mark.parametrize("start", range(9))
@pytest.mark.parametrize("size", [1, 3, 20])
def test_a_window_shows_the_same_as_a_walk_over_all_rows(start: int, size: int) -> None:
    table = Table(HandClock())
    table.populate(6, lambda number: {"id": number, "gone": False})
    for number, gone in ((2, True), (3, True), (5, False), (7, False), (8, True), (9, False)):
        table.put(str(number), {"id": number, "gone": gone})
    every = [record for _, record in table.rows() if not record["gone"]]
    assert table.window(start, size, lambda record: not record["gone"]) == (every[start : start + size], len(every))


async def test_every_person_of_a_population_is_listed_once_as_edited_or_deleted_since(
    pipedrive: PipedriveSimulator, api: Api
) -> None:
    pipedrive.populate("persons", COUNT)
    pipedrive.person_edits("persons", 600, {"name": "Somebody"})
    pipedrive.person_deletes("persons", 501)
    new = pipedrive.person_creates("persons", {"name": "New"})["id"]
    names: dict[int, str] = {}
    query = {"limit": "500"}
    while query:
        _, page = await api.call("GET", "/api/v2/persons", **query)
        names |= {row["id"]: row["name"] for row in page["data"]}
        cursor = page["additional_data"]["next_cursor"]
        query = {"limit": "500", "cursor": cursor} if cursor else {}
    assert list(names) == [*range(1, 501), *range(502, COUNT + 1), new]
    assert (names[1], names[600], names[new]) == ("Inhabitant 0000001", "Somebody", "New")


async def test_every_contact_of_a_population_is_counted_and_shown_on_its_page(world: World) -> None:
    async with running(world) as calls:
        calls.simulator.populate("contacts", COUNT)
        await calls.call("DELETE", f"/v1/crm/contacts/{COUNT - 5}")
        _, page = await calls.call("GET", "/v1/crm/contacts", page=str(COUNT // 50), limit="50", order_by="id")
        assert page["paginationInfo"]["totalRecords"] == COUNT - 1
        assert [row["id"] for row in page["data"]] == [
            number for number in range(COUNT - 49, COUNT + 1) if number != COUNT - 5
        ]
        _, one = await calls.call("GET", "/v1/crm/contacts/77")
        assert (one["name"], one["email"]) == ("Inhabitant 0000077", "inhabitant77@population.example")
