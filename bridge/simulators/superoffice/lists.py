"""Lists, users, time zones, duplicates and foreign keys (REST reference)."""

from typing import Any

from aiohttp import web

from bridge.simulators.faults import Faults
from bridge.simulators.records import Record
from bridge.simulators.superoffice.access import caller_of
from bridge.simulators.superoffice.answers import json_object
from bridge.simulators.superoffice.dates import view_of
from bridge.simulators.superoffice.duplicates import domain_duplicates, name_duplicates
from bridge.simulators.superoffice.foreign import ForeignKeys
from bridge.simulators.superoffice.mdo import find_list, mdo_items
from bridge.simulators.superoffice.shapes import show_country
from bridge.simulators.superoffice.state import State


class Lists:
    """The routes for everything beside the entities."""

    def __init__(self, state: State, faults: Faults, keys: ForeignKeys) -> None:
        self._state = state
        self._faults = faults
        self._keys = keys

    def routes(self, root: str) -> list[web.RouteDef]:
        key = f"{root}/ForeignApp/{{app}}/{{device}}"
        return [
            web.get(f"{root}/List/{{list}}/Items", self._items, allow_head=False),
            web.get(f"{root}/List/{{list}}/MDOItems", self._mdo_items, allow_head=False),
            web.get(f"{root}/MDOList/{{list}}", self._mdo_items, allow_head=False),
            web.get(f"{root}/User/currentPrincipal", self._principal, allow_head=False),
            web.get(f"{root}/User/currentAssociate", self._associate, allow_head=False),
            *(web.get(f"{root}/TimeZone/{which}", self._zone, allow_head=False) for which in ("base", "current")),
            web.get(f"{root}/Contact/Duplicates/{{name}}", self._duplicates, allow_head=False),
            web.get(f"{root}/Contact/DuplicateDomains/{{domain}}", self._domains, allow_head=False),
            *(route(f"{root}/ForeignApp/{{app}}", self._app) for route in (web.post, web.put)),
            *(route(f"{key}/{{identifier}}", self._device) for route in (web.post, web.put)),
            web.post(f"{key}/{{identifier}}/Key", self._set_key),
            web.get(f"{key}/Key/{{key}}/{{table}}", self._find_key, allow_head=False),
        ]

    async def _items(self, request: web.Request) -> web.Response:
        """The items of a list. The form differs by list: some have their own carriers."""
        name = request.match_info["list"]
        items = [
            {**item, "Name": self._text(request, item)}
            for item in self._state.lists[find_list(self._state, name)].values()
        ]
        return web.json_response([_shaped(self._state, name.lower(), item) for item in items])

    def _text(self, request: web.Request, item: Record) -> str:
        return view_of(request, self._state.zone).text(item["Name"])

    async def _mdo_items(self, request: web.Request) -> web.Response:
        return web.json_response(mdo_items(self._state, request.match_info["list"], view_of(request, self._state.zone)))

    async def _principal(self, request: web.Request) -> web.Response:
        one = self._state.associates[caller_of(request).associate]
        return web.json_response(
            {
                "UserType": one["Type"],
                "Associate": one["Name"],
                "AssociateId": one["AssociateId"],
                "UserName": one["Name"].lower(),
                "FullName": one["FullName"],
                "IsPerson": False,
                "PersonId": one["PersonId"],
                "GroupId": one["GroupIdx"],
                "RoleName": "User level 0",
                "DatabaseContextIdentifier": self._state.options.tenant if caller_of(request).app else "Default",
                "FunctionRights": [],
                "Licenses": [],
            }
        )

    async def _associate(self, request: web.Request) -> web.Response:
        return web.json_response(self._state.associates[caller_of(request).associate])

    async def _zone(self, _request: web.Request) -> web.Response:
        name = self._state.options.base_zone
        return web.json_response({"TZLocationID": 1, "Name": name, "TZLocationCode": name, "IsoNumber": 0})

    async def _duplicates(self, request: web.Request) -> web.Response:
        name, department = request.match_info["name"], request.query.get("department", "")
        rows = self._state.rows("contact", self._faults.lag_of_search("contact"))
        return web.json_response(name_duplicates(rows, name, department))

    async def _domains(self, request: web.Request) -> web.Response:
        rows = self._state.rows("contact", self._faults.lag_of_search("contact"))
        return web.json_response(domain_duplicates(rows, request.match_info["domain"]))

    async def _app(self, request: web.Request) -> web.Response:
        app = self._keys.app(request.match_info["app"])
        return web.json_response({"ForeignAppId": app["id"], "Name": app["name"], "Devices": []})

    async def _device(self, request: web.Request) -> web.Response:
        where = request.match_info
        made = self._keys.device(where["app"], where["device"], where["identifier"])
        shown = {"ForeignDeviceId": made["id"], "Name": made["device"], "DeviceIdentifier": made["identifier"]}
        return web.json_response({**shown, "ForeignAppId": self._keys.app(made["app"])["id"]})

    async def _set_key(self, request: web.Request) -> web.Response:
        place = {name: request.match_info[name] for name in ("app", "device", "identifier")}
        return web.json_response(_foreign(self._keys.put(place, await json_object(request))))

    async def _find_key(self, request: web.Request) -> web.Response:
        where, value = request.match_info, request.query.get("keyValue")
        wanted = {"app": where["app"], "device": where["device"], "Key": where["key"], "TableName": where["table"]}
        found = self._keys.found(**wanted, **({} if value is None else {"Value": value}))
        return web.json_response([_foreign(one) for one in found])


def _shaped(state: State, name: str, item: Record) -> Record:
    if name == "country":
        return show_country(state, item["Id"]) or {}
    own = {"currency": "CurrencyId", "saletype": "SaleTypeId", "rating": "SaleStageId", "task": "TaskListItemId"}
    if name not in own:
        return {**{key: item[key] for key in ("Id", "Name", "Tooltip", "Deleted", "Rank")}, "UdListDefinitionId": 0}
    text = "Value" if name in ("rating", "task") else "Name"
    shown: dict[str, Any] = {own[name]: item["Id"], text: item["Name"], "Rank": item["Rank"]}
    return {**shown, "Tooltip": item["Tooltip"], "Deleted": item["Deleted"]}


def _foreign(kept: Record) -> Record:
    return {name: kept[name] for name in ("Key", "Value", "RecordId", "TableName")}
