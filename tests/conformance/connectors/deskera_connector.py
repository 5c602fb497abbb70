"""Deskera for the suite."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connector_harness import Sample

from bridge.simulators.deskera import DeskeraSimulator, Options
from bridge.simulators.world import World


class Deskera:
    name = "deskera"
    signed = False
    our_secret = True
    kinds: Mapping[str, str] = {"crm_contact": "contacts", "crm_deal": "deals"}
    paths: Mapping[str, str] = {"crm_contact": "/v1/crm/contacts(/[0-9]+)?$", "crm_deal": "/v1/crm/deals(/[0-9]+)?$"}
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
