"""Each read from a connection uses little memory, however much data waits."""

import asyncio
import socket
from asyncio import selector_events, sslproto
from typing import Any

import pytest

from bridge.runtime.memory import READ_BYTES, read_in_small_pieces

SENT = 8 * READ_BYTES


class Taking(asyncio.Protocol):
    """Records how many bytes each read gave."""

    def __init__(self) -> None:
        self.reads: list[int] = []
        self.all_came = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self.reads.append(len(data))
        if sum(self.reads) == SENT:
            self.all_came.set_result(None)


async def test_a_read_takes_no_more_than_a_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    plain: Any = selector_events
    for kind in (plain._SelectorTransport, sslproto.SSLProtocol):
        monkeypatch.setattr(kind, "max_size", kind.max_size)  # there in this Python, and restored afterwards
    read_in_small_pieces()
    ours, theirs = socket.socketpair()
    for each in (ours, theirs):
        each.setblocking(False)
    transport, taking = await asyncio.get_running_loop().connect_accepted_socket(Taking, ours)
    sending = asyncio.create_task(asyncio.get_running_loop().sock_sendall(theirs, b"x" * SENT))
    await taking.all_came
    await sending
    assert max(taking.reads) <= READ_BYTES
    transport.close()
    theirs.close()
