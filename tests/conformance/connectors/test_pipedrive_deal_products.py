"""Products of a deal, against the simulator over HTTP: read in portions, written with few calls."""

from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
from connector_harness import SYSTEM, Bench
from pipedrive_connector import Pipedrive

from bridge.connectors.lines import read_whole, with_lines
from bridge.connectors.pipedrive.connector import PipedriveConnector
from bridge.domain.errors import Rejected, RemoteError
from bridge.domain.record import Record, RecordRef
from bridge.simulators.faults import ResponseFault
from bridge.simulators.pipedrive import PipedriveSimulator


@pytest.fixture
async def account() -> AsyncIterator[Bench]:
    bench = Bench(Pipedrive())
    await bench.start()
    yield bench
    await bench.stop()


def simulator(bench: Bench) -> PipedriveSimulator:
    assert isinstance(bench.simulator, PipedriveSimulator)
    return bench.simulator


def connected(bench: Bench) -> PipedriveConnector:
    connector = bench.connect()
    assert isinstance(connector, PipedriveConnector)
    return connector


async def whole(connector: PipedriveConnector, deal: str) -> Record:
    found = await read_whole(connector, RecordRef(SYSTEM, "deal", deal), ["products"])
    assert isinstance(found, Record)
    return found


def written(bench: Bench) -> dict[str, int]:
    """Return the calls that wrote products since the last time."""
    shown = {call: number for call, number in simulator(bench).requests.counts.items() if "products" in call}
    simulator(bench).requests.counts.clear()
    return {call: number for call, number in shown.items() if not call.startswith("GET")}


def deal_of(bench: Bench, *lines: Mapping[str, Any]) -> tuple[str, list[str]]:
    account = simulator(bench)
    products = [str(account.person_creates("products", {"name": name})["id"]) for name in ("Desk", "Lamp", "Sofa")]
    made = account.person_creates("deals", {"title": "Office", "products": list(lines)})
    return str(made["id"]), products


LINE = {"product_id": 1, "quantity": 2, "item_price": 10.25, "comments": "oak", "discount": 10}


async def test_a_deal_shows_its_products_when_requested(account: Bench) -> None:
    connector = connected(account)
    deal, _ = deal_of(account, LINE)
    bare = await connector.read(RecordRef(SYSTEM, "deal", deal))
    assert isinstance(bare, Record)
    assert "products" not in bare.fields
    assert bare.fields["value"] == Decimal("18.45"), "a deal is worth the sum of its lines"
    (line,) = (await whole(connector, deal)).fields["products"]
    assert line["product_id"] == "1"
    assert (line["quantity"], line["item_price"], line["discount"]) == (2, Decimal("10.25"), 10)
    assert line["comments"] == "oak"
    assert line["id"] == "1"


async def test_many_deals_share_a_call(account: Bench) -> None:
    connector = connected(account)
    deals = [deal_of(account, LINE)[0], deal_of(account)[0], deal_of(account, LINE, {**LINE, "product_id": 2})[0]]
    simulator(account).requests.counts.clear()
    rows = [await connector.read(RecordRef(SYSTEM, "deal", deal)) for deal in deals]
    found = await with_lines(connector, "deal", rows, ["products", "title"])
    assert [len(row.fields["products"]) for row in found if isinstance(row, Record)] == [1, 0, 2]
    calls = {call: number for call, number in simulator(account).requests.counts.items() if "products" in call}
    assert calls == {"GET /api/v2/deals/products": 1}


async def test_lines_are_written_with_as_few_calls_as_there_are_differences(account: Bench) -> None:
    connector = connected(account)
    deal, products = deal_of(account, LINE, {**LINE, "product_id": 2}, {**LINE, "product_id": 3})
    fresh = await whole(connector, deal)
    first, second, third = fresh.fields["products"]
    new = {"product_id": products[0], "quantity": Decimal(1), "item_price": Decimal(5)}
    written(account)
    await connector.update(
        fresh, {"products": [{**first, "quantity": Decimal("2.5")}, third, new, {**new, "comments": "2"}]}
    )
    assert sorted(written(account).items()) == [
        ("DELETE /api/v2/deals/{id}/products", 1),
        ("PATCH /api/v2/deals/{id}/products/{line}", 1),
        ("POST /api/v2/deals/{id}/products/bulk", 1),
    ]
    after = (await whole(connector, deal)).fields["products"]
    assert [(line["id"], line["quantity"]) for line in after[:2]] == [(first["id"], Decimal("2.5")), (third["id"], 2)]
    assert [line.get("comments") for line in after[2:]] == ["", "2"]
    assert second["id"] not in {line["id"] for line in after}


async def test_nothing_is_sent_for_equal_lines(account: Bench) -> None:
    connector = connected(account)
    deal, _ = deal_of(account, LINE)
    fresh = await whole(connector, deal)
    written(account)
    await connector.update(fresh, {"products": list(fresh.fields["products"])})
    assert written(account) == {}


async def test_a_list_is_emptied_in_one_call(account: Bench) -> None:
    connector = connected(account)
    deal, _ = deal_of(account, LINE, {**LINE, "product_id": 2})
    fresh = await whole(connector, deal)
    written(account)
    await connector.update(fresh, {"title": "Empty", "products": None})
    assert written(account) == {"DELETE /api/v2/deals/{id}/products": 1}
    after = await whole(connector, deal)
    assert (after.fields["title"], after.fields["products"]) == ("Empty", [])


async def test_after_a_call_that_fails_in_the_middle_the_next_read_shows_the_state(account: Bench) -> None:
    connector = connected(account)
    deal, products = deal_of(account, LINE)
    fresh = await whole(connector, deal)
    new = {"product_id": products[1], "quantity": Decimal(1), "item_price": Decimal(5)}
    simulator(account).faults.responses.append(ResponseFault(path="/products$", method="POST"))
    with pytest.raises(RemoteError):
        await connector.update(fresh, {"products": [new]})
    assert (await whole(connector, deal)).fields["products"] == []


async def test_a_column_that_cannot_be_written_is_named(account: Bench) -> None:
    connector = connected(account)
    deal, _ = deal_of(account, LINE)
    fresh = await whole(connector, deal)
    (line,) = fresh.fields["products"]
    with pytest.raises(Rejected, match="sum of a deal's product cannot be written"):
        await connector.update(fresh, {"products": [{**line, "sum": Decimal(1)}]})


async def test_an_edit_of_a_line_is_an_edit_of_its_deal(account: Bench) -> None:
    connector = connected(account)
    deal, _ = deal_of(account, LINE)
    before = await whole(connector, deal)
    simulator(account).person_edits("deals", deal, {"products": [{**LINE, "quantity": 3}]})
    after = await whole(connector, deal)
    assert after.fields["products"][0]["quantity"] == 3
    assert after.fields["value"] != before.fields["value"]
