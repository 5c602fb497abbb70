"""The access token: how Deskera issues and renews one.

Source: Deskera's developer documentation, page "OAuth V2".
"""

import base64
from collections.abc import Mapping
from urllib.parse import urlencode

from bridge.connectors.calls import Answer, Call
from bridge.connectors.deskera.options import DeskeraOptions
from bridge.connectors.deskera.refusals import words
from bridge.connectors.deskera.tokens import Tokens, from_answer, from_store, seed_of, v1_renewal
from bridge.connectors.limits import SMALL_BYTES
from bridge.connectors.oauth import NO_CONSENT, KeptToken, SignInDialect, sign_in_client
from bridge.connectors.product import Construction
from bridge.domain.errors import NeedsAuthorisation, OutcomeUnknown, Rejected, RetryLater
from bridge.domain.frozen import replace

V1_TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path
V1_REFRESH_PATH = "/v1/iam/auth/app/getrefreshtoken"
REFUSED = "Deskera refused to issue a token"
_MISSED = ("missing", "required", "not present")


def basic(options: DeskeraOptions) -> str:
    """The value of an Authorization header with the partner credentials."""
    pair = f"{options.client_id}:{options.client_secret.get_secret_value()}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def consent_scope(options: DeskeraOptions) -> str:
    """The scope that a person consents to. V1 has another name for it."""
    return options.scope or ("read write" if options.token_path == V1_TOKEN_PATH else "write")


def refused(system: str, answer: Answer) -> NeedsAuthorisation:
    """The error when only a person can help: the refresh token, or the code of a consent, is void."""
    said = words(answer).message
    return NeedsAuthorisation(system, f"{REFUSED}: {said} ({answer.call.name}, {answer.status})")


class TokenKeeper(KeptToken):
    """One pair of tokens per system. The tokens of the settings are used until newer ones descend from them."""

    HEADER = "x-access-token"

    def __init__(self, construction: Construction) -> None:
        super().__init__(construction, f"deskera:{construction.system}")
        self._options: DeskeraOptions = construction.options
        self._http = sign_in_client(construction, self._options.base_url, SignInDialect(words, REFUSED))
        self._paths = self._all_paths()
        self._in_form = False
        self._settings_tokens = self._first()

    async def current(self) -> Tokens:
        """Usable tokens, renewed before they expire."""
        found = from_store(await self._current())
        assert found is not None, "only what can be read is kept"
        return found

    async def replace(self, refused: str) -> bool:
        """Get a newer token after a 401 to the access token `refused`. Return True if there is one."""
        await self._renew_from(refused)
        return self._shown(self._kept) != refused

    def _shown(self, kept: Mapping[str, str]) -> str:
        return kept.get("access_token", "")

    def _fresh(self, kept: Mapping[str, str]) -> bool:
        """Whether this pair may be used. A token that cannot be renewed is used until the server refuses it."""
        found = from_store(kept)
        return found is not None and bool(found.access) and (not found.refresh or not found.stale(self._now()))

    async def _stored(self) -> Mapping[str, str]:
        """The stored tokens; the tokens of the settings if the stored ones do not descend from them."""
        stored, first = await super()._stored(), self._settings_tokens
        found = from_store(stored)
        return stored if found is not None and found.seed == first.seed else first.stored()

    async def _ask(self, stored: Mapping[str, str]) -> Mapping[str, str]:
        return (await self._fetch(from_store(stored) or self._settings_tokens)).stored()

    def _first(self) -> Tokens:
        access, refresh = self._options.access_token, self._options.refresh_token
        access_text = access.get_secret_value() if access else ""
        refresh_text = refresh.get_secret_value() if refresh else ""
        return Tokens(access_text, refresh_text, self._now(), seed_of(access_text, refresh_text))

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
        """Exchange the code of a consent for tokens, and store them. Raises NeedsAuthorisation
        when the code is refused."""
        pairs = [("grant_type", "authorization_code"), ("code", code), ("scope", consent_scope(self._options))]
        found = await self._tokens_for(pairs, replace(self._settings_tokens, access="", refresh=""))
        await self._vault.save(self._name, found.stored())

    async def _tokens_for(self, pairs: list[tuple[str, str]], before: Tokens) -> Tokens:
        try:
            answer = await self._granted(pairs, before)
            found = from_answer(answer.json(), before, self._now())
        except (OutcomeUnknown, Rejected) as lost:
            # Never OutcomeUnknown, because the record's own write was not sent.
            raise RetryLater(self._system, f"requesting a token: {lost.message}") from None
        if found is None:
            raise RetryLater(self._system, "Deskera's answer contains no token")
        return found

    async def _granted(self, pairs: list[tuple[str, str]], before: Tokens) -> Answer:
        """Request tokens. On 404 it tries the next path, and the form when parameters are missing,
        and remembers what worked."""
        while True:
            if self._paths[0] == V1_REFRESH_PATH:
                self._paths = self._all_paths()  # this path is remembered only while it works
                answer = await self._http.send(replace(self._call(V1_REFRESH_PATH), json=v1_renewal(before)))
                self._paths = [V1_REFRESH_PATH]
                return answer
            more = len(self._paths) > (1 if before.refresh else 2)  # the last path can only renew
            accept = {404, 405} if more else set()
            accept |= set() if self._in_form else {400}
            answer = await self._http.send(self._with(pairs, frozenset(accept)))
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
        """Send the form. It is remembered only if it works; otherwise the refusal of the query is raised."""
        self._in_form = True
        answer = await self._http.send(self._with(pairs, frozenset({400, 401, 404, 405, 415})))
        if answer.status // 100 == 2:
            return answer
        self._in_form = False
        raise first

    def _with(self, pairs: list[tuple[str, str]], accept: frozenset[int]) -> Call:
        """V1 also takes the parameters as a form; V2 documents only the query."""
        call = replace(self._call(self._paths[0]), accept=accept)
        if not self._in_form:
            return replace(call, query=pairs)
        headers = {**call.headers, "content-type": "application/x-www-form-urlencoded"}
        return replace(call, body=urlencode(pairs).encode(), headers=headers)

    def _call(self, path: str) -> Call:
        """A token call, with the partner credentials."""
        headers = {"authorization": basic(self._options)}
        return Call("POST", path, headers=headers, reads=False, login=True, most_bytes=SMALL_BYTES)
