"""HTTP over aiohttp: the only file of the connectors that names it."""

import asyncio

import aiohttp

from bridge.connectors.protocols import HttpRequest, HttpResponse, TransportFailed

CONNECT_SECONDS = 10.0
MOST_BYTES = 64 * 1024 * 1024
NOT_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientConnectorCertificateError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
)


async def send_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """aiohttp repeats GET, PUT and DELETE by itself when a kept connection breaks; this error ends that."""
    try:
        return await handler(request)
    except NOT_SENT:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as failure:
        raise TransportFailed(f"connection lost ({type(failure).__name__})", sent=True) from None


class AiohttpTransport:
    """Implements `protocols.Transport` on a session the composition root owns.

    The session needs `cookie_jar=aiohttp.DummyCookieJar()`: one session serves several accounts. `most_bytes`: the
    largest answer taken, unpacked; whatever a server sends, memory stays bounded.
    """

    def __init__(self, session: aiohttp.ClientSession, *, most_bytes: int = MOST_BYTES) -> None:
        self._session = session
        self._most_bytes = most_bytes

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Error texts name the kind of failure only: an aiohttp message may hold the address with its query."""
        timeout = aiohttp.ClientTimeout(
            total=request.timeout_seconds, sock_connect=min(CONNECT_SECONDS, request.timeout_seconds)
        )
        try:
            async with self._session.request(
                request.method,
                request.url,
                params=list(request.query),
                headers=dict(request.headers),
                data=request.body,
                allow_redirects=False,
                timeout=timeout,
                middlewares=(send_once,),
            ) as response:
                body = await self._body(response)
                headers = {name.lower(): value for name, value in response.headers.items()}
                return HttpResponse(response.status, headers, body)
        except NOT_SENT as failure:
            raise TransportFailed(f"cannot connect ({type(failure).__name__})", sent=False) from None
        except asyncio.TimeoutError:  # noqa: UP041 - aiohttp's time-outs derive from it on every version
            raise TransportFailed(f"no answer within {request.timeout_seconds:g} s", sent=True) from None
        except aiohttp.ClientError as failure:
            raise TransportFailed(f"connection lost ({type(failure).__name__})", sent=True) from None

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > self._most_bytes:
                response.close()
                raise TransportFailed(f"the answer is larger than {self._most_bytes} bytes", sent=True)
        return bytes(body)
