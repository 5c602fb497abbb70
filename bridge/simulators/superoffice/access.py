"""Sign-in, and the address of the tenant (pages on authentication and on the tenant's status).

Online (below /{tenant}): SOTicket with SO-AppToken, or Bearer. Onsite (no prefix): Basic, or SOTicket alone.
"""

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bridge.simulators.consent import ConsentPage
from bridge.simulators.lifetimes import add_life
from bridge.simulators.superoffice.answers import error, json_object, misdirected
from bridge.simulators.superoffice.signing import app_signed, jwks, jwt
from bridge.simulators.superoffice.state import ONSITE, SYSTEM, TENANT_STATES, Caller, State
from bridge.simulators.world import utc

CALLER = web.RequestKey("superoffice_caller", Caller)
CODE_SECONDS = 600.0
CLAIMS = "http://schemes.superoffice.net/identity/"


def caller_of(request: web.Request) -> Caller:
    return request[CALLER]


def root_of(request: web.Request) -> str:
    """The API's root in the form that this request used."""
    before, _api, _rest = request.path.partition("/api/v1")
    return f"{request.url.origin()}{before}/api/v1"


class Access:
    """Issues and checks credentials, and returns the tenant's address."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._consent = ConsentPage(state.world, state.options.client_id, self._life(CODE_SECONDS))

    def routes(self) -> list[web.RouteDef]:
        tenant = self._state.options.tenant
        return [
            *(
                web.post(f"/{login}/api/PartnerSystemUser/Authenticate", self._system_user)
                for login in ("Login", "login")
            ),
            web.get("/login/common/oauth/authorize", self._consent.show, allow_head=False),
            web.post("/login/common/oauth/tokens", self._tokens),
            web.get("/login/.well-known/jwks", self._jwks, allow_head=False),
            web.get("/login/.well-known/openid-configuration", self._metadata, allow_head=False),
            web.get(f"/api/state/{tenant}", self._whereabouts, allow_head=False),
            *(web.get(f"{prefix}/api", self._version, allow_head=False) for prefix in ("", f"/{tenant}")),
        ]

    def middleware(self) -> Middleware:
        @web.middleware
        async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
            if "/api/v1" not in request.path:
                return await handler(request)
            online = request.path.startswith(f"/{self._state.options.tenant}/")
            if online and (away := self._away(request)) is not None:
                return away
            caller = self._caller(request, online)
            if caller is None:
                return error(401, "SoSessionException", "Authentication failed")
            request[CALLER] = caller
            return await handler(request)

        return admit

    def issue_ticket(self) -> str:
        """Issue a ticket of the system user. Each use renews it."""
        ticket = f"7T:{base64.b64encode(self._state.world.rng.randbytes(24)).decode()}"
        now = self._state.now()
        add_life(self._state.tickets, ticket, now + self._life(self._state.options.ticket_seconds), now)
        return ticket

    def issue_bearer(self) -> str:
        """Issue an access token of the app's user. It is opaque."""
        token = f"8A:{self._state.options.tenant}.{self._state.world.rng.randbytes(24).hex()}"
        now = self._state.now()
        add_life(self._state.bearers, token, now + self._life(self._state.options.token_seconds), now)
        return token

    def _life(self, seconds: float) -> float:
        return seconds / self._state.options.time_scale

    def _away(self, request: web.Request) -> web.Response | None:
        state = self._state
        if state.lost or (state.served_at is not None and request.url.host != state.served_at):
            return misdirected()
        if state.tenant_state not in ("Running", "OnlineMaintenance"):
            return web.Response(status=503, text="<html><body>Maintenance</body></html>", content_type="text/html")
        return None

    def _caller(self, request: web.Request, online: bool) -> Caller | None:
        scheme, _space, credential = request.headers.get("Authorization", "").partition(" ")
        scheme = scheme.lower()
        if scheme == "basic" and not online:
            return self._basic(credential)
        if scheme == "bearer" and online:
            alive = self._state.bearers.get(credential, 0.0) > self._state.now()
            return Caller(SYSTEM, self._state.options.client_secret) if alive else None
        if scheme == "soticket":
            return self._ticket(credential, request.headers.get("SO-AppToken", ""), online)
        return None

    def _ticket(self, ticket: str, app: str, online: bool) -> Caller | None:
        if self._state.tickets.get(ticket, 0.0) <= self._state.now():
            return None
        if online and app != self._state.options.client_secret:
            return None
        self._state.tickets[ticket] = self._state.now() + self._life(self._state.options.ticket_seconds)
        return Caller(SYSTEM, app)

    def _basic(self, credential: str) -> Caller | None:
        try:
            pair = base64.b64decode(credential, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
        options = self._state.options
        return Caller(ONSITE) if pair == f"{options.user}:{options.password}" else None

    async def _system_user(self, request: web.Request) -> web.Response:
        """Exchange a signed system token for a JWT that contains a ticket."""
        body = await json_object(request)
        fault = self._complaint(body)
        if fault:
            return web.json_response({"IsSuccessful": False, "Token": None, "ErrorMessage": fault})
        now = int(self._state.now())
        claims = {
            "iss": "SuperOffice AS",
            "aud": "spn:sandbox",
            "iat": now,
            "exp": now + 300,
            f"{CLAIMS}ticket": self.issue_ticket(),
            f"{CLAIMS}ctx": self._state.options.tenant,
            f"{CLAIMS}webapi_url": f"{self._endpoint(request)}/api/",
        }
        return web.json_response({"IsSuccessful": True, "Token": jwt(claims), "ErrorMessage": None})

    def _complaint(self, body: Mapping[str, object]) -> str:
        options = self._state.options
        if body.get("ApplicationToken") != options.client_secret:
            return "Invalid application token"
        if body.get("ContextIdentifier") != options.tenant:
            return "Unknown context identifier"
        token, _dot, rest = str(body.get("SignedSystemToken", "")).partition(".")
        stamp, _dot, signature = rest.partition(".")
        if token != options.system_token or not app_signed(f"{token}.{stamp}", signature):
            return "Invalid signed system token"
        try:
            at = datetime.strptime(stamp, "%Y%m%d%H%M").replace(tzinfo=UTC).timestamp()
        except ValueError:
            return "Invalid time stamp"
        late = abs(self._state.now() - at) > options.signature_minutes * 60
        return "The signed system token has expired" if late else ""

    async def _tokens(self, request: web.Request) -> web.Response:
        """Exchange a refresh token or the code of a consent for an access token. Parameters are a form or in the query
        string.

        Refusals are as in OAuth 2. The person who consents is an administrator, so the answer names the system user.
        """
        form = {key: str(value) for key, value in (await request.post()).items()}
        given, options = dict(request.query) | form, self._state.options
        if (given.get("client_id"), given.get("client_secret")) != (options.client_id, options.client_secret):
            return web.json_response({"error": "invalid_client"}, status=401)
        grant, more = given.get("grant_type"), dict[str, str]()
        if grant not in ("refresh_token", "authorization_code"):
            return web.json_response({"error": "unsupported_grant_type"}, status=400)
        if grant == "refresh_token" and given.get("refresh_token") != options.refresh_token:
            return web.json_response({"error": "invalid_grant"}, status=400)
        if grant == "authorization_code":
            if not self._consent.take(given.get("code", ""), given.get("redirect_uri", "")):
                return web.json_response({"error": "invalid_grant"}, status=400)
            more = {"refresh_token": options.refresh_token}
        now = int(self._state.now())
        claims = {"iss": f"{request.url.origin()}", "aud": options.client_id, "iat": now, "exp": now + 3600}
        claims |= {f"{CLAIMS}ctx": options.tenant, f"{CLAIMS}webapi_url": f"{self._endpoint(request)}/api/"}
        if grant == "authorization_code":
            claims[f"{CLAIMS}system_token"] = options.system_token
        answer = {"token_type": "Bearer", "access_token": self.issue_bearer(), "expires_in": int(options.token_seconds)}
        return web.json_response({**answer, **more, "id_token": jwt(claims)})

    async def _jwks(self, _request: web.Request) -> web.Response:
        return web.json_response(jwks())

    async def _metadata(self, request: web.Request) -> web.Response:
        login = f"{request.url.origin()}/login"
        more = {"token_endpoint": f"{login}/common/oauth/tokens", "jwks_uri": f"{login}/.well-known/jwks"}
        return web.json_response({"issuer": str(request.url.origin()), **more})

    async def _whereabouts(self, request: web.Request) -> web.Response:
        """GET /api/state/{tenant}. It needs no sign-in."""
        state = self._state
        state.lost = False
        until = utc(state.now() + self._life(state.options.endpoint_valid_seconds))
        return web.json_response(
            {
                "ContextIdentifier": state.options.tenant,
                "Endpoint": self._endpoint(request),
                "State": state.tenant_state,
                "IsRunning": state.tenant_state in ("Running", "OnlineMaintenance"),
                "ValidUntil": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "Api": f"{self._endpoint(request)}/api",
                "Version": "11.5",
            }
        )

    async def _version(self, request: web.Request) -> web.Response:
        now = utc(self._state.now()).strftime("%Y-%m-%dT%H:%M:%SZ")
        links = {"v1": f"{request.url}/v1", "NetServerDate": now}
        return web.json_response({**links, "NetServerVersion": "11.5", "Version": "11.5", "Services": "Services98"})

    def _endpoint(self, request: web.Request) -> str:
        url = request.url.origin()
        if self._state.served_at is not None:
            url = url.with_host(self._state.served_at)
        return f"{url}".rstrip("/") + f"/{self._state.options.tenant}"


def check_tenant_state(word: str) -> None:
    """Raises ValueError for a state that the vendor does not have."""
    if word not in TENANT_STATES:
        raise ValueError(f"tenant_state must be one of {', '.join(TENANT_STATES)}, not {word!r}")
