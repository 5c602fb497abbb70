"""The /_control routes that every simulator has beside the vendor's own API, and the request counter that one of them
shows.

They need no credentials. A flag at the start of a simulator decides whether they exist.

- GET, POST, DELETE /_control/faults: read, replace the named switches, clear all. POST also takes the one-time commands
  `"drop_hooks": [ids]` (the hook disappears without a notice) and `"expire_tokens": true`.
- GET /_control/state: all records and hooks.
- POST /_control/records/{entity}, PATCH and DELETE .../{entity}/{id}: a change made by a person in the product's own
  pages.
- POST /_control/population/{entity} with {"count": 200000}: the account has so many records, which are made when they
  are read (Pipedrive's persons, Deskera's contacts; the same people in both).
- POST /_control/fields/{entity}: a custom field, `{"name": ..., "type": ..., "options": [...]}` with the vendor's own
  types. Without a type: a text field, or a choice field when there are options.
- POST /_control/options/{entity}/{field}: further options of a field, `{"options": [...]}`.
- POST /_control/idle: answers when all callbacks queued so far are delivered or given up.
- GET, DELETE /_control/requests: how often each method and path template was called; reset.
- GET /_control/deliveries: counts and the log of delivery attempts.
"""

import json
from collections import Counter
from typing import Any, Protocol

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bridge.simulators.delivery import DeliveryQueue
from bridge.simulators.faults import Faults

MOST_INHABITANTS = 10_000_000


class UnknownRecord(LookupError):
    """There is no such entity, record or hook."""


class Simulator(Protocol):
    """What the control routes need of a vendor's simulator.

    The `person_...` methods do what a person does in the product's pages. Changes of records cause callbacks that carry
    the vendor's marks for a person's change. The methods raise UnknownRecord or ValueError.
    """

    @property
    def faults(self) -> Faults: ...

    @property
    def deliveries(self) -> DeliveryQueue: ...

    @property
    def requests(self) -> "RequestCounter": ...

    def dump(self) -> dict[str, Any]: ...

    def person_creates(self, entity: str, fields: dict[str, Any]) -> dict[str, Any]: ...

    def person_edits(self, entity: str, record_id: str, fields: dict[str, Any]) -> dict[str, Any]: ...

    def populate(self, entity: str, count: int) -> None: ...

    def person_deletes(self, entity: str, record_id: str) -> None: ...

    def person_adds_field(self, entity: str, name: str, kind: str, options: list[str]) -> dict[str, Any]: ...

    def person_adds_options(self, entity: str, name: str, options: list[str]) -> dict[str, Any]: ...

    def drop_hook(self, hook_id: str) -> None: ...

    def expire_tokens(self) -> None: ...

    async def idle(self) -> None: ...


