"""Credentials: an API token, or OAuth with tokens kept in the vault.

Vendor pages "Authentication" and "OAuth authorization".
"""

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol
from urllib.parse import urlencode, urlsplit

from bridge.connectors.http import Answer, Call, HttpClient, Pause, Words, with_headers
from bridge.connectors.pipedrive.options import SHARED_HOST, PipedriveOptions
from bridge.connectors.pipedrive.refusals import read_words
from bridge.connectors.product import Construction
from bridge.connectors.protocols import HttpRequest
from bridge.domain.errors import NeedsAuthorisation, RemoteError
from bridge.domain.seams import epoch

EARLY_SECONDS = 60.0
DEFAULT_LIFE_SECONDS = 3599


class Credential(Protocol):
    async def authorise(self, request: HttpRequest) -> HttpRequest: ...
    async def renew(self, refused: HttpRequest) -> bool: ...


def credential(construction: Construction) -> Credential:
    options: PipedriveOptions = construction.options
    if options.api_token is not None:
        return ApiToken(options.api_token.get_secret_value())
    return OAuth(construction)


class ApiToken:
    """The token goes into a header only: an address may end up in somebody's log."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def authorise(self, request: HttpRequest) -> HttpRequest:
        return with_headers(request, {"x-api-token": self._token})

    async def renew(self, refused: HttpRequest) -> bool:
        return False


class _NoCredential:
    """Dialect of the token endpoint itself."""

    async def authorise(self, request: HttpRequest) -> HttpRequest:
        return request

    async def renew(self, refused: HttpRequest) -> bool:
        return False

    def pause(self, answer: Answer) -> Pause | None:
        return None

    def words(self, answer: Answer) -> Words:
        return read_words(answer)

    def failure(self, answer: Answer, words: Words) -> RemoteError | None:
        if answer.status in (400, 401, 403):
            return NeedsAuthorisation(answer.system, f"the refresh token was refused: {words.message}")
        return None


class OAuth:
    """Access tokens live about an hour. One refresh at a time over all copies; tokens are stored before use."""

    def __init__(self, construction: Construction) -> None:
        options: PipedriveOptions = construction.options
        assert options.client_id
        assert options.client_secret
        assert options.refresh_token
        self._system, self._vault, self._clock = construction.system, construction.vault, construction.seams.clock
        self._client = HttpClient(
            construction.system,
            options.token_url,
            construction.transport,
            construction.seams,
            _NoCredential(),
            observe=construction.observe,
        )
        pair = f"{options.client_id}:{options.client_secret.get_secret_value()}"
        self._basic = "Basic " + b64encode(pair.encode()).decode()
        self._token_url = options.token_url
        self._given = options.refresh_token.get_secret_value()
        self._follow_domain = options.base_url == SHARED_HOST
        self._tokens: Mapping[str, str] = {}
        self._lock = asyncio.Lock()

    async def authorise(self, request: HttpRequest) -> HttpRequest:
        if not self._fresh(self._tokens):
            await self._renew_from(self._tokens.get("access_token"))
        url, domain = request.url, self._tokens.get("api_domain", "")
        if self._follow_domain and url.startswith(SHARED_HOST) and _is_vendor(domain):
            url = domain.rstrip("/") + url[len(SHARED_HOST) :]
        return with_headers(replace(request, url=url), {"authorization": f"Bearer {self._tokens['access_token']}"})

    async def renew(self, refused: HttpRequest) -> bool:
        await self._renew_from(refused.headers.get("authorization", "").removeprefix("Bearer "))
        return True

    async def _renew_from(self, stale: str | None) -> None:
        """Replace the token `stale`; when somebody else did already, theirs is taken."""
        async with self._lock:
            if self._fresh(self._tokens) and self._tokens["access_token"] != stale:
                return
            await self._vault.exclusive(self._system, lambda: self._refresh(stale))

    async def _refresh(self, stale: str | None) -> None:
        stored = await self._vault.load(self._system) or {}
        if self._fresh(stored) and stored["access_token"] != stale:
            self._tokens = stored
            return
        ours = stored.get("refresh_token") or self._given
        try:
            tokens = await self._ask(ours)
        except NeedsAuthorisation:
            if ours == self._given:
                raise
            tokens = await self._ask(self._given)  # a person authorised anew and put the new token into the settings
        await self._vault.save(self._system, tokens)
        self._tokens = tokens

    async def _ask(self, refresh_token: str) -> Mapping[str, str]:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        headers = {"authorization": self._basic, "content-type": "application/x-www-form-urlencoded"}
        # Not a change of any record: a lost answer is simply asked again by the next call.
        call = Call("POST", self._token_url, body=urlencode(form).encode(), headers=headers, reads=True, tries=1)
        answer = await self._client.send(replace(call, template="oauth/token"))
        said = answer.json()
        if not isinstance(said, dict) or not isinstance(said.get("access_token"), str):
            raise answer.garbled("no access token")
        life = said.get("expires_in")
        seconds = life if isinstance(life, int) and life > 0 else DEFAULT_LIFE_SECONDS
        return {
            "access_token": said["access_token"],
            "refresh_token": str(said.get("refresh_token") or refresh_token),
            "expires_at": str(epoch(self._clock.now()) + seconds),
            "api_domain": str(said.get("api_domain") or ""),
        }

    def _fresh(self, tokens: Mapping[str, str]) -> bool:
        try:
            return bool(tokens["access_token"]) and float(tokens["expires_at"]) - EARLY_SECONDS > epoch(
                self._clock.now()
            )
        except (KeyError, ValueError):
            return False


def _is_vendor(domain: str) -> bool:
    """The access token is sent to this address, so it must be the vendor's."""
    parts = urlsplit(domain)
    return parts.scheme == "https" and (parts.hostname or "").endswith(".pipedrive.com")
