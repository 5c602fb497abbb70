"""Credentials that are renewed. One caller renews for all instances, and the new credential is stored before it is
used.

A product's own class says what its token is and how it is requested. This file has OAuth 2.0 with a refresh token (RFC
6749, section 6), and with the code from a person's consent (section 4.1).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

from bridge.connectors.calls import Answer, Call, Pause, Words
from bridge.connectors.http import HttpClient, with_headers
from bridge.connectors.limits import SMALL_BYTES
from bridge.connectors.product import Construction
from bridge.connectors.protocols import HttpRequest
from bridge.domain.errors import NeedsAuthorisation, RemoteError
from bridge.domain.seams import epoch
from bridge.domain.waits import LONGEST_LIFE_SECONDS

USED_LIFE = 0.8  # a token is renewed after this part of its life
DEFAULT_LIFE_SECONDS = 3600
NO_CONSENT = "no person has consented yet"
CODE_REFUSED = "the code was refused"


@dataclass
class MemoryVault:
    """A TokenVault in memory, for tokens whose account is not known yet."""

    kept: dict[str, Mapping[str, str]] = field(default_factory=dict)

    async def load(self, credential: str) -> Mapping[str, str] | None:
        return self.kept.get(credential)

    async def save(self, credential: str, tokens: Mapping[str, str]) -> None:
        self.kept[credential] = dict(tokens)

    async def exclusive(self, credential: str, work: Callable[[], Awaitable[None]]) -> None:
        await work()


class Credential(Protocol):
    """The part of `http.Dialect` that a credential does."""

    async def authorise(self, request: HttpRequest) -> HttpRequest: ...
    async def renew(self, refused: HttpRequest) -> bool: ...


class FixedHeader:
    """A credential that never changes."""

    def __init__(self, name: str, value: str) -> None:
        self._header = {name: value}

    async def authorise(self, request: HttpRequest) -> HttpRequest:
        return with_headers(request, self._header)

    async def renew(self, refused: HttpRequest) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class SignInDialect:
    """For sign-in calls, which carry their credential themselves. `refusal`: what one of `statuses`
    means; a person must act."""

    read_words: Callable[[Answer], Words]
    refusal: str
    statuses: frozenset[int] = frozenset({400, 401, 403})

    async def authorise(self, request: HttpRequest) -> HttpRequest:
        return request

    async def renew(self, refused: HttpRequest) -> bool:
        return False

    def pause(self, answer: Answer) -> Pause | None:
        return None

    def words(self, answer: Answer) -> Words:
        return self.read_words(answer)

    def failure(self, answer: Answer, words: Words) -> RemoteError | None:
        if answer.status not in self.statuses:
            return None
        text = f"{self.refusal}: {words.message} ({answer.call.name}, {answer.status})"
        return NeedsAuthorisation(answer.system, text)


def sign_in_client(construction: Construction, base_url: str, dialect: SignInDialect) -> HttpClient:
    return HttpClient(
        construction.system,
        base_url,
        construction.transport,
        construction.seams,
        dialect,
        observe=construction.observe,
    )


class KeptToken:
    """A credential in the vault. It uses a newer one that another instance stored; otherwise it requests one and stores
    it before use.

    `name`: its name in the vault; by default the system's name.
    """

    HEADER = "authorization"

    def __init__(self, construction: Construction, name: str = "") -> None:
        self._system, self._vault, self._clock = construction.system, construction.vault, construction.seams.clock
        self._name = name or construction.system
        self._kept: Mapping[str, str] = {}
        self._one = asyncio.Lock()

    def _shown(self, kept: Mapping[str, str]) -> str:
        """The value of the header that carries it."""
        raise NotImplementedError

    def _fresh(self, kept: Mapping[str, str]) -> bool:
        """Whether this may be used. `kept` may be empty, or written by an older version of this program."""
        raise NotImplementedError

    async def _ask(self, stored: Mapping[str, str]) -> Mapping[str, str]:
        """Request a new one, which replaces `stored`. Raises domain errors."""
        raise NotImplementedError

    async def authorise(self, request: HttpRequest) -> HttpRequest:
        return with_headers(request, {self.HEADER: self._shown(await self._current())})

    async def renew(self, refused: HttpRequest) -> bool:
        await self._renew_from(refused.headers.get(self.HEADER, ""))
        return True

    async def _current(self) -> Mapping[str, str]:
        if not self._fresh(self._kept):
            await self._renew_from(self._shown(self._kept) if self._kept else "")
        return self._kept

    async def _renew_from(self, stale: str) -> None:
        """Replace the `stale` credential; if another caller has replaced it already, use that one."""
        async with self._one:
            if self._fresh(self._kept) and self._shown(self._kept) != stale:
                return
            await self._vault.exclusive(self._name, lambda: self._replace(stale))

    async def _stored(self) -> Mapping[str, str]:
        """What is in the vault now; empty when it holds nothing."""
        return await self._vault.load(self._name) or {}

    async def _replace(self, stale: str) -> None:
        stored = await self._stored()
        if not (self._fresh(stored) and self._shown(stored) != stale):
            stored = await self._ask(stored)
            await self._vault.save(self._name, stored)
        self._kept = stored

    def _now(self) -> float:
        return epoch(self._clock.now())


@dataclass(frozen=True, slots=True)
class Grant:
    """How one product renews. `app`: further fields of the form; `also`: texts of the answer to keep.

    `refresh_token`: from the settings; "" when only the vault has one.
    """

    url: str
    refresh_token: str = field(repr=False)
    app: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    also: tuple[str, ...] = ()


class OAuth(KeptToken):
    """Bearer tokens of about an hour. A new refresh token in the answer replaces the former one."""

    def __init__(self, construction: Construction, client: HttpClient, grant: Grant) -> None:
        super().__init__(construction)
        self._client, self._grant = client, grant

    def _shown(self, kept: Mapping[str, str]) -> str:
        return f"Bearer {kept.get('access_token', '')}"

    def _fresh(self, kept: Mapping[str, str]) -> bool:
        try:
            left = float(kept["renew_at"]) - self._now()
            return bool(kept["access_token"]) and 0 < left <= LONGEST_LIFE_SECONDS
        except (KeyError, ValueError):
            return False

    async def _ask(self, stored: Mapping[str, str]) -> Mapping[str, str]:
        ours, given = stored.get("refresh_token"), self._grant.refresh_token
        if not ours and not given:
            raise NeedsAuthorisation(self._system, NO_CONSENT)
        try:
            return await self._ask_with(ours or given)
        except NeedsAuthorisation:
            if not ours or not given or ours == given:
                raise
            return await self._ask_with(given)  # a person consented again and put the new token into the settings

    async def _ask_with(self, refresh_token: str) -> Mapping[str, str]:
        said = await _token_answer(self._client, self._grant, "refresh_token", {"refresh_token": refresh_token})
        return _kept(said, self._grant, self._now(), refresh_token)


async def exchange(client: HttpClient, grant: Grant, code: str, redirect: str) -> Mapping[str, Any]:
    """Exchange the code of a consent; return the answer. The client's dialect says what a refusal means."""
    return await _token_answer(client, grant, "authorization_code", {"code": code, "redirect_uri": redirect})


