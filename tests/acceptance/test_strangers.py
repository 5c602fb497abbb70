"""A running bridge and strangers: whatever anybody sends must not keep a vendor's callbacks out."""

import gzip
import json
import resource
import socket
import threading
import time
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest

from bridge.domain.address import Addresses
from tests.acceptance.site import SECRETS, Answer, Daemon, Site, until

HALF_OPEN = 1500
VALID = 60
LIMIT_SECONDS = 1.0
NOWHERE = "http://127.0.0.1:9"  # nothing listens at this port, so the vendors are down all the time
MOST_MORE_KILOBYTES = 80_000
LISTENERS = ("part=aiohttp", "part=asyncio", "part=callbacks")


class Vendor:
    """Sends valid callbacks, each over a new connection."""

    def __init__(self, site: Site) -> None:
        secret = SECRETS["ACCEPT_INSTANCE_SECRET"].encode()
        here = Addresses("acceptance", secret, f"http://127.0.0.1:{site.callbacks}")
        self.url, shown = here.url("pipedrive", "any.deal"), here.secret("pipedrive", "any.deal")
        self.token = here.token("pipedrive", "any.deal")
        self.basic = "Basic " + b64encode(f"{shown.user}:{shown.password}".encode()).decode()
        self.numbers = count(1)

    def send(self) -> float:
        """Return the seconds until the callback was acknowledged; AssertionError when it was not."""
        number = next(self.numbers)
        meta = {"action": "change", "entity": "deal", "entity_id": str(number), "id": f"e-{number}"}
        body = json.dumps({"meta": {**meta, "timestamp": "2026-01-05T09:00:00.000Z"}, "data": {"id": number}}).encode()
        headers = {"Authorization": self.basic, "Content-Type": "application/json", "Connection": "close"}
        began = time.monotonic()
        with urllib.request.urlopen(urllib.request.Request(self.url, body, headers), timeout=30) as answer:
            assert answer.status == 200
        return time.monotonic() - began

    def p99(self, number: int = VALID, between: Callable[[], object] = lambda: None) -> float:
        seconds = []
        for _ in range(number):
            seconds.append(self.send())
            between()
        return sorted(seconds)[int(0.99 * (number - 1))]


@pytest.fixture(autouse=True)
def _descriptors_of_this_process() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * HALF_OPEN
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"this process may have {hard} descriptors; the test opens {HALF_OPEN} connections")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def running(folder: Path, open_files: int, store_url: str = "sqlite:///bridge.sqlite") -> Iterator[tuple[Site, Daemon]]:
    site = Site(folder, NOWHERE, NOWHERE, store_url)
    text = site.settings.read_text()
    site.settings.write_text(
        text.replace(
            f"callbacks: {{port: {site.callbacks}}}", f"callbacks: {{port: {site.callbacks}, head_seconds: 15}}"
        )
    )
    daemon = site.start(open_files)
    try:
        yield site, daemon
        assert daemon.alive()
    finally:
        daemon.kill()


@contextmanager
def half_open(port: int, starts: Sequence[bytes], number: int) -> Iterator[list[socket.socket]]:
    lines: list[socket.socket] = []
    try:
        for at in range(number):
            lines.append(line := socket.create_connection(("127.0.0.1", port), timeout=30))
            with suppress(OSError):  # the bridge may have closed it already
                line.sendall(starts[at % len(starts)])
        yield lines
    finally:
        for line in lines:
            line.close()


def listener(site: Site) -> Answer:
    """Return health as the admin listener shows it meanwhile."""
    answer = site.get("/health")
    assert answer.status in (200, 503), "the admin listener must answer whatever happens on the public one"
    return answer


def places(site: Site) -> tuple[str, int]:
    """Return the status of the public listener and the number of its connections."""
    (entry,) = listener(site).json()["checks"]["callbacks listener"]
    return str(entry["status"]), int(entry["observedValue"])


def descriptors(daemon: Daemon) -> int:
    return len(list(Path(f"/proc/{daemon.process.pid}/fd").iterdir()))


def kilobytes(daemon: Daemon) -> int:
    text = Path(f"/proc/{daemon.process.pid}/status").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS"))


