"""Kill the bridge with kill -9 during a burst of callbacks. The two simulators run here; `bridge run` is a process.

The simulated Pipedrive retries and bans by its vendor's rules, only faster. The test lifts a ban once the bridge is
back, so that Pipedrive delivers the next wave of the burst. The sweep at start must find the changes whose callbacks
were lost.
"""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from bridge.app.seams import system_seams
from bridge.simulators.deskera import DeskeraSimulator
from bridge.simulators.pipedrive import Options, PipedriveSimulator
from bridge.simulators.serve import serving
from bridge.simulators.world import HttpDelivery, WallClock, World, make_world
from bridge.store.engine import open_store
from bridge.store.tables import events
from tests.acceptance.site import Daemon, Site

ACCOUNT = Options(burst_limit=None, search_burst_limit=None, daily_tokens=1_000_000_000, time_scale=60.0)
TARGETS = {"organizations": "organization", "persons": "person"}
QUEUE, STEP = 40, 10
STILL_SECONDS = 120.0
"""Longest time in which callbacks wait and none is accepted."""
SETTLED_SECONDS = 600.0
"""Longest time that accepted work may wait afterwards: on a busy machine, writes come too late for their deadlines."""
BOOKED = ("applied", "unchanged", "coalesced", "filtered", "waiting", "dead", "discarded")
Made = tuple[str, str]


@dataclass
class Wire:
    """Sends callbacks over real HTTP and remembers the bridge's answer to each."""

    inner: HttpDelivery = field(default_factory=HttpDelivery)
    tried: int = 0
    accepted: int = 0
    ids: set[str] = field(default_factory=set)
    created: set[tuple[str, str]] = field(default_factory=set)

    async def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout: float) -> int:
        self.tried += 1
        status = await self.inner(method, url, headers, body, timeout)
        if 200 <= status < 300:
            self.accepted += 1
            self._remember(body)
        return status

    def _remember(self, body: bytes) -> None:
        meta = json.loads(body).get("meta") or {}
        if "entity_id" in meta:
            self.ids.add(meta["id"])
            if meta["action"] == "create":
                self.created.add((meta["entity"] + "s", meta["entity_id"]))


@dataclass
class Burst:
    """`made`: entity and id of every record a person created -> its name, which no other record has."""

    site: Site
    wire: Wire
    pipedrive: PipedriveSimulator
    deskera: DeskeraSimulator
    rng: random.Random
    made: dict[Made, str] = field(default_factory=dict)

    def make(self, count: int) -> None:
        """Create records at once, as a person: four of ten are organizations, four persons, two deals."""
        for _ in range(count):
            number = len(self.made)
            entity = ("organizations", "organizations", "persons", "persons", "deals")[number % 5]
            name = f"{entity} {number:05}"
            record = self.pipedrive.person_creates(entity, self._fields(entity, name, number))
            self.made[entity, str(record["id"])] = name

    def _fields(self, entity: str, name: str, number: int) -> dict[str, Any]:
        if entity == "organizations":
            return {"name": name}
        org = self._one_of("organizations")
        if entity == "persons":
            mail = {"value": f"p{number}@burst.example", "label": "work", "primary": True}
            return {"name": name, "emails": [mail], "org_id": org}
        return {"title": name, "value": number, "currency": "EUR", "person_id": self._one_of("persons"), "org_id": org}

    def _one_of(self, entity: str) -> int:
        return self.rng.randint(1, self.pipedrive.state.last_ids[entity.removesuffix("s")])

    def arrived(self) -> Counter[str]:
        """Return how many live records in Deskera have each name."""
        names: Counter[str] = Counter()
        for table in ("contacts", "deals"):
            names.update(str(row["name"]) for row in self.deskera.state.rows(table))
        return names

    def waiting(self) -> int:
        """Return how many of Pipedrive's callbacks are not answered yet."""
        counts = self.pipedrive.deliveries.counts
        return counts["queued"] - sum(counts[fate] for fate in ("delivered", "failed", "banned", "forgotten"))

    def writes(self) -> int:
        return self.pipedrive.requests.writes() + self.deskera.requests.writes()

    async def until(self, what: str, seconds: float, holds: Any) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}; log: {self.site.log}"
            await asyncio.sleep(0.02)

    def lift_bans(self) -> None:
        for health in self.pipedrive.deliveries.health.values():
            health.banned_until, health.first_try_failures = 0.0, 0

    async def totals(self) -> dict[str, dict[str, Any]]:
        answer = await asyncio.to_thread(self.site.get, "/status")
        return {row["mapping"]: row for row in answer.json()["mappings"]} if answer.status == 200 else {}

    async def settled(self, seconds: float) -> None:
        """Wait until nothing is due any more."""
        end, quiet = time.monotonic() + seconds, 0
        while quiet < 3:
            totals = await self.totals()
            quiet = quiet + 1 if totals and not any(row["waiting"] for row in totals.values()) else 0
            assert time.monotonic() < end, f"work still waits after {seconds:.0f} s: {totals}; log: {self.site.log}"
            await asyncio.sleep(0.3)


@dataclass(frozen=True)
class Outcome:
    """The figures for a person to read; `failures` is empty when every check passed."""

    numbers: Mapping[str, object]
    failures: tuple[str, ...]


