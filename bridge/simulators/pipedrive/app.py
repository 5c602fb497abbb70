"""Builds the simulated account as an aiohttp application, with a handle for use from Python."""

import functools
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from bridge.simulators.control import RequestCounter, UnknownRecord, add_control_routes
from bridge.simulators.delivery import Callback, DeliveryQueue, RetryPolicy
from bridge.simulators.faults import FaultPlayer, Faults
from bridge.simulators.pipedrive import events
from bridge.simulators.pipedrive.access import SEARCH_COST, Gate
from bridge.simulators.pipedrive.answers import Refused, fault_answer
from bridge.simulators.pipedrive.belongings import Belongings
from bridge.simulators.pipedrive.changes import APP, Change, Changes
from bridge.simulators.pipedrive.choices import Choices
from bridge.simulators.pipedrive.conversions import Conversions
from bridge.simulators.pipedrive.deal_products import DealProducts
from bridge.simulators.pipedrive.deals_v1 import OldDeals
from bridge.simulators.pipedrive.definitions import Definitions
from bridge.simulators.pipedrive.entities import ENTITIES, Entity
from bridge.simulators.pipedrive.filters import Filters
from bridge.simulators.pipedrive.history import History
from bridge.simulators.pipedrive.hooks import Hooks
from bridge.simulators.pipedrive.people import People
from bridge.simulators.pipedrive.reading import Reading, rest_v2
from bridge.simulators.pipedrive.rest_v1 import OldApi
from bridge.simulators.pipedrive.schema import complaints
from bridge.simulators.pipedrive.searching import Searching
from bridge.simulators.pipedrive.state import Answer, Options, Route, State, seeded_state
from bridge.simulators.pipedrive.writing import MERGEABLE, Writing
from bridge.simulators.population import Inhabitants, email_of, name_of, phone_of
from bridge.simulators.world import World

RETRIES = RetryPolicy(
    delays=(3.0, 30.0, 150.0), timeout=10.0, ban_after=10, ban_seconds=1800.0, delete_after=3 * 86400.0
)
"""Guide for Webhooks v2, "Webhook retry policy" and "Ban system"."""

V1 = ("/v1", "/api/v1")
"""Both prefixes of REST v1."""


def _inhabitant(number: int) -> dict[str, Any]:
    email = {"value": email_of(number), "label": "work", "primary": True}
    phone = {"value": f"+47 {phone_of(number)}", "label": "work", "primary": True}
    return {"name": name_of(number), "emails": [email], "phones": [phone]}


