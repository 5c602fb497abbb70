"""The webhook resource (pages "Webhooks", REST reference Webhook) and the states of a hook.

A hook is tested before it is saved. After nine failed tries in a row it changes to TooManyErrors, after a 410 at once;
the callbacks that wait for it are lost and never sent again.
"""

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from bridge.simulators.control import UnknownRecord
from bridge.simulators.records import Record
from bridge.simulators.superoffice.access import caller_of, root_of
from bridge.simulators.superoffice.answers import Refused, invalid, json_body, json_object, not_found
from bridge.simulators.superoffice.changes import Event
from bridge.simulators.superoffice.dates import EMPTY, View
from bridge.simulators.superoffice.events import event_body, headers_for
from bridge.simulators.superoffice.patching import patched
from bridge.simulators.superoffice.state import HUMAN, Caller, State
from bridge.simulators.world import Deliver

STATES = ("Unknown", "Active", "Stopped", "TooManyErrors")
FAILURES = 9
_USAGE = ("TotalCalls", "TotalErrors", "ConsecutiveErrors", "LastError")
_FIELDS: dict[str, Any] = {
    "Name": "",
    "Events": [],
    "TargetUrl": "",
    "Secret": None,
    "State": "Active",
    "Type": "webhook",
    "Headers": {},
    "Properties": {},
    "ErrorsEmail": "",
    "Description": "",
}


