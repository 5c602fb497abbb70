"""SuperOffice for the suite."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from connector_harness import Sample

from bridge.simulators.superoffice import Options, SuperOfficeSimulator
from bridge.simulators.world import World

MOVES = frozenset({"updated_date"})


def main(value: str) -> list[dict[str, Any]]:
    return [{"value": value, "label": None, "primary": True}]


class SuperOffice:
    name = "superoffice"
    signed = True
    our_secret = True
    kinds: Mapping[str, str] = {
        name: name for name in ("contact", "person", "sale", "product", "project", "appointment")
    }
    paths: Mapping[str, str] = {entity: f"/api/v1/{entity.capitalize()}(/[0-9]+)?$" for entity in kinds}
    missing_id = "999999"
    samples: Mapping[str, Sample] = {
        "contact": Sample(
            create={
                "name": "Møbler ☕ 家具",
                "org_nr": "987654321",
                "emails": main("post@x.example"),
                "street_address": {"address1": "Storgata 1", "city": "Oslo"},
            },
            edit={"department": "Sør", "phones": main("+47 22 33 44 55")},
            person={"Name": "From a person"},
            person_edit={"Department": "Nord"},
            person_shows=("department", "Nord"),
            volatile=MOVES,
            find="org_nr",
        ),
        "person": Sample(
            create={"firstname": "Ana", "lastname": "Lúnd", "emails": main("ana@x.example")},
            edit={"title": "Head", "mobile_phones": main("+47 99 88 77 66")},
            person={"Firstname": "From", "Lastname": "a person"},
            person_edit={"Title": "Boss"},
            person_shows=("title", "Boss"),
            volatile=MOVES,
            find="emails",
        ),
        "sale": Sample(
            create={"heading": "Møbler", "amount": Decimal("1234.50"), "saledate": date(2026, 4, 1)},
            edit={"amount": Decimal("7.25")},
            person={"Heading": "From a person"},
            person_edit={"Amount": 77.5},
            person_shows=("amount", Decimal("77.5")),
            volatile=MOVES | {"earning", "earning_percent"},
            find="heading",
        ),
        "product": Sample(
            create={"name": "Desk", "code": "D-1", "unit_list_price": Decimal("10.25"), "in_assortment": True},
            edit={"description": "of oak", "code": None},
            person={"Name": "From a person"},
            person_edit={"PriceUnit": "piece"},
            person_shows=("price_unit", "piece"),
            find="code",
        ),
        "project": Sample(
            create={"name": "Fair", "project_number": "P-1", "end_date": date(2026, 6, 1)},
            edit={"completed": True},
            person={"Name": "From a person"},
            person_edit={"ProjectNumber": "P-2"},
            person_shows=("project_number", "P-2"),
            volatile=MOVES,
            find="name",
        ),
        "appointment": Sample(
            create={"title": "Call", "start_date": datetime(2026, 3, 5, 8, 30, tzinfo=UTC)},
            edit={"location": "Oslo"},
            person={"Title": "From a person"},
            person_edit={"Location": "Bergen"},
            person_shows=("location", "Bergen"),
            volatile=MOVES,
        ),
    }

    def simulator(self, world: World) -> SuperOfficeSimulator:
        return SuperOfficeSimulator(world, Options())

    def options(self, url: str, page_size: int | None) -> Mapping[str, Any]:
        account = Options()
        return {
            "tenant": account.tenant,
            "login_url": url,
            "client_secret": account.client_secret,
            "system_token": account.system_token,
            "private_key": account.private_key,
            "requests_per_second": 1000,
            **({"page_size": page_size} if page_size else {}),
        }

    def wrong(self, url: str) -> Mapping[str, Any]:
        return {**self.options(url, None), "system_token": "wr0ng-s3cret"}

    def expiring(self, url: str, page_size: int | None) -> Mapping[str, Any] | None:
        """The suite counts calls whose address contains oauth; the ticket of the system user has its own tests."""
        account = Options()
        return {
            "tenant": account.tenant,
            "login_url": url,
            "client_id": account.client_id,
            "client_secret": account.client_secret,
            "refresh_token": account.refresh_token,
            "requests_per_second": 1000,
            **({"page_size": page_size} if page_size else {}),
        }
