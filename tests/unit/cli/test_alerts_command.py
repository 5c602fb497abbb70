"""`bridge alerts test` says of each target whether its message was accepted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.alerts.message import Message
from bridge.cli import alerts
from bridge.domain.errors import BridgeError
from bridge.monitoring.health import Status
from tests.acceptance.site import Ended, run_command

SECRET = {"SECRET": "0123456789abcdef", "MAIL": "mailtos://me:pass-w0rd@mail.example?to=me@x.example"}
TARGETS = """\
alerts:
  targets:
    - {name: mail, url: {env: MAIL}}
    - {name: chat, url: {env: MAIL}}
"""


@pytest.fixture
def tested(tmp_path: Path) -> Callable[..., Ended]:
    (made := tmp_path / "mine").mkdir()
    options = ("--set", "pipedrive.api_token=env:SECRET", "--set", "deskera.client_secret=env:SECRET")
    more = ("--set", "deskera.base_url=https://d.example", "--set", "deskera.client_id=x")
    settings = made / "bridge.yaml"
    address = ("--public-url", "https://bridge.example.com")
    run_command(settings, "init", "pipedrive-deskera", str(made), "--no-ask", *address, *options, *more)
    text = settings.read_text().replace("{env: INSTANCE_SECRET}", "{env: SECRET}")

    def test(*names: str, targets: str = TARGETS) -> Ended:
        settings.write_text(text + targets)
        return run_command(settings, "alerts", "test", *names, variables=SECRET)

    return test


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Message]]:
    """What was sent, and where to."""
    messages: list[tuple[str, Message]] = []

    def sender(url: str) -> Any:
        async def send(message: Message) -> None:
            messages.append((url, message))

        return send

    monkeypatch.setattr(alerts, "sender", sender)
    return messages


def test_all_targets_get_the_message_and_each_is_told(tested: Callable[..., Ended], sent: list[Any]) -> None:
    done = tested()
    assert (done.code, done.err) == (0, "")
    accepted = "the message was accepted; check that it arrived"
    assert done.out.splitlines() == [f"mail: {accepted}", f"chat: {accepted}"]
    url, message = sent[0]
    assert (url, len(sent)) == (SECRET["MAIL"], 2)
    assert (message.title, message.severity) == ("pipedrive-deskera: test message", Status.PASS)


def test_one_target_alone_gets_it_where_it_is_named(tested: Callable[..., Ended], sent: list[Any]) -> None:
    assert tested("chat").out.startswith("chat: ")
    assert len(sent) == 1


def test_an_unknown_target_and_settings_without_one_are_told_and_nothing_is_sent(
    tested: Callable[..., Ended], sent: list[Any]
) -> None:
    unknown = tested("mial")
    assert (unknown.code, unknown.out) == (2, "")
    assert "mial: no alert target has this name - did you mean `mail`?" in unknown.err
    none = tested(targets="")
    assert (none.code, "there is no target - add one" in none.err) == (2, True)
    assert sent == []


def test_a_target_that_refuses_does_not_keep_the_others_from_theirs_and_no_address_is_shown(
    tested: Callable[..., Ended], sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sender, begun = alerts.sender, list[str]()

    def failing(url: str) -> Any:
        begun.append(url)
        return refuse if len(begun) == 1 else sender(url)

    async def refuse(message: Message) -> None:
        raise BridgeError("the service answered 403")

    monkeypatch.setattr(alerts, "sender", failing)
    done = tested()
    assert (done.code, done.err) == (1, "mail: not delivered: the service answered 403\n")
    assert done.out == "chat: the message was accepted; check that it arrived\n"
    assert "pass-w0rd" not in done.out + done.err
