"""Promise 9: every delivery is accounted for, after every operation and in any order."""

import contextlib
import random
from dataclasses import dataclass, field

import pytest

from bridge.domain.errors import LeaseLost
from bridge.domain.event import Lane, Origin
from bridge.store.model import Claim, Outcome
from tests.clock import FakeClock
from tests.conformance.store.builders import Desk, done, left, make_due, right


@dataclass
class Chaos:
    """Random operations on a few records; claims may be finished, given back, forgotten or lost."""

    desk: Desk
    clock: FakeClock
    choose: random.Random
    claims: list[Claim] = field(default_factory=list)
    sent: int = 0

    async def receive(self) -> None:
        record_ids = [str(self.choose.randrange(4)) for _ in range(self.choose.randrange(1, 4))]
        origin = self.choose.choice(list(Origin))
        if self.choose.random() < 0.5:
            self.sent += sum(await self.desk.receives(*record_ids, origin=origin))
        else:
            self.sent += sum(await self.desk.receives(*record_ids, system="erp", entity="contact", origin=origin))

    async def claim(self) -> None:
        self.claims += await self.desk.claims(limit=self.choose.randrange(1, 4), ttl=20)

    async def finish(self) -> None:
        if not self.claims:
            return
        claim = self.claims.pop(self.choose.randrange(len(self.claims)))
        outcome = self.choose.choice(list(Outcome))
        due = self.desk.store.now() + self.choose.choice([0, 15]) if outcome is Outcome.WAITING else None
        with contextlib.suppress(LeaseLost):
            await self.desk.store.tasks.submit(done(claim, outcome, due=due, attempt=self.choose.random() < 0.5))

    async def give_back(self) -> None:
        if self.claims:
            await self.desk.store.tasks.release(self.claims.pop(), self.desk.store.now(), "taken")

    async def wait(self) -> None:
        self.clock.advance(self.choose.choice([1, 10, 30]))

    async def tidy(self) -> None:
        letters = self.desk.store.dead_letters
        await self.choose.choice([letters.retry, letters.discard])(None)
        await self.desk.store.counters.retire()

    async def mark(self) -> None:
        key = self.choose.choice([left, right])(str(self.choose.randrange(5)))
        await make_due(self.desk.store, key, Lane.RECONCILE)


@pytest.mark.parametrize("seed", range(4))
async def test_promise_9_every_delivery_is_accounted_for(desk: Desk, clock: FakeClock, seed: int) -> None:
    await desk.links("0", "0")
    await desk.links("1", "1")
    chaos = Chaos(desk, clock, random.Random(seed))
    steps = [
        chaos.receive,
        chaos.claim,
        chaos.finish,
        chaos.finish,
        chaos.wait,
        chaos.give_back,
        chaos.tidy,
        chaos.mark,
    ]
    for _ in range(70):
        await chaos.choose.choice(steps)()
        await desk.balanced()
    clock.advance(100)
    while claims := await desk.claims():
        await desk.store.tasks.finish([done(claim, Outcome.UNCHANGED) for claim in claims])
    await desk.store.dead_letters.discard(None)
    totals = (await desk.store.tasks.totals())["people"]
    assert totals["accepted"] == chaos.sent + 2
    assert totals["waiting"] == totals["dead"] == 0
    await desk.balanced()
