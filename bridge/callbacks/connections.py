"""The open connections of a listener: what each waits for, until when, and which is closed when all places are taken.

Pure: no sockets. A connection that waits for its client costs the client nothing, so it is the first to be closed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol


class Stage(Enum):
    """What a connection waits for."""

    HEAD = "head"  # the rest of a request's head
    IDLE = "idle"  # the next request
    ANSWER = "answer"  # the client takes the answer
    BUSY = "busy"  # the body, or our own work


class End(Enum):
    """Why the bridge ends a connection; the value is the label in metrics."""

    HEAD_TIMEOUT = "head_timeout"
    HEAD_TOO_LARGE = "head_too_large"
    IDLE = "idle"
    ANSWER_TIMEOUT = "answer_timeout"
    GAVE_WAY = "gave_way"
    REFUSED = "refused"


class Peer(Protocol):
    def end(self, reason: End, stage: Stage) -> None:
        """Close the connection; `Connections` has removed its entry already."""

    def waits_for_body(self) -> bool:
        """Return whether a busy connection waits for its client's bytes, not for the bridge."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`connections`: the number of places. `Stage.BUSY` has no deadline here, because the request handler ends it."""

    connections: int
    head_seconds: float = 10.0
    idle_seconds: float = 75.0
    answer_seconds: float = 10.0


@dataclass(slots=True)
class Ended:
    """How many connections the bridge ended for one reason, and when it last did so (`now` of `Connections`)."""

    count: int = 0
    last_at: float = float("-inf")


@dataclass(slots=True)
class Place:
    stage: Stage
    since: float


@dataclass(slots=True)
class Connections:
    """`now`: monotonic seconds. `observe` is called for each connection that the bridge ends."""

    limits: Limits
    now: Callable[[], float]
    observe: Callable[[End], None] = lambda reason: None
    ended: dict[End, Ended] = field(default_factory=lambda: {reason: Ended() for reason in End})
    _stages: dict[Stage, dict[Peer, Place]] = field(default_factory=lambda: {stage: {} for stage in Stage})
    _places: dict[Peer, Place] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._places)

    def stage(self, peer: Peer) -> Stage | None:
        """Return what a connection waits for; None if it has left or was ended."""
        place = self._places.get(peer)
        return place.stage if place is not None else None

    def room(self) -> bool:
        """Return whether one more may be accepted. If all places are taken, one that waits for its client is ended."""
        return len(self) < self.limits.connections or self.give_way()

    def enter(self, peer: Peer) -> None:
        """Add a connection that was just accepted; it waits for its first head."""
        self._put(peer, Stage.HEAD)

    def move(self, peer: Peer, stage: Stage) -> None:
        """Note what a connection waits for from now on. One that has left is not added again."""
        if peer in self._places:
            self._take(peer)
            self._put(peer, stage)

    def leave(self, peer: Peer) -> None:
        """Remove a connection that is closed."""
        if peer in self._places:
            self._take(peer)

    def give_way(self) -> bool:
        """End the connection that has waited longest for its client; return False if the bridge is processing all.

        So a new connection stays open until every place was taken anew after it. Connections that wait for a body are
        closed last: their heads named an address of the bridge.
        """
        peer = self._longest_waiting() or next(self._waiting_for_bodies(), None)
        if peer is None:
            return False
        self._end(peer, End.GAVE_WAY)
        return True

    def expire(self) -> None:
        """End every connection whose deadline has passed."""
        limits = self.limits
        for stage, seconds, reason in (
            (Stage.HEAD, limits.head_seconds, End.HEAD_TIMEOUT),
            (Stage.IDLE, limits.idle_seconds, End.IDLE),
            (Stage.ANSWER, limits.answer_seconds, End.ANSWER_TIMEOUT),
        ):
            before = self.now() - seconds
            late = [peer for peer, place in self._stages[stage].items() if place.since <= before]
            for peer in late:
                self._end(peer, reason)

    def note(self, reason: End) -> None:
        """Count a connection that was ended for this reason."""
        ended = self.ended[reason]
        ended.count, ended.last_at = ended.count + 1, self.now()
        self.observe(reason)

    def _longest_waiting(self) -> Peer | None:
        """Return the connection that waits longest, without those that wait for a body. Each stage is in time order."""
        stages = [self._stages[stage] for stage in (Stage.HEAD, Stage.IDLE, Stage.ANSWER)]
        firsts = [next(iter(peers.items())) for peers in stages if peers]
        return min(firsts, key=lambda entry: entry[1].since)[0] if firsts else None

    def _waiting_for_bodies(self) -> Iterator[Peer]:
        return (peer for peer in self._stages[Stage.BUSY] if peer.waits_for_body())

    def _end(self, peer: Peer, reason: End) -> None:
        stage = self._take(peer).stage
        self.note(reason)
        peer.end(reason, stage)

    def _put(self, peer: Peer, stage: Stage) -> None:
        self._places[peer] = self._stages[stage][peer] = Place(stage, self.now())

    def _take(self, peer: Peer) -> Place:
        place = self._places.pop(peer)
        del self._stages[place.stage][peer]
        return place
