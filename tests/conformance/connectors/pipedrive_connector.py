"""Pipedrive for the suite."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from connector_harness import Sample

from bridge.simulators.pipedrive import Options, PipedriveSimulator
from bridge.simulators.world import World

WORK = {"label": "work", "primary": True}


class Pipedrive:
    name = "pipedrive"
    signed = True
    our_secret = True
    kinds: Mapping[str, str] = {
        "deal": "deals",
        "person": "persons",
        "organization": "organizations",
        "product": "products",
        "activity": "activities",
        "lead": "leads",
        "note": "notes",
    }
    paths: Mapping[str, str] = {entity: f"/api/v[12]/{plural}(/|$)" for entity, plural in kinds.items()}
    missing_id = "999999"
    samples: Mapping[str, Sample] = {
        "deal": Sample(
            create={
                "title": "Møbler ☕ 家具",
                "value": Decimal("1234.50"),
                "currency": "NOK",
                "stage": "Proposal Made",
                "expected_close_date": date(2026, 4, 1),
                "person_id": None,
                "custom": {"Segment": "Medium", "Deskera ID": "d-1"},
            },
            edit={"stage": "Negotiations Started", "custom": {"Segment": "Large"}},
            person={"title": "From a person"},
            person_edit={"value": 77.5},
            person_shows=("value", Decimal("77.5")),
            volatile=frozenset({"update_time", "stage_change_time"}),
            find="title",
        ),
        "person": Sample(
            create={
                "name": "Ana Lúnd",
                "emails": [{"value": "ana@x.example", **WORK}],
                "phones": [{"value": "+47 22 33 44 55", **WORK}],
                "custom": {"Deskera ID": "c-1"},
            },
            edit={"phones": []},
            person={"name": "From a person"},
            person_edit={"emails": [{"value": "new@x.example", **WORK}]},
            person_shows=("emails", [{"value": "new@x.example", **WORK}]),
            volatile=frozenset({"update_time"}),
            find="emails",
        ),
        "organization": Sample(
            create={"name": "Åsgård AS", "website": "https://asgard.example", "employee_count": 12},
            edit={"address": {"value": "Storgata 1, Oslo"}},
            person={"name": "From a person"},
            person_edit={"website": "https://x.example"},
            person_shows=("website", "https://x.example"),
            volatile=frozenset({"update_time"}),
            find="name",
        ),
        "product": Sample(
            create={
                "name": "Desk",
                "code": "D-1",
                "tax": Decimal("25"),
                "prices": {"EUR": {"price": Decimal("10.25")}},
                "is_linkable": False,
            },
            edit={"description": "of oak", "code": None},
            person={"name": "From a person"},
            person_edit={"unit": "piece"},
            person_shows=("unit", "piece"),
            volatile=frozenset({"update_time"}),
            find="code",
        ),
        "activity": Sample(
            create={
                "subject": "Ring Ana ☎",
                "type": "call",
                "person_id": "12",
                "due_date": date(2026, 4, 1),
                "due_time": "09:30",
                "note": "<b>soon</b>",
            },
            edit={"done": True, "person_id": None},
            person={"subject": "From a person"},
            person_edit={"public_description": "changed"},
            person_shows=("public_description", "changed"),
            volatile=frozenset({"update_time", "marked_as_done_time"}),
        ),
        "lead": Sample(
            create={
                "title": "Møbler ☕ 家具",
                "organization_id": "5",
                "value": {"amount": Decimal("99.90"), "currency": "NOK"},
                "labels": ["Hot"],
                "expected_close_date": date(2026, 4, 1),
                "visible_to": 3,
                "custom": {"Segment": "Medium", "Deskera ID": "l-1"},
            },
            edit={"labels": ["Cold", "Warm"], "custom": {"Segment": None}},
            person={"title": "From a person", "person_id": 1},
            person_edit={"was_seen": True},
            person_shows=("was_seen", True),
            volatile=frozenset({"update_time"}),
        ),
        "note": Sample(
            create={"content": "<p>Møtte Ana</p>", "deal_id": "7", "pinned_to_deal_flag": True},
            edit={"content": "<p>Møtte henne igjen</p>", "pinned_to_deal_flag": False},
            person={"content": "From a person", "org_id": 3},
            person_edit={"content": "changed"},
            person_shows=("content", "changed"),
            volatile=frozenset({"update_time"}),
        ),
    }

    def simulator(self, world: World) -> PipedriveSimulator:
        return PipedriveSimulator(world, Options(token_seconds=3600))

    def options(self, url: str, page_size: int | None) -> Mapping[str, Any]:
        return {"base_url": url, "api_token": Options().api_token, **({"page_size": page_size} if page_size else {})}

    def wrong(self, url: str) -> Mapping[str, Any]:
        return {"base_url": url, "api_token": "wr0ng-s3cret"}

    def expiring(self, url: str, page_size: int | None) -> Mapping[str, Any] | None:
        account = Options()
        return {
            "base_url": url,
            "token_url": f"{url}/oauth/token",
            "client_id": account.client_id,
            "client_secret": account.client_secret,
            "refresh_token": account.refresh_token,
            **({"page_size": page_size} if page_size else {}),
        }
