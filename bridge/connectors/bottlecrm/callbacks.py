"""Deliveries: checks the sender, and reads what changed. Facts: `webhooks/tasks.py`, `webhooks/events.py`."""

import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from bridge.connectors.bottlecrm.columns import RESOURCES
from bridge.connectors.bottlecrm.hook_secrets import HookSecrets
from bridge.connectors.bottlecrm.options import BottleOptions
from bridge.connectors.bottlecrm.shape import moment
from bridge.connectors.json_text import read_json
from bridge.domain.callback import Callback
from bridge.domain.errors import BadCallback
from bridge.domain.event import Event, EventKind, Origin
from bridge.domain.record import why_unstorable

HEADER = "x-bottlecrm-signature"
LONGEST = 512
KINDS: Mapping[str, EventKind] = {"created": EventKind.CREATED, "deleted": EventKind.DELETED}
ENTITY_OF = {resource.module: entity for entity, resource in RESOURCES.items()}


class DeliveryCheck:
    """Checks `t=<seconds>,v1=<hex>`: HMAC-SHA256 over the time, a full stop and the raw body."""

    def __init__(self, secrets: HookSecrets, options: BottleOptions) -> None:
        self._secrets, self._age = secrets, options.signature_age_seconds

    def check_head(self, head: Callback) -> None:
        """Raises BadCallback when the delivery is not signed, or its time differs too much from ours."""
        at, _ = _parts(head)
        if abs(head.received_at.timestamp() - at) > self._age:
            raise BadCallback("the signature is too old or too new: compare the clocks")

    async def check(self, callback: Callback) -> None:
        """Raises BadCallback. If no known secret matches, the vault is read again: another instance may
        have exchanged the secret."""
        self.check_head(callback)
        at, shown = _parts(callback)
        for again in (False, True):
            for secret in await self._secrets.of(callback.hook, again=again):
                wanted = hmac.new(secret.encode(), b"%d." % at + callback.body, sha256).hexdigest()
                if hmac.compare_digest(wanted, shown):
                    return
        raise BadCallback("the signature does not match the hook's secret")


def _parts(callback: Callback) -> tuple[int, str]:
    value = callback.headers.get(HEADER, "")
    parts = dict(part.partition("=")[::2] for part in value.split(",")) if len(value) <= LONGEST else {}
    at, shown = parts.get("t", ""), parts.get("v1", "")
    if not (at.isascii() and at.isdecimal() and len(at) <= 12 and shown.isascii() and shown):
        raise BadCallback("the delivery is not signed")
    return int(at), shown


def decode(callback: Callback) -> Sequence[Event]:
    """The body only says which record changed: it lacks some fields, and deliveries are repeated
    for hours and out of order."""
    try:
        said = read_json(callback.body)
    except ValueError:
        return _hints(callback)
    data = said.get("data") if isinstance(said, dict) else None
    if not isinstance(said, dict) or not isinstance(data, dict):
        return _hints(callback)
    module, _, what = str(said.get("event")).partition(".")
    entity, record_id = ENTITY_OF.get(module), _text(data.get("id"))
    if entity is None or record_id is None:
        return _hints(callback)
    kind = KINDS.get(what, EventKind.CHANGED)
    dated = RESOURCES[entity].dated and kind is not EventKind.DELETED
    return [
        Event(
            callback.system,
            entity,
            record_id,
            kind,
            Origin.WEBHOOK,
            vendor_id=_text(said.get("id")),
            source_at=moment(said.get("created_at")),
            version=moment(data.get("updated_at")) if dated else None,
            body=callback.body,
        )
    ]


def _hints(callback: Callback) -> Sequence[Event]:
    """Events without id: some record changed, but it is unknown which one."""
    entities = [callback.hook] if callback.hook in RESOURCES else sorted(RESOURCES)
    return [
        Event(callback.system, entity, None, EventKind.CHANGED, Origin.WEBHOOK, body=callback.body)
        for entity in entities
    ]


def _text(value: Any) -> str | None:
    """A name or id that can be stored, else None."""
    return value if isinstance(value, str) and value and not why_unstorable(value) else None
