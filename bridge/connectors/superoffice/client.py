"""Calls to the tenant, at its present address. Source: the vendor's OpenAPI description of REST v1."""

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.connectors.calls import Answer, Call, Pause, Words
from bridge.connectors.http import HttpClient, with_headers
from bridge.connectors.limits import LIST_BYTES, RECORD_BYTES
from bridge.connectors.oauth import Credential, SignInDialect, sign_in_client
from bridge.connectors.product import Construction
from bridge.connectors.protocols import HttpRequest
from bridge.connectors.superoffice.auth import credential
from bridge.connectors.superoffice.endpoint import Endpoint, FixedEndpoint, TenantEndpoint
from bridge.connectors.superoffice.options import SuperOfficeOptions, quota
from bridge.connectors.superoffice.refusals import is_missing, is_refusal, read_words
from bridge.domain.errors import OutcomeUnknown, RemoteError, RetryLater, Unreachable, WriteConflict
from bridge.domain.frozen import replace

SOMEWHERE = "https://tenant.invalid"  # stands for the tenant's address until the call is sent
MISDIRECTED = 421
GONE = frozenset({404, 410})
IN_UTC: Mapping[str, str] = {"so-timezone": "UTC"}
SIGN_IN = SignInDialect(read_words, "the sign-in was refused", frozenset({400, 401, 403, 404}))
Query = Sequence[tuple[str, str]]


class SuperOfficeDialect:
    def __init__(self, access: Credential, endpoint: Endpoint, language: str) -> None:
        self._access, self._endpoint = access, endpoint
        self._always = {"so-language": language, "accept-language": language}

    async def authorise(self, request: HttpRequest) -> HttpRequest:
        address = await self._endpoint.current()
        placed = replace(request, url=address + request.url.removeprefix(SOMEWHERE))
        return await self._access.authorise(with_headers(placed, self._always))

    async def renew(self, refused: HttpRequest) -> bool:
        return await self._access.renew(refused)

    def pause(self, answer: Answer) -> Pause | None:
        return None

    def words(self, answer: Answer) -> Words:
        return read_words(answer)

    def failure(self, answer: Answer, words: Words) -> RemoteError | None:
        if answer.status == MISDIRECTED:
            return Unreachable(answer.system, f"{answer.call.name}: the tenant has a different address (421)")
        return None


class SuperOfficeClient:
    def __init__(self, construction: Construction) -> None:
        options: SuperOfficeOptions = construction.options
        clock, sign_in = construction.seams.clock, sign_in_client(construction, options.login_url, SIGN_IN)
        self.system = construction.system
        self.endpoint: Endpoint = (
            TenantEndpoint(construction.system, options.tenant, options.login_url, sign_in, clock)
            if options.tenant is not None
            else FixedEndpoint(options.base_url or "")
        )
        self._timeout = options.timeout_seconds
        self._http = HttpClient(
            construction.system,
            SOMEWHERE,
            construction.transport,
            construction.seams,
            SuperOfficeDialect(credential(construction, sign_in), self.endpoint, options.language),
            gate=construction.gate(quota(options)),
            observe=construction.observe,
            budget=construction.budget,
        )

    async def send(self, call: Call) -> Answer:
        """Send a call; `call.path` is below /api/v1. After a 421, which had no effect, it is sent
        again to the new address."""
        path = f"api/v1/{call.path}"
        call = replace(call, path=path, template=call.template or call.path, timeout_seconds=self._timeout)
        asked = replace(call, accept=call.accept | {MISDIRECTED})
        try:
            answer = await self._http.send(asked)
        except (Unreachable, OutcomeUnknown):
            self.endpoint.forget()  # the tenant may have moved
            raise
        if answer.status != MISDIRECTED:
            return answer
        self.endpoint.forget()
        return await self._http.send(call)

    async def get(
        self, path: str, *, template: str, headers: Mapping[str, str] | None = None, most_bytes: int = RECORD_BYTES
    ) -> Any:
        """The JSON of the answer; None if the record does not exist."""
        accept = GONE | {500}
        call = Call("GET", path, template=template, headers=headers or {}, accept=accept, most_bytes=most_bytes)
        answer = await self.send(call)
        if is_missing(answer):
            return None
        if answer.status == 500:  # "not found" may also come as 500, so reads of 500 were not repeated above
            answer = await self.send(replace(call, accept=frozenset()))
        return answer.json()

    async def rows(self, path: str) -> list[Any]:
        """The rows of a plain list, as the server returned them. Empty when this server does not have the list."""
        said = await self.get(path, template=path, most_bytes=LIST_BYTES)
        if said is not None and not isinstance(said, list):
            raise RetryLater(self.system, f"GET {path} returned no list")
        return said or []

    async def archive(self, path: str, query: Query) -> list[Any]:
        """The rows of a listing, as the server returned them. Dates in the query are UTC."""
        return _rows(await self.send(Call("GET", path, query=query, headers=IN_UTC, template=path)))

    async def archive_or_none(self, path: str, query: Query) -> list[Any] | None:
        """Like `archive`, but None when the server refuses the query itself."""
        call = Call("GET", path, query=query, headers=IN_UTC, template=path, accept=frozenset({400, 500}))
        answer = await self.send(call)
        if is_refusal(answer):
            return None
        return _rows(answer if answer.status == 200 else await self.send(replace(call, accept=frozenset())))

    async def write(
        self,
        method: str,
        path: str,
        body: Any,
        *,
        template: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Mapping[str, Any]:
        """Write a record; return the entity as saved. Raises WriteConflict when it was changed or
        removed since it was read."""
        accept = frozenset({404, 409, 410, 412}) if method != "POST" else frozenset()
        call = Call(method, path, json=body, template=template, headers=headers or {}, accept=accept)
        answer = await self.send(call)
        if answer.status in accept:
            raise WriteConflict(self.system, f"{call.name}: the record was changed or deleted ({answer.status})")
        said = answer.json()
        if not isinstance(said, dict):
            raise answer.garbled("no record")
        return said

    async def delete(self, path: str, *, template: str, headers: Mapping[str, str] | None = None) -> bool:
        """Deleting a missing record is not an error. False: the server refused (412), because the record
        changed since it was read."""
        call = Call("DELETE", path, template=template, headers=headers or {}, accept=GONE | {412, 500})
        answer = await self.send(call)
        if answer.status == 500 and not is_missing(answer):
            raise OutcomeUnknown(self.system, f"{call.name} was answered with 500: {read_words(answer).message}")
        return answer.status != 412


def _rows(answer: Answer) -> list[Any]:
    said = answer.json()
    rows = said.get("value") if isinstance(said, dict) else None
    if not isinstance(rows, list):
        raise answer.garbled("no list of rows")
    return rows
