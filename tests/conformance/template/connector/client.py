"""Calls to Sample: one method for each endpoint in use."""

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.connectors.calls import Answer, Call, Pause, Words
from bridge.connectors.http import HttpClient
from bridge.connectors.limits import RECORD_BYTES, page_bytes
from bridge.connectors.oauth import FixedHeader
from bridge.connectors.product import Construction
from bridge.connectors.protocols import HttpRequest
from bridge.connectors.sample.options import SampleOptions, quota
from bridge.domain.errors import RemoteError, WriteConflict

GONE = frozenset({404})
PATH = "items"


class SampleDialect:
    """Differences between vendors: the credential, error bodies, the meaning of a refusal."""

    def __init__(self, token: FixedHeader) -> None:
        self._token = token

    async def authorise(self, request: HttpRequest) -> HttpRequest:
        return await self._token.authorise(request)

    async def renew(self, refused: HttpRequest) -> bool:
        return await self._token.renew(refused)

    def pause(self, answer: Answer) -> Pause | None:
        return None

    def words(self, answer: Answer) -> Words:
        """Accepts any bytes."""
        said = answer.loose_json()
        return Words(str(said.get("error")) if isinstance(said, dict) else "no reason is given")

    def failure(self, answer: Answer, words: Words) -> RemoteError | None:
        return None


class SampleClient:
    def __init__(self, construction: Construction) -> None:
        options: SampleOptions = construction.options
        self.system, self._timeout = construction.system, options.timeout_seconds
        token = FixedHeader("authorization", f"Bearer {options.api_token.get_secret_value()}")
        self._http = HttpClient(
            construction.system,
            options.base_url,
            construction.transport,
            construction.seams,
            SampleDialect(token),
            gate=construction.gate(quota(options)),
            observe=construction.observe,
            budget=construction.budget,
        )

    async def account(self) -> Mapping[str, Any]:
        return self._object(await self._send("GET", "me"))

    async def page(self, query: Sequence[tuple[str, str]], size: int) -> tuple[list[Any], str | None]:
        """Return the rows as received, and where the next page begins."""
        answer = await self._send("GET", PATH, query=[*query, ("limit", str(size))], most_bytes=page_bytes(size))
        said = self._object(answer)
        if not isinstance(said.get("items"), list):
            raise answer.garbled("no list of records")
        return said["items"], str(said["next"]) if said.get("next") else None

    async def one(self, record_id: str) -> Mapping[str, Any] | None:
        """Return the record, or None when it does not exist."""
        answer = await self._send("GET", f"{PATH}/{record_id}", template=f"{PATH}/:id", accept=GONE)
        return None if answer.status in GONE else self._object(answer)

    async def create(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._object(await self._send("POST", PATH, json=dict(body)))

    async def change(self, record_id: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Raises WriteConflict when the record was deleted since it was read."""
        answer = await self._send("PATCH", f"{PATH}/{record_id}", json=dict(body), template=f"{PATH}/:id", accept=GONE)
        if answer.status in GONE:
            raise WriteConflict(self.system, f"{answer.call.name}: the record is gone")
        return self._object(answer)

    async def delete(self, record_id: str) -> None:
        """Deleting a missing record is no error."""
        await self._send("DELETE", f"{PATH}/{record_id}", template=f"{PATH}/:id", accept=GONE)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        query: Sequence[tuple[str, str]] = (),
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
        if not isinstance(said, dict) or said.get("id", said.get("items")) is None:
            raise answer.garbled("no record")
        return said
