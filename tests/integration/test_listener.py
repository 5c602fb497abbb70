"""The guard of the public listener: deadlines, places, descriptors, and checks of the headers alone."""

import asyncio
import errno
import os
import resource
import socket
from collections.abc import Sequence
from typing import Any

import pytest

from bridge.callbacks.connections import Connections, End, Limits
from bridge.callbacks.listener import Listener
from bridge.callbacks.receiver import Receiver
from bridge.domain.event import Event
from tests.integration.listening import PATH, PATIENT, Line, door, request, until
from tests.rings import no_rings
from tests.unit.callbacks.fakes import Memory


@pytest.mark.parametrize(
    "first",
    [b"", b"P", b"POST /hooks HTTP/1.1\r\n", request()[:60], b"\x16\x03\x01"],
    ids=["silent", "one byte", "no end of the head", "half a head", "half a TLS hello"],
)
async def test_a_connection_without_headers_ends_at_its_deadline(receiver: Receiver, first: bytes) -> None:
    async with door(receiver, Limits(100, head_seconds=0.2)) as here:
        line = await here.line(first)
        assert await line.answer() in (400, 408)
        assert await line.rest() == b""
        await here.empty()


async def test_headers_that_come_byte_by_byte_have_the_same_deadline(receiver: Receiver) -> None:
    async with door(receiver, Limits(100, head_seconds=0.3)) as here:
        line = await here.line()

        async def drip() -> None:
            for byte in request():
                await line.send(bytes([byte]))
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        assert await line.answer() == 408
        dripping.cancel()
        assert here.ended(End.HEAD_TIMEOUT) == 1


async def test_the_second_request_on_a_connection_has_a_deadline_for_its_headers_too(receiver: Receiver) -> None:
    async with door(receiver, Limits(100, head_seconds=0.2, idle_seconds=60)) as here:
        line = await here.line(request())
        assert await line.answer() == 200
        await line.send(b"POST ")
        assert await line.answer() == 408
        await here.empty()


async def test_an_idle_connection_is_closed_without_an_answer(receiver: Receiver) -> None:
    async with door(receiver, Limits(100, idle_seconds=0.2)) as here:
        line = await here.line(request())
        assert await line.answer() == 200
        assert await line.rest() == b""
        assert here.ended(End.IDLE) == 1


async def test_a_request_whose_body_does_not_come_is_answered_408(receiver: Receiver, memory: Memory) -> None:
    async with door(receiver, body_seconds=0.2) as here:
        line = await here.line(request(b"7", length=100))
        assert await line.answer() == 408
        assert await line.rest() == b""
        assert (receiver.waiting, memory.events) == (0, [])


async def test_a_slow_but_timely_callback_is_accepted(receiver: Receiver, memory: Memory) -> None:
    async with door(receiver) as here:
        line, whole = await here.line(), request()
        for part in (whole[:20], whole[20:-1], whole[-1:]):
            await line.send(part)
            await asyncio.sleep(0.02)
        assert await line.answer() == 200
        assert [event.id for event in memory.events] == ["7"]


async def test_valid_callbacks_get_through_beside_more_slow_connections_than_places(receiver: Receiver) -> None:
    """The slowest connection is closed and told to come again, so that strangers cannot take all places by waiting."""
    async with door(receiver, Limits(20, head_seconds=60)) as here:
        slow = [await here.line(request()[:30]) for _ in range(60)]
        for _ in range(10):
            line = await here.line(request())
            assert await line.answer() == 200
            line.close()
        assert len(here.listener.connections) <= 20
        assert await slow[0].answer() == 503
        assert here.ended(End.GAVE_WAY) >= 40
        for line in slow:
            line.close()


