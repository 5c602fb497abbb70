"""Builds the simulated organisation as an aiohttp application, with a handle for use from Python."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bridge.simulators.bottlecrm.changes import OTHERS, TEXTS, Changes, Invalid
from bridge.simulators.bottlecrm.hooks import HookError, Hooks
from bridge.simulators.bottlecrm.shapes import COUNTRIES, DETAILS, WORDS, envelope, shown
from bridge.simulators.bottlecrm.state import ENTITIES, Options, State, pipelines, seeded_state
from bridge.simulators.control import RequestCounter, UnknownRecord, add_control_routes
from bridge.simulators.delivery import DeliveryQueue, RetryPolicy
from bridge.simulators.faults import FaultPlayer, Faults, ResponseFault
from bridge.simulators.records import Record
from bridge.simulators.world import World

NOT_FOUND = {"detail": "No record matches the given query."}
STRANGER = {"detail": "Organization context is required. Please login again."}
NO_CREDENTIALS = {
    "detail": "API tokens and organization API keys cannot read or manage other credentials. Sign in to manage them."
}
REFRESH = "/api/auth/refresh-token/"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ID = "{id:[^/]+}"


class BottleSimulator:
    """One simulated organisation."""

    def __init__(self, world: World, options: Options | None = None) -> None:
        options = options or Options()
        self.state: State = seeded_state(world, options)
        self.faults = Faults()
        self.requests = RequestCounter()
        policy = RetryPolicy(delays=options.retry_delays, timeout=options.callback_timeout)
        self.deliveries = DeliveryQueue(world, self.faults, policy, options.time_scale)
        self.hooks = Hooks(self.state, self.deliveries)
        self._changes = Changes(self.state, self.faults, self.hooks.publish)
        self.app = self._build(world)

    def person_creates(self, entity: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Make a record of "accounts", "contacts", "opportunities" or "leads" as a person does.

        Raises UnknownRecord for an unknown entity, ValueError for bad fields.
        """
        self._check(entity, fields)
        try:
            return shown(self.state, entity, self._changes.create(entity, fields))
        except Invalid as invalid:
            raise ValueError(str(invalid.errors)) from invalid

    def person_edits(self, entity: str, record_id: str, fields: dict[str, Any]) -> dict[str, Any]:
        self._check(entity, fields)
        try:
            return shown(self.state, entity, self._changes.edit(entity, str(record_id), fields))
        except Invalid as invalid:
            raise ValueError(str(invalid.errors)) from invalid
        except KeyError as missing:
            raise UnknownRecord(f"no {entity} {record_id}") from missing

    def person_deletes(self, entity: str, record_id: str) -> None:
        self._check(entity, {})
        try:
            self._changes.delete(entity, str(record_id))
        except KeyError as missing:
            raise UnknownRecord(f"no {entity} {record_id}") from missing

    def populate(self, entity: str, count: int) -> None:
        raise ValueError("this simulator has no population")

    def person_adds_field(self, entity: str, name: str, kind: str, options: list[str]) -> dict[str, Any]:
        raise ValueError("this simulator has no custom fields")

    def person_adds_options(self, entity: str, name: str, options: list[str]) -> dict[str, Any]:
        raise ValueError("this simulator has no custom fields")

    def switch_off_hook(self, hook_id: str, reason: str = "") -> None:
        """Switch a hook off, as a person does, or the server after an answer of 410. Raises UnknownRecord."""
        self.hooks.switch_off(hook_id, reason)

    def drop_hook(self, hook_id: str) -> None:
        self.hooks.remove(hook_id)

    def expire_tokens(self) -> None:
        """End the administrator's access tokens now. The token for records never ends."""
        self.state.access.clear()

    async def idle(self) -> None:
        await self.deliveries.idle()

    def dump(self) -> dict[str, Any]:
        records = {entity: [shown(self.state, entity, row) for row in self.state.rows(entity)] for entity in ENTITIES}
        return {"records": records, "hooks": self.hooks.all()}

    def _check(self, entity: str, fields: dict[str, Any]) -> None:
        if entity not in ENTITIES:
            raise UnknownRecord(f"no entity {entity!r}; known: {', '.join(ENTITIES)}")
        if wrong := sorted(fields.keys() - {*TEXTS[entity], *OTHERS[entity]}):
            raise ValueError(f"{entity} has no fields {', '.join(wrong)}")

    def _build(self, world: World) -> web.Application:
        player = FaultPlayer(self.faults, world.clock, world.rng, _fault_answer)
        app = web.Application(middlewares=[self.requests.middleware(), player.middleware(), self._admission()])
        app.add_routes([web.post(REFRESH, self._refresh), web.get("/api/org/", self._organisation)])
        app.add_routes([web.get("/api/opportunities/pipelines/", self._pipelines)])
        for entity in ENTITIES:
            part = _Part(self.state, self.faults, self._changes, entity)
            app.add_routes(part.routes())
        app.add_routes(self._hook_routes())
        if self.state.options.control:
            add_control_routes(app, self)
            app.add_routes([web.post("/_control/organisation", self._control)])
        app.on_shutdown.append(player.release)
        app.cleanup_ctx.append(self._background)
        app[SIMULATOR] = self
        return app

    def _admission(self) -> Middleware:
        """Answers an unknown token with 403. Only an administrator who signed in can manage hooks."""

        @web.middleware
        async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path.startswith("/_control") or request.path == REFRESH:
                return await handler(request)
            token = request.headers.get("Authorization", "").removeprefix("Bearer ")
            signed_in = self.state.access.get(token, 0.0) > self.state.world.clock.now()
            if not signed_in and token != self.state.options.access_token:
                return web.json_response(STRANGER, status=403)
            if request.path.startswith("/api/webhooks/") and not signed_in:
                return web.json_response(NO_CREDENTIALS, status=403)
            return await handler(request)

        return admit

    async def _refresh(self, request: web.Request) -> web.Response:
        """Exchange a refresh token, which is valid once."""
        if (await _body(request)).get("refresh") != self.state.refresh:
            return web.json_response({"error": True, "errors": "Token is invalid or expired"}, status=401)
        rng, now = self.state.world.rng, self.state.world.clock.now()
        self.state.refresh, access = f"refresh-{rng.getrandbits(128):032x}", f"access-{rng.getrandbits(128):032x}"
        self.state.access[access] = now + self.state.options.access_seconds
        return web.json_response({"access": access, "refresh": self.state.refresh})

    async def _organisation(self, _request: web.Request) -> web.Response:
        ours = {"id": self.state.organisation, "name": "Sandbox Organisation"}
        return web.json_response({"error": False, "status": 200, "profile_org_list": [{"role": "ADMIN", "org": ours}]})

    async def _pipelines(self, _request: web.Request) -> web.Response:
        return web.json_response({"pipelines": pipelines(self.state)})

    def _hook_routes(self) -> list[web.RouteDef]:
        one = f"/api/webhooks/{ID}/"
        return [
            web.get("/api/webhooks/", self._list_hooks),
            web.post("/api/webhooks/", self._make_hook),
            web.patch(one, self._change_hook),
            web.delete(one, self._remove_hook),
            web.post(f"{one}rotate-secret/", self._rotate_hook),
        ]

    async def _list_hooks(self, _request: web.Request) -> web.Response:
        limit = self.state.options.hook_limit
        return web.json_response({"endpoints": self.hooks.all(), "event_catalogue": [], "limit": limit})

    async def _make_hook(self, request: web.Request) -> web.Response:
        try:
            return web.json_response(self.hooks.create(await _body(request)), status=201)
        except HookError as wrong:
            return web.json_response(wrong.errors, status=400)

    async def _change_hook(self, request: web.Request) -> web.Response:
        try:
            return web.json_response(self.hooks.change(request.match_info["id"], await _body(request)))
        except HookError as wrong:
            return web.json_response(wrong.errors, status=400)
        except UnknownRecord:
            return web.json_response({"detail": "No such webhook endpoint."}, status=404)

    async def _remove_hook(self, request: web.Request) -> web.Response:
        try:
            self.hooks.remove(request.match_info["id"])
        except UnknownRecord:
            return web.json_response({"detail": "No such webhook endpoint."}, status=404)
        return web.Response(status=204)

    async def _rotate_hook(self, request: web.Request) -> web.Response:
        try:
            return web.json_response(self.hooks.rotate(request.match_info["id"]))
        except UnknownRecord:
            return web.json_response({"detail": "No such webhook endpoint."}, status=404)

    async def _control(self, request: web.Request) -> web.Response:
        """Only for BottleCRM: {"switch_off": [ids of hooks]}."""
        body = await _body(request)
        try:
            for hook_id in body.get("switch_off", []):
                self.switch_off_hook(str(hook_id))
        except UnknownRecord as wrong:
            return web.json_response({"error": str(wrong)}, status=404)
        return web.json_response({})

    async def _background(self, _app: web.Application) -> AsyncIterator[None]:
        yield
        await self.deliveries.stop()


