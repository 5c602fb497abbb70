"""Registration of hooks (page "Webhooks"), in the present dialect and in that of 2020."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from bridge.simulators.control import UnknownRecord
from bridge.simulators.deskera.answers import Refused, json_object
from bridge.simulators.deskera.state import State
from bridge.simulators.records import Record

EVENTS = (
    "CREATE_PRODUCTS",
    "CREATE_CONTACT",
    "CREATE_BILL",
    "UPDATE_BILL",
    "DELETE_BILL",
    "CREATE_INVOICE",
    "UPDATE_INVOICE",
    "DELETE_INVOICE",
    "CREATE_DEBITNOTE",
    "UPDATE_DEBITNOTE",
    "DELETE_DEBITNOTE",
    "CREATE_CREDITNOTE",
    "UPDATE_CREDITNOTE",
    "DELETE_CREDITNOTE",
    "CREATE_CRM_CONTACT",
    "UPDATE_CRM_CONTACT",
    "DELETE_CRM_CONTACT",
    "CREATE_CRM_DEAL",
    "UPDATE_CRM_DEAL",
    "DELETE_CRM_DEAL",
    "STOCK_IN",
    "STOCK_OUT",
)

SHOWN = ("hookId", "eventType", "webhookUrl", "deleted")
REQUIRED = ("clientId", "clientSecret", "accessToken", "refreshToken", "eventType", "webhookUrl")


class Hooks:
    """The organisation's hooks. Deleted ones are kept and marked. `forget` drops the callbacks that wait for a hook."""

    def __init__(self, state: State, forget: Callable[[str], None]) -> None:
        self._state = state
        self._forget = forget

    async def register(self, request: web.Request) -> web.Response:
        body = await json_object(request)
        self._check(body)
        live = [hook for hook in self._state.hooks.values() if not hook["deleted"]]
        if self._state.options.duplicate_hooks == "first":
            for hook in live:
                if (hook["eventType"], hook["webhookUrl"]) == (body["eventType"], body["webhookUrl"]):
                    return web.json_response(self._shown(hook))
        limit = self._state.options.max_hooks
        if limit is not None and len(live) >= limit:
            raise Refused(400, "Limit of active webhooks reached")
        number = self._state.next_id("hook")
        hook = {
            "hookId": number,
            "eventType": body["eventType"],
            "webhookUrl": body["webhookUrl"],
            "deleted": False,
            "refreshToken": body["refreshToken"],
        }
        self._state.hooks[str(number)] = hook
        return web.json_response(self._shown(hook))

    async def delete(self, request: web.Request) -> web.Response:
        hook = self._state.hooks.get(request.match_info["id"])
        if hook is None or hook["deleted"]:
            raise Refused(404, "Webhook not found")
        self._remove(hook)
        return web.json_response(self._shown(hook))

    async def listed(self, _request: web.Request) -> web.Response:
        everything = self._state.options.list_deleted_hooks
        shown = [self._shown(hook) for hook in self._state.hooks.values() if everything or not hook["deleted"]]
        return web.json_response(shown)

    def drop(self, hook_id: str) -> None:
        """Remove a hook without a notice."""
        hook = self._state.hooks.get(hook_id)
        if hook is None or hook["deleted"]:
            raise UnknownRecord(f"no hook {hook_id}")
        self._remove(hook)

    def listening(self, event: str) -> list[tuple[str, Record]]:
        """The hooks that get `event`."""
        strict = self._state.options.hooks_follow_tokens
        return [
            (hook_id, hook)
            for hook_id, hook in self._state.hooks.items()
            if hook["eventType"] == event
            and not hook["deleted"]
            and not (strict and hook["refreshToken"] not in self._state.refresh)
        ]

    def dump(self) -> list[Record]:
        """All hooks without the credentials they were registered with."""
        return [{k: v for k, v in hook.items() if k != "refreshToken"} for hook in self._state.hooks.values()]

    def _remove(self, hook: Record) -> None:
        hook["deleted"] = True
        self._forget(str(hook["hookId"]))

    def _shown(self, hook: Record) -> Record:
        old = self._state.options.dialect == "2020"
        return {key: hook[key] for key in (("hookId", "deleted") if old else SHOWN)}

    def _check(self, body: dict[str, Any]) -> None:
        wrong = [(key, "is required") for key in REQUIRED if not isinstance(body.get(key), str) or not body[key]]
        if not wrong:
            options = self._state.options
            if (body["clientId"], body["clientSecret"]) != (options.client_id, options.client_secret):
                wrong.append(("clientSecret", "does not belong to clientId"))
            if body["eventType"] not in EVENTS:
                wrong.append(("eventType", f"{body['eventType']} is not an event type"))
            if not body["webhookUrl"].startswith(("http://", "https://")):
                wrong.append(("webhookUrl", "must be a URL"))
        if wrong:
            raise Refused(400, "Validation failed", wrong)
