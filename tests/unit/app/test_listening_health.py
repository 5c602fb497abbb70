"""What health reports about a listener."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from bridge.app.listening import state_of
from bridge.callbacks.connections import Connections, End, Limits
from bridge.callbacks.listener import Listener
from bridge.monitoring.health import Status
from tests.clock import FakeClock


@dataclass
class Door:
    """The parts of a listener that health reads."""

    name: str = "callbacks"
    clock: FakeClock = field(default_factory=FakeClock)
    exhausted_at: float = float("-inf")
    accepting: bool = True
    connections: Any = None

    def __post_init__(self) -> None:
        self.connections = Connections(Limits(512), self.clock.monotonic)

    def state(self) -> tuple[Status, str]:
        result = state_of(cast(Listener, self))
        assert (result.value, result.unit) == (0, "connections")
        return result.status, result.output


def test_places_are_counted() -> None:
    assert Door().state() == (Status.PASS, "0 of 512 connections are in use")


@pytest.mark.parametrize(
    ("reason", "words"), [(End.REFUSED, "got 503"), (End.GAVE_WAY, "slow connections since the start")]
)
def test_full_places_are_a_warning_for_a_minute(reason: End, words: str) -> None:
    door = Door()
    door.connections.note(reason)
    status, text = door.state()
    assert (status, words in text, "512" in text) == (Status.WARN, True, True)
    door.clock.advance(60)
    assert door.state()[0] is Status.PASS


@pytest.mark.parametrize("reason", [End.HEAD_TIMEOUT, End.IDLE, End.HEAD_TOO_LARGE, End.ANSWER_TIMEOUT])
def test_an_ordinary_end_of_a_connection_is_no_warning(reason: End) -> None:
    door = Door()
    door.connections.note(reason)
    assert door.state()[0] is Status.PASS


def test_missing_descriptors_are_a_warning_with_what_to_do() -> None:
    door = Door()
    door.exhausted_at = door.clock.monotonic()
    status, text = door.state()
    assert status is Status.WARN
    assert "ulimit -n" in text
    door.clock.advance(60)
    assert door.state()[0] is Status.PASS


def test_a_listener_that_accepts_nothing_fails() -> None:
    assert Door(accepting=False).state()[0] is Status.FAIL
