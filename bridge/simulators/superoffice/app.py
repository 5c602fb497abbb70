"""Builds the simulated tenant as an aiohttp application, with a handle for use from Python."""

import dataclasses
from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol

from aiohttp import web

from bridge.simulators.control import RequestCounter, UnknownRecord, add_control_routes
from bridge.simulators.delivery import Callback, DeliveryQueue, RetryPolicy
from bridge.simulators.faults import FaultPlayer, Faults
from bridge.simulators.records import Record
from bridge.simulators.superoffice.access import Access, check_tenant_state
from bridge.simulators.superoffice.agents.appointments import Appointments
from bridge.simulators.superoffice.agents.archives import Archives
from bridge.simulators.superoffice.agents.calls import Agents
from bridge.simulators.superoffice.agents.foreign import ForeignSystem
from bridge.simulators.superoffice.agents.hooks import hook_methods
from bridge.simulators.superoffice.agents.lists import ListAgent, LookUps
from bridge.simulators.superoffice.agents.records import record_methods
from bridge.simulators.superoffice.agents.sales import sale_methods
from bridge.simulators.superoffice.answers import Refused, fault_answer, json_object, refusals
from bridge.simulators.superoffice.archive import Archive
from bridge.simulators.superoffice.changes import Changes, Event
from bridge.simulators.superoffice.custom import KINDS
from bridge.simulators.superoffice.dates import View
from bridge.simulators.superoffice.entities import Resource
from bridge.simulators.superoffice.events import Outgoing, renderer
from bridge.simulators.superoffice.foreign import ForeignKeys
from bridge.simulators.superoffice.hooks import Hooks
from bridge.simulators.superoffice.lists import Lists
from bridge.simulators.superoffice.schema import ENTITIES, Entity
from bridge.simulators.superoffice.shapes import known, show
from bridge.simulators.superoffice.state import HUMAN, Caller, Options, State, seeded_state
from bridge.simulators.world import World

DELAYS = (1.0, 4.0)
PERSON = Caller(HUMAN)


