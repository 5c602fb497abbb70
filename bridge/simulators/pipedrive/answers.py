"""Envelopes and error bodies of REST v1 and v2 ("Responses", "HTTP status codes", "Rate limiting" on
pipedrive.readme.io).
"""

import json
from collections.abc import Iterable
from typing import Any

from aiohttp import web

from bridge.simulators.faults import ResponseFault

BLOCKED_PAGE = (
    "<!DOCTYPE html><html><head><title>Access denied | Cloudflare</title></head><body>Error 1015</body></html>"
)


class Refused(Exception):
    """Ends a request with an error answer."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body

    def answer(self) -> web.Response:
        return web.json_response(self.body, status=self.status)


def ok(data: Any, status: int = 200, **more: Any) -> web.Response:
    """The success envelope."""
    return web.json_response({"success": True, "data": data, **more}, status=status)


def invalid(complaints: Iterable[tuple[str, str]]) -> Refused:
    """REST v2's refusal of a request that does not match its schema."""
    text = "; ".join(f"{key}: {reason}" for key, reason in complaints)
    return Refused(
        400, {"success": False, "error": f"Validation failed: {text}", "code": "ERR_SCHEMA_VALIDATION_FAILED"}
    )


def envelope(error: str, info: str = "") -> dict[str, Any]:
    return {"success": False, "error": error, "error_info": info, "data": None, "additional_data": None}


def not_found() -> Refused:
    return Refused(404, envelope("Entity was not found", "Object was not found."))


def unknown_error() -> Refused:
    return Refused(500, {"success": False, "error": "Internal Server Error", "code": "ERR_UNKNOWN"})


def over_limit() -> dict[str, Any]:
    return {
        "success": False,
        "error": "request over limit",
        "errorCode": 429,
        "error_info": "Please try again later.",
    }


def unauthorized(correlation_id: str) -> web.Response:
    body = {
        "success": False,
        "error": "unauthorized access",
        "errorCode": 401,
        "error_info": "Please check your credentials.",
    }
    headers = {"x-401-by-gw": "true", "x-correlation-id": correlation_id}
    return web.json_response(body, status=401, headers=headers)


def fault_answer(_request: web.Request, fault: ResponseFault) -> web.StreamResponse:
    """The answer of a fault that was set. Variants: "html" (the 403 block page), "daily" (429 of the day's budget),
    "null" (a 200 whose data is null)."""
    if fault.variant == "html":
        return web.Response(text=BLOCKED_PAGE, status=fault.status, content_type="text/html")
    if fault.variant == "null":
        return ok(None, fault.status)
    if fault.status == 401:
        return unauthorized("00000000-0000-4000-8000-000000000000")
    if fault.status == 429:
        left = "39" if fault.variant == "daily" else "0"
        headers = {"x-ratelimit-limit": "40", "x-ratelimit-remaining": left, "x-ratelimit-reset": "2"}
        if fault.variant == "daily":
            headers["x-daily-ratelimit-token-remaining"] = "0"
        return web.json_response(over_limit(), status=429, headers=headers)
    if fault.status == 500:
        return unknown_error().answer()
    if fault.status == 404:
        return not_found().answer()
    text = "You do not have permissions to do this." if fault.status == 403 else "Service unavailable"
    return web.json_response(envelope(text), status=fault.status)


async def json_object(request: web.Request) -> dict[str, Any]:
    """The request's JSON object. Raises Refused with the v2 validation body."""
    try:
        body = json.loads(await request.read())
    except ValueError as error:
        raise invalid([("body", "must be valid JSON")]) from error
    if not isinstance(body, dict):
        raise invalid([("body", "must be an object")])
    return body


async def json_list(request: web.Request) -> list[dict[str, Any]]:
    """The request's JSON list of objects. Raises Refused with the v2 validation body."""
    try:
        body = json.loads(await request.read())
    except ValueError as error:
        raise invalid([("body", "must be valid JSON")]) from error
    if not isinstance(body, list) or not all(isinstance(one, dict) for one in body):
        raise invalid([("body", "must be a list of objects")])
    return body
