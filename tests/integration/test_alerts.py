"""Alerts over real HTTP and SMTP: sent once, resolved, kept over restarts, and never a delay for the bridge."""

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.alerts.message import Message
from bridge.alerts.policy import Rule
from bridge.alerts.watch import Alerts, Target, Words, sender
from bridge.app.finding import remedy_of
from bridge.domain.errors import BridgeError, StoreUnavailable
from bridge.domain.seams import Seams
from bridge.monitoring.health import CheckResult, HealthBoard, Status
from bridge.monitoring.redaction import Redactor
from bridge.store import open_store
from bridge.store.engine import Store
from tests.clock import FakeClock
from tests.pairs.site import pair_site
from tests.ports import free_port

pytest.importorskip("apprise", reason="alerts need the extra: pip install 'sync-bridge[alerts]'")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # warnings of packages that Apprise imports
SECRET = "t0ken-4711-of-the-hook"


@dataclass
class Receiver:
    """The server that receives a webhook."""

    status: int = 200
    got: list[dict[str, Any]] = field(default_factory=list)
    port: int = 0

    async def take(self, request: web.Request) -> web.Response:
        if self.status == 200:
            self.got.append(await request.json())
        return web.Response(status=self.status)

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.port}/{SECRET}"

    @property
    def titles(self) -> list[str]:
        return [one["title"] for one in self.got]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{token}", receiver.take)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    receiver.port = server.port or 0
    yield receiver
    await server.close()


