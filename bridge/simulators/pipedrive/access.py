"""Credentials, token costs and rate limits ("Authentication", "OAuth authorization", "Rate limiting" on
pipedrive.readme.io).
"""

import base64
import binascii
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bridge.simulators.consent import ConsentPage
from bridge.simulators.lifetimes import add_life
from bridge.simulators.pipedrive.answers import Refused, over_limit, unauthorized
from bridge.simulators.pipedrive.state import State

WINDOW_SECONDS = 2.0
DAY_SECONDS = 86400.0
CODE_SECONDS = 300.0
SEARCH_COST = 20


@dataclass
class _Usage:
    day: int = -1
    tokens: int = 0
    recent: dict[str, deque[float]] = field(default_factory=dict)


class Gate:
    """Admits requests with valid credentials, and counts their costs.

    Costs are per "METHOD /path/{template}".
    """

    def __init__(self, state: State, costs: Mapping[str, int]) -> None:
        self._state = state
        self._costs = costs
        self._usage = _Usage()
        self.consent = ConsentPage(state.world, state.options.client_id, CODE_SECONDS / state.options.time_scale)

    def middleware(self) -> Middleware:
        @web.middleware
        async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path.startswith(("/_control", "/oauth/")):
                return await handler(request)
            credential = self._credential(request)
            if credential is None:
                return unauthorized(self._state.world.new_id())
            headers, over = self._count(request, credential)
            answer = web.json_response(over_limit(), status=429) if over else await handler(request)
            answer.headers.update(headers)
            return answer

        return admit

    async def issue(self, request: web.Request) -> web.Response:
        """POST /oauth/token with grant_type refresh_token, or authorization_code with a code from the consent page."""
        form = await request.post()
        options = self._state.options
        if _basic(request) != (options.client_id, options.client_secret):
            raise _oauth_refusal("invalid_client", "Client authentication failed")
        grant = form.get("grant_type")
        if grant not in ("refresh_token", "authorization_code"):
            raise _oauth_refusal("unsupported_grant_type", "Unsupported or missing grant type")
        if grant == "refresh_token" and form.get("refresh_token") != options.refresh_token:
            raise _oauth_refusal("invalid_grant", "Invalid refresh token")
        code = str(form.get("code", "")), str(form.get("redirect_uri", ""))
        if grant == "authorization_code" and not self.consent.take(*code):
            raise _oauth_refusal("invalid_grant", "Invalid or expired authorization code")
        token = f"{self._state.world.rng.getrandbits(3072):0768x}"
        now = self._state.world.clock.now()
        add_life(self._state.bearers, token, now + options.token_seconds / options.time_scale, now)
        return web.json_response(
            {
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": int(options.token_seconds / options.time_scale),
                "refresh_token": options.refresh_token,
                "scope": "base,deals:full,contacts:full,products:full,users:read,search:read,admin",
                "api_domain": str(request.url.origin()),
            }
        )

    def _credential(self, request: web.Request) -> str | None:
        options = self._state.options
        header = request.headers.get("Authorization")
        if header is not None:
            scheme, _space, token = header.partition(" ")
            if scheme.lower() != "bearer" or not token:
                raise Refused(400, {"success": False, "error": "Invalid request: malformed authorization header"})
            alive = self._state.bearers.get(token, 0.0) > self._state.world.clock.now()
            return token if alive else None
        token = request.headers.get("x-api-token", "")
        if not token and options.token_in_query:
            token = request.query.get("api_token", "")
        return token if token == options.api_token else None

    def _count(self, request: web.Request, credential: str) -> tuple[dict[str, str], bool]:
        now, options, usage = self._state.world.clock.now(), self._state.options, self._usage
        if usage.day != int(now // DAY_SECONDS):
            usage.day, usage.tokens = int(now // DAY_SECONDS), 0
        resource = request.match_info.route.resource
        cost = self._costs.get(f"{request.method} {resource.canonical}" if resource else "", 0)
        search = request.path.endswith("/search") or "itemSearch" in request.path
        limit = options.search_burst_limit if search else options.burst_limit
        recent = usage.recent.setdefault(f"{credential} {search}", deque())
        while recent and recent[0] <= now - WINDOW_SECONDS:
            recent.popleft()
        burst = limit is not None and len(recent) >= limit
        spent = usage.tokens + cost > options.daily_tokens
        if not burst and not spent:
            usage.tokens += cost
            recent.append(now)
        headers = {"x-daily-ratelimit-token-limit": str(options.daily_tokens)}
        headers["x-daily-ratelimit-token-remaining"] = "0" if spent else str(options.daily_tokens - usage.tokens)
        if limit is not None:
            wait = recent[0] + WINDOW_SECONDS - now if recent else WINDOW_SECONDS
            headers |= {
                "x-ratelimit-limit": str(limit),
                "x-ratelimit-remaining": str(limit - len(recent)),
                "x-ratelimit-reset": str(max(1, round(wait))),
            }
        return headers, burst or spent


def _basic(request: web.Request) -> tuple[str, str] | None:
    scheme, _space, pair = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _colon, secret = base64.b64decode(pair, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return user, secret


def _oauth_refusal(code: str, message: str) -> Refused:
    return Refused(400, {"success": False, "error": code, "message": message})
