"""The real transport against a real server on loopback."""

import asyncio
import gzip
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import cache

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from bridge.connectors.limits import ERROR_BYTES
from bridge.connectors.protocols import AnswerUnusable, Failure, HttpRequest, TransportFailed
from bridge.connectors.transport import AiohttpTransport, http_transport

PACKED: dict[str, tuple[str, Callable[[], bytes]]] = {
    "bomb": ("gzip", lambda: gzip.compress(b"0" * 5_000_000)),
    "members": ("x-gzip", lambda: b"".join(gzip.compress(b"0" * 1_000_000) for _ in range(5))),
    "odd": ("gzip", lambda: b"no gzip at all"),
    "torn": ("gzip", lambda: gzip.compress(b"0" * 5_000)[:-9]),
    "br": ("br", lambda: b"x"),
    "nothing": ("gzip", lambda: b""),
    "huge": ("gzip", cache(lambda: gzip.compress(b"0" * 200_000_000, 9))),
}
"""Encoding, and the function that makes the body: only the tests that request it create it."""


class Server:
    """Counts requests; the path selects the behaviour."""

    def __init__(self) -> None:
        self.hits: list[str] = []
        app = web.Application()
        app.router.add_route("*", "/{what}", self._answer)
        self.server = TestServer(app)

    def url(self, what: str) -> str:
        return str(self.server.make_url(f"/{what}"))

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        what = request.match_info["what"]
        self.hits.append(f"{request.method} {what}")
        if what == "redirect":
            raise web.HTTPFound("/ok", headers={"Set-Cookie": "session=1"})
        if what == "hang":
            await asyncio.sleep(0.5)
        if what == "drop":
            assert request.transport is not None
            request.transport.close()
        if what in PACKED:
            encoding, body = PACKED[what]
            return web.Response(body=body(), headers={"Content-Encoding": encoding})
        if what in ("declared", "refused"):
            return web.Response(body=b"0" * 5_000_000, status=404 if what == "refused" else 200)
        if what == "streamed":
            return await self._streamed(request)
        if what == "dripping":
            return await self._dripping(request)
        text = f"{list(request.query.items())} {request.headers.get('Cookie')} {(await request.read()).decode()}"
        return web.Response(text=text, headers={"X-Limit": "5"})

    async def _streamed(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):
            for _ in range(100):
                await response.write(b"0" * 100_000)
        return response

    async def _dripping(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):
            while True:
                await response.write(b" ")
                await asyncio.sleep(0.02)
        return response


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    running = Server()
    await running.server.start_server()
    yield running
    await running.server.close()


@pytest.fixture
async def transport() -> AsyncIterator[AiohttpTransport]:
    async with http_transport() as made:
        yield made


async def test_a_request_is_sent_whole_and_header_names_come_back_in_lower_case(
    server: Server, transport: AiohttpTransport
) -> None:
    query = (("term", "a+b & ø"), ("term", "2"))
    got = await transport.send(HttpRequest("POST", server.url("ok"), {}, query, "kropp ☕".encode()))
    assert got.status == 200
    assert got.headers["x-limit"] == "5"
    assert got.body.decode() == f"{list(query)} None kropp ☕"


async def test_a_redirect_is_an_answer_and_cookies_are_forgotten(server: Server, transport: AiohttpTransport) -> None:
    assert (await transport.send(HttpRequest("GET", server.url("redirect")))).status == 302
    assert b"None" in (await transport.send(HttpRequest("GET", server.url("ok")))).body
    assert server.hits == ["GET redirect", "GET ok"]


async def test_silence_ends_at_the_time_limit_and_counts_as_sent(server: Server, transport: AiohttpTransport) -> None:
    with pytest.raises(TransportFailed, match=r"no answer within 0.1 s") as caught:
        await transport.send(HttpRequest("GET", server.url("hang"), timeout_seconds=0.1))
    assert caught.value.sent
    assert caught.value.failure is Failure.TIME


async def test_a_slow_answer_has_the_same_time_limit_as_any_other(server: Server, transport: AiohttpTransport) -> None:
    with pytest.raises(TransportFailed, match=r"no answer within 0.2 s"):
        await transport.send(HttpRequest("GET", server.url("dripping"), timeout_seconds=0.2))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_write_dropped_on_a_used_connection_is_sent_once(
    server: Server, transport: AiohttpTransport, method: str
) -> None:
    await transport.send(HttpRequest("GET", server.url("ok")))
    with pytest.raises(TransportFailed) as caught:
        await transport.send(HttpRequest(method, server.url("drop")))
    assert caught.value.sent
    assert server.hits.count(f"{method} drop") == 1


async def test_a_closed_port_means_nothing_was_sent(transport: AiohttpTransport) -> None:
    with pytest.raises(TransportFailed) as caught:
        await transport.send(HttpRequest("POST", f"http://127.0.0.1:{unused_port()}/x"))
    assert not caught.value.sent
    assert caught.value.failure is Failure.REFUSED


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("declared", "larger than 1.0 MB"),
        ("streamed", "larger than 1.0 MB"),
        ("bomb", "larger than 1.0 MB"),
        ("members", "larger than 1.0 MB"),
        ("odd", "cannot be decompressed"),
        ("torn", "ends too early"),
        ("br", "compressed as 'br'"),
    ],
)
async def test_an_answer_that_is_too_large_or_cannot_be_unpacked_is_dropped(
    server: Server, transport: AiohttpTransport, what: str, said: str
) -> None:
    with pytest.raises(AnswerUnusable, match=said) as caught:
        await transport.send(HttpRequest("GET", server.url(what), most_bytes=2**20))
    assert caught.value.sent
    assert (await transport.send(HttpRequest("GET", server.url("ok")))).status == 200


async def test_a_packed_answer_is_unpacked(server: Server, transport: AiohttpTransport) -> None:
    for what in ("bomb", "members"):
        got = await transport.send(HttpRequest("GET", server.url(what), most_bytes=2**24))
        assert got.body == b"0" * 5_000_000
    assert (await transport.send(HttpRequest("GET", server.url("nothing")))).body == b""


async def test_only_the_beginning_of_a_long_refusal_is_read(server: Server, transport: AiohttpTransport) -> None:
    got = await transport.send(HttpRequest("GET", server.url("refused")))
    assert (got.status, len(got.body)) == (404, ERROR_BYTES)


async def test_a_small_packed_answer_never_takes_much_more_memory_than_its_limit(
    server: Server, transport: AiohttpTransport
) -> None:
    PACKED["huge"][1]()  # created before memory is measured
    tracemalloc.start()
    try:
        with pytest.raises(AnswerUnusable):
            await transport.send(HttpRequest("GET", server.url("huge"), most_bytes=2**20))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * 2**20
