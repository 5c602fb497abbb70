"""Deliveries: who may send them, and which events they become."""

import json
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
from http_fakes import START
from hypothesis import given
from hypothesis import strategies as st
from pipedrive_fakes import connect, vendor

from bridge.connectors.pipedrive.callbacks import decode
from bridge.domain.callback import Callback, HookSecret
from bridge.domain.errors import BadCallback
from bridge.domain.event import Event, EventKind

SECRET = HookSecret("bridge", "pässword")
META = {
    "action": "change",
    "entity": "deal",
    "entity_id": "7",
    "id": "9f1c0f9a-7d8e-4a0f-9a53-000000000001",
    "correlation_id": "9f1c0f9a-7d8e-4a0f-9a53-000000000002",
    "timestamp": "2026-03-01T10:00:00.123Z",
    "version": "2.0",
    "change_source": "app",
    "attempt": 1,
}


def callback(body: Any, hook: str = "any.deal", **headers: str) -> Callback:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Callback("crm1", hook, "POST", f"https://bridge.example/{hook}", headers, raw, START)


def version_2(data: Any = None, previous: Any = None, **meta: Any) -> list[Event]:
    return list(decode(callback({"data": data, "previous": previous, "meta": {**META, **meta}})))


def version_1(
    action: str, entity: str = "deal", *, current: Any = None, previous: Any = None, **meta: Any
) -> list[Event]:
    said = {"v": 1, "action": action, "object": entity, "timestamp": 1772359200, **meta}
    return list(decode(callback({"v": 1, "meta": said, "current": current, "previous": previous})))


@pytest.mark.parametrize(
    ("action", "kind"),
    [("create", EventKind.CREATED), ("change", EventKind.CHANGED), ("delete", EventKind.DELETED)],
)
def test_each_action_becomes_one_event(action: str, kind: EventKind) -> None:
    (event,) = version_2({"id": 7, "update_time": "2026-03-01T10:00:00Z"}, action=action)
    assert (event.system, event.entity, event.id, event.kind) == ("crm1", "deal", "7", kind)
    assert event.source_at == datetime(2026, 3, 1, 10, 0, 0, 123000, tzinfo=UTC)
    assert event.version == (None if action == "delete" else datetime(2026, 3, 1, 10, tzinfo=UTC))
    assert b"entity_id" in event.body


def test_a_create_without_update_time_shows_its_creation_time() -> None:
    (event,) = version_2({"update_time": None, "add_time": "2026-03-01T10:00:00Z"}, action="create")
    assert event.version == datetime(2026, 3, 1, 10, tzinfo=UTC)


def test_a_repeated_delivery_has_the_same_id_and_another_event_has_another() -> None:
    first, again = version_2()[0], version_2(attempt=3, webhook_id="99")[0]
    other, later = version_2(id="another")[0], version_2(timestamp="2026-03-01T10:00:01.000Z")[0]
    assert first.vendor_id == again.vendor_id is not None
    assert len({first.vendor_id, other.vendor_id, later.vendor_id}) == 3


@pytest.mark.parametrize("change", [{"id": None}, {"id": 5}, {"id": "7"}, {"timestamp": None}, {"entity": "user"}])
def test_an_id_that_may_repeat_is_not_trusted(change: dict[str, Any]) -> None:
    assert version_2(**change)[0].vendor_id is None


def test_the_delete_of_the_absorbed_record_names_the_merge() -> None:
    (event,) = version_2(None, {"id": 7}, action="delete", merged_to_id="8")
    assert (event.id, event.kind, event.merged_into) == ("7", EventKind.MERGED, "8")


def test_a_record_cannot_be_merged_into_itself() -> None:
    (event,) = version_2(None, {"id": 7}, action="delete", merged_to_id="7")
    assert (event.kind, event.merged_into) == (EventKind.DELETED, None)
    (event,) = version_2({"id": 7}, merged_from_id="7")
    assert event.kind is EventKind.CHANGED


def test_the_change_of_the_survivor_names_the_merge_too() -> None:
    survivor, absorbed = version_2({"id": 8}, entity_id="8", merged_from_id=7)
    assert (survivor.id, survivor.kind) == ("8", EventKind.CHANGED)
    assert (absorbed.id, absorbed.kind, absorbed.merged_into) == ("7", EventKind.MERGED, "8")
    assert survivor.vendor_id != absorbed.vendor_id


