"""Compare what the connector sends and reads with the vendor's API description, if the file is there."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from entrust_fakes import API, FakeEntrust, Hooks
from http_fakes import START, answer

from bridge.connectors.entrust import EntrustConnector
from bridge.connectors.entrust.columns import COLLECTIONS, GROUP, ORGANIZATION, USER, Property
from bridge.connectors.entrust.hooks import EVENTS
from bridge.connectors.protocols import HttpRequest
from bridge.domain.callback import HookSecret
from bridge.domain.catalog import Column
from bridge.domain.record import Record, RecordRef

SPEC = Path(__file__).parents[5] / "shared/specs/entrust-idaas-administration-5.46.json"
SECRET = HookSecret("bridge", "not sent")


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    if not SPEC.exists():
        pytest.skip("the vendor's API description is not here")
    described: dict[str, Any] = json.loads(SPEC.read_text())
    return described


@pytest.mark.parametrize(
    ("columns", "shown", "written"),
    [(USER, "User", "UserParms"), (GROUP, "Group", "GroupParms"), (ORGANIZATION, "Organization", "OrganizationParms")],
)
def test_every_property_is_described_with_its_type_and_choices(
    spec: dict[str, Any], columns: Mapping[str, Property], shown: str, written: str
) -> None:
    schemas = spec["components"]["schemas"]
    types = {Column.BOOLEAN: "boolean"}
    for column, each in columns.items():
        described = schemas[shown]["properties"][each.name]
        assert described["type"] == types.get(each.spec.type, "string"), column
        assert (described.get("format") == "date-time") is (each.spec.type is Column.INSTANT), column
        if each.spec.writable:
            described = schemas[written]["properties"][each.name]
            assert set(described.get("enum", each.spec.choices)) == set(each.spec.choices), column
        else:
            assert each.name not in schemas[written]["properties"], column


def test_events_and_collections_are_described(spec: dict[str, Any]) -> None:
    schemas = spec["components"]["schemas"]
    assert set(EVENTS) <= set(schemas["WebhookEvent"]["properties"]["type"]["enum"])
    assert set(COLLECTIONS) <= set(schemas["User"]["properties"])
    described = spec["paths"]["/api/web/v4/userspaged"]["post"]["description"]
    assert all(name in described for name in COLLECTIONS)


def operation(spec: dict[str, Any], request: HttpRequest) -> tuple[str, dict[str, Any]]:
    path = "/api/web/" + request.url.removeprefix(API)
    exact = [path] if path in spec["paths"] else []
    like = [each for each in spec["paths"] if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", each), path)]
    (found, *_) = exact or like
    return found, spec["paths"][found][request.method.lower()]


def check(spec: dict[str, Any], request: HttpRequest) -> str:
    """Return the operation in the description; fails when it does not accept this body."""
    path, described = operation(spec, request)
    if "requestBody" not in described:
        assert request.body is None, path
        return f"{request.method} {path}"
    ((_, content),) = described["requestBody"]["content"].items()
    schema = {**content["schema"], "components": spec["components"]}
    body = json.loads(request.body or b"null")
    jsonschema.Draft4Validator(schema).validate(body)
    name = content["schema"].get("$ref", "").rpartition("/")[2]
    known = spec["components"]["schemas"].get(name, {}).get("properties", {})
    assert set(body) <= set(known), (path, set(body) - set(known))
    return f"{request.method} {path}"


async def test_every_call_is_one_the_vendor_describes(spec: dict[str, Any]) -> None:
    vendor = FakeEntrust()
    tenant = Hooks(vendor)
    page = answer(200, {"results": [], "paging": {"limit": 1}})
    user = {"id": "u-1", "userId": "ana", "state": "ACTIVE", "userAttributeValues": [], "groups": [{"id": "g-1"}]}
    group, organization = {"id": "g-1", "name": "Staff"}, {"id": "o-1", "name": "acme", "displayName": "Acme"}
    vendor.replies |= {
        "GET v1/userattributes": answer(200, [{"id": "a-1", "name": "Tier"}]),
        "GET v1/groups": answer(200, [group]),
        "POST v1/organizationspaged": answer(200, {"results": [organization]}),
        "POST v4/userspaged": page,
        "POST v2/reports/auditeventspaged/siem": page,
        **{f"{method} v1/groups{tail}": answer(200, group) for method, tail in (("POST", ""), ("PUT", "/g-1"))},
        **{
            f"GET v{n}/{kind}": answer(200, row)
            for n, kind, row in (
                (3, "users/u-1", user),
                (1, "groups/g-1", group),
                (1, "organizations/o-1", organization),
            )
        },
        "POST v1/organizations": answer(200, organization),
        "PUT v1/organizations/o-1": answer(200),
        "POST v3/users": answer(200, user),
        "PUT v3/users/u-1": answer(200),
        "PUT v1/users/u-1/state": answer(200),
    }
    connector = EntrustConnector(vendor.construction(create_users=True, delete_users=True))
    await connector.identity()
    await connector.list("user", since=START, page=None, where={})
    samples: Mapping[str, Mapping[str, Any]] = {
        "user": {
            "user_id": "ana",
            "email": "a@x.example",
            "locale": "nb",
            "state": "ACTIVE",
            "groups": ["Staff"],
            "organization": "o-1",
            "custom": {"Tier": "Gold"},
        },
        "group": {"name": "Staff", "external_id": "crm:1"},
        "organization": {"name": "acme", "display_name": "Acme"},
    }
    for entity, fields in samples.items():
        await connector.columns(entity)
        await connector.list(entity, since=None, page=None, where={"state": "ACTIVE"})
        written = await connector.create(entity, fields)
        record = await connector.read(RecordRef("idaas1", entity, written.id))
        assert isinstance(record, Record)
        await connector.update(record, {name: item for name, item in fields.items() if name != "user_id"})
        for column in connector.manifest.entities[entity].lookup_columns:
            await connector.find(entity, column, "x")
        if entity == "user":
            await connector.archive(record)
        await connector.delete(record)
    (hook,) = connector.hooks_for(frozenset({"user"}))
    made = await connector.create_hook(hook, "https://bridge.example/hooks/x", SECRET, "acme user")
    tenant.rows[made.id]["enabled"] = False
    await connector.create_hook(hook, made.url, SECRET, "acme user")
    await connector.list_hooks()
    await connector.remove_hook(made.id)
    called = {check(spec, request) for request in vendor.requests}
    assert len(called) == 28