class _Part:
    """The routes of one entity."""

    def __init__(self, state: State, faults: Faults, changes: Changes, entity: str) -> None:
        self._state, self._faults, self._changes, self._entity = state, faults, changes, entity

    def routes(self) -> list[web.RouteDef]:
        path = f"/api/{self._entity}/"
        return [
            web.get(path, self.list),
            web.post(path, self.create),
            web.get(f"{path}{ID}/", self.read),
            web.patch(f"{path}{ID}/", self.edit),
            web.delete(f"{path}{ID}/", self.delete),
        ]

    async def list(self, request: web.Request) -> web.Response:
        query = request.query
        rows = [row for row in self._state.rows(self._entity, self._faults.lag(self._entity)) if _fits(row, query)]
        rows.sort(key=lambda row: row["created_at" if self._entity == "contacts" else "id"], reverse=True)
        seen = [shown(self._state, self._entity, row) for row in rows]
        return web.json_response(envelope(self._entity, seen, int(query.get("offset", 0)), int(query.get("limit", 10))))

    async def create(self, request: web.Request) -> web.Response:
        try:
            made = self._changes.create(self._entity, await _body(request))
        except Invalid as invalid:
            return web.json_response({"error": True, "errors": invalid.errors}, status=400)
        word = WORDS[self._entity]
        return web.json_response({"error": False, "message": f"{word} Created Successfully", "id": made["id"]})

    async def read(self, request: web.Request) -> web.Response:
        record = self._state.get(self._entity, request.match_info["id"], self._faults.lag(self._entity))
        if record is None:
            return self._missing(request)
        return web.json_response(
            {DETAILS[self._entity]: shown(self._state, self._entity, record), "countries": COUNTRIES}
        )

    async def edit(self, request: web.Request) -> web.Response:
        try:
            self._changes.edit(self._entity, request.match_info["id"], await _body(request))
        except KeyError:
            return self._missing(request)
        except Invalid as invalid:
            return web.json_response({"error": True, "errors": invalid.errors}, status=400)
        return web.json_response({"error": False, "message": f"{WORDS[self._entity]} Updated Successfully"})

    async def delete(self, request: web.Request) -> web.Response:
        try:
            self._changes.delete(self._entity, request.match_info["id"])
        except KeyError:
            return self._missing(request)
        return web.json_response({"error": False, "message": f"{WORDS[self._entity]} Deleted Successfully."})

    def _missing(self, request: web.Request) -> web.Response:
        """The answer for a missing record. An id of another form is answered with a web page."""
        if UUID.fullmatch(request.match_info["id"]) is None:
            return web.Response(status=404, text="<!doctype html>\n<title>Not Found</title>", content_type="text/html")
        return web.json_response(NOT_FOUND, status=404)


SIMULATOR = web.AppKey("bottlecrm_simulator", BottleSimulator)


def create_app(world: World, options: Options | None = None) -> web.Application:
    """The application. Its simulator is `app[SIMULATOR]`."""
    return BottleSimulator(world, options).app


def _fits(row: Record, query: Any) -> bool:
    """The filters of the lists: parts of a text, ignoring case, and the day of creation."""
    for name in ("name", "email", "phone", "city"):
        wanted, have = query.get(name), row.get(name)
        if wanted and wanted.casefold() not in (have or "").casefold():
            return False
    return bool(row["created_at"][:10] >= query.get("created_at__gte", ""))


def _fault_answer(_request: web.Request, fault: ResponseFault) -> web.StreamResponse:
    return web.json_response({"detail": "A server error occurred."}, status=fault.status)


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text=json.dumps({"detail": "JSON parse error"}), content_type="application/json")
    return body
