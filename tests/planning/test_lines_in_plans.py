"""A plan of lists of lines: it shows the lines, and a live run writes exactly them."""

from bridge.planning.report import change_line
from tests.planning.planned import planned
from tests.planning.worlds import comparable, world
from tests.sync.test_line_items import DEALS


async def test_a_live_run_writes_exactly_the_planned_lines() -> None:
    async with world(1, DEALS) as here:
        crm, erp = here.bench.crm, here.bench.erp
        for name in ("Desk", "Lamp", "Sofa"):
            crm.person_creates("company", name=name)
        line = {"id": "c1", "product_id": "1", "amount": 1}
        deal = crm.person_creates("person", name="Office", items=[line])
        here.bench.clock.advance(3600)
        await here.goes_live()
        (there,) = erp.live("person")
        (held,) = erp.live("person")[there]["items"]
        crm.person_edits("person", deal, items=[line, {"id": "c2", "product_id": "2", "amount": 2}])
        other = next(record_id for record_id, row in erp.live("company").items() if row["name"] == "Sofa")
        erp.person_edits("person", there, items=[held, {"id": "e2", "product_id": other, "amount": 3}])
        here.bench.clock.advance(3600)
        wrote = len(here.wrote())
        async with planned(here.bench, "products", "deals") as plan:
            foretold = comparable(plan.writes)
            shown = " ".join(str(row.fields) for row in plan.rows())
        assert len(here.wrote()) == wrote, "a plan writes nothing"
        assert "'amount': 2" in shown
        assert "products" in shown
        had = {name: len(product.wrote) for name, product in here.sides.items()}
        await here.goes_live()
        news = [write for name, product in here.sides.items() for write in product.wrote[had[name] :]]
        assert comparable(news) == foretold
        assert len(crm.live("person")[deal]["items"]) == len(erp.live("person")[there]["items"]) == 3


async def test_a_row_says_whether_its_lines_name_a_record_that_the_plan_creates() -> None:
    async with world(1, DEALS) as here:
        crm = here.bench.crm
        crm.person_creates("company", name="Desk")
        crm.person_creates("person", name="Office", items=[{"id": "c1", "product_id": "1", "amount": 1}])
        crm.person_creates("person", name="Model new-5", items=[])
        here.bench.clock.advance(3600)
        async with planned(here.bench, "products", "deals") as plan:
            rows = {row.fields["name"]["after"]: row.fields for row in plan.rows()}
    assert {name for fields in rows.values() for name, change in fields.items() if change.get("new")} == {"items"}
    assert "which this plan creates" in change_line(rows["Office"]["items"])
    assert "which this plan creates" not in change_line(rows["Model new-5"]["name"])
