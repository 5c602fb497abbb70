"""Definitions of user attributes (API description 5.46, tag User Attributes)."""

from aiohttp import web

from bridge.simulators.entrust.access import Access
from bridge.simulators.entrust.answers import Refused, empty, json_object
from bridge.simulators.entrust.state import State
from bridge.simulators.records import Record

_PATH = "/api/web/v1/userattributes"
KINDS = ("NONE", "OTP_EMAIL", "OTP_SMS", "OTP_VOICE", "OTP_WECHAT", "OTP_WHATSAPP")


class Attributes:
    """Names are unique. Attributes that the system defined cannot be changed."""

    def __init__(self, state: State, access: Access) -> None:
        self._state = state
        self._access = access

    def routes(self) -> list[web.RouteDef]:
        may, one = self._access.needs, f"{_PATH}/{{id}}"
        return [
            web.get(_PATH, may("USERATTRIBUTES:VIEW", self._list), allow_head=False),
            web.post(_PATH, may("USERATTRIBUTES:ADD", self._add)),
            web.get(one, may("USERATTRIBUTES:VIEW", self._read), allow_head=False),
            web.put(one, may("USERATTRIBUTES:EDIT", self._edit)),
            web.delete(one, may("USERATTRIBUTES:REMOVE", self._delete)),
        ]

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response(list(self._state.attributes.values()))

    async def _read(self, request: web.Request) -> web.Response:
        return web.json_response(self._found(request))

    async def _add(self, request: web.Request) -> web.Response:
        given = self._given(await json_object(request), None)
        if not given.get("name"):
            raise Refused(400, "name is required")
        made = self._state.add_attribute(given["name"], given.get("type", "NONE"))
        made |= given
        return web.json_response(made)

    async def _edit(self, request: web.Request) -> web.Response:
        known = self._changeable(request)
        known |= self._given(await json_object(request), known["id"])
        return web.json_response(known)

    async def _delete(self, request: web.Request) -> web.Response:
        """Delete an attribute. Users lose their values of it."""
        number = self._changeable(request)["id"]
        for user in self._state.rows("users"):
            if number in user["values"]:
                left = {one: value for one, value in user["values"].items() if one != number}
                self._state.tables["users"].put(user["id"], {**user, "values": left})
        del self._state.attributes[number]
        return empty()

    def _given(self, body: Record, number: str | None) -> Record:
        given = {name: body[name] for name in ("name", "type", "mandatory", "unique") if body.get(name) is not None}
        others = [known["name"] for known in self._state.attributes.values() if known["id"] != number]
        if given.get("name") in others:
            raise Refused(409, f"the name {given['name']} is taken")
        if given.get("type", "NONE") not in KINDS:
            raise Refused(400, f"type must be one of {', '.join(KINDS)}")
        if not isinstance(given.get("name", ""), str) or any(
            not isinstance(given.get(name, False), bool) for name in ("mandatory", "unique")
        ):
            raise Refused(400, "name must be text, mandatory and unique true or false")
        return given

    def _found(self, request: web.Request) -> Record:
        known = self._state.attributes.get(request.match_info["id"])
        if known is None:
            raise Refused(404, "The user attribute was not found.")
        return known

    def _changeable(self, request: web.Request) -> Record:
        known = self._found(request)
        if known["systemDefined"]:
            raise Refused(400, "a system defined user attribute cannot be changed")
        return known