class PipedriveSimulator:
    """One simulated company. `person_...` methods act as a user in the web pages: callbacks
    have change_source "app"."""

    def __init__(self, world: World, options: Options | None = None) -> None:
        options = options or Options()
        self.state: State = seeded_state(world, options)
        self.faults = Faults()
        self.requests = RequestCounter()
        self.deliveries = DeliveryQueue(world, self.faults, RETRIES, options.time_scale, self._give_up)
        self.hooks = Hooks(self.state, self.deliveries.health.get, self.deliveries.forget)
        self._history = History(self.state)
        self._changes = Changes(self.state, self.faults, self._publish)
        self.deal_products = DealProducts(self.state, self.faults, self._changes)
        self.app = self._build(world)

    def person_creates(self, entity: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Make a record ("deals", "persons", ...).

        Raises UnknownRecord for an unknown entity, ValueError for bad fields.
        """
        kind = _entity(entity)
        lines, fields = _apart(kind, fields)
        self._check(kind, fields, new=True)
        made = rest_v2(self.state, kind, self._changes.create(kind, fields, APP))
        if lines is not None:
            self.deal_products.person_sets(made["id"], lines)
        return made

    def populate(self, entity: str, count: int) -> None:
        """Fill the account with `count` "persons", as `bridge.simulators.population` describes them.

        Raises UnknownRecord for an unknown entity, ValueError for another entity, or if there are persons already.
        """
        kind, table = _entity(entity), self.state.tables[entity]
        if kind.plural != "persons" or next(table.rows(), None) is not None:
            raise ValueError("only persons can be populated, and only while there are none")
        first = self._changes.create(kind, _inhabitant(1), APP)
        table.populate(count, Inhabitants(first, _inhabitant))
        self.state.last_ids[kind.name] = count

    def person_edits(self, entity: str, record_id: str | int, fields: dict[str, Any]) -> dict[str, Any]:
        kind = _entity(entity)
        lines, fields = _apart(kind, fields)
        if lines is not None:
            self.deal_products.person_sets(record_id, lines)
        self._check(kind, fields, new=False)
        return rest_v2(self.state, kind, self._changes.edit(kind, str(record_id), fields, APP))

    def person_deletes(self, entity: str, record_id: str | int) -> None:
        self._changes.delete(_entity(entity), str(record_id), APP)

    def person_restores(self, entity: str, record_id: str | int) -> dict[str, Any]:
        """Restore a deleted record. The vendor's pages can do it, its API cannot. Raises UnknownRecord."""
        kind = _entity(entity)
        return rest_v2(self.state, kind, self._changes.restore(kind, str(record_id)))

    def person_merges(self, entity: str, absorbed_id: str | int, survivor_id: str | int) -> dict[str, Any]:
        kind = _entity(entity)
        if kind not in MERGEABLE:
            raise ValueError(f"{entity} cannot be merged")
        return rest_v2(self.state, kind, self._changes.merge(kind, str(absorbed_id), str(survivor_id), APP))

    def field_code(self, entity: str, field_name: str) -> str:
        """The code of the field with that name ("deals", "Segment"). Raises UnknownRecord."""
        for code, definition in self.state.fields.get(_entity(entity).name, {}).items():
            if definition["field_name"] == field_name:
                return code
        raise UnknownRecord(f"no field {field_name!r} of {entity}")

    def person_adds_field(self, entity: str, name: str, kind: str, options: list[str]) -> dict[str, Any]:
        """Define a custom field. `kind`: a field type such as varchar, double, date, enum or set. Raises
        UnknownRecord or ValueError."""
        owner = _entity(entity)
        return self.state.add_field(
            owner.fields_of or owner.name, name, kind or ("enum" if options else "varchar"), options
        )

    def person_adds_options(self, entity: str, name: str, options: list[str]) -> dict[str, Any]:
        """Add options to a field. `name`: its name or code; it must have options. Raises
        UnknownRecord or ValueError."""
        owner = _entity(entity)
        known = self.state.fields.get(owner.fields_of or owner.name, {})
        code = name if name in known else self.field_code(entity, name)
        if known[code]["field_type"] not in ("enum", "set"):
            raise ValueError(f"{name} is {known[code]['field_type']}, which has no options")
        made = [{"id": self.state.next_id("option"), "label": label, "color": None} for label in options]
        known[code] = {**known[code], "options": [*(known[code]["options"] or []), *made]}
        return known[code]

    def drop_hook(self, hook_id: str) -> None:
        if hook_id not in self.state.hooks:
            raise UnknownRecord(f"no hook {hook_id}")
        self.hooks.remove(hook_id)

    def expire_tokens(self) -> None:
        """End all access tokens now. The API token never ends."""
        self.state.bearers.clear()

    async def idle(self) -> None:
        await self.deliveries.idle()

    def dump(self) -> dict[str, Any]:
        tables = {
            plural: [rest_v2(self.state, ENTITIES[plural], record) for _key, record in table.rows()]
            for plural, table in self.state.tables.items()
        }
        for deal in tables["deals"]:
            deal["products"] = self.deal_products.shown(str(deal["id"]))
        fields = {name: list(known.values()) for name, known in self.state.fields.items()}
        return {"records": tables, "fields": fields, "hooks": self.hooks.shown()}

    def _check(self, kind: Entity, fields: dict[str, Any], new: bool) -> None:
        wrong = complaints(kind, fields, self.state.custom(kind), new)
        if wrong:
            raise ValueError("; ".join(f"{key}: {reason}" for key, reason in wrong))

    def _give_up(self, hook_id: str) -> None:
        self.state.hooks.pop(hook_id, None)

    def _publish(self, change: Change) -> None:
        self._history.remember(change)
        event_id = self.state.world.new_id()
        for hook_id, hook in list(self.state.hooks.items()):
            for action in events.deliveries(hook, change):
                render = events.renderer(self.state, hook, change, event_id, action)
                self.deliveries.enqueue(Callback(hook_id, hook["subscription_url"], render))

    def _build(self, world: World) -> web.Application:
        routes = self._routes()
        costs = {f"{method} {path}".replace(":\\d+", ""): cost for method, path, _answer, cost in routes}
        gate = Gate(self.state, costs)
        player = FaultPlayer(self.faults, world.clock, world.rng, fault_answer)
        middlewares = [self.requests.middleware(), player.middleware(), _refusals, gate.middleware(), _refusals]
        app = web.Application(middlewares=middlewares)
        for path, some in _by_path(routes).items():
            resource = app.router.add_resource(path)
            for method, answer in some:
                resource.add_route(method, answer)
        app.router.add_post("/oauth/token", gate.issue)
        app.router.add_get("/oauth/authorize", gate.consent.show)
        if self.state.options.control:
            add_control_routes(app, self)
        app.on_shutdown.append(player.release)
        app.cleanup_ctx.append(self._background)
        app[SIMULATOR] = self
        return app

    async def _background(self, _app: web.Application) -> AsyncIterator[None]:
        yield
        await self.deliveries.stop()

    def _routes(self) -> list[Route]:
        filters = Filters(self.state)
        reading, writing = Reading(self.state, self.faults, filters), Writing(self.state, self._changes)
        searching, deals = Searching(self.state, self.faults), ENTITIES["deals"]
        routes: list[Route] = [
            ("GET", "/api/v2/itemSearch", searching.item_search, SEARCH_COST),
            ("GET", "/api/v2/itemSearch/field", searching.field_search, SEARCH_COST),
            ("GET", "/api/v2/deals/archived", functools.partial(reading.page, entity=deals, archived=True), 20),
            ("POST", "/api/v2/products/{id:\\d+}/duplicate", writing.duplicate, 5),
            *self.deal_products.routes(),
        ]
        for entity in ENTITIES.values():
            routes += _record_routes(entity, reading, writing) if entity.rest == 2 else []
            if entity.searched:
                search = functools.partial(searching.search, entity=entity)
                routes.append(("GET", f"/api/v2/{entity.plural}/search", search, SEARCH_COST))
        routes += [
            *Conversions(self.state, self._changes).routes(),
            *Definitions(self.state).routes(V1),
            *Belongings(self.state).routes(V1),
            *People(self.state, self._history).routes(V1),
            *self._history.routes(V1),
        ]
        old_deals = OldDeals(self.state, self._changes, self.deal_products, filters, self._history)
        for prefix in V1:
            search_leads = functools.partial(searching.search_v1, entity=ENTITIES["leads"])
            routes.append(("GET", f"{prefix}/leads/search", search_leads, 2 * SEARCH_COST))
            routes += [*old_deals.routes(prefix), *filters.routes(prefix), *Choices(self.state).routes(prefix)]
            routes += self._v1_routes(prefix, writing)
        return routes

    def _v1_routes(self, prefix: str, writing: Writing) -> list[Route]:
        routes: list[Route] = [
            *OldApi(self.state, self.faults, self._changes).routes(prefix),
            ("GET", f"{prefix}/webhooks", self.hooks.page, 10),
            ("POST", f"{prefix}/webhooks", self.hooks.create, 10),
            ("DELETE", f"{prefix}/webhooks/{{id}}", self.hooks.delete, 6),
        ]
        for entity in MERGEABLE:
            merge = functools.partial(writing.merge, entity=entity)
            routes.append(("PUT", f"{prefix}/{entity.plural}/{{id:\\d+}}/merge", merge, 40))
        return routes


SIMULATOR: web.AppKey[PipedriveSimulator] = web.AppKey("pipedrive_simulator", PipedriveSimulator)


def create_app(world: World, options: Options | None = None) -> web.Application:
    """A new simulated company. Its handle is `app[SIMULATOR]`."""
    return PipedriveSimulator(world, options).app


def _entity(plural: str) -> Entity:
    if plural not in ENTITIES:
        raise UnknownRecord(f"no entity {plural!r}; known: {', '.join(ENTITIES)}")
    return ENTITIES[plural]


def _apart(kind: Entity, fields: dict[str, Any]) -> tuple[list[dict[str, Any]] | None, dict[str, Any]]:
    """Split a person's input into the deal's products and the fields of the deal."""
    if kind.name != "deal" or "products" not in fields:
        return None, fields
    return fields["products"] or [], {name: value for name, value in fields.items() if name != "products"}


def _by_path(routes: list[Route]) -> dict[str, list[tuple[str, Answer]]]:
    """The routes by path, so that each path needs one resource: there are hundreds of routes, and each
    account builds them again."""
    found: dict[str, list[tuple[str, Answer]]] = {}
    for method, path, answer, _cost in routes:
        found.setdefault(path, []).append((method, answer))
    return found


def _record_routes(entity: Entity, reading: Reading, writing: Writing) -> list[Route]:
    path = f"/api/v2/{entity.plural}"
    one = path + "/{id:\\d+}"
    return [
        ("GET", path, functools.partial(reading.page, entity=entity), entity.list_cost),
        ("GET", one, functools.partial(reading.get, entity=entity), 1),
        ("POST", path, functools.partial(writing.create, entity=entity), 5),
        ("PATCH", one, functools.partial(writing.edit, entity=entity), 5),
        ("DELETE", one, functools.partial(writing.delete, entity=entity), 3),
    ]


@web.middleware
async def _refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refused as refused:
        return refused.answer()
