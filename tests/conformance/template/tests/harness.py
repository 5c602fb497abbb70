"""Sample for the suite."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import connector_harness as harness

from bridge.simulators.sample import Options, SampleSimulator
from bridge.simulators.world import World


class SampleProduct:
    name = "sample"
    signed = False
    our_secret = False
    kinds: Mapping[str, str] = {"item": "items"}
    paths: Mapping[str, str] = {"item": "/items"}
    missing_id = "999999"
    samples: Mapping[str, harness.Sample] = {
        "item": harness.Sample(
            create={"name": "Møbler ☕ 家具", "note": "of oak", "price": Decimal("10.25")},
            edit={"note": None, "price": Decimal("11.5")},
            person={"name": "From a person {n}"},
            person_edit={"note": "Edited"},
            person_shows=("note", "Edited"),
            volatile=frozenset({"updated_at"}),
            find="name",
        ),
    }

    def simulator(self, world: World) -> SampleSimulator:
        return SampleSimulator(world, Options())

    def options(self, url: str, page_size: int | None) -> Mapping[str, Any]:
        size = {"page_size": page_size} if page_size else {}
        return {"base_url": url, "api_token": Options().api_token, "requests_per_second": 1000, **size}

    def wrong(self, url: str) -> Mapping[str, Any]:
        return {**self.options(url, None), "api_token": "wr0ng-s3cret"}

    def expiring(self, url: str, page_size: int | None) -> Mapping[str, Any] | None:
        return None
