"""The real transport against a real server on loopback."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from bridge.connectors.protocols import HttpRequest, TransportFailed
from bridge.connectors.transport import AiohttpTransport


class Server:
    """Counts requests; the path says what happens."""

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
        if what == "packed":
            bomb = web.Response(body=b"0" * 5_000_000)
            bomb.enable_compression(web.ContentCoding.gzip)
            return bomb
        text = f"{list(request.query.items())} {request.headers.get('Cookie')} {(await request.read()).decode()}"
        return web.Response(text=text, headers={"X-Limit": "5"})


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    running = Server()
    await running.server.start_server()
    yield running
    await running.server.close()


@pytest.fixture
async def transport() -> AsyncIterator[AiohttpTransport]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield AiohttpTransport(session)


async def test_a_request_goes_out_whole_and_header_names_come_back_low(
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


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_write_dropped_on_a_used_connection_is_sent_once(
    server: Server, transport: AiohttpTransport, method: str
) -> None:
    await transport.send(HttpRequest("GET", server.url("ok")))
    with pytest.raises(TransportFailed) as caught:
        await transport.send(HttpRequest(method, server.url("drop")))
    assert caught.value.sent
    assert server.hits.count(f"{method} drop") == 1


async def test_nobody_listening_means_nothing_was_sent(transport: AiohttpTransport) -> None:
    with pytest.raises(TransportFailed) as caught:
        await transport.send(HttpRequest("POST", f"http://127.0.0.1:{unused_port()}/x"))
    assert not caught.value.sent


async def test_an_answer_that_is_too_large_when_unpacked_is_not_taken(server: Server) -> None:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        small = AiohttpTransport(session, most_bytes=1_000_000)
        with pytest.raises(TransportFailed, match="larger than 1000000 bytes") as caught:
            await small.send(HttpRequest("GET", server.url("packed")))
        assert caught.value.sent
        large = AiohttpTransport(session)
        assert len((await large.send(HttpRequest("GET", server.url("packed")))).body) == 5_000_000
