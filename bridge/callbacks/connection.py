"""One connection: aiohttp's protocol with deadlines and a limit for the head. It logs nothing that clients send.

aiohttp sets no limit for reading a request's head. Only its protocol sees the first byte, the end of the head and the
end of the answer. This class overrides methods of asyncio's protocols and public methods of `web.RequestHandler`.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from aiohttp import StreamReader, web
from aiohttp.http import HttpProcessingError

from bridge.callbacks.connections import Connections, End, Stage
from bridge.monitoring.seldom import Seldom

log = logging.getLogger(__name__)

MOST_HEAD_BYTES = 64 * 1024
"""Bytes that a client may send outside a body: a head, or requests after the one being answered."""

FROM_OUTSIDE = (OSError, web.RequestPayloadError, HttpProcessingError)
"""Errors that a client can cause by what it sends, or by hanging up."""


def closing(status: str, more: str = "") -> bytes:
    """Return an answer for a connection that no request handler answers."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n"
    return f"{head}{more}\r\n{{}}".encode()


BUSY_ANSWER = closing("503 Service Unavailable", "Retry-After: 5\r\n")
_ANSWERS: Mapping[End, bytes] = {
    End.HEAD_TIMEOUT: closing("408 Request Timeout"),
    End.HEAD_TOO_LARGE: closing("431 Request Header Fields Too Large"),
    End.GAVE_WAY: BUSY_ANSWER,
    End.REFUSED: BUSY_ANSWER,
}


class Connection(web.RequestHandler):
    """A listener makes one for each connection it accepts. `watch_requests` calls `begin` when a head has arrived."""

    def __init__(self, server: web.Server, connections: Connections, seldom: Seldom, **served: Any) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), access_log=None, logger=log, **served)  # type: ignore[arg-type] # None is how aiohttp's own runner switches the access log off
        self.connections = connections
        self.seldom = seldom
        self.line: asyncio.Transport | None = None
        self.payload: StreamReader | None = None
        self.ahead = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.line = transport
        self.connections.enter(self)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.connections.leave(self)
        super().connection_lost(exc)
        self.line = self.payload = None  # they refer back to this connection: a cycle would keep all three in memory

    def data_received(self, data: bytes) -> None:
        if data and not self.waits_for_body():
            if self.ahead > MOST_HEAD_BYTES:
                return self._too_large()
            self.ahead += len(data)
        if data and self.connections.stage(self) is Stage.IDLE:
            self.connections.move(self, Stage.HEAD)
        return super().data_received(data)

    def begin(self, payload: StreamReader) -> None:
        """Note that the head of a request has arrived and that its handler is called now."""
        self.payload, self.ahead = payload, 0
        self.connections.move(self, Stage.BUSY)

    def waits_for_body(self) -> bool:
        return self.payload is not None and not self.payload.is_eof()

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        self.connections.move(self, Stage.ANSWER)
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            self.connections.move(self, Stage.IDLE)

    def end(self, reason: End, stage: Stage) -> None:
        """Answer if the client still waits for one, and close. Bytes that the client does not read are dropped."""
        assert self.line is not None
        answer = _ANSWERS.get(reason, b"")
        if answer and (stage is Stage.HEAD or stage is Stage.BUSY):
            self.line.write(answer)
        if self.line.get_write_buffer_size():
            self.line.abort()
        self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if status == 500 and not isinstance(exc, FROM_OUTSIDE):
            return super().handle_error(request, status, exc, message)
        self._mention(exc)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer had already begun")
        response = web.Response(status=400, text="{}", content_type="application/json")
        response.force_close()
        return response

    def log_exception(self, *args: Any, **kw: Any) -> None:
        exc = kw.get("exc_info")
        if isinstance(exc, FROM_OUTSIDE):
            self._mention(exc)
        else:
            super().log_exception(*args, **kw)

    def _too_large(self) -> None:
        stage = self.connections.stage(self)
        if stage is not None:
            self.connections.leave(self)
            self.connections.note(End.HEAD_TOO_LARGE)
            self.end(End.HEAD_TOO_LARGE, stage)

    def _mention(self, exc: BaseException | None) -> None:
        """Log only the kind of error: its text would show what was sent, including the address with its token."""
        kind = type(exc).__name__
        repeated = self.seldom.may_say(kind)
        if repeated is not None:
            log.debug("a client hung up or sent invalid HTTP", extra={"kind": kind, "repeated": repeated})


def watch_requests(server: web.Server) -> None:
    """Call `begin` of a `Connection` of this server when the head of a request has arrived."""
    make = server.request_factory

    def made(
        message: Any, payload: StreamReader, protocol: web.RequestHandler, writer: Any, task: "asyncio.Task[None]"
    ) -> web.BaseRequest:
        if isinstance(protocol, Connection):
            protocol.begin(payload)
        return make(message, payload, protocol, writer, task)

    server.request_factory = made