class RequestCounter:
    """Counts calls of the vendor's API, as "METHOD /path/{template}"; unknown paths count as "METHOD (no such
    path)".
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def middleware(self) -> Middleware:
        @web.middleware
        async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
            if not request.path.startswith("/_control"):
                resource = request.match_info.route.resource
                self.counts[f"{request.method} {resource.canonical if resource else '(no such path)'}"] += 1
            return await handler(request)

        return count

    def writes(self) -> int:
        """The number of calls so far with POST, PUT, PATCH or DELETE."""
        return sum(n for name, n in self.counts.items() if name.split()[0] in ("POST", "PUT", "PATCH", "DELETE"))


def add_control_routes(app: web.Application, simulator: Simulator) -> None:
    """Add all routes listed above to `app`."""
    control = _Control(simulator)
    app.add_routes(
        [
            web.get("/_control/faults", control.show_faults),
            web.post("/_control/faults", control.set_faults),
            web.delete("/_control/faults", control.clear_faults),
            web.get("/_control/state", control.state),
            web.post("/_control/records/{entity}", control.create),
            web.patch("/_control/records/{entity}/{id}", control.edit),
            web.delete("/_control/records/{entity}/{id}", control.delete),
            web.post("/_control/population/{entity}", control.populate),
            web.post("/_control/fields/{entity}", control.add_field),
            web.post("/_control/options/{entity}/{field}", control.add_options),
            web.post("/_control/idle", control.idle),
            web.get("/_control/requests", control.requests),
            web.delete("/_control/requests", control.reset_requests),
            web.get("/_control/deliveries", control.deliveries),
        ]
    )


class _Control:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def show_faults(self, _request: web.Request) -> web.Response:
        return web.json_response(self._simulator.faults.as_json())

    async def set_faults(self, request: web.Request) -> web.Response:
        body = await _json_object(request)
        drop, expire = body.pop("drop_hooks", []), body.pop("expire_tokens", False)
        if not isinstance(drop, list):
            raise _refusal(web.HTTPBadRequest, "drop_hooks must be a list of hook ids")
        try:
            self._simulator.faults.update(body)
            for hook_id in drop:
                self._simulator.drop_hook(str(hook_id))
        except ValueError as error:
            raise _refusal(web.HTTPBadRequest, error) from error
        except UnknownRecord as error:
            raise _refusal(web.HTTPNotFound, error) from error
        if expire:
            self._simulator.expire_tokens()
        return await self.show_faults(request)

    async def clear_faults(self, request: web.Request) -> web.Response:
        self._simulator.faults.clear()
        return await self.show_faults(request)

    async def state(self, _request: web.Request) -> web.Response:
        return web.json_response(self._simulator.dump())

    async def create(self, request: web.Request) -> web.Response:
        fields = await _json_object(request)
        try:
            return web.json_response(self._simulator.person_creates(request.match_info["entity"], fields), status=201)
        except ValueError as error:
            raise _refusal(web.HTTPBadRequest, error) from error
        except UnknownRecord as error:
            raise _refusal(web.HTTPNotFound, error) from error

    async def populate(self, request: web.Request) -> web.Response:
        count = (await _json_object(request)).get("count")
        if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MOST_INHABITANTS:
            raise _refusal(web.HTTPBadRequest, f"count must be a number from 1 to {MOST_INHABITANTS}")
        try:
            self._simulator.populate(request.match_info["entity"], count)
        except ValueError as error:
            raise _refusal(web.HTTPBadRequest, error) from error
        except UnknownRecord as error:
            raise _refusal(web.HTTPNotFound, error) from error
        return web.json_response({}, status=201)

    async def edit(self, request: web.Request) -> web.Response:
        fields, where = await _json_object(request), request.match_info
        try:
            return web.json_response(self._simulator.person_edits(where["entity"], where["id"], fields))
        except ValueError as error:
            raise _refusal(web.HTTPBadRequest, error) from error
        except UnknownRecord as error:
            raise _refusal(web.HTTPNotFound, error) from error

    async def delete(self, request: web.Request) -> web.Response:
        try:
            self._simulator.person_deletes(request.match_info["entity"], request.match_info["id"])
        except UnknownRecord as error:
            raise _refusal(web.HTTPNotFound, error) from error
        return web.json_response({})

    async def add_field(self, request: web.Request) -> web.Response:
        body = await _json_object(request)
        name, kind, options = body.get("name"), body.get("type", ""), _texts(body)
        if not isinstance(name, str) or not name or not isinstance(kind, str):
            raise _refusal(web.HTTPBadRequest, 'write {"name": "Region", "type": "...", "options": [...]}')
        try:
            made = self._simulator.person_adds_field(request.match_info["entity"], name, kind, options)
            return web.json_response(made, status=201)
        except ValueError as error:
            raise _refusal(web.HTTPBadRequest, error) from error
        except UnknownRecord as error:
            raise _refusal(web.HTTPNotFound, error) from error

    async def add_options(self, request: web.Request) -> web.Response:
        options, where = _texts(await _json_object(request)), request.match_info
        if not options:
            raise _refusal(web.HTTPBadRequest, 'write {"options": ["North", "South"]}')
        try:
            made = self._simulator.person_adds_options(where["entity"], where["field"], options)
            return web.json_response(made, status=201)
        except ValueError as error:
            raise _refusal(web.HTTPBadRequest, error) from error
        except UnknownRecord as error:
            raise _refusal(web.HTTPNotFound, error) from error

    async def idle(self, _request: web.Request) -> web.Response:
        await self._simulator.idle()
        return web.json_response({})

    async def requests(self, _request: web.Request) -> web.Response:
        return web.json_response(dict(self._simulator.requests.counts))

    async def reset_requests(self, _request: web.Request) -> web.Response:
        self._simulator.requests.counts.clear()
        return web.json_response({})

    async def deliveries(self, _request: web.Request) -> web.Response:
        queue = self._simulator.deliveries
        lines = [
            {"time": a.time, "hook": a.hook_id, "attempt": a.attempt, "status": a.status, "body": a.body.decode()}
            for a in queue.log
        ]
        return web.json_response({"counts": dict(queue.counts), "attempts": lines})


def _texts(body: dict[str, Any]) -> list[str]:
    options = body.get("options", [])
    if not isinstance(options, list) or not all(isinstance(one, str) and one for one in options):
        raise _refusal(web.HTTPBadRequest, "options must be a list of texts")
    return options


async def _json_object(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError as error:
        raise _refusal(web.HTTPBadRequest, "the body is not JSON") from error
    if not isinstance(body, dict):
        raise _refusal(web.HTTPBadRequest, "the body must be a JSON object")
    return body


def _refusal(kind: type[web.HTTPException], complaint: object) -> web.HTTPException:
    return kind(text=json.dumps({"error": str(complaint)}), content_type="application/json")
