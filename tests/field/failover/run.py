"""Fail-overs under load, and the checks at the simulators."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from tests.acceptance.instances import event_id
from tests.acceptance.site import SECRETS
from tests.field.failover.cluster import Cluster
from tests.field.failover.world import RunningInstance, World, world
from tests.field.process import FAULTY

DATABASE = "field"
BACK_SECONDS = 120.0
"""How long callbacks may be refused after a fail-over."""
PEOPLE_SECONDS = 0.2
TROUBLES = ("kill an instance", "freeze an instance", "cut connections", "none")


@dataclass
class Result:
    """The result of one run. `outages`: seconds from the death of a primary until a callback was accepted again."""

    label: str
    outages: list[float] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    numbers: dict[str, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def row(self) -> tuple[str, ...]:
        outage = f"{median(self.outages):.1f}, {max(self.outages):.1f} s" if self.outages else "-"
        troubles = ", ".join(f"{number} {what}" for what, number in sorted(self.counts.items())) or "-"
        numbers = (self.numbers.get(name, 0) for name in ("records", "edits", "accepted", "refused"))
        after = (
            self.numbers.get("events lost", 0),
            len(self.lost),
            len(self.duplicated),
            self.numbers.get("after sweep", 0),
        )
        return (self.label, troubles, *map(str, numbers), *map(str, after), outage)


HEADS = (
    "run",
    "what happened",
    "records",
    "edits",
    "callbacks accepted",
    "refused",
    "events lost",
    "changes lost",
    "records duplicated",
    "missing after a sweep",
    "outage p50, most",
)


class FailOver:
    def __init__(self, servers: Cluster, here: World, result: Result, seed: int, trouble: bool) -> None:
        self.servers, self.here, self.result, self.trouble = servers, here, result, trouble
        self.chance = random.Random(seed)

    async def run(self, number: int) -> None:
        working = asyncio.create_task(self.people())
        try:
            for at in range(number):
                await self._one(hung=at % 4 == 3)
            await asyncio.sleep(1.0)
        finally:
            working.cancel()
        await self.judge()

    async def people(self) -> None:
        """Let people work until this is cancelled."""
        while True:
            self.here.people.act()
            self.here.lift_bans()
            await asyncio.sleep(PEOPLE_SECONDS)

    async def _one(self, *, hung: bool) -> None:
        """Run a fail-over with another disturbance, until callbacks are accepted and a standby follows again."""
        await asyncio.sleep(self.chance.uniform(0.5, 2.0))
        beside = asyncio.create_task(self._beside(self.chance.choice(TROUBLES) if self.trouble else "none"))
        if self.trouble:
            await asyncio.sleep(self.chance.uniform(0.0, 1.0))
        began = time.monotonic()
        self.result.counts["hung" if hung else "killed"] += 1
        await self.servers.fail_over(hung=hung)
        promoted = time.monotonic()
        joining = asyncio.create_task(self.servers.rejoin()) if not hung else None
        back = await self.here.until("", lambda: self.here.wire.last_at > promoted, BACK_SECONDS)
        if not back:
            self.result.faults.append(f"no callback was accepted within {BACK_SECONDS:.0f} s of a fail-over")
        self.result.outages.append(time.monotonic() - began)
        await (joining if joining is not None else self.servers.rejoin())
        await beside

    async def _beside(self, what: str) -> None:
        if what == "none":
            return
        self.result.counts[what] += 1
        one = self.chance.choice(self.here.instances)
        if what == "cut connections":
            await asyncio.gather(
                self.servers.cut_connections(DATABASE), return_exceptions=True
            )  # it may be dead already
            return
        await (one.kill() if what == "kill an instance" else one.freeze())
        await asyncio.sleep(self.chance.uniform(0.5, 4.0))
        await one.up()

    async def query(self, statement: str) -> list[Any]:
        return await self.servers.primary.sql(statement, DATABASE)

    async def judge(self) -> None:
        """Check that everything accepted arrived without a sweep, and that everything is there after a full sweep."""
        here, result = self.here, self.result
        await asyncio.gather(*(one.up() for one in here.instances))
        if left := await here.at_rest(self.query):
            result.faults.append(f"never at rest: {left}")
        await here.until("", lambda: not here.lost(), 10)
        result.lost = here.lost()
        statuses = here.wire.statuses
        accepted = sum(number for status, number in statuses.items() if status.startswith("2"))
        result.numbers = {
            "records": len(here.people.names),
            "edits": here.people.edits,
            "accepted": accepted,
            "refused": sum(statuses.values()) - accepted,
        }
        if odd := [status for status in statuses if status not in ("200", "503", "no answer")]:
            result.faults.append(f"callbacks were answered {odd}")
        rows = await self.query("SELECT body FROM events WHERE system = 'pipedrive' AND vendor_id IS NOT NULL")
        result.numbers["events lost"] = len(here.wire.ids - {event_id(row["body"]) for row in rows})
        await self._sweep()
        result.numbers["after sweep"] = len(here.missing())
        if here.missing():
            result.faults.append(f"a full sweep did not bring {here.missing()[:5]}")
        result.duplicated = here.duplicated()
        for one in here.instances:
            result.faults += await _ended(one)

    async def _sweep(self) -> None:
        done = await asyncio.to_thread(self.here.instances[0].bridge, "reconcile", "--full")
        if done.code:
            self.result.faults.append(f"reconcile --full: {done.err or done.out}")
        if left := await self.here.at_rest(self.query):
            self.result.faults.append(f"never at rest after the sweep: {left}")
        await self.here.until("", lambda: not self.here.missing(), 20)


async def _ended(one: RunningInstance) -> list[str]:
    code = await one.stop()
    log = one.log.read_text()
    faults = [f"{one.folder.name} ended with {code}"] if code else []
    faults += [f"{one.folder.name}: {line[:2000]}" for line in log.splitlines() if FAULTY.search(line)][:2]
    return faults + [f"{one.folder.name} shows {name}" for name, value in SECRETS.items() if value in log]


async def fail_overs(
    servers: Cluster, folder: Path, label: str, number: int, *, synchronous: bool, trouble: bool, seed: int
) -> Result:
    result = Result(label)
    await servers.begin(synchronous)
    await servers.primary.sql(f"CREATE DATABASE {DATABASE}")
    try:
        async with world(folder, servers.url(DATABASE), 3, seed) as here:
            await FailOver(servers, here, result, seed, trouble).run(number)
    finally:
        await servers.close()
    return result
