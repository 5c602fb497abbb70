"""/api/v1, generated from the table of operations: roles, parameters, answers. Its OpenAPI document is generated as
well.

The table is made at the first request for the API or a page: what it imports takes 2 MB, and most bridges are only
asked for their health.
"""

import dataclasses
import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from enum import Enum
from functools import cache, cached_property
from typing import Any, Protocol

from aiohttp import web
from pydantic import ValidationError

from bridge.admin.login import LONGEST_SECONDS, Login, TooMany, foreign
from bridge.admin.openapi import described
from bridge.admin.operation import Given, NotThere, Operation, Person, Role
from bridge.domain.errors import BridgeError, ConfigError, StoreUnavailable
from bridge.monitoring.redaction import Redactor

log = logging.getLogger(__name__)

ROOT = "/api/v1"
MOST_BYTES = 256 * 1024
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

NAMES = web.RequestKey("names", dict[str, str])
"""What the names in the operation's path stand for."""

LOOK_SECONDS = 5.0
"""Seconds between two looks in the store, while sessions are used, for sessions that ended at other instances."""


class AuditLog(Protocol):
    """What sessions need of the audit log."""

    async def note(self, person: str, action: str, answer: str, arguments: Mapping[str, Any]) -> object: ...

    async def since(self, action: str, moment: float) -> list[Mapping[str, Any]]: ...


