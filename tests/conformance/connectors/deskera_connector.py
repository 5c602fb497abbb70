"""Deskera for the suite."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from connector_harness import Sample

from bridge.simulators.deskera import DeskeraSimulator, Options
from bridge.simulators.world import World

ITEM = {
    "productCode": "P-0000001",
    "productQuantity": 1,
    "unitPrice": 3,
    "totalAmount": 3,
    "type": "TRACKED",
    "documentSequenceCode": "P-0000001",
}


def contact_and_product(simulator: Any) -> None:
    """Create the records that documents name."""
    simulator.person_creates("books_contacts", {"name": "A customer"})
    simulator.person_creates("products", {"name": "A product"})


class Deskera:
    name = "deskera"
    signed = False
    our_secret = True
    kinds: Mapping[str, str] = {
        "crm_contact": "contacts",
        "crm_deal": "deals",
        "contact": "books_contacts",
        "product": "products",
        "sales_invoice": "invoices",
        "bill": "bills",
        "credit_note": "credit_notes",
        "debit_note": "debit_notes",
    }
    paths: Mapping[str, str] = {
        "crm_contact": "/v1/crm/contacts(/[0-9]+)?$",
        "crm_deal": "/v1/crm/deals(/[0-9]+)?$",
        "contact": "/v1/contacts(/.+)?$",
        "product": "/v1/products(/.+)?$",
        "sales_invoice": "/v1/invoices/sales(/.+)?$",
        "bill": "/v1/invoices/purchase(/.+)?$",
        "credit_note": "/v1/notes/credit(/.+)?$",
        "debit_note": "/v1/notes/debit(/.+)?$",
    }
    missing_id = "999999"
    samples: Mapping[str, Sample] = {
        "crm_contact": Sample(
            create={"type": "person", "name": "Ana Lúnd 李", "email": "ana@x.example", "label": "Cold lead"},
            edit={"label": "Hot lead", "address": "Storgata 1"},
            person={"name": "From a person", "type": "person"},
            person_edit={"email": "new@x.example"},
            person_shows=("email", "new@x.example"),
            volatile=frozenset({"updated_at"}),
            find="email",
        ),
        "crm_deal": Sample(
            create={
                "name": "Møbler ☕ 家具",
                "amount": Decimal("1234.50"),
                "currency_code": "NOK",
                "closing_date": datetime(2026, 4, 1, tzinfo=UTC),
            },
            edit={"amount": Decimal("7.25")},
            person={"name": "From a person"},
            person_edit={"amount": 77.5},
            person_shows=("amount", Decimal("77.5")),
        ),
        "contact": Sample(
            create={
                "name": "Fjord Møbler",
                "email": "post@fjord.example",
                "currency": "NOK",
                "vendor": True,
                "billing_address": {"address1": "Storgata 1", "city": "Oslo", "country": "NO", "postal_code": "0155"},
            },
            edit={"tax_number": "923609016", "billing_address": {"address1": "Storgata 2"}},
            person={"name": "From a person"},
            person_edit={"emailId": "new@x.example"},
            person_shows=("email", "new@x.example"),
            key="code",
            tells_edits=False,
        ),
        "product": Sample(
            create={
                "name": "Desk",
                "type": "NONTRACKED",
                "sales_price": Decimal("10.25"),
                "purchase_price": Decimal(5),
                "sales_account": "SA-1",
                "purchase_account": "PA-1",
                "unit": 1,
                "transaction_type": "BOTH",
                "valuation_method": "FIFO",
            },
            edit={"description": "of oak", "sales_price": Decimal("11.5")},
            person={"name": "From a person"},
            person_edit={"barcode": "417"},
            person_shows=("barcode", "417"),
            key="productId",
            tells_edits=False,
        ),
        "sales_invoice": Sample(
            create={
                "contact_id": "C-0000001",
                "currency": "EUR",
                "date": date(2026, 3, 2),
                "due_date": date(2026, 4, 1),
                "draft": True,
                "line": {"product": "P-0000001", "quantity": Decimal(2), "unit_price": Decimal("10.25")},
            },
            edit={"memo": "Spring order"},
            person={"contactCode": "C-0000001", "memo": "From a person", "salesInvoiceItems": [ITEM]},
            person_edit={"memo": "from a person"},
            person_shows=("memo", "from a person"),
            key="salesInvoiceCode",
            prepare=contact_and_product,
        ),
        "bill": Sample(
            create={
                "contact_id": "C-0000001",
                "currency": "EUR",
                "date": date(2026, 3, 2),
                "due_date": date(2026, 4, 1),
                "bill_type": "EXPENSE",
                "line": {"product": "P-0000001", "quantity": Decimal(1), "unit_price": Decimal("7.5")},
            },
            edit={"memo": "Paper"},
            person={"contactCode": "C-0000001", "memo": "From a person", "purchaseInvoiceItems": [ITEM]},
            person_edit={"memo": "from a person"},
            person_shows=("memo", "from a person"),
            key="purchaseInvoiceCode",
            prepare=contact_and_product,
        ),
        "credit_note": Sample(
            create={
                "contact_id": "C-0000001",
                "currency": "EUR",
                "date": date(2026, 3, 2),
                "type": "SALES",
                "line": {"account": "SA-1", "amount": Decimal(12)},
            },
            edit={"memo": "one desk came back"},
            person={"contactCode": "C-0000001", "memo": "From a person"},
            person_edit={"memo": "from a person"},
            person_shows=("memo", "from a person"),
            key="code",
            prepare=contact_and_product,
        ),
        "debit_note": Sample(
            create={
                "contact_id": "C-0000001",
                "currency": "EUR",
                "date": date(2026, 3, 2),
                "type": "PURCHASE",
                "line": {"account": "PA-1", "amount": Decimal(12)},
            },
            edit={"memo": "one desk went back"},
            person={"contactCode": "C-0000001", "memo": "From a person"},
            person_edit={"memo": "from a person"},
            person_shows=("memo", "from a person"),
            key="code",
            prepare=contact_and_product,
        ),
    }

    def simulator(self, world: World) -> DeskeraSimulator:
        return DeskeraSimulator(world, Options(token_seconds=3600, rotate_refresh=False))

    def options(self, url: str, page_size: int | None) -> Mapping[str, Any]:
        account = Options()
        return {
            "base_url": url,
            "client_id": account.client_id,
            "client_secret": account.client_secret,
            "refresh_token": account.refresh_token,
            "requests_per_second": 1000,
            **({"page_size": page_size} if page_size else {}),
        }

    def wrong(self, url: str) -> Mapping[str, Any]:
        return {**self.options(url, None), "refresh_token": "wr0ng-s3cret"}

    def expiring(self, url: str, page_size: int | None) -> Mapping[str, Any] | None:
        return self.options(url, page_size)
