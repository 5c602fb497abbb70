"""The user resources (API description 5.46, tags Users and User attributes)."""

from typing import Any

from aiohttp import web

from bridge.simulators.entrust.access import Access
from bridge.simulators.entrust.answers import Refused, empty, json_body, json_object
from bridge.simulators.entrust.changes import STATES, Changes
from bridge.simulators.entrust.events import Actor
from bridge.simulators.entrust.search import STRINGS, TIMES, Search
from bridge.simulators.entrust.shapes import COLLECTIONS, attribute_values, user_shape
from bridge.simulators.entrust.state import State
from bridge.simulators.faults import Faults
from bridge.simulators.records import Record

_V3, _V1 = "/api/web/v3/users", "/api/web/v1"


class Users:
    """`actor`: the application that calls."""

    def __init__(self, state: State, faults: Faults, changes: Changes, access: Access, actor: Actor) -> None:
        self._state = state
        self._faults = faults
        self._changes = changes
        self._access = access
        self._actor = actor
        conditions: dict[str, Any] = {
            "userId": (STRINGS, lambda row: row["userId"]),
            "state": (("EQUALS",), lambda row: row["state"]),
            "locked": (("EQUALS",), lambda row: str(row["locked"]).lower()),
            "userType": (("EQUALS",), lambda row: "LOCAL" if row["type"] == "MGMT_UI" else "SYNC"),
            "registrationRequired": (("EQUALS",), lambda row: str(row["registrationRequired"]).lower()),
            "verificationRequired": (("EQUALS",), lambda row: str(row["verificationRequired"]).lower()),
            "lastAuthTime": ((*TIMES, "EXISTS", "NOT_EXISTS"), lambda row: row.get("lastAuthTime")),
        }
        orders = {name: conditions[name][1] for name in ("userId", "state", "lastAuthTime")}
        self._search = Search(state, conditions, orders, lambda row: row["userId"])

    def routes(self) -> list[web.RouteDef]:
        may = self._access.needs
        return [
            web.post(_V3, may("USERS:ADD", self._create)),
            web.post(f"{_V3}/userid", may("USERS:VIEW", self._by_user_id)),
            web.post(f"{_V3}/externalid", may("USERS:VIEW", self._by_external_id)),
            web.get(f"{_V3}/{{id}}", may("USERS:VIEW", self._read), allow_head=False),
            web.put(f"{_V3}/{{id}}", may("USERS:EDIT", self._edit)),
            web.delete(f"{_V3}/{{id}}", may("USERS:REMOVE", self._delete)),
            web.put(f"{_V1}/users/{{id}}/state", may("USERS:EDIT", self._set_state)),
            web.put(f"{_V1}/users/{{id}}/unlock", may("USERS:EDIT", self._unlock)),
            web.put(f"{_V1}/users/{{id}}/organizations", may("USERS:EDIT", self._set_organizations)),
            web.put(f"{_V1}/userauthorizationgroup/{{id}}/groups", may("USERS:EDIT", self._set_groups)),
            web.post("/api/web/v4/userspaged", may("USERS:VIEW", self._paged)),
            web.get(f"{_V1}/userattributes", may("USERATTRIBUTES:VIEW", self._attributes), allow_head=False),
            web.post(f"{_V1}/userattributes", may("USERATTRIBUTES:ADD", self._add_attribute)),
            web.get(f"{_V1}/userattributes/{{id}}", may("USERATTRIBUTES:VIEW", self._attribute), allow_head=False),
        ]

    async def _create(self, request: web.Request) -> web.Response:
        return self._whole(self._changes.create_user(await json_object(request), self._actor))

    async def _read(self, request: web.Request) -> web.Response:
        user = self._state.get("users", request.match_info["id"], self._faults.lag("users"))
        if user is None:
            raise Refused(404, "The user was not found.")
        return self._whole(user)

    async def _by_user_id(self, request: web.Request) -> web.Response:
        user = self._state.by_user_id(str((await json_object(request)).get("userId", "")))
        return self._whole(self._or_404(user))

    async def _by_external_id(self, request: web.Request) -> web.Response:
        """The field that carries the external id is called userId, too."""
        wanted = (await json_object(request)).get("userId")
        found = [row for row in self._state.rows("users") if row["externalId"] == wanted and wanted]
        return self._whole(self._or_404(found[0] if found else None))

    async def _edit(self, request: web.Request) -> web.Response:
        self._changes.edit_user(request.match_info["id"], await json_object(request), self._actor)
        return empty()

    async def _delete(self, request: web.Request) -> web.Response:
        self._changes.delete_user(request.match_info["id"], self._actor)
        return empty()

    async def _set_state(self, request: web.Request) -> web.Response:
        wanted = (await json_object(request)).get("state")
        if wanted not in STATES:
            raise Refused(400, "state must be ACTIVE or INACTIVE")
        self._changes.edit_user(request.match_info["id"], {"state": wanted}, self._actor)
        return empty()

    async def _unlock(self, request: web.Request) -> web.Response:
        self._changes.user(request.match_info["id"])
        return empty()

    async def _set_organizations(self, request: web.Request) -> web.Response:
        ids = (await json_object(request)).get("organizations")
        self._changes.edit_user(request.match_info["id"], {"organizations": ids or []}, self._actor)
        return empty()

    async def _set_groups(self, request: web.Request) -> web.Response:
        self._changes.edit_user(request.match_info["id"], {"groups": await json_body(request)}, self._actor)
        return empty()

    async def _paged(self, request: web.Request) -> web.Response:
        body = await json_object(request)
        wanted = body.get("attributes") or []
        if wrong := sorted(set(wanted) - COLLECTIONS):
            raise Refused(400, f"unknown attributes {', '.join(wrong)}")
        searched = bool(body.get("searchByAttributes"))
        lag = self._faults.lag_of_search("users") if searched else self._faults.lag("users")
        rows = self._state.rows("users", lag)
        shown, paging = self._search.page(rows, body)
        results = [user_shape(self._state, row, frozenset(wanted)) for row in shown]
        return web.json_response({"results": results, "paging": paging})

    async def _attributes(self, _request: web.Request) -> web.Response:
        return web.json_response(list(self._state.attributes.values()))

    async def _attribute(self, request: web.Request) -> web.Response:
        return web.json_response(self._or_404(self._state.attributes.get(request.match_info["id"])))

    async def _add_attribute(self, request: web.Request) -> web.Response:
        body = await json_object(request)
        name = body.get("name")
        if not name or any(name == known["name"] for known in self._state.attributes.values()):
            raise Refused(409 if name else 400, "name must be given and not be taken")
        return web.json_response(self._state.add_attribute(str(name), str(body.get("type", "NONE"))))

    def _whole(self, user: Record) -> web.Response:
        shown = user_shape(self._state, user, COLLECTIONS)
        return web.json_response({**shown, "userAttributeValues": attribute_values(self._state, user)})

    def _or_404(self, record: Record | None) -> Record:
        if record is None:
            raise Refused(404, "The user was not found.")
        return record
