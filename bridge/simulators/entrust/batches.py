"""Several users in one call, and searches that are requested and fetched later (API description 5.46, tag Users)."""

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from bridge.simulators.entrust.access import Access
from bridge.simulators.entrust.answers import Refused, error_info, json_object
from bridge.simulators.entrust.changes import Changes
from bridge.simulators.entrust.events import Actor
from bridge.simulators.entrust.shapes import COLLECTIONS, user_shape
from bridge.simulators.entrust.state import State
from bridge.simulators.faults import Faults
from bridge.simulators.records import Record

_MULTIPLE, _ASYNC = "/api/web/v3/users/multiple", "/api/web/v4/async/userspaged"
One = Callable[[Mapping[str, Any]], Record]


class UserBatches:
    """Each item succeeds or fails on its own, in the given order. `stopOnError` skips the rest after a failure."""

    def __init__(self, state: State, _faults: Faults, changes: Changes, access: Access, actor: Actor) -> None:
        self._state = state
        self._changes = changes
        self._access = access
        self._actor = actor

    def routes(self) -> list[web.RouteDef]:
        may = self._access.needs
        return [
            web.post(_MULTIPLE, may("USERS:ADD", self._create)),
            web.put(_MULTIPLE, may("USERS:EDIT", self._edit)),
            web.delete(_MULTIPLE, may("USERS:REMOVE", self._delete)),
        ]

    async def _create(self, request: web.Request) -> web.Response:
        def one(item: Mapping[str, Any]) -> Record:
            made = self._changes.create_user(item, self._actor)
            return {"user": user_shape(self._state, made, COLLECTIONS)}

        return await self._each(request, one)

    async def _edit(self, request: web.Request) -> web.Response:
        def one(item: Mapping[str, Any]) -> Record:
            if not isinstance(item.get("parms"), dict):
                raise Refused(400, "parms required")
            self._changes.edit_user(self._id(item), item["parms"], self._actor)
            return {}

        return await self._each(request, one)

    async def _delete(self, request: web.Request) -> web.Response:
        def one(item: Mapping[str, Any]) -> Record:
            self._changes.delete_user(self._id(item), self._actor)
            return {}

        return await self._each(request, one)

    async def _each(self, request: web.Request, one: One) -> web.Response:
        body = await json_object(request)
        items = body.get("users")
        if not isinstance(items, list) or any(not isinstance(item, dict) for item in items):
            raise Refused(400, "users must be a list of objects")
        results: list[Record] = []
        for item in items:
            try:
                results.append({"success": True, **one(item)})
            except Refused as refused:
                results.append({"success": False, "error": error_info(refused.status, refused.message)})
                if body.get("stopOnError") is True:
                    break
        return web.json_response(results)

    def _id(self, item: Mapping[str, Any]) -> str:
        """The UUID of the user that an item names. Raises Refused."""
        wanted, kind = str(item.get("id", "")), item.get("idType") or "UUID"
        found = {
            "UUID": lambda: self._state.get("users", wanted),
            "USERID": lambda: self._state.by_user_id(wanted),
            "EXTERNALID": lambda: self._state.by_external_id(wanted),
        }
        if kind not in found:
            raise Refused(400, f"idType must be one of {', '.join(found)}")
        user = found[kind]()
        if user is None:
            raise Refused(404, "The user was not found.")
        return str(user["id"])


class AsyncSearches:
    """A search is finished when it is requested, and its status is always completed."""

    def __init__(self, state: State, access: Access, page: Callable[[Mapping[str, Any]], Record], actor: Actor) -> None:
        self._state = state
        self._access = access
        self._page = page
        self._actor = actor

    def routes(self) -> list[web.RouteDef]:
        may, one = self._access.needs, f"{_ASYNC}/{{id}}"
        return [
            web.post(_ASYNC, may("USERS:VIEW", self._begin)),
            web.get(f"{one}/status", may("USERS:VIEW", self._status), allow_head=False),
            web.get(f"{one}/result", may("USERS:VIEW", self._result), allow_head=False),
        ]

    async def _begin(self, request: web.Request) -> web.Response:
        result, now = self._page(await json_object(request)), self._state.now_text()
        times = dict.fromkeys(("initTime", "processingStartTime", "processingEndTime"), now)
        known = {"id": self._state.world.new_id(), "name": "USERS_PAGED", "subject": self._actor.id, **times}
        self._state.searches[known["id"]] = {"status": {**known, "processingTime": 0}, "result": result}
        return web.json_response({**known, "state": "SCHEDULED"})

    async def _status(self, request: web.Request) -> web.Response:
        return web.json_response({**self._found(request)["status"], "state": "COMPLETED"})

    async def _result(self, request: web.Request) -> web.Response:
        return web.json_response(self._found(request)["result"])

    def _found(self, request: web.Request) -> Record:
        known = self._state.searches.get(request.match_info["id"])
        if known is None:
            raise Refused(404, "The operation was not found.")
        return known
