"""The attackers, in a separate process: threads that send requests, forged callbacks and admin calls."""

import itertools
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.domain.address import Addresses
from tests.field.attack.forgers import forged, replayed
from tests.field.attack.judge import Tally
from tests.field.attack.socketry import Attempt, attempt_at
from tests.field.attack.strangers import Strangers
from tests.field.attack.visitors import Visitors
from tests.field.attack.wire import Delivery

STRANGERS_AFTER = 0.85
"""After this share of the time, the admin listener also gets wrong tokens."""
QUIET_KINDS = ("slow", "half open")
QUIET_THREADS = 4
REPLAY_EVERY = 20


@dataclass(frozen=True)
class Target:
    """Everything that an attacker needs; it is passed to another process. `described`: the admin API's description."""

    callbacks: int
    admin: int
    addresses: Addresses
    deliveries: Sequence[Delivery]
    described: Mapping[str, Any]
    secrets: Mapping[str, str]
    operate: str
    read: str
    seed: int
    seconds: float


class Attackers:
    def __init__(self, target: Target) -> None:
        self.target = target
        self.tally = Tally()
        self.strangers = Strangers(target.addresses, target.seed)
        self.visitors = Visitors(target.described, target.seed, target.operate, target.read)
        self.end = time.monotonic() + target.seconds

    def run(self) -> Tally:
        loud = [kind for kind in self.strangers.kinds if kind not in QUIET_KINDS]
        threads = [threading.Thread(target=work) for work in (self._forge, self._visit)]
        knocking = [[kind] for kind in (*loud, *QUIET_KINDS * QUIET_THREADS)]
        threads += [threading.Thread(target=self._knock, args=(kinds, at)) for at, kinds in enumerate(knocking)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self.tally

    def _is_over(self) -> bool:
        return time.monotonic() > self.end

    def _knock(self, kinds: Sequence[str], knocker: int) -> None:
        for turn in itertools.count():
            for kind in kinds:
                if self._is_over():
                    return
                number = turn * 100 + knocker
                self._try(number, self.strangers.draw(kind, number), self.target.callbacks)

    def _forge(self) -> None:
        """Send altered callbacks one after the other, and sometimes a real one again."""
        for number in itertools.count():
            for delivery in self.target.deliveries:
                if self._is_over():
                    return
                real = number % REPLAY_EVERY == REPLAY_EVERY - 1
                attempt = replayed(delivery) if real else forged(delivery, self.target.seed, number)
                self._try(number, attempt, self.target.callbacks)

    def _visit(self) -> None:
        for number in itertools.count():
            left = self.end - time.monotonic()
            if left < 0:
                return

            def send(attempt: Attempt, number: int = number) -> None:
                if not self._is_over():
                    self._try(number, attempt, self.target.admin)

            self.visitors.batch(number, send, strangers=left < (1 - STRANGERS_AFTER) * self.target.seconds)

    def _try(self, number: int, attempt: Attempt, port: int) -> None:
        secrets = self.target.secrets.items() if port == self.target.admin else ()
        self.tally.note(number, attempt, attempt_at(port, attempt), secrets)


def attack(target: Target) -> Tally:
    """Run a process of attackers from its start to its end."""
    return Attackers(target).run()
