"""The vendor's endpoints: REST v2 for records and definitions, v1 for hooks and users.

Sources: the vendor's OpenAPI descriptions of API v1 and v2.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.connectors.calls import Answer, Call, Pause, Words
from bridge.connectors.http import HttpClient
from bridge.connectors.limits import LIST_BYTES, RECORD_BYTES, SMALL_BYTES, page_bytes
from bridge.connectors.oauth import Credential
from bridge.connectors.pipedrive.auth import credential
from bridge.connectors.pipedrive.budget import quota, read_limits
from bridge.connectors.pipedrive.options import PipedriveOptions
from bridge.connectors.pipedrive.refusals import read_failure, read_pause, read_words
from bridge.connectors.product import Construction
from bridge.connectors.protocols import HttpRequest
from bridge.domain.errors import RemoteError, WriteConflict
from bridge.domain.seams import Clock

LARGEST_PAGE = 500
GONE = frozenset({404, 410})
Query = Sequence[tuple[str, str]]


class PipedriveDialect:
    def __init__(self, access: Credential, clock: Clock) -> None:
        self._access, self._clock = access, clock

    async def authorise(self, request: HttpRequest) -> HttpRequest:
        return await self._access.authorise(request)

    async def renew(self, refused: HttpRequest) -> bool:
        return await self._access.renew(refused)

    def pause(self, answer: Answer) -> Pause | None:
        return read_pause(answer, self._clock)

    def words(self, answer: Answer) -> Words:
        return read_words(answer)

    def failure(self, answer: Answer, words: Words) -> RemoteError | None:
        return read_failure(answer, words, self._clock)


class PipedriveClient:
    def __init__(self, construction: Construction) -> None:
        options: PipedriveOptions = construction.options
        self._timeout = options.timeout_seconds
        clock = construction.seams.clock
        self._http = HttpClient(
            construction.system,
            options.base_url,
            construction.transport,
            construction.seams,
            PipedriveDialect(credential(construction), clock),
            gate=construction.gate(quota(options)),
            limits=lambda answer: read_limits(answer, clock.now()),
            observe=construction.observe,
            budget=construction.budget,
        )

    async def me(self) -> Mapping[str, Any]:
        answer = await self._send("GET", "api/v1/users/me", most_bytes=SMALL_BYTES)
        return _object(answer)

    async def rows(self, path: str, query: Query) -> tuple[list[Any], str | None]:
        """One page of a v2 listing: its rows as the vendor returned them, and the cursor of the next page."""
        answer = await self._send("GET", path, query=query, most_bytes=_page_bytes(query))
        rows, more = _rows(answer)
        cursor = more.get("next_cursor")
        return rows, str(cursor) if cursor else None

    async def rows_by_offset(self, path: str, query: Query, start: int) -> tuple[list[Any], int | None]:
        """One page of a v1 listing, and the offset of the next page. The vendor's paging block is missing at times."""
        answer = await self._send("GET", path, query=[*query, ("start", str(start))], most_bytes=_page_bytes(query))
        rows, more = _rows(answer)
        paging = more.get("pagination")
        limit = int(dict(query)["limit"])
        going_on = paging.get("more_items_in_collection") is True if isinstance(paging, dict) else len(rows) >= limit
        return rows, start + len(rows) if going_on and rows else None

    async def all_rows(self, path: str) -> list[Any]:
        found: list[Any] = []
        cursor: str | None = None
        while True:
            query = [("limit", str(LARGEST_PAGE)), *([("cursor", cursor)] if cursor else [])]
            rows, cursor = await self.rows(path, query)
            found += rows
            if cursor is None:
                return found

    async def search(self, path: str, query: Query) -> list[Any]:
        """The found items, best first. The vendor wraps them in two ways."""
        answer = await self._send("GET", path, query=query, most_bytes=_page_bytes(query))
        said = answer.json()
        data = said.get("data") if isinstance(said, dict) else None
        items = data.get("items") if isinstance(data, dict) else data
        if items is None:
            return []
        if not isinstance(items, list):
            raise answer.garbled("no list of items")
        return [item.get("item", item) if isinstance(item, dict) else item for item in items]

    async def get(self, path: str, record_id: str) -> Mapping[str, Any] | None:
        """The record; None for 404, for 410, and for an empty 204, with which the vendor answers
        for some missing records."""
        answer = await self._send("GET", f"{path}/{record_id}", template=f"{path}/:id", accept=GONE)
        return None if answer.status in GONE or answer.status == 204 else _object(answer)

    async def create(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = await self._send("POST", path, json=body)
        return _object(answer)

    async def create_some(self, path: str, template: str, bodies: Sequence[Mapping[str, Any]]) -> None:
        """Creates rows. One row alone has a cheaper call."""
        if len(bodies) == 1:
            await self._send("POST", path, template=template, json=bodies[0])
        else:
            await self._send("POST", f"{path}/bulk", template=f"{template}/bulk", json={"data": list(bodies)})

    async def delete_some(self, path: str, template: str, ids: Sequence[str]) -> None:
        await self._send("DELETE", path, template=template, query=[("ids", ",".join(ids))], accept=GONE)

    async def change(
        self, path: str, record_id: str, body: Mapping[str, Any], method: str = "PATCH", template: str = ""
    ) -> Mapping[str, Any]:
        """Raises WriteConflict when the record has gone since it was read."""
        template = template or f"{path}/:id"
        answer = await self._send(method, f"{path}/{record_id}", template=template, json=body, accept=GONE)
        if answer.status in GONE:
            raise WriteConflict(answer.system, f"{answer.call.name}: the record is gone ({answer.status})")
        return _object(answer)

    async def delete(self, path: str, record_id: str) -> None:
        """Deleting a missing record is not an error."""
        await self._send("DELETE", f"{path}/{record_id}", template=f"{path}/:id", accept=GONE)

    async def hooks(self) -> list[Any]:
        rows, _ = await self.rows("api/v1/webhooks", ())
        return rows

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


def _page_bytes(query: Query) -> int:
    """The answer's size limit. A listing without a limit comes whole."""
    limit = dict(query).get("limit")
    return LIST_BYTES if limit is None else page_bytes(int(limit))


def _object(answer: Answer) -> Mapping[str, Any]:
    said = answer.json()
    data = said.get("data") if isinstance(said, dict) else None
    if not isinstance(data, dict) or data.get("id") is None:
        raise answer.garbled("no record")
    return data


def _rows(answer: Answer) -> tuple[list[Any], Mapping[str, Any]]:
    """The rows of a listing (version 1 returns null for none), and its `additional_data`."""
    said = answer.json()
    rows = said.get("data") if isinstance(said, dict) else None
    if rows is None and isinstance(said, dict) and said.get("success") is True:
        rows = []
    if not isinstance(rows, list):
        raise answer.garbled("no list of records")
    more = said.get("additional_data")
    return rows, more if isinstance(more, dict) else {}
