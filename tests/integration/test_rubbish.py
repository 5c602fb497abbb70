"""Wrong requests and hang-ups of strangers leave no trace in the log."""

import asyncio
import json
import logging
from collections.abc import Sequence

import pytest

from bridge.callbacks.connections import Limits
from bridge.callbacks.receiver import Receiver
from bridge.domain.callback import Callback, HookSecret
from bridge.domain.event import Event
from tests.integration.listening import PATH, TOKEN, door, request, until
from tests.unit.callbacks.fakes import LineDecoder, Memory

RUBBISH = {
    "TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
    "zeros": b"\x00" * 500,
    "HTTP/0.9": b"GET /hooks/crm1/any.deal/" + TOKEN.encode() + b"\r\n\r\n",
    "no version": b"POST " + PATH.encode() + b" FTP/9.9\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "length of letters": request(more="").replace(b"Content-Length: 1", b"Content-Length: one"),
    "two lengths": request(more="Content-Length: 5\r\n"),
    "negative length": request().replace(b"Content-Length: 1", b"Content-Length: -1"),
    "length and chunks": request(more="Transfer-Encoding: chunked\r\n"),
    "broken chunk": request(b"zz\r\n7\r\n").replace(b"Content-Length: 7", b"Transfer-Encoding: chunked"),
    "broken chunk later": request(b"1\r\n7\r\n-5\r\n").replace(b"Content-Length: 10", b"Transfer-Encoding: chunked"),
    "unknown coding": request().replace(b"Content-Length: 1", b"Transfer-Encoding: rot13"),
    "long line": b"POST " + PATH.encode() + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n",
    "long header": request(more="X-Long: " + "x" * 20_000 + "\r\n"),
    "many headers": request(more="".join(f"X-{n}: 1\r\n" for n in range(500))),
    "NUL in a header": request(more="X-Nul: a\x00b\r\n"),
    "space in a name": request(more="X Y: 1\r\n"),
    "line feed only": request().replace(b"\r\n", b"\n"),
    "upgrade": request(more="Connection: Upgrade\r\nUpgrade: websocket\r\n"),
    "expectation": request(more="Expect: a-miracle\r\n"),
    "CONNECT": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "odd target": b"POST http://[::1/hooks HTTP/1.1\r\nHost: x\r\n\r\n",
    "encoded target": b"POST /hooks/%ff%fe/%00/%2e%2e HTTP/1.1\r\nHost: x\r\n\r\n",
    "pipelined": request() * 3 + b"GARBAGE\r\n\r\n",
}


def assert_quiet(caplog: pytest.LogCaptureFixture) -> None:
    """At debug there is one line for each kind; no traceback, no address, no token."""
    said = [record for record in caplog.records if record.name != "asyncio" or record.levelno > logging.DEBUG]
    said = [record for record in said if record.msg != "callback accepted"]  # it was accepted, not refused
    assert [record for record in said if record.levelno > logging.DEBUG or record.exc_info] == []
    assert len({record.__dict__.get("kind") for record in said}) == len(said)
    text = caplog.text + json.dumps([vars(record) for record in caplog.records], default=str)
    assert TOKEN not in text
    assert "/hooks/" not in text


@pytest.mark.parametrize("what", RUBBISH)
async def test_rubbish_is_refused_without_a_trace_in_the_log(
    receiver: Receiver, lines: pytest.LogCaptureFixture, what: str
) -> None:
    async with door(receiver, Limits(100, head_seconds=0.5, idle_seconds=0.5)) as here:
        for _ in range(3):
            line = await here.line(RUBBISH[what])
            await line.rest()
        await here.empty()
        assert await (await here.line(request())).answer() == 200
    assert_quiet(lines)


async def test_rubbish_is_mentioned_once_a_minute_at_debug(receiver: Receiver, lines: pytest.LogCaptureFixture) -> None:
    async with door(receiver) as here:
        for _ in range(20):
            await (await here.line(RUBBISH["TLS hello"])).rest()
    said = [vars(record) for record in lines.records if "invalid HTTP" in record.getMessage()]
    assert [(one["levelname"], one["kind"], one["repeated"]) for one in said] == [("DEBUG", "BadHttpMethod", 0)]


@pytest.mark.parametrize("sent", [0, 1, 60, -1], ids=["nothing", "a byte", "half a head", "all but a byte of the body"])
@pytest.mark.parametrize("way", ["close", "reset"])
async def test_hanging_up_leaves_no_trace_in_the_log(
    receiver: Receiver, memory: Memory, lines: pytest.LogCaptureFixture, sent: int, way: str
) -> None:
    async with door(receiver) as here:
        for _ in range(5):
            line = await here.line(request(b"7" * 50)[:sent])
            await asyncio.sleep(0.01)
            if way == "reset":
                line.close()
            else:
                line.writer.close()
        await here.empty()
        assert (receiver.waiting, memory.events) == (0, [])
    assert_quiet(lines)


async def test_hanging_up_while_a_callback_is_stored_leaves_no_trace_and_the_callback_is_stored(
    receiver: Receiver, memory: Memory, lines: pytest.LogCaptureFixture
) -> None:
    gate = asyncio.Event()

    async def slow(events: Sequence[Event]) -> list[bool]:
        await gate.wait()
        return await memory.submit(events)

    receiver.submit = slow
    async with door(receiver) as here:
        line = await here.line(request())
        await until(lambda: receiver.waiting)
        line.close()
        await asyncio.sleep(0.05)
        gate.set()
        await here.empty()
        await until(lambda: not receiver.waiting)
    assert [event.id for event in memory.events] == ["7"]
    assert_quiet(lines)


async def test_an_unread_body_behind_a_refusal_leaves_no_trace_when_the_client_hangs_up(
    receiver: Receiver, lines: pytest.LogCaptureFixture
) -> None:
    async with door(receiver) as here:
        line = await here.line(request(b"x" * 10, path="/elsewhere", length=1000))
        assert await line.answer() == 404
        line.close()
        await here.empty()
    assert_quiet(lines)


async def test_a_defect_of_ours_is_still_logged_with_its_traceback(
    receiver: Receiver, lines: pytest.LogCaptureFixture
) -> None:
    class Broken(LineDecoder):
        async def verify(self, callback: Callback, secret: HookSecret) -> None:
            raise RuntimeError("a programming error")

    receiver.decoders = {"crm1": Broken()}
    async with door(receiver) as here:
        assert await (await here.line(request())).answer() == 503
    assert [record.levelname for record in lines.records if record.exc_info] == ["ERROR"]
