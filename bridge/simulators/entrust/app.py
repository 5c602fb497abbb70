"""Builds the simulated tenant as an aiohttp application, with a handle for use from Python."""

import dataclasses
from collections.abc import AsyncIterator, Mapping
from typing import Any

from aiohttp import web

from bridge.simulators.control import RequestCounter, UnknownRecord, add_control_routes
from bridge.simulators.delivery import Callback, DeliveryQueue, RetryPolicy
from bridge.simulators.entrust.access import Access
from bridge.simulators.entrust.answers import Refused, fault_answer, json_object, refusals
from bridge.simulators.entrust.attributes import Attributes
from bridge.simulators.entrust.audit import Audit
from bridge.simulators.entrust.batches import AsyncSearches, UserBatches
from bridge.simulators.entrust.changes import Changes
from bridge.simulators.entrust.events import Actor, Event, Outgoing, renderer, user_event
from bridge.simulators.entrust.groups import KINDS, Collection
from bridge.simulators.entrust.hooks import Hooks
from bridge.simulators.entrust.shapes import COLLECTIONS, plain_shape, user_shape
from bridge.simulators.entrust.state import ENTITIES, Options, State, seeded_state
from bridge.simulators.entrust.users import Users
from bridge.simulators.faults import FaultPlayer, Faults
from bridge.simulators.records import Record
from bridge.simulators.world import World


