"""Compare every request of the SuperOffice connector with the vendor's description, if the file is there.

The description has no PATCH (the vendor's pages have it): a patch is compared with the entity into which its paths
lead.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import jsonschema
import pytest
from connector_harness import SYSTEM, Bench
from superoffice_connector import SuperOffice

from bridge.connectors.protocols import Connector, HttpRequest
from bridge.domain.callback import HookSecret
from bridge.domain.record import Record, RecordRef
from bridge.simulators.superoffice import Options

SPEC = Path(__file__).parents[4] / "shared/specs/superoffice.rest-v1.swagger.json"
ROOT = "/api/v1/"
NULLABLE = "definitions, nullable"
Spec = Mapping[str, Any]


@pytest.fixture(scope="module")
def spec() -> Spec:
    if not SPEC.exists():
        pytest.skip("the vendor's API description is not here")
    found: dict[str, Any] = json.loads(SPEC.read_text())
    return {**found, NULLABLE: nullable(found["definitions"])}


@pytest.fixture
async def account() -> AsyncIterator[Bench]:
    bench = Bench(SuperOffice())
    await bench.start()
    yield bench
    await bench.stop()


@cache
def pattern(described: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{[^}]+\}", "[^/]+", described), re.IGNORECASE)


def template(spec: Spec, path: str, method: str) -> str | None:
    """Return the described path with the most fixed parts. The vendor ignores case and uses several names."""
    fits = [each for each in spec["paths"] if pattern(each).fullmatch(path)]
    return min(fits, key=lambda each: (method not in spec["paths"][each], each.count("{")), default=None)


def nullable(schema: Any) -> Any:
    """Allow null everywhere: the description never says what may be null, and its own samples contain many nulls."""
    if isinstance(schema, list):
        return [nullable(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {name: nullable(each) for name, each in schema.items()}
    if isinstance(changed.get("type"), str):
        changed["type"] = [changed["type"], "null"]
    if isinstance(changed.get("enum"), list):
        changed["enum"] = [*changed["enum"], None]
    return changed


def faults(spec: Spec, schema: Mapping[str, Any], body: Any) -> list[str]:
    whole = {**nullable(schema), "definitions": spec[NULLABLE]}
    found = [error.message for error in jsonschema.Draft4Validator(whole).iter_errors(body)]
    name = schema.get("$ref", "").rpartition("/")[2]
    known = spec["definitions"].get(name, {}).get("properties")
    odd = set(body) - set(known) - {"_Links"} if known and isinstance(body, dict) else set()
    return found + [f"{each} is no property of {name}" for each in sorted(odd)]


def check(spec: Spec, request: HttpRequest) -> tuple[str, list[str]]:
    """Return the operation, and what is wrong with the request by its description."""
    path = ROOT + unquote(urlsplit(request.url).path).partition(ROOT)[2]
    method = request.method.lower()
    found = template(spec, path, "put" if method == "patch" else method)
    if found is None:
        return path, [f"{path} is not described"]
    name, described = f"{request.method} {found}", spec["paths"][found]
    if method == "patch":
        return name, patch_faults(spec, described, json.loads(request.body or b"[]"))
    if method not in described:
        return name, [f"{name} is not described"]
    parameters = described[method].get("parameters", [])
    queries = {each["name"].lower() for each in parameters if each["in"] == "query"}
    wrong = [f"{name}: query {key}" for key, _ in request.query if key.lower() not in queries]
    schemas = [each["schema"] for each in parameters if each["in"] == "body"]
    if bool(schemas) != (request.body is not None):
        wrong.append(f"{name}: a body {'is missing' if schemas else 'is not described'}")
    elif schemas:
        wrong += [f"{name}: {fault}" for fault in faults(spec, schemas[0], json.loads(request.body or b"null"))]
    return name, wrong


def patch_faults(spec: Spec, described: Mapping[str, Any], body: Any) -> list[str]:
    """Check RFC 6902 operations, or a merge object, on the entity's properties with values of their types."""
    (schema,) = [each["schema"] for each in described["put"]["parameters"] if each["in"] == "body"]
    if isinstance(body, dict):
        return faults(spec, schema, body)
    wrong = [str(one) for one in body if one["op"] not in ("add", "replace", "remove", "test")]
    for one in body:
        first, *rest = one["path"].strip("/").split("/")
        wrong += faults(spec, schema, {first: {rest[0]: one["value"]} if rest else one["value"]})
    return wrong


