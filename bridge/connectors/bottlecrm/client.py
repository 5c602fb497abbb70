"""Calls to one server. Every path ends in a slash. Facts: the package's views."""

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.connectors.bottlecrm.auth import AdminLogin, token_of
from bridge.connectors.bottlecrm.options import BottleOptions
from bridge.connectors.bottlecrm.refusals import read_failure, read_words
from bridge.connectors.calls import Answer, Call, Pause, Words
from bridge.connectors.gate import Gate
from bridge.connectors.http import HttpClient
from bridge.connectors.limits import RECORD_BYTES, page_bytes
from bridge.connectors.oauth import Credential
from bridge.connectors.product import Construction
from bridge.connectors.protocols import HttpRequest
from bridge.domain.errors import RemoteError, WriteConflict

GONE = frozenset({404})
Query = Sequence[tuple[str, str]]


class BottleDialect:
    def __init__(self, credential: Credential) -> None:
        self._credential = credential

    async def authorise(self, request: HttpRequest) -> HttpRequest:
        return await self._credential.authorise(request)

    async def renew(self, refused: HttpRequest) -> bool:
        return await self._credential.renew(refused)

    def pause(self, answer: Answer) -> Pause | None:
        return None

    def words(self, answer: Answer) -> Words:
        return read_words(answer)

    def failure(self, answer: Answer, words: Words) -> RemoteError | None:
        return read_failure(answer, words)


class BottleClient:
    """`for_hooks`: use the administrator's login instead of the access token. `gate`: the
    gate that both clients share."""

    def __init__(self, construction: Construction, gate: Gate, *, for_hooks: bool = False) -> None:
        options: BottleOptions = construction.options
        credential: Credential = AdminLogin(construction) if for_hooks else token_of(options)
        self.system, self._timeout = construction.system, options.timeout_seconds
        self._http = HttpClient(
            construction.system,
            options.base_url,
            construction.transport,
            construction.seams,
            BottleDialect(credential),
            gate=gate,
            observe=construction.observe,
            budget=construction.budget,
        )

    async def get(self, path: str, query: Query = (), *, rows: int = 0) -> Any:
        """The object in the answer. `rows`: the most records that it can hold."""
        answer = await self._send("GET", f"{path}/", query=query, most_bytes=page_bytes(rows))
        return self._object(answer)

    async def one(self, path: str, record_id: str) -> Mapping[str, Any] | None:
        """The object in the answer; None if the record does not exist."""
        answer = await self._send("GET", f"{path}/{record_id}/", template=f"{path}/:id/", accept=GONE)
        return None if answer.status in GONE else self._object(answer)

    async def create(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Create a record. The server answers with 200 or 201 and an id."""
        answer = await self._send("POST", f"{path}/", json=dict(body))
        said = self._object(answer)
        if not isinstance(said.get("id"), str):
            raise answer.garbled("no id")
        return said

    async def change(self, path: str, record_id: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Raises WriteConflict when the record has gone since it was read."""
        answer = await self._send(
            "PATCH", f"{path}/{record_id}/", json=dict(body), template=f"{path}/:id/", accept=GONE
        )
        if answer.status in GONE:
            raise WriteConflict(self.system, f"{answer.call.name}: the record is gone (404)")
        return self._object(answer)

    async def act(self, path: str, record_id: str, action: str) -> Mapping[str, Any]:
        answer = await self._send("POST", f"{path}/{record_id}/{action}/", template=f"{path}/:id/{action}/")
        return self._object(answer)

    async def delete(self, path: str, record_id: str) -> None:
        """Deleting a missing record is not an error."""
        await self._send("DELETE", f"{path}/{record_id}/", template=f"{path}/:id/", accept=GONE)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        json: Any = None,
        template: str = "",
        accept: frozenset[int] = frozenset(),
        most_bytes: int = RECORD_BYTES,
    ) -> Answer:
        call = Call(
            method,
            path,
            query,
            json,
            accept=accept,
            template=template or path,
            timeout_seconds=self._timeout,
            most_bytes=most_bytes,
        )
        return await self._http.send(call)

    @staticmethod
    def _object(answer: Answer) -> Mapping[str, Any]:
        said = answer.json()
        if not isinstance(said, dict):
            raise answer.garbled("no object")
        return said
