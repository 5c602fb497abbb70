"""Deliveries: signatures and hints."""

import hmac
import json
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from superoffice_fakes import connect, vendor

from bridge.connectors.superoffice.callbacks import decode
from bridge.domain.callback import Callback, HookSecret
from bridge.domain.errors import BadCallback
from bridge.domain.event import EventKind

SECRET = HookSecret("bridge", "s3cret-hook")
GUID = "5d9a1e1e-0d9b-4f3c-8f65-1d3f8ad7c001"
CHANGED: dict[str, Any] = {
    "EventId": GUID,
    "Timestamp": "2026-03-01T09:15:27.1234567Z",
    "Changes": ["contact_id", "name", "updated", "updated_associate_id", "updatedCount"],
    "Event": "contact.changed",
    "PrimaryKey": 42,
    "Entity": "contact",
    "ContextIdentifier": "Cust12345",
    "ChangedByAssociateId": 7,
    "WebhookName": "bridge contact",
    "FieldValues": {"category_idx": 2, "updated": "2026-03-01T10:15:27.1234567+01:00"},
}


def callback(body: Any, hook: str = "contact", **headers: str) -> Callback:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    low = {name.replace("_", "-"): value for name, value in headers.items()}
    return Callback("crm1", hook, "POST", "https://bridge.example/x", low, raw, datetime(2026, 3, 1, tzinfo=UTC))


def signed(body: bytes, secret: str = SECRET.password) -> Callback:
    mark = b64encode(hmac.digest(secret.encode(), body, sha256)).decode()
    return callback(body, x_superoffice_signature=mark)


def test_column_names_become_a_hint_that_the_record_changed() -> None:
    (event,) = decode(callback(CHANGED))
    assert (event.entity, event.id, event.kind) == ("contact", "42", EventKind.CHANGED)
    assert event.source_at == datetime(2026, 3, 1, 9, 15, 27, 123456, UTC)
    assert event.vendor_id == f"{GUID}/contact.changed/42"
    assert event.version is None


@pytest.mark.parametrize(
    ("name", "entity", "kind"),
    [
        ("contact.created", "contact", EventKind.CREATED),
        ("contact.softdeleted", "contact", EventKind.DELETED),
        ("contact.deleted", "contact", EventKind.DELETED),
        ("Person.Changed", "person", EventKind.CHANGED),
        ("sale.sold", "sale", EventKind.CHANGED),
        ("person.consented", "person", EventKind.CHANGED),
        ("activity.created", "appointment", EventKind.CREATED),
        ("project.deleted", "project", EventKind.DELETED),
    ],
)
def test_events_by_name(name: str, entity: str, kind: EventKind) -> None:
    (event,) = decode(callback({**CHANGED, "Event": name, "Changes": [], "Entity": None}))
    assert (event.entity, event.id, event.kind) == (entity, "42", kind)


@pytest.mark.parametrize(("number", "actor"), [(7, "associate 7"), (0, None), ("x", None), (None, None)])
def test_a_delivery_names_the_associate_who_acted(number: Any, actor: str | None) -> None:
    assert decode(callback({**CHANGED, "ChangedByAssociateId": number}))[0].actor == actor


def test_two_events_of_one_save_are_two_even_with_one_id() -> None:
    names = ("sale.changed", "sale.sold")
    assert len({decode(callback({**CHANGED, "Event": name}))[0].vendor_id for name in names}) == 2


@pytest.mark.parametrize("event_id", [None, "", 5, "00000000-0000-0000-0000-000000000000"])
def test_without_a_trustworthy_id_every_delivery_is_an_event(event_id: Any) -> None:
    (event,) = decode(callback({**CHANGED, "EventId": event_id}))
    assert (event.id, event.vendor_id) == ("42", None)


def test_the_test_event_gives_no_event() -> None:
    assert decode(callback({"Event": "test", "PrimaryKey": 0, "Entity": "test"})) == []


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"null", b"[]", b"\xff", {}, {**CHANGED, "Event": "relation.changed"}),
        *({**CHANGED, "PrimaryKey": odd} for odd in (0, -1, True, "9" * 5000, [], {})),
    ],
)
def test_an_unreadable_delivery_is_a_hint_for_the_hooks_entity(body: Any) -> None:
    (event,) = decode(callback(body))
    assert (event.entity, event.id, event.kind) == ("contact", None, EventKind.CHANGED)


def test_an_unknown_hook_is_a_hint_for_every_entity_with_events() -> None:
    events = decode(callback(b"", hook="elsewhere"))
    assert {event.entity for event in events} == {"contact", "person", "sale", "project", "appointment"}


@given(st.binary() | st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_any_bytes_give_events(body: Any) -> None:
    raw = body if isinstance(body, bytes) else body.encode()
    assert all(event.entity for event in decode(callback(raw)))


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.none() | st.text() | st.integers() | st.lists(st.text())
            for name in ("Event", "PrimaryKey", "EventId", "Timestamp", "Changes", "Entity")
        },
    )
)
def test_any_values_give_events(body: dict[str, Any]) -> None:
    for given_body in (body, {"Event": "contact.changed", **body}):
        assert all(event.entity for event in decode(callback(given_body)))


async def test_a_signature_over_the_bytes_is_accepted_whatever_they_are() -> None:
    connector = connect(vendor())
    for body in (json.dumps(CHANGED).encode(), b'{ "Event":"test" }', b"\xff\x00"):
        await connector.verify(signed(body), SECRET)


@pytest.mark.parametrize(
    "shown",
    [
        callback(CHANGED),
        callback(CHANGED, x_superoffice_signature=""),
        callback(CHANGED, x_superoffice_signature="ÿ not base64"),
        signed(json.dumps(CHANGED).encode(), "other"),
        callback(CHANGED, x_superoffice_signature=signed(b"{}").headers["x-superoffice-signature"]),
    ],
)
async def test_a_delivery_without_the_right_signature_is_refused(shown: Callback) -> None:
    with pytest.raises(BadCallback) as caught:
        await connect(vendor()).verify(shown, SECRET)
    assert caught.value.status == 401


@pytest.mark.parametrize("mark", ["", "A" * 43, "A" * 45, "x" * 10_000])
def test_the_headers_alone_are_enough_to_refuse_an_unsigned_delivery(mark: str) -> None:
    connector = connect(vendor())
    connector.check_head(replace(signed(b"{}"), body=b""), SECRET)
    for refused in (callback(b""), callback(b"", x_superoffice_signature=mark)):
        with pytest.raises(BadCallback):
            connector.check_head(refused, SECRET)
