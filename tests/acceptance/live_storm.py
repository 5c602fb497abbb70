"""A storm in real time: two instances of the bridge on one PostgreSQL, people work on both sides, and everything
breaks.

Instances are killed, database connections are cut, callbacks and answers get lost, products refuse calls. Then the
faults end and one full reconcile runs. Afterwards everything must be as the ledger of people's actions allows. A seed
fixes the plan and the random numbers, not the timing: two runs of one seed differ.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bridge.simulators.faults import CallbackFault, ResponseFault, Trim
from bridge.sync.reasons import Reason
from tests.acceptance.burst import BOOKED
from tests.acceptance.instances import Instance, Instances, two_instances
from tests.acceptance.site import PATIENCE_SECONDS, SECRETS
from tests.storms.judge import Judge
from tests.storms.people import People
from tests.storms.storm import KIND_OF, climate

RECORD = r"^/(api/v2|v1/crm)/"
PAYLOADS = ("wrapped", "flat", "id-only", "array", "form", "empty")
ALWAYS = ("kill", "end_connections", "cut_database")
JUDGED = frozenset({"duplicates"})
"""Health reports records that people created on both sides at once. The judge decides which of them may exist."""
MORE = {
    "kill": 4,
    "kill_both": 1,
    "stop": 1,
    "freeze": 2,
    "end_connections": 3,
    "cut_database": 3,
    "stall_database": 2,
    "limit": 1,
    "outage": 1,
    "drop_hook": 1,
    "expire": 1,
}


@dataclass
class Storm:
    """Runs one seed for a number of seconds."""

    seconds: float
    instances: Instances
    chance: random.Random
    people: People
    judge: Judge
    trims: Mapping[tuple[str, str], Trim]
    counts: Counter[str] = field(default_factory=Counter)
    log: list[str] = field(default_factory=list)
    _busy: set[str] = field(default_factory=set)

    # -- the storm ----------------------------------------------------------------------------------------------------
    async def rage(self) -> None:
        """Let people work while faults occur; both instances run again afterwards."""
        self._blow()
        began = time.monotonic()
        times, names = sorted(self.chance.uniform(0.1, 0.6) for _ in ALWAYS), self.chance.sample(ALWAYS, len(ALWAYS))
        must = list(zip(times, names, strict=True))
        async with asyncio.TaskGroup() as trouble:
            while (part := (time.monotonic() - began) / self.seconds) < 1:
                for _ in range(self.chance.choice((1, 1, 1, 2, 4))):
                    self.people.act()
                    self.counts["acts"] += 1
                if must and part > must[0][0]:
                    self._begin(trouble, must.pop(0)[1])
                elif self.chance.random() < 0.06:
                    self._begin(trouble, self.chance.choices(list(MORE), list(MORE.values()))[0])
                await asyncio.sleep(self.chance.choice((0.0, 0.05, 0.1, 0.3, 0.6)))
        self._clear()
        await self.instances.both_up()

    def _begin(self, trouble: asyncio.TaskGroup, name: str) -> None:
        self.counts[name] += 1
        self._say(name)
        trouble.create_task(getattr(self, f"_{name}")())

    def _say(self, what: str) -> None:
        self.log.append(f"{time.monotonic():.2f} {what}")

    def _blow(self) -> None:
        """From now on callbacks and answers get lost, in each product's own way."""
        for product in (self.instances.crm, self.instances.erp):
            product.faults.callbacks = [
                CallbackFault(kind, probability=share, seconds=self.chance.choice((0.5, 2.0)))
                for kind, share in (("lose", 0.1), ("double", 0.15), ("delay", 0.15), ("reorder", 0.1))
                if self.chance.random() < 0.7
            ]
            share = self.chance.choice((0.0, 0.02, 0.06))
            slow = self.chance.choice((0.0, 0.1, 0.4))
            product.faults.responses = [
                ResponseFault("latency", path=RECORD, probability=0.5, seconds=slow),
                ResponseFault("drop", path=RECORD, probability=share, after=True),
                ResponseFault("drop", path=RECORD, probability=share / 2),
                ResponseFault("hang", path=RECORD, probability=share / 2, after=True, seconds=8.0),
                ResponseFault(status=503, path=RECORD, probability=share / 2, after=True),
            ]
            product.faults.read_lag = {"*": self.chance.choice((0.0, 0.0, 0.5, 1.5))}

    def _clear(self) -> None:
        """End all faults. How a server trims values is part of the server and stays."""
        for side, product in (("crm", self.instances.crm), ("erp", self.instances.erp)):
            product.faults.clear()
            product.faults.trim = {table: trim for (where, table), trim in self.trims.items() if where == side}
            for health in product.deliveries.health.values():
                health.banned_until, health.first_try_failures = 0.0, 0

    # -- what breaks --------------------------------------------------------------------------------------------------
    def _free(self) -> list[Instance]:
        return [instance for instance in self.instances.both if instance.folder.name not in self._busy]

    async def _down(self, instance: Instance, end: Callable[[], Awaitable[Any]], seconds: float) -> None:
        """End an instance and start it again a while later; nothing else touches its process meanwhile."""
        self._busy.add(instance.folder.name)
        try:
            await end()
            await asyncio.sleep(seconds)
            await instance.up()
        finally:
            self._busy.discard(instance.folder.name)

    async def _kill(self) -> None:
        await self.instances.until("an instance runs and can be killed", self._free)
        instance = self.chance.choice(self._free())
        await self._down(instance, instance.kill, self.chance.choice((0.0, 1.0, 4.0)))

    async def _kill_both(self) -> None:
        seconds = self.chance.choice((0.0, 1.0, 3.0))
        await asyncio.gather(*(self._down(instance, instance.kill, seconds) for instance in self._free()))

    async def _freeze(self) -> None:
        """Freeze an instance, perhaps for longer than its leases last, and then let it continue."""
        for instance in self.chance.sample(self._free(), min(1, len(self._free()))):
            longest = 27.0 if self.seconds >= 20 else 3.0
            await self._down(instance, instance.freeze, self.chance.choice((1.0, 5.0, longest)))

    async def _stop(self) -> None:
        for instance in self.chance.sample(self._free(), min(1, len(self._free()))):
            await self._down(instance, partial(self._end, instance), self.chance.choice((0.0, 1.0)))

    async def _end(self, instance: Instance) -> None:
        code = await instance.stop()
        if code:
            self.instances.faults.append(f"a graceful stop of {instance.folder.name} ended with {code}")

    async def _end_connections(self) -> None:
        await self.instances.cut_off()

    async def _cut_database(self) -> None:
        """Cut one instance, or both, from the database for a moment."""
        gates = [
            instance.database for instance in self.chance.sample(self.instances.both, self.chance.choice((1, 1, 2)))
        ]
        refuse = self.chance.random() < 0.5
        for gate in gates:
            await gate.cut(refuse=refuse)
        await asyncio.sleep(self.chance.choice((0.3, 1.0, 2.5)))
        for gate in gates:
            await gate.mend()

    async def _stall_database(self) -> None:
        """Hold back for a while what one instance and the database send each other."""
        gate = self.chance.choice(self.instances.both).database
        gate.stall()
        await asyncio.sleep(self.chance.choice((0.5, 3.0, 8.0)))
        await gate.mend()

    async def _limit(self) -> None:
        await self._refusing(429, self.chance.choice((0.5, 1.5)))

    async def _outage(self) -> None:
        await self._refusing(503, self.chance.choice((0.5, 2.0)))

    async def _refusing(self, status: int, seconds: float) -> None:
        product = self.chance.choice((self.instances.crm, self.instances.erp))
        fault = ResponseFault(status=status)
        product.faults.responses.insert(0, fault)
        await asyncio.sleep(seconds)
        product.faults.responses[:] = [one for one in product.faults.responses if one is not fault]

    async def _drop_hook(self) -> None:
        product = self.chance.choice((self.instances.crm, self.instances.erp))
        hooks = [key for key, hook in product.state.hooks.items() if not hook.get("deleted")]
        if hooks:
            product.drop_hook(self.chance.choice(hooks))

    async def _expire(self) -> None:
        self.instances.erp.expire_tokens()

    # -- afterwards ---------------------------------------------------------------------------------------------------
    async def heal(self) -> list[str]:
        """End the faults, run one full reconcile, and return every problem that is left."""
        instances = self.instances
        self._say("calm")
        await instances.healthy(but=JUDGED)
        self._say("healthy")
        await instances.at_rest()
        self._say("at rest")
        await self._reconcile()
        problems, writes = self.judge.problems(), instances.writes()
        await self._reconcile()
        if instances.writes() != writes:
            problems.append(f"{instances.writes() - writes} writes although nothing had changed")
        await instances.healthy(but=JUDGED)
        problems += [f"answered with 2xx and not stored: event {lost}" for lost in await instances.lost_events()]
        problems += [f"callbacks were answered {instances.post.statuses()}"] * bool(
            instances.post.statuses() & {500, 502, 404}
        )
        return problems + await self._accounts() + await self._instances()

    async def _reconcile(self) -> None:
        """Run a full reconcile. Request it again when its sweep ended early for a sweep of the other instance."""

        async def whole() -> bool:
            instance = self.chance.choice(self.instances.both)
            ended = await asyncio.to_thread(instance.bridge, "reconcile", "--full")
            assert ended.code == 0, f"reconcile --full: {ended}"
            return "full sweep" in ended.out and "ended early" not in ended.out

        await self.instances.until("a full reconcile ended", whole)
        await self.instances.at_rest()

    async def _accounts(self) -> list[str]:
        """Return what is still open, dead or not counted. Sweeps go on, so a record may be due for a moment."""
        end, problems = time.monotonic() + PATIENCE_SECONDS, [""]
        while problems and time.monotonic() < end:
            problems = await self._open_accounts()
            await asyncio.sleep(0.1)
        return problems

    async def _open_accounts(self) -> list[str]:
        status = (await asyncio.to_thread(self.instances.both[0].get, "/status")).json()
        problems = [f"dead letter: {row}" for row in status["dead letters"] if not self._held(row)]
        for row in status["mappings"]:
            if row["waiting"] or row["accepted"] != sum(row[fate] for fate in BOOKED):
                problems.append(f"accounting: {row}")
        return problems

    def _held(self, row: Mapping[str, str]) -> bool:
        """Whether a dead letter is right: a record that two people created at once may end as a held duplicate."""
        kind, (side, _, record_id) = KIND_OF.get(row["mapping"]), row["record"].split(" ", 2)
        if kind is None or row["code"] != Reason.HELD_AS_DUPLICATE:
            return False
        return self.judge.eyes.lives(side, kind, record_id) and self.judge.held(side, kind, record_id)

    async def _instances(self) -> list[str]:
        """Return what is wrong with the instances: each must have worked, ended in order, and logged no traceback."""
        problems = []
        for instance, connections in zip(self.instances.both, self.instances.balancer.used, strict=True):
            name = instance.folder.name
            if not instance.synchronized() or not connections:
                problems.append(
                    f"instance {name} did {instance.synchronized()} claims and took {connections} callbacks"
                )
            code = await instance.stop()
            if code != 0:
                problems.append(f"instance {name} ended with {code}")
            shown = instance.log.read_text() + "".join(instance.outputs)
            problems += [f"instance {name} shows {secret}" for secret, value in SECRETS.items() if value in shown]
        return problems + self.instances.complaints()

    def story(self) -> list[str]:
        lines = [*self.people.log, *self.log]
        for seen in self.instances.seen:
            lines += seen.log
        return sorted(lines, key=lambda line: float(line.split()[0]))


