"""The public routes: callbacks, and an echo that proves that the public address leads here. Nothing else is served."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web
from aiohttp.typedefs import Handler

from bridge.callbacks.receiver import (
    BAD_REQUEST,
    COMPRESSED,
    NOT_ALLOWED,
    NOT_FOUND,
    TOO_LARGE,
    TOO_SLOW,
    UNAVAILABLE,
    WRONG_TYPE,
    Receipt,
    Receiver,
)
from bridge.domain.address import PREFIX
from bridge.domain.callback import Callback
from bridge.domain.frozen import replace

log = logging.getLogger(__name__)

CHALLENGE_CHARACTERS = 200
BODY_SECONDS = 10.0
NEVER_SENT = frozenset({"audio", "font", "image", "model", "video"})
"""Kinds of content that no decoder reads. All others are accepted: some vendors send no content type or a wrong one."""

PATTERN = PREFIX + "{system}/{key}/{token}"


SERVER: Final[Mapping[str, Any]] = {"auto_decompress": False, "lingering_time": 2.0}
"""Options for serving the public application: no body is decompressed, and an unread body is dropped after 2 s."""


def callback_app(
    receiver: Receiver, *, max_body_bytes: int = 1024 * 1024, body_seconds: float = BODY_SECONDS
) -> web.Application:
    """Return the public application, to be served with `SERVER`.

    The head is checked before the body is read and before a place is taken: an unknown address (404), a
    method other than POST and GET (405), a compressed body (415; no vendor sends one), pictures and the like (415), a
    body over the limit (413), missing or wrong credentials (401).
    """

    async def deliver(request: web.Request) -> web.Response:
        system, key, token = (request.match_info[name] for name in ("system", "key", "token"))
        if not receiver.knows(system, key, token):
            return _response(receiver.answer(system, NOT_FOUND))
        began = receiver.clock.monotonic()
        try:
            return await delivered(request, system, key, token)
        finally:
            receiver.took(system, receiver.clock.monotonic() - began)

    async def delivered(request: web.Request, system: str, key: str, token: str) -> web.Response:
        head = _head(receiver, request, system, key, token)
        refusal = _judged_by_head(request, max_body_bytes) or receiver.judge_head(head)
        if refusal is not None:
            return _response(receiver.answer(system, refusal))
        with receiver.place() as free:
            if not free:
                return _response(receiver.answer(system, UNAVAILABLE))
            body = await _body(request, body_seconds)
            if isinstance(body, Receipt):
                return _response(receiver.answer(system, body))
            return _response(await receiver.receive(replace(head, body=body), token))

    async def echo(request: web.Request) -> web.Response:
        names = request.match_info
        if not receiver.knows(names["system"], names["key"], names["token"]):
            return _response(NOT_FOUND)
        challenge = request.query.get("challenge", "")[:CHALLENGE_CHARACTERS]
        return web.Response(text=receiver.addresses.echo(challenge) if challenge else "")

    app = web.Application(client_max_size=max_body_bytes, middlewares=[_never_a_500])
    app.router.add_get(PATTERN, echo)
    app.router.add_route("*", PATTERN, deliver, expect_handler=_when_judged)
    return app


def _head(receiver: Receiver, request: web.Request, system: str, key: str, token: str) -> Callback:
    return Callback(
        system=system,
        hook=key,
        method=request.method,
        url=receiver.addresses.carrying(system, key, token).url(system, key),
        headers=_headers(request),
        body=b"",
        received_at=receiver.clock.now(),
    )


def _headers(request: web.Request) -> dict[str, str]:
    """Return the headers by lower-case name. Lines of one name are joined by commas (RFC 9110, 5.3) for signatures."""
    return {name.lower(): ", ".join(request.headers.getall(name)) for name in request.headers}


def _judged_by_head(request: web.Request, max_body_bytes: int) -> Receipt | None:
    """Return the refusal of a request because of its head; None when the body is to be read."""
    if request.method != "POST":
        return NOT_ALLOWED
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        return COMPRESSED
    if request.headers.get("Content-Type", "").partition("/")[0].strip().lower() in NEVER_SENT:
        return WRONG_TYPE
    if request.content_length is not None and request.content_length > max_body_bytes:
        return TOO_LARGE
    return None


async def _when_judged(request: web.Request) -> None:
    """Send nothing yet: `_body` answers `Expect: 100-continue` once the head was checked."""


async def _body(request: web.Request, seconds: float) -> bytes | Receipt:
    try:
        async with asyncio.timeout(seconds):
            if request.version >= (1, 1) and request.headers.get("Expect", "").lower() == "100-continue":
                await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                request.writer.output_size = 0  # this is not part of the answer, which can still be begun
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        return TOO_LARGE
    except TimeoutError:
        return TOO_SLOW
    except (web.RequestPayloadError, ConnectionError):  # broken chunks, or the client hung up
        return BAD_REQUEST


@web.middleware
async def _never_a_500(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 503 after an error of the bridge, so that the vendor tries again; unknown paths and methods get 404."""
    try:
        return await handler(request)
    except web.HTTPException:
        return _response(NOT_FOUND)
    except Exception:
        log.exception("a callback could not be accepted")
        return _response(UNAVAILABLE)


def _response(receipt: Receipt) -> web.Response:
    headers = {"Retry-After": str(receipt.retry_after)} if receipt.retry_after is not None else {}
    return web.Response(status=receipt.status, text=receipt.body, content_type="application/json", headers=headers)
