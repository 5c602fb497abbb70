"""The messages to a service manager, over a socket as systemd opens one."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.domain.errors import StoreUnavailable
from bridge.runtime.service import ServiceManager
from tests.clock import FakeClock

PID = 4711


class Manager:
    """The service manager's end of the socket."""

    def __init__(self, address: str) -> None:
        self.line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.line.bind(address)
        self.line.setblocking(False)

    def heard(self) -> list[str]:
        """Return all messages since the last call."""
        found = []
        while True:
            try:
                found.append(self.line.recv(4096).decode())
            except BlockingIOError:
                return found


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    opened = Manager(str(tmp_path / "notify"))
    yield opened
    opened.line.close()


def service(tmp_path: Path, clock: FakeClock, **more: str) -> ServiceManager:
    return ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "notify"), **more}, clock, PID)


async def answers() -> None:
    """A store that accepts writes."""


async def turn(times: int = 20) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


async def test_ready_when_the_block_begins_and_stopping_when_it_ends(
    manager: Manager, tmp_path: Path, clock: FakeClock
) -> None:
    async with service(tmp_path, clock).reporting(answers):
        assert manager.heard() == ["READY=1\nSTATUS=running"]
    assert manager.heard() == ["STOPPING=1\nSTATUS=stopping"]


async def test_keep_alive_messages_come_three_times_within_the_watchdogs_time(
    manager: Manager, tmp_path: Path, clock: FakeClock
) -> None:
    watched = service(tmp_path, clock, WATCHDOG_USEC="180000000", WATCHDOG_PID=str(PID))
    began = clock.monotonic()
    async with watched.reporting(answers):
        said = []
        for _ in range(12):
            await turn(1)
            said += manager.heard()
        passed = clock.monotonic() - began
    signs = [one for one in said if one.startswith("WATCHDOG=1")]
    assert passed >= 120
    assert passed / 60 <= len(signs) <= passed / 60 + 1


async def test_a_store_that_refuses_writes_is_alive_and_its_message_is_the_status(
    manager: Manager, tmp_path: Path, clock: FakeClock
) -> None:
    async def refuses() -> None:
        raise StoreUnavailable("database or disk is full\nand more")

    async with service(tmp_path, clock, WATCHDOG_USEC="30000000").reporting(refuses):
        await turn(3)
    assert "WATCHDOG=1\nSTATUS=database or disk is full and more" in manager.heard()


async def test_a_store_that_never_answers_ends_the_keep_alive_messages(
    manager: Manager, tmp_path: Path, clock: FakeClock
) -> None:
    looks: list[float] = []

    async def hangs() -> None:
        looks.append(clock.monotonic())
        if len(looks) > 1:
            await asyncio.Event().wait()

    async with service(tmp_path, clock, WATCHDOG_USEC="30000000").reporting(hangs):
        await turn(200)
        assert len([said for said in manager.heard() if "WATCHDOG=1" in said]) == 1
    assert len(looks) == 2


@pytest.mark.parametrize(
    "more", [{}, {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "soon"}], ids=str
)
async def test_without_a_watchdog_no_keep_alive_message_is_sent(
    manager: Manager, tmp_path: Path, clock: FakeClock, more: dict[str, str]
) -> None:
    async with service(tmp_path, clock, **more).reporting(answers):
        await turn()
    assert [said for said in manager.heard() if "WATCHDOG" in said] == []


async def test_an_address_in_the_abstract_namespace_works(clock: FakeClock) -> None:
    name = f"bridge-notify-{id(clock)}"
    manager = Manager(f"\0{name}")
    ServiceManager({"NOTIFY_SOCKET": f"@{name}"}, clock, PID).send(READY="1")
    assert manager.heard() == ["READY=1"]
    manager.line.close()


async def test_without_a_manager_or_with_one_that_is_gone_nothing_happens(tmp_path: Path, clock: FakeClock) -> None:
    async with ServiceManager({}, clock, PID).reporting(answers), service(tmp_path, clock).reporting(answers):
        await turn()
