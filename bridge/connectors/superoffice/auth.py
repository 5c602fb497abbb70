"""Credentials: system user (a ticket), OAuth (a bearer token), user and password (onsite).

Vendor pages "System user flow", "OAuth 2.0 and OpenID Connect", "Authorization schemes".
"""

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlencode

from bridge.connectors.http import Answer, Call, HttpClient, Pause, Words, with_headers
from bridge.connectors.product import Construction
from bridge.connectors.protocols import HttpRequest
from bridge.connectors.superoffice.options import SuperOfficeOptions
from bridge.connectors.superoffice.refusals import read_words
from bridge.connectors.superoffice.signing import BadToken, read_private_key, read_ticket, sign_system_token
from bridge.domain.errors import NeedsAuthorisation, RemoteError
from bridge.domain.seams import epoch

USED_LIFE = 0.8  # tokens are renewed at this part of their life
DEFAULT_LIFE_SECONDS = 3600
TICKET_IDLE_SECONDS = 5.5 * 3600  # the vendor voids a ticket unused for six hours


class Credential(Protocol):
    async def authorise(self, request: HttpRequest) -> HttpRequest: ...
    async def renew(self, refused: HttpRequest) -> bool: ...


class SignInDialect:
    """Calls to the sign-in host carry their credential themselves; a refusal needs a person."""

    async def authorise(self, request: HttpRequest) -> HttpRequest:
        return request

    async def renew(self, refused: HttpRequest) -> bool:
        return False

    def pause(self, answer: Answer) -> Pause | None:
        return None

    def words(self, answer: Answer) -> Words:
        return read_words(answer)

    def failure(self, answer: Answer, words: Words) -> RemoteError | None:
        if answer.status in (400, 401, 403, 404):
            text = f"{answer.call.name} was refused ({answer.status}): {words.message}"
            return NeedsAuthorisation(answer.system, text)
        return None


def sign_in_client(construction: Construction) -> HttpClient:
    options: SuperOfficeOptions = construction.options
    return HttpClient(
        construction.system,
        options.login_url,
        construction.transport,
        construction.seams,
        SignInDialect(),
        observe=construction.observe,
    )


def credential(construction: Construction, client: HttpClient) -> Credential:
    options: SuperOfficeOptions = construction.options
    if options.system_token is not None:
        return SystemUser(construction, client)
    if options.refresh_token is not None:
        return OAuth(construction, client)
    assert options.username
    assert options.password
    return UserPassword(options.username, options.password.get_secret_value())


class UserPassword:
    def __init__(self, username: str, password: str) -> None:
        self._authorization = "Basic " + b64encode(f"{username}:{password}".encode()).decode()

    async def authorise(self, request: HttpRequest) -> HttpRequest:
        return with_headers(request, {"authorization": self._authorization})

    async def renew(self, refused: HttpRequest) -> bool:
        return False


class _Kept:
    """A credential kept in the vault: one renewal at a time over all copies, stored before use."""

    def __init__(self, construction: Construction) -> None:
        self._system, self._vault, self._clock = construction.system, construction.vault, construction.seams.clock
        self._kept: Mapping[str, str] = {}
        self._one = asyncio.Lock()

    def _shown(self, kept: Mapping[str, str]) -> str:
        raise NotImplementedError

    def _fresh(self, kept: Mapping[str, str]) -> bool:
        raise NotImplementedError

    async def _ask(self, stored: Mapping[str, str]) -> Mapping[str, str]:
        raise NotImplementedError

    async def renew(self, refused: HttpRequest) -> bool:
        await self._renew_from(refused.headers.get("authorization", ""))
        return True

    async def _current(self) -> Mapping[str, str]:
        if not self._fresh(self._kept):
            await self._renew_from(self._shown(self._kept) if self._kept else "")
        return self._kept

    async def _renew_from(self, stale: str) -> None:
        """Replace what was shown as `stale`; when somebody else did already, theirs is taken."""
        async with self._one:
            if self._fresh(self._kept) and self._shown(self._kept) != stale:
                return
            await self._vault.exclusive(self._system, lambda: self._replace(stale))

    async def _replace(self, stale: str) -> None:
        stored = await self._vault.load(self._system) or {}
        if not (self._fresh(stored) and self._shown(stored) != stale):
            stored = await self._ask(stored)
            await self._vault.save(self._system, stored)
        self._kept = stored

    def _now(self) -> float:
        return epoch(self._clock.now())