class SuperOfficeSimulator:
    """One simulated tenant."""

    def __init__(self, world: World, options: Options | None = None) -> None:
        options = options or Options()
        delays = DELAYS + (0.0, *DELAYS) * (2 if options.requeue else 0)
        self.state: State = seeded_state(world, options)
        self.faults = Faults()
        self.requests = RequestCounter()
        judged = dataclasses.replace(world, deliver=self._deliver)
        policy = RetryPolicy(delays=delays, timeout=options.callback_timeout)
        self.deliveries = DeliveryQueue(judged, self.faults, policy, options.time_scale)
        self.hooks = Hooks(self.state, world.deliver, self.deliveries.forget, self._publish)
        self.access = Access(self.state)
        self._changes = Changes(self.state, self.faults, self._publish)
        self.app = self._build(world)

    def person_creates(self, entity: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Make a record, with fields as in the REST API. The answer also contains its number as "id".

        Raises UnknownRecord for an unknown entity, ValueError for bad fields.
        """
        kind = self._checked(entity, fields)
        try:
            record = self._changes.create(kind, fields, self._view(), PERSON)
        except Refused as refused:
            raise _as_person(refused) from refused
        return self._shown(kind, record)

    def populate(self, entity: str, count: int) -> None:
        raise ValueError("this simulator has no population")

    def person_edits(self, entity: str, record_id: str | int, fields: dict[str, Any]) -> dict[str, Any]:
        kind = self._checked(entity, fields)
        try:
            record = self._changes.edit(kind, self._found(kind, record_id), fields, self._view(), PERSON)
        except Refused as refused:
            raise _as_person(refused) from refused
        return self._shown(kind, record)

    def person_deletes(self, entity: str, record_id: str | int) -> None:
        kind = self._checked(entity, {})
        self._changes.delete(kind, self._found(kind, record_id), PERSON)

    def person_restores(self, entity: str, record_id: str | int) -> None:
        """Take a contact or person out of the recycle bin."""
        kind = self._checked(entity, {})
        self._changes.undelete(kind, self._found(kind, record_id, deleted=True), PERSON)

    def person_merges(self, entity: str, record_id: str | int, into: int) -> None:
        kind = self._checked(entity, {})
        try:
            self._changes.merge(kind, self._found(kind, record_id), into, PERSON)
        except Refused as refused:
            raise _as_person(refused) from refused

    def purge(self, after_days: float = 0.0) -> int:
        """Delete permanently what was soft-deleted that long ago. Return the number of records."""
        return self._changes.purge(Caller(0), after_days)

    def move_tenant(self, host: str | None = None) -> None:
        """Serve the tenant elsewhere: other hosts answer 421. Without a host, all do until an endpoint look-up."""
        self.state.served_at, self.state.lost = host, True

    def set_tenant_state(self, word: str) -> None:
        """Set a state such as "OfflineMaintenance". Raises ValueError."""
        check_tenant_state(word)
        self.state.tenant_state = word

    def set_hook_state(self, hook_id: str, word: str) -> None:
        """Set a hook's state, as an administrator does. Raises UnknownRecord or ValueError."""
        self.hooks.set_state(hook_id, word)

    def person_adds_field(self, entity: str, name: str, kind: str, options: list[str]) -> dict[str, Any]:
        """Define a custom field. `kind`: Number, ShortText, LongText, Date, Checkbox, List or Decimal. Raises
        UnknownRecord or ValueError."""
        owner = self._checked(entity, {}).name
        kind = kind or ("List" if options else "ShortText")
        if kind not in KINDS:
            raise ValueError(f"unknown field type {kind!r}; known: {', '.join(KINDS)}")
        list_name = f"udlist{sum(one.startswith('udlist') for one in self.state.lists) + 1}" if kind == "List" else ""
        for option in options:
            self.state.add_item(list_name, option)
        key = self.state.add_custom_field(owner, name, kind, list_name)
        return {"key": key, "label": name, "kind": kind, "list": list_name}

    def person_adds_options(self, entity: str, name: str, options: list[str]) -> dict[str, Any]:
        """Add items to a list. `name`: the label or key of a custom field with a list, or a list
        ("Category"). Raises UnknownRecord."""
        fields = self.state.custom.get(self._checked(entity, {}).name, [])
        lists = [field.list_name for field in fields if name in (field.label, field.key) and field.list_name]
        list_name = lists[0] if lists else name
        if list_name not in self.state.lists:
            raise UnknownRecord(f"no list {name!r}; known: {', '.join(sorted(self.state.lists))}")
        made = {option: self.state.add_item(list_name, option) for option in options}
        return {"list": list_name, "items": made}

    def drop_hook(self, hook_id: str) -> None:
        self.hooks.drop(hook_id)

    def expire_tokens(self) -> None:
        """End all tickets and access tokens now. Refresh token and system token stay valid."""
        self.state.tickets.clear()
        self.state.bearers.clear()

    async def idle(self) -> None:
        await self.deliveries.idle()

    def dump(self) -> dict[str, Any]:
        records = {
            name: [self._shown(entity, row) for row in self.state.rows(name)] for name, entity in ENTITIES.items()
        }
        bin_ = {name: [row["id"] for row in self.state.rows(name, deleted=True)] for name in ("contact", "person")}
        more = {"merges": self.state.merges, "tenant_state": self.state.tenant_state}
        return {"records": records, "recycled": bin_, "hooks": self.hooks.dump(), **more}

    def _shown(self, entity: Entity, record: Record) -> Record:
        return {**show(self.state, entity, record, self._view()), "id": record["id"]}

    def _view(self) -> View:
        return View(self.state.zone, language="US")

    def _checked(self, entity: str, fields: Mapping[str, Any]) -> Entity:
        if entity not in ENTITIES:
            raise UnknownRecord(f"no entity {entity!r}; known: {', '.join(sorted(ENTITIES))}")
        if wrong := sorted(set(fields) - known(ENTITIES[entity])):
            raise ValueError(f"{entity} has no field {', '.join(wrong)}")
        return ENTITIES[entity]

    def _found(self, entity: Entity, record_id: str | int, deleted: bool = False) -> Record:
        record = self.state.get(entity.name, record_id, deleted=deleted)
        if record is None:
            raise UnknownRecord(f"no {entity.name} {record_id}")
        return record

    def _publish(self, event: Event) -> None:
        for hook_id, hook in self.hooks.listening(event.name):
            for _time in range(2 if self.state.options.duplicate_events else 1):
                self.deliveries.enqueue(Callback(hook_id, hook["TargetUrl"], renderer(self.state, hook, event)))

    async def _deliver(self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout: float) -> int:
        """Make one try of a callback. By the vendor's rule only 200 is a success."""
        assert isinstance(headers, Outgoing)
        if not self.hooks.due(headers.hook_id, headers.active_time):
            raise OSError("the hook has been stopped since")
        try:
            status = await self.state.world.deliver(method, url, headers, body, timeout)
        except (OSError, TimeoutError):
            self.hooks.note(headers.hook_id, None, False)
            raise
        success = status == 200 or (self.state.options.other_2xx and 200 < status < 300)
        self.hooks.note(headers.hook_id, status, success)
        if not success and 200 <= status < 300:
            raise OSError(f"{status} is no success here")
        return status

    def _build(self, world: World) -> web.Application:
        player = FaultPlayer(self.faults, world.clock, world.rng, fault_answer)
        middlewares = [self.requests.middleware(), player.middleware(), refusals, self.access.middleware()]
        app = web.Application(middlewares=middlewares)
        app.add_routes(self.access.routes())
        archive = Archive(self.state, self.faults)
        lists = Lists(self.state, self.faults, ForeignKeys(self.state))
        resources = [
            Resource(self.state, self.faults, self._changes, entity, archive.listing) for entity in ENTITIES.values()
        ]
        parts: list[_Part] = [self.hooks, lists, archive, self._agents(archive), *resources]
        for root in ("/api/v1", f"/{self.state.options.tenant}/api/v1"):
            for part in parts:
                app.add_routes(_with_slash(part.routes(root)))
        if self.state.options.control:
            add_control_routes(app, self)
            app.add_routes([web.post("/_control/tenant", self._control_tenant)])
        app.on_shutdown.append(player.release)
        app.cleanup_ctx.append(self._background)
        app[SIMULATOR] = self
        return app

    def _agents(self, archive: Archive) -> Agents:
        state, changes = self.state, self._changes
        return Agents(
            state,
            record_methods(state, changes),
            sale_methods(state, changes),
            Appointments(state, changes).methods(),
            hook_methods(self.hooks),
            Archives(archive).methods(),
            ListAgent(state).methods(),
            LookUps(state).methods(),
            ForeignSystem(ForeignKeys(state)).methods(),
        )

    async def _control_tenant(self, request: web.Request) -> web.Response:
        """Switches only for SuperOffice: move (true, or a host), tenant_state, hook_states
        {id: state}, purge (days)."""
        body = await json_object(request)
        try:
            if moved := body.get("move"):
                self.move_tenant(moved if isinstance(moved, str) else None)
            if "tenant_state" in body:
                self.set_tenant_state(str(body["tenant_state"]))
            for hook_id, word in body.get("hook_states", {}).items():
                self.set_hook_state(hook_id, word)
        except UnknownRecord as error:
            return web.json_response({"error": str(error)}, status=404)
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        purged = self.purge(float(body["purge"])) if "purge" in body else 0
        return web.json_response({"tenant_state": self.state.tenant_state, "purged": purged})

    async def _background(self, _app: web.Application) -> AsyncIterator[None]:
        yield
        await self.deliveries.stop()


SIMULATOR = web.AppKey("superoffice_simulator", SuperOfficeSimulator)


def create_app(world: World, options: Options | None = None) -> web.Application:
    """The application. Its simulator is `app[SIMULATOR]`."""
    return SuperOfficeSimulator(world, options).app


class _Part(Protocol):
    def routes(self, root: str) -> list[web.RouteDef]: ...


def _with_slash(routes: list[web.RouteDef]) -> list[web.RouteDef]:
    """Each route also with a slash at its end, which the vendor's clients send."""
    slashed = [web.RouteDef(one.method, f"{one.path}/", one.handler, one.kwargs) for one in routes]
    return [*routes, *slashed]


def _as_person(refused: Refused) -> Exception:
    """The same refusal, as the error that the control routes expect."""
    return UnknownRecord(refused.message) if refused.status == 404 else ValueError(refused.message)
