"""Compare the simulator's records with the vendor's API description, if the file is there."""

from typing import Any

import pytest

from tests.simulators.doubles import Api
from tests.vendor_descriptions import description

UNDESCRIBED = {
    "deals": {"creator_user_id", "archive_time", "local_won_date", "local_lost_date", "local_close_date"},
}
"""Keys that the guides or real answers have and the description lacks."""

NOT_SIMULATED = {"persons": {"birthday", "im", "job_title", "notes", "postal_address"}}
"""Keys that exist only in accounts with contact synchronisation."""


@pytest.fixture(scope="module")
def spec() -> Any:
    return description("pipedrive-v2.yaml")


@pytest.fixture(scope="module")
def spec_v1() -> Any:
    return description("pipedrive-v1.yaml")


def properties(spec: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in schema.get("allOf", []):
        found |= properties(spec, part)
    if "$ref" in schema:
        target: Any = spec
        for step in schema["$ref"].split("/")[1:]:
            target = target[step]
        found |= properties(spec, target)
    found |= schema.get("properties", {})
    return found


@pytest.mark.parametrize(
    ("plural", "body"),
    [
        ("deals", {"title": "x"}),
        ("persons", {"name": "x"}),
        ("organizations", {"name": "x"}),
        ("products", {"name": "x"}),
        ("pipelines", {"name": "x"}),
        ("stages", {"name": "x", "pipeline_id": 1}),
        ("activities", {"subject": "x"}),
    ],
)
async def test_a_record_has_the_described_keys(
    spec: dict[str, Any], api: Api, plural: str, body: dict[str, Any]
) -> None:
    made = await api.make(f"/api/v2/{plural}", body)
    operation = spec["paths"][f"/{plural}/{{id}}"]["get"]
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
    known = set(properties(spec, properties(spec, answer)["data"]))

    assert set(made) - UNDESCRIBED.get(plural, set()) == known - NOT_SIMULATED.get(plural, set())


OWN_KEYS_V1 = {"notes": {"pinned_to_lead_flag"}, "users": {"is_admin", "company_id", "company_name", "company_domain"}}
"""Keys of real answers or of the account that the description of this operation lacks."""


@pytest.mark.parametrize(
    ("plural", "body"),
    [("leads", {"title": "x", "person_id": 1}), ("notes", {"content": "x", "deal_id": 1}), ("users", None)],
)
async def test_a_record_of_version_1_has_the_described_keys(
    spec_v1: dict[str, Any], api: Api, plural: str, body: dict[str, Any] | None
) -> None:
    if body is None:
        _status, answer = await api.call("GET", f"/v1/{plural}")
        (made, *_) = answer["data"]
    else:
        made = await api.make(f"/v1/{plural}", body)
    operation = spec_v1["paths"][f"/{plural}"]["get"]
    listed = operation["responses"]["200"]["content"]["application/json"]["schema"]
    known = set(properties(spec_v1, properties(spec_v1, listed)["data"]["items"]))

    assert set(made) - OWN_KEYS_V1.get(plural, set()) == known
