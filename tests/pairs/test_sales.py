"""The shipped mappings of Tryton's sales, by the daemon: a won deal becomes a sale, which a quotation makes final."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from bridge.simulators.faults import ResponseFault
from tests.pairs.site import Setup, Site, pair_site
from tests.pairs.test_invoices import deal, option
from tests.pairs.test_opportunities import settled

SHIPPED = Path(__file__).parents[2] / "mappings" / "pipedrive-tryton"


def custom_fields(simulators: Mapping[str, Any]) -> None:
    """Create the custom fields that the mapping files require in Pipedrive."""
    pipedrive = simulators["pipedrive"].state
    pipedrive.add_field("deal", "Sale", "varchar", [], "sale")
    invoiced = ["no", "pending", "awaiting payment", "partly", "paid"]
    pipedrive.add_field("deal", "Invoiced", "enum", invoiced, "invoiced")


SETUP = Setup(sorted(SHIPPED.glob("*.yaml")), {"crm": "pipedrive", "office": "tryton"}, custom_fields)
Lines = list[tuple[str, float, float]]


def sales(site: Site) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = site.target.simulator.dump()["records"]["sale.sale"]
    return found


def sold(site: Site) -> Lines:
    """Return the lines of the one sale: the article's name, the quantity, the price."""
    (sale,) = sales(site)
    return sorted(
        (articles(site)[line["product"]], float(line["quantity"]), float(line["unit_price"]["decimal"]))
        for line in sale["lines"]
    )


def articles(site: Site) -> Mapping[int, str]:
    """Return the names of Tryton's products."""
    records = site.target.simulator.dump()["records"]
    names = {row["id"]: row["name"] for row in records["product.template"]}
    return {row["id"]: names[row["template"]] for row in records["product.product"]}


def ordered(site: Site, deal_id: Any) -> Lines:
    lines = deal(site, deal_id)["products"]
    return sorted((line["name"], float(line["quantity"]), float(line["item_price"])) for line in lines)


async def test_a_won_deal_becomes_a_sale_that_both_sides_change_until_it_is_a_quotation(tmp_path: Path) -> None:
    async with pair_site(tmp_path, "pipedrive", "tryton", SETUP) as site:
        people, office = site.source.simulator, site.target.simulator
        firm = people.person_creates("organizations", {"name": "Fjord", "address": {"value": "Storgata 1"}})
        ids = {name: people.person_creates("products", {"name": name})["id"] for name in ("Desk", "Lamp", "Sofa")}
        won = people.person_creates(
            "deals",
            {
                "title": "Office",
                "currency": "EUR",
                "org_id": firm["id"],
                "products": [{"product_id": ids["Desk"], "quantity": 2, "item_price": 150.5, "comments": "of oak"}],
            },
        )
        people.person_edits("deals", won["id"], {"status": "won"})
        await site.until(lambda: sales(site) and sold(site) == [("Desk", 2.0, 150.5)], "a sale with its line")
        (sale,) = sales(site)
        assert (sale["state"], sale["description"]) == ("draft", "Office")
        assert sale["lines"][0]["note"] == "of oak"

        await site.until(lambda: len(office.dump()["records"]["product.product"]) == 3, "all articles")
        sofa = next(number for number, name in articles(site).items() if name == "Sofa")
        new = {"product": sofa, "quantity": 1.0, "unit": 1, "unit_price": Decimal(900)}
        office.person_edits("sale.sale", sale["id"], {"lines": [["create", [new]]]})
        (first,) = deal(site, won["id"])["products"]
        lamp = {"product_id": ids["Lamp"], "quantity": 3, "item_price": 20}
        people.person_edits("deals", won["id"], {"products": [{**first, "quantity": 4}, lamp]})
        wanted = [("Desk", 4.0, 150.5), ("Lamp", 3.0, 20.0), ("Sofa", 1.0, 900.0)]
        await site.until(lambda: sold(site) == wanted == ordered(site, won["id"]), "all three lines on both sides")

        office.person_presses("sale.sale", sale["id"], "quote")  # type: ignore[attr-defined]
        number = str(sales(site)[0]["number"])
        await site.until(lambda: deal(site, won["id"])["custom_fields"].get("sale") == number, "the number of the sale")
        await site.until(
            lambda: deal(site, won["id"])["custom_fields"].get("invoiced") == option(site, "no"), "it is not invoiced"
        )
        people.person_edits("deals", won["id"], {"title": "Too late", "products": []})
        people.person_creates("organizations", {"name": "After that"})
        await site.until(lambda: "After that" in str(office.dump()), "what was edited later has crossed")
        await settled(site)  # the deal was processed as well
        assert sold(site) == wanted
        assert sales(site)[0]["description"] == "Office"
        assert len(sales(site)) == 1


