"""Compare the connector's names with the vendor's API description, if the file is there."""

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.connectors.superoffice.columns import RESOURCES
from bridge.domain.catalog import Column

SPEC = Path(__file__).parents[5] / "shared/specs/superoffice.rest-v1.swagger.json"
SERVICES = "SuperOffice.CRM.Services."


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    if not SPEC.exists():
        pytest.skip("the vendor's API description is not here")
    described: dict[str, Any] = json.loads(SPEC.read_text())
    return described


def properties(spec: dict[str, Any], entity: str) -> dict[str, Any]:
    path = RESOURCES[entity].path
    names = (f"{SERVICES}{path}Entity", f"{SERVICES}{path}")
    found: dict[str, Any] = next(spec["definitions"][name] for name in names if name in spec["definitions"])
    return found["properties"]


@pytest.mark.parametrize("entity", RESOURCES)
def test_every_property_with_its_parts_and_choices_is_described(spec: dict[str, Any], entity: str) -> None:
    described = properties(spec, entity)
    assert RESOURCES[entity].key in described
    for column, each in RESOURCES[entity].properties.items():
        assert each.name in described, column
        if each.part and each.spec.type is not Column.OBJECT:
            target = described[each.name]["$ref"].rpartition("/")[2]
            assert each.part in spec["definitions"][target]["properties"], column
        assert set(each.spec.choices) == set(described[each.name].get("enum", each.spec.choices)), column


@pytest.mark.parametrize("entity", RESOURCES)
def test_every_path_is_described(spec: dict[str, Any], entity: str) -> None:
    resource = RESOURCES[entity]
    paths = [resource.path, f"{resource.path}/default"]
    paths += [f"List/{each.items}/Items" for each in resource.properties.values() if each.items]
    paths += [f"{resource.path}/UdefLayout/Published"] if resource.custom else []
    assert [path for path in paths if f"/api/v1/{path}" not in spec["paths"]] == []
