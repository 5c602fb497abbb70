"""The webhook resource and the states of a hook (pages "Webhooks", "Manage Webhooks")."""

import json
import string
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from aiohttp import web

from bridge.simulators.control import UnknownRecord
from bridge.simulators.entrust.access import Access
from bridge.simulators.entrust.answers import Refused, empty, json_object
from bridge.simulators.entrust.events import Event, envelope, new_event_id, trial_event
from bridge.simulators.entrust.state import State
from bridge.simulators.records import Record
from bridge.simulators.world import Deliver, utc

EVENT_TYPES = (
    "user.created", "user.updated", "user.deleted", "user.registration.completed", "authentication.succeeded",
    "authentication.failed", "password.updated", "magiclink.email.sent", "grid.created", "grid.email.sent",
    "grid.password.email.sent", "passkey.created", "passkey.updated", "passkey.deleted", "kba.question.created",
    "token.created", "token.activated", "token.activated.online", "token.seed.rotated", "hardware.token.assigned",
    "face.biometric.created", "credential.create", "credential.update", "credential.delete", "credential.print",
)  # fmt: skip
_LETTERS = string.ascii_letters + string.digits
_PATH = "/api/web/v1/webhooks"


class Hooks:
    """The tenant's webhooks. `forget` drops the callbacks that wait for a hook."""

    def __init__(self, state: State, access: Access, send: Deliver, forget: Callable[[str], None]) -> None:
        self._state = state
        self._access = access
        self._send = send
        self._forget = forget

    def routes(self) -> list[web.RouteDef]:
        may = self._access.needs
        return [
            web.get(_PATH, may("WEBHOOKS:VIEW", self._list), allow_head=False),
            web.post(_PATH, may("WEBHOOKS:ADD", self._create)),
            web.post(f"{_PATH}/test/{{id}}", may("WEBHOOKS:EDIT", self._try_out)),
            web.get(f"{_PATH}/{{id}}", may("WEBHOOKS:VIEW", self._read), allow_head=False),
            web.put(f"{_PATH}/{{id}}", may("WEBHOOKS:EDIT", self._replace)),
            web.delete(f"{_PATH}/{{id}}", may("WEBHOOKS:REMOVE", self._delete)),
        ]

    def listening(self, event: Event) -> list[Record]:
        """The hooks that get an event: those without event types, and those whose types and filters include it."""
        hooks = [hook for hook in self._state.hooks.values() if hook["enabled"] and not self._expired(hook)]
        return [hook for hook in hooks if hook["events"] is None or any(_passes(one, event) for one in hook["events"])]

    def note(self, hook_id: str, success: bool) -> None:
        """Note the outcome of one delivery. Too many failures in a row disable the hook."""
        hook = self._state.hooks.get(hook_id)
        if hook is None:
            return
        hook["_failures"] = 0 if success else hook["_failures"] + 1
        if hook["_failures"] >= self._state.options.disable_after:
            self.disable(hook_id)

    def disable(self, hook_id: str) -> None:
        """Disable a hook, as after a hundred failures. Raises UnknownRecord when there is no such hook."""
        self._known(hook_id)["enabled"] = False
        self._forget(hook_id)

    def drop(self, hook_id: str) -> None:
        """Remove a hook without a notice."""
        self._known(hook_id)
        del self._state.hooks[hook_id]
        self._forget(hook_id)

    def dump(self) -> list[Record]:
        """All hooks without their secrets."""
        return [self._shown(hook) for hook in self._state.hooks.values()]

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response([self._answer(hook) for hook in self._state.hooks.values()])

    async def _create(self, request: web.Request) -> web.Response:
        given = self._given(await json_object(request))
        active = sum(hook["enabled"] and not self._expired(hook) for hook in self._state.hooks.values())
        if active >= self._state.options.hook_limit:
            raise Refused(409, "The maximum number of active webhooks has been reached.")
        rng = self._state.world.rng
        token = "whsec_" + "".join(rng.choice(_LETTERS) for _ in range(48))
        hook = {"id": f"wh_{self._state.world.new_id()}", "_token": token, "_failures": 0, **given}
        self._state.hooks[hook["id"]] = hook
        return web.json_response({**self._answer(hook), "token": token})

    async def _read(self, request: web.Request) -> web.Response:
        return web.json_response(self._answer(self._found(request)))

    async def _replace(self, request: web.Request) -> web.Response:
        """Replace a hook. What the body leaves out is reset."""
        hook = self._found(request)
        hook.update(self._given(await json_object(request)))
        hook["_failures"] = 0
        return web.json_response(self._answer(hook))

    async def _delete(self, request: web.Request) -> web.Response:
        self.drop(self._found(request)["id"])
        return empty()

    async def _try_out(self, request: web.Request) -> web.Response:
        """Send one delivery at once. An error answer of the target is not reported."""
        hook, options = self._found(request), self._state.options
        url = (await json_object(request)).get("callbackUrl") or hook["callbackUrl"]
        hook = {**hook, "callbackUrl": url}
        headers, body = envelope(self._state, hook, trial_event(self._state), new_event_id(self._state))
        try:
            await self._send("POST", url, headers, body, options.callback_timeout)
        except (OSError, TimeoutError):
            raise Refused(400, "The callback URL could not be reached.") from None
        return empty()

    def _given(self, body: Mapping[str, Any]) -> Record:
        options = self._state.options
        url, events, name = body.get("callbackUrl"), body.get("events"), body.get("name")
        if not isinstance(url, str) or not url:
            raise Refused(400, "callbackUrl is required")
        if not url.startswith("https://") and not (options.allow_http_callbacks and url.startswith("http://")):
            raise Refused(400, "callbackUrl must be an HTTPS URL")
        if options.needs_name and not name:
            raise Refused(400, "name is required")
        expiry = body.get("expiry", 0)
        if not isinstance(expiry, int) or not 0 <= expiry <= 1000:
            raise Refused(400, "expiry must be between 0 and 1000 days")
        end = utc(self._state.world.clock.now()) + timedelta(days=expiry) if expiry else None
        return {
            "name": name,
            "callbackUrl": url,
            "enabled": body.get("enabled", True) is True,
            "events": self._events(events),
            "expiryDate": end.strftime("%Y-%m-%dT%H:%M:%S") if end else None,
            "_ends": end.timestamp() if end else None,
        }

    def _events(self, events: Any) -> list[Record] | None:
        """The events of a hook; None, for all events, where the body names none."""
        if events is None:
            return None
        if not isinstance(events, list) or not events:
            raise Refused(400, "events must name one or more events")
        types = [event.get("type") if isinstance(event, dict) else None for event in events]
        if wrong := [str(type_) for type_ in types if type_ not in EVENT_TYPES]:
            raise Refused(400, f"unknown event type {', '.join(wrong)}")
        if any(not isinstance(event.get("filter", ""), str | None) for event in events):
            raise Refused(400, "filter must be text")
        kept = [{"type": event["type"], "filter": event.get("filter")} for event in events]
        return [
            {"id": self._state.world.new_id(), **{name: value for name, value in event.items() if value}}
            for event in kept
        ]

    def _expired(self, hook: Record) -> bool:
        return hook["_ends"] is not None and hook["_ends"] <= self._state.world.clock.now()

    def _answer(self, hook: Record) -> Record:
        shown = self._shown(hook)
        return {**shown, "token": hook["_token"]} if self._state.options.show_token else shown

    def _shown(self, hook: Record) -> Record:
        plain = {name: value for name, value in hook.items() if name[0] != "_" and value is not None}
        return {**plain, "expired": self._expired(hook)}

    def _found(self, request: web.Request) -> Record:
        hook = self._state.hooks.get(request.match_info["id"])
        if hook is None:
            raise Refused(404, "The webhook was not found.")
        return hook

    def _known(self, hook_id: str) -> Record:
        hook = self._state.hooks.get(hook_id)
        if hook is None:
            raise UnknownRecord(f"no hook {hook_id}")
        return hook


def _passes(wanted: Record, event: Event) -> bool:
    """Whether a hook's event matches. A filter matches if it names the user, or one of the user's groups.

    The keys of a filter are not documented, so any text in it counts.
    """
    if wanted["type"] != event.type:
        return False
    return "filter" not in wanted or not event.about.isdisjoint(_named(wanted["filter"]))


def _named(text: str) -> set[str]:
    """All texts in a filter that is JSON; otherwise the filter itself."""
    try:
        found = json.loads(text)
    except ValueError:
        return {text}
    return set(_texts(found))


def _texts(value: Any) -> Iterator[str]:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if isinstance(value, str):
        yield value
    for part in parts:
        yield from _texts(part)
