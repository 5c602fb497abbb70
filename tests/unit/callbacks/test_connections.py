"""Deadlines of connections, and which connection is closed for another, without sockets."""

from dataclasses import dataclass, field
from itertools import permutations

import pytest

from bridge.callbacks.connections import Connections, End, Limits, Stage
from tests.clock import FakeClock

LIMITS = Limits(3, head_seconds=10, idle_seconds=75, answer_seconds=20)


@dataclass(eq=False)
class Peer:
    body: bool = False
    ended: list[tuple[End, Stage]] = field(default_factory=list)

    def end(self, reason: End, stage: Stage) -> None:
        self.ended.append((reason, stage))

    def waits_for_body(self) -> bool:
        return self.body


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def connections(clock: FakeClock) -> Connections:
    return Connections(LIMITS, clock.monotonic)


def entered(connections: Connections, stage: Stage = Stage.HEAD, body: bool = False) -> Peer:
    peer = Peer(body)
    assert connections.room()
    connections.enter(peer)
    connections.move(peer, stage)
    return peer


@pytest.mark.parametrize(
    ("stage", "seconds", "reason"),
    [
        (Stage.HEAD, 10, End.HEAD_TIMEOUT),
        (Stage.IDLE, 75, End.IDLE),
        (Stage.ANSWER, 20, End.ANSWER_TIMEOUT),
    ],
)
def test_a_client_that_keeps_us_waiting_is_ended_at_its_deadline(
    connections: Connections, clock: FakeClock, stage: Stage, seconds: float, reason: End
) -> None:
    peer = entered(connections, stage)
    clock.advance(seconds - 0.1)
    connections.expire()
    assert (peer.ended, len(connections)) == ([], 1)
    clock.advance(0.1)
    connections.expire()
    connections.expire()
    assert (peer.ended, len(connections)) == ([(reason, stage)], 0)
    assert connections.ended[reason].count == 1


def test_our_own_work_has_no_deadline(connections: Connections, clock: FakeClock) -> None:
    peer = entered(connections, Stage.BUSY)
    clock.advance(3600)
    connections.expire()
    assert peer.ended == []


def test_every_stage_counts_its_own_time(connections: Connections, clock: FakeClock) -> None:
    peer = entered(connections)
    for stage in (Stage.BUSY, Stage.ANSWER, Stage.IDLE, Stage.HEAD):
        clock.advance(9)
        connections.expire()
        connections.move(peer, stage)
    assert peer.ended == []


@pytest.mark.parametrize("order", list(permutations([Stage.HEAD, Stage.IDLE, Stage.ANSWER])))
def test_when_all_places_are_taken_the_longest_waiting_connection_is_closed(
    connections: Connections, clock: FakeClock, order: tuple[Stage, ...]
) -> None:
    peers = []
    for stage in order:
        peers.append(entered(connections, stage))
        clock.advance(1)
    for number, peer in enumerate(peers):
        entered(connections, Stage.BUSY)
        assert peer.ended == [(End.GAVE_WAY, order[number])]


def test_idle_connections_are_closed_before_a_new_one(connections: Connections, clock: FakeClock) -> None:
    """Otherwise a stranger with idle connections on all places could end every vendor's request."""
    idle = [entered(connections, Stage.IDLE) for _ in range(2)]
    clock.advance(1)
    new = entered(connections)
    clock.advance(0.1)
    entered(connections)
    entered(connections)
    assert (new.ended, [peer.ended for peer in idle]) == ([], [[(End.GAVE_WAY, Stage.IDLE)]] * 2)


def test_slow_bodies_are_closed_last_and_the_slowest_first(connections: Connections, clock: FakeClock) -> None:
    first = entered(connections, Stage.BUSY, body=True)
    clock.advance(1)
    second = entered(connections, Stage.BUSY, body=True)
    clock.advance(1)
    head = entered(connections)
    entered(connections, Stage.BUSY)
    assert (head.ended, first.ended) == ([(End.GAVE_WAY, Stage.HEAD)], [])
    entered(connections, Stage.BUSY)
    assert (first.ended, second.ended) == ([(End.GAVE_WAY, Stage.BUSY)], [])


def test_a_request_in_progress_is_never_closed_for_another(connections: Connections) -> None:
    peers = [entered(connections, Stage.BUSY) for _ in range(3)]
    assert not connections.room()
    assert [peer.ended for peer in peers] == [[], [], []]
    connections.leave(peers[0])
    assert connections.room()


def test_a_connection_that_has_left_is_forgotten(connections: Connections, clock: FakeClock) -> None:
    peer = entered(connections)
    connections.leave(peer)
    connections.leave(peer)
    connections.move(peer, Stage.IDLE)
    clock.advance(3600)
    connections.expire()
    assert (peer.ended, len(connections), connections.stage(peer)) == ([], 0, None)


def test_each_end_is_reported(clock: FakeClock) -> None:
    heard: list[End] = []
    connections = Connections(LIMITS, clock.monotonic, heard.append)
    entered(connections)
    connections.give_way()
    connections.note(End.REFUSED)
    assert heard == [End.GAVE_WAY, End.REFUSED]