async def test_valid_callbacks_get_through_beside_idle_connections_on_all_places(receiver: Receiver) -> None:
    """Each of them had an answer, and more connect while a vendor sends its headers."""
    async with door(receiver, Limits(20)) as here:
        for _ in range(25):
            assert await (await here.line(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")).answer() == 404
        whole = request()
        for _ in range(5):
            line = await here.line(whole[:50])
            for _ in range(5):
                await (await here.line(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")).answer()
            await line.send(whole[50:])
            assert await line.answer() == 200


async def test_slow_bodies_without_credentials_take_no_place(receiver: Receiver) -> None:
    """The headers alone are enough to refuse them at once."""
    receiver.max_waiting = 5
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n".encode()
    async with door(receiver) as here:
        slow = [await here.line(head + b"half") for _ in range(30)]
        assert [await line.answer() for line in slow] == [401] * 30
        assert receiver.waiting == 0
        assert await (await here.line(request())).answer() == 200


async def test_slow_bodies_with_credentials_are_closed_when_all_places_are_taken(receiver: Receiver) -> None:
    receiver.max_waiting = 1000
    async with door(receiver, Limits(10)) as here:
        slow = []
        for _ in range(30):
            slow.append(await here.line(request(b"7", length=100)))
            await asyncio.sleep(0)
        assert await (await here.line(request())).answer() == 200
        assert await slow[0].answer() == 503
        for line in here.lines:
            line.close()
        await here.empty()
        assert receiver.waiting == 0


async def test_when_all_places_are_busy_the_next_request_is_answered_503_and_the_others_are_finished(
    receiver: Receiver, memory: Memory
) -> None:
    gate = asyncio.Event()

    async def slow(events: Sequence[Event]) -> list[bool]:
        await gate.wait()
        return await memory.submit(events)

    receiver.submit = slow
    async with door(receiver, Limits(3)) as here:
        taken = [await here.line(request()) for _ in range(3)]
        await until(lambda: receiver.waiting == 3)
        refused = [await here.line(request()) for _ in range(30)]
        said = [await line.rest() for line in refused]
        assert all(b" 503 " in text.split(b"\r\n")[0] and b"Retry-After" in text for text in said if text)
        assert sum(map(bool, said)) >= 16
        assert here.ended(End.REFUSED) == 30
        gate.set()
        assert [await line.answer() for line in taken] == [200, 200, 200]


async def test_a_client_that_reads_no_answers_is_disconnected(receiver: Receiver) -> None:
    """The listener reads no more requests than the client reads answers; then the deadline runs."""
    async with door(receiver, Limits(100, answer_seconds=0.3, idle_seconds=0.3, head_seconds=0.3)) as here:
        quiet = socket.create_connection(("127.0.0.1", here.listener.ports[0]))
        quiet.setblocking(False)
        loop = asyncio.get_running_loop()

        async def flood() -> None:
            while True:
                await loop.sock_sendall(quiet, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 50)

        flooding = asyncio.create_task(flood())
        await asyncio.wait([flooding], timeout=90)
        assert isinstance(flooding.exception(), OSError)
        quiet.close()
        await here.empty()


async def test_endless_headers_are_refused_long_before_their_deadline(receiver: Receiver) -> None:
    async with door(receiver) as here:
        line = await here.line(b"POST /hooks HTTP/1.1\r\n")
        try:
            for number in range(10_000):
                await line.send(b"X-%d: %s\r\n" % (number, b"x" * 1000))
        except ConnectionError:
            pass
        assert b" 200 " not in await line.rest()
        await here.empty()


ASKS = "Expect: 100-continue\r\n"


async def test_a_client_that_expects_100_continue_gets_it_or_a_refusal(receiver: Receiver, memory: Memory) -> None:
    async with door(receiver) as here:
        line = await here.line(request(b"", more=ASKS, length=1))
        assert await line.answer() == 100
        await line.send(b"7")
        assert await line.answer() == 200
        bare = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n{ASKS}\r\n".encode()
        assert await (await here.line(bare)).answer() == 401
    assert [event.id for event in memory.events] == ["7"]


async def test_pipelined_requests_are_all_answered(receiver: Receiver, memory: Memory) -> None:
    async with door(receiver) as here:
        line = await here.line(b"".join(request(str(number).encode()) for number in range(20)))
        assert [await line.answer() for _ in range(20)] == [200] * 20
    assert len(memory.events) == 20


@pytest.mark.parametrize("kind", ["image/png", "VIDEO/mp4", "audio/x"])
async def test_content_types_such_as_images_are_refused_by_their_headers(receiver: Receiver, kind: str) -> None:
    async with door(receiver) as here:
        line = await here.line(request(b"", more=f"Content-Type: {kind}\r\n", length=1000))
        assert await line.answer() == 415


@pytest.mark.parametrize("kind", ["", "application/json", "text/plain", "application/x-www-form-urlencoded", "odd"])
async def test_any_other_content_type_is_accepted(receiver: Receiver, kind: str) -> None:
    async with door(receiver) as here:
        line = await here.line(request(more=f"Content-Type: {kind}\r\n" if kind else ""))
        assert await line.answer() == 200


class Kernel:
    """Accepts like the kernel for a process without descriptors: first `refusals` errors, then the given connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop, refusals: list[int]) -> None:
        self.accept, self.refusals, self.asked = loop.sock_accept, refusals, 0

    async def __call__(self, listening: socket.socket) -> Any:
        self.asked += 1
        if self.refusals:
            code = self.refusals.pop(0)
            raise OSError(code, errno.errorcode[code])
        return await self.accept(listening)


async def test_without_descriptors_accepting_pauses_and_says_so_once_a_minute(
    receiver: Receiver, lines: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    kernel = Kernel(loop, [errno.EMFILE] * 50 + [errno.ECONNABORTED, errno.ENFILE])
    monkeypatch.setattr(loop, "sock_accept", kernel)
    monkeypatch.setattr("bridge.callbacks.listener.PAUSE_SECONDS", 0.001)
    async with door(receiver) as here:
        assert await (await here.line(request())).answer() == 200
        assert here.listener.exhausted_at > float("-inf")
        assert here.listener.accepting
    assert kernel.asked < 60
    said = [record.levelname for record in lines.records if "ulimit" in record.getMessage()]
    assert said == ["WARNING"]


async def test_a_process_that_had_no_descriptors_recovers(
    receiver: Receiver, lines: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.callbacks.listener.PAUSE_SECONDS", 0.05)
    loop = asyncio.get_running_loop()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with door(receiver) as here:
        client = socket.socket()
        client.setblocking(False)
        free = os.dup(client.fileno())
        os.close(free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
        try:
            await loop.sock_connect(client, ("127.0.0.1", here.listener.ports[0]))
            await until(lambda: here.listener.exhausted_at > float("-inf"))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        line = Line(*await asyncio.open_connection(sock=client))
        here.lines.append(line)
        await line.send(request())
        assert await line.answer() == 200
    assert [record.levelname for record in lines.records if "ulimit" in record.getMessage()] == ["WARNING"]


async def test_an_address_in_use_is_reported(receiver: Receiver) -> None:
    async with door(receiver) as here:
        other = Listener("x", here.listener.server, Connections(PATIENT, float), here.listener.clock, {})
        with pytest.raises(OSError, match="in use"):
            await other.start("127.0.0.1", here.listener.ports[0])


async def test_a_stop_accepts_no_more_requests_and_finishes_the_accepted_ones(
    receiver: Receiver, memory: Memory
) -> None:
    gate = asyncio.Event()

    async def slow(events: Sequence[Event]) -> list[bool]:
        await gate.wait()
        return await memory.submit(events)

    receiver.submit = slow
    async with door(receiver) as here:
        port, line = here.listener.ports[0], await here.line(request())
        await until(lambda: receiver.waiting)
        asyncio.get_running_loop().call_later(0.1, gate.set)
    assert await line.answer() == 200
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_closed_connections_leave_no_reference_cycles(receiver: Receiver) -> None:
    async with door(receiver) as here:
        await (await here.line(request())).answer()
        with no_rings():
            for _ in range(3):
                line = await here.line(request())
                assert await line.answer() == 200
                line.close()
                here.lines.remove(line)
            await until(lambda: len(here.listener.connections) == 1)
            del line
            await asyncio.sleep(0.01)
