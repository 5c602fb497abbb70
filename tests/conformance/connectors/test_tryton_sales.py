"""Sales of Tryton: lines and their order, columns that forms fill in, and when a sale may no longer change."""

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Any

import pytest
from connector_harness import SYSTEM, Bench
from tryton_connector import Tryton

from bridge.domain.errors import Rejected, WriteConflict
from bridge.domain.record import Gone, Record, RecordRef
from bridge.simulators.tryton.state import PERSON

PRODUCT = {"unit": "Hour", "type": "goods", "list_price": Decimal("10.25"), "salable": True}


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    running = Bench(Tryton())
    await running.start()
    running.simulator.person_creates(
        "party.party", {"name": "Client", "addresses": [["create", [{"street": "Storgata 1"}]]]}
    )
    yield running
    await running.stop()


async def products(connector: Any, *names: str) -> list[str]:
    return [(await connector.create("product", {**PRODUCT, "name": name})).id for name in names]


async def sale(connector: Any, *lines: Any, **fields: Any) -> Record:
    written = await connector.create("sale", {"party": "1", "lines": list(lines), **fields})
    return await read(connector, written.id)


async def read(connector: Any, record_id: str) -> Record:
    found = await connector.read(RecordRef(SYSTEM, "sale", record_id))
    assert isinstance(found, Record)
    return found


async def changed(connector: Any, before: Record, *lines: Any) -> Record:
    await connector.update(before, {"lines": list(lines)})
    return await read(connector, before.ref.id)


def line(product: str, quantity: Any = 1, **more: Any) -> dict[str, Any]:
    return {"product": product, "quantity": Decimal(quantity), **more}


def of(record: Record, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(one[name] for name in names) for one in record.fields["lines"]]


def stored(bench: Bench) -> Sequence[Any]:
    found: Sequence[Any] = bench.simulator.dump()["records"]["sale.sale"]  # type: ignore[attr-defined]
    return found


def presses(bench: Bench, record: Record, button: str) -> None:
    bench.simulator.person_presses("sale.sale", record.ref.id, button)  # type: ignore[attr-defined]


def sent(bench: Bench) -> list[bytes]:
    return [request.body or b"" for request in bench.transport.writes()]


async def test_a_new_sale_gets_the_columns_that_the_form_takes_from_its_party_and_products(bench: Bench) -> None:
    connector = bench.connect()
    (desk,) = await products(connector, "Desk")
    bench.simulator.person_edits("product.template", 1, {"customer_taxes": [["add", [1]]]})
    found = await sale(connector, line(desk, 2), line(desk, "1.5", unit_price=Decimal(7), note="blue"), currency="NOK")
    assert of(found, "product", "quantity", "unit", "unit_price", "note", "amount") == [
        (desk, Decimal(2), "Hour", Decimal("10.25"), None, Decimal("20.50")),
        (desk, Decimal("1.5"), "Hour", Decimal(7), "blue", Decimal("10.50")),
    ]
    assert found.fields["currency"] == "NOK", "the mapping's value replaces the form's value"
    assert (found.fields["untaxed_amount"], found.fields["tax_amount"]) == (Decimal("31.00"), Decimal("7.75"))
    (row,) = stored(bench)
    assert row["invoice_address"] == row["shipment_address"] == 1
    assert len([body for body in sent(bench) if b"model.sale." in body]) == 1, "a sale and its lines are one call"


async def test_lines_are_added_changed_and_deleted_in_one_conditional_call(bench: Bench) -> None:
    connector = bench.connect()
    desk, lamp, sofa = await products(connector, "Desk", "Lamp", "Sofa")
    before = await sale(connector, line(desk), line(lamp))
    first = before.fields["lines"][0]
    bench.pass_seconds(1)
    calls = len(sent(bench))
    after = await changed(connector, before, {**first, "quantity": Decimal(4)}, line(sofa, 3))
    assert of(after, "product", "quantity") == [(desk, Decimal(4)), (sofa, Decimal(3))]
    assert after.fields["lines"][0]["id"] == first["id"]
    assert len(sent(bench)) == calls + 1
    with pytest.raises(WriteConflict):
        await connector.update(before, {"lines": []})
    assert of(await read(connector, before.ref.id), "product") == [(desk,), (sofa,)]


async def test_a_line_that_was_changed_meanwhile_is_not_overwritten(bench: Bench) -> None:
    connector = bench.connect()
    (desk,) = await products(connector, "Desk")
    before = await sale(connector, line(desk))
    bench.pass_seconds(1)
    bench.simulator.person_edits("sale.sale", before.ref.id, {"lines": [["write", [1], {"quantity": 9.0}]]})
    with pytest.raises(WriteConflict):
        await connector.update(before, {"lines": [line(desk, 2)]})


