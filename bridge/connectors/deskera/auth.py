"""Keeps one live access token: renewed once for all who wait, across copies, and stored before it is used.

Source: Deskera's developer documentation, page "OAuth V2".
"""

import asyncio
import base64
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlencode

from bridge.connectors.calls import Answer, Call, Pause, Words
from bridge.connectors.deskera.errors import words
from bridge.connectors.deskera.options import DeskeraOptions
from bridge.connectors.deskera.tokens import Tokens, from_answer, from_store, seed_of, v1_renewal
from bridge.connectors.http import HttpClient, Observe, with_headers
from bridge.connectors.limits import SMALL_BYTES
from bridge.connectors.oauth import NO_CONSENT
from bridge.connectors.protocols import HttpRequest, TokenVault, Transport
from bridge.domain.errors import NeedsAuthorisation, OutcomeUnknown, RemoteError, RetryLater
from bridge.domain.seams import Seams, epoch

V1_TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path
V1_REFRESH_PATH = "/v1/iam/auth/app/getrefreshtoken"
_MISSED = ("missing", "required", "not present")


def basic(options: DeskeraOptions) -> str:
    """The value of an Authorization header that shows the partner credentials."""
    pair = f"{options.client_id}:{options.client_secret.get_secret_value()}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def consent_scope(options: DeskeraOptions) -> str:
    """What a person is asked to consent to; V1 knows another word for it."""
    return options.scope or ("read write" if options.token_path == V1_TOKEN_PATH else "write")


def refused(system: str, answer: Answer) -> NeedsAuthorisation:
    """Only a person can help: the refresh token, or a consent's code, is void."""
    said = words(answer).message
    return NeedsAuthorisation(system, f"Deskera refused to give a token ({answer.status}: {said})")


class _TokenDialect:
    """Token calls show the partner credentials; a refusal needs a person."""

    def __init__(self, system: str, authorization: str) -> None:
        self._system = system
        self._authorization = authorization

    async def authorise(self, request: HttpRequest) -> HttpRequest:
        return with_headers(request, {"authorization": self._authorization})

    async def renew(self, refused: HttpRequest) -> bool:
        return False

    def pause(self, answer: Answer) -> Pause | None:
        return None

    def words(self, answer: Answer) -> Words:
        return words(answer)

    def failure(self, answer: Answer, words: Words) -> RemoteError | None:
        if answer.status in (400, 401, 403):
            return refused(self._system, answer)
        if answer.status == 429:
            return None
        return RetryLater(self._system, f"asking for a token was answered with {answer.status}: {words.message}")


