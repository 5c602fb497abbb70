"""Deliveries: checks the sender, and reads what changed. Vendor pages "Webhook security", "Webhook payload".

A delivery names the columns of the database that changed, without values. It does not name dependent tables.
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from bridge.connectors.json_text import read_json
from bridge.connectors.superoffice.columns import RESOURCES
from bridge.connectors.superoffice.values import known_instant
from bridge.domain.callback import Callback, HookSecret
from bridge.domain.errors import BadCallback
from bridge.domain.event import Event, EventKind, Origin
from bridge.domain.record import why_unstorable

SIGNATURE = "x-superoffice-signature"
SIGNATURE_CHARACTERS = 44  # 32 bytes in base64
TEST = "test"
LONGEST_ID = 18  # digits

KINDS: Mapping[str, EventKind] = {
    "created": EventKind.CREATED,
    "deleted": EventKind.DELETED,
    "softdeleted": EventKind.DELETED,
}
ENTITIES: Mapping[str, str] = {each.hook: entity for entity, each in RESOURCES.items() if each.hook}


def check_head(head: Callback) -> None:
    """Raises BadCallback when the signature is missing or has the wrong length. Checking the
    signature needs the body."""
    if len(head.headers.get(SIGNATURE, "")) != SIGNATURE_CHARACTERS:
        raise BadCallback("the delivery is not signed")


def verify(callback: Callback, secret: HookSecret) -> None:
    """Checks the signature over the bytes as received. Raises BadCallback, also for an unsigned delivery:
    all our hooks have a secret."""
    wanted = b64encode(hmac.digest(secret.password.encode(), callback.body, sha256))
    shown = callback.headers.get(SIGNATURE, "").encode(errors="replace")
    if not hmac.compare_digest(shown, wanted):
        raise BadCallback("the delivery is not signed with the secret of its hook")


def decode(callback: Callback) -> Sequence[Event]:
    """Pure. The test event concerns no record. An event that our hooks do not request becomes an event without id."""
    try:
        said = read_json(callback.body)
    except ValueError:
        return _hints(callback)
    if not isinstance(said, dict):
        return _hints(callback)
    name = said.get("Event")
    if name == TEST:
        return []
    if not isinstance(name, str):
        return _hints(callback)
    subject, _, verb = name.lower().partition(".")
    record_id = _id(said.get("PrimaryKey"))
    if subject not in ENTITIES or record_id is None:
        return _hints(callback)
    return [
        Event(
            callback.system,
            ENTITIES[subject],
            record_id,
            KINDS.get(verb, EventKind.CHANGED),
            Origin.WEBHOOK,
            vendor_id=_vendor_id(name, record_id, said.get("EventId")),
            source_at=known_instant(said.get("Timestamp")),
            body=callback.body,
            actor=_actor(said.get("ChangedByAssociateId")),
        )
    ]


def _actor(associate: Any) -> str | None:
    """The associate who made the change; None for 0, which names nobody."""
    number = _id(associate)
    return None if number is None else f"associate {number}"


def _vendor_id(name: str, record_id: str, event_id: Any) -> str | None:
    """The vendor's id of the event, the same in all retries of a delivery. It is taken only from
    the body, which is signed."""
    if not isinstance(event_id, str) or not event_id.strip("0-{} "):
        return None
    named = f"{event_id}/{name}/{record_id}"
    return None if why_unstorable(named) else named


def _hints(callback: Callback) -> list[Event]:
    """Events without id: some record changed, but it is unknown which one."""
    entities = [callback.hook] if callback.hook in RESOURCES else sorted(ENTITIES.values())
    return [
        Event(callback.system, entity, None, EventKind.CHANGED, Origin.WEBHOOK, body=callback.body)
        for entity in entities
    ]


def _id(value: Any) -> str | None:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= LONGEST_ID:
        value = int(value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if whole and 0 < value < 10**LONGEST_ID else None
