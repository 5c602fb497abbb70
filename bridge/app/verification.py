"""`bridge verify`, started by a person or by the schedule: which mappings and pairs, and what of the result is
stored."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from math import inf

from bridge.app.build import Bridge
from bridge.app.plan import Plan
from bridge.app.verified import Awaited, Stand, agreed_words, awaited_of
from bridge.app.wording import THE_BRIDGE
from bridge.connectors.protocols import Connector
from bridge.domain.errors import ConfigError, Problem
from bridge.domain.frozen import dataclass
from bridge.domain.patience import when_store_is_back
from bridge.domain.seams import Seams
from bridge.store.engine import Store
from bridge.store.requests import RESTORED
from bridge.verify.look import Subject
from bridge.verify.report import Report
from bridge.verify.run import Progress, Verification

log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0
"""How often to check whether a mapping is due for verification."""
SOON_SECONDS = 5.0
"""How often to check whether a mapping can be verified after a restore."""
STILL_SECONDS = 1800.0
"""If the number of waiting records has not fallen for this long, they wait for a person. The mapping is verified then,
and the result counts them. A verification that ended early is repeated after the same time."""
CHUNK = 5000


@dataclass(frozen=True, slots=True)
class Verifier:
    """What a verification needs, in a process of its own or inside the running bridge."""

    plan: Plan
    connectors: Mapping[str, Connector]
    store: Store
    seams: Seams

    async def verify(
        self, mapping: str, *, sample: int | None = None, repair: bool = False, progress: Progress = lambda text: None
    ) -> Report:
        """Verify one mapping and store the numbers. `sample`: this many random pairs instead of everything."""
        subject = Subject(self.plan.mappings[mapping], self.plan.scopes, self.connectors, self.store, self.seams.clock)
        verification = Verification(subject, progress, repair=self.plan.routes if repair else None)
        drawn = None if sample is None else await self._drawn(mapping, sample)
        report = await verification.run(drawn)
        await self.store.verifications.end(mapping, report.started_at, report.summary())
        return report

    async def _drawn(self, mapping: str, number: int) -> Sequence[int]:
        """Return a random sample of the ids of the mapping's pairs (reservoir sampling)."""
        drawn: list[int] = []
        seen, after = 0, 0
        while ids := await self.store.verifications.pair_ids(mapping, after, CHUNK):
            after = ids[-1]
            for one in ids:
                seen += 1
                if len(drawn) < number:
                    drawn.append(one)
                elif (place := self.seams.random.randrange(seen)) < number:
                    drawn[place] = one
        return sorted(drawn)


class ScheduledVerification:
    """Verifies each mapping when its last verification is older than the schedule says, one after the other."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    async def run(self) -> None:
        """Verify what is due, until cancelled. A verification that a stop interrupted is made at its next time."""
        while True:
            await self._bridge.seams.clock.sleep(LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Verify what is due. Only one of several instances does it. Verifications after a restore come first."""
        bridge, schedule = self._bridge, self._bridge.settings.verify
        if schedule.every_seconds is None:
            return
        restored = {one.arguments["mapping"] for one in await bridge.store.requests.open(RESTORED)}
        for name in bridge.plan.mappings:
            if name in restored:
                continue
            last = (await bridge.store.verifications.last()).get(name)
            before = None if last is None else last.started_at
            if before is not None and bridge.store.now() - before < schedule.every_seconds:
                continue
            if await bridge.store.verifications.begin(name, before):
                await verified(bridge, name, sample=schedule.sample, repair=schedule.repair)


async def verified(bridge: Bridge, name: str, *, sample: int | None = None, repair: bool = False) -> Report:
    """Verify one mapping inside the running bridge, and write one log line about it."""
    verifier = Verifier(bridge.plan, bridge.connectors, bridge.store, bridge.seams)
    report = await verifier.verify(name, sample=sample, repair=repair)
    numbers = {state: tally.number for state, tally in report.pairs.items()}
    told = {"mapping": name, "pairs": report.number, "states": numbers, "repaired": report.repaired}
    told["reason"] = report.fault
    log.log(logging.INFO if report.agrees else logging.WARNING, "verified", extra=told)
    return report


class AfterRestore:
    """Carries out the verifications that a restore requested, one mapping after the other."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._one = asyncio.Lock()

    async def verified(self, name: str, since: float) -> str:
        """Wait until a mapping can be verified, and verify it. Return whether both sides agree, in words."""
        bridge, clock = self._bridge, self._bridge.seams.clock
        least, moved_at = inf, bridge.store.now()
        while True:
            here = await when_store_is_back(clock, lambda: self._here(name, since))
            waiting = here.waiting if here.stand is Stand.WAITS else inf
            if waiting == inf or waiting < least:
                least, moved_at = waiting, bridge.store.now()
            if here.stand is Stand.READY or bridge.store.now() - moved_at >= STILL_SECONDS:
                if told := await when_store_is_back(clock, lambda: self._verify(name)):
                    return told
                await clock.sleep(STILL_SECONDS)
            await clock.sleep(SOON_SECONDS)

    async def _here(self, name: str, since: float) -> Awaited:
        scope = self._bridge.plan.scopes.get(name)
        if scope is None:
            raise ConfigError([Problem(name, "no mapping has this name any more", "nothing of it is verified")])
        return await awaited_of(self._bridge.store, scope, since)

    async def _verify(self, name: str) -> str:
        """Return the result; "" if the verification ended early."""
        async with self._one:
            report = await verified(self._bridge, name)
        if report.fault:
            return ""
        told = agreed_words(name, report.summary())
        await self._bridge.store.audit.note(THE_BRIDGE, "verify", told, {"mapping": name, "after": "restore"})
        return told