class TokenKeeper:
    """`credential` names the pair in the vault: one per system."""

    def __init__(
        self,
        system: str,
        options: DeskeraOptions,
        transport: Transport,
        seams: Seams,
        vault: TokenVault,
        observe: Observe | None = None,
    ) -> None:
        self._system = system
        self._options = options
        self._seams = seams
        self._vault = vault
        self._credential = f"deskera:{system}"
        dialect = _TokenDialect(system, basic(options))
        self._http = HttpClient(system, options.base_url, transport, seams, dialect, at_once=1, observe=observe)
        self._paths = self._all_paths()
        self._in_form = False
        self._one = asyncio.Lock()
        self._tokens: Tokens | None = None
        self._settings_tokens = self._first()

    async def current(self) -> Tokens:
        """Tokens fit for use, renewed ahead of their expiry."""
        async with self._one:
            tokens = self._tokens or await self._load()
            self._tokens = tokens
            if not tokens.stale(self._now()) or (tokens.access and not tokens.refresh):
                return tokens
            return await self._renew(lambda stored: stored.stale(self._now()))

    async def replace(self, refused: str) -> bool:
        """After a 401 to the access token `refused`: True when there is a newer one to try."""
        async with self._one:
            tokens = await self._renew(lambda stored: stored.access == refused)
            return tokens.access != refused

    async def _load(self) -> Tokens:
        """The stored tokens, unless the settings hold newer ones than those they descend from."""
        first = self._settings_tokens
        stored = await self._vault.load(self._credential)
        found = from_store(stored) if stored else None
        return found if found is not None and found.seed == first.seed else first

    def _first(self) -> Tokens:
        access, refresh = self._options.access_token, self._options.refresh_token
        access_text = access.get_secret_value() if access else ""
        refresh_text = refresh.get_secret_value() if refresh else ""
        return Tokens(access_text, refresh_text, self._now(), seed_of(access_text, refresh_text))

    async def _renew(self, worn: Callable[[Tokens], bool]) -> Tokens:
        """Takes what another copy renewed meanwhile, unless `worn` says that needs renewing too."""
        taken: list[Tokens] = []

        async def work() -> None:
            stored = await self._load()
            if worn(stored):
                stored = await self._fetch(stored)
                # Stored before anybody uses it: the former refresh token may be void already.
                await self._vault.save(self._credential, stored.stored())
            taken.append(stored)

        await self._vault.exclusive(self._credential, work)
        self._tokens = taken[0]
        return taken[0]

    async def _fetch(self, before: Tokens) -> Tokens:
        if not before.refresh:
            raise NeedsAuthorisation(
                self._system, "the access token is no longer valid" if before.access else NO_CONSENT
            )
        pairs = [("grant_type", "refresh_token"), ("refresh_token", before.refresh)]
        if self._options.scope:
            pairs.append(("scope", self._options.scope))
        return await self._tokens_for(pairs, before)

    async def exchange(self, code: str) -> None:
        """Keeps the tokens a consent's code stands for. NeedsAuthorisation: the code is refused."""
        pairs = [("grant_type", "authorization_code"), ("code", code), ("scope", consent_scope(self._options))]
        found = await self._tokens_for(pairs, replace(self._settings_tokens, access="", refresh=""))
        await self._vault.save(self._credential, found.stored())

    async def _tokens_for(self, pairs: list[tuple[str, str]], before: Tokens) -> Tokens:
        try:
            answer = await self._ask(pairs, before)
            found = from_answer(answer.json(), before, self._now())
        except OutcomeUnknown as lost:
            # Never the outcome of the record's own write: that was not sent.
            raise RetryLater(self._system, f"asking for a token: {lost.message}") from None
        if found is None:
            raise RetryLater(self._system, "Deskera's answer holds no token")
        return found

    async def _ask(self, pairs: list[tuple[str, str]], before: Tokens) -> Answer:
        """Tries the next path on 404, and the form where parameters are missed; then remembers what worked."""
        while True:
            if self._paths[0] == V1_REFRESH_PATH:
                self._paths = self._all_paths()  # remembered only while it works
                answer = await self._http.send(
                    Call("POST", V1_REFRESH_PATH, json=v1_renewal(before), reads=False, most_bytes=SMALL_BYTES)
                )
                self._paths = [V1_REFRESH_PATH]
                return answer
            more = len(self._paths) > (1 if before.refresh else 2)  # the last path only renews
            accept = {404, 405} if more else set()
            accept |= set() if self._in_form else {400}
            answer = await self._http.send(self._call(self._paths[0], pairs, frozenset(accept)))
            if answer.status in (404, 405):
                self._paths.pop(0)
            elif answer.status != 400:
                return answer
            elif self._in_form or not any(hint in words(answer).message.lower() for hint in _MISSED):
                raise refused(self._system, answer)
            else:
                return await self._as_form(pairs, refused(self._system, answer))

    def _all_paths(self) -> list[str]:
        return list(dict.fromkeys((self._options.token_path, V1_TOKEN_PATH, V1_REFRESH_PATH)))

    async def _as_form(self, pairs: list[tuple[str, str]], first: NeedsAuthorisation) -> Answer:
        """The form is remembered once it works; until then the query's refusal is what counts."""
        self._in_form = True
        answer = await self._http.send(self._call(self._paths[0], pairs, frozenset({400, 401, 404, 405, 415})))
        if answer.status // 100 == 2:
            return answer
        self._in_form = False
        raise first

    def _call(self, path: str, pairs: list[tuple[str, str]], accept: frozenset[int]) -> Call:
        """V1 takes the parameters as a form too, V2 documents the query only."""
        if self._in_form:
            form = {"content-type": "application/x-www-form-urlencoded"}
            return Call("POST", path, body=urlencode(pairs).encode(), headers=form, accept=accept, reads=False)
        return Call("POST", path, query=pairs, accept=accept, reads=False)

    def _now(self) -> float:
        return epoch(self._seams.clock.now())
