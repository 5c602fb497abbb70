"""The shipped mappings of Deskera Books: a won deal becomes a draft invoice once, and its paid state comes back."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.pairs.site import Setup, Site, pair_site

BOOKS = Path(__file__).parents[2] / "mappings" / "pipedrive-deskera-books"


def custom_fields(simulators: Mapping[str, Any]) -> None:
    """Create the custom fields that the mapping files require in Pipedrive, and the product they name in Deskera."""
    pipedrive = simulators["pipedrive"].state
    pipedrive.add_field("organization", "Customer", "enum", ["yes"], "customer")
    pipedrive.add_field("deal", "Payment due", "date", [], "due")
    pipedrive.add_field("deal", "Invoice", "enum", ["open", "partly paid", "paid"], "invoice")
    pipedrive.add_field("deal", "Invoice number", "varchar", [], "number")
    simulators["deskera"].person_creates("products", {"name": "Consulting"})


SETUP = Setup(sorted(BOOKS.glob("*.yaml")), {"crm": "pipedrive", "erp": "deskera"}, custom_fields)


def invoices(site: Site) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = site.target.simulator.dump()["records"]["invoices"]
    return found


def deal(site: Site, deal_id: Any) -> Mapping[str, Any]:
    rows = site.source.simulator.dump()["records"]["deals"]
    found: Mapping[str, Any] = next(row for row in rows if row["id"] == deal_id)
    return found


def option(site: Site, label: str) -> Any:
    """Return the id of an option, as deals show it."""
    fields = site.source.simulator.state.fields  # type: ignore[attr-defined]
    options = [one for known in fields.values() for field in known.values() for one in field.get("options") or []]
    return next(one["id"] for one in options if one["label"] == label)


async def test_the_products_of_a_won_deal_are_the_lines_of_its_invoice(tmp_path: Path) -> None:
    async with pair_site(tmp_path, "pipedrive", "deskera", SETUP) as site:
        people = site.source.simulator
        firm = people.person_creates(
            "organizations", {"name": "Fjord", "custom_fields": {"customer": option(site, "yes")}}
        )
        desk, lamp = (people.person_creates("products", {"name": name})["id"] for name in ("Desk", "Lamp"))
        won = people.person_creates(
            "deals",
            {
                "title": "Office",
                "currency": "EUR",
                "org_id": firm["id"],
                "expected_close_date": "2026-03-31",
                "custom_fields": {"due": "2026-04-30"},
                "products": [{"product_id": desk, "quantity": 2, "item_price": 150.5, "comments": "of oak"}],
            },
        )
        people.person_edits("deals", won["id"], {"status": "won"})
        await site.until(lambda: invoices(site), "an invoice")
        assert lines(site) == [("Desk", 2.0, 150.5)]
        (first,) = deal(site, won["id"])["products"]
        more = {"product_id": lamp, "quantity": 3, "item_price": 20}
        people.person_edits("deals", won["id"], {"products": [{**first, "quantity": 4}, more]})
        await site.until(lambda: len(lines(site)) == 2, "its second line")
        assert lines(site) == [("Desk", 4.0, 150.5), ("Lamp", 3.0, 20.0)]
        assert len(invoices(site)) == 1
        assert all(row["dead"] == 0 for row in (await site.bridge.store.tasks.totals()).values())


def lines(site: Site) -> list[tuple[str, float, float]]:
    """Return the lines of the one invoice: the article's name, the quantity, the price."""
    names = {row["productId"]: row["name"] for row in site.target.simulator.dump()["records"]["products"]}
    (invoice,) = invoices(site)
    return [
        (names[item["productCode"]], float(item["productQuantity"]), float(item["unitPrice"]))
        for item in invoice["salesInvoiceItems"]
    ]


async def test_a_won_deal_becomes_one_draft_invoice_and_gets_its_payment_state(tmp_path: Path) -> None:
    async with pair_site(tmp_path, "pipedrive", "deskera", SETUP) as site:
        people, books = site.source.simulator, site.target.simulator
        firm = people.person_creates(
            "organizations", {"name": "Fjord", "custom_fields": {"customer": option(site, "yes")}}
        )
        won = people.person_creates(
            "deals",
            {
                "title": "Spring order",
                "value": 1250.5,
                "currency": "EUR",
                "org_id": firm["id"],
                "expected_close_date": "2026-03-31",
                "custom_fields": {"due": "2026-04-30"},
            },
        )
        people.person_creates("deals", {"title": "Still open", "value": 7, "currency": "EUR", "org_id": firm["id"]})
        people.person_edits("deals", won["id"], {"status": "won"})

        await site.until(lambda: invoices(site), "an invoice")
        (invoice,) = invoices(site)
        assert invoice["draft"] is True
        assert invoice["salesInvoiceDate"] == "31-03-2026"
        assert [(item["productCode"], float(item["unitPrice"])) for item in invoice["salesInvoiceItems"]] == [
            ("P-0000001", 1250.5)
        ]
        assert invoice["contactDto"]["name"] == "Fjord"
        await site.until(
            lambda: deal(site, won["id"])["custom_fields"].get("number") == invoice["salesInvoiceCode"], "its number"
        )

        books.person_approves("invoices", invoice["id"])  # type: ignore[attr-defined]
        books.person_pays("invoices", invoice["id"], 1250.5)  # type: ignore[attr-defined]
        await site.until(
            lambda: deal(site, won["id"])["custom_fields"].get("invoice") == option(site, "paid"), "the deal is paid"
        )
        people.person_edits("deals", won["id"], {"title": "Spring order, paid"})
        await site.until(lambda: invoices(site)[0]["memo"] == "Spring order, paid", "the subject follows")
        assert len(invoices(site)) == 1
        assert all(row["dead"] == 0 for row in (await site.bridge.store.tasks.totals()).values())
