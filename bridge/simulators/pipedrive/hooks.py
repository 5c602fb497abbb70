"""Registration of callbacks: /v1/webhooks (list, create, delete; no get by id, no update)."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from bridge.simulators.delivery import HookHealth
from bridge.simulators.pipedrive.answers import Refused
from bridge.simulators.pipedrive.state import State
from bridge.simulators.records import Record
from bridge.simulators.world import utc

LIMIT = 40
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
SHARED = frozenset({"activity", "deal", "note", "organization", "person", "pipeline", "product", "stage", "user", "*"})
LATER = frozenset({"lead", "project", "task", "board", "phase", "deal_installment", "deal_product"})
ACTIONS = {
    "1.0": frozenset({"added", "updated", "deleted", "merged", "*"}),
    "2.0": frozenset({"create", "change", "delete", "*"}),
}
OBJECTS = {"1.0": SHARED | {"activityType"}, "2.0": SHARED | LATER}
MERGED_OBJECTS = frozenset({"deal", "organization", "person", "*"})


class Hooks:
    """The account's hooks. `health` returns what the delivery queue knows about a hook;
    `forget` makes the queue drop it."""

    def __init__(self, state: State, health: Callable[[str], HookHealth | None], forget: Callable[[str], None]) -> None:
        self._state = state
        self._health = health
        self._forget = forget

    async def page(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "success": True, "data": self.shown()})

    def shown(self) -> list[Record]:
        """All hooks as the API lists them, with the result of their last delivery."""
        return [self._with_health(hook_id, hook) for hook_id, hook in self._state.hooks.items()]

    async def create(self, request: web.Request) -> web.Response:
        """Register a hook. Duplicates are accepted, as the vendor does."""
        body = await _body(request)
        wrong = _complaints(body) | self._url_complaints(body.get("subscription_url"))
        if wrong:
            raise Refused(400, {"status": "error", "success": False, "errors": wrong})
        if len(self._state.hooks) >= LIMIT:
            raise Refused(422, {"status": "error", "success": False, "errors": {"webhooks": ["limit reached"]}})
        if self._state.options.probe_hooks and not await self._answers(body["subscription_url"]):
            raise Refused(400, {"status": "error", "success": False, "errors": _UNREACHABLE})
        hook = self._add(body, application=request.headers.get("Authorization") is not None)
        return web.json_response({"status": "ok", "success": True, "data": hook}, status=201)

    async def delete(self, request: web.Request) -> web.Response:
        hook_id = request.match_info["id"]
        if hook_id not in self._state.hooks:
            raise Refused(404, {"status": "error", "success": False, "errors": {"id": ["not found"]}})
        self.remove(hook_id)
        return web.json_response({"status": "ok", "success": True})

    def remove(self, hook_id: str) -> None:
        """Remove a hook from the list. The callbacks that wait for it are dropped."""
        self._state.hooks.pop(hook_id, None)
        self._forget(hook_id)

    def _add(self, body: Mapping[str, Any], application: bool) -> Record:
        number = self._state.next_id("webhook")
        user = self._state.user_id
        hook = {
            "id": number,
            "company_id": self._state.company_id,
            "owner_id": user,
            "user_id": body.get("user_id") or user,
            "admin_id": user,
            "event_action": body["event_action"],
            "event_object": body["event_object"],
            "subscription_url": body["subscription_url"],
            "version": body.get("version", "2.0"),
            "is_active": 1,
            "add_time": utc(self._state.world.clock.now()).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "remove_time": None,
            "remove_reason": None,
            "type": "application" if application else "general",
            "http_auth_user": body.get("http_auth_user"),
            "http_auth_password": body.get("http_auth_password"),
            "last_delivery_time": None,
            "last_http_status": None,
            "name": body["name"],
        }
        self._state.hooks[str(number)] = hook
        return hook

    def _with_health(self, hook_id: str, hook: Record) -> Record:
        health = self._health(hook_id)
        if health is None or health.last_time is None:
            return hook
        moment = utc(health.last_time).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return {**hook, "last_delivery_time": moment, "last_http_status": health.last_status}

    def _url_complaints(self, url: Any) -> dict[str, list[str]]:
        options = self._state.options
        if not isinstance(url, str):
            return _UNREACHABLE
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
        except ValueError:
            return _UNREACHABLE
        refused = not host or parts.scheme not in ("http", "https")
        refused |= options.require_https and parts.scheme != "https"
        refused |= not options.allow_loopback and host in LOOPBACK
        refused |= host == "pipedrive.com" or host.endswith(".pipedrive.com")
        return _UNREACHABLE if refused else {}

    async def _answers(self, url: str) -> bool:
        try:
            status = await self._state.world.deliver("GET", url, {"User-Agent": "Pipedrive Webhooks"}, b"", 10.0)
        except (OSError, TimeoutError):
            return False
        return 200 <= status < 300


_UNREACHABLE = {"subscription_url": ["invalid or non-reachable URL"]}


async def _body(request: web.Request) -> dict[str, Any]:
    """The body: JSON, or the form encoding that old clients send."""
    if request.content_type == "application/x-www-form-urlencoded":
        form = {key: str(value) for key, value in (await request.post()).items()}
        return {**form, "user_id": int(form["user_id"])} if form.get("user_id", "").isdecimal() else form
    try:
        body = json.loads(await request.read())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refused(400, {"status": "error", "success": False, "errors": {"body": ["must be a JSON object"]}})
    return body


def _complaints(body: Mapping[str, Any]) -> dict[str, list[str]]:
    wrong: dict[str, list[str]] = {}
    name, version = body.get("name"), body.get("version", "2.0")
    if not isinstance(name, str) or not 1 <= len(name) <= 255:
        wrong["name"] = ["must be 1 to 255 characters long"]
    if version not in ACTIONS:
        return {**wrong, "version": ["must be 1.0 or 2.0"]}
    action, event_object = body.get("event_action"), body.get("event_object")
    if action not in ACTIONS[version]:
        wrong["event_action"] = [f"not valid for version {version}"]
    if event_object not in OBJECTS[version] or (action == "merged" and event_object not in MERGED_OBJECTS):
        wrong["event_object"] = [f"not valid for version {version}"]
    return wrong
