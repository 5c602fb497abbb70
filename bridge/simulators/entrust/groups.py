"""Groups and organizations. They differ only in their fields (API description 5.46)."""

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bridge.simulators.entrust.access import Access
from bridge.simulators.entrust.answers import Refused, empty, json_object
from bridge.simulators.entrust.changes import Changes
from bridge.simulators.entrust.events import Actor
from bridge.simulators.entrust.search import STRINGS, Search
from bridge.simulators.entrust.shapes import plain_shape
from bridge.simulators.entrust.state import State
from bridge.simulators.faults import Faults

_V1 = "/api/web/v1"


@dataclass(frozen=True)
class Kind:
    """Groups or organizations: the name in paths, the permission, the fields of searches and
    orders, and two further calls."""

    name: str
    permission: str
    searched: tuple[str, ...]
    ordered: tuple[str, ...]
    listed: bool
    by_external_id: bool


KINDS = (
    Kind("groups", "GROUPS", ("name", "type"), ("name",), listed=True, by_external_id=True),
    Kind("organizations", "ORGANIZATIONS", ("name", "displayName"), ("displayName", "name"), False, False),
)


class Collection:
    """The routes of one kind."""

    def __init__(
        self, state: State, faults: Faults, changes: Changes, access: Access, actor: Actor, kind: Kind
    ) -> None:
        self._state = state
        self._faults = faults
        self._changes = changes
        self._access = access
        self._actor = actor
        self._kind = kind
        readers: dict[str, Any] = {name: _reader(name) for name in {*kind.searched, *kind.ordered}}
        conditions = {name: (("EQUALS",) if name == "type" else STRINGS, readers[name]) for name in kind.searched}
        self._search = Search(state, conditions, {name: readers[name] for name in kind.ordered}, _reader("name"))

    def routes(self) -> list[web.RouteDef]:
        may, what, here = self._access.needs, self._kind.permission, f"{_V1}/{self._kind.name}"
        routes = [
            web.post(here, may(f"{what}:ADD", self._create)),
            web.post(f"{here}paged", may(f"{what}:VIEW", self._paged)),
            web.get(f"{here}/{{id}}", may(f"{what}:VIEW", self._read), allow_head=False),
            web.put(f"{here}/{{id}}", may(f"{what}:EDIT", self._edit)),
            web.delete(f"{here}/{{id}}", may(f"{what}:REMOVE", self._delete)),
        ]
        if self._kind.listed:
            routes.append(web.get(here, may(f"{what}:VIEW", self._list), allow_head=False))
        if self._kind.by_external_id:
            routes.append(web.post(f"{here}/externalid", may(f"{what}:VIEW", self._by_external_id)))
        return routes

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response([plain_shape(row) for row in self._rows()])

    async def _paged(self, request: web.Request) -> web.Response:
        shown, paging = self._search.page(self._rows(), await json_object(request))
        return web.json_response({"results": [plain_shape(row) for row in shown], "paging": paging})

    async def _create(self, request: web.Request) -> web.Response:
        made = self._changes.create(self._kind.name, await json_object(request), self._actor)
        return web.json_response(plain_shape(made))

    async def _read(self, request: web.Request) -> web.Response:
        record = self._state.get(self._kind.name, request.match_info["id"], self._faults.lag(self._kind.name))
        if record is None:
            raise Refused(404, f"The {self._kind.name[:-1]} was not found.")
        return web.json_response(plain_shape(record))

    async def _edit(self, request: web.Request) -> web.Response:
        body = await json_object(request)
        changed = self._changes.edit(self._kind.name, request.match_info["id"], body, self._actor)
        return web.json_response(plain_shape(changed))

    async def _delete(self, request: web.Request) -> web.Response:
        self._changes.delete(self._kind.name, request.match_info["id"], self._actor)
        return empty()

    async def _by_external_id(self, request: web.Request) -> web.Response:
        """Find a group by name or external id. The field is called id."""
        wanted = (await json_object(request)).get("id")
        for row in self._rows():
            if wanted and wanted in (row["name"], row.get("externalId")):
                return web.json_response(plain_shape(row))
        raise Refused(404, "The group was not found.")

    def _rows(self) -> list[dict[str, Any]]:
        return self._state.rows(self._kind.name, self._faults.lag(self._kind.name))


def _reader(name: str) -> Any:
    return lambda row: row.get(name)
