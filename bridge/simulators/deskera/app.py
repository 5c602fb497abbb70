"""Builds the simulated organisation as an aiohttp application, with a handle for use from Python."""

from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from bridge.simulators.control import RequestCounter, UnknownRecord, add_control_routes
from bridge.simulators.delivery import Callback, DeliveryQueue, RetryPolicy
from bridge.simulators.deskera.access import Tokens
from bridge.simulators.deskera.answers import Refused, fault_answer, refusals
from bridge.simulators.deskera.books.changes import BooksChanges
from bridge.simulators.deskera.books.documents import Documents, Notes, Stock
from bridge.simulators.deskera.books.masters import BooksContacts, Products
from bridge.simulators.deskera.books.model import DOCUMENTS, MODELS, NOTES
from bridge.simulators.deskera.books.people import People
from bridge.simulators.deskera.books.shapes import shown
from bridge.simulators.deskera.callbacks import STYLES, renderer
from bridge.simulators.deskera.changes import Changes
from bridge.simulators.deskera.contacts import Contacts
from bridge.simulators.deskera.deals import Deals
from bridge.simulators.deskera.dimensions import Dimensions
from bridge.simulators.deskera.hooks import Hooks
from bridge.simulators.deskera.pipelines import Pipelines
from bridge.simulators.deskera.schema import SCHEMAS, unknown
from bridge.simulators.deskera.shapes import SHAPES
from bridge.simulators.deskera.state import Options, State, seeded_state
from bridge.simulators.faults import FaultPlayer, Faults
from bridge.simulators.population import Inhabitants, email_of, name_of, phone_of
from bridge.simulators.records import Record
from bridge.simulators.world import World

EVENT_NOUNS = {"contacts": "CRM_CONTACT", "deals": "CRM_DEAL"}


def _inhabitant(number: int) -> dict[str, Any]:
    phone = {"phone": phone_of(number), "country_code": "+47"}
    return {"name": name_of(number), "email": email_of(number), "type": "person", **phone}


