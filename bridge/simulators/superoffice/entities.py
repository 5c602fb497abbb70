"""REST resources of the entities: read, create, replace, patch, delete, validate (REST reference)."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from bridge.simulators.faults import Faults
from bridge.simulators.records import Record
from bridge.simulators.superoffice.access import caller_of, root_of
from bridge.simulators.superoffice.answers import Refused, json_body, json_object, not_found
from bridge.simulators.superoffice.changes import Changes
from bridge.simulators.superoffice.custom import field_infos, udef_layout
from bridge.simulators.superoffice.dates import View, changed_after, view_of
from bridge.simulators.superoffice.foreign import ForeignKeys
from bridge.simulators.superoffice.patching import patched
from bridge.simulators.superoffice.schema import Entity
from bridge.simulators.superoffice.shapes import defaults, known, selected, show
from bridge.simulators.superoffice.state import State

Listing = Callable[[web.Request, Entity], web.Response]


class Resource:
    """One entity's routes. `listing` answers GET of the collection."""

    def __init__(self, state: State, faults: Faults, changes: Changes, entity: Entity, listing: Listing) -> None:
        self._state = state
        self._faults = faults
        self._changes = changes
        self._entity = entity
        self._listing = listing
        self._foreign_keys = ForeignKeys(state)

    def routes(self, root: str) -> list[web.RouteDef]:
        here, one = f"{root}/{self._entity.path}", f"{root}/{self._entity.path}/{{id:[0-9]+}}"
        made = [
            web.get(here, self._list, allow_head=False),
            web.post(here, self._create),
            web.get(f"{here}/default", self._default, allow_head=False),
            web.get(one, self._read, allow_head=False),
            web.put(one, self._replace),
            web.delete(one, self._delete),
        ]
        if self._entity.patches:
            made.append(web.patch(one, self._patch))
        if self._entity.locks:
            made.append(web.post(f"{here}/Validate", self._validate))
            made.append(web.get(f"{one}/ForeignKey", self._foreign, allow_head=False))
        if self._entity.custom:
            made.append(web.get(f"{here}/UdefLayout/Published", self._layout, allow_head=False))
            made.append(web.get(f"{here}/UdefLayout", self._layout, allow_head=False))
            made.append(web.get(f"{here}/CustomField", self._fields, allow_head=False))
        if self._entity.name in ("contact", "person", "project"):
            made.append(web.post(f"{one}/MergeTo/{{other:[0-9]+}}", self._merge))
        if self._entity.name == "person":
            made.append(web.post(f"{one}/MoveTo/{{other:[0-9]+}}", self._move))
        return made

    def shown(self, request: web.Request, record: Record) -> Record:
        """The entity as this request wants it. $select empties all other properties."""
        view = self._view(request)
        shown = show(self._state, self._entity, record, view, root_of(request))
        if request.query.get("fk", "").lower() == "true":
            shown["ExtraFields"] = {**shown.get("ExtraFields", {}), **self._keys(record)}
        return selected(self._entity, shown, request.query.get("$select", ""))

    async def _list(self, request: web.Request) -> web.Response:
        return self._listing(request, self._entity)

    async def _default(self, request: web.Request) -> web.Response:
        fields = defaults(self._state, self._entity, caller_of(request))
        return web.json_response(show(self._state, self._entity, {**fields, "id": 0}, self._view(request)))

    async def _read(self, request: web.Request) -> web.Response:
        record = self._found(request, self._faults.lag(self._entity.name))
        if self._entity.locks and changed_after(request, "If-Modified-Since", record["_updated"]) is False:
            return web.Response(status=304)
        return web.json_response(self.shown(request, record))

    async def _create(self, request: web.Request) -> web.Response:
        body = await json_object(request)
        record = self._changes.create(self._entity, body, self._view(request), caller_of(request))
        return web.json_response(self.shown(request, record))

    async def _replace(self, request: web.Request) -> web.Response:
        body = await json_object(request)
        record = self._found(request)
        self._lock(request, record)
        edited = self._changes.edit(self._entity, record, body, self._view(request), caller_of(request), whole=True)
        return web.json_response(self.shown(request, edited))

    async def _patch(self, request: web.Request) -> web.Response:
        body = await json_body(request)
        record = self._found(request)
        self._lock(request, record)
        view = self._view(request)
        document = show(self._state, self._entity, record, view)
        changed, touched = patched(document, body)
        if strange := touched - set(document):
            raise Refused(400, "JsonPatchException", f"no property {', '.join(sorted(strange))}")
        fields = {name: changed[name] for name in touched & known(self._entity)}
        reset = self._state.options.custom_replace and _replaces_custom(body)
        edited = self._changes.edit(
            self._entity, record, fields, view, caller_of(request), reset_custom=reset and "CustomFields" in fields
        )
        return web.json_response(self.shown(request, edited))

    async def _delete(self, request: web.Request) -> web.Response:
        record = self._found(request)
        self._lock(request, record)
        told = self._state.options.api_delete_event
        self._changes.delete(self._entity, record, caller_of(request), told)
        return web.Response(status=204)

    async def _validate(self, request: web.Request) -> web.Response:
        body = await json_object(request)
        required = self._entity.required
        return web.json_response({required: "must not be empty"} if required and not body.get(required) else {})

    async def _layout(self, _request: web.Request) -> web.Response:
        return web.json_response(udef_layout(self._state, self._entity))

    async def _fields(self, _request: web.Request) -> web.Response:
        return web.json_response(field_infos(self._state, self._entity))

    async def _foreign(self, request: web.Request) -> web.Response:
        return web.json_response(self._keys(self._found(request)))

    async def _merge(self, request: web.Request) -> web.Response:
        record = self._found(request)
        self._changes.merge(self._entity, record, int(request.match_info["other"]), caller_of(request))
        return web.Response(status=204)

    async def _move(self, request: web.Request) -> web.Response:
        self._changes.move(self._found(request), int(request.match_info["other"]), caller_of(request))
        return web.Response(status=204)

    def _found(self, request: web.Request, lag: float = 0.0) -> Record:
        record = self._state.get(self._entity.name, request.match_info["id"], lag)
        if record is None:
            raise not_found(f"{self._entity.path} {request.match_info['id']}")
        return record

    def _lock(self, request: web.Request, record: Record) -> None:
        if self._entity.locks and changed_after(request, "If-Unmodified-Since", record["_updated"]):
            raise Refused(412, "SoPreconditionFailedException", "changed since If-Unmodified-Since")

    def _keys(self, record: Record) -> dict[str, str]:
        return self._foreign_keys.of(self._entity.name, record["id"])

    def _view(self, request: web.Request) -> View:
        return view_of(request, self._state.zone, self._state.options.shift_days)


def _replaces_custom(body: Any) -> bool:
    """Whether one operation replaces the custom fields as a whole."""
    operations = body if isinstance(body, list) else []
    paths = {str(one.get("path", "")).strip("/").lower() for one in operations if one.get("op") in ("add", "replace")}
    return "customfields" in paths