class Problem(Exception):
    """Ends a request with this status and this sentence."""

    def __init__(self, status: int, what: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(what)
        self.status, self.what, self.headers = status, what, dict(headers or {})


class Desk:
    """Carries out an operation, by its name, for a person. Pages and API both use it."""

    def __init__(
        self, table: Callable[[], Sequence[Operation]], login: Login, redact: Redactor, audit_log: AuditLog
    ) -> None:
        self._table = table
        self.login = login
        self.redact = redact
        self._audit_log = audit_log
        self._looked = -math.inf

    @cached_property
    def operations(self) -> Mapping[str, Operation]:
        """All operations by name."""
        return {operation.name: operation for operation in self._table()}

    async def note(self, person: str, action: str, **about: str) -> None:
        """Note an action that is not a request in the audit log. Logins and logouts work even if the store is
        unreachable."""
        with suppress(StoreUnavailable):
            await self._audit_log.note(person, action, "done", about)

    async def look(self) -> None:
        """Load which sessions ended at other instances, or here before a restart."""
        now = self.login.now()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        with suppress(StoreUnavailable):
            ended = await self._audit_log.since("logout", now - LONGEST_SECONDS)
            self.login.have_ended(str(one["session"]) for one in ended if "session" in one)

    def person(self, request: web.Request, role: Role) -> Person:
        """Return who sent the request. Raises Problem: 401 if the sender is unknown, 403 if the role does not allow it,
        429 after wrong tokens."""
        if foreign(request):
            raise Problem(403, "a page of another site sent this request")
        try:
            person = self.login.person(request)
        except TooMany as error:
            raise Problem(429, str(error), {"Retry-After": str(error.seconds)}) from None
        if person is None:
            raise Problem(401, self.who(), {"WWW-Authenticate": "Bearer"})
        if person.role < role:
            raise Problem(403, f"{person.name} may {person.role.word}; this needs a token with role {role.word}")
        return person

    def who(self) -> str:
        """Return the sentence for a person without a token."""
        if self.login.possible:
            return "send a token from the settings (admin.tokens) as `Authorization: Bearer ...`, or log in at /login"
        return (
            "pages and API are closed: add a token for each person below admin.tokens in the settings, or set "
            "admin.this_machine: operate to allow everybody on this machine; docs/admin.md shows how"
        )

    async def do(self, name: str, person: Person, given: Mapping[str, Any], *, strict: bool = False) -> Any:
        """Check the parameters and carry out the operation; return the answer as its dataclass. Raises Problem.

        `strict`: the parameters are JSON, in which a number is not accepted as text.
        """
        operation = self.operations[name]
        if person.role < operation.role:
            raise Problem(403, f"{person.name} may {person.role.word}; this needs role {operation.role.word}")
        return await self._act(operation, person, _checked(operation, given, strict))

    async def _act(self, operation: Operation, person: Person, given: Given) -> Any:
        try:
            return await operation.act(person, given)
        except NotThere as error:
            raise Problem(404, str(error)) from None
        except StoreUnavailable as error:
            raise Problem(503, f"the store cannot be used now: {error}", {"Retry-After": "5"}) from None
        except ConfigError as error:
            raise Problem(422, "; ".join(str(problem) for problem in error.problems)) from None
        except BridgeError as error:
            raise Problem(503, str(error), {"Retry-After": "5"}) from None


def _checked(operation: Operation, given: Mapping[str, Any], strict: bool) -> Given:
    try:
        if strict:
            return operation.given.model_validate_json(json.dumps(given), strict=True)
        return operation.given.model_validate(given)
    except ValidationError as error:
        told = [f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}" for one in error.errors()]
        raise Problem(422, "; ".join(told)) from None


def add_api(app: web.Application, desk: Desk, version: str) -> None:
    """Add the addresses of every operation, and one for the description of all."""
    addresses = cache(lambda: _addresses(desk, version))

    async def of_operation(request: web.Request) -> web.StreamResponse:
        found = await addresses().resolve(request)
        if found.http_exception is not None:
            raise found.http_exception
        request[NAMES] = dict(found)
        return await found.handler(request)

    app.router.add_route("*", ROOT + "/{operation:.*}", of_operation)


def _addresses(desk: Desk, version: str) -> web.UrlDispatcher:
    async def description(request: web.Request) -> web.Response:
        return answer(described(list(desk.operations.values()), ROOT, version))

    router = web.UrlDispatcher()
    for operation in desk.operations.values():
        router.add_route(operation.method, ROOT + operation.path, _handler(desk, operation))
    router.add_route("GET", f"{ROOT}/openapi.json", description)
    return router


def _handler(desk: Desk, operation: Operation) -> Any:
    async def handle(request: web.Request) -> web.Response:
        try:
            person = desk.person(request, operation.role)
            given = await _rest(request, operation) | request[NAMES]
            found = await desk.do(operation.name, person, given, strict=operation.method != "GET")
        except Problem as problem:
            return answer({"error": desk.redact(problem.what)}, problem.status, problem.headers)
        response = answer(desk.redact.value(plain(found)))
        desk.login.keep(request, response)
        return response

    return handle


async def _rest(request: web.Request, operation: Operation) -> dict[str, Any]:
    """Return the parameters that are not in the path: the query of a GET, the JSON body of a POST."""
    if operation.method == "GET":
        twice = {name for name in request.query if len(request.query.getall(name)) > 1}
        if twice:
            raise Problem(422, f"{', '.join(sorted(twice))}: given twice")
        return _without(dict(request.query), operation)
    if request.query:
        raise Problem(422, "this call has no query: put everything into the JSON body")
    if request.content_length is not None and request.content_length > MOST_BYTES:
        raise Problem(413, f"the body has more than {MOST_BYTES} bytes")
    text = await request.content.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES:
        raise Problem(413, f"the body has more than {MOST_BYTES} bytes")
    if not text:
        return {}
    if request.content_type != "application/json":
        raise Problem(415, "send JSON, with the header Content-Type: application/json")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise Problem(422, "the body is not JSON") from None
    if not isinstance(body, dict):
        raise Problem(422, "the body must be a JSON object")
    whole = {
        key: int(value) if isinstance(value, float) and value.is_integer() else value for key, value in body.items()
    }
    return _without(whole, operation)


def _without(given: dict[str, Any], operation: Operation) -> dict[str, Any]:
    for name in operation.in_path & given.keys():
        raise Problem(422, f"{name}: is already in the path")
    return given


def plain(value: Any) -> Any:
    """Return the value as JSON types; dataclasses and named tuples become objects, also inside other values."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def answer(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response(content, status=status, headers={**HEADERS, **(headers or {})})