class DeskeraSimulator:
    """One simulated organisation. Callbacks do not say who made a change, so a person's edit looks like any other.

    Raises ValueError for an unknown payload style or dialect in `options`.
    """

    def __init__(self, world: World, options: Options | None = None) -> None:
        options = options or Options()
        if options.payload not in STYLES:
            raise ValueError(f"payload must be one of {', '.join(sorted(STYLES))}, not {options.payload!r}")
        if options.dialect not in ("2020", "2021"):
            raise ValueError(f"dialect must be 2020 or 2021, not {options.dialect!r}")
        if options.books not in ("2020", "2026"):
            raise ValueError(f"books must be 2020 or 2026, not {options.books!r}")
        policy = RetryPolicy(delays=options.retry_delays, timeout=options.callback_timeout)
        self.state: State = seeded_state(world, options)
        self.faults = Faults()
        self.requests = RequestCounter()
        self.deliveries = DeliveryQueue(world, self.faults, policy, options.time_scale)
        self.hooks = Hooks(self.state, self.deliveries.forget)
        self.tokens = Tokens(self.state)
        self._changes = Changes(self.state, self.faults, self._publish)
        self._books = BooksChanges(self.state, self.faults, self._announce)
        self._people = People(self.state, self._books)
        self.app = self._build(world)

    def person_creates(self, entity: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Make a record of "contacts", "deals" or a Books entity. Required fields of a Books entity may be missing.

        Raises UnknownRecord for an unknown entity, ValueError for bad fields.
        """
        self._check(entity, fields)
        try:
            if entity in MODELS:
                return self._people.creates(entity, fields)
            return SHAPES[entity](self.state, self._changes.create(entity, fields))
        except Refused as refused:
            raise _as_person(refused) from refused

    def populate(self, entity: str, count: int) -> None:
        """Fill the organisation with `count` "contacts", as `bridge.simulators.population` describes them.

        Raises UnknownRecord for an unknown entity, ValueError for another entity, or if there are contacts already.
        """
        self._check(entity, {})
        table = self.state.tables[entity]
        if entity != "contacts" or next(table.rows(), None) is not None:
            raise ValueError("only contacts can be populated, and only while there are none")
        self._changes.create(entity, _inhabitant(1))
        first = self.state.rows(entity)[0]
        table.populate(count, Inhabitants(first, _inhabitant))
        self.state.last_ids[entity] = count

    def person_edits(self, entity: str, record_id: str | int, fields: dict[str, Any]) -> dict[str, Any]:
        self._check(entity, fields)
        try:
            if entity in MODELS:
                return self._people.edits(entity, self._number(entity, record_id), fields)
            return SHAPES[entity](self.state, self._changes.edit(entity, record_id, fields))
        except Refused as refused:
            raise _as_person(refused) from refused

    def person_deletes(self, entity: str, record_id: str | int) -> None:
        self._check(entity, {})
        try:
            if entity in MODELS:
                self._books.delete(entity, self._number(entity, record_id))
            else:
                self._changes.delete(entity, record_id)
        except Refused as refused:
            raise _as_person(refused) from refused

    def _number(self, entity: str, record_id: str | int) -> str | int:
        """The id of a record. A Books record may be given by its code."""
        return self.state.by_code[entity].get(str(record_id), record_id)

    def person_restores(self, entity: str, record_id: str | int) -> dict[str, Any]:
        """Restore a deleted record of "contacts" or "deals". Raises UnknownRecord."""
        if entity not in SHAPES:
            raise UnknownRecord(f"{entity} cannot be restored")
        try:
            return SHAPES[entity](self.state, self._changes.restore(entity, record_id))
        except Refused as refused:
            raise _as_person(refused) from refused

    def person_approves(self, entity: str, record_id: str | int) -> dict[str, Any]:
        """Approve a draft of "invoices" or "bills". Raises UnknownRecord or ValueError."""
        self._check(entity, {})
        try:
            return shown(self.state, entity, self._books.approve(entity, record_id))
        except Refused as refused:
            raise _as_person(refused) from refused

    def person_pays(self, entity: str, record_id: str | int, amount: float) -> dict[str, Any]:
        """Record a payment for one of "invoices" or "bills". Raises UnknownRecord or ValueError."""
        self._check(entity, {})
        try:
            return shown(self.state, entity, self._books.pay(entity, record_id, amount))
        except Refused as refused:
            raise _as_person(refused) from refused

    def stage_id(self, name: str) -> int:
        """The id of the stage with that name ("Won"). Raises UnknownRecord."""
        for pipeline in self.state.rows("pipelines"):
            for stage in pipeline["stages"]:
                if stage["name"] == name:
                    return int(stage["id"])
        raise UnknownRecord(f"no stage {name!r}")

    def person_adds_field(self, entity: str, name: str, kind: str, options: list[str]) -> dict[str, Any]:
        """Define a custom field. `kind`: a field type such as TEXT, NUMBER, DATE or DROPDOWN. Raises UnknownRecord."""
        self._check(entity, {})
        return self.state.add_custom_field(entity, name, kind or ("DROPDOWN" if options else "TEXT"), tuple(options))

    def person_adds_options(self, entity: str, name: str, options: list[str]) -> dict[str, Any]:
        """Add values to a custom field. `name`: its label or code; it must have values. Raises
        UnknownRecord or ValueError."""
        self._check(entity, {})
        found = [one for one in self.state.custom[entity].values() if name in (one["label"], one["code"])]
        if not found:
            raise UnknownRecord(f"no custom field {name!r} of {entity}")
        if not found[0]["values"]:
            raise ValueError(f"{name} is {found[0]['fieldType']}, which has no values to choose from")
        found[0]["values"] = [*found[0]["values"], *options]
        return found[0]

    def drop_hook(self, hook_id: str) -> None:
        self.hooks.drop(hook_id)

    def expire_tokens(self) -> None:
        """End all access tokens now. Refresh tokens stay valid; `tokens.revoke_all` ends both."""
        self.state.access.clear()

    async def idle(self) -> None:
        await self.deliveries.idle()

    def dump(self) -> dict[str, Any]:
        records = {
            entity: [shape(self.state, row) for row in self.state.rows(entity)] for entity, shape in SHAPES.items()
        }
        records |= {entity: [shown(self.state, entity, row) for row in self.state.rows(entity)] for entity in MODELS}
        records["pipelines"] = self.state.rows("pipelines")
        return {"records": records, "fields": self.state.custom, "hooks": self.hooks.dump()}

    def _check(self, entity: str, fields: dict[str, Any]) -> None:
        if entity not in SCHEMAS and entity not in MODELS:
            raise UnknownRecord(f"no entity {entity!r}; known: {', '.join(sorted([*SCHEMAS, *MODELS]))}")
        if wrong := self._people.unknown(entity, fields) if entity in MODELS else unknown(entity, fields):
            raise ValueError(f"{entity} have no field {', '.join(wrong)}")

    def _publish(self, verb: str, entity: str, record: Record) -> None:
        made = SHAPES[entity](self.state, record)
        if verb == "DELETE" and "is_deleted" in made:
            made["is_deleted"] = True
        self._announce(f"{verb}_{EVENT_NOUNS[entity]}", made)

    def _announce(self, event: str, record: Record) -> None:
        """Queue a callback for every hook of that event. A change without an event (an edit
        of a product) causes none."""
        for hook_id, hook in self.hooks.listening(event):
            render = renderer(self.state.options.payload, event, hook["hookId"], record)
            self.deliveries.enqueue(Callback(hook_id, hook["webhookUrl"], render))

    def _build(self, world: World) -> web.Application:
        player = FaultPlayer(self.faults, world.clock, world.rng, fault_answer)
        middlewares = [self.requests.middleware(), player.middleware(), refusals, self.tokens.middleware()]
        app = web.Application(middlewares=middlewares)
        app.add_routes(self._token_routes() + self._hook_routes())
        app.add_routes(Contacts(self.state, self.faults, self._changes).routes())
        app.add_routes(Pipelines(self.state, self.faults).routes())
        app.add_routes(Deals(self.state, self.faults, self._changes).routes())
        app.add_routes(Dimensions(self.state).routes())
        app.add_routes(self._books_routes())
        if self.state.options.control:
            add_control_routes(app, self)
            app.add_routes(self._people.control_routes())
        app.on_shutdown.append(player.release)
        app.cleanup_ctx.append(self._background)
        app[SIMULATOR] = self
        return app

    def _token_routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v2/oauth/token", self.tokens.issue_v2),
            web.post("/oauth/token", self.tokens.issue_v1),
            web.post("/v1/iam/auth/app/getrefreshtoken", self.tokens.refresh_v1),
            web.get("/v1/iam/token/app/validate", self.tokens.validate, allow_head=False),
        ]

    def _books_routes(self) -> list[web.RouteDef]:
        parts = self.state, self.faults, self._books
        routes = Stock(self._books, self.state).routes()
        routes += BooksContacts(*parts).routes() + Products(*parts).routes()
        for entity in DOCUMENTS:
            routes += Documents(entity, *parts).routes()
        for entity in NOTES:
            routes += Notes(entity, *parts).routes()
        return routes

    def _hook_routes(self) -> list[web.RouteDef]:
        options = self.state.options
        old = options.dialect == "2020"
        path = options.hook_path or ("/v1/webhook" if old else "/v1/webhooks")
        routes = [
            web.post(path + "/register", self.hooks.register),
            web.delete(path + "/delete/{id}", self.hooks.delete),
        ]
        if not old if options.hook_list is None else options.hook_list:
            routes.append(web.get(path, self.hooks.listed, allow_head=False))
        return routes

    async def _background(self, _app: web.Application) -> AsyncIterator[None]:
        yield
        await self.deliveries.stop()


SIMULATOR = web.AppKey("deskera_simulator", DeskeraSimulator)


def create_app(world: World, options: Options | None = None) -> web.Application:
    """The application. Its simulator is `app[SIMULATOR]`."""
    return DeskeraSimulator(world, options).app


def _as_person(refused: Refused) -> Exception:
    """The same refusal, as the error that the control routes expect."""
    if refused.status == 404:
        return UnknownRecord(refused.message)
    return ValueError("; ".join([refused.message, *(f"{key}: {reason}" for key, reason in refused.errors)]))
