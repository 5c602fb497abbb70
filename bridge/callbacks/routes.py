"""The public routes: callbacks, and an echo that proves the public address leads here. Nothing else is served."""

import logging

from aiohttp import web
from aiohttp.typedefs import Handler

from bridge.callbacks.receiver import NOT_FOUND, Receipt, Receiver
from bridge.domain.address import PREFIX
from bridge.domain.callback import Callback

log = logging.getLogger(__name__)

CHALLENGE_CHARACTERS = 200
PATTERN = PREFIX + "{system}/{key}/{token}"


def callback_app(receiver: Receiver, *, max_body_bytes: int = 1024 * 1024) -> web.Application:
    """The public application. Bodies over the limit are refused with 413 before they are read whole."""

    async def deliver(request: web.Request) -> web.Response:
        names = request.match_info
        body = await request.read()  # raises HTTPRequestEntityTooLarge, which is the 413
        callback = Callback(
            system=names["system"],
            hook=names["key"],
            method=request.method,
            url=receiver.addresses.url(names["system"], names["key"]),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body,
            received_at=receiver.clock.now(),
        )
        return _answer(await receiver.receive(callback, names["token"]))

    async def echo(request: web.Request) -> web.Response:
        names = request.match_info
        if not receiver.knows(names["system"], names["key"], names["token"]):
            return _answer(NOT_FOUND)
        challenge = request.query.get("challenge", "")[:CHALLENGE_CHARACTERS]
        return web.Response(text=receiver.addresses.echo(challenge) if challenge else "")

    app = web.Application(client_max_size=max_body_bytes, middlewares=[_never_a_500])
    app.router.add_route("POST", PATTERN, deliver)
    app.router.add_route("PUT", PATTERN, deliver)
    app.router.add_get(PATTERN, echo)
    return app


@web.middleware
async def _never_a_500(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A fault of ours must make the vendor try again, not give up: 503. Unknown paths and methods look alike."""
    try:
        return await handler(request)
    except web.HTTPRequestEntityTooLarge:
        return web.Response(status=413, text="{}", content_type="application/json")
    except web.HTTPException:
        return _answer(NOT_FOUND)
    except ConnectionError:
        raise
    except Exception:
        log.exception("a callback could not be taken in")
        return _answer(Receipt(503, retry_after=5))


def _answer(receipt: Receipt) -> web.Response:
    headers = {"Retry-After": str(receipt.retry_after)} if receipt.retry_after is not None else {}
    return web.Response(status=receipt.status, text=receipt.body, content_type="application/json", headers=headers)
