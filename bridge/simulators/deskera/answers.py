"""Error bodies: those of the service (vendor's Java SDK, class ErrorResponse) and of the gateway."""

import json
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from bridge.simulators.faults import ResponseFault


class Refused(Exception):
    """Ends a request with an error answer. `errors`: pairs of field and complaint."""

    def __init__(self, status: int, message: str, errors: list[tuple[str, str]] | None = None) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.errors = errors or []

    def answer(self) -> web.Response:
        return service_error(self.status, self.message, self.errors)


def service_error(status: int, message: str, errors: list[tuple[str, str]] | None = None) -> web.Response:
    body: dict[str, Any] = {"code": status, "errorMessage": message, "httpStatus": HTTPStatus(status).name}
    if errors:
        body["errors"] = [{"field": field, "error": error} for field, error in errors]
    return web.json_response(body, status=status)


def gateway_error(request: web.Request, status: int, message: str) -> web.Response:
    body = {"status": "error", "code": status, "message": message, "requestPath": request.path}
    return web.json_response(body, status=status)


def fault_answer(request: web.Request, fault: ResponseFault) -> web.StreamResponse:
    """The answer of a fault that was set. Variants: "gateway" (the gateway's body), "html", "in-band"
    (status 200 with an error body)."""
    if fault.variant == "html":
        return web.Response(text="<html><body>Bad gateway</body></html>", status=fault.status, content_type="text/html")
    if fault.variant == "in-band":
        return web.json_response({"success": False, "errorMessage": "Could not process the request"})
    if fault.variant == "gateway":
        return gateway_error(request, fault.status, HTTPStatus(fault.status).phrase)
    answer = service_error(fault.status, _MESSAGES.get(fault.status, HTTPStatus(fault.status).phrase))
    if fault.status in (429, 503):
        answer.headers["Retry-After"] = "1"
    return answer


_MESSAGES = {401: "Token is invalid or expired", 406: "Monthly limit reached", 500: "Something went wrong"}


@web.middleware
async def refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns Refused into the service's error body, and unknown paths and verbs into the gateway's."""
    try:
        return await handler(request)
    except Refused as refused:
        return refused.answer()
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as error:
        if request.path.startswith("/_control"):
            raise
        return gateway_error(request, error.status, error.reason)


async def json_body(request: web.Request) -> Any:
    try:
        return json.loads(await request.read())
    except ValueError as error:
        raise Refused(400, "Malformed JSON request") from error


async def json_object(request: web.Request) -> dict[str, Any]:
    body = await json_body(request)
    if not isinstance(body, dict):
        raise Refused(400, "The request body must be an object")
    return body


def id_list(body: Any) -> list[int]:
    """A list of record ids from a body. Raises Refused."""
    if not isinstance(body, list) or not all(type(item) is int for item in body):
        raise Refused(400, "A list of ids is required", [("ids", "must be a list of integers")])
    return body


def number_from(query: str | None, default: int, name: str) -> int:
    """A whole number from the query string. Raises Refused."""
    if query is None or query == "":
        return default
    try:
        return int(query)
    except ValueError as error:
        raise Refused(400, "Invalid query parameter", [(name, "must be an integer")]) from error
