"""Entrust Identity as a Service for the suite."""

from collections.abc import Mapping
from typing import Any

from connector_harness import Sample

from bridge.simulators.entrust import EntrustSimulator, Options
from bridge.simulators.world import World

MOVES = frozenset({"last_modified"})


class Entrust:
    name = "entrust"
    signed = True
    our_secret = False
    kinds: Mapping[str, str] = {"user": "users", "group": "groups", "organization": "organizations"}
    paths: Mapping[str, str] = {
        "user": "/v3/users(/[0-9a-f-]+)?$",
        "group": "/v1/groups(/[0-9a-f-]+)?$",
        "organization": "/v1/organizations(/[0-9a-f-]+)?$",
    }
    missing_id = "00000000-0000-4000-8000-000000000000"
    samples: Mapping[str, Sample] = {
        "user": Sample(
            create={
                "user_id": "ana@x.example",
                "first_name": "Ana",
                "last_name": "Lúnd ☕ 家",
                "email": "ana@x.example",
                "external_id": "crm1:7",
                "locale": "nb",
                "phone": "+4722334455",
                "custom": {"Department": "Sales ☕"},
            },
            edit={
                "last_name": "Berg",
                "mobile": "+4799887766",
                "phone": None,
                "state": "INACTIVE",
                "custom": {"Cost centre": "4711", "Department": None},
            },
            person={"userId": "person-{n}", "lastName": "From a person"},
            person_edit={"firstName": "Edited"},
            person_shows=("first_name", "Edited"),
            volatile=MOVES,
            find="user_id",
        ),
        "group": Sample(
            create={"name": "Møbler ☕ 家具", "external_id": "crm1:list-7"},
            edit={"attribute": "x"},
            person={"name": "Group {n}"},
            person_edit={"attribute": "from a person"},
            person_shows=("attribute", "from a person"),
            volatile=MOVES,
            find="name",
        ),
        "organization": Sample(
            create={"name": "møbler", "display_name": "Møbler ☕ 家具"},
            edit={"description": "of oak"},
            person={"name": "organization-{n}", "displayName": "From a person"},
            person_edit={"description": "from a person"},
            person_shows=("description", "from a person"),
            find="name",
        ),
    }

    def simulator(self, world: World) -> EntrustSimulator:
        """Start without the group that every tenant has, because the suite begins with an empty account."""
        simulator = EntrustSimulator(world, Options())
        groups = simulator.state.tables["groups"]
        for group_id, _ in groups.rows():
            groups.remove(group_id)
        return simulator

    def options(self, url: str, page_size: int | None) -> Mapping[str, Any]:
        account = Options()
        return {
            "base_url": url,
            "application_id": account.application_id,
            "shared_secret": account.shared_secret,
            "create_users": True,
            "delete_users": True,
            "requests_per_second": 1000,
            **({"page_size": page_size} if page_size else {}),
        }

    def wrong(self, url: str) -> Mapping[str, Any]:
        return {**self.options(url, None), "shared_secret": "wr0ng-s3cret"}

    def expiring(self, url: str, page_size: int | None) -> Mapping[str, Any] | None:
        return self.options(url, page_size)
