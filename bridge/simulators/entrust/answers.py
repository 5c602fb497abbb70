"""Error bodies (ErrorInfo of the API description) and reading of requests. The error codes are our invention."""

import json
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from bridge.simulators.faults import ResponseFault

_CODES = {
    400: "invalid_parameter",
    401: "access_denied",
    403: "forbidden",
    404: "entity_not_found",
    409: "conflict",
    429: "too_many_requests",
    500: "internal_error",
    503: "service_unavailable",
}


class Refused(Exception):
    """Ends a request with an error answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message

    def answer(self) -> web.Response:
        return error(self.status, self.message)


def error_info(status: int, message: str) -> dict[str, Any]:
    return {"errorCode": _CODES.get(status, "error"), "errorMessage": message, "parameters": []}


def error(status: int, message: str) -> web.Response:
    return web.json_response(error_info(status, message), status=status)


def fault_answer(_request: web.Request, fault: ResponseFault) -> web.StreamResponse:
    """The answer of a fault that was set. Variants: "html" (a proxy's page), "in-band" (200 with an error body)."""
    if fault.variant == "html":
        return web.Response(text="<html><body>Bad gateway</body></html>", status=fault.status, content_type="text/html")
    if fault.variant == "in-band":
        return web.json_response({"errorCode": "internal_error", "errorMessage": "Could not process the request"})
    answer = error(fault.status, HTTPStatus(fault.status).phrase)
    if fault.status in (429, 503):
        answer.headers["Retry-After"] = "1"
    return answer


@web.middleware
async def refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns Refused, unknown paths and unknown verbs into the vendor's error body."""
    try:
        return await handler(request)
    except Refused as refused:
        return refused.answer()
    except web.HTTPException as answer:
        if request.path.startswith("/_control") or answer.status < 400:
            raise
        return error(answer.status, answer.reason)


async def json_object(request: web.Request) -> dict[str, Any]:
    body = await json_body(request)
    if not isinstance(body, dict):
        raise Refused(400, "the request body must be a JSON object")
    return body


async def json_body(request: web.Request) -> Any:
    try:
        return json.loads(await request.read() or b"{}")
    except ValueError as bad:
        raise Refused(400, "the request body is not JSON") from bad


def empty() -> web.Response:
    """A success without a body: 200 and no bytes."""
    return web.Response(status=200)
