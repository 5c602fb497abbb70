"""`bridge verify`, by a person or by the schedule: which mappings and pairs, and what is kept of the result."""

import logging
from collections.abc import Mapping, Sequence

from bridge.app.build import Bridge
from bridge.app.plan import Plan
from bridge.connectors.protocols import Connector
from bridge.domain.seams import Seams
from bridge.domain.values import dataclass
from bridge.store.engine import Store
from bridge.verify.look import Subject
from bridge.verify.report import Report
from bridge.verify.run import Progress, Verification

log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0
"""How often to check whether a mapping is due for verification."""
CHUNK = 5000


@dataclass(frozen=True, slots=True)
class Verifier:
    """What a verification needs, beside a running bridge or inside it."""

    plan: Plan
    connectors: Mapping[str, Connector]
    store: Store
    seams: Seams

    async def verify(
        self, mapping: str, *, sample: int | None = None, repair: bool = False, progress: Progress = lambda text: None
    ) -> Report:
        """Verify one mapping and keep the numbers. `sample`: this many random pairs instead of everything."""
        subject = Subject(self.plan.mappings[mapping], self.plan.scopes, self.connectors, self.store, self.seams.clock)
        verification = Verification(subject, progress, repair=self.plan.routes if repair else None)
        drawn = None if sample is None else await self._drawn(mapping, sample)
        report = await verification.run(drawn)
        await self.store.verifications.end(mapping, report.started_at, report.summary())
        return report

    async def _drawn(self, mapping: str, number: int) -> Sequence[int]:
        """A random sample of the mapping's pairs (reservoir sampling)."""
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
        """Verify what is due, until cancelled. A verification that a stop interrupts is made at its next time."""
        while True:
            await self._bridge.seams.clock.sleep(LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Verify what is due. Only one of several instances does it."""
        bridge, schedule = self._bridge, self._bridge.settings.verify
        if schedule.every_seconds is None:
            return
        for name in bridge.plan.mappings:
            last = (await bridge.store.verifications.last()).get(name)
            before = None if last is None else last.started_at
            if before is not None and bridge.store.now() - before < schedule.every_seconds:
                continue
            if await bridge.store.verifications.begin(name, before):
                await self._verify(name)

    async def _verify(self, name: str) -> None:
        bridge, schedule = self._bridge, self._bridge.settings.verify
        verifier = Verifier(bridge.plan, bridge.connectors, bridge.store, bridge.seams)
        report = await verifier.verify(name, sample=schedule.sample, repair=schedule.repair)
        numbers = {state: tally.number for state, tally in report.pairs.items()}
        told = {"mapping": name, "pairs": report.number, "states": numbers, "repaired": report.repaired}
        told["reason"] = report.fault
        log.log(logging.INFO if report.agrees else logging.WARNING, "verified", extra=told)