@pytest.mark.parametrize(
    "moment", [1772359200, "2026-03-01 10:00:00", "2026-03-01T10:00:00Z", "2026-03-01T11:00:00+01:00"]
)
def test_every_form_of_time_is_read(moment: Any) -> None:
    assert version_2(timestamp=moment)[0].source_at == datetime(2026, 3, 1, 10, tzinfo=UTC)


def test_a_user_event_is_understood_but_its_id_is_not_trusted() -> None:
    (event,) = version_2({"id": "5"}, entity="user", entity_id="5", id="5", timestamp=1772359200)
    assert (event.entity, event.id, event.kind, event.vendor_id) == ("user", "5", EventKind.CHANGED, None)


@pytest.mark.parametrize(("user", "actor"), [("1002", "user 1002"), (1002, "user 1002"), (None, None), ("me", None)])
def test_a_delivery_of_either_version_names_the_user_who_acted(user: Any, actor: str | None) -> None:
    (newer,), (older,) = version_2(user_id=user), version_1("updated", id=7, user_id=user)
    assert (newer.actor, older.actor) == (actor, actor)


def test_an_unknown_action_is_a_change() -> None:
    assert version_2(action="sparkle")[0].kind is EventKind.CHANGED


@pytest.mark.parametrize(
    ("action", "kind"),
    [("added", EventKind.CREATED), ("updated", EventKind.CHANGED), ("deleted", EventKind.DELETED)],
)
def test_bodies_of_version_1_are_read(action: str, kind: EventKind) -> None:
    (event,) = version_1(action, id=7, current={"id": 7, "update_time": "2026-03-01 10:00:00"}, previous=None)
    assert (event.id, event.kind, event.vendor_id) == ("7", kind, None)
    assert event.source_at == datetime(2026, 3, 1, 10, tzinfo=UTC)


def test_a_merge_of_version_1_names_both_records() -> None:
    absorbed, survivor = version_1("merged", "person", id=8, current={"id": 8}, previous={"id": 7})
    assert (absorbed.id, absorbed.kind, absorbed.merged_into) == ("7", EventKind.MERGED, "8")
    assert (survivor.id, survivor.kind) == ("8", EventKind.CHANGED)


def test_a_user_event_of_version_1_wraps_its_object() -> None:
    assert version_1("updated", "user", current=[{"id": 5}])[0].id == "5"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        {"meta": 5},
        {"meta": {"entity": "deal"}},
        {"meta": {"object": "deal", "action": "merged"}},
    ],
)
def test_an_unreadable_delivery_is_a_hint_for_the_hooks_entity(body: Any) -> None:
    (event,) = decode(callback(body))
    assert (event.entity, event.id, event.kind) == ("deal", None, EventKind.CHANGED)


def test_a_hint_from_a_hook_of_everything_is_for_every_entity() -> None:
    assert {event.entity for event in decode(callback(b"?", hook="any.any"))} == {
        "deal",
        "person",
        "organization",
        "product",
        "activity",
        "lead",
        "note",
        "user",
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
META_KEYS = st.sampled_from([*META, "object", "merged_to_id", "merged_from_id"])
BODIES = st.fixed_dictionaries(
    {"meta": st.dictionaries(META_KEYS, JSON | st.sampled_from(["merged", "delete", "change", "7"]))},
    optional={"data": JSON, "previous": JSON, "current": JSON},
)


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()) | BODIES.map(lambda v: json.dumps(v).encode()))
def test_any_bytes_give_events_and_never_an_error(body: bytes) -> None:
    events = decode(callback(body))
    assert events
    assert all(event.system == "crm1" and event.entity for event in events)
    assert all(event.id is None or event.id for event in events)


def basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


async def test_the_credentials_of_the_hook_are_accepted() -> None:
    await connect(vendor()).verify(callback(b"", authorization=basic("bridge", "pässword")), SECRET)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": basic("bridge", "other")},
        {"authorization": basic("other", "pässword")},
        {"authorization": "Bearer x"},
        {"authorization": "Basic \udcff"},
    ],
)
async def test_anything_else_is_refused_without_showing_the_secret(headers: dict[str, str]) -> None:
    with pytest.raises(BadCallback) as caught:
        await connect(vendor()).verify(callback(b"", **headers), SECRET)
    assert caught.value.status == 401
    assert "pässword" not in str(caught.value)
