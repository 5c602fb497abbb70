"""The content of deliveries: the envelope of an event and its data (page "User events")."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.simulators.entrust.signing import signed_headers
from bridge.simulators.entrust.state import State
from bridge.simulators.records import Record
from bridge.simulators.world import utc

Rendered = tuple[Mapping[str, str], bytes]


class Outgoing(dict[str, str]):
    """The headers of one attempt, with the hook they are for."""

    def __init__(self, headers: Mapping[str, str], hook_id: str, attempt: int) -> None:
        super().__init__(headers)
        self.hook_id = hook_id
        self.attempt = attempt


@dataclass(frozen=True)
class Actor:
    """Who made a change: an administrator in the portal, or an application."""

    id: str
    name: str
    kind: str
    resource: str


@dataclass(frozen=True)
class Event:
    """The content of one delivery. `at`: epoch seconds. `about`: ids of the user and of the user's groups."""

    type: str
    at: float
    data: Mapping[str, Any]
    about: frozenset[str] = frozenset()


def user_event(state: State, type_: str, user: Record, actor: Actor) -> Event:
    """An event of a user, with the attributes in the vendor's example."""
    shown = {name: user[name] for name in ("userId", "firstName", "lastName", "email") if user.get(name)}
    as_list = [{"name": name, "value": value} for name, value in shown.items()]
    data = {
        "subject": actor.id,
        "subjectName": actor.name,
        "subjectType": actor.kind,
        "resourceName": actor.resource,
        "sourceIp": "203.0.113.7",
        "subscriberAdminRoleName": "Super Administrator",
        "entityType": "USERS",
        "entityId": user["id"],
        "entityName": user["userId"],
        "entityAttributes": as_list if state.options.attributes_as_list else shown,
    }
    return Event(type_, state.world.clock.now(), data, frozenset({user["id"], *user["groups"]}))


def renderer(state: State, hook: Record, event: Event) -> Callable[[int], Rendered]:
    """Returns headers and body of each try. The event's id stays the same unless the options say otherwise."""
    first = _event_id(state, event.at)

    def render(attempt: int) -> Rendered:
        number = first if attempt == 1 or state.options.stable_event_ids else _event_id(state, event.at)
        headers, body = envelope(state, hook, event, number)
        return Outgoing(headers, hook["id"], attempt), body

    return render


def envelope(state: State, hook: Record, event: Event, number: str) -> Rendered:
    moment = utc(event.at)
    fine = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
    told = fine if state.options.milliseconds else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    whole = {"id": number, "type": event.type, "accountId": state.account_id, "eventTime": told, "data": event.data}
    body = json.dumps(whole, separators=(",", ":")).encode()
    now = state.world.clock.now()
    signed = signed_headers(state.options, hook["_token"], hook["id"], hook["callbackUrl"], body, now)
    return {"Content-Type": "application/json", **signed}, body


def trial_event(state: State) -> Event:
    """A test event. Its body is not documented; this one says that it is a test."""
    return Event("user.created", state.world.clock.now(), {"test": True})


def _event_id(state: State, at: float) -> str:
    """A version 7 UUID: the time in milliseconds and random bits."""
    bits = int(at * 1000) << 80 | state.world.rng.getrandbits(80)
    return str(uuid.UUID(int=bits & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62))


def new_event_id(state: State) -> str:
    """An id for a delivery that is tried once."""
    return _event_id(state, state.world.clock.now())