async def story(bench: Bench, connector: Connector, entity: str) -> None:
    """Use every capability on one entity."""
    sample = bench.product.samples[entity]
    await connector.columns(entity)
    written = await connector.create(entity, sample.create)
    record = await connector.read(RecordRef(SYSTEM, entity, written.id))
    assert isinstance(record, Record)
    await connector.update(record, sample.edit)
    since = bench.clock.now() - timedelta(hours=1)
    for moment in (None, since):
        page = await connector.list(entity, since=moment, page=None, where={})
        if page.next is not None:
            await connector.list(entity, since=moment, page=page.next, where={})
    await connector.newest(entity, after=since)
    if sample.find is not None:
        value = sample.create[sample.find]
        await connector.find(entity, sample.find, value[0]["value"] if isinstance(value, list) else value)
    fresh = await connector.read(RecordRef(SYSTEM, entity, written.id))
    assert isinstance(fresh, Record)
    await connector.delete(fresh)
    await connector.read(RecordRef(SYSTEM, entity, written.id))


async def hook_story(bench: Bench, connector: Connector) -> None:
    for spec in connector.hooks_for(frozenset(bench.product.samples)):
        url = f"https://bridge.example/hooks/crm1/{spec.key}"
        await connector.create_hook(spec, url, HookSecret("bridge", "one"), "bridge")
        seen = await connector.create_hook(spec, url, HookSecret("bridge", "another"), "bridge")
        bench.simulator.set_hook_state(seen.id, "Stopped")  # type: ignore[attr-defined]
        await connector.list_hooks()
        await connector.remove_hook(seen.id)


async def test_every_request_is_one_the_vendor_describes(
    account: Bench, spec: Spec, capsys: pytest.CaptureFixture[str]
) -> None:
    connector = account.connect()
    await connector.identity()
    for entity in account.product.samples:
        await story(account, connector, entity)
    await hook_story(account, connector)

    made = [request for request in account.transport.requests if ROOT in request.url]
    seen, wrong = Counter[str](), list[str]()
    for request in made:
        name, found = check(spec, request)
        seen[name] += 1
        wrong += found
    with capsys.disabled():
        patches = sum(count for name, count in seen.items() if name.startswith("PATCH"))
        counts = f"{len(made)} requests over {len(seen)} operations checked, {patches} of them patches"
        sys.stdout.write(f"\nSuperOffice: {counts}\n")
    assert sorted(set(wrong)) == []
    assert len(seen) > 30


async def test_a_wrong_request_is_found(account: Bench, spec: Spec) -> None:
    def sent(method: str, path: str, body: Any = None, **query: str) -> list[str]:
        text = None if body is None else json.dumps(body).encode()
        url = f"{account.url}/{Options().tenant}{ROOT}{path}"
        return check(spec, HttpRequest(method, url, query=tuple(query.items()), body=text))[1]

    assert sent("POST", "Contact", {"Name": "x", "Category": {"Id": 1}}) == []
    for wrong in (
        sent("POST", "Contact", {"Name": 7}),
        sent("POST", "Contact", {"Nmae": "x"}),
        sent("POST", "Contact"),
        sent("GET", "Contact", None, filter="x"),
        sent("GET", "Nowhere"),
        sent("PATCH", "Contact/1", [{"op": "replace", "path": "/Nmae", "value": "x"}]),
        sent("PATCH", "Contact/1", [{"op": "move", "path": "/Name", "value": "x"}]),
    ):
        assert len(wrong) == 1
