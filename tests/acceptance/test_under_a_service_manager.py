"""`bridge run` under systemd: it reports when it is ready, alive and stopping; an immediate stop ends in order."""

import socket
from contextlib import suppress
from pathlib import Path

import pytest

from tests.acceptance.site import Site, until


def test_the_service_manager_is_informed_of_every_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site, said = Site(tmp_path, "http://127.0.0.1:1", "http://127.0.0.1:1"), list[str]()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(tmp_path / "notify"))
        line.setblocking(False)

        def heard(sign: str) -> bool:
            with suppress(BlockingIOError):
                said.append(line.recv(4096).decode())
            return any(sign in one for one in said)

        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "3000000")
        daemon = site.start()
        try:
            assert daemon.stop() == 0, "a stop in the moment it is ready"
            daemon = site.start()
            until(lambda: heard("READY=1") and heard("WATCHDOG=1"), "ready and alive")
            assert daemon.stop() == 0
            until(lambda: heard("STOPPING=1"), "stopping")
        finally:
            daemon.kill()