async def test_promise_5_a_sale_whose_create_was_not_answered_is_found_again_as_a_quotation(tmp_path: Path) -> None:
    async with pair_site(tmp_path, "pipedrive", "tryton", SETUP) as site:
        people, office = site.source.simulator, site.target.simulator
        firm = people.person_creates("organizations", {"name": "Fjord", "address": {"value": "Storgata 1"}})
        await site.until(lambda: "Fjord" in str(office.dump()["records"]["party.party"]), "the customer")
        lost = ResponseFault(kind="drop", path=r"/rpc/model\.sale\.sale\.create", after=True, times=1)
        office.faults.responses.insert(0, lost)  # type: ignore[attr-defined]
        won = people.person_creates(
            "deals", {"title": "Office", "currency": "EUR", "org_id": firm["id"], "status": "won"}
        )
        await site.until(lambda: sales(site), "a sale")
        (sale,) = sales(site)
        assert sale["reference"] == f"Deal {won['id']}"
        office.person_presses("sale.sale", sale["id"], "quote")  # type: ignore[attr-defined]
        await site.until(lambda: deal(site, won["id"])["custom_fields"].get("sale"), "the number of the sale")
        await settled(site)
        assert [row["state"] for row in sales(site)] == ["quotation"]


async def test_a_sale_that_a_person_created_for_a_won_deal_is_matched_by_its_reference(tmp_path: Path) -> None:
    async with pair_site(tmp_path, "pipedrive", "tryton", SETUP) as site:
        people, office = site.source.simulator, site.target.simulator
        firm = people.person_creates("organizations", {"name": "Fjord", "address": {"value": "Storgata 1"}})
        open_ = people.person_creates("deals", {"title": "Office", "currency": "EUR", "org_id": firm["id"]})
        await site.until(lambda: "Fjord" in str(office.dump()["records"]["party.party"]), "the customer")
        (party,) = [row["id"] for row in office.dump()["records"]["party.party"] if row["name"] == "Fjord"]
        made = office.person_creates("sale.sale", {"party": party, "reference": f"Deal {open_['id']}"})
        people.person_edits("deals", open_["id"], {"status": "won"})
        await site.until(lambda: sales(site)[0]["description"] == "Office", "the deal's title")
        await settled(site)
        assert [row["id"] for row in sales(site)] == [made["id"]]


async def test_an_edit_of_a_lost_deal_waits_until_the_deal_is_open_again(tmp_path: Path) -> None:
    async with pair_site(tmp_path, "pipedrive", "tryton", SETUP) as site:
        people, office = site.source.simulator, site.target.simulator

        def there(**wanted: str) -> bool:
            rows = office.dump()["records"]["sale.opportunity"]
            return [wanted.items() <= row.items() for row in rows] == [True]

        lost = people.person_creates("deals", {"title": "Office", "currency": "EUR", "status": "lost"})
        await site.until(lambda: there(description="Office", state="lost"), "a new one has its title though it is lost")
        people.person_edits("deals", lost["id"], {"title": "Office (to another firm)"})
        people.person_creates("organizations", {"name": "After that"})
        await site.until(lambda: "After that" in str(office.dump()), "what was edited later has crossed")
        await settled(site)
        assert there(description="Office", state="lost")
        people.person_edits("deals", lost["id"], {"status": "open"})
        await site.until(lambda: there(description="Office (to another firm)", state="lead"), "open again")
        await settled(site)
