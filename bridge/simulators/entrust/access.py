"""Sign-in of an Administration API application, and its permissions (page "Authentication and authorization")."""

import base64
from collections.abc import Callable
from datetime import timedelta

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bridge.simulators.entrust.answers import Refused, json_object
from bridge.simulators.entrust.state import State
from bridge.simulators.world import utc

AUTHENTICATE = "/api/web/v1/adminapi/authenticate"
Permission = str


class Access:
    """Issues and checks tokens. Each route names the permission that it needs."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[web.RouteDef]:
        return [web.post(AUTHENTICATE, self.authenticate)]

    def middleware(self) -> Middleware:
        @web.middleware
        async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
            if not request.path.startswith("/_control") and request.path != AUTHENTICATE:
                token = request.headers.get("Authorization", "").removeprefix("Bearer ")
                if self._state.tokens.get(token, 0.0) <= self._state.world.clock.now():
                    raise Refused(401, "Access denied. The token is missing, invalid or expired.")
            return await handler(request)

        return admit

    def needs(self, permission: Permission, handler: Handler) -> Handler:
        """The handler; it refuses applications whose role lacks this permission."""

        async def checked(request: web.Request) -> web.StreamResponse:
            if permission not in self._state.options.permissions:
                raise Refused(403, f"{permission} required")
            return await handler(request)

        return checked

    def issue(self) -> str:
        """Issue a token that is valid from now on."""
        token = base64.b64encode(self._state.world.rng.randbytes(96)).decode()
        self._state.tokens[token] = self._state.world.clock.now() + self._state.options.token_seconds
        return token

    async def authenticate(self, request: web.Request) -> web.Response:
        body, options = await json_object(request), self._state.options
        if not body.get("applicationId") or not body.get("sharedSecret"):
            raise Refused(400, "applicationId and sharedSecret are required")
        if body["applicationId"] != options.application_id:
            raise Refused(404, "The application was not found.")
        if body["sharedSecret"] != options.shared_secret:
            raise Refused(401, "Access denied. The shared secret is wrong.")
        token, now = self.issue(), utc(self._state.world.clock.now())
        shown: Callable[[float], str] = lambda seconds: (now + timedelta(seconds=seconds)).strftime(  # noqa: E731
            "%Y-%m-%dT%H:%M:%S.000+0000" if options.offset_times else "%Y-%m-%dT%H:%M:%SZ"
        )
        answer = {"authToken": token, "creationTime": shown(0), "expirationTime": shown(options.token_seconds)}
        return web.json_response(answer)
