"""How an agent's method is called and answered (page "Agents WebAPI").

Arguments are in the body, or in the query string where the vendor's description says so. An agent returns no HTTP
errors: a failure gives null, and only a malformed request gives 400. A method without a result answers 204.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bridge.simulators.superoffice.access import caller_of, root_of
from bridge.simulators.superoffice.answers import Refused, error, json_body
from bridge.simulators.superoffice.dates import View, view_of
from bridge.simulators.superoffice.state import Caller, State

MALFORMED = 400


class _Nothing:
    """The method has no result."""


NOTHING = _Nothing()


@dataclass(frozen=True)
class Call:
    """One call. `body`: the whole body. `given`: the arguments by their name in lower case."""

    body: Any
    given: Mapping[str, Any]
    caller: Caller
    view: View
    root: str

    def get(self, name: str) -> Any:
        return self.given.get(name.lower())

    def number(self, name: str) -> int:
        """An id or a number; 0 when it is not given. Raises Refused."""
        value = self.get(name) or 0
        try:
            return int(value)
        except (TypeError, ValueError) as fault:
            raise malformed(f"{name} must be an integer") from fault

    def text(self, name: str) -> str:
        return str(self.get(name) or "")

    def flag(self, name: str) -> bool:
        return self.get(name) is True

    def items(self, name: str) -> list[Any]:
        """A list, empty when it is not given. Raises Refused."""
        value = self.get(name) or []
        if not isinstance(value, list):
            raise malformed(f"{name} must be a list")
        return value

    def object(self, name: str) -> dict[str, Any]:
        """A carrier among the arguments. Raises Refused."""
        return as_object(self.get(name), name)

    def moment(self, name: str) -> str:
        """A time in the base zone, in the form of stored records; "" when it is not given."""
        return self.view.read_moment(self.get(name))

    def ids(self) -> list[int]:
        """The body as a list of ids. Raises Refused."""
        if not isinstance(self.body, list) or any(type(one) is not int for one in self.body):
            raise malformed("a list of ids is expected in the body")
        return self.body


Method = Callable[[Call], Any]
"""Returns the result (or an awaitable of it), or NOTHING if there is none. Raises Refused."""


class Agents:
    """`methods` by "Agent/Method"."""

    def __init__(self, state: State, *tables: Mapping[str, Method]) -> None:
        self._state = state
        self._methods = {name.lower(): method for table in tables for name, method in table.items()}

    def routes(self, root: str) -> list[web.RouteDef]:
        return [web.post(f"{root}/Agents/{{agent}}/{{method}}", self._answer)]

    async def _answer(self, request: web.Request) -> web.Response:
        where = request.match_info
        method = self._methods.get(f"{where['agent']}/{where['method']}".lower())
        if method is None:
            return error(404, "SoNotFoundException", f"{where['agent']}/{where['method']} is not served here")
        try:
            found = method(await self._call(request))
            result = await found if inspect.isawaitable(found) else found
        except Refused as refused:
            if refused.status == MALFORMED:
                raise
            result = None
        return web.Response(status=204) if result is NOTHING else web.json_response(result)

    async def _call(self, request: web.Request) -> Call:
        body = await json_body(request)
        named = body if isinstance(body, dict) else {}
        given = {name.lower(): value for name, value in {**named, **request.query}.items()}
        options = self._state.options
        view = view_of(request, self._state.zone, options.shift_days)
        return Call(body, given, caller_of(request), view, root_of(request))


def malformed(message: str) -> Refused:
    return Refused(MALFORMED, "ArgumentException", message)


def as_object(value: Any, what: str) -> dict[str, Any]:
    """The value if it is an object. Raises Refused otherwise."""
    if not isinstance(value, dict):
        raise malformed(f"{what} must be an object")
    return value
