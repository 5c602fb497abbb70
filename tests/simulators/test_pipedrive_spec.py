"""Records as the simulator shows them, against the vendor's own API description where that is at hand."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.simulators.doubles import Api

SPEC = Path(__file__).parents[2].parent / "shared/specs/pipedrive-v2.yaml"

UNDESCRIBED = {
    "deals": {"creator_user_id", "archive_time", "local_won_date", "local_lost_date", "local_close_date"},
}
"""Keys the guides or real answers have but the description lacks."""

NOT_SIMULATED = {"persons": {"birthday", "im", "job_title", "notes", "postal_address"}}
"""Present only in accounts with contact synchronisation."""


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    if not SPEC.exists():
        pytest.skip("the vendor's API description is not here")
    with SPEC.open() as file:
        described: dict[str, Any] = YAML(typ="safe").load(file)
    return described


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
    ],
)
async def test_a_record_has_the_described_keys(
    spec: dict[str, Any], api: Api, plural: str, body: dict[str, Any]
) -> None:
    made = await api.make(f"/api/v2/{plural}", body)
    operation = spec["paths"][f"/{plural}/{{id}}"]["get"]
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
    described = set(properties(spec, properties(spec, answer)["data"]))

    assert set(made) - UNDESCRIBED.get(plural, set()) == described - NOT_SIMULATED.get(plural, set())
