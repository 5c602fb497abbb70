"""Tokens: OAuth V2, the older V1 route and its refresh, validation (pages "OAuth V2", "Authentication")."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bridge.simulators.deskera.answers import Refused, json_object, service_error
from bridge.simulators.deskera.state import State
from bridge.simulators.lifetimes import add_life

SCOPES = frozenset({"read", "write", "read write"})
OPEN_PATHS = frozenset({"/v2/oauth/token", "/oauth/token", "/v1/iam/auth/app/getrefreshtoken"})


class Tokens:
    """Issues, rotates and checks tokens."""

    def __init__(self, state: State) -> None:
        self._state = state

    def middleware(self) -> Middleware:
        @web.middleware
        async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path.startswith("/_control") or request.path in OPEN_PATHS:
                return await handler(request)
            if not self.alive(request.headers.get("x-access-token", "")):
                return service_error(401, "Token is invalid or expired")
            return await handler(request)

        return admit

    def alive(self, token: str) -> bool:
        return self._state.access.get(token, 0.0) > self._state.world.clock.now()

    def issue_access(self) -> str:
        """A token in the vendor's form: three base64url parts, RS256 in its header, unsigned."""
        state, now = self._state, self._state.world.clock.now()
        end = now + state.options.token_seconds / state.options.time_scale
        claims: dict[str, Any] = {
            "iss": "Deskera",
            "userId": state.owner_id,
            "user_name": f"{state.owner_id}:{state.options.tenant_id}",
            "tenantId": state.options.tenant_id,
            "client_id": state.options.client_id,
            "given_name": "Sandbox User",
            "jti": state.world.new_id(),
            "iat": int(now),
        }
        if not state.options.omit_exp:
            claims["exp"] = int(end)
        header = _part({"alg": "RS256", "typ": "JWT"})
        token = f"{header}.{_part(claims)}.{_text(state.world.rng.randbytes(32))}"
        add_life(state.access, token, end, now)
        return token

    async def issue_v2(self, request: web.Request) -> web.Response:
        """POST /v2/oauth/token. Only parameters in the query string count."""
        if not self._state.options.v2_token_route:
            raise web.HTTPNotFound
        refresh = self._grant(request, request.query)
        return web.json_response(
            {
                "access_token": self.issue_access(),
                "token_type": "bearer",
                "refresh_token": refresh,
                "expires_in": 0,
                "scope": "write",
            }
        )

    async def issue_v1(self, request: web.Request) -> web.Response:
        """POST /oauth/token. The same parameters, in the query string or form-encoded."""
        form = {key: str(value) for key, value in (await request.post()).items()}
        refresh = self._grant(request, form | dict(request.query))
        return web.json_response(
            {
                "access_token": self._state.world.new_id(),
                "token_type": "bearer",
                "refresh_token": self._state.world.new_id(),
                "expires_in": 9,
                "scope": "read write",
                "deskera-token": self.issue_access(),
                "deskera-refresh-token": refresh,
                "email": self._state.owner()["email"],
                "username": f"{self._state.owner_id}:{self._state.options.tenant_id}",
                "org": "Sandbox",
            }
        )

    async def refresh_v1(self, request: web.Request) -> web.Response:
        """POST /v1/iam/auth/app/getrefreshtoken with `refreshToken`. userName and tenantId may be missing."""
        body = await json_object(request)
        refresh = self._rotate(str(body.get("refreshToken", "")))
        return web.json_response(
            {
                "accessToken": self.issue_access(),
                "refreshToken": refresh,
                "idToken": "",
                "expiresIn": 3600,
                "tokenType": "Bearer",
                "emailVerified": True,
                "isTrialUser": False,
                "isMFAEnabled": False,
                "guid": self._state.world.new_id(),
            }
        )

    async def validate(self, _request: web.Request) -> web.Response:
        """GET /v1/iam/token/app/validate. The middleware has already refused bad tokens."""
        return web.json_response({"valid": True})

    def revoke_all(self) -> None:
        """Invalidate all tokens. A person must authorise again."""
        self._state.access.clear()
        self._state.refresh.clear()

    def _grant(self, request: web.Request, given: Mapping[str, str]) -> str:
        options = self._state.options
        if _basic(request) != (options.client_id, options.client_secret):
            raise Refused(401, "Bad client credentials")
        grant = given.get("grant_type")
        if grant == "refresh_token":
            return self._rotate(given.get("refresh_token", ""))
        if grant != "authorization_code":
            raise Refused(400, "Missing or unsupported grant type", [("grant_type", "is required")])
        if given.get("scope") not in SCOPES:
            raise Refused(400, "Invalid scope", [("scope", "must be write or read write")])
        code = given.get("code", "")
        if not code or code in self._state.used_codes:
            raise Refused(400, "Invalid authorization code", [("code", "is missing or was used before")])
        self._state.used_codes.add(code)
        return self._new_refresh()

    def _rotate(self, refresh: str) -> str:
        if refresh not in self._state.refresh:
            raise Refused(400, "Invalid refresh token", [("refresh_token", "is missing or no longer valid")])
        if not self._state.options.rotate_refresh:
            return refresh
        self._state.refresh.discard(refresh)
        return self._new_refresh()

    def _new_refresh(self) -> str:
        token = f"{_part({'typ': 'refresh', 'jti': self._state.world.new_id()})}"
        self._state.refresh.add(token)
        return token


def _basic(request: web.Request) -> tuple[str, str] | None:
    scheme, _space, pair = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _colon, secret = base64.b64decode(pair, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return user, secret


def _part(content: dict[str, Any]) -> str:
    return _text(json.dumps(content, separators=(",", ":")).encode())


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
