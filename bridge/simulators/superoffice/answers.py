"""Error bodies (page "REST WebAPI") and request bodies.

Only the 404 body is documented. All others have the same form, which is our guess.
"""

import json
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from bridge.simulators.faults import ResponseFault
from bridge.simulators.superoffice.spelling import spelled


class Refused(Exception):
    """Ends a request with an error answer. `kind` is the name of the server's exception."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.kind = kind
        self.message = message

    def answer(self) -> web.Response:
        return error(self.status, self.kind, self.message)


def not_found(what: str) -> Refused:
    return Refused(404, "SoNotFoundException", f"{what} not found")


def invalid(message: str) -> Refused:
    """The refusal of data that the server cannot accept. 500 with this body is our guess."""
    return Refused(500, "SoValidationException", message)


def error(status: int, kind: str, message: str) -> web.Response:
    body = {
        "Error": True,
        "ErrorType": kind,
        "ErrorMessage": message,
        "ErrorSource": "SuperOffice.Services.Implementation",
    }
    return web.json_response(body, status=status)


def fault_answer(request: web.Request, fault: ResponseFault) -> web.StreamResponse:
    """The answer of a fault that was set. Variants: "html" and "empty" bodies."""
    if fault.variant == "html":
        text = "<html><body>Service unavailable</body></html>"
        answer = web.Response(text=text, status=fault.status, content_type="text/html")
    elif fault.variant == "empty":
        answer = web.Response(status=fault.status)
    elif fault.status == 421:
        answer = misdirected()
    else:
        answer = error(fault.status, "SoException", HTTPStatus(fault.status).phrase)
    if fault.status in (429, 503):
        answer.headers["Retry-After"] = "1"
    return answer


def misdirected() -> web.Response:
    """The answer when the tenant is served elsewhere (page "Calling the right host")."""
    return web.Response(text="Misdirected Request: the tenant is not served by this subdomain", status=421)


@web.middleware
async def refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns Refused, and unknown addresses below the API, into the server's error body."""
    try:
        return await handler(request)
    except Refused as refused:
        return refused.answer()
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as fault:
        if request.path.startswith("/_control"):
            raise
        return error(fault.status, "SoNotFoundException", f"{request.method} {request.path} does not exist")


async def json_body(request: web.Request) -> Any:
    raw = await request.read()
    try:
        return spelled(json.loads(raw)) if raw.strip() else None
    except ValueError as fault:
        raise Refused(400, "JsonReaderException", f"the body is not JSON: {fault}") from fault


async def json_object(request: web.Request) -> dict[str, Any]:
    """The object in the body. Raises Refused with 400 without one, as documented for PUT."""
    body = await json_body(request)
    if not isinstance(body, dict):
        raise Refused(400, "ArgumentException", "an entity is expected in the body")
    return body


def whole(text: str | None, default: int, name: str) -> int:
    """A whole number from the query string. Raises Refused."""
    if not text:
        return default
    try:
        return int(text)
    except ValueError as fault:
        raise Refused(400, "ArgumentException", f"{name} must be an integer") from fault
