"""The second story: deals of a simulated Pipedrive become sales of the real Tryton, line by line in both directions."""

import json
import time
from collections.abc import Callable
from typing import Any

from tests.real.crm import Pipedrive
from tests.real.progress import say
from tests.real.site import Site
from tests.real.story import there
from tests.real.tryton import Row

MAPPINGS = ("crm-office-companies", "crm-office-products", "crm-office-sales")
COMPANY = "Fjord Shipping"
Lines = list[tuple[str, float, float]]


def pipedrive(site: Site) -> Pipedrive:
    assert isinstance(site.crm, Pipedrive)
    return site.crm


def prepared(site: Site) -> None:
    """Create a company and three products; Tryton has one of them already, which is matched."""
    crm = pipedrive(site)
    crm.add_field("deals", "Sale")
    crm.add_field("deals", "Invoiced", "no", "pending", "awaiting payment", "partly", "paid")
    site.tryton.create_product("Lamp", "20")
    crm.person("organizations", {"name": COMPANY, "address": {"value": "Storgata 1, Oslo"}})
    for name in ("Desk", "Lamp", "Sofa"):
        crm.person("products", {"name": name})
    site.start()
    there(site, site.crm.hooks_work, "the hooks are registered")
    for mapping in MAPPINGS[:2]:
        asked = site.run_command("backfill", mapping)
        assert asked.code == 0, asked
    there(site, lambda: set(site.tryton.products().values()) == {"Desk", "Lamp", "Sofa"}, "three products in Tryton")
    assert len(site.tryton.products()) == 3, "the lamp exists once"


def won(site: Site) -> None:
    """A won deal becomes one draft sale with its products as lines, each with the unit from Tryton."""
    crm = pipedrive(site)
    (company,) = crm.rows("organizations", name=COMPANY)
    products = {row["name"]: row["id"] for row in crm.rows("products")}
    lines = [
        {"product_id": products["Desk"], "quantity": 2, "item_price": 150.5, "comments": "of oak"},
        {"product_id": products["Lamp"], "quantity": 5, "item_price": 20},
    ]
    deal = {"title": "Office", "currency": "EUR", "org_id": company["id"], "products": lines}
    crm.person("deals", {"title": "Still open", "currency": "EUR", "org_id": company["id"]})
    made = crm.person("deals", deal)
    crm.person("deals", {"status": "won"}, made["id"])
    there(site, lambda: sale(site) is not None, "a sale")
    there(site, lambda: sold(site) == [("Desk", 2.0, 150.5), ("Lamp", 5.0, 20.0)], "its lines")
    found = sale(site)
    assert found is not None
    assert (found["state"], found["description"]) == ("draft", "Office")
    assert all(line["unit"] for line in found["lines."])


def lines_on_both_sides(site: Site) -> None:
    """A line added in Tryton, one added in Pipedrive, edits of one line on both sides, and a deletion are merged."""
    crm, (deal,) = pipedrive(site), pipedrive(site).rows("deals", title="Office")
    products = {row["name"]: row["id"] for row in crm.rows("products")}
    articles = {name: number for number, name in site.tryton.products().items()}
    desk, lamp = ordered(deal)
    assert site.run_command("pause").code == 0
    found = sale(site)
    assert found is not None
    (old,) = (line for line in found["lines."] if line["product"] == articles["Lamp"])
    site.tryton.change_lines(
        found["id"],
        ["create", [{"product": articles["Sofa"], "quantity": 1, "unit": old["unit"], "unit_price": price("900")}]],
        ["write", [old["id"]], {"unit_price": price("18.5")}],
    )
    cabinet = crm.person("products", {"name": "Cabinet"})["id"]
    more = {"product_id": cabinet, "quantity": 3, "item_price": 75}
    kept = [{**desk, "quantity": 4}, {**lamp, "quantity": 6}]
    crm.person("deals", {"products": [*kept, more]}, deal["id"])
    time.sleep(5)
    assert site.run_command("resume").code == 0
    wanted = [("Cabinet", 3.0, 75.0), ("Desk", 4.0, 150.5), ("Lamp", 6.0, 18.5), ("Sofa", 1.0, 900.0)]
    both(site, wanted)
    found = sale(site)
    assert found is not None
    (gone,) = (line for line in found["lines."] if line["product"] == articles["Desk"])
    site.tryton.change_lines(found["id"], ["delete", [gone["id"]]])
    both(site, [line for line in wanted if line[0] != "Desk"])
    assert products.keys() <= {"Desk", "Lamp", "Sofa"}


def quoted(site: Site) -> None:
    """Make a quotation as a person: its number comes to the deal, and later edits of the deal do not cross."""
    found = sale(site)
    assert found is not None
    before = sold(site)
    site.tryton.call("model.sale.sale.quote", [found["id"]], site.tryton.context())
    crm = pipedrive(site)
    key = crm.fields["Sale"]
    there(site, lambda: crm.rows("deals", title="Office")[0]["custom_fields"].get(key), "the number of the sale")
    (deal,) = crm.rows("deals", title="Office")
    crm.person("deals", {"title": "Too late", "products": []}, deal["id"])
    crm.person("organizations", {"name": "Made after that"})
    there(site, lambda: "Made after that" in {row["name"] for row in site.tryton.companies()}, "the next change")
    there(site, lambda: "nothing waits" in site.run_command("waiting").out, "the deal was looked at as well")
    found = sale(site)
    assert found is not None
    assert (found["state"], found["description"], sold(site)) == ("quotation", "Office", before)
    assert len(site.tryton.sales()) == 1


def sales_agree(site: Site) -> None:
    """`bridge verify` agrees, no record needs a person, and the bridge ends in order."""
    first = site.run_command("verify")
    if first.code != 0:
        say(first.out.strip())
    there(site, lambda: site.run_command("verify").code == 0, "bridge verify finds no difference", 240)
    say(site.run_command("verify").out.strip())
    dead = site.run_command("dead-letters", "list")
    assert dead.code == 0, dead
    assert "no dead letters" in dead.out.lower() or not dead.out.strip(), dead.out
    assert site.stop() == 0


STEPS: tuple[Callable[[Site], None], ...] = (prepared, won, lines_on_both_sides, quoted, sales_agree)


def price(text: str) -> Any:
    return {"__class__": "Decimal", "decimal": text}


def sale(site: Site) -> Row | None:
    found = site.tryton.sales()
    assert len(found) < 2, json.dumps(found)[:500]
    return found[0] if found else None


def sold(site: Site) -> Lines:
    """Return the lines of the one sale: the product's name, the quantity, the price."""
    found, names = sale(site), site.tryton.products()
    lines = found["lines."] if found is not None else []
    return sorted((names[line["product"]], line["quantity"], float(line["unit_price"]["decimal"])) for line in lines)


def ordered(deal: Row) -> list[Row]:
    return sorted(deal["products"], key=lambda line: str(line["name"]))


def both(site: Site, wanted: Lines) -> None:
    def hold() -> bool:
        (deal,) = pipedrive(site).rows("deals", title="Office")
        shown = [(line["name"], float(line["quantity"]), float(line["item_price"])) for line in ordered(deal)]
        return shown == wanted == sold(site)

    there(site, hold, f"{len(wanted)} lines on both sides")
