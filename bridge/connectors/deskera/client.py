"""Calls to Deskera with a valid token. Source: Deskera's developer documentation, Sales pages."""

from collections.abc import Sequence
from typing import Any

from bridge.connectors.calls import Answer, Call, Pause, Words
from bridge.connectors.deskera.auth import TokenKeeper, basic
from bridge.connectors.deskera.options import DeskeraOptions, quota
from bridge.connectors.deskera.refusals import refuse_hidden, used_up, words
from bridge.connectors.http import HttpClient, with_headers
from bridge.connectors.limits import RECORD_BYTES
from bridge.connectors.names import Pins
from bridge.connectors.product import Construction
from bridge.connectors.protocols import HttpRequest
from bridge.connectors.rows import Listings
from bridge.domain.errors import RemoteError

GONE = frozenset({404, 410})


class _Dialect:
    def __init__(self, system: str, options: DeskeraOptions, tokens: TokenKeeper) -> None:
        self._system = system
        self._tokens = tokens
        self._always = {"authorization": basic(options)} if options.basic_auth_on_calls else {}

    async def authorise(self, request: HttpRequest) -> HttpRequest:
        return await self._tokens.authorise(with_headers(request, self._always))

    async def renew(self, refused: HttpRequest) -> bool:
        return await self._tokens.renew(refused)

    def pause(self, answer: Answer) -> Pause | None:
        return None

    def words(self, answer: Answer) -> Words:
        return words(answer)

    def failure(self, answer: Answer, words: Words) -> RemoteError | None:
        return used_up(self._system, answer, words)


class DeskeraClient:
    """Sends and receives JSON. Raises an error that is inside a 2xx answer."""

    def __init__(self, made: Construction, options: DeskeraOptions) -> None:
        self.system = made.system
        self.seams = made.seams
        self.listings = Listings(made.system, made.skipped)
        self.pins = Pins(made.system, made.cache, self.listings)
        self.tokens = TokenKeeper(made)
        dialect = _Dialect(made.system, options, self.tokens)
        self._http = HttpClient(
            made.system,
            options.base_url,
            made.transport,
            made.seams,
            dialect,
            gate=made.gate(quota(options)),
            observe=made.observe,
            budget=made.budget,
        )

    async def send(self, call: Call) -> Answer:
        return await self._http.send(call)

    async def get(
        self, path: str, query: Sequence[tuple[str, str]] = (), *, template: str = "", most_bytes: int = RECORD_BYTES
    ) -> Any:
        """The answer's JSON."""
        answer = await self.send(Call("GET", path, query=query, template=template, most_bytes=most_bytes))
        body = answer.json()
        refuse_hidden(answer, body)
        return body

    async def get_one(self, path: str, *, template: str) -> Any:
        """The answer's JSON; for 404 and 410 the status, as a number."""
        answer = await self.send(Call("GET", path, accept=GONE, template=template))
        if answer.status in GONE:
            return answer.status
        body = answer.json()
        refuse_hidden(answer, body)
        return body

    async def write(self, method: str, path: str, body: Any, *, template: str = "") -> Answer:
        """Send a write. Its answer may be empty."""
        answer = await self.send(Call(method, path, json=body, template=template))
        refuse_hidden(answer, answer.loose_json())
        return answer

    async def delete(self, path: str, *, template: str) -> None:
        """Deleting a missing record is not an error."""
        answer = await self.send(Call("DELETE", path, accept=GONE, template=template))
        if answer.status not in GONE:
            refuse_hidden(answer, answer.loose_json())
