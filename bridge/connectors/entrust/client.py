"""Calls to one tenant. Source: the vendor's OpenAPI description of the Administration API."""

from collections.abc import Mapping
from typing import Any

from bridge.connectors.calls import Answer, Call, Pause, Words
from bridge.connectors.entrust.auth import Token
from bridge.connectors.entrust.options import EntrustOptions, quota
from bridge.connectors.entrust.refusals import read_words
from bridge.connectors.http import HttpClient
from bridge.connectors.limits import LIST_BYTES, page_bytes
from bridge.connectors.product import Construction
from bridge.connectors.protocols import HttpRequest
from bridge.domain.errors import NeedsAuthorisation, Rejected, RemoteError
from bridge.domain.frozen import replace

API = "/api/web"
MOST_ROWS = 100  # in one page
Rows = tuple[list[Any], str | None]
"""The results of a page, as the server returned them, and the cursor of the next page; None: this was the last page."""


class EntrustDialect:
    def __init__(self, token: Token) -> None:
        self._token = token

    async def authorise(self, request: HttpRequest) -> HttpRequest:
        return await self._token.authorise(request)

    async def renew(self, refused: HttpRequest) -> bool:
        return await self._token.renew(refused)

    def pause(self, answer: Answer) -> Pause | None:
        return None

    def words(self, answer: Answer) -> Words:
        return read_words(answer)

    def failure(self, answer: Answer, words: Words) -> RemoteError | None:
        """NeedsAuthorisation if the role may not list users, because then nothing works. Any other missing
        right concerns one thing only."""
        if answer.status == 403 and answer.call.template.endswith("/userspaged"):
            text = f"the role of the Administration API application does not allow this: {words.message}"
            return NeedsAuthorisation(answer.system, text)
        return None


def _page(path: str, body: Mapping[str, Any]) -> Call:
    return Call("POST", path, json=dict(body), reads=True, most_bytes=page_bytes(body.get("limit", MOST_ROWS)))


class EntrustClient:
    def __init__(self, construction: Construction) -> None:
        options: EntrustOptions = construction.options
        self.system = construction.system
        self._timeout = options.timeout_seconds
        self._http = HttpClient(
            construction.system,
            options.base_url,
            construction.transport,
            construction.seams,
            EntrustDialect(Token(construction)),
            gate=construction.gate(quota(options)),
            observe=construction.observe,
            budget=construction.budget,
        )

    async def send(self, call: Call) -> Answer:
        """Send a call; `call.path` is below /api/web. Raises Rejected also for an answer of
        2xx that carries an error."""
        path = f"{API}/{call.path}"
        template = f"{API}/{call.template or call.path}"
        answer = await self._http.send(replace(call, path=path, template=template, timeout_seconds=self._timeout))
        said = answer.loose_json() if answer.status // 100 == 2 else None
        if isinstance(said, dict) and said.get("errorCode"):
            raise Rejected(self.system, f"{call.name} was refused: {read_words(answer).message}")
        return answer

    async def get(self, path: str, *, template: str = "") -> Any:
        """The JSON of the answer; None if the record does not exist."""
        return self._found(await self.send(Call("GET", path, template=template, accept=frozenset({404}))))

    async def query(self, path: str, body: Mapping[str, Any], *, absent: frozenset[int] = frozenset()) -> Any:
        """Send a POST that changes nothing. None: the status of the answer is one of `absent`."""
        return self._found(await self.send(Call("POST", path, json=dict(body), reads=True, accept=absent)))

    async def rows(self, path: str) -> list[Any]:
        """The rows of a plain list, as the server returned them."""
        answer = await self.send(Call("GET", path, most_bytes=LIST_BYTES))
        said = answer.json()
        if not isinstance(said, list):
            raise answer.garbled("no list")
        return said

    async def page(self, path: str, body: Mapping[str, Any]) -> Rows:
        return self._results(await self.send(_page(path, body)))

    async def page_if_any(self, path: str, body: Mapping[str, Any]) -> Rows | None:
        """A page; None if the tenant has no such path."""
        answer = await self.send(replace(_page(path, body), accept=frozenset({404})))
        return None if answer.status == 404 else self._results(answer)

    @staticmethod
    def _results(answer: Answer) -> Rows:
        said = answer.json()
        rows = said.get("results") if isinstance(said, dict) else None
        if not isinstance(rows, list):
            raise answer.garbled("no page of results")
        paging = said.get("paging")
        cursor = paging.get("nextCursor") if isinstance(paging, dict) else None
        return rows, cursor if isinstance(cursor, str) and cursor else None

    async def write(self, method: str, path: str, body: Any = None, *, template: str = "") -> Any:
        """The JSON of the answer; None when it is empty, as it is for most writes."""
        answer = await self.send(Call(method, path, json=body, template=template))
        return answer.json() if answer.body.strip() else None

    async def delete(self, path: str, *, template: str) -> None:
        """Deleting a missing record is not an error."""
        await self.send(Call("DELETE", path, template=template, accept=frozenset({404})))

    @staticmethod
    def _found(answer: Answer) -> Any:
        if answer.status // 100 != 2:
            return None
        said = answer.json()
        if said is None:
            raise answer.garbled("nothing")
        return said
