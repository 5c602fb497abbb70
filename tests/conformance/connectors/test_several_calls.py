"""Writes of several calls, of which one fails cleanly after another took effect: that is not "no effect"."""

from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import pytest
from connector_harness import SYSTEM, Bench, Product
from pipedrive_connector import Pipedrive
from tryton_connector import Tryton

from bridge.connectors.lines import read_whole
from bridge.connectors.several import between
from bridge.domain.errors import OutcomeUnknown, Rejected
from bridge.domain.record import Record, RecordRef
from bridge.simulators.faults import ResponseFault

REFUSED = [400, 401, 429]


@pytest.fixture
async def account() -> AsyncIterator[Callable[[Product], Any]]:
    benches: list[Bench] = []

    async def start(product: Product) -> Bench:
        benches.append(Bench(product))
        await benches[-1].start()
        return benches[-1]

    yield start
    for bench in benches:
        await bench.stop()


async def opportunity(bench: Bench, state: str) -> tuple[Any, Record]:
    connector = bench.connect()
    party = await connector.create("party", {"name": "Client"})
    made = await connector.create("opportunity", {"description": "Desk", "party": party.id, "state": state})
    found = await connector.read(RecordRef(SYSTEM, "opportunity", made.id))
    assert isinstance(found, Record)
    assert found.fields["state"] == state
    return connector, found


async def deal_with_a_line(bench: Bench) -> tuple[Any, Record]:
    connector = bench.connect()
    simulator: Any = bench.simulator
    desk, _lamp = (simulator.person_creates("products", {"name": name})["id"] for name in ("Desk", "Lamp"))
    line = {"product_id": desk, "quantity": 2, "item_price": 10}
    deal = simulator.person_creates("deals", {"title": "Office", "products": [line]})
    found = await read_whole(connector, RecordRef(SYSTEM, "deal", str(deal["id"])), ["products"])
    assert isinstance(found, Record)
    return connector, found


@pytest.mark.parametrize("status", REFUSED)
async def test_a_create_of_a_product_whose_id_cannot_be_read_has_an_unknown_outcome(account: Any, status: int) -> None:
    bench = await account(Tryton())
    connector = bench.connect()
    await connector.create("product", {"name": "Lamp", "code": "L-1", "unit": "Unit"})
    path = r"model\.product\.product\.search_read"
    bench.simulator.faults.responses = [ResponseFault(status=status, path=path)]
    with pytest.raises(OutcomeUnknown, match="a part of the write took effect"):
        await connector.create("product", {"name": "Desk", "code": "D-1", "unit": "Unit"})


@pytest.mark.parametrize("status", REFUSED)
async def test_a_second_button_that_is_refused_leaves_the_outcome_unknown(account: Any, status: int) -> None:
    bench = await account(Tryton())
    connector, fresh = await opportunity(bench, "lead")
    bench.simulator.faults.responses = [ResponseFault(status=status, path=r"sale\.opportunity\.convert")]
    with pytest.raises(OutcomeUnknown):
        await connector.update(fresh, {"state": "converted"})
    now = await connector.read(fresh.ref) if status == 400 else None
    if isinstance(now, Record):
        assert {"state": now.fields["state"]} in between(connector, "opportunity", fresh, {"state": "converted"})


async def test_fields_that_are_refused_after_a_button_leave_the_outcome_unknown(account: Any) -> None:
    bench = await account(Tryton())
    connector, fresh = await opportunity(bench, "lost")
    bench.simulator.faults.responses = [ResponseFault(status=429, path=r"sale\.opportunity\.write")]
    with pytest.raises(OutcomeUnknown):
        await connector.update(fresh, {"state": "lead", "amount": Decimal(5)})


async def test_a_first_call_that_is_refused_is_refused(account: Any) -> None:
    bench = await account(Tryton())
    connector, fresh = await opportunity(bench, "lead")
    bench.simulator.faults.responses = [ResponseFault(status=400, path=r"sale\.opportunity\.opportunity")]
    with pytest.raises(Rejected):
        await connector.update(fresh, {"state": "converted"})


async def test_a_new_opportunity_whose_button_fails_is_reported_as_incomplete(account: Any) -> None:
    bench = await account(Tryton())
    connector, _ = await opportunity(bench, "lead")
    bench.simulator.faults.responses = [ResponseFault(status=429, path=r"sale\.opportunity\.convert")]
    fields = {"description": "Lamp", "party": "1", "state": "converted"}
    made = await connector.create("opportunity", fields)
    assert not made.whole
    assert between(connector, "opportunity", None, fields) == [{"state": "lead"}, {"state": "opportunity"}]


@pytest.mark.parametrize("status", REFUSED)
@pytest.mark.parametrize("more", [{"title": "Hall"}, {}], ids=["after the deal's own columns", "after another line"])
async def test_lines_that_are_refused_after_a_part_was_written_leave_the_outcome_unknown(
    account: Any, status: int, more: dict[str, Any]
) -> None:
    bench = await account(Pipedrive())
    connector, fresh = await deal_with_a_line(bench)
    new = {"product_id": "2", "quantity": Decimal(1), "item_price": Decimal(5)}
    bench.simulator.faults.responses = [ResponseFault(status=status, path="/products$", method="POST")]
    with pytest.raises(OutcomeUnknown):
        await connector.update(fresh, {**more, "products": [new]})


async def test_a_line_that_cannot_be_written_is_refused_before_the_deal_is_changed(account: Any) -> None:
    bench = await account(Pipedrive())
    connector, fresh = await deal_with_a_line(bench)
    with pytest.raises(Rejected):
        await connector.update(fresh, {"title": "Hall", "products": [{"product_id": "2", "sum": Decimal(5)}]})
    now = await connector.read(fresh.ref)
    assert isinstance(now, Record)
    assert now.fields["title"] == "Office"
