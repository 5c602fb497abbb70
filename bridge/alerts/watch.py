"""The part that alerts: it checks health, sends each target what is new for it, and stores what was sent.

One instance on a store alerts at a time. What targets were told survives restarts. If the bridge is killed after a
message was sent and before that was stored, the message is sent again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import partial
from typing import Any

from bridge.alerts.memory import Memory, loaded
from bridge.alerts.message import Message, message
from bridge.alerts.policy import Line, Pending, Rule, Standing, after_delivery, differences, due, standing_now
from bridge.domain.concurrent import Apart
from bridge.domain.errors import BridgeError, StoreUnavailable
from bridge.domain.late import late
from bridge.domain.seams import Seams
from bridge.domain.waits import backoff_seconds
from bridge.monitoring.health import CheckResult, HealthBoard, HealthReport, Status
from bridge.store.instances import AlertState

log = logging.getLogger(__name__)

LOOK_SECONDS = 15.0
LOOKS = 4
"""How many times health is checked, at least, while a group waits."""
HELD_SECONDS = 60.0
"""If this instance does not look for this long, another instance alerts. It is longer than a delivery may take."""
FIRST_WAIT_SECONDS = 30.0
LONGEST_WAIT_SECONDS = 900.0
STORE = "store"
"""While this part fails, the others keep their last status, because they only report the unreachable store."""
SEND = ("bridge.alerts.delivery", "send")
"""Imported with the first message."""

Send = Callable[[Message], Awaitable[None]]
"""Sends a message. Raises a BridgeError if the message did not arrive."""
Observe = Callable[[str, str], None]
"""Called for every message with the target and `sent` or `failed`."""


def sender(url: str) -> Send:
    """Return a function that sends to this address."""
    apart = Apart("alert")

    async def send(message: Message) -> None:
        deliver = await asyncio.to_thread(late, *SEND)  # the first import takes so long that it would delay callbacks
        await deliver(url, message, apart)

    return send


@dataclass(slots=True)
class Target:
    """Where messages go. `fault`: why the last message did not arrive; `failed_at`: since when none arrives."""

    name: str
    rule: Rule
    send: Send
    pending: Pending = field(default_factory=Pending)
    fault: str = ""
    failed_at: float = 0.0
    failures: int = 0
    next_try: float = float("-inf")


@dataclass(frozen=True, slots=True)
class Words:
    """What messages need besides health. `redact` removes secrets from everything that is sent."""

    instance: str
    zone: tzinfo
    remedy_of: Callable[[str, str], str]
    redact: Callable[[str], str]


@dataclass(slots=True)
class Alerts:
    """The supervisor keeps `run` alive; `check` is the part of health."""

    targets: Sequence[Target]
    words: Words
    board: HealthBoard
    store: AlertState
    seams: Seams
    observe: Observe = lambda target, state: None
    memory: Memory = field(default_factory=Memory)
    holds: bool = False
    unsaved: bool = False

    async def run(self) -> None:
        """Look until cancelled. An error of a target does not end it."""
        try:
            while True:
                await self.look()
                await self.seams.clock.sleep(self._pause())
        finally:
            if self.holds:
                with suppress(StoreUnavailable):
                    await self.store.give_back()

    async def look(self) -> None:
        """Compare health with what each target was told, and send what is due."""
        await self._load()
        if not self.holds:
            return
        report, now = await self.board.report(), self._now()
        before = self.memory.dumped()
        self.memory = Memory(self._standing(report, now), self.memory.last_told)
        ready = {one.name: lines for one in self.targets if (lines := self._ready(one, now))}
        if ready and not await self._still_alerts():
            return
        told = [self._deliver(one, ready[one.name], report, now) for one in self.targets if one.name in ready]
        await asyncio.gather(*told)
        self.unsaved = self.unsaved or self.memory.dumped() != before
        await self._save()

    async def check(self) -> CheckResult:
        """Return which targets could not be reached."""
        failing = [target for target in self.targets if target.fault]
        if not failing:
            return CheckResult(Status.PASS, f"{len(self.targets)} targets", len(self.targets), "targets")
        told = "; ".join(
            f"{one.name} was not reached for {self._now() - one.failed_at:.0f} s: {one.fault} "
            f"(`bridge alerts test {one.name}`)"
            for one in failing
        )
        return CheckResult(Status.WARN, told, len(failing), "targets")

    def _pause(self) -> float:
        shortest = min((target.rule.group_seconds for target in self.targets), default=LOOK_SECONDS)
        return min(LOOK_SECONDS, shortest / LOOKS)

    def _now(self) -> float:
        return self.seams.clock.now().timestamp()

    async def _load(self) -> None:
        """Load what the store has. While the store is unreachable, the instance that alerted last continues alone."""
        try:
            state = await self.store.hold(HELD_SECONDS)
        except StoreUnavailable:
            return
        if state is None:
            self.holds = self.unsaved = False
        elif not self.unsaved:
            standing = self.memory.standing if self.holds else {}
            kept = loaded(state)
            self.memory = Memory(standing or kept.standing, kept.last_told)
            self.holds = True

    async def _still_alerts(self) -> bool:
        """Extend the time for which this instance alerts, to longer than sending takes. Return False if another
        instance alerts now, because this one was delayed."""
        try:
            still_alerts = await self.store.hold(HELD_SECONDS) is not None
        except StoreUnavailable:
            return True
        if not still_alerts:
            self.holds = self.unsaved = False
        return still_alerts

    async def _save(self) -> None:
        if not self.unsaved:
            return
        try:
            self.holds = await self.store.save(self.memory.dumped())
        except StoreUnavailable:
            return
        self.unsaved = False  # if `holds` is False, another instance alerts now, and its state is newer

    def _standing(self, report: HealthReport, now: float) -> dict[str, Standing]:
        seen = {part: result.status for part, result in report.checks.items()}
        if seen.get(STORE) is Status.FAIL:
            seen = {part: one.status for part, one in self.memory.standing.items()} | {STORE: Status.FAIL}
        return standing_now(self.memory.standing, seen, now)

    def _ready(self, target: Target, now: float) -> Sequence[Line]:
        """Return the lines that the target is told now."""
        told = self.memory.last_told.get(target.name, {})
        lines = differences(told, self.memory.standing, target.rule, now, self.seams.clock.now())
        ready, target.pending = due(target.pending, lines, target.rule, now)
        return lines if ready and now >= target.next_try else ()

    async def _deliver(self, target: Target, lines: Sequence[Line], report: HealthReport, now: float) -> None:
        if await self._sent(target, self._message(lines, report.checks, now), now):
            target.pending = Pending()
            told = after_delivery(self.memory.last_told.get(target.name, {}), lines, now)
            self.memory = Memory(self.memory.standing, {**self.memory.last_told, target.name: told})

    def _message(self, lines: Sequence[Line], checks: Mapping[str, CheckResult], now: float) -> Message:
        words = self.words
        made = message(words.instance, lines, checks, words.remedy_of, now, words.zone)
        return Message(words.redact(made.title), words.redact(made.body), made.severity)

    async def _sent(self, target: Target, what: Message, now: float) -> bool:
        told: dict[str, Any] = {"target": target.name}
        try:
            await target.send(what)
        except Exception as error:  # an error of a service must not stop the bridge
            expected = isinstance(error, BridgeError)
            target.fault = self.words.redact(str(error) if expected else type(error).__name__)
            target.failed_at = target.failed_at or now
            target.failures += 1
            wait = partial(backoff_seconds, target.failures, FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS)
            target.next_try = now + wait(self.seams.random)
            self.observe(target.name, "failed")
            log.warning("alert not delivered", extra={**told, "reason": target.fault, "once": f"alert {target.name}"})
            return False
        target.fault, target.failed_at, target.failures = "", 0.0, 0
        self.observe(target.name, "sent")
        log.info("alert sent", extra={**told, "reason": what.title})
        return True
