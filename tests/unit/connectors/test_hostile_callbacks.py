"""Hostile values at every key that a decoder reads give events, hints or a refusal, never another error."""

import json
from base64 import b64encode
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest
from http_fakes import START
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.connectors.bottlecrm import callbacks as bottlecrm
from bridge.connectors.deskera import callbacks as deskera
from bridge.connectors.entrust import callbacks as entrust
from bridge.connectors.entrust.signature import RFC9421, SHA2, Registered, scheme_of, verify
from bridge.connectors.pipedrive import callbacks as pipedrive
from bridge.connectors.superoffice import callbacks as superoffice
from bridge.domain.callback import Callback, HookSecret
from bridge.domain.errors import BadCallback
from bridge.domain.event import Event, EventKind
from bridge.domain.record import why_unstorable

Decode = Callable[[Callback], Sequence[Event]]

GOOD_IDS: list[Any] = [7, "7", "1" * 18, "b2c3d4e5-0000-4000-8000-000000000003"]
HOSTILE: list[Any] = [
    10**18,
    10**4000,
    -(10**4000),
    "9" * 5000,
    "9" * 201,
    "٣" * 5,
    "7\x00",
    "\x00" * 300,
    "7\ud800",
    "\udfff",
    "deal\ud800",
    "",
    " ",
    "x" * 100_000,
    "9999-12-31T23:59:59.999999-23:59",
    "0001-01-01T00:00:00+23:59",
    "2026-02-30T10:00:00Z",
    "2026-01-05T09:00:00+99:99",
    1e308,
    -1e-308,
    10**30,
    -1,
    0,
    True,
    False,
    None,
    [],
    {},
    [[[[[[[[[[7]]]]]]]]]],
    [{"id": "7\ud800"}] * 3,
    {"id": {"id": {"id": {"id": 7}}}},
    list(range(2000)),
    ["7"] * 2000,
]
RAW = ["NaN", "Infinity", "-Infinity", "1e999999999", "1E+400", "-0", "0.1" + "0" * 500, "1" * 5000, "1" * 4299]
"""Values that JSON text can hold, or nearly, and that Python's writer does not write."""

KEYS = {
    "bottlecrm": (bottlecrm.decode, ["id", "event", "created_at", "org_id", "data", "updated_at", "account_id"]),
    "deskera": (deskera.decode, ["eventType", "event", "id", "_id", "data", "payload", "contact", "deal", "ids"]),
    "entrust": (entrust.decode, ["id", "type", "eventTime", "data", "entityType", "entityId", "subject", "test"]),
    "pipedrive": (
        pipedrive.decode,
        [
            *("meta", "data", "current", "previous", "entity", "entity_id", "action", "id", "timestamp", "object"),
            *("merged_to_id", "merged_from_id", "update_time", "add_time", "version"),
        ],
    ),
    "superoffice": (superoffice.decode, ["Event", "PrimaryKey", "EventId", "Timestamp", "Changes", "Entity"]),
}
GOOD: dict[str, list[dict[str, Any]]] = {
    "bottlecrm": [
        {
            "id": GOOD_IDS[3],
            "event": "contact.updated",
            "created_at": "2026-01-05T09:00:00.123456Z",
            "org_id": GOOD_IDS[3],
            "data": {"id": GOOD_IDS[3], "email": "ana@x.example", "updated_at": "2026-01-05T09:00:00.1Z"},
        },
        {"event": "deal.won", "data": {"id": GOOD_IDS[3], "stage": "CLOSED_WON"}},
    ],
    "deskera": [
        {"eventType": "UPDATE_CRM_DEAL", "data": {"id": 7, "deal": {"id": 8}}},
        {"event": "CREATE_CRM_CONTACT", "ids": [7, 8], "payload": {"contact": {"_id": "7"}}},
    ],
    "entrust": [
        {
            "id": GOOD_IDS[3],
            "type": "user.updated",
            "eventTime": "2026-01-05T09:00:00Z",
            "data": {"entityType": "USERS", "entityId": GOOD_IDS[3], "subject": GOOD_IDS[3], "test": False},
        },
        {"type": "user.registration.completed", "data": {"subjectType": "USER", "subject": GOOD_IDS[3]}},
    ],
    "pipedrive": [
        {
            "meta": {
                "action": "change",
                "entity": "deal",
                "entity_id": "7",
                "id": "e",
                "timestamp": "2026-01-05T09:00Z",
            }
            | {"merged_to_id": 8, "merged_from_id": 9},
            "data": {"id": 7, "update_time": "2026-01-05T09:00:00Z", "add_time": "2026-01-05T09:00:00Z"},
        },
        {
            "meta": {"action": "merged", "object": "person", "id": 7, "timestamp": 1772359200},
            "current": {"id": 7, "update_time": "2026-01-05 09:00:00"},
            "previous": [{"id": 8}],
        },
    ],
    "superoffice": [
        {"Event": "contact.changed", "PrimaryKey": 42, "EventId": GOOD_IDS[3], "Timestamp": "2026-03-01T09:15:27Z"},
        {"Event": "sale.softdeleted", "PrimaryKey": "42", "Entity": "sale"},
    ],
}
HOOKS = ["any.deal", "any", "deal", "contact", "user", "UPDATE_CRM_DEAL", "UPDATE_INVOICE", "", "x" * 300, "\ud800"]


def callback(body: bytes, hook: str = "any.deal", headers: dict[str, str] | None = None) -> Callback:
    return Callback("crm1", hook, "POST", "https://bridge.example/x", headers or {}, body, START)