@dataclass(frozen=True)
class Result:
    """The outcome of one seed."""

    problems: list[str]
    counts: Mapping[str, int]
    story: list[str]
    exact: int
    undecided: int


async def storm(seed: int, folder: Path, store_url: str, seconds: float) -> Result:
    """Run one seed on an empty database."""
    chance = random.Random(seed)
    drawn = climate(chance)
    erp = {**drawn.erp_options, "payload": chance.choice(PAYLOADS)}
    async with two_instances(folder, store_url, seed, erp) as instances:
        people = People(instances, instances.eyes, instances.ledger, chance, erp_phone=erp["show_phone"])
        unread = set() if erp["show_phone"] else {("person", "phone")}
        judge = Judge(instances.eyes, instances.ledger, drawn.trims, unread)
        one = Storm(seconds, instances, chance, people, judge, drawn.trims)
        one._clear()
        try:
            await one.rage()
            problems = await one.heal()
        except AssertionError as error:
            problems = [str(error), *instances.complaints()]
        counts = Counter(one.counts)
        counts["kill -9"] = sum(instance.kills for instance in instances.both)
        counts["writes"] = instances.writes()
        counts["callbacks"] = len(instances.post.answers)
        counts["503"] = sum(status == 503 for _, _, status in instances.post.answers)
        return Result(problems, counts, one.story(), judge.exact, judge.open)
