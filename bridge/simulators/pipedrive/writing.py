"""POST, PATCH and DELETE of REST v2 records, and the merges of v1."""

from typing import Any

from aiohttp import web

from bridge.simulators.control import UnknownRecord
from bridge.simulators.pipedrive.answers import Refused, envelope, invalid, json_object, not_found, ok, unknown_error
from bridge.simulators.pipedrive.changes import API, ArchivedRecord, Changes
from bridge.simulators.pipedrive.entities import ENTITIES, Entity
from bridge.simulators.pipedrive.reading import rest_v2
from bridge.simulators.pipedrive.schema import complaints
from bridge.simulators.pipedrive.shapes_v1 import shown_v1
from bridge.simulators.pipedrive.state import State

PRODUCTS = ENTITIES["products"]


class Writing:
    """Writes through the API. Their callbacks have change_source "api"."""

    def __init__(self, state: State, changes: Changes) -> None:
        self._state = state
        self._changes = changes

    async def create(self, request: web.Request, entity: Entity) -> web.Response:
        fields = await self._checked(request, entity, new=True)
        try:
            record = self._changes.create(entity, fields, API)
        except ValueError as error:
            raise invalid([("stage_id", str(error))]) from error
        return ok(rest_v2(self._state, entity, record), entity.created)

    async def edit(self, request: web.Request, entity: Entity) -> web.Response:
        """Change a record. A deleted record is unknown here; the refusal for archived ones is
        our guess at the vendor's."""
        fields = await self._checked(request, entity, new=False)
        try:
            record = self._changes.edit(entity, request.match_info["id"], fields, API)
        except UnknownRecord as error:
            raise not_found() from error
        except ArchivedRecord as error:
            raise Refused(403, envelope("Archived deals can not be edited")) from error
        except ValueError as error:
            raise invalid([("stage_id", str(error))]) from error
        return ok(rest_v2(self._state, entity, record))

    async def delete(self, request: web.Request, entity: Entity) -> web.Response:
        try:
            self._changes.delete(entity, request.match_info["id"], API)
        except UnknownRecord as error:
            raise not_found() from error
        return ok({"id": int(request.match_info["id"])})

    async def merge(self, request: web.Request, entity: Entity) -> web.Response:
        """PUT /v1/{entity}/{id}/merge: merge_with_id absorbs the record in the path."""
        body = await json_object(request)
        survivor = body.get("merge_with_id")
        if not isinstance(survivor, int):
            raise Refused(400, envelope("merge_with_id must be given"))
        absorbed = request.match_info["id"]
        try:
            record = self._changes.merge(entity, absorbed, str(survivor), API)
        except UnknownRecord as error:
            raise not_found() from error
        except ValueError as error:
            raise Refused(400, envelope(str(error))) from error
        if entity.name == "organization":
            return ok({"id": survivor})
        return ok({**shown_v1(self._state, entity, record), "merge_what_id": int(absorbed)})

    async def duplicate(self, request: web.Request) -> web.Response:
        """POST /api/v2/products/{id}/duplicate."""
        try:
            product = self._changes.live(PRODUCTS, request.match_info["id"])
        except UnknownRecord as error:
            raise not_found() from error
        kept = {key: product[key] for key in PRODUCTS.writable if product.get(key) is not None}
        return ok(rest_v2(self._state, PRODUCTS, self._changes.create(PRODUCTS, kept, API)), PRODUCTS.created)

    async def _checked(self, request: web.Request, entity: Entity, new: bool) -> dict[str, Any]:
        body = await json_object(request)
        if not isinstance(body.get("custom_fields", {}), dict):
            raise unknown_error()
        wrong = complaints(entity, body, self._state.custom(entity), new)
        if wrong:
            raise invalid(wrong)
        return body


MERGEABLE = tuple(ENTITIES[plural] for plural in ("deals", "persons", "organizations"))
