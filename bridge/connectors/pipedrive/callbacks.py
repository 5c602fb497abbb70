"""Deliveries: checks the sender, and reads what changed. Vendor pages "Guide for Webhooks" and "Guide for Webhooks v2".

There is no signature. A delivery carries the Basic credentials that its hook was registered with.
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bridge.connectors.json_text import read_json
from bridge.connectors.pipedrive.manifest import MANIFEST
from bridge.connectors.pipedrive.values import known_instant
from bridge.domain.callback import Callback, HookSecret
from bridge.domain.errors import BadCallback
from bridge.domain.event import Event, EventKind, Origin
from bridge.domain.record import why_unstorable

KINDS: Mapping[str, EventKind] = {
    "create": EventKind.CREATED,
    "added": EventKind.CREATED,
    "change": EventKind.CHANGED,
    "updated": EventKind.CHANGED,
    "delete": EventKind.DELETED,
    "deleted": EventKind.DELETED,
}


def verify(callback: Callback, secret: HookSecret) -> None:
    """Raises BadCallback unless the delivery carries the credentials of its hook."""
    wanted = b"Basic " + b64encode(f"{secret.user}:{secret.password}".encode())
    shown = callback.headers.get("authorization", "").encode(errors="replace")
    if not hmac.compare_digest(shown, wanted):
        raise BadCallback("the delivery does not show the credentials of its hook")


def decode(callback: Callback) -> Sequence[Event]:
    try:
        said = read_json(callback.body)
    except ValueError:
        return _hints(callback)
    meta = said.get("meta") if isinstance(said, dict) else None
    if not isinstance(said, dict) or not isinstance(meta, dict):
        return _hints(callback)
    events = _version_2(callback, said, meta) if "entity" in meta else _version_1(callback, said, meta)
    return events or _hints(callback)


def _version_2(callback: Callback, said: Mapping[str, Any], meta: Mapping[str, Any]) -> list[Event]:
    entity, record_id = _text(meta.get("entity")), _text(meta.get("entity_id"))
    kind = KINDS.get(str(meta.get("action")), EventKind.CHANGED)
    if entity is None or record_id is None:
        return []
    survivor, absorbed = _text(meta.get("merged_to_id")), _text(meta.get("merged_from_id"))
    if kind is EventKind.DELETED and survivor is not None and survivor != record_id:
        return [_event(callback, entity, record_id, EventKind.MERGED, meta, merged_into=survivor)]
    version = None if kind is EventKind.DELETED else _version(said.get("data"))
    events = [_event(callback, entity, record_id, kind, meta, version=version)]
    if kind is EventKind.CHANGED and absorbed is not None and absorbed != record_id:
        # Reported here as well, because the delivery of the delete, which names the survivor, may be lost.
        events.append(_event(callback, entity, absorbed, EventKind.MERGED, meta, merged_into=record_id))
    return events


def _version_1(callback: Callback, said: Mapping[str, Any], meta: Mapping[str, Any]) -> list[Event]:
    entity, action = _text(meta.get("object")), str(meta.get("action"))
    current, previous = _first(said.get("current")), _first(said.get("previous"))
    if entity is None:
        return []
    if action == "merged":
        survivor, absorbed = _text(current.get("id")), _text(previous.get("id"))
        if survivor is None or absorbed is None or survivor == absorbed:
            return []
        return [
            _event(callback, entity, absorbed, EventKind.MERGED, meta, merged_into=survivor),
            _event(callback, entity, survivor, EventKind.CHANGED, meta, version=_version(current)),
        ]
    record_id = _text(meta.get("id")) or _text(current.get("id")) or _text(previous.get("id"))
    if record_id is None:
        return []
    kind = KINDS.get(action, EventKind.CHANGED)
    version = None if kind is EventKind.DELETED else _version(current)
    return [_event(callback, entity, record_id, kind, meta, version=version)]


def _event(
    callback: Callback,
    entity: str,
    record_id: str,
    kind: EventKind,
    meta: Mapping[str, Any],
    *,
    version: datetime | None = None,
    merged_into: str | None = None,
) -> Event:
    return Event(
        callback.system,
        entity,
        record_id,
        kind,
        Origin.WEBHOOK,
        vendor_id=_vendor_id(entity, record_id, kind, meta),
        source_at=known_instant(meta.get("timestamp")),
        version=version,
        merged_into=merged_into,
        body=callback.body,
        actor=_actor(meta.get("user_id")),
    )


def _actor(user: Any) -> str | None:
    """The user's id. It is a number, which version 2 writes as text."""
    named = _text(user)
    return f"user {named}" if named is not None and named.isdecimal() else None


def _vendor_id(entity: str, record_id: str, kind: EventKind, meta: Mapping[str, Any]) -> str | None:
    """The vendor's id of the event. Only version 2 has ids. A user event has the user's id,
    the same for every event."""
    event_id, moment = meta.get("id"), meta.get("timestamp")
    if "entity" not in meta or not isinstance(event_id, str) or not isinstance(moment, str):
        return None
    if not event_id or not moment or entity == "user" or event_id in (record_id, meta.get("entity_id")):
        return None
    named = "/".join((entity, record_id, kind.value, event_id, moment))
    return None if why_unstorable(named) else named


def _hints(callback: Callback) -> list[Event]:
    """Events without id: some record changed, but it is unknown which one."""
    entity = callback.hook.rpartition(".")[2]
    entities = [entity] if entity in MANIFEST.entities else sorted(MANIFEST.entities)
    return [
        Event(callback.system, name, None, EventKind.CHANGED, Origin.WEBHOOK, body=callback.body) for name in entities
    ]


def _first(value: Any) -> Mapping[str, Any]:
    """The object. User events of version 1 wrap it in a list."""
    if isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    """A name or id that can be stored, else None."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value if isinstance(value, str) and value and not why_unstorable(value) else None


def _version(data: Any) -> datetime | None:
    if not isinstance(data, dict):
        return None
    return known_instant(data.get("update_time")) or known_instant(data.get("add_time"))
