"""Bodies, headers and signature of callbacks (pages "Webhook events", "Webhook security", "Webhook errors")."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

from bridge.simulators.records import Record
from bridge.simulators.superoffice.changes import Event
from bridge.simulators.superoffice.state import State
from bridge.simulators.world import utc

CYCLE = 3
"""Tries of one event in a row: at once, after one second, after four more seconds."""


class Outgoing(dict[str, str]):
    """Headers of a callback, with its hook and the active time of the hook in which it was queued."""

    def __init__(self, hook: Record, headers: Mapping[str, str], active_time: int) -> None:
        super().__init__(headers)
        self.hook_id = str(hook["WebhookId"])
        self.active_time = active_time


def renderer(state: State, hook: Record, event: Event) -> Callable[[int], tuple[Mapping[str, str], bytes]]:
    """Returns headers and body for each try. The EventId stays for a cycle of tries; everything else is fixed now."""
    body, ids, active_time = event_body(state, hook, event), [state.world.new_id()], hook["_active_time"]

    def render(attempt: int) -> tuple[Mapping[str, str], bytes]:
        cycle, retry = divmod(attempt - 1, CYCLE)
        while len(ids) <= cycle:
            ids.append(state.world.new_id())
        raw = json.dumps({"EventId": ids[cycle], **body}).encode()
        return Outgoing(hook, headers_for(hook, event.name, ids[cycle], raw, retry), active_time), raw

    return render


def event_body(state: State, hook: Record, event: Event) -> dict[str, Any]:
    """The body without the EventId. Changes are names of database columns, never values."""
    body: dict[str, Any] = {"Timestamp": timestamp(state.now()), "Changes": list(event.changes), "Event": event.name}
    if event.entity == "webhook":
        body["Event"] = f"webhook.{event.name.partition('.')[2]}"
    else:
        body |= {"PrimaryKey": event.key, "Entity": event.entity}
    body |= {"ContextIdentifier": state.options.tenant, "ChangedByAssociateId": event.associate}
    body["WebhookName"] = hook["Name"]
    if event.values is not None:
        body["Values"] = dict(event.values)
    if event.fields is not None and state.options.field_values:
        body["FieldValues"] = dict(event.fields)
    return {**body, **hook["Properties"]}


def headers_for(hook: Record, name: str, event_id: str, body: bytes, retry: int = 0) -> dict[str, str]:
    headers = {
        **hook["Headers"],
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "NetServer-Webhook/11.5",
        "X-SuperOffice-Event": name,
        "X-SuperOffice-EventId": event_id,
    }
    if hook["Secret"]:
        headers["X-SuperOffice-Signature"] = signature(hook["Secret"], body)
    if retry:
        headers["X-SuperOffice-Retry"] = str(retry)
    return headers


def signature(secret: str, body: bytes) -> str:
    """HMAC-SHA256 of the raw body, in base64."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def timestamp(epoch: float) -> str:
    """UTC with seven decimals of a second."""
    return f"{utc(epoch).strftime('%Y-%m-%dT%H:%M:%S.%f')}0Z"