class SystemUser(_Kept):
    """Signs the tenant's token with the app's key, and gets a ticket that lives as long as it is used."""

    def __init__(self, construction: Construction, client: HttpClient) -> None:
        super().__init__(construction)
        options: SuperOfficeOptions = construction.options
        assert options.system_token
        assert options.private_key
        assert options.client_secret
        assert options.tenant
        self._client, self._login_url, self._tenant = client, options.login_url, options.tenant
        self._token = options.system_token.get_secret_value()
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
        body = {
            "SignedSystemToken": sign_system_token(self._token, self._key, self._clock.now()),
            "ApplicationToken": self._app_token,
            "ContextIdentifier": self._tenant,
            "ReturnTokenType": "JWT",
        }
        path = f"{self._login_url}/Login/api/PartnerSystemUser/Authenticate"
        # Changes no record: a lost answer is simply asked again by the next call.
        call = Call("POST", path, json=body, reads=True, tries=1, template="PartnerSystemUser/Authenticate")
        answer = await self._client.send(call)
        said = answer.json()
        if not isinstance(said, dict):
            raise answer.garbled("no token")
        if not said.get("IsSuccessful") or not isinstance(said.get("Token"), str):
            why = str(said.get("ErrorMessage") or "no explanation")[:300]
            raise NeedsAuthorisation(self._system, f"SuperOffice refused the system user: {why}")
        keys = await self._client.send(
            Call("GET", f"{self._login_url}/login/.well-known/jwks", template="login/.well-known/jwks")
        )
        try:
            ticket = read_ticket(said["Token"], keys.json())
        except BadToken as wrong:
            raise answer.garbled(f"a token that cannot be used: {wrong}") from None
        return {"ticket": ticket, "tenant": self._tenant, "fetched_at": str(self._now())}


class OAuth(_Kept):
    """A user's consent: access tokens of about an hour, a refresh token that is used again and again."""

    def __init__(self, construction: Construction, client: HttpClient) -> None:
        super().__init__(construction)
        options: SuperOfficeOptions = construction.options
        assert options.client_id
        assert options.client_secret
        assert options.refresh_token
        self._client, self._login_url = client, options.login_url
        self._app = {"client_id": options.client_id, "client_secret": options.client_secret.get_secret_value()}
        self._given = options.refresh_token.get_secret_value()

    async def authorise(self, request: HttpRequest) -> HttpRequest:
        return with_headers(request, {"authorization": self._shown(await self._current())})

    def _shown(self, kept: Mapping[str, str]) -> str:
        return f"Bearer {kept.get('access_token', '')}"

    def _fresh(self, kept: Mapping[str, str]) -> bool:
        try:
            return bool(kept["access_token"]) and self._now() < float(kept["renew_at"])
        except (KeyError, ValueError):
            return False

    async def _ask(self, stored: Mapping[str, str]) -> Mapping[str, str]:
        ours = stored.get("refresh_token") or self._given
        try:
            return await self._ask_with(ours)
        except NeedsAuthorisation:
            if ours == self._given:
                raise
            return await self._ask_with(self._given)  # a person consented anew and put the new token into the settings

    async def _ask_with(self, refresh_token: str) -> Mapping[str, str]:
        form = {"grant_type": "refresh_token", **self._app, "refresh_token": refresh_token}
        call = Call(
            "POST",
            f"{self._login_url}/login/common/oauth/tokens",
            body=urlencode(form).encode(),
            headers={"content-type": "application/x-www-form-urlencoded"},
            reads=True,
            tries=1,
            template="login/common/oauth/tokens",
        )
        answer = await self._client.send(call)
        said = answer.json()
        if not isinstance(said, dict) or not isinstance(said.get("access_token"), str):
            raise answer.garbled("no access token")
        life = said.get("expires_in")
        seconds = life if isinstance(life, int) and life > 0 else DEFAULT_LIFE_SECONDS
        return {
            "access_token": said["access_token"],
            "refresh_token": str(said.get("refresh_token") or refresh_token),
            "renew_at": str(self._now() + USED_LIFE * seconds),
        }
