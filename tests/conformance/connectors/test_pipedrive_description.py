"""Compare the connector's requests and the simulator's answers with the vendor's descriptions, if the files are there.

The comparison is lenient where the vendor's descriptions are known to be wrong: null is accepted for any value (real
answers hold nulls that the descriptions do not allow), and so is everything that DESCRIBED_WRONGLY names.
"""

import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import jsonschema
import pytest
from connector_harness import START, SYSTEM, Bench
from pipedrive_connector import Pipedrive

from bridge.connectors.json_text import read_json
from bridge.connectors.pipedrive.budget import tokens
from bridge.connectors.protocols import HttpRequest, HttpResponse, Transport
from bridge.domain.callback import HookSecret
from bridge.domain.record import Record, RecordRef
from tests.vendor_descriptions import description

PREFIXES = {"/api/v2": "v2", "/api/v1": "v1"}
OWN = re.compile(r"[0-9a-f]{40}")
DESCRIBED_WRONGLY = ("data.items.0.item.value: ",)
"""The value of a deal in a search result has decimals, as in the deal; the search's description says integer."""


@dataclass
class Exchange:
    request: HttpRequest
    response: HttpResponse


@dataclass
class Recorder:
    inner: Transport
    seen: list[Exchange] = field(default_factory=list)

    async def send(self, request: HttpRequest) -> HttpResponse:
        response = await self.inner.send(request)
        self.seen.append(Exchange(request, response))
        return response


@pytest.fixture(scope="module")
def specs() -> Mapping[str, Any]:
    return {version: description(f"pipedrive-{version}.yaml") for version in ("v1", "v2")}


@pytest.fixture
async def account() -> AsyncIterator[Bench]:
    bench = Bench(Pipedrive())
    await bench.start()
    yield bench
    await bench.stop()


async def everything(bench: Bench) -> list[Exchange]:
    """Make every call that the connector has, at least once."""
    recorder = Recorder(bench.transport.inner)
    bench.transport.inner = recorder
    connector = bench.connect(page_size=2)
    await connector.identity()
    secret = HookSecret("bridge", "s3cret")
    for spec in connector.hooks_for(frozenset(bench.product.samples)):
        hook = await connector.create_hook(spec, f"https://bridge.example/{spec.key}", secret, "bridge")
        await connector.remove_hook(hook.id)
    for entity, sample in bench.product.samples.items():
        bench.pass_seconds(3)
        written = await connector.create(entity, sample.create)
        record = await connector.read(RecordRef(SYSTEM, entity, written.id))
        assert isinstance(record, Record)
        await connector.update(record, sample.edit)
        for since in (None, START):
            page = None
            while True:
                got = await connector.list(entity, since=since, page=page, where={})
                page = got.next
                if page is None:
                    break
        await connector.newest(entity, after=START)
        if sample.find is not None:
            value = sample.create[sample.find]
            await connector.find(entity, sample.find, value[0]["value"] if isinstance(value, list) else value)
        if connector.manifest.entities[entity].archives:
            await connector.archive(record)
            await connector.update(record, {"is_archived": False})
        await connector.delete(record)
    await connector.list("user", since=None, page=None, where={})
    await connector.read(RecordRef(SYSTEM, "user", "1001"))
    return recorder.seen


def operation(specs: Mapping[str, Any], request: HttpRequest, base: str) -> tuple[str, Any, Any]:
    path = request.url.removeprefix(base)
    version = PREFIXES[path[:7]]
    spec, parts = specs[version], path[7:].split("/")
    fitting = []
    for template, methods in spec["paths"].items():
        names = template.split("/")
        fits = len(names) == len(parts) and all(n == p or n.startswith("{") for n, p in zip(names, parts, strict=True))
        if fits and request.method.lower() in methods:
            fitting.append((template.count("{"), template))
    assert fitting, f"{request.method} {path} is not described"
    template = min(fitting)[1]
    return f"{request.method} {version} {template}", spec["paths"][template][request.method.lower()], spec