async def keep(construction: Construction, grant: Grant, said: Mapping[str, Any]) -> None:
    """Store the tokens of an answer in the vault, where `OAuth` finds them."""
    refresh_token = said.get("refresh_token")
    if not isinstance(refresh_token, str) or not refresh_token:
        raise NeedsAuthorisation(construction.system, "the answer after the consent contains no refresh token")
    tokens = _kept(said, grant, epoch(construction.seams.clock.now()), refresh_token)
    await construction.vault.save(construction.system, tokens)


def page(url: str, **query: str) -> str:
    """The address of a consent page."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


async def _token_answer(client: HttpClient, grant: Grant, kind: str, values: Mapping[str, str]) -> dict[str, Any]:
    form = {"grant_type": kind, **grant.app, **values}
    # It changes no record, so after a lost answer the next call requests it again.
    call = Call(
        "POST",
        grant.url,
        body=urlencode(form).encode(),
        headers={"content-type": "application/x-www-form-urlencoded", **grant.headers},
        reads=True,
        tries=1,
        template=urlsplit(grant.url).path.lstrip("/"),
        most_bytes=SMALL_BYTES,
    )
    answer = await client.send(call)
    said = answer.json()
    if not isinstance(said, dict) or not isinstance(said.get("access_token"), str):
        raise answer.garbled("no access token")
    return said


def _kept(said: Mapping[str, Any], grant: Grant, now: float, refresh_token: str) -> dict[str, str]:
    life = said.get("expires_in")
    seconds: float = DEFAULT_LIFE_SECONDS
    if isinstance(life, int) and not isinstance(life, bool) and life > 0:
        seconds = min(life, LONGEST_LIFE_SECONDS)
    return {
        "access_token": said["access_token"],
        "refresh_token": str(said.get("refresh_token") or refresh_token),
        "renew_at": str(now + USED_LIFE * seconds),
        **{name: str(said.get(name) or "") for name in grant.also},
    }