async def test_lines_are_in_the_order_in_which_they_are_written(bench: Bench) -> None:
    connector = bench.connect()
    desk, lamp, sofa = await products(connector, "Desk", "Lamp", "Sofa")
    found = await sale(connector, line(desk), line(lamp))
    one, two = found.fields["lines"]
    found = await changed(connector, found, two, one)
    assert of(found, "product") == [(lamp,), (desk,)]
    found = await changed(connector, found, *found.fields["lines"], line(sofa))
    assert of(found, "product") == [(lamp,), (desk,), (sofa,)], "a new line would stand before those with a place"
    calls = len(sent(bench))
    found = await changed(connector, found, *found.fields["lines"])
    assert len(sent(bench)) == calls, "nothing to write"
    found = await changed(connector, found, *found.fields["lines"][1:])
    assert of(found, "product") == [(desk,), (sofa,)]


async def test_titles_stay_before_their_line(bench: Bench) -> None:
    connector = bench.connect()
    desk, lamp = await products(connector, "Desk", "Lamp")
    found = await sale(connector, line(desk))
    title = {"type": "title", "description": "Light"}
    bench.simulator.person_edits(
        "sale.sale",
        found.ref.id,
        {
            "lines": [
                ["create", [title]],
                ["create", [{"product": int(lamp), "quantity": 1.0, "unit": 2, "unit_price": Decimal(5)}]],
            ]
        },
    )
    found = await read(connector, found.ref.id)
    assert of(found, "product") == [(desk,), (lamp,)]
    one, two = found.fields["lines"]
    await changed(connector, found, two, one)
    (row,) = stored(bench)
    assert [each["type"] for each in row["lines"]] == ["title", "line", "line"]


async def test_a_line_that_gets_another_product_is_created_again(bench: Bench) -> None:
    connector = bench.connect()
    desk, lamp = await products(connector, "Desk", "Lamp")
    found = await sale(connector, line(desk, 2))
    (one,) = found.fields["lines"]
    found = await changed(connector, found, {**one, "product": lamp})
    assert of(found, "product", "quantity") == [(lamp, Decimal(2))]


async def test_from_the_quotation_on_the_lines_are_refused_and_the_reference_is_not(bench: Bench) -> None:
    connector = bench.connect()
    (desk,) = await products(connector, "Desk")
    found = await sale(connector, line(desk), state="quotation")
    assert found.fields["state"] == "quotation"
    with pytest.raises(Rejected, match="not allowed to modify"):
        await connector.update(found, {"lines": [{**found.fields["lines"][0], "quantity": Decimal(2)}]})
    await connector.update(found, {"reference": "PO 7"})
    found = await read(connector, found.ref.id)
    await connector.update(found, {"state": "draft", "lines": [line(desk, 2)]})
    found = await read(connector, found.ref.id)
    assert of(found, "quantity") == [(Decimal(2),)]
    assert connector.between("sale", found, {"state": "confirmed"}) == [{"state": "quotation"}]


async def test_a_sale_is_brought_to_a_state_where_it_can_be_deleted_unless_it_is_processing(bench: Bench) -> None:
    connector = bench.connect()
    (desk,) = await products(connector, "Desk")
    for state in ("draft", "quotation", "confirmed"):
        found = await sale(connector, line(desk), state=state)
        await connector.delete(found)
        assert isinstance(await connector.read(found.ref), Gone)
    found = await sale(connector, line(desk), state="confirmed")
    presses(bench, found, "process")
    with pytest.raises(Rejected, match="no button"):
        await connector.delete(await read(connector, found.ref.id))


async def test_a_line_that_a_program_changed_alone_shows_in_the_next_listing(bench: Bench) -> None:
    connector = bench.connect()
    (desk,) = await products(connector, "Desk")
    found = await sale(connector, line(desk))
    bench.pass_seconds(600)
    since = bench.clock.now()
    assert not (await connector.list("sale", since=since, page=None, where={})).rows
    changes = bench.simulator._changes  # type: ignore[attr-defined]
    changes.write("sale.line", [1], {"quantity": 5.0}, changes.begin({}, PERSON))
    (row,) = (await connector.list("sale", since=since, page=None, where={})).rows
    assert row.ref == found.ref


async def test_another_party_of_a_draft_clears_its_addresses(bench: Bench) -> None:
    connector = bench.connect()
    bench.simulator.person_creates("party.party", {"name": "Other"})
    found = await sale(connector)
    await connector.update(found, {"party": "2"})
    (row,) = stored(bench)
    assert (row["party"], row["invoice_address"]) == (2, None)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ("no list", "lines"),
        ([{"product": "1", "quantity": "many"}], "lines.quantity"),
        ([{"colour": 1}], "lines.colour"),
    ],
)
async def test_wrong_lines_are_refused_before_any_write(bench: Bench, wanted: Any, field: str) -> None:
    connector = bench.connect()
    with pytest.raises(Rejected) as caught:
        await connector.create("sale", {"party": "1", "lines": wanted})
    assert caught.value.field == field
    assert not sent(bench)


async def test_a_line_of_a_product_without_a_sale_unit_is_refused_with_that_reason(bench: Bench) -> None:
    connector = bench.connect()
    (desk,) = await products(connector, "Desk")
    bench.simulator.person_edits("product.template", 1, {"salable": False, "sale_uom": None})
    with pytest.raises(Rejected, match=f"product {desk} is not salable or has no sale unit"):
        await sale(connector, line(desk))