def plain(schema: Any, spec: Any, depth: int = 0) -> Any:
    """Return the schema without references; null is allowed everywhere."""
    if depth > 12 or not isinstance(schema, dict):
        return {}
    if "$ref" in schema:
        target = spec
        for step in schema["$ref"].split("/")[1:]:
            target = target[step]
        return plain(target, spec, depth + 1)
    made = single(schema)
    if "properties" in schema:
        made["properties"] = {name: plain(each, spec, depth + 1) for name, each in schema["properties"].items()}
    if "items" in schema:
        made["items"] = plain(schema["items"], spec, depth + 1)
    for word, kept in (("allOf", "allOf"), ("anyOf", "anyOf"), ("oneOf", "anyOf")):
        if word in schema:
            made[kept] = [plain(each, spec, depth + 1) for each in schema[word]]
    return made


def single(schema: Any) -> dict[str, Any]:
    """Return what a schema says about the value itself, not about its parts."""
    made: dict[str, Any] = {}
    if isinstance(schema.get("type"), str):
        made["type"] = [schema["type"], "null"]
    if "enum" in schema:
        made["enum"] = [*schema["enum"], None]
    if isinstance(schema.get("required"), list):
        made["required"] = schema["required"]
    return made


def names(schema: Any) -> set[str]:
    found = set(schema.get("properties", {}))
    for word in ("allOf", "anyOf"):
        for part in schema.get(word, []):
            found |= names(part)
    return found


def faults(value: Any, schema: Any) -> list[str]:
    checker = jsonschema.Draft202012Validator(schema)
    return [f"{'.'.join(map(str, error.path))}: {error.message[:160]}" for error in checker.iter_errors(value)]


def floats(value: Any) -> Any:
    """Return decimals as numbers that jsonschema accepts."""
    if isinstance(value, dict):
        return {name: floats(item) for name, item in value.items()}
    if isinstance(value, list):
        return [floats(item) for item in value]
    return value if isinstance(value, str | int | None) else float(value)


def sent_wrong(exchange: Exchange, described: Any, spec: Any) -> list[str]:
    request = exchange.request
    known = {each.get("name") for each in (plain_parameter(each, spec) for each in described.get("parameters", []))}
    wrong = [f"query {name}" for name, _ in request.query if name not in known]
    if request.body is None:
        return wrong
    body = floats(read_json(request.body))
    schema = plain(next(iter(described["requestBody"]["content"].values()))["schema"], spec)
    undescribed = {name for name in set(body) - names(schema) if not OWN.match(name)}
    return wrong + [f"key {name}" for name in sorted(undescribed)] + faults(body, schema)


def plain_parameter(each: Any, spec: Any) -> Any:
    if "$ref" not in each:
        return each
    target = spec
    for step in each["$ref"].split("/")[1:]:
        target = target[step]
    return target


def answered_wrong(exchange: Exchange, described: Any, spec: Any) -> list[str]:
    answers = described["responses"]
    status = str(exchange.response.status)
    if status not in answers:
        return [f"status {status} is not described"]
    if "content" not in answers[status]:
        return []
    schema = plain(next(iter(answers[status]["content"].values()))["schema"], spec)
    found = faults(floats(read_json(exchange.response.body)), schema)
    return [fault for fault in found if not fault.startswith(DESCRIBED_WRONGLY)]


async def test_requests_and_answers_are_as_described(
    account: Bench, specs: Mapping[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    wrong: dict[str, set[str]] = {}
    counted: Counter[str] = Counter()
    for exchange in await everything(account):
        name, described, spec = operation(specs, exchange.request, account.url)
        counted[name] += 1
        problems = [f"sent: {fault}" for fault in sent_wrong(exchange, described, spec)]
        problems += [f"answered: {fault}" for fault in answered_wrong(exchange, described, spec)]
        if problems:
            wrong.setdefault(name, set()).update(problems)
    with capsys.disabled():
        print(f"\npipedrive: {counted.total()} requests and answers over {len(counted)} operations")  # noqa: T201 - the count is wanted
    assert len(counted) > 45
    assert wrong == {}


def test_calls_have_the_costs_of_the_descriptions(specs: Mapping[str, Any]) -> None:
    """Every path of the entities that the connector uses is checked."""
    used = re.compile(
        r"/(deals|persons|organizations|products|activities|leads|notes|users|webhooks)(/archived|/\{id\})?$"
    )
    compared = 0
    for version, spec in specs.items():
        for path, methods in spec["paths"].items():
            for method, described in methods.items():
                if used.match(path) and "x-token-cost" in described:
                    template = f"api/{version}{path.replace('{id}', ':id')}"
                    assert tokens(method.upper(), template) == described["x-token-cost"], (method, template)
                    compared += 1
    assert compared > 40
