"""Builds the simulated database as an aiohttp application, with a handle for use from Python."""

import json
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bridge.simulators.control import RequestCounter, UnknownRecord, add_control_routes
from bridge.simulators.delivery import DeliveryQueue, RetryPolicy
from bridge.simulators.faults import FaultPlayer, Faults
from bridge.simulators.records import Record
from bridge.simulators.tryton.changes import FIRST, Changes
from bridge.simulators.tryton.models import MANY, MODELS
from bridge.simulators.tryton.rpc import BODY, METHOD, Rpc, fault_answer, page
from bridge.simulators.tryton.rules import Refused
from bridge.simulators.tryton.state import GONE, PERSON, Options, State, seeded_state
from bridge.simulators.tryton.values import to_wire
from bridge.simulators.world import World

ENTITIES = (
    "party.party",
    "product.template",
    "product.product",
    "sale.opportunity",
    "sale.sale",
    "company.employee",
)


class TrytonSimulator:
    """One simulated database. It sends no callbacks, so `deliveries` stays empty."""

    def __init__(self, world: World, options: Options | None = None) -> None:
        options = options or Options()
        self.state: State = seeded_state(world, options)
        self.faults = Faults()
        self.requests = RequestCounter()
        self.deliveries = DeliveryQueue(world, self.faults, RetryPolicy())
        self._changes = Changes(self.state, self.faults)
        self._rpc = Rpc(self.state, self.faults, self._changes)
        self.app = self._build(world)

    def person_creates(self, entity: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Make a record as a person does in Tryton's own client. `email`, `phone` and so on become a new party's first
        mechanisms.

        Raises UnknownRecord or ValueError.
        """
        return self._as_person(entity, lambda t: self._changes.create(entity, self._checked(entity, fields), t))

    def person_edits(self, entity: str, record_id: Any, fields: dict[str, Any]) -> dict[str, Any]:
        """Write fields. `email` and so on change the first mechanism of their kind, as the party's own form does."""

        def work(t: Any) -> int:
            number = self._number(entity, record_id)
            self._changes.write(entity, [number], self._with_commands(number, self._checked(entity, fields)), t)
            return number

        return self._as_person(entity, work)

    def person_deletes(self, entity: str, record_id: Any) -> None:
        number = self._number(entity, record_id)
        transaction = self._changes.begin({}, PERSON)
        try:
            self._changes.delete(entity, [number], transaction)
        except Refused as refused:
            self._changes.roll_back(transaction)
            raise ValueError(refused.error[1][0]) from refused

    def person_merges(self, absorbed: Any, survivor: Any) -> None:
        """Run the wizard that replaces a party by another one."""
        self._changes.replace(self._number("party.party", absorbed), self._number("party.party", survivor))

    def person_presses(self, entity: str, record_id: Any, button: str) -> dict[str, Any]:
        """Press a button of a workflow, such as `quote` of a sale."""
        number = self._number(entity, record_id)

        def work(t: Any) -> int:
            self._changes.press(entity, button, [number], t)
            return number

        return self._as_person(entity, work)

    def populate(self, entity: str, count: int) -> None:
        raise ValueError("this simulator has no population")

    def person_adds_field(self, entity: str, name: str, kind: str, options: list[str]) -> dict[str, Any]:
        raise ValueError("fields of a database come with its modules: nobody adds one by hand")

    def person_adds_options(self, entity: str, name: str, options: list[str]) -> dict[str, Any]:
        raise ValueError("options of a field come with its module: nobody adds one by hand")

    def drop_hook(self, hook_id: str) -> None:
        raise UnknownRecord("there are no hooks")

    def expire_tokens(self) -> None:
        """End all sessions now."""
        self.state.sessions.clear()

    async def idle(self) -> None:
        """There is nothing to wait for."""

    def dump(self) -> dict[str, Any]:
        return {"records": {model: [self._shown(model, row) for row in self.state.rows(model)] for model in ENTITIES}}

    def _as_person(self, entity: str, work: Any) -> dict[str, Any]:
        self._known(entity)
        transaction = self._changes.begin({"company": 1, "employee": 1}, PERSON)
        try:
            record_id = work(transaction)
        except Refused as refused:
            self._changes.roll_back(transaction)
            raise ValueError(str((refused.error[-1] and refused.error[-1][0]) or refused.error[0])) from refused
        found = self.state.get(entity, record_id)
        assert found is not None
        return self._shown(entity, found)

    def _with_commands(self, party: int, fields: dict[str, Any]) -> dict[str, Any]:
        """`email` and so on as the commands that the party's form sends."""
        there = self.state.children("party.contact_mechanism", "party", party)
        commands: list[Any] = []
        for kind in [name for name in fields if name in FIRST]:
            first = next((row["id"] for row in there if row["type"] == kind and row["active"]), None)
            text = fields.pop(kind)
            if first is None:
                commands += [["create", [{"type": kind, "value": text}]]] if text else []
            else:
                commands.append(["write", [first], {"value": text}] if text else ["delete", [first]])
        return {**fields, **({"contact_mechanisms": commands} if commands else {})}

    def _checked(self, entity: str, fields: dict[str, Any]) -> dict[str, Any]:
        known = {*MODELS[self._known(entity)].fields, *(FIRST if entity == "party.party" else ())}
        if wrong := sorted(fields.keys() - known):
            raise ValueError(f"{entity} has no fields {', '.join(wrong)}")
        return dict(fields)

    def _known(self, entity: str) -> str:
        if entity not in ENTITIES:
            raise UnknownRecord(f"no entity {entity!r}; known: {', '.join(ENTITIES)}")
        return entity

    def _number(self, entity: str, record_id: Any) -> int:
        found = self.state.get(self._known(entity), record_id)
        if found is None:
            raise UnknownRecord(f"no {entity} {record_id}")
        return int(found["id"])

    def _shown(self, model: str, row: Record) -> dict[str, Any]:
        """The record with its children."""
        shown = {name: to_wire(value) for name, value in row.items() if name != GONE}
        for name, known in MODELS[model].fields.items():
            if known.type == MANY:
                children = self.state.children(known.to, known.inverse, row["id"])
                shown[name] = [self._shown(known.to, child) for child in children]
        return shown

    def _build(self, world: World) -> web.Application:
        player = FaultPlayer(self.faults, world.clock, world.rng, fault_answer, name=lambda request: request[METHOD])
        app = web.Application(middlewares=[_reading(), self._counting(), player.middleware()])
        app.add_routes([web.post("/rpc/", self._rpc.root), web.post("/{database}/rpc/", self._rpc.database)])
        if self.state.options.control:
            add_control_routes(app, self)
            app.add_routes([web.post("/_control/database", self._control_database)])
        app.on_shutdown.append(player.release)
        app[SIMULATOR] = self
        return app

    def _counting(self) -> Middleware:
        """Count by the method of the call, because all calls have the same path."""

        @web.middleware
        async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
            if not request.path.startswith("/_control"):
                self.requests.counts[f"{request.method} {request[METHOD]}"] += 1
            return await handler(request)

        return count

    async def _control_database(self, request: web.Request) -> web.Response:
        """Only for Tryton: {"merge": [absorbed, survivor]} of parties; {"press": [entity, id,
        button]}, such as `quote`."""
        body = json.loads(await request.read() or b"{}")
        try:
            if "press" in body:
                return web.json_response(self.person_presses(*body["press"]))
            self.person_merges(*body["merge"])
        except (UnknownRecord, KeyError, TypeError, ValueError) as wrong:
            return web.json_response({"error": str(wrong)}, status=400)
        return web.json_response({})


def _reading() -> Middleware:
    """Read the call before other middlewares run, because only the body names its method."""

    @web.middleware
    async def take(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/_control"):
            return await handler(request)
        try:
            body = json.loads(await request.read(), parse_float=float)
        except ValueError:
            return page(400)
        if not isinstance(body, dict):
            return page(400)
        request[BODY], request[METHOD] = body, f"{request.path}{body.get('method')}"
        return await handler(request)

    return take


SIMULATOR = web.AppKey("tryton_simulator", TrytonSimulator)


def create_app(world: World, options: Options | None = None) -> web.Application:
    """The application. Its simulator is `app[SIMULATOR]`."""
    return TrytonSimulator(world, options).app
