"""Credentials: system user (a ticket), OAuth (a bearer token), user and password (onsite).

Vendor pages "System user flow", "OAuth 2.0 and OpenID Connect", "Authorization schemes".
"""

from base64 import b64encode
from collections.abc import Mapping

from bridge.connectors.calls import Call
from bridge.connectors.http import HttpClient, with_headers
from bridge.connectors.limits import SMALL_BYTES
from bridge.connectors.oauth import NO_CONSENT, Credential, FixedHeader, Grant, KeptToken, OAuth
from bridge.connectors.product import Construction
from bridge.connectors.protocols import HttpRequest
from bridge.connectors.superoffice.options import SuperOfficeOptions
from bridge.connectors.superoffice.signing import BadToken, read_private_key, read_ticket, sign_system_token
from bridge.domain.errors import NeedsAuthorisation

TICKET_IDLE_SECONDS = 5.5 * 3600  # the vendor voids a ticket that was not used for six hours


def credential(construction: Construction, client: HttpClient) -> Credential:
    options: SuperOfficeOptions = construction.options
    if options.way == "system user":
        return SystemUser(construction, client)
    if options.way == "user's consent":
        return OAuth(construction, client, user_grant(options))
    assert options.username
    assert options.password
    pair = f"{options.username}:{options.password.get_secret_value()}"
    return FixedHeader("authorization", "Basic " + b64encode(pair.encode()).decode())


def user_grant(options: SuperOfficeOptions) -> Grant:
    """The grant of a user's consent. The vendor's refresh token can be used many times."""
    assert options.client_id
    assert options.client_secret
    app = {"client_id": options.client_id, "client_secret": options.client_secret.get_secret_value()}
    url = f"{options.login_url}/login/common/oauth/tokens"
    return Grant(url, options.refresh_token.get_secret_value() if options.refresh_token else "", app)


class SystemUser(KeptToken):
    """Signs the tenant's token with the app's key, and gets a ticket. A ticket lives as long as it is used."""

    def __init__(self, construction: Construction, client: HttpClient) -> None:
        super().__init__(construction)
        options: SuperOfficeOptions = construction.options
        assert options.private_key
        assert options.client_secret
        assert options.tenant
        self._client, self._login_url, self._tenant = client, options.login_url, options.tenant
        self._given = options.system_token.get_secret_value() if options.system_token else ""
        self._key = read_private_key(options.private_key.get_secret_value())
        self._app_token = options.client_secret.get_secret_value()
        self._used_at = 0.0

    async def authorise(self, request: HttpRequest) -> HttpRequest:
        kept = await self._current()
        self._used_at = self._now()
        return with_headers(request, {"authorization": self._shown(kept), "so-apptoken": self._app_token})

    def _shown(self, kept: Mapping[str, str]) -> str:
        return f"SOTicket {kept.get('ticket', '')}"

    def _fresh(self, kept: Mapping[str, str]) -> bool:
        try:
            used_at = max(float(kept["fetched_at"]), self._used_at if kept is self._kept else 0.0)
            return (
                bool(kept["ticket"]) and kept["tenant"] == self._tenant and self._now() < used_at + TICKET_IDLE_SECONDS
            )
        except (KeyError, ValueError):
            return False

    async def _ask(self, stored: Mapping[str, str]) -> Mapping[str, str]:
        ours, given = stored.get("system_token", ""), self._given
        if not ours and not given:
            raise NeedsAuthorisation(self._system, NO_CONSENT)
        try:
            return {**await self._ask_with(ours or given), **({"system_token": ours} if ours else {})}
        except NeedsAuthorisation:
            if not ours or not given or ours == given:
                raise
            return await self._ask_with(given)  # a person put a newer token into the settings

    async def _ask_with(self, system_token: str) -> Mapping[str, str]:
        body = {
            "SignedSystemToken": sign_system_token(system_token, self._key, self._clock.now()),
            "ApplicationToken": self._app_token,
            "ContextIdentifier": self._tenant,
            "ReturnTokenType": "JWT",
        }
        path = f"{self._login_url}/Login/api/PartnerSystemUser/Authenticate"
        # It changes no record, so after a lost answer the next call requests it again.
        template = "PartnerSystemUser/Authenticate"
        call = Call("POST", path, json=body, reads=True, tries=1, template=template, most_bytes=SMALL_BYTES)
        answer = await self._client.send(call)
        said = answer.json()
        if not isinstance(said, dict):
            raise answer.garbled("no token")
        if not said.get("IsSuccessful") or not isinstance(said.get("Token"), str):
            why = str(said.get("ErrorMessage") or "no reason is given")[:300]
            raise NeedsAuthorisation(self._system, f"SuperOffice refused the system user: {why}")
        path = f"{self._login_url}/login/.well-known/jwks"
        keys = await self._client.send(Call("GET", path, template="login/.well-known/jwks", most_bytes=SMALL_BYTES))
        try:
            ticket = read_ticket(said["Token"], keys.json())
        except BadToken as wrong:
            raise answer.garbled(f"a token that cannot be used: {wrong}") from None
        return {"ticket": ticket, "tenant": self._tenant, "fetched_at": str(self._now())}
