"""Two records side by side, as the record page shows them: lines, and field rules whose `when` does not hold."""

from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.admin.operation import Person
from bridge.app.desk.compare import Compared, Comparer, WhichPair
from tests.clock import FakeClock
from tests.product import FakeProduct, manifest
from tests.sync.bench import Bench
from tests.sync.test_line_items import DEALS, Apart, _here, _shown, _there, _with_lines

NewBench = Callable[..., Awaitable[Bench]]
ROWS = "  name: {crm: name, erp: name}\n  phone: {crm: phone, erp: phone, when: {crm: {notes: vip}}}\n  items:"


async def _bench(new_bench: NewBench, clock: FakeClock, text: str) -> tuple[Bench, str]:
    crm = FakeProduct("crm", clock, _with_lines(manifest(), apart=False))
    bench = await new_bench(text=text, crm=crm, erp=Apart("erp", clock))
    for name in ("Desk", "Lamp", "Sofa"):
        bench.crm.person_creates("company", name=name)
    await bench.settle()
    items = [{"id": "c1", "product_id": _here(bench, "Desk"), "amount": 1}]
    items += [{"id": "c2", "product_id": _here(bench, "Sofa"), "amount": 3}]
    left = bench.crm.person_creates("person", name="Deal", phone="1", items=items)
    await bench.settle()
    bench.clock.advance(60)
    return bench, left


async def _compared(bench: Bench, left: str) -> dict[str, Compared]:
    parts: Any = SimpleNamespace(
        plan=SimpleNamespace(mappings=bench.parts.mappings, scopes=bench.parts.scopes),
        store=bench.store,
        connectors={"crm": bench.crm, "erp": bench.erp},
        seams=bench.seams,
    )
    which = WhichPair(side="crm", entity="person", record=left, mapping="deals")
    found = await Comparer(parts).compare(Person("Ann", "admin"), which)
    assert not found.fault
    return {row.field: row for row in found.fields}


async def test_lines_are_shown_one_by_one_as_they_would_be_written(new_bench: NewBench, clock: FakeClock) -> None:
    bench, left = await _bench(new_bench, clock, DEALS)
    before = await _compared(bench, left)
    assert before["items"].left == f"product products {_here(bench, 'Desk')}, amount 1\n" + (
        f"product products {_here(bench, 'Sofa')}, amount 3"
    )
    assert not before["items"].differs
    held = bench.crm.live("person")[left]["items"][0]
    new = {"id": "c3", "product_id": _here(bench, "Lamp"), "amount": 2}
    bench.crm.person_edits("person", left, items=[{**held, "amount": 9}, new])
    found = (await _compared(bench, left))["items"]
    assert (found.to_left, found.to_right, found.left_changed, found.right_changed) == (False, True, True, False)
    assert found.right_value == f"product products {_there(bench, 'Desk')}, amount 9\n" + (
        f"product products {_there(bench, 'Lamp')}, amount 2"
    )
    await bench.settle()
    assert _shown(bench, bench.erp) == {("Desk", 9), ("Lamp", 2)}
    after = (await _compared(bench, left))["items"]
    assert after.right == found.right_value
    assert not after.to_right


@pytest.mark.parametrize(("missing", "written"), [("wait", False), ("blank", True)])
async def test_a_line_that_waits_is_not_to_be_written_and_one_that_may_be_blank_is(
    new_bench: NewBench, clock: FakeClock, missing: str, written: bool
) -> None:
    text = DEALS.replace("link: products}", f"link: products, missing: {missing}}}")
    bench, left = await _bench(new_bench, clock, text)
    unknown = bench.crm.person_creates("company", name="Rug")
    items = bench.crm.live("person")[left]["items"]
    bench.crm.person_edits("person", left, items=[*items, {"id": "r", "product_id": unknown, "amount": 4}])
    found = (await _compared(bench, left))["items"]
    assert (found.differs, found.to_right) == (True, written)
    assert f"products {unknown}, amount 4" in str(found.left)


async def test_a_field_rule_that_does_not_hold_is_shown_as_off(new_bench: NewBench, clock: FakeClock) -> None:
    bench, left = await _bench(new_bench, clock, DEALS.replace("  name: {crm: name, erp: name}\n  items:", ROWS))
    bench.crm.person_edits("person", left, phone="2")
    found = (await _compared(bench, left))["phone"]
    assert found.left == found.right == "not in sync: `when` does not hold"
    assert (found.differs, found.to_left, found.to_right) == (False, False, False)
    bench.crm.person_edits("person", left, notes="vip")
    found = (await _compared(bench, left))["phone"]
    assert (found.left, found.to_right, found.right_value) == ("2", True, "2")
