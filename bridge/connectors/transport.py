"""HTTP over aiohttp. No other file of the connectors imports aiohttp, and all HTTP of this
process goes through here."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp

from bridge.connectors.limits import ERROR_BYTES
from bridge.connectors.protocols import AnswerUnusable, Failure, HttpRequest, HttpResponse, TransportFailed
from bridge.connectors.turns import OthersTurn

CONNECT_SECONDS = 10.0
KEEPALIVE_SECONDS = 10.0
CONNECTIONS = 100
PIECE_BYTES = 256 * 1024  # decompressed at a time
GZIP = 16 + zlib.MAX_WBITS
NOT_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientConnectorCertificateError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
)


async def send_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Raise an error of our own. Otherwise aiohttp repeats GET, PUT and DELETE when a kept connection breaks."""
    try:
        return await handler(request)
    except NOT_SENT:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as failure:
        raise TransportFailed(f"connection lost ({in_words(failure)})", sent=True) from None


@asynccontextmanager
async def http_transport(connections: int = CONNECTIONS) -> AsyncIterator["AiohttpTransport"]:
    """The process's transport, for all systems: at most so many connections at a time.

    It keeps no cookies, because two accounts at one host must not mix. It decompresses answers, bounded by the call's
    limit.
    """
    connector = aiohttp.TCPConnector(limit=connections, keepalive_timeout=KEEPALIVE_SECONDS)
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(connector=connector, cookie_jar=jar, auto_decompress=False) as session:
        yield AiohttpTransport(session)


class AiohttpTransport:
    """Implements `protocols.Transport` on a session that `http_transport` opened."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Error texts name only the kind of failure, because an aiohttp message may hold the address with its query."""
        timeout = aiohttp.ClientTimeout(
            total=request.timeout_seconds, sock_connect=min(CONNECT_SECONDS, request.timeout_seconds)
        )
        try:
            async with self._session.request(
                request.method,
                request.url,
                params=list(request.query),
                headers={"accept-encoding": "gzip", **request.headers},
                data=request.body,
                allow_redirects=False,
                timeout=timeout,
                middlewares=(send_once,),
            ) as response:
                body = await _body(response, request.most_bytes)
                headers = {name.lower(): value for name, value in response.headers.items()}
                return HttpResponse(response.status, headers, body)
        except NOT_SENT as failure:
            text = f"cannot connect to {_host(request)} ({in_words(failure)})"
            raise TransportFailed(text, sent=False, failure=_kind(failure)) from None
        except asyncio.TimeoutError:  # noqa: UP041 - aiohttp's time-outs derive from it on every version
            text = f"no answer within {request.timeout_seconds:g} s"
            raise TransportFailed(text, sent=True, failure=Failure.TIME) from None
        except aiohttp.ClientError as failure:
            raise TransportFailed(f"connection lost ({in_words(failure)})", sent=True) from None


async def _body(response: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    """The answer, read and decompressed in pieces. A refusal is cut at the limit; any other answer must fit whole."""
    refusal = response.status >= 400
    most = min(most_bytes, ERROR_BYTES) if refusal else most_bytes
    try:
        if not refusal and (response.content_length or 0) > most:
            raise _too_large(most)
        return await _unpacked(response, most, cut=refusal)
    except AnswerUnusable:
        response.close()
        raise
    except zlib.error:
        response.close()
        raise AnswerUnusable("the answer is compressed in a way that cannot be decompressed") from None


async def _unpacked(response: aiohttp.ClientResponse, most: int, *, cut: bool) -> bytes:
    body = bytearray()
    unpack = _unpacker(response.headers.get("Content-Encoding", ""))
    async for chunk in response.content.iter_any():
        for piece in unpack.pieces(chunk):
            body += piece
            if len(body) > most:
                if not cut:
                    raise _too_large(most)
                response.close()
                return bytes(body[:most])
            await OthersTurn()
    unpack.end()
    return bytes(body)


def _too_large(most: int) -> AnswerUnusable:
    return AnswerUnusable(
        f"the answer is larger than {most / 2**20:.1f} MB, more than the call can need; it was dropped"
    )


class _Plain:
    """An answer that is not compressed."""

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        yield chunk

    def end(self) -> None:
        """Nothing to check: aiohttp compares the length."""


class _Gzip(_Plain):
    """Decompresses at most one piece before the size is checked, however small the compressed answer is."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(GZIP)
        self._begun = False

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        while chunk:
            if self._stream.eof:  # another gzip member follows
                self._stream = zlib.decompressobj(GZIP)
            self._begun = True
            piece = self._stream.decompress(chunk, PIECE_BYTES)
            chunk = self._stream.unconsumed_tail or self._stream.unused_data
            if piece:
                yield piece

    def end(self) -> None:
        if self._begun and not self._stream.eof:
            raise AnswerUnusable("the compressed answer ends too early")


def _unpacker(encoding: str) -> _Plain:
    name = encoding.strip().lower()
    if name in ("gzip", "x-gzip"):
        return _Gzip()
    if name in ("", "identity"):
        return _Plain()
    raise AnswerUnusable(f"the answer is compressed as {name[:20]!a}, which the bridge did not request")


WORDS: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "DNS does not know this name"),
    (aiohttp.ClientConnectorCertificateError, "its TLS certificate is not accepted"),
    (aiohttp.ClientConnectorSSLError, "no TLS connection could be agreed on"),
    (aiohttp.ConnectionTimeoutError, "the connection timed out"),
    (aiohttp.InvalidURL, "this is not a web address"),
    (aiohttp.ServerDisconnectedError, "the server hung up"),
    (aiohttp.ClientPayloadError, "the answer was cut off"),
    (aiohttp.ClientResponseError, "the answer is not HTTP"),
    (aiohttp.ClientOSError, "the network interrupted the connection"),
)


KINDS: tuple[tuple[type[Exception], Failure], ...] = (
    (aiohttp.ClientConnectorDNSError, Failure.NAME),
    (aiohttp.ClientSSLError, Failure.TLS),
    (aiohttp.ConnectionTimeoutError, Failure.TIME),
)


def in_words(failure: BaseException) -> str:
    """What happened to a connection. It never contains aiohttp's text, which may hold the address with its query."""
    if isinstance(failure, aiohttp.ClientConnectorError) and isinstance(failure.os_error, ConnectionRefusedError):
        return "the connection was refused: nothing listens there"
    return next((words for kind, words in WORDS if isinstance(failure, kind)), "the connection failed")


def _kind(failure: BaseException) -> Failure:
    if isinstance(failure, aiohttp.ClientConnectorError) and isinstance(failure.os_error, ConnectionRefusedError):
        return Failure.REFUSED
    return next((kind for error, kind in KINDS if isinstance(failure, error)), Failure.OTHER)


def _host(request: HttpRequest) -> str:
    try:
        return urlsplit(request.url).netloc.rpartition("@")[2] or "the address"
    except ValueError:
        return "the address"
