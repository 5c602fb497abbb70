"""HTTP without sockets: requests go directly to the handlers of aiohttp applications, both ways, with faults."""

import asyncio
import contextvars
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.http_parser import RawRequestMessage
from aiohttp.http_writer import HttpVersion11
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from bridge.connectors.protocols import HttpRequest, HttpResponse, TransportFailed
from tests.storms.life import LIFE, alive


class _Connection:
    """The part of a connection that a request needs. `aborted`: the server closed it without an answer."""

    ssl_context = peername = sockname = None
    max_field_size = max_line_length = 8190
    max_headers = 128

    def __init__(self) -> None:
        self.aborted = False
        self.transport = self

    def abort(self) -> None:
        self.aborted = True

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default


async def call(
    app: web.Application, method: str, url: URL, headers: Mapping[str, str], body: bytes
) -> HttpResponse | None:
    """Make one exchange with an application; None if it closed the connection."""
    given = CIMultiDict(headers)
    given["Host"] = url.authority
    given["Content-Length"] = str(len(body))
    raw = tuple((name.encode(), value.encode()) for name, value in given.items())
    target = url.relative()
    message = RawRequestMessage(
        method, str(target), HttpVersion11, CIMultiDictProxy(given), raw, False, None, False, False, target
    )
    connection, loop = _Connection(), asyncio.get_running_loop()
    request = web.Request(
        message,
        None,
        connection,
        None,
        asyncio.current_task(),
        loop,
        client_max_size=app._client_max_size,  # type: ignore[arg-type]
    )
    request._read_bytes = body
    try:
        answer = await app._handle(request)
    except web.HTTPException as refused:
        answer = refused
    if connection.aborted:
        return None
    content = answer.body if isinstance(answer, web.Response) else b""
    assert content is None or isinstance(content, bytes), f"{method} {url} answers with a stream"
    shown = {name.lower(): value for name, value in answer.headers.items()}
    if isinstance(answer, web.Response) and answer.content_type:
        shown.setdefault("content-type", answer.content_type)
    return HttpResponse(answer.status, shown, content or b"")


@dataclass
class Weather:
    """The state of the network. `lose`: probability of a fault per call; `slow`: longest delay of one way in seconds.

    `down`: hosts that cannot be reached.
    """

    lose: float = 0.0
    slow: float = 0.0
    down: set[str] = field(default_factory=set)


@dataclass
class Exchange:
    """One call of the bridge. `answered`: an answer below 500 came back. `task`: the bridge's task that made it."""

    method: str
    host: str
    path: str
    body: bytes
    began: float
    task: asyncio.Task[Any] | None
    served: float | None = None
    answered: bool = False


class Wire:
    """Implements the bridge's Transport and the simulators' Deliver.

    It calls `before(exchange)` before each call takes effect at a host, and `after(exchange, token)` with what that
    returned afterwards. It calls `accepted(url, body)` for every callback that the bridge accepted.
    """

    def __init__(self, chance: random.Random, outside: contextvars.Context) -> None:
        self._chance = chance
        self._outside = outside
        self.apps: dict[str, web.Application] = {}
        self.weather = Weather()
        self.before: Callable[[Exchange], Any] = lambda exchange: None
        self.after: Callable[[Exchange, Any], None] = lambda exchange, token: None
        self.accepted: Callable[[str, bytes], None] = lambda url, body: None
        self.calls = 0

    # -- the bridge calls ------------------------------------------------------------
    async def send(self, request: HttpRequest) -> HttpResponse:
        alive()
        loop = asyncio.get_running_loop()
        parts = urlsplit(request.url)
        exchange = Exchange(
            request.method, parts.netloc, parts.path, request.body or b"", loop.time(), asyncio.current_task()
        )
        self.calls += 1
        host, fault = parts.netloc, self._fault()
        await self._way()
        if host in self.weather.down or host not in self.apps or fault == "refused":
            raise TransportFailed("cannot connect", sent=False)
        if fault == "lost":
            raise TransportFailed("connection lost", sent=True)
        if fault == "502":
            return HttpResponse(502, {}, b"bad gateway")
        url = URL(request.url).update_query(list(request.query)) if request.query else URL(request.url)
        served = loop.create_task(self._serve(exchange, url, dict(request.headers)), context=self._outside.copy())
        try:
            async with asyncio.timeout(request.timeout_seconds):
                answer = await asyncio.shield(served)
                await self._way()
        except TimeoutError:
            served.add_done_callback(_look)
            raise TransportFailed("no answer in time", sent=True) from None
        if answer is None or fault == "unanswered":
            raise TransportFailed("connection lost", sent=True)
        if fault == "503 late":
            return HttpResponse(503, {}, b"gateway")
        alive()
        exchange.answered = answer.status < 500
        return answer

    async def _serve(self, exchange: Exchange, url: URL, headers: Mapping[str, str]) -> HttpResponse | None:
        token = self.before(exchange)
        answer = await call(self.apps[exchange.host], exchange.method, url, headers, exchange.body)
        exchange.served = asyncio.get_running_loop().time()
        self.after(exchange, token)
        return answer

    def _fault(self) -> str:
        if self._chance.random() >= self.weather.lose:
            return ""
        return self._chance.choice(("refused", "lost", "502", "unanswered", "unanswered", "503 late"))

    async def _way(self) -> None:
        if self.weather.slow:
            await asyncio.sleep(self._chance.random() * self.weather.slow)
            alive()

    # -- the products call ------------------------------------------------------------
    async def deliver(self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout: float) -> int:
        """A callback. Raises OSError if the bridge does not listen, TimeoutError if no answer came."""
        app = self.apps.get(urlsplit(url).netloc)
        if app is None:
            raise OSError("nobody listens")
        life = app.get(OWNER)
        if self.weather.slow:
            await asyncio.sleep(self._chance.random() * self.weather.slow)
        if life is None or life.dead:
            raise OSError("nobody listens")
        work = life.start(call(app, method, URL(url), headers, body))
        async with asyncio.timeout(timeout):
            await asyncio.wait({work})
        if work.cancelled() or work.exception() is not None:
            raise OSError("the connection broke")
        answer = work.result()
        if answer is None:
            raise OSError("the connection broke")
        if answer.status < 300:
            self.accepted(url, body)
        return answer.status


OWNER: web.AppKey[Any] = web.AppKey("owner")


def _look(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()


def outside() -> contextvars.Context:
    """A context that belongs to no life of the bridge."""
    context = contextvars.copy_context()
    context.run(LIFE.set, None)
    return context