def decoded(decode: Decode, body: bytes, hook: str = "any.deal") -> Sequence[Event]:
    """Decode a callback and return the events; check the promise of every decoder: it never raises."""
    events = decode(callback(body, hook))
    for event in events:
        assert event.system == "crm1"
        assert isinstance(event.kind, EventKind)
        for text in (event.entity, event.id, event.vendor_id, event.merged_into):
            assert text is None or (isinstance(text, str) and text != "" and not why_unstorable(text))
        for moment in (event.source_at, event.version):
            assert moment is None or moment.timestamp() < 1e12
    return events


def replaced(value: Any, key: str, with_this: Any) -> Any:
    """Return the same body with `key` replaced wherever it occurs, at every depth."""
    if isinstance(value, dict):
        return {name: with_this if name == key else replaced(inner, key, with_this) for name, inner in value.items()}
    return [replaced(inner, key, with_this) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("system", KEYS)
def test_the_unchanged_bodies_name_records(system: str) -> None:
    for good in GOOD[system]:
        assert [event.id for event in decoded(KEYS[system][0], json.dumps(good).encode()) if event.id]


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("system", KEYS)
def test_hostile_values_at_every_key(system: str, hook: str) -> None:
    decode, keys = KEYS[system]
    for good in GOOD[system]:
        for key in keys:
            for value in [*GOOD_IDS, *HOSTILE]:
                for body in ({**good, key: value}, replaced(good, key, value)):
                    decoded(decode, json.dumps(body).encode(), hook)
            for raw in RAW:
                text = json.dumps(replaced(good, key, "@@@")).replace('"@@@"', raw)
                decoded(decode, text.encode(), hook)


@pytest.mark.parametrize("system", KEYS)
def test_bodies_that_are_nearly_json(system: str) -> None:
    decode, keys = KEYS[system]
    deep = [b"[" * 100_000, b'{"data":' * 50_000, b"[" * 900 + b"]" * 900, b'{"meta":' * 900 + b"1" + b"}" * 900]
    twice = [f'{{"{key}": 7, "{key}": "\\ud800", "{key}": [{{}}]}}'.encode() for key in keys]
    odd = [
        b"",
        b"null",
        b"7",
        b'"text"',
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
        b"{}" * 2,
        b'{"a":"\\ud800"}',
        b"\x00",
    ]
    forms = [urlencode({key: "7\x00", "data": "{" * 300}).encode() for key in keys]
    inner = [json.dumps(json.dumps(good)).encode() for good in GOOD[system]]
    deep_inner = [json.dumps("[" * 100_000).encode(), urlencode({"data": "[" * 100_000}).encode()]
    for body in (*deep, *twice, *odd, *forms, *inner, *deep_inner):
        decoded(decode, body)


NESTED = st.recursive(
    st.sampled_from([*GOOD_IDS, *HOSTILE]) | st.integers() | st.text(max_size=300) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("system", KEYS)
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_any_nesting_of_hostile_values(system: str, data: st.DataObject) -> None:
    decode, keys = KEYS[system]
    body = data.draw(st.sampled_from(GOOD[system]))
    for key in data.draw(st.lists(st.sampled_from(keys), max_size=4)):
        body = replaced({key: None, **body}, key, data.draw(NESTED))
    decoded(decode, json.dumps(body).encode(), data.draw(st.sampled_from(HOOKS)))


def test_one_odd_record_does_not_hide_the_others_of_its_callback() -> None:
    """Deskera's callbacks may name several records. Records whose id is valid are accepted."""
    events = decoded(deskera.decode, b'{"ids": [7, "\\ud800", 8, ' + b"9" * 3000 + b"]}", "UPDATE_CRM_DEAL")
    assert [event.id for event in events] == ["7", "8"]


HEADERS = ["authorization", "x-superoffice-signature", "x-sha2-signature", "signature", "signature-input"]
HEADER_VALUES = ["", " ", "Basic", "Basic !!!", "\udcff", "ä", "0", "0" * 64, "x" * 100_000, "sig=", 'sig=("@method")']
HEADER_VALUES += [
    "sig=:AA==:",
    "sig=(" * 500,
    'sig=("a" "b");created=' + "9" * 400,
    "sig=();created=1e9",
    "sig=:\udcff:",
]
HEADER_VALUES += ['sig=("@method" "@target-uri" "content-digest");created=99999999999999999999', "Basic " + "A" * 9999]


@given(shown=st.dictionaries(st.sampled_from([*HEADERS, "content-digest"]), st.sampled_from(HEADER_VALUES) | st.text()))
def test_any_headers_are_accepted_or_refused(shown: dict[str, str]) -> None:
    head, hook = callback(b"{}", headers=shown), Registered("https://bridge.example/x", "whsec_" + "A" * 40)
    secret = HookSecret("user", "password")
    attempts: list[Callable[[], object]] = [
        partial(pipedrive.verify, head, secret),
        partial(superoffice.check_head, head),
        partial(scheme_of, head),
        partial(verify, RFC9421, head, hook, 300.0),
        partial(verify, SHA2, head, hook, 300.0),
    ]
    for attempt in attempts:
        with suppress(BadCallback):
            attempt()


async def test_the_headers_alone_never_refuse_a_delivery_that_is_accepted_with_its_body() -> None:
    secret = HookSecret("user", "pässword")
    shown = b64encode(f"{secret.user}:{secret.password}".encode()).decode()
    good = callback(b"{}", headers={"authorization": f"Basic {shown}"})
    pipedrive.verify(good, secret)
    for wrong in ({}, {"authorization": "Basic"}, {"authorization": f"basic {shown}"}, {"authorization": shown}):
        with pytest.raises(BadCallback):
            pipedrive.verify(replace(good, headers=wrong), secret)
