"""Hooks (`/api/webhooks/`) and their deliveries. Written from the package's `webhooks` module."""

import hmac
import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from bridge.simulators.bottlecrm.changes import Event
from bridge.simulators.bottlecrm.shapes import MODULES, delivered
from bridge.simulators.bottlecrm.state import State
from bridge.simulators.control import UnknownRecord
from bridge.simulators.delivery import Callback, DeliveryQueue
from bridge.simulators.records import Record

EVENTS = frozenset(f"{module}.{kind}" for module in MODULES.values() for kind in ("created", "updated", "deleted"))
EVENTS |= {"deal.won", "deal.lost"}
SHOWN = ("id", "url", "description", "events", "format", "is_active", "disabled_reason", "secret_hint")


class HookError(Exception):
    """A refused registration. `errors`: what is wrong, by field."""

    def __init__(self, **errors: str) -> None:
        super().__init__(errors)
        self.errors = {name: [text] for name, text in errors.items()}


class Hooks:
    def __init__(self, state: State, deliveries: DeliveryQueue) -> None:
        self._state, self._deliveries = state, deliveries

    def all(self) -> list[dict[str, Any]]:
        return [self._shown(hook) for hook in self._state.hooks.values()]

    def create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The new hook. Only this answer shows its secret."""
        if len(self._state.hooks) >= self._state.options.hook_limit:
            raise HookError(non_field_errors=f"You can have at most {self._state.options.hook_limit} endpoints.")
        hook: Record = {"id": self._state.world.new_id(), "description": "", "is_active": True, "disabled_reason": ""}
        hook |= {"format": "json", **self._given(body)}
        for name in ("url", "events"):
            if not hook.get(name):
                raise HookError(**{name: "This field is required."})
        self._state.hooks[hook["id"]] = hook
        return {**self._renewed(hook), **self._shown(hook)}

    def change(self, hook_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        hook = self.found(hook_id)
        hook.update(self._given(body))
        if hook["is_active"]:
            hook["disabled_reason"] = ""
        return self._shown(hook)

    def rotate(self, hook_id: str) -> dict[str, Any]:
        hook = self.found(hook_id)
        return {**self._renewed(hook), "secret_hint": hook["secret_hint"]}

    def remove(self, hook_id: str) -> None:
        """Raises UnknownRecord."""
        self.found(hook_id)
        del self._state.hooks[hook_id]
        self._deliveries.forget(hook_id)

    def switch_off(self, hook_id: str, reason: str) -> None:
        self.found(hook_id).update(is_active=False, disabled_reason=reason)

    def found(self, hook_id: str) -> Record:
        """Raises UnknownRecord."""
        if hook_id not in self._state.hooks:
            raise UnknownRecord(f"no hook {hook_id}")
        return self._state.hooks[hook_id]

    def publish(self, event: Event) -> None:
        name = f"{MODULES[event.entity]}.{event.what}"
        body = {
            "id": self._state.world.new_id(),
            "event": name,
            "created_at": self._state.now_text(),
            "org_id": self._state.organisation,
            "data": delivered(event.record, event.entity),
        }
        content = json.dumps(body, separators=(",", ":")).encode()
        for hook in list(self._state.hooks.values()):
            if name in hook["events"] and hook["is_active"]:
                self._deliveries.enqueue(self._callback(hook, name, content))

    def _callback(self, hook: Record, event: str, content: bytes) -> Callback:
        delivery = self._state.world.new_id()

        def render(_attempt: int) -> tuple[Mapping[str, str], bytes]:
            """Each try has a new signature; the delivery's id stays the same."""
            at = int(self._state.world.clock.now())
            proof = hmac.new(hook["secret"].encode(), f"{at}.".encode() + content, sha256).hexdigest()
            headers = {
                "Content-Type": "application/json",
                "User-Agent": "BottleCRM-Webhooks",
                "X-BottleCRM-Event": event,
                "X-BottleCRM-Delivery": delivery,
                "X-BottleCRM-Signature": f"t={at},v1={proof}",
            }
            return headers, content

        return Callback(hook["id"], hook["url"], render)

    def _given(self, body: Mapping[str, Any]) -> dict[str, Any]:
        if "secret" in body:
            raise HookError(secret="The secret is made by the server.")  # noqa: S106
        events = body.get("events", ())
        if unknown := [event for event in events if event not in EVENTS]:
            raise HookError(events=f"Unknown event: {unknown[0]}.")
        url = body.get("url", "http://")
        if not isinstance(url, str) or not url.startswith(("https://", "http://")):
            raise HookError(url="Enter a valid URL.")
        return {name: body[name] for name in ("url", "description", "events", "format", "is_active") if name in body}

    def _renewed(self, hook: Record) -> dict[str, str]:
        secret = f"whsec_{self._state.world.rng.getrandbits(256):064x}"
        hook.update(secret=secret, secret_hint=f"whsec_...{secret[-4:]}")
        return {"secret": secret}

    def _shown(self, hook: Record) -> dict[str, Any]:
        return {name: hook[name] for name in SHOWN}