class EntrustSimulator:
    """One simulated tenant."""

    def __init__(self, world: World, options: Options | None = None) -> None:
        options = options or Options()
        self.state: State = seeded_state(world, options)
        self.faults = Faults()
        self.requests = RequestCounter()
        judged = dataclasses.replace(world, deliver=self._deliver)
        policy = RetryPolicy(delays=options.retry_delays, timeout=options.callback_timeout, only_5xx=True)
        self.deliveries = DeliveryQueue(judged, self.faults, policy, options.time_scale)
        self.access = Access(self.state)
        self.hooks = Hooks(self.state, self.access, world.deliver, self.deliveries.forget)
        self._changes = Changes(self.state, self.faults, self._publish)
        self._application = Actor(options.application_id, "Sync", "ADMIN_API", "Administration API")
        self._person = Actor(world.new_id(), "admin", "USER", "Administration Portal")
        self.app = self._build(world)

    def person_creates(self, entity: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Make a record of "users", "groups" or "organizations" as an administrator does in the portal.

        Raises UnknownRecord for an unknown entity, ValueError for bad fields.
        """
        self._check(entity)
        try:
            if entity == "users":
                return self._shown(entity, self._changes.create_user(fields, self._person))
            return self._shown(entity, self._changes.create(entity, fields, self._person))
        except Refused as refused:
            raise _as_person(refused) from refused

    def populate(self, entity: str, count: int) -> None:
        raise ValueError("this simulator has no population")

    def person_edits(self, entity: str, record_id: str, fields: dict[str, Any]) -> dict[str, Any]:
        self._check(entity)
        try:
            if entity == "users":
                return self._shown(entity, self._changes.edit_user(record_id, fields, self._person))
            return self._shown(entity, self._changes.edit(entity, record_id, fields, self._person))
        except Refused as refused:
            raise _as_person(refused) from refused

    def person_deletes(self, entity: str, record_id: str) -> None:
        self._check(entity)
        try:
            if entity == "users":
                self._changes.delete_user(record_id, self._person)
            else:
                self._changes.delete(entity, record_id, self._person)
        except Refused as refused:
            raise _as_person(refused) from refused

    def person_registers(self, record_id: str) -> None:
        """Complete the registration of a user, as the user does."""
        user = self._changes.edit_user(record_id, {"registrationRequired": False}, self._person)
        himself = Actor(user["id"], user["userId"], "USER", "User Portal")
        self._publish(user_event(self.state, "user.registration.completed", user, himself))

    def disable_hook(self, hook_id: str) -> None:
        """Disable a hook, as after a hundred failed deliveries. Raises UnknownRecord."""
        self.hooks.disable(hook_id)

    def person_adds_field(self, entity: str, name: str, kind: str, options: list[str]) -> dict[str, Any]:
        """Define a user attribute. Raises UnknownRecord or ValueError."""
        self._check(entity)
        if entity != "users" or options:
            raise ValueError("only users have attributes, and those hold any text: there are no options to choose from")
        return self.state.add_attribute(name, kind or "NONE")

    def person_adds_options(self, entity: str, name: str, options: list[str]) -> dict[str, Any]:
        """Raises ValueError, because attributes of users hold any text."""
        self._check(entity)
        raise ValueError(f"{name} holds any text: there are no options to choose from")

    def drop_hook(self, hook_id: str) -> None:
        self.hooks.drop(hook_id)

    def expire_tokens(self) -> None:
        """End all access tokens now."""
        self.state.tokens.clear()

    def expire_cursors(self) -> None:
        """Invalidate all cursors returned so far."""
        self.state.void_cursors += 1

    async def idle(self) -> None:
        await self.deliveries.idle()

    def dump(self) -> dict[str, Any]:
        records = {entity: [self._shown(entity, row) for row in self.state.rows(entity)] for entity in ENTITIES}
        more = {"attributes": list(self.state.attributes.values()), "mails": self.state.mails}
        return {"records": records, "hooks": self.hooks.dump(), **more}

    def _shown(self, entity: str, record: Record) -> Record:
        return user_shape(self.state, record, COLLECTIONS) if entity == "users" else plain_shape(record)

    def _check(self, entity: str) -> None:
        if entity not in ENTITIES:
            raise UnknownRecord(f"no entity {entity!r}; known: {', '.join(sorted(ENTITIES))}")

    def _publish(self, event: Event) -> None:
        for hook in self.hooks.listening(event):
            render = renderer(self.state, hook, event)
            self.deliveries.enqueue(Callback(hook["id"], hook["callbackUrl"], render))

    async def _deliver(self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout: float) -> int:
        """Make one try of a callback. A delivery has failed when no further try follows."""
        assert isinstance(headers, Outgoing)
        status: int | None = None
        try:
            status = await self.state.world.deliver(method, url, headers, body, timeout)
            return status
        finally:
            last = headers.attempt > len(self.state.options.retry_delays) or status is None or status < 500
            if last:
                self.hooks.note(headers.hook_id, status is not None and 200 <= status < 300)

    def _build(self, world: World) -> web.Application:
        player = FaultPlayer(self.faults, world.clock, world.rng, fault_answer)
        middlewares = [self.requests.middleware(), player.middleware(), refusals, self.access.middleware()]
        app = web.Application(middlewares=middlewares)
        parts = (self.state, self.faults, self._changes, self.access, self._application)
        users = Users(*parts)
        app.add_routes([*self.access.routes(), *self.hooks.routes(), *users.routes()])
        app.add_routes([*Attributes(self.state, self.access).routes(), *UserBatches(*parts).routes()])
        app.add_routes(AsyncSearches(self.state, self.access, users.page, self._application).routes())
        for kind in KINDS:
            app.add_routes(Collection(*parts, kind).routes())
        app.add_routes(Audit(self.state, self.access).routes())
        if self.state.options.control:
            add_control_routes(app, self)
            app.add_routes([web.post("/_control/tenant", self._control_tenant)])
        app.on_shutdown.append(player.release)
        app.cleanup_ctx.append(self._background)
        app[SIMULATOR] = self
        return app

    async def _control_tenant(self, request: web.Request) -> web.Response:
        """Switches only for Entrust: disable_hooks [ids], expire_cursors (true), registers (user id)."""
        body = await json_object(request)
        try:
            for hook_id in body.get("disable_hooks", []):
                self.disable_hook(str(hook_id))
            if body.get("expire_cursors"):
                self.expire_cursors()
            if "registers" in body:
                self.person_registers(str(body["registers"]))
        except (UnknownRecord, Refused) as wrong:
            return web.json_response({"error": str(wrong)}, status=404)
        return web.json_response({})

    async def _background(self, _app: web.Application) -> AsyncIterator[None]:
        yield
        await self.deliveries.stop()


SIMULATOR = web.AppKey("entrust_simulator", EntrustSimulator)


def create_app(world: World, options: Options | None = None) -> web.Application:
    """The application. Its simulator is `app[SIMULATOR]`."""
    return EntrustSimulator(world, options).app


def _as_person(refused: Refused) -> Exception:
    """The same refusal, as the error that the control routes expect."""
    return UnknownRecord(refused.message) if refused.status == 404 else ValueError(refused.message)