async def run_burst(folder: Path, store_url: str, records: int, kills: int, patience: float = 900.0) -> Outcome:
    """Create records until the bridge accepted `records` creates; kill the bridge `kills` times meanwhile."""
    async with AsyncExitStack() as stack:
        burst = await _world(stack, folder, store_url)
        daemon = await asyncio.to_thread(burst.site.start)
        try:
            await burst.until("hooks are registered", 60, lambda: len(burst.pipedrive.state.hooks) >= 3)
            started, waits = time.monotonic(), 0.0
            for _ in range(kills):
                await _wave(burst, records // (kills + 1))  # callbacks are under way, records are half done
                daemon.kill()
                down = time.monotonic()
                daemon = await asyncio.to_thread(burst.site.start)
                burst.lift_bans()
                waits += time.monotonic() - down
            await _wave(burst, records - len(burst.wire.created))
            await burst.until("every record arrived", patience, lambda: len(burst.arrived()) >= len(burst.made))
            took = time.monotonic() - started
            return await _judge(burst, daemon, took, waits, kills)
        finally:
            daemon.kill()


async def _world(stack: AsyncExitStack, folder: Path, store_url: str) -> Burst:
    wire, rng = Wire(), random.Random(11)
    world: World = make_world(WallClock(), rng, wire)
    pipedrive, deskera = PipedriveSimulator(world, ACCOUNT), DeskeraSimulator(world)
    crm = await stack.enter_async_context(serving(pipedrive.app))
    erp = await stack.enter_async_context(serving(deskera.app))
    return Burst(Site(folder, crm, erp, store_url), wire, pipedrive, deskera, random.Random(12))


async def _wave(burst: Burst, count: int) -> None:
    """Create records until the bridge accepted the requested number of creates; a queue of callbacks always waits.

    The speed of the machine does not matter: it fails only when no create is accepted any more, and Pipedrive accepts
    late answers.
    """
    accepted = len(burst.wire.created)
    wanted, end = accepted + count, time.monotonic() + STILL_SECONDS
    while len(burst.wire.created) < wanted:
        burst.lift_bans()
        if burst.waiting() < QUEUE:
            burst.make(STEP)
        if len(burst.wire.created) != accepted:
            accepted, end = len(burst.wire.created), time.monotonic() + STILL_SECONDS
        assert time.monotonic() < end, f"of a wave of {count} no more is accepted; log: {burst.site.log}"
        await asyncio.sleep(0.005)


async def _judge(burst: Burst, daemon: Daemon, took: float, waits: float, kills: int) -> Outcome:
    """Compare both sides with the answers on the wire, before and after a full reconcile."""
    await burst.settled(SETTLED_SECONDS)
    writes = burst.writes()
    swept = await asyncio.to_thread(burst.site.bridge, "reconcile", "--full")
    await burst.settled(SETTLED_SECONDS)
    totals, extra = await burst.totals(), burst.writes() - writes
    code = await asyncio.to_thread(daemon.stop)
    stored, names = await _stored_ids(burst.site), burst.arrived()
    lost = sorted(burst.made[key] for key in burst.wire.created if burst.made[key] not in names)
    twice = sorted(name for name, count in names.items() if count > 1)
    missing = sorted(set(burst.made.values()) - set(names))
    creates, ids = len(burst.wire.created), burst.wire.ids
    numbers = {
        "records made in Pipedrive": len(burst.made),
        "kill -9": kills,
        "callbacks tried / accepted (2xx)": f"{burst.wire.tried} / {burst.wire.accepted}",
        "Pipedrive events accepted / of these stored": f"{len(ids)} / {len(ids & stored)}",
        "creates accepted / of these arrived": f"{creates} / {creates - len(lost)}",
        "records in Deskera / twice / missing": f"{sum(names.values())} / {len(twice)} / {len(missing)}",
        "writes after a full reconcile": extra,
        "seconds until all had arrived": f"{took:.1f} (of these {waits:.1f} starting again)",
        "records per second": f"{len(burst.made) / (took - waits):.0f}",
        **{f"accounting of {name}": _booked(row) for name, row in totals.items()},
    }
    failures = {
        f"accepted, but not arrived: {lost[:5]}": lost,
        f"accepted, but not stored: {sorted(ids - stored)[:5]}": ids - stored,
        f"twice in Deskera: {twice[:5]}": twice,
        f"missing in Deskera: {missing[:5]}": missing,
        f"accounting is uneven or has dead letters: {totals}": not totals or not all(map(_even, totals.values())),
        f"{extra} writes after a full reconcile of equal sides": extra,
        f"reconcile failed: {swept}": swept.code,
        f"the graceful stop ended with {code}": code,
    }
    return Outcome(numbers, tuple(text for text, failed in failures.items() if failed))


def _even(row: Mapping[str, Any]) -> bool:
    return not row["dead"] and row["accepted"] == sum(row[fate] for fate in BOOKED)


def _booked(row: Mapping[str, Any]) -> str:
    return f"{row['accepted']} = " + " + ".join(f"{row[fate]} {fate}" for fate in BOOKED if row[fate])


async def _stored_ids(site: Site) -> set[str]:
    """Return Pipedrive's own ids of the events whose callbacks are in the store. Call it after the bridge has ended."""
    url = site.store_url.replace("sqlite:///", f"sqlite:///{site.folder}/")
    store = await open_store(url, system_seams())
    try:
        return await store.database.read(_ids)
    finally:
        await store.close()


def _ids(conn: Connection) -> set[str]:
    bodies = conn.scalars(select(events.c.body).where(events.c.vendor_id.is_not(None)))
    return {str(json.loads(body)["meta"]["id"]) for body in bodies}
