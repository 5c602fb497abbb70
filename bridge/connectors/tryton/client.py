"""Calls to one database over JSON-RPC. Facts: `trytond/protocols/jsonrpc.py`, `trytond/model/modelstorage.py`."""

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.connectors.calls import Answer, Call, Pause, Words
from bridge.connectors.http import HttpClient
from bridge.connectors.limits import RECORD_BYTES, page_bytes
from bridge.connectors.product import Construction
from bridge.connectors.protocols import HttpRequest
from bridge.connectors.tryton.auth import Session
from bridge.connectors.tryton.options import TrytonOptions, quota
from bridge.connectors.tryton.refusals import read_words, refusal
from bridge.connectors.tryton.wire import decode, encode
from bridge.domain.errors import RemoteError, RetryLater

Domain = Sequence[Any]
Order = Sequence[tuple[str, str]]
BY_ID: Order = (("id", "ASC"),)


class TrytonDialect:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def authorise(self, request: HttpRequest) -> HttpRequest:
        return await self._session.authorise(request)

    async def renew(self, refused: HttpRequest) -> bool:
        return await self._session.renew(refused)

    def pause(self, answer: Answer) -> Pause | None:
        return None

    def words(self, answer: Answer) -> Words:
        return read_words(answer)

    def failure(self, answer: Answer, words: Words) -> RemoteError | None:
        return None


class TrytonClient:
    """The last parameter of a model's method is always a context. `context` holds what we add to every call."""

    def __init__(self, construction: Construction) -> None:
        options: TrytonOptions = construction.options
        self.system = construction.system
        self._path, self._timeout = f"{options.database}/rpc/", options.timeout_seconds
        self.user = options.user
        self._number = 0
        self.context: Mapping[str, Any] = {}
        self._http = HttpClient(
            construction.system,
            options.base_url,
            construction.transport,
            construction.seams,
            TrytonDialect(Session(construction)),
            gate=construction.gate(quota(options)),
            observe=construction.observe,
            budget=construction.budget,
        )

    async def search_read(
        self,
        model: str,
        domain: Domain,
        fields: Sequence[str],
        *,
        limit: int | None = None,
        order: Order = BY_ID,
        all_of_them: bool = True,
    ) -> list[Any]:
        """The rows as the server returned them. `all_of_them`: include deactivated records."""
        params = [domain, 0, limit, [list(each) for each in order], list(fields)]
        more = {"active_test": False} if all_of_them else {}
        found = await self._ask(f"model.{model}.search_read", params, more, page_bytes(limit or 1000))
        if not isinstance(found, list):
            raise self._garbled(f"model.{model}.search_read", "no list of records")
        return found

    async def search(self, model: str, domain: Domain, *, limit: int | None = None, order: Order = BY_ID) -> list[int]:
        params = [domain, 0, limit, [list(each) for each in order]]
        found = await self._ask(f"model.{model}.search", params, {"active_test": False}, page_bytes(100))
        if not isinstance(found, list) or not all(isinstance(each, int) for each in found):
            raise self._garbled(f"model.{model}.search", "no list of ids")
        return found

    async def preferences(self) -> Mapping[str, Any]:
        """The preferences of our user: company, employee, language."""
        found = await self._ask("model.res.user.get_preferences", [True], {}, RECORD_BYTES)
        if not isinstance(found, dict):
            raise self._garbled("model.res.user.get_preferences", "no preferences")
        return found

    async def on_change(self, model: str, values: Mapping[str, Any], field: str) -> Mapping[str, Any]:
        """The values that the form of such a record shows after a person entered `field`. Nothing is stored."""
        found = await self._ask(f"model.{model}.on_change", [dict(values), [field]], {}, RECORD_BYTES)
        if not isinstance(found, dict):
            raise self._garbled(f"model.{model}.on_change", "no values")
        return found

    async def create(self, model: str, values: Mapping[str, Any]) -> int:
        """Creates are sent one at a time. On SQLite, two transactions take the same number from a sequence; the server
        then refuses one of them for a code that it did not send."""
        method = f"model.{model}.create"
        answer, found = await self._call(method, [[values]], {}, reads=False, one_by_one=True)
        if not isinstance(found, list) or len(found) != 1 or not isinstance(found[0], int):
            raise answer.garbled("no id")
        return found[0]

    async def write(self, model: str, *pairs: Any, seen: Mapping[str, str]) -> None:
        """`pairs`: ids and values, alternating. `seen`: timestamps of the records as they were read.

        Raises WriteConflict when a record has another timestamp now.
        """
        await self._call(f"model.{model}.write", list(pairs), {"_timestamp": dict(seen)}, reads=False)

    async def delete(self, model: str, record_id: int, seen: Mapping[str, str]) -> None:
        await self._call(f"model.{model}.delete", [[record_id]], {"_timestamp": dict(seen)}, reads=False)

    async def press(self, model: str, button: str, record_id: int) -> None:
        await self._call(f"model.{model}.{button}", [[record_id]], {}, reads=False)

    async def _ask(self, method: str, params: list[Any], more: Mapping[str, Any], most_bytes: int) -> Any:
        _, found = await self._call(method, params, more, reads=True, most_bytes=most_bytes)
        return found

    async def _call(
        self,
        method: str,
        params: list[Any],
        more: Mapping[str, Any],
        *,
        reads: bool,
        one_by_one: bool = False,
        most_bytes: int = RECORD_BYTES,
    ) -> tuple[Answer, Any]:
        self._number += 1
        body = {"id": self._number, "method": method, "params": encode([*params, {**self.context, **more}])}
        call = Call(
            "POST",
            self._path,
            json=body,
            reads=reads,
            template=method,
            timeout_seconds=self._timeout,
            most_bytes=most_bytes,
            one_by_one=one_by_one,
        )
        answer = await self._http.send(call)
        said = answer.json()
        if isinstance(said, dict) and said.get("error") is not None:
            raise refusal(self.system, call, said["error"])
        if not isinstance(said, dict) or "result" not in said:
            raise answer.garbled("no result")
        try:
            return answer, decode(said["result"])
        except ValueError as wrong:
            raise answer.garbled(f"a value that {wrong}") from None

    def _garbled(self, method: str, what: str) -> RemoteError:
        return RetryLater(self.system, f"{method} returned {what}")
