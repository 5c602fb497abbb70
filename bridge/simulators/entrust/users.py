"""The user resources (API description 5.46, tags Users and User attributes)."""

from collections.abc import Mapping
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

# What no user of this tenant has: roles, authenticators, passwords.
_NOBODY_HAS: dict[str, Any] = {
    "roleId": (("EQUALS",), lambda _row: []),
    "authenticator": (("EQUALS", "NOT_EQUALS"), lambda _row: []),
    "passwordCompromised": (("EQUALS",), lambda _row: "false"),
    "passwordExpirationTime": ((*TIMES, "EXISTS", "NOT_EXISTS"), lambda _row: None),
}

_V3, _V1 = "/api/web/v3/users", "/api/web/v1"


class Users:
    """The routes of users. `actor`: the application that calls."""

    def __init__(self, state: State, faults: Faults, changes: Changes, access: Access, actor: Actor) -> None:
        self._state = state
        self._faults = faults
        self._changes = changes
        self._access = access
        self._actor = actor
        conditions: dict[str, Any] = {
            "userId": (STRINGS, lambda row: [row["userId"], *row["aliases"]]),
            "state": (("EQUALS",), lambda row: row["state"]),
            "locked": (("EQUALS",), lambda row: str(row["locked"]).lower()),
            "userType": (("EQUALS",), lambda row: "LOCAL" if row["type"] == "MGMT_UI" else "SYNC"),
            "registrationRequired": (("EQUALS",), lambda row: str(row["registrationRequired"]).lower()),
            "verificationRequired": (("EQUALS",), lambda row: str(row["verificationRequired"]).lower()),
            "lastAuthTime": ((*TIMES, "EXISTS", "NOT_EXISTS"), lambda row: row.get("lastAuthTime")),
            "groupId": (("EQUALS",), lambda row: row["groups"]),
            "organizationId": (("EQUALS",), lambda row: row["organizations"]),
            **_NOBODY_HAS,
        }
        orders: dict[str, Any] = {name: conditions[name][1] for name in ("state", "lastAuthTime")}
        orders["userId"] = lambda row: row["userId"]
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
            web.post(f"{_V1}/organizations/{{organization}}/users/{{id}}", may("ORGANIZATIONS:EDIT", self._associate)),
            web.delete(f"{_V1}/organizations/{{organization}}/users/{{id}}", may("ORGANIZATIONS:EDIT", self._part)),
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
        """Find a user by external id. The field is called userId here, too."""
        wanted = (await json_object(request)).get("userId")
        return self._whole(self._or_404(self._state.by_external_id(str(wanted or ""))))

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

    async def _associate(self, request: web.Request) -> web.Response:
        """Add a user to an organization. A second time changes nothing."""
        user, organization = self._pair(request)
        if organization not in user["organizations"]:
            self._organizations(user, [*user["organizations"], organization])
        return empty()

    async def _part(self, request: web.Request) -> web.Response:
        user, organization = self._pair(request)
        if organization not in user["organizations"]:
            raise Refused(404, "The user does not belong to the organization.")
        self._organizations(user, [one for one in user["organizations"] if one != organization])
        return empty()

    def _pair(self, request: web.Request) -> tuple[Record, str]:
        organization = request.match_info["organization"]
        if self._state.get("organizations", organization) is None:
            raise Refused(404, "The organization was not found.")
        return self._changes.user(request.match_info["id"]), organization

    def _organizations(self, user: Record, ids: list[str]) -> None:
        self._changes.edit_user(user["id"], {"organizations": ids}, self._actor)

    async def _paged(self, request: web.Request) -> web.Response:
        return web.json_response(self.page(await json_object(request)))

    def page(self, body: Mapping[str, Any]) -> Record:
        """One page of a search. Raises Refused."""
        wanted = body.get("attributes") or []
        if wrong := sorted(set(wanted) - COLLECTIONS):
            raise Refused(400, f"unknown attributes {', '.join(wrong)}")
        searched = bool(body.get("searchByAttributes"))
        lag = self._faults.lag_of_search("users") if searched else self._faults.lag("users")
        rows = self._state.rows("users", lag)
        shown, paging = self._search.page(rows, body)
        results = [user_shape(self._state, row, frozenset(wanted)) for row in shown]
        return {"results": results, "paging": paging}

    def _whole(self, user: Record) -> web.Response:
        shown = user_shape(self._state, user, COLLECTIONS)
        return web.json_response({**shown, "userAttributeValues": attribute_values(self._state, user)})

    def _or_404(self, record: Record | None) -> Record:
        if record is None:
            raise Refused(404, "The user was not found.")
        return record
