"""Lines between a deal and an invoice in both directions, by the daemon: the lines of both sides survive."""

from pathlib import Path
from typing import Any

from tests.pairs.site import Setup, Site, pair_site
from tests.pairs.test_invoices import BOOKS, custom_fields, deal, invoices, lines, option

ORDERS = """\
mapping: orders
sides:     {crm: pipedrive deal, erp: deskera sales_invoice}
direction: both
creates:   [erp]
match:     none
conflict:  crm
fields:
  customer: {crm: org_id,              erp: contact_id, link: customers, from: crm, required: true}
  currency: {crm: currency,            erp: currency,   type: currency,  from: crm}
  date:     {crm: expected_close_date, erp: date,       type: date,      from: crm}
  due:      {crm: expected_close_date, erp: due_date,   type: date,      from: crm}
  subject:  {crm: title,               erp: memo}
  draft:    {erp: draft, value: true, type: boolean, set: on-create}
  items:
    crm: products
    erp: lines
    key: article
    lines:
      article:  {crm: product_id, erp: product,    link: products}
      quantity: {crm: quantity,   erp: quantity,   type: decimal}
      price:    {crm: item_price, erp: unit_price, type: decimal}
"""


def of_deal(site: Site, deal_id: Any) -> set[tuple[str, float, float]]:
    found = deal(site, deal_id)["products"]
    return {(line["name"], float(line["quantity"]), float(line["item_price"])) for line in found}


async def test_lines_that_people_add_and_delete_on_both_sides_are_merged(tmp_path: Path) -> None:
    file = tmp_path / "orders.yaml"
    file.write_text(ORDERS)
    setup = Setup(
        [BOOKS / "customers.yaml", BOOKS / "products.yaml", file], {"crm": "pipedrive", "erp": "deskera"}, custom_fields
    )
    async with pair_site(tmp_path, "pipedrive", "deskera", setup) as site:
        people, books = site.source.simulator, site.target.simulator
        firm = people.person_creates(
            "organizations", {"name": "Fjord", "custom_fields": {"customer": option(site, "yes")}}
        )
        ids = {name: people.person_creates("products", {"name": name})["id"] for name in ("Desk", "Lamp", "Sofa")}
        order = people.person_creates(
            "deals",
            {
                "title": "Office",
                "currency": "EUR",
                "org_id": firm["id"],
                "expected_close_date": "2026-03-31",
                "products": [{"product_id": ids["Desk"], "quantity": 2, "item_price": 150.5}],
            },
        )
        await site.until(lambda: invoices(site), "an invoice")
        await site.until(lambda: len(books.dump()["records"]["products"]) >= 4, "all articles")
        codes = {row["name"]: row["productId"] for row in books.dump()["records"]["products"]}

        (invoice,), (first,) = invoices(site), deal(site, order["id"])["products"]
        new = {**invoice["salesInvoiceItems"][0], "productCode": codes["Sofa"], "productQuantity": 1, "unitPrice": 900}
        books.person_edits("invoices", invoice["id"], {"salesInvoiceItems": [*invoice["salesInvoiceItems"], new]})
        lamp = {"product_id": ids["Lamp"], "quantity": 3, "item_price": 20}
        people.person_edits("deals", order["id"], {"products": [first, lamp]})
        wanted = {("Desk", 2.0, 150.5), ("Lamp", 3.0, 20.0), ("Sofa", 1.0, 900.0)}
        await site.until(
            lambda: of_deal(site, order["id"]) == wanted == set(lines(site)), "all three lines on both sides"
        )

        (invoice,) = invoices(site)
        kept = [item for item in invoice["salesInvoiceItems"] if item["productCode"] != codes["Lamp"]]
        books.person_edits("invoices", invoice["id"], {"salesInvoiceItems": kept})
        wanted.remove(("Lamp", 3.0, 20.0))
        await site.until(lambda: of_deal(site, order["id"]) == wanted == set(lines(site)), "the line goes")
        assert first["id"] in {line["id"] for line in deal(site, order["id"])["products"]}, "a line keeps its id"
        assert all(row["dead"] == 0 for row in (await site.bridge.store.tasks.totals()).values())
