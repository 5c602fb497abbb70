"""tap-pipedrive of PyPI, a Singer extractor: it reads a whole account twice, the second time from where it stopped.

A call here is one of its streams. The account is filled through the simulator's control routes, so that every stream
has content.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.acceptance.site import fetch
from tests.clients import Call
from tests.clients.expected import misses
from tests.clients.python_driver import started
from tests.real.install import installed

NAME = "PyPI tap-pipedrive (Singer)"
VERSION = "2.1.0"
TOKEN = "sandbox-token"
_home = Path()
_interpreter = Path()

RECORDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("organizations", {"name": "Acme"}),
    ("persons", {"name": "Ana Berg", "org_id": 1, "emails": [{"value": "ana@x.example"}]}),
    ("products", {"name": "Pump", "code": "P-1", "prices": [{"currency": "EUR", "price": 10}]}),
    ("deals", {"title": "Ten pumps", "value": 30, "person_id": 1, "org_id": 1}),
    ("activities", {"subject": "Ring Ana", "deal_id": 1, "due_date": "2026-12-01"}),
    ("notes", {"content": "Likes red", "deal_id": 1}),
)
LINES = {"products": [{"product_id": 1, "item_price": 10, "quantity": 3}]}
STREAMS: Mapping[str, Any] = {
    "currency": [{"code": "EUR", "decimal_points": 2}],
    "activity_types": [{"key_string": "call"}],
    "stages": [{"name": "Qualified", "pipeline_id": 1}],
    "filters": [],
    "pipelines": ({"name": "Sales"},),
    "notes": ({"content": "Likes red", "deal_id": 1},),
    "users": [{"name": "Sandbox User"}],
    "activities": ({"subject": "Ring Ana", "done": False},),
    "deals": ({"title": "Ten pumps", "products_count": 1, "activities_count": 1, "status": "open"},),
    "organizations": ({"name": "Acme"},),
    "persons": ({"name": "Ana Berg"},),
    "products": ({"name": "Pump", "code": "P-1"},),
    "dealflow": [{"field_key": "add_time", "item_id": 1}],
    "deal_products": ({"deal_id": 1, "quantity": 3, "sum": 30},),
    "deal_fields": [{"key": "title"}],
}
"""What each stream must contain."""

NOT_SERVED = ("files",)


def install(folder: Path) -> str:
    global _home, _interpreter
    _home = folder
    _interpreter = installed(folder, [f"tap-pipedrive=={VERSION}"])
    return VERSION


def run(address: str) -> list[Call]:
    _fill(address)
    config = _kept("config.json", {"api_token": TOKEN, "start_date": "2020-01-01T00:00:00Z"})
    found = started(_interpreter, "tap", address, "--config", config, "--discover")
    try:
        streams = json.loads(found.stdout)["streams"]
    except (ValueError, KeyError):
        return [Call("discover", "wrong", "a catalog", found.stderr.strip()[-300:])]
    names = sorted(stream["tap_stream_id"] for stream in streams)
    wrong = "; ".join(misses(tuple(sorted((*STREAMS, *NOT_SERVED))), names, "streams"))
    calls = [Call("discover", "wrong" if wrong else "right", "all streams", wrong)]
    for stream in streams:
        name = stream["tap_stream_id"]
        catalog = _kept(f"{name}.json", {"streams": [_selected(stream)]})
        calls.append(_read(address, name, "--config", config, "--catalog", catalog))
    return calls


def _read(address: str, name: str, *arguments: str) -> Call:
    done = started(_interpreter, "tap", address, *arguments)
    if name in NOT_SERVED:
        refused = done.returncode != 0 and "404" in done.stderr
        return Call(name, "not served" if refused else "wrong", "404", done.stderr.strip()[-200:])
    if done.returncode != 0:
        return Call(name, "wrong", "its records", done.stderr.strip()[-300:])
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    wrong = list(misses(STREAMS[name], [line["record"] for line in told if line["type"] == "RECORD"], name))
    states = [line["value"] for line in told if line["type"] == "STATE"]
    again = started(
        _interpreter, "tap", address, *arguments, "--state", _kept("state.json", states[-1] if states else {})
    )
    wrong += [] if again.returncode == 0 else [f"from its own state: {again.stderr.strip()[-300:]}"]
    return Call(name, "wrong" if wrong else "right", "its records, and to go on from its state", "; ".join(wrong))


def _fill(address: str) -> None:
    for plural, fields in RECORDS:
        answer = fetch(f"{address}/_control/records/{plural}", "POST", fields)
        assert answer.status == 201, answer
    answer = fetch(f"{address}/_control/records/deals/1", "PATCH", LINES)
    assert answer.status == 200, answer


def _selected(stream: dict[str, Any]) -> dict[str, Any]:
    metadata = [{**one, "metadata": {**one["metadata"], "selected": True}} for one in stream["metadata"]]
    return {**stream, "metadata": metadata}


def _kept(name: str, content: Any) -> str:
    file = _home / name
    file.write_text(json.dumps(content))
    return str(file)
