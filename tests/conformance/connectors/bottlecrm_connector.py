"""BottleCRM for the suite."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from connector_harness import Sample

from bridge.simulators.bottlecrm import BottleSimulator, Options
from bridge.simulators.world import World

MOVES = frozenset({"updated_at"})


class BottleCrm:
    name = "bottlecrm"
    signed = True
    our_secret = False
    kinds: Mapping[str, str] = {
        "account": "accounts",
        "contact": "contacts",
        "opportunity": "opportunities",
        "lead": "leads",
    }
    paths: Mapping[str, str] = {entity: f"/api/{plural}/(?!pipelines)" for entity, plural in kinds.items()}
    missing_id = "00000000-0000-4000-8000-000000000000"
    samples: Mapping[str, Sample] = {
        "account": Sample(
            create={
                "name": "Møbler ☕ 家具",
                "email": "post@mobler.example",
                "phone": "+47 22 33 44 55",
                "annual_revenue": Decimal("1250.50"),
                "number_of_employees": 12,
                "address_line": "Storgata 1",
                "city": "Oslo",
                "country": "NO",
            },
            edit={"website": "https://mobler.example", "city": "Bergen", "email": None},
            person={"name": "From a person {n}"},
            person_edit={"website": "https://person.example"},
            person_shows=("website", "https://person.example"),
            find="name",
        ),
        "contact": Sample(
            create={
                "first_name": "Ana",
                "last_name": "Lúnd ☕",
                "email": "ana@x.example",
                "title": "Head of purchasing",
                "do_not_call": True,
                "account": None,
            },
            edit={"last_name": "Berg", "phone": "+47 99 88 77 66", "do_not_call": False},
            person={"first_name": "From", "last_name": "a person {n}"},
            person_edit={"title": "Boss"},
            person_shows=("title", "Boss"),
            volatile=MOVES,
            find="email",
        ),
        "opportunity": Sample(
            create={
                "name": "Spring order",
                "stage": "Proposal",
                "amount": Decimal("99.90"),
                "currency": "NOK",
                "probability": 25,
            },
            edit={"stage": "Closed Won", "closed_on": date(2026, 3, 2), "amount": Decimal("100.00")},
            person={"name": "From a person"},
            person_edit={"amount": "77.50"},
            person_shows=("amount", Decimal("77.50")),
            find="name",
        ),
        "lead": Sample(
            create={
                "title": "Wants a desk",
                "first_name": "Lea",
                "email": "lea@x.example",
                "company_name": "Lea & Co",
                "status": "in process",
                "close_date": date(2026, 4, 1),
            },
            edit={"status": "recycled", "opportunity_amount": Decimal("12.50"), "close_date": None},
            person={"title": "From a person"},
            person_edit={"job_title": "Boss"},
            person_shows=("job_title", "Boss"),
            volatile=MOVES,
            find="email",
        ),
    }

    def simulator(self, world: World) -> BottleSimulator:
        return BottleSimulator(world, Options())

    def options(self, url: str, page_size: int | None) -> Mapping[str, Any]:
        account = Options()
        return {
            "base_url": url,
            "access_token": account.access_token,
            "admin_refresh_token": account.admin_refresh_token,
            "requests_per_second": 1000,
            **({"page_size": page_size} if page_size else {}),
        }

    def wrong(self, url: str) -> Mapping[str, Any]:
        return {**self.options(url, None), "access_token": "wr0ng-s3cret"}

    def expiring(self, url: str, page_size: int | None) -> Mapping[str, Any] | None:
        return None
