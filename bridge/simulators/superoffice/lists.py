"""Lists, users, time zones, duplicates, foreign keys and restore (REST reference)."""

from typing import Any

from aiohttp import web

from bridge.simulators.faults import Faults
from bridge.simulators.records import Record
from bridge.simulators.superoffice.access import caller_of
from bridge.simulators.superoffice.answers import Refused, json_object, not_found
from bridge.simulators.superoffice.changes import Changes
from bridge.simulators.superoffice.dates import view_of
from bridge.simulators.superoffice.schema import ENTITIES
from bridge.simulators.superoffice.shapes import show_country
from bridge.simulators.superoffice.state import State


class Lists:
    """Everything that is looked up beside the entities."""

    def __init__(self, state: State, faults: Faults, changes: Changes) -> None:
        self._state = state
        self._faults = faults
        self._changes = changes

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
            *(web.post(f"{root}/Agents/{name}/Undelete", self._undelete) for name in ("Contact", "Person")),
            *(web.post(f"{root}/Agents/{name}/DeleteExpired", self._purge) for name in ("Contact", "Person")),
            *(route(f"{root}/ForeignApp/{{app}}", self._app) for route in (web.post, web.put)),
            *(route(f"{key}/{{identifier}}", self._device) for route in (web.post, web.put)),
            web.post(f"{key}/{{identifier}}/Key", self._set_key),
            web.get(f"{key}/Key/{{key}}/{{table}}", self._find_key, allow_head=False),
        ]

    async def _items(self, request: web.Request) -> web.Response:
        """The shape differs by list: some have carriers of their own."""
        name = request.match_info["list"]
        items = [{**item, "Name": self._text(request, item)} for item in self._list(name)]
        return web.json_response([_shaped(self._state, name.lower(), item) for item in items])

    def _text(self, request: web.Request, item: Record) -> str:
        return view_of(request, self._state.zone).text(item["Name"])

    async def _mdo_items(self, request: web.Request) -> web.Response:
        name = request.match_info["list"]
        if name.lower() == "associate":
            found = [
                {"Id": one["AssociateId"], "Name": one["FullName"], "ToolTip": one["Name"], "Deleted": False}
                for one in self._state.associates.values()
            ]
        else:
            found = [
                {
                    "Id": one["Id"],
                    "Name": self._text(request, one),
                    "ToolTip": one["Tooltip"],
                    "Deleted": one["Deleted"],
                }
                for one in self._list(name)
            ]
        rest = {"Type": "", "ChildItems": [], "IconHint": "", "ColorBlock": 0, "ExtraInfo": "", "StyleHint": ""}
        return web.json_response([{**item, "Rank": item["Id"], "FullName": item["Name"], **rest} for item in found])

    def _list(self, name: str) -> list[Record]:
        for own, items in self._state.lists.items():
            if own.lower() == name.lower():
                return list(items.values())
        raise not_found(f"list {name!r}")

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
        name, department = request.match_info["name"].casefold(), request.query.get("department", "").casefold()
        rows = self._state.rows("contact", self._faults.lag_of_search("contact"))
        found = [
            row
            for row in rows
            if row["Name"].casefold() == name and (not department or row["Department"].casefold() == department)
        ]
        return web.json_response([_duplicate("NameDepartment", row) for row in found])

    async def _domains(self, request: web.Request) -> web.Response:
        domain = request.match_info["domain"].casefold()
        rows = self._state.rows("contact", self._faults.lag_of_search("contact"))
        found = [row for row in rows if domain in {one.casefold() for one in row["Domains"]}]
        return web.json_response([_duplicate("Domain", row) for row in found])

    async def _undelete(self, request: web.Request) -> web.Response:
        entity = ENTITIES[request.path.split("/")[-2].lower()]
        number = (await json_object(request)).get("Id")
        record = self._state.get(entity.name, number, deleted=True)
        if record is None:
            raise not_found(f"{entity.path} {number}")
        self._changes.undelete(entity, record, caller_of(request))
        return web.Response(status=204)

    async def _purge(self, request: web.Request) -> web.Response:
        self._changes.purge(caller_of(request))
        return web.Response(status=204)

    async def _app(self, request: web.Request) -> web.Response:
        return web.json_response({"ForeignAppId": 1, "Name": request.match_info["app"], "Devices": []})

    async def _device(self, request: web.Request) -> web.Response:
        where = request.match_info
        return web.json_response(
            {"ForeignDeviceId": 1, "Name": where["device"], "DeviceIdentifier": where["identifier"], "ForeignAppId": 1}
        )

    async def _set_key(self, request: web.Request) -> web.Response:
        """Stores Value under Key for one record; a second one replaces it."""
        body, where = await json_object(request), request.match_info
        if not body.get("Key") or not isinstance(body.get("RecordId"), int) or not body.get("TableName"):
            raise Refused(400, "ArgumentException", "Key, RecordId and TableName are needed")
        kept: Record = {"app": where["app"], "device": where["device"], "identifier": where["identifier"]}
        kept |= {name: body[name] for name in ("Key", "RecordId", "TableName")} | {"Value": str(body.get("Value", ""))}
        self._state.foreign[:] = [one for one in self._state.foreign if not _same_key(one, kept)] + [kept]
        return web.json_response(_foreign(kept))

    async def _find_key(self, request: web.Request) -> web.Response:
        where, value = request.match_info, request.query.get("keyValue")
        found = [
            _foreign(one)
            for one in self._state.foreign
            if (one["app"], one["device"], one["Key"]) == (where["app"], where["device"], where["key"])
            and one["TableName"].lower() == where["table"].lower()
            and value in (None, one["Value"])
        ]
        return web.json_response(found)


def _shaped(state: State, name: str, item: Record) -> Record:
    if name == "country":
        return show_country(state, item["Id"]) or {}
    own = {"currency": "CurrencyId", "saletype": "SaleTypeId", "rating": "SaleStageId", "task": "TaskListItemId"}
    if name not in own:
        return {**{key: item[key] for key in ("Id", "Name", "Tooltip", "Deleted", "Rank")}, "UdListDefinitionId": 0}
    text = "Value" if name in ("rating", "task") else "Name"
    shown: dict[str, Any] = {own[name]: item["Id"], text: item["Name"], "Rank": item["Rank"]}
    return {**shown, "Tooltip": item["Tooltip"], "Deleted": item["Deleted"]}


def _duplicate(rule: str, row: Record) -> Record:
    shown = {"RuleName": rule, "SoPrimaryKey": row["id"], "EntryName": row["Name"]}
    return {**shown, "EntryIdentifier": row["OrgNr"], "RuleDisplayName": rule}


def _same_key(one: Record, other: Record) -> bool:
    names = ("app", "device", "identifier", "Key", "RecordId", "TableName")
    return all(one[name] == other[name] for name in names)


def _foreign(kept: Record) -> Record:
    return {name: kept[name] for name in ("Key", "Value", "RecordId", "TableName")}