def assert_quiet(site: Site, vendor: Vendor) -> None:
    """Check that strangers caused no traceback, no address and hardly a line in the log."""
    log = site.log.read_text()
    assert "Traceback" not in log
    assert vendor.token not in log
    said = [line for line in log.splitlines() if any(part in line for part in LISTENERS)]
    assert len(said) <= 3, said[:5]


@pytest.mark.slow
@pytest.mark.parametrize(("open_files", "number"), [(1024, HALF_OPEN), (64, 300)])
def test_half_finished_connections_keep_no_valid_callback_out(tmp_path: Path, open_files: int, number: int) -> None:
    with running(tmp_path, open_files) as (site, daemon):
        vendor = Vendor(site)
        quiet = vendor.p99()
        head = f"POST /{vendor.url.split('/', 3)[3]} HTTP/1.1\r\nHost: x\r\n".encode()
        body = head + f"Authorization: {vendor.basic}\r\nContent-Length: 1000\r\n\r\n{{".encode()
        starts = [b"", b"P", head, b"\x16\x03\x01\x02\x00", body, head + b"Content-Length: 1000\r\n\r\n"]
        with half_open(site.callbacks, starts, number):
            beside = vendor.p99()
            assert beside < max(LIMIT_SECONDS, 20 * quiet)
            assert descriptors(daemon) < open_files
            assert places(site)[0] == "warn"
            until(lambda: places(site)[1] < 12, "half-finished connections end by themselves")
        assert vendor.p99(5) < 30
        assert_quiet(site, vendor)


@pytest.mark.slow
def test_floods_of_rubbish_and_hang_ups_leave_valid_callbacks_and_the_log_alone(tmp_path: Path) -> None:
    with running(tmp_path, 1024) as (site, daemon):
        vendor, end = Vendor(site), threading.Event()
        path = vendor.url.split("/", 3)[3].encode()
        whole = b"POST /" + path + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"
        rubbish = [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,
            b"GET /" + path + b"\r\n\r\n",
            whole.replace(b": 10", b": ten") + b"0123456789",
            whole.replace(b"Content-Length: 10", b"Transfer-Encoding: chunked") + b"zz\r\n",
            whole + b"01234",
            b"POST /" + path * 500 + b" HTTP/1.1\r\n\r\n",
        ]

        def flood() -> None:
            for number in count():
                if end.wait(0.005):
                    return
                with suppress(OSError), socket.create_connection(("127.0.0.1", site.callbacks), timeout=30) as line:
                    line.sendall(rubbish[number % len(rubbish)])

        flooding = threading.Thread(target=flood)
        flooding.start()
        try:
            beside = vendor.p99(30)
        finally:
            end.set()
            flooding.join()
        assert beside < 10
        assert daemon.alive()
        assert_quiet(site, vendor)


@pytest.mark.slow
def test_compressed_bombs_at_any_path_are_never_inflated(tmp_path: Path) -> None:
    bomb = gzip.compress(b"0" * 200_000_000, compresslevel=1)
    with running(tmp_path, 1024) as (site, daemon):
        vendor, end = Vendor(site), threading.Event()
        vendor.p99(5)
        before = kilobytes(daemon)
        paths = ["elsewhere", "hooks/pipedrive/any.deal/nobody", vendor.url.split("/", 3)[3]]
        statuses: list[bytes] = []

        def throw(path: str) -> None:
            head = f"POST /{path} HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
            while not end.is_set():
                with suppress(OSError), socket.create_connection(("127.0.0.1", site.callbacks), timeout=30) as line:
                    line.sendall(head.encode() + bomb)
                    statuses.append(line.recv(100)[9:12])

        throwing = [threading.Thread(target=throw, args=(path,)) for path in paths]
        for thread in throwing:
            thread.start()
        try:
            beside = vendor.p99(20)
        finally:
            end.set()
            for thread in throwing:
                thread.join()
        assert beside < 10
        assert set(statuses) <= {b"404", b"415"}
        assert len(statuses) >= 3
        assert kilobytes(daemon) - before < MOST_MORE_KILOBYTES
        assert_quiet(site, vendor)