class Bridge:
    """The alerting part of a bridge on a store; a test sets the health."""

    def __init__(self, store: Store, clock: FakeClock, seams: Seams, *targets: Target) -> None:
        self.store, self.clock, self.seams = store, clock, seams
        self.health: dict[str, CheckResult] = {}
        self.board = HealthBoard(clock.now)
        redact = Redactor()
        redact.register("hunter-2222")
        words = Words("acme", ZoneInfo("Europe/Oslo"), remedy_of, redact)
        self.alerts = Alerts(targets, words, self.board, store.alerts, seams)

    def says(self, part: str, status: Status, output: str = "") -> None:
        self.health[part] = CheckResult(status, output)

        async def check() -> CheckResult:
            return self.health[part]

        self.board.add(part, check)

    async def passes(self, seconds: float) -> None:
        for _ in range(int(seconds // 15)):
            self.clock.advance(15)
            await self.alerts.look()


NewBridge = Callable[..., Any]


@pytest.fixture
async def new_bridge(store_url: str, new_seams: Callable[..., Seams], clock: FakeClock) -> AsyncIterator[NewBridge]:
    stores: list[Store] = []

    async def new_bridge(*targets: Target, copy: str = "one") -> Bridge:
        seams = new_seams(copy)
        store = await open_store(store_url, seams)
        stores.append(store)
        return Bridge(store, clock, seams, *targets)

    yield new_bridge
    for store in stores:
        await store.close()


def hook(receiver: Receiver, name: str = "hook", **rule: Any) -> Target:
    return Target(name, Rule(**rule), sender(receiver.url))


async def test_a_problem_is_one_message_with_its_begin_and_remedy_and_then_it_is_resolved(
    new_bridge: NewBridge, receiver: Receiver
) -> None:
    bridge = await new_bridge(hook(receiver))
    bridge.says("store", Status.PASS)
    bridge.says("dead letters", Status.WARN, "3; see `bridge dead-letters list`, password=hunter-2222")
    await bridge.passes(45)
    assert receiver.got == []
    await bridge.passes(300)
    (told,) = receiver.got
    assert told["title"] == "acme: 1 warning: dead letters"
    assert told["type"] == "warning"
    for words in ("3; see `bridge dead-letters list`", "Since 20", "What to do: `bridge dead-letters list`"):
        assert words in told["message"]
    assert "hunter" not in told["message"]
    bridge.says("dead letters", Status.PASS)
    await bridge.passes(300)
    assert receiver.titles[1:] == ["acme: 1 resolved: dead letters"]
    assert receiver.got[1]["type"] == "success"
    await bridge.passes(300)
    assert len(receiver.got) == 2


async def test_a_restart_repeats_no_message_and_the_end_is_still_reported(
    new_bridge: NewBridge, receiver: Receiver
) -> None:
    first = await new_bridge(hook(receiver), copy="first")
    first.says("hooks", Status.WARN, "missing")
    await first.passes(120)
    await first.store.alerts.give_back()
    await first.store.close()
    second = await new_bridge(hook(receiver), copy="second")
    second.says("hooks", Status.WARN, "not audited yet")
    await second.passes(300)
    assert len(receiver.got) == 1
    second.says("hooks", Status.PASS)
    await second.passes(300)
    assert receiver.titles == ["acme: 1 warning: hooks", "acme: 1 resolved: hooks"]


async def test_a_failing_target_shows_in_health_is_reported_to_the_others_and_is_reached_later(
    new_bridge: NewBridge, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Target("broken", Rule(), sender("json://127.0.0.1:1/" + SECRET))
    bridge = await new_bridge(hook(receiver), broken)
    bridge.says("hooks", Status.WARN)
    bridge.board.add("alert delivery", bridge.alerts.check)
    with caplog.at_level(logging.INFO):
        await bridge.passes(300)
    found = await bridge.alerts.check()
    assert found.status is Status.WARN
    assert "broken was not reached for" in found.output
    assert SECRET not in found.output
    assert not [one for one in caplog.records if one.name.startswith("bridge.") and SECRET in str(vars(one))]
    await bridge.passes(300)
    assert receiver.titles == ["acme: 1 warning: hooks", "acme: 1 warning: alert delivery"]
    broken.send = sender(receiver.url)
    receiver.got.clear()
    await bridge.passes(1800)
    assert (await bridge.alerts.check()).status is Status.PASS
    assert any("hooks" in one["message"] for one in receiver.got)


async def test_a_wrong_address_is_a_problem_of_its_target_only(new_bridge: NewBridge) -> None:
    bridge = await new_bridge(Target("odd", Rule(), sender("nonsense://x")))
    bridge.says("hooks", Status.WARN)
    await bridge.passes(120)
    assert "none that Apprise knows" in (await bridge.alerts.check()).output


async def test_while_the_store_is_unreachable_one_message_says_so_and_sent_messages_are_stored_afterwards(
    new_bridge: NewBridge, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge = await new_bridge(hook(receiver))
    for part in ("store", "waiting", "hooks"):
        bridge.says(part, Status.PASS)
    await bridge.passes(60)

    async def away(*_: Any) -> Any:
        raise StoreUnavailable("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(type(bridge.store.alerts), "hold", away)
        patched.setattr(type(bridge.store.alerts), "save", away)
        for part in ("store", "waiting", "hooks"):
            bridge.says(part, Status.FAIL, "the disk is full")
        await bridge.passes(300)
    assert receiver.titles == ["acme: 1 failure: store"]
    for part in ("store", "waiting", "hooks"):
        bridge.says(part, Status.PASS)
    await bridge.passes(300)
    assert receiver.titles == ["acme: 1 failure: store", "acme: 1 resolved: store"]
    assert (await bridge.store.alerts.last())["told"] == {}


async def test_two_instances_send_one_alert_and_the_other_continues_when_the_first_is_gone(
    new_bridge: NewBridge, receiver: Receiver
) -> None:
    one = await new_bridge(hook(receiver), copy="one")
    if one.store.database.sqlite:
        pytest.skip("only one instance can run on SQLite")
    two = await new_bridge(hook(receiver), copy="two")
    for bridge in (one, two):
        bridge.says("dead letters", Status.WARN)
    for _ in range(20):
        one.clock.advance(15)
        await asyncio.gather(one.alerts.look(), two.alerts.look())
    assert receiver.titles == ["acme: 1 warning: dead letters"]
    assert (one.alerts.holds, two.alerts.holds) in ((True, False), (False, True))
    rest = two if one.alerts.holds else one  # the other one was killed
    rest.says("dead letters", Status.PASS)
    await rest.passes(300)
    assert receiver.titles[1:] == ["acme: 1 resolved: dead letters"]


async def test_an_instance_that_was_delayed_until_another_one_alerts_sends_nothing(
    new_bridge: NewBridge, receiver: Receiver
) -> None:
    one = await new_bridge(hook(receiver), copy="one")
    if one.store.database.sqlite:
        pytest.skip("only one instance can run on SQLite")
    two = await new_bridge(hook(receiver), copy="two")
    two.says("dead letters", Status.WARN)

    async def slow() -> CheckResult:
        if two.clock.now() > held_up:
            await two.passes(300)
        return CheckResult(Status.WARN, "")

    one.board.add("dead letters", slow)
    held_up = one.clock.now() + timedelta(days=1)
    await one.passes(30)
    held_up = one.clock.now() - timedelta(seconds=1)
    one.clock.advance(120)
    await one.alerts.look()
    assert (receiver.titles, one.alerts.holds) == (["acme: 1 warning: dead letters"], False)


async def test_all_targets_get_the_message_at_the_same_time(new_bridge: NewBridge) -> None:
    together = asyncio.Barrier(3)

    async def dead(message: Message) -> None:
        await together.wait()
        raise BridgeError("no answer")

    bridge = await new_bridge(*(Target(name, Rule(), dead) for name in ("mail", "chat", "pager")))
    bridge.says("dead letters", Status.FAIL)
    async with asyncio.timeout(5):
        while not any(target.failures for target in bridge.alerts.targets):
            await bridge.passes(15)
    assert [target.failures > 0 for target in bridge.alerts.targets] == [True, True, True]


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send an answer that never ends, and never pause for long."""
    with suppress(ConnectionError):
        writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not writer.is_closing():
            writer.write(b"a")
            await writer.drain()
            await asyncio.sleep(0.05)


SENDS = """
import asyncio, sys
from bridge.alerts import delivery
from bridge.alerts.message import Message
from bridge.alerts.watch import sender
from bridge.monitoring.health import Status
delivery.DELIVERY_SECONDS = 0.2

async def main():
    send = sender(sys.argv[1])
    for _ in range(20):
        try:
            await send(Message("title", "body", Status.WARN))
        except delivery.DeliveryFailed as error:
            print(error)

asyncio.run(main())
"""


async def test_a_target_with_an_endless_answer_keeps_one_thread_and_blocks_neither_name_lookups_nor_the_end() -> None:
    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    command = (sys.executable, "-c", SENDS, f"json://127.0.0.1:{port}/x")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(20):
            told, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
        server.close()
    lines = told.decode().splitlines()
    assert (process.returncode, lines[0]) == (0, "no answer within 0.2 s")
    assert set(lines[1:]) == {
        "the service still keeps the message before this one; nothing more is sent to it until that ends"
    }
    assert len(lines) == 20


@pytest.fixture
def mailbox() -> Iterator[tuple[int, list[Any]]]:
    """An SMTP server on loopback: its port, and the mails it received."""
    controller = pytest.importorskip("aiosmtpd.controller", reason="e-mail is tested with aiosmtpd")
    took: list[Any] = []

    class Keeper:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
            took.append(envelope)
            return "250 OK"

    server = controller.Controller(Keeper(), hostname="127.0.0.1", port=0)
    server.port = free_port()
    server.start()
    yield server.port, took
    server.stop()


async def test_an_alert_arrives_as_mail(new_bridge: NewBridge, mailbox: tuple[int, list[Any]]) -> None:
    port, took = mailbox
    url = f"mailto://127.0.0.1:{port}/?from=bridge@x.example&to=ops@x.example&mode=insecure&format=text"
    bridge = await new_bridge(Target("mail", Rule(), sender(url)))
    bridge.says("store", Status.FAIL, "the disk is full")
    await bridge.passes(120)
    (mail,) = took
    assert mail.rcpt_tos == ["ops@x.example"]
    text = mail.content.decode()
    assert "Subject: acme: 1 failure: store" in text
    assert "the disk is full" in text


async def test_a_running_bridge_alerts_of_a_paused_mapping(tmp_path: Path, receiver: Receiver) -> None:
    url = tmp_path / "alert-hook"
    url.write_text(receiver.url)
    alerts = f"alerts: {{targets: [{{name: hook, url: {{file: {url}}}}}], group_seconds: 2}}\nschedule:"
    async with pair_site(tmp_path, "pipedrive", "deskera", swap={"schedule:": alerts}) as site:
        await site.bridge.store.mappings.set_paused("cards", True, "a test")
        await site.until(lambda: "`bridge resume cards`" in json.dumps(receiver.got), "the pause is told")
        assert 'bridge_alert_messages_total{state="sent",target="hook"}' in site.bridge.metrics.render().decode()
        report = await site.bridge.board.report()
        assert {report.checks["alerts"].status, report.checks["alert delivery"].status} == {Status.PASS}


def test_seconds_of_a_message_are_written_in_words() -> None:
    from bridge.alerts.message import _lasted

    minute = timedelta(minutes=1).total_seconds()
    assert [_lasted(at * minute) for at in (0, 1, 5, 61, 150, 1500, 3000)] == [
        "less than a minute",
        "1 minute",
        "5 minutes",
        "61 minutes",
        "2 hours",
        "25 hours",
        "2 days",
    ]