class Hooks:
    """The tenant's hooks. An app sees only its own. `forget` drops the callbacks that wait for a hook."""

    def __init__(
        self, state: State, send: Deliver, forget: Callable[[str], None], publish: Callable[[Event], None]
    ) -> None:
        self._state = state
        self._send = send
        self._forget = forget
        self._publish = publish

    def routes(self, root: str) -> list[web.RouteDef]:
        here, one = f"{root}/Webhook", f"{root}/Webhook/{{id:[0-9]+}}"
        return [
            web.get(f"{here}/default", self._default, allow_head=False),
            web.get(here, self._list, allow_head=False),
            web.post(here, self._create),
            web.post(f"{here}/Test", self._try_out),
            web.get(one, self._read, allow_head=False),
            web.put(one, self._replace),
            web.patch(one, self._patch),
            web.delete(one, self._delete),
            web.get(f"{one}/LastError", self._last_error, allow_head=False),
            web.post(f"{here}/{{event:[^/]+}}/{{key:[0-9]+}}", self._signal),
        ]

    def listening(self, event: str) -> list[tuple[str, Record]]:
        """The active hooks that get `event`."""
        return [
            (hook_id, hook)
            for hook_id, hook in self._state.hooks.items()
            if hook["State"] == "Active" and hook["Type"] == "webhook" and event in hook["Events"]
        ]

    def due(self, hook_id: str, active_time: int) -> bool:
        """Whether a callback queued in that active time is still sent. A stop drops what was queued before it."""
        hook = self._state.hooks.get(hook_id)
        return hook is not None and hook["State"] == "Active" and hook["_active_time"] == active_time

    def note(self, hook_id: str, status: int | None, success: bool) -> None:
        """Note the outcome of one try of a callback."""
        hook = self._state.hooks.get(hook_id)
        if hook is None:
            return
        hook["TotalCalls"] += 1
        if success:
            hook["_failures"] = hook["ConsecutiveErrors"] = 0
            return
        hook["TotalErrors"] += 1
        hook["_failures"] += 1
        hook["ConsecutiveErrors"] = hook["_failures"] // 3
        hook["LastError"] = "No answer" if status is None else f"HTTP status {status}"
        if hook["State"] == "Active" and (status == 410 or hook["_failures"] >= FAILURES):
            self._enter(hook, "TooManyErrors")

    def set_state(self, hook_id: str, word: str) -> None:
        """Set a hook's state, as an administrator does. Raises UnknownRecord or ValueError."""
        if word not in STATES[1:]:
            raise ValueError(f"a hook is {', '.join(STATES[1:])}, not {word!r}")
        self._enter(self._known(hook_id), word)

    def drop(self, hook_id: str) -> None:
        """Remove a hook without a notice."""
        self._known(hook_id)
        del self._state.hooks[hook_id]
        self._forget(hook_id)

    def dump(self) -> list[Record]:
        """All hooks without their secrets."""
        return [
            {name: value for name, value in hook.items() if name not in ("Secret", "_app")}
            for hook in self._state.hooks.values()
        ]

    def default(self) -> Record:
        """A hook that is not saved yet."""
        empty = {**_FIELDS, "WebhookId": 0, "Events": ["contact.created", "contact.deleted"], "Secret": None}
        return {**empty, "Registered": EMPTY, "Updated": EMPTY, "Headers": None, "Properties": None}

    def listed(self, caller: Caller, name: str = "", event: str = "", status: str = "") -> list[Record]:
        """The app's own hooks. An unknown status is refused; `Unknown` filters nothing. Raises Refused."""
        status = status or "Unknown"
        if status not in STATES:
            raise Refused(400, "ArgumentException", f"statusFilter must be one of {', '.join(STATES)}")
        return [
            self.shown(hook)
            for hook in self._state.hooks.values()
            if hook["_app"] == caller.app
            and (not name or hook["Name"] == name)
            and (not event or event in hook["Events"])
            and status in ("Unknown", hook["State"])
        ]

    async def create(self, body: Mapping[str, Any], caller: Caller) -> Record:
        """Create a hook after its target answered a test. Raises Refused."""
        if not self._state.options.agent:
            raise Refused(500, "SoSecurityException", "the Webhook agent is not enabled for this application")
        hook = {**_FIELDS, **_given(body), "_app": caller.app, "_failures": 0, "_active_time": 0, "WebhookId": 0}
        hook |= {"TotalCalls": 0, "TotalErrors": 0, "ConsecutiveErrors": 0, "LastError": ""}
        _check(hook)
        await self._tested(hook)
        now = int(self._state.now())
        hook |= {"WebhookId": self._state.next_id("hook"), "_registered": (now, caller.associate)}
        hook["_updated"] = hook["_registered"]
        self._state.hooks[str(hook["WebhookId"])] = hook
        return hook

    async def replace(self, hook: Record, body: Mapping[str, Any], caller: Caller) -> Record:
        """Replace a hook. Fields that are not named are emptied. Raises Refused."""
        return await self._store(hook, {**_FIELDS, **_given(body)}, caller)

    async def try_out(self, body: Mapping[str, Any]) -> Record:
        """Send a test to the target of a hook, which need not be saved."""
        status = await self._test({**_FIELDS, **_given(body), "WebhookId": 0})
        text = "no answer" if status is None else f"HTTP {status}"
        return {"Success": status == 200, "Message": text, "TableRight": None, "FieldProperties": {}}

    def signal(self, name: str, key: int, caller: Caller) -> None:
        """Raise any event. The data in the request are not passed on."""
        self._publish(Event(name, name.partition(".")[0], key, (), caller.associate))

    def mine(self, number: object, caller: Caller) -> Record:
        """A hook of the caller's app. Raises Refused."""
        hook = self._state.hooks.get(str(number))
        if hook is None or hook["_app"] != caller.app:
            raise not_found(f"Webhook {number}")
        return hook

    async def _default(self, _request: web.Request) -> web.Response:
        return web.json_response(self.default())

    async def _list(self, request: web.Request) -> web.Response:
        """The hooks as a plain array."""
        asked = (request.query.get(f"{name}Filter", "") for name in ("name", "event", "status"))
        return web.json_response(self.listed(caller_of(request), *asked))

    async def _create(self, request: web.Request) -> web.Response:
        hook = await self.create(await json_object(request), caller_of(request))
        return web.json_response(self.shown(hook, request))

    async def _read(self, request: web.Request) -> web.Response:
        return web.json_response(self.shown(self._mine(request), request))

    async def _replace(self, request: web.Request) -> web.Response:
        hook = await self.replace(self._mine(request), await json_object(request), caller_of(request))
        return web.json_response(self.shown(hook, request))

    async def _patch(self, request: web.Request) -> web.Response:
        body, hook = await json_body(request), self._mine(request)
        changed, _touched = patched({name: hook[name] for name in _FIELDS}, body)
        await self._store(hook, _given(changed), caller_of(request))
        return web.json_response(self.shown(hook, request))

    async def _store(self, hook: Record, fields: Mapping[str, Any], caller: Caller) -> Record:
        wanted = {**hook, **fields, "State": fields.get("State", hook["State"])}
        _check(wanted)
        if self._state.options.retest and wanted["State"] == "Active":
            await self._tested(wanted)
        word, was = wanted.pop("State"), hook["State"]
        hook |= {name: value for name, value in wanted.items() if name in _FIELDS}
        hook["_updated"] = (int(self._state.now()), caller.associate)
        if word != was:
            self._enter(hook, word)
        return hook

    async def _delete(self, request: web.Request) -> web.Response:
        hook = self._state.hooks.get(request.match_info["id"])
        if hook is None or hook["_app"] != caller_of(request).app:
            status = self._state.options.unknown_hook_delete
            if status >= 400:
                raise not_found(f"Webhook {request.match_info['id']}")
            return web.Response(status=status)
        self.drop(request.match_info["id"])
        return web.Response(status=204)

    async def _try_out(self, request: web.Request) -> web.Response:
        return web.json_response(await self.try_out(await json_object(request)))

    async def _last_error(self, request: web.Request) -> web.Response:
        return web.json_response(self._mine(request)["LastError"])

    async def _signal(self, request: web.Request) -> web.Response:
        self.signal(request.match_info["event"], int(request.match_info["key"]), caller_of(request))
        return web.Response(status=204)

    async def _tested(self, hook: Record) -> None:
        if hook["Type"] != "webhook":
            return
        status = await self._test(hook)
        if status != 200:
            text = "did not answer" if status is None else f"answered {status}"
            raise Refused(self._state.options.refused_hook_status, "SoWebhookException", f"the target {text} to a test")

    async def _test(self, hook: Record) -> int | None:
        """Send the `test` event. Return the status, or None when no answer came."""
        event = Event("test", "test", 0, (), HUMAN)
        event_id = self._state.world.new_id()
        raw = web.json_response({"EventId": event_id, **event_body(self._state, hook, event)}).body
        assert isinstance(raw, bytes)
        headers = {**headers_for(hook, "test", event_id, raw), "X-Hook-Test": "true"}
        try:
            return await self._send("POST", hook["TargetUrl"], headers, raw, self._state.options.callback_timeout)
        except (OSError, TimeoutError):
            return None

    def _enter(self, hook: Record, word: str) -> None:
        """Change the state, and raise the event for that."""
        if word == hook["State"]:
            return
        hook["State"] = word
        hook_id = hook["WebhookId"]
        if word == "Active":
            hook["_failures"] = hook["ConsecutiveErrors"] = 0
            hook["_active_time"] += 1
        else:
            self._forget(str(hook_id))
        verb = {"Active": "started", "Stopped": "stopped", "TooManyErrors": "errors"}[word]
        self._publish(Event(f"webhook{hook_id}.{verb}", "webhook", hook_id, (), 0))

    def _mine(self, request: web.Request) -> Record:
        return self.mine(request.match_info["id"], caller_of(request))

    def _known(self, hook_id: str) -> Record:
        hook = self._state.hooks.get(hook_id)
        if hook is None:
            raise UnknownRecord(f"no hook {hook_id}")
        return hook

    def shown(self, hook: Record, request: web.Request | None = None) -> Record:
        """The hook as the API shows it. It has links if a request is given."""
        options, view = self._state.options, View(self._state.zone)
        hidden = () if options.usage_counters else _USAGE
        shown = {name: value for name, value in hook.items() if name[0] != "_" and name not in hidden}
        if not options.show_secret:
            shown["Secret"] = None
        for name, key in (("Registered", "_registered"), ("Updated", "_updated")):
            at, who = hook[key]
            shown |= {name: view.stamp(at), f"{name}Associate": self._state.associates.get(who)}
        if request is not None:
            here = f"{root_of(request)}/Webhook"
            shown["_Links"] = {"Self": f"{here}/{hook['WebhookId']}", "Archive": here}
        return shown


def _given(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that a body sets, with null as empty. The state may also be a number."""
    given = {name: _FIELDS[name] if body[name] is None else body[name] for name in _FIELDS if name in body}
    state = given.get("State")
    if type(state) is int and 0 <= state < len(STATES):
        given["State"] = STATES[state]
    return given


def _check(hook: Mapping[str, Any]) -> None:
    """Raises Refused for what cannot be stored."""
    for name, kind, length in (("Name", str, 400), ("TargetUrl", str, 4000), ("Events", list, None)):
        if not isinstance(hook[name], kind) or (length and len(hook[name]) > length):
            raise invalid(f"{name} of a webhook has the wrong form")
    if not hook["Events"] or len(",".join(str(event) for event in hook["Events"])) > 4000:
        raise invalid("Events must name one or more events, in less than 4000 characters")
    if hook["State"] not in STATES[1:] or hook["Type"] not in ("webhook", "crmscript"):
        raise invalid("State or Type of a webhook has an unknown value")
    if hook["Type"] == "webhook" and not hook["TargetUrl"].startswith(("http://", "https://")):
        raise invalid("TargetUrl must be a URL")
