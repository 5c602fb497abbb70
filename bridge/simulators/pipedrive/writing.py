"""POST, PATCH and DELETE of REST v2 records and field definitions, and the v1 merges."""

from typing import Any

from aiohttp import web

from bridge.simulators.control import UnknownRecord
from bridge.simulators.pipedrive.answers import Refused, envelope, invalid, json_object, not_found, ok, unknown_error
from bridge.simulators.pipedrive.changes import API, ArchivedRecord, Changes
from bridge.simulators.pipedrive.entities import ENTITIES, Entity
from bridge.simulators.pipedrive.reading import rest_v2
from bridge.simulators.pipedrive.schema import CUSTOM_KINDS, complaints
from bridge.simulators.pipedrive.state import State


class Writing:
    """Writes through the API; callbacks they cause say change_source "api"."""

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
        """A deleted record is unknown here; the refusal of archived ones is our guess at the vendor's."""
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
        """PUT /v1/{entity}/{id}/merge: the record of the path is absorbed by merge_with_id."""
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
        return ok({**rest_v2(self._state, entity, record), "merge_what_id": int(absorbed)})

    async def _checked(self, request: web.Request, entity: Entity, new: bool) -> dict[str, Any]:
        body = await json_object(request)
        if not isinstance(body.get("custom_fields", {}), dict):
            raise unknown_error()
        wrong = complaints(entity, body, self._state.custom(entity), new)
        if wrong:
            raise invalid(wrong)
        return body


class Definitions:
    """Field definitions: /api/v2/{deal,person,organization,product}Fields."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def page(self, request: web.Request, entity: Entity) -> web.Response:
        """Cursor-paged; the cursor is a plain offset behind an opaque word."""
        known = list(self._state.fields[entity.name].values())
        limit, cursor = request.query.get("limit", "100"), request.query.get("cursor", "at0")
        if not limit.isdecimal() or not 1 <= int(limit) <= 500 or not cursor[2:].isdecimal():
            raise invalid([("limit", "or cursor is not valid")])
        start, end = int(cursor[2:]), int(cursor[2:]) + int(limit)
        following = f"at{end}" if end < len(known) else None
        return ok(known[start:end], additional_data={"next_cursor": following})

    async def get(self, request: web.Request, entity: Entity) -> web.Response:
        definition = self._state.fields[entity.name].get(request.match_info["code"])
        if definition is None:
            raise not_found()
        return ok(definition)

    async def create(self, request: web.Request, entity: Entity) -> web.Response:
        body = await json_object(request)
        name, kind = body.get("field_name"), str(body.get("field_type"))
        if not isinstance(name, str) or not 1 <= len(name) <= 255:
            raise invalid([("field_name", "must be 1 to 255 characters long")])
        if kind not in CUSTOM_KINDS:
            raise invalid([("field_type", f"must be one of {sorted(CUSTOM_KINDS)}")])
        labels = [option["label"] for option in body.get("options") or [] if isinstance(option, dict)]
        if kind in ("enum", "set") and not labels:
            raise invalid([("options", "is required")])
        return ok(self._state.add_field(entity.name, name, kind, labels))

    async def delete(self, request: web.Request, entity: Entity) -> web.Response:
        code = request.match_info["code"]
        if code not in self._state.custom(entity):
            raise not_found()
        del self._state.fields[entity.name][code]
        return ok({"field_code": code})


MERGEABLE = tuple(ENTITIES[plural] for plural in ("deals", "persons", "organizations"))
