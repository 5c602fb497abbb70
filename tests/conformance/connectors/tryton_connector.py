"""Tryton for the suite."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from connector_harness import Sample

from bridge.simulators.tryton import Options, TrytonSimulator
from bridge.simulators.world import World

EMAIL = {"value": "ana@x.example", "label": "email", "primary": True}


class Tryton:
    name = "tryton"
    signed = False
    our_secret = False
    kinds: Mapping[str, str] = {
        "party": "party.party",
        "product": "product.product",
        "opportunity": "sale.opportunity",
        "sale": "sale.sale",
    }
    paths: Mapping[str, str] = {
        "party": r"/rpc/model\.party\.party\.",
        "product": r"/rpc/model\.product\.(product|template)\.",
        "opportunity": r"/rpc/model\.sale\.opportunity\.",
        "sale": r"/rpc/model\.sale\.(sale|line)\.(?!on_change)",
    }
    missing_id = "999999"
    samples: Mapping[str, Sample] = {
        "party": Sample(
            create={
                "name": "Møbler ☕ 家具",
                "emails": [EMAIL],
                "phones": [
                    {"value": "+47 22 33 44 55", "label": "phone", "primary": True},
                    {"value": "+47 99 88 77 66", "label": "mobile", "primary": False},
                ],
                "websites": [],
                "address": {"street": "Storgata 1", "postal_code": "0155", "city": "Oslo", "country": "NO"},
                "language": "en",
                "category": "Person",
            },
            edit={
                "name": "Møbler",
                "emails": [{**EMAIL, "value": "new@x.example"}],
                "phones": [{"value": "+47 99 88 77 66", "label": "mobile", "primary": True}],
                "address": {"street": "Storgata 1", "postal_code": "5003", "city": "Bergen", "country": "NO"},
                "category": "Company",
            },
            person={"name": "From a person {n}"},
            person_edit={"email": "person@x.example"},
            person_shows=("emails", [{**EMAIL, "value": "person@x.example"}]),
            find="emails",
        ),
        "product": Sample(
            create={
                "name": "Desk",
                "code": "D-1",
                "unit": "Unit",
                "type": "goods",
                "list_price": Decimal("10.25"),
                "description": "of oak",
            },
            edit={"list_price": Decimal("11"), "description": None, "code": "D-2"},
            person={"template": 1, "suffix_code": "P-{n}"},
            person_edit={"description": "from a person"},
            person_shows=("description", "from a person"),
            find="code",
            prepare=lambda simulator: simulator.person_creates(
                "product.template", {"name": "From a person", "default_uom": 1}
            ),
        ),
        "opportunity": Sample(
            create={
                "description": "Møbler ☕ 家具",
                "party": "1",
                "amount": Decimal("1234.50"),
                "currency": "NOK",
                "state": "opportunity",
                "start_date": date(2026, 3, 2),
                "probability": Decimal("0.25"),
            },
            edit={"amount": Decimal("99.90"), "comment": "soon", "state": "lead"},
            person={"description": "From a person"},
            person_edit={"amount": Decimal("77.5")},
            person_shows=("amount", Decimal("77.5")),
            find="description",
            prepare=lambda simulator: simulator.person_creates("party.party", {"name": "Client"}),
        ),
        "sale": Sample(
            create={
                "description": "Møbler ☕ 家具",
                "party": "1",
                "currency": "NOK",
                "reference": "PO 7",
                "state": "draft",
            },
            edit={"description": "Møbler", "comment": "soon", "date": date(2026, 3, 9), "state": "quotation"},
            person={"party": 1, "description": "From a person {n}"},
            person_edit={"comment": "from a person"},
            person_shows=("comment", "from a person"),
            volatile=frozenset({"number"}),
            find="description",
            prepare=lambda simulator: simulator.person_creates(
                "party.party", {"name": "Client", "addresses": [["create", [{"street": "Storgata 1"}]]]}
            ),
        ),
    }

    def simulator(self, world: World) -> TrytonSimulator:
        return TrytonSimulator(world, Options())

    def options(self, url: str, page_size: int | None) -> Mapping[str, Any]:
        account = Options()
        return {
            "base_url": url,
            "database": account.database,
            "user": account.user,
            "password": account.password,
            "requests_per_second": 1000,
            **({"page_size": page_size} if page_size else {}),
        }

    def wrong(self, url: str) -> Mapping[str, Any]:
        return {**self.options(url, None), "password": "wr0ng-s3cret"}

    def expiring(self, url: str, page_size: int | None) -> Mapping[str, Any] | None:
        return self.options(url, page_size)
