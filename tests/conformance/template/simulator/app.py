"""The simulated account, with its own state, credential, ids, times and error bodies; no code of the connector."""

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bridge.simulators.control import RequestCounter, UnknownRecord, add_control_routes
from bridge.simulators.delivery import DeliveryQueue, RetryPolicy
from bridge.simulators.faults import FaultPlayer, Faults, ResponseFault
from bridge.simulators.records import Record, Table
from bridge.simulators.world import World, utc

ENTITY = "items"
FIELDS = ("name", "note", "price")


@dataclass(frozen=True)
class Options:
    """Credentials and behaviour."""

    api_token: str = "sandbox-token"  # noqa: S105 - the simulator's own
    control: bool = True


@dataclass
class State:
    """The whole content of the account."""

    world: World
    options: Options
    table: Table = field(init=False)
    last_id: int = 0

    def __post_init__(self) -> None:
        self.table = Table(self.world.clock)


class Refused(Exception):
    """Ends a request with an error answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class SampleSimulator:
    def __init__(self, world: World, options: Options | None = None) -> None:
        self.state = State(world, options or Options())
        self.faults = Faults()
        self.requests = RequestCounter()
        self.deliveries = DeliveryQueue(world, self.faults, RetryPolicy())
        self.app = self._build(world)

    def person_creates(self, entity: str, fields: dict[str, Any]) -> dict[str, Any]:
        self._check(entity)
        try:
            return self._created(fields)
        except Refused as refused:
            raise ValueError(str(refused)) from refused

    def person_edits(self, entity: str, record_id: str, fields: dict[str, Any]) -> dict[str, Any]:
        self._check(entity)
        try:
            return self._edited(str(record_id), fields)
        except Refused as refused:
            raise (UnknownRecord if refused.status == 404 else ValueError)(str(refused)) from refused

    def person_deletes(self, entity: str, record_id: str) -> None:
        self._check(entity)
        try:
            self.state.table.remove(str(record_id))
        except KeyError as missing:
            raise UnknownRecord(f"no item {record_id}") from missing

    def populate(self, entity: str, count: int) -> None:
        raise ValueError("this simulator has no population")

    def person_adds_field(self, entity: str, name: str, kind: str, options: list[str]) -> dict[str, Any]:
        raise ValueError("this simulator has no custom fields")

    def person_adds_options(self, entity: str, name: str, options: list[str]) -> dict[str, Any]:
        raise ValueError("this simulator has no custom fields")

    def drop_hook(self, hook_id: str) -> None:
        raise UnknownRecord("there are no hooks")

    def expire_tokens(self) -> None:
        """Tokens of this product do not expire."""

    async def idle(self) -> None:
        await self.deliveries.idle()

    def dump(self) -> dict[str, Any]:
        return {"records": {ENTITY: [record for _, record in self.state.table.rows()]}, "hooks": []}

    def _created(self, body: dict[str, Any]) -> Record:
        self.state.last_id += 1
        now = self._now()
        fresh = {"id": self.state.last_id, **dict.fromkeys(FIELDS), "created_at": now, "updated_at": now}
        made = self._checked({**fresh, **self._given(body)})
        self.state.table.put(str(made["id"]), made)
        return made

    def _edited(self, record_id: str, body: dict[str, Any]) -> Record:
        record = self.state.table.get(record_id)
        if record is None:
            raise Refused(404, "there is no such item")
        changed = self._checked({**record, **self._given(body), "updated_at": self._now()})
        self.state.table.put(record_id, changed)
        return changed

    def _given(self, body: dict[str, Any]) -> dict[str, Any]:
        if unknown := sorted(body.keys() - set(FIELDS)):
            raise Refused(400, f"unknown fields: {', '.join(unknown)}")
        return self.faults.trimmed(ENTITY, body)

    @staticmethod
    def _checked(record: Record) -> Record:
        if not isinstance(record["name"], str) or not record["name"]:
            raise Refused(400, "name is required")
        return record

    def _now(self) -> str:
        return utc(self.state.world.clock.now()).isoformat()

    @staticmethod
    def _check(entity: str) -> None:
        if entity != ENTITY:
            raise UnknownRecord(f"no entity {entity!r}; known: {ENTITY}")

    def _build(self, world: World) -> web.Application:
        player = FaultPlayer(self.faults, world.clock, world.rng, _fault_answer)
        app = web.Application(middlewares=[self.requests.middleware(), player.middleware(), self._admission()])
        app.add_routes(
            [
                web.get("/me", self._me),
                web.get("/items", self._list),
                web.post("/items", self._create),
                web.get("/items/{id}", self._read),
                web.patch("/items/{id}", self._edit),
                web.delete("/items/{id}", self._delete),
            ]
        )
        if self.state.options.control:
            add_control_routes(app, self)
        app.on_shutdown.append(player.release)
        app[SIMULATOR] = self
        return app

    def _admission(self) -> Middleware:
        @web.middleware
        async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
            wanted = f"Bearer {self.state.options.api_token}"
            if not request.path.startswith("/_control") and request.headers.get("Authorization") != wanted:
                return _answer({"error": "the token is not known"}, 401)
            try:
                return await handler(request)
            except Refused as refused:
                return _answer({"error": str(refused)}, refused.status)

        return admit

    async def _me(self, _request: web.Request) -> web.Response:
        return _answer({"id": "account-1", "name": "Sandbox"})

    async def _list(self, request: web.Request) -> web.Response:
        """List by id; `after` is the last id of the page before."""
        query, after = request.query, int(request.query.get("after", 0))
        rows = [row for _, row in self.state.table.rows(self.faults.lag(ENTITY)) if row["id"] > after]
        for name, shown in (("updated_since", "updated_at"), ("created_since", "created_at")):
            if name in query:
                rows = [row for row in rows if row[shown] >= query[name]]
        if "name" in query:
            rows = [row for row in rows if row["name"] == query["name"]]
        page = rows[: int(query.get("limit", 100))]
        return _answer({"items": page, "next": page[-1]["id"] if len(page) < len(rows) else None})

    async def _create(self, request: web.Request) -> web.Response:
        return _answer(self._created(await _body(request)), 201)

    async def _read(self, request: web.Request) -> web.Response:
        record = self.state.table.get(request.match_info["id"], self.faults.lag(ENTITY))
        if record is None:
            raise Refused(404, "there is no such item")
        return _answer(record)

    async def _edit(self, request: web.Request) -> web.Response:
        return _answer(self._edited(request.match_info["id"], await _body(request)))

    async def _delete(self, request: web.Request) -> web.Response:
        try:
            self.state.table.remove(request.match_info["id"])
        except KeyError:
            raise Refused(404, "there is no such item") from None
        return _answer({"id": request.match_info["id"]})


SIMULATOR = web.AppKey("sample_simulator", SampleSimulator)


def create_app(world: World, options: Options | None = None) -> web.Application:
    """Return the application; its simulator is `app[SIMULATOR]`."""
    return SampleSimulator(world, options).app


def _fault_answer(_request: web.Request, fault: ResponseFault) -> web.StreamResponse:
    return _answer({"error": "as switched"}, fault.status)


def _answer(body: Any, status: int = 200) -> web.Response:
    return web.json_response(body, status=status, dumps=lambda value: json.dumps(value, default=float))


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read() or b"{}", parse_float=Decimal)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refused(400, "the body must be a JSON object")
    return body
