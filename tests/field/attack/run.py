"""One attack: everybody at once for a number of seconds, then the checks."""

import asyncio
import itertools
import multiprocessing
import random
import re
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.field.attack import attackers
from tests.field.attack.judge import Tally
from tests.field.attack.site import OPERATE, READ, WILD, Site, attacked

MEGABYTE = 2**20
MOST_MORE_BYTES = 200 * MEGABYTE
"""The memory that the bridge may use beyond that of its start, with four hostile vendors and all attackers."""
DOOR_AFTER = 0.6
"""After this share of the time, the hostile vendors also lie about credentials and accounts."""
LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class Result:
    """The findings of a run. `faults` is empty when every check passed."""

    table: str
    facts: list[str]
    faults: list[str]


class Attack:
    def __init__(self, site: Site, seed: int, seconds: float) -> None:
        self.site, self.seed, self.seconds = site, seed, seconds
        self.base_bytes = self.most_bytes = site.bridge.resident_bytes()
        self.faults: list[str] = []

    async def run(self) -> Result:
        site = self.site
        deliveries = [site.wire.kept[name] for name in sorted(site.wire.kept)]
        described = (await asyncio.to_thread(site.ask, "/api/v1/openapi.json")).json()
        target = attackers.Target(
            site.callbacks,
            site.admin,
            site.addresses(),
            deliveries,
            described,
            site.secrets,
            OPERATE,
            READ,
            self.seed,
            self.seconds,
        )
        site.hostile.on = True
        watching = asyncio.create_task(self._watch())
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            attacking = asyncio.get_running_loop().run_in_executor(pool, attackers.attack, target)
            await self._live(attacking)
            tally = await attacking
        watching.cancel()
        return await self._judged(tally)

    async def _live(self, attacking: "asyncio.Future[Tally]") -> None:
        """Let people work at all products, and use the hostile systems as an operator would, until time is up."""
        chance, began = random.Random(self.seed), time.monotonic()
        for number in itertools.count(1000):
            self.site.bridge.check()
            self.site.hostile.at_the_door = time.monotonic() - began > DOOR_AFTER * self.seconds
            self.site.stir(number)
            if problem := await self.site.cross():
                self.faults.append(problem)
                return
            for path in (f"/systems/{chance.choice(WILD)}/resume", "/hooks/repair"):
                with suppress(OSError):
                    await asyncio.to_thread(self.site.ask, f"/api/v1{path}", "POST", {})
            if attacking.done():
                return
            await asyncio.sleep(0.3)

    async def _watch(self) -> None:
        while True:
            with suppress(OSError):
                self.most_bytes = max(self.most_bytes, self.site.bridge.resident_bytes())
            await asyncio.sleep(LOOK_SECONDS)

    async def _judged(self, tally: Tally) -> Result:
        site, faults = self.site, [*self.faults, *tally.faults]
        more = self.most_bytes - self.base_bytes
        if more > MOST_MORE_BYTES:
            faults.append(f"memory grew by {more / MEGABYTE:.0f} MB, more than {MOST_MORE_BYTES / MEGABYTE:.0f} MB")
        if site.elsewhere:
            faults.append(f"redirects were followed: {dict(site.elsewhere)}")
        faults += [f"the log shows {shown}" for shown in site.shown()]
        if code := await asyncio.to_thread(site.bridge.stop):
            faults.append(f"the bridge ended with {code} on SIGTERM")
        faults += [f"log: {line}" for line in _complaints(site.bridge.log)]
        crossed = sorted(site.crossed)
        middle = crossed[len(crossed) // 2]
        kinds = ", ".join(f"{number} {kind}" for kind, number in site.hostile.kinds.most_common())
        log_megabytes = site.bridge.log.stat().st_size / MEGABYTE
        facts = [
            f"good records crossed: {len(crossed)}; create and edit took {middle:.1f} s, {crossed[-1]:.1f} s at most",
            f"hostile answers: {sum(site.hostile.kinds.values())}: {kinds}",
            f"memory: {self.base_bytes / MEGABYTE:.0f} MB at the start, {self.most_bytes / MEGABYTE:.0f} MB at most",
            f"slowest attempt: {tally.slowest[0]:.1f} s ({tally.slowest[1]})",
            f"secrets looked for: {len(site.secrets)}, in {log_megabytes:.1f} MB of log and every admin answer",
        ]
        return Result(tally.table(), facts, faults)


SUSPICIOUS = re.compile("Traceback|part died|never retrieved|could not be accepted")
EXPECTED = "level=debug"
"""Lines at this level may contain details of an unreadable answer."""


def _complaints(log: Path) -> list[str]:
    """Return log lines that report a defect of the bridge, each kind once."""
    found: dict[str, str] = {}
    for line in log.read_text(errors="replace").splitlines():
        if SUSPICIOUS.search(line) and EXPECTED not in line[:60]:
            found.setdefault(re.sub(r"\d+", "0", line[30:])[-300:], line[:3000])
    return list(found.values())


async def attack(folder: Path, seed: int, seconds: float) -> Result:
    async with attacked(folder, seed) as site:
        return await Attack(site, seed, seconds).run()
