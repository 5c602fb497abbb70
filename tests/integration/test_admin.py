"""The admin listener over real HTTP."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient

from bridge.admin.api import Desk
from bridge.admin.live import Live
from bridge.admin.login import Login, session_key
from bridge.admin.operation import Role
from bridge.admin.routes import Front, admin_app
from bridge.monitoring.health import CheckResult, HealthBoard, Status
from bridge.monitoring.metrics import Metrics
from bridge.monitoring.redaction import Redactor
from tests.clock import FakeClock

SECRET = "hunter22-and-more"
Client = TestClient[Any, Any]
Connect = Callable[..., Awaitable[Client]]


@dataclass
class Parts:
    """The parts that the listener gets; tests change them between requests."""

    board: HealthBoard = field(default_factory=lambda: HealthBoard(FakeClock().now))
    metrics: Metrics = field(default_factory=Metrics)
    redact: Redactor = field(default_factory=Redactor)
    reason: str = ""
    rows: Mapping[str, object] = field(default_factory=dict)
    error: Exception | None = None

    def part(self, name: str, result: CheckResult) -> None:
        async def check() -> CheckResult:
            return result

        self.board.add(name, check)

    async def ready(self) -> str:
        if self.error:
            raise self.error
        return self.reason

    async def status(self) -> Mapping[str, object]:
        if self.error:
            raise self.error
        return self.rows


@pytest.fixture
def parts() -> Parts:
    parts = Parts()
    parts.redact.register(SECRET)
    return parts


@pytest.fixture
def connect(aiohttp_client: Any, parts: Parts) -> Connect:
    async def connect(**options: Any) -> Client:
        app = admin_app(parts.board, parts.metrics, parts.ready, parts.status, redact=parts.redact, **options)
        client: Client = await aiohttp_client(app)
        return client

    return connect


async def body(answer: ClientResponse) -> Any:
    return await answer.json(content_type=None)


async def test_health_has_the_shape_of_the_draft(connect: Connect, parts: Parts) -> None:
    parts.part("store", CheckResult(output="takes writes"))
    parts.part("waiting", CheckResult(Status.WARN, "oldest change waits for 400 s", 400.12345, "s"))
    answer = await (await connect()).get("/health")
    assert answer.status == 200
    assert answer.content_type == "application/health+json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert await body(answer) == {
        "status": "warn",
        "checks": {
            "store": [{"status": "pass", "output": "takes writes", "time": "2026-01-05T09:00:00+00:00"}],
            "waiting": [
                {
                    "status": "warn",
                    "output": "oldest change waits for 400 s",
                    "observedValue": 400.123,
                    "observedUnit": "s",
                    "time": "2026-01-05T09:00:00+00:00",
                }
            ],
        },
    }


@pytest.mark.parametrize(
    ("status", "code", "down"), [(Status.PASS, 200, "0.0"), (Status.WARN, 200, "0.0"), (Status.FAIL, 503, "1.0")]
)
async def test_only_a_failing_part_is_503(connect: Connect, parts: Parts, status: Status, code: int, down: str) -> None:
    parts.part("store", CheckResult(status))
    client = await connect()
    answer = await client.get("/health")
    assert (answer.status, (await body(answer))["status"]) == (code, status.word)
    assert f'bridge_part_status{{part="store",status="fail"}} {down}' in await (await client.get("/metrics")).text()


async def test_the_listener_is_alive_whatever_its_parts_do(connect: Connect, parts: Parts) -> None:
    parts.part("store", CheckResult(Status.FAIL))
    parts.error = OSError("disk is full")
    answer = await (await connect()).get("/health/live")
    assert (answer.status, await body(answer)) == (200, {"status": "pass"})


async def test_not_ready_is_answered_with_the_reason(connect: Connect, parts: Parts) -> None:
    client = await connect()
    assert (await client.get("/health/ready")).status == 200
    parts.reason = "routes are not bound yet"
    answer = await client.get("/health/ready")
    assert (answer.status, await body(answer)) == (503, {"status": "fail", "output": "routes are not bound yet"})


async def test_an_unreachable_store_is_503_with_the_reason_never_500(connect: Connect, parts: Parts) -> None:
    parts.error = OSError("disk is full")
    client = await connect()
    for path in ("/health/ready", "/status"):
        answer = await client.get(path)
        assert answer.status == 503
        assert "OSError: disk is full" in await answer.text()


async def test_a_store_that_hangs_does_not_hang_the_listener(
    connect: Connect, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.admin.routes.ANSWER_SECONDS", 0.01)

    async def hangs() -> str:
        await asyncio.Event().wait()
        return ""

    parts.ready = hangs  # type: ignore[method-assign] # this one instance hangs
    answer = await (await connect()).get("/health/ready")
    assert (answer.status, (await body(answer))["output"]) == (503, "no answer within 0.01 s")


async def test_metrics_run_the_checks_so_that_gauges_are_fresh(connect: Connect, parts: Parts) -> None:
    async def check() -> CheckResult:
        parts.metrics.oldest.set(42)
        return CheckResult()

    parts.board.add("waiting", check)
    answer = await (await connect()).get("/metrics")
    assert answer.content_type == "text/plain"
    assert "bridge_oldest_waiting_seconds 42.0" in await answer.text()


async def test_status_is_read_from_the_store(connect: Connect, parts: Parts) -> None:
    parts.rows = {"mappings": [{"mapping": "people", "waiting": 3}]}
    answer = await (await connect()).get("/status")
    assert (answer.content_type, await body(answer)) == ("application/json", parts.rows)


async def test_no_answer_holds_a_secret(connect: Connect, parts: Parts) -> None:
    url = "https://b.example/hooks/crm1/any.deal/0123456789abcdef"
    parts.part("hooks", CheckResult(Status.WARN, f"cannot reach {url}: {SECRET}"))
    parts.reason = f"refused {SECRET}"
    parts.rows = {"hooks": [{"note": url, "password": "4711"}], SECRET: [SECRET]}
    client = await connect()
    answers = [await (await client.get(path)).text() for path in ("/health", "/health/ready", "/status", "/metrics")]
    parts.error = ValueError(f"with {SECRET}")
    answers += [await (await client.get(path)).text() for path in ("/health/ready", "/status")]
    for secret in (SECRET, "0123456789abcdef", "4711"):
        assert not [text for text in answers if secret in text]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8081", "127.0.0.1.evil.example", "0.0.0.0:8081", "[::2]"]
)
async def test_a_foreign_name_is_refused(connect: Connect, host: str) -> None:
    answer = await (await connect()).get("/status", headers={"Host": host})
    assert answer.status == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8081", "127.0.0.1:1", "127.0.0.2", "[::1]", "[::1]:8081"])
async def test_loopback_names_are_served(connect: Connect, host: str) -> None:
    assert (await (await connect()).get("/status", headers={"Host": host})).status == 200


@pytest.mark.parametrize("host", ["bridge.internal", "Bridge.INTERNAL.:8081", "10.0.0.5:8081", "[fd00::5]:8081"])
async def test_names_that_settings_add_are_served_and_no_others(connect: Connect, host: str) -> None:
    client = await connect(hosts=["0.0.0.0", "Bridge.Internal", "10.0.0.5", "fd00::5"])
    assert (await client.get("/status", headers={"Host": host})).status == 200
    for other in ("evil.example", "0.0.0.0:8081", "internal"):
        assert (await client.get("/status", headers={"Host": other})).status == 421


async def raw(client: Client, head: str) -> int:
    """Return the status of the answer to a request that is sent byte for byte."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.server.port)
    writer.write(head.encode())
    async with asyncio.timeout(10):
        line = await reader.readline()
    writer.close()
    return int(line.split()[1])


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 200),
        ("GET http://127.0.0.1:8081/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 200),
        ("GET http://evil.example/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 421),
        ("GET http://127.0.0.1/status HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
        ("GET /status HTTP/1.0\r\n\r\n", 421),
        ("GET /status HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n", 200),
        ("GET /status HTTP/1.1\r\nHost:\r\n\r\n", 421),
        ("GET /status HTTP/1.1\r\nHost: 127.0.0.1:port\r\n\r\n", 421),
        ("GET /status HTTP/1.1\r\nHost: user@127.0.0.1\r\n\r\n", 421),
        ("GET /elsewhere HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
    ],
)
async def test_the_host_is_checked_in_every_form_of_a_request(connect: Connect, head: str, status: int) -> None:
    assert await raw(await connect(), head) == status


async def test_a_request_with_two_host_headers_is_never_served(connect: Connect) -> None:
    head = "GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n"
    assert await raw(await connect(), head) in (400, 421)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/status", 405), ("GET", "/", 404), ("GET", "/hooks/crm1/any.deal/token", 404), ("HEAD", "/health", 200)],
)
async def test_nothing_else_is_served(connect: Connect, method: str, path: str, status: int) -> None:
    assert (await (await connect()).request(method, path)).status == status


def front(redact: Redactor) -> Front:
    """API and pages for settings without tokens."""

    class EmptyAudit:
        async def note(self, *deed: Any) -> None:
            raise AssertionError("nobody did anything")

        async def since(self, action: str, moment: float) -> list[Any]:
            return []

    async def pulse() -> object:
        return 0

    login = Login((), Role.NOBODY, 60.0, session_key("an instance secret"), lambda: 0.0, lambda: "id")
    return Front(Desk(tuple, login, redact, EmptyAudit()), Live(pulse, FakeClock()), "test", "0")


async def test_without_tokens_the_pages_are_closed_and_say_what_to_do(connect: Connect, parts: Parts) -> None:
    client = await connect(front=front(parts.redact))
    for path in ("/", "/records", "/settings"):
        answer = await client.get(path)
        assert answer.status == 401
        assert "add a token for each person below admin.tokens" in await answer.text()
    assert (await client.get("/events")).status == 401
    for path in ("/health", "/health/live", "/health/ready", "/metrics", "/status"):
        assert (await client.get(path)).status == 200


async def test_an_open_page_does_not_delay_a_stop(connect: Connect, parts: Parts) -> None:
    made = front(parts.redact)
    made.desk.login.this_machine = Role.READ
    client = await connect(front=made)
    stream = await client.get("/events")
    assert (stream.status, stream.content_type) == (200, "text/event-stream")
    assert await stream.content.readline() == b"retry: 3000\n"
    async with asyncio.timeout(5):
        await client.server.close()
