"""Turns callbacks into events. Deskera documents neither body nor signature: any form is accepted, and nothing in it is
trusted.

Source for the event names: Deskera's developer documentation, Books, page "Webhook".
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from bridge.connectors.deskera.books.kinds import CODE_KEYS, WRAPPERS
from bridge.connectors.deskera.books.kinds import EVENTS as BOOKS_EVENTS
from bridge.connectors.json_text import read_json
from bridge.domain.callback import Callback
from bridge.domain.event import Event, EventKind, Origin

CONTACT = "crm_contact"
DEAL = "crm_deal"

EVENTS: Mapping[str, tuple[str, EventKind]] = {
    "CREATE_CRM_CONTACT": (CONTACT, EventKind.CREATED),
    "UPDATE_CRM_CONTACT": (CONTACT, EventKind.CHANGED),
    "DELETE_CRM_CONTACT": (CONTACT, EventKind.DELETED),
    "CREATE_CRM_DEAL": (DEAL, EventKind.CREATED),
    "UPDATE_CRM_DEAL": (DEAL, EventKind.CHANGED),
    "DELETE_CRM_DEAL": (DEAL, EventKind.DELETED),
    **BOOKS_EVENTS,
}

_EVENT_KEYS = ("eventType", "event_type", "event", "type", "action")
_WRAPPERS = ("data", "payload", "body", "object", "record", "entity")
_RECORD_KEYS: Mapping[str, tuple[str, ...]] = {
    **WRAPPERS,
    CONTACT: ("contact", "crmContact", "crm_contact"),
    DEAL: ("deal", "crmDeal", "crm_deal"),
}
_CODE = re.compile(r"[A-Z]{1,4}-[0-9]{1,12}")
_ID_KEYS: Mapping[str, tuple[str, ...]] = {
    **CODE_KEYS,
    CONTACT: ("id", "_id", "contactId", "contact_id", "ids", "contact_ids"),
    DEAL: ("id", "_id", "dealId", "deal_id", "ids", "deal_ids"),
}
_DEPTH = 6
_MOST = 1000


def decode(callback: Callback) -> list[Event]:
    """One event for each record that the body names; if it names none, one event without id. Never raises."""
    entity, kind = EVENTS.get(callback.hook, (None, EventKind.CHANGED))
    body = _content(callback.body)
    named = _event_named(body)
    if named is not None and entity in (None, EVENTS[named][0]):
        entity, kind = EVENTS[named]
    if entity is None:
        entities = dict.fromkeys(each for each, _ in EVENTS.values())
        return [_event(callback, each, None, EventKind.CHANGED) for each in entities]
    ids = list(dict.fromkeys(_ids(body, entity, 0)))[:_MOST]
    return [_event(callback, entity, each, kind) for each in ids] or [_event(callback, entity, None, kind)]


def _event(callback: Callback, entity: str, record_id: str | None, kind: EventKind) -> Event:
    return Event(callback.system, entity, record_id, kind, Origin.WEBHOOK, body=callback.body)


def _content(body: bytes) -> Any:
    """The JSON, the JSON inside a JSON string, or the form in a body; None when it is none of these."""
    try:
        value = read_json(body)
        if isinstance(value, str):
            value = read_json(value.encode())
        return value
    except ValueError:
        return None if body.lstrip()[:1] in (b"{", b"[", b'"') else _form(body)


def _form(body: bytes) -> Any:
    try:
        pairs = dict(parse_qsl(body.decode(), max_num_fields=200))
    except ValueError:
        return None
    return {key: _inner(value) for key, value in pairs.items()}


def _inner(value: str) -> Any:
    if value[:1] not in ("{", "["):
        return value
    try:
        return read_json(value.encode())
    except ValueError:
        return value


def _event_named(body: Any) -> str | None:
    """The event that the envelope names, if it is a known one. In an array, the first element counts."""
    if isinstance(body, list):
        body = body[0] if body else None
    if not isinstance(body, dict):
        return None
    for key in _EVENT_KEYS:
        value = body.get(key)
        if isinstance(value, str) and value in EVENTS:
            return value
    return None


def _ids(value: Any, entity: str, depth: int) -> Iterator[str]:
    """The ids of the records in `value`. An inner record takes precedence over its envelope, whose
    `id` may be a delivery's."""
    if depth > _DEPTH:
        return
    if isinstance(value, list):
        for item in value[:_MOST]:
            yield from _ids(item, entity, depth + 1)
        return
    if not isinstance(value, dict):
        if (single := _id(value, entity)) is not None and depth > 0:
            yield single
        return
    for key in (*_RECORD_KEYS[entity], *_WRAPPERS):
        if isinstance(value.get(key), dict | list):
            inner = list(_ids(value[key], entity, depth + 1))
            if inner:
                yield from inner
                return
    yield from _own_ids(value, entity)


def _own_ids(record: Mapping[str, Any], entity: str) -> Iterator[str]:
    for key in _ID_KEYS[entity]:
        found = record.get(key)
        candidates = found if isinstance(found, list) else [found]
        ids = [each for one in candidates[:_MOST] if (each := _id(one, entity)) is not None]
        if ids:
            yield from ids
            return


def _id(value: Any, entity: str) -> str | None:
    """The id as text, or None. Ids of Sales records are positive whole numbers, as numbers or text;
    Books records have a code."""
    if entity in CODE_KEYS:
        return value if isinstance(value, str) and _CODE.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    if isinstance(value, str) and len(value) > 20:
        return None
    text = str(value).strip() if isinstance(value, str) or 0 < value < 10**18 else ""
    return str(int(text)) if text.isascii() and text.isdecimal() and len(text) <= 18 and int(text) > 0 else None
