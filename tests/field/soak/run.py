"""One soak: a bridge under steady edits and faults, with samples; then the slopes."""

import asyncio
import random
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import asyncpg

from bridge.simulators.deskera import DeskeraSimulator
from bridge.simulators.deskera import Options as DeskeraOptions
from bridge.simulators.faults import CallbackFault, ResponseFault
from bridge.simulators.pipedrive import PipedriveSimulator
from bridge.simulators.serve import serving
from bridge.simulators.world import WallClock, make_world
from bridge.store.database import BYTES
from bridge.store.tables import metadata
from tests.acceptance.instances import ACCOUNT
from tests.acceptance.site import fetch
from tests.bench.site import Site
from tests.field.process import FAULTY, Running
from tests.field.soak.people import People, Wire
from tests.field.soak.slopes import Point, Slope, slope

MEGABYTE = 2**20
EDITS_A_SECOND = 6.0
LOOK_SECONDS = 0.01
SAMPLE_SECONDS = 1.0
WARM_UP = 0.3
"""The share of the time that is left out at the start: caches fill, and retention has nothing to delete yet."""
START_SECONDS, CALM_SECONDS = 900.0, 400.0
DAY_SECONDS = 20.0
OBSERVER = "soak"
TROUBLE_SECONDS = 25.0
REFUSING_SECONDS = 6.0
"""How long a product refuses all calls. (A number of calls would last until the bridge calls again.)"""
SETTINGS: Mapping[str, str] = {
    "SCHEDULE__RETENTION_SECONDS": "4",
    "SCHEDULE__SWEEP_SECONDS": "5",
    "SCHEDULE__FULL_SWEEP_SECONDS": "20",
    "SCHEDULE__AUDIT_SECONDS": "10",
    "SCHEDULE__COLUMNS_SECONDS": "30",
    "RETENTION__EVENTS_DAYS": "1",
    "RETENTION__JOURNAL_DAYS": "2",
    "SYNC__BACKOFF_FIRST_SECONDS": "0.5",
    "SYNC__BACKOFF_CAP_SECONDS": "3",
    "SYNC__ATTEMPTS_LIMIT": "1000",
    "SYNC__WRITE_SECONDS": "4",
    "SYNC__LEASE_SECONDS": "20",
}
"""A day lasts 20 s: events are kept for one day, the journal for two, and both are pruned every 4 s."""
LEAST: Mapping[str, float] = {"RSS, MB": 0.02, "store, MB": 0.02, "open files": 0.02, "latency, ms": 0.10}
"""A drift over the whole run below this share of the figure counts as none."""


@dataclass
class Samples:
    """By figure: (seconds since the start, value)."""

    points: dict[str, list[Point]] = field(default_factory=dict)

    def add(self, figure: str, at: float, value: float) -> None:
        self.points.setdefault(figure, []).append((at, value))


@dataclass
class Result:
    """`per_thousand`: bytes of the store for 1,000 linked records."""

    store: str
    slopes: dict[str, Slope]
    facts: list[str]
    faults: list[str]

    def rows(self) -> list[tuple[str, ...]]:
        rows = []
        for figure, one in self.slopes.items():
            per_hour = [f"{value * 3600:+.2f}" for value in (one.value, one.low, one.high)]
            flat = "flat" if is_flat(figure, one) else "GROWS" if one.value > 0 else "falls"
            rows.append((self.store, figure, f"{one.middle:.1f}", f"{one.scatter:.2f}", per_hour[0],
                         f"{per_hour[1]} to {per_hour[2]}", f"{one.drift:+.2f}", flat))  # fmt: skip
        return rows


HEADS = ("store", "figure", "median", "scatter", "slope per hour", "99 % interval", "drift of the run", "verdict")


def is_flat(figure: str, one: Slope) -> bool:
    return one.is_flat(LEAST[figure] * one.middle)


Bytes = Callable[[], Awaitable[int]]


class Soak:
    def __init__(self, bridge: Running, people: People, size: Bytes, store_url: str, seconds: float) -> None:
        self.bridge, self.people, self.size, self.store_url, self.seconds = bridge, people, size, store_url, seconds
        self.samples = Samples()
        self.troubles = 0
        self.began = time.monotonic()

    async def run(self) -> None:
        self.began = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for work in (self._edit, self._look, self._sample, self._trouble):
                tasks.create_task(work())

    @property
    def _at(self) -> float:
        return time.monotonic() - self.began

    async def _edit(self) -> None:
        while self._at < self.seconds:
            self.people.edit()
            await asyncio.sleep(self.people.chance.expovariate(EDITS_A_SECOND))

    async def _look(self) -> None:
        while self._at < self.seconds:
            self.people.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def _sample(self) -> None:
        while self._at < self.seconds:
            self.bridge.check()
            self.samples.add("RSS, MB", self._at, self.bridge.resident_bytes() / MEGABYTE)
            self.samples.add("open files", self._at, float(self.bridge.open_files()))
            self.samples.add("store, MB", self._at, await self.size() / MEGABYTE)
            if found := self.people.taken():
                self.samples.add("latency, ms", self._at, 1000 * median(found))
            await asyncio.sleep(SAMPLE_SECONDS)

    async def _trouble(self) -> None:
        """Faults that occur now and then, besides those that are always on."""
        chance, people = self.people.chance, self.people
        while self._at < self.seconds:
            await asyncio.sleep(min(TROUBLE_SECONDS, max(self.seconds - self._at, 0.1)))
            self.troubles += 1
            product = chance.choice((people.crm, people.erp))
            hooks = [key for key, hook in product.state.hooks.items() if not hook.get("deleted")]
            what = self.troubles % 4
            if what == 0 and hooks:
                product.drop_hook(chance.choice(hooks))
            elif what == 1:
                people.erp.expire_tokens()
            elif what == 2:
                await _refusing(product, chance.choice((429, 503)))
            elif self.store_url.startswith("postgresql"):
                await _cut(self.store_url)
            for health in people.crm.deliveries.health.values():
                health.banned_until, health.first_try_failures = 0.0, 0


def faults_on(people: People) -> None:
    """Switch on a few of every kind of fault, all the time."""
    for product in (people.crm, people.erp):
        product.faults.callbacks = [
            CallbackFault("lose", probability=0.02),
            CallbackFault("double", probability=0.05),
            CallbackFault("delay", probability=0.05, seconds=0.5),
        ]
        product.faults.responses = [
            ResponseFault("latency", probability=0.2, seconds=0.05),
            ResponseFault("drop", probability=0.005, after=True),
            ResponseFault(status=503, probability=0.01),
        ]


async def _refusing(product: PipedriveSimulator | DeskeraSimulator, status: int) -> None:
    refusal = ResponseFault(status=status)
    product.faults.responses.insert(0, refusal)
    await asyncio.sleep(REFUSING_SECONDS)
    product.faults.responses.remove(refusal)


async def _cut(store_url: str) -> None:
    conn = await asyncpg.connect(store_url)
    me = conn.get_server_pid()
    await conn.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> $1"
        " AND application_name <> $2",
        me,
        OBSERVER,
    )
    await conn.close()


async def _observing(store_url: str) -> asyncpg.Connection:
    """Open a connection that is not cut with the bridge's."""
    return await asyncpg.connect(store_url, server_settings={"application_name": OBSERVER})


def size_of(store_url: str, folder: Path) -> Bytes:
    """Return the query for the bytes of the store: SQLite's pages with those of its journal, or the database."""

    async def pages() -> int:
        conn = sqlite3.connect(f"file:{folder / 'bridge.sqlite'}?mode=ro", uri=True)
        try:
            (size,) = conn.execute(BYTES).fetchone()
            return int(size)
        finally:
            conn.close()

    async def database() -> int:
        conn = await _observing(store_url)
        try:
            return int(await conn.fetchval("SELECT pg_database_size(current_database())"))
        finally:
            await conn.close()

    return database if store_url.startswith("postgresql") else pages


async def rows_of(store_url: str, folder: Path) -> dict[str, int]:
    """Return how many rows each table has."""
    counts = {name: f"SELECT count(*) FROM {name}" for name in metadata.tables}
    if store_url.startswith("postgresql"):
        remote = await _observing(store_url)
        try:
            return {name: int(await remote.fetchval(query)) for name, query in counts.items()}
        finally:
            await remote.close()
    local = sqlite3.connect(f"file:{folder / 'bridge.sqlite'}?mode=ro", uri=True)
    try:
        return {name: int(local.execute(query).fetchone()[0]) for name, query in counts.items()}
    finally:
        local.close()


async def soak(folder: Path, store: str, store_url: str, seconds: float, seed: int, records: int) -> Result:
    wire, chance = Wire(), random.Random(seed)
    world = make_world(WallClock(), chance, wire)
    crm, erp = PipedriveSimulator(world, ACCOUNT), DeskeraSimulator(world, DeskeraOptions(rotate_refresh=False))
    people = People(crm, erp, wire, chance)
    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(serving(product.app)) for product in (crm, erp)]
        site = Site.written(folder / "site", store_url, *urls)
        more = {f"BRIDGE_{name}": value for name, value in SETTINGS.items()}
        command = [sys.executable, "-m", "tests.field.soak.short_days", "--settings", str(site.settings), "run"]
        environ = {**site.environ(), **more, "SOAK_DAY_SECONDS": str(DAY_SECONDS)}
        bridge = Running(command, folder / "bridge.log", environ)
        stack.push_async_callback(asyncio.to_thread, bridge.kill)
        size = size_of(store_url, site.folder)
        empty = await _begun(bridge, people, size, records)
        full = await size()
        faults_on(people)
        work = Soak(bridge, people, size, store_url, seconds)
        counting = asyncio.create_task(_later(WARM_UP * seconds, lambda: rows_of(store_url, site.folder)))
        await work.run()
        before, after = await counting, await rows_of(store_url, site.folder)
        result = await _judged(work, site, store, (full - empty) / records * 1000)
        changes = [f"{name} {before[name]} -> {number}" for name, number in after.items() if number != before[name]]
        result.facts.append(f"{store}: rows after the warm-up and at the end, where they differ: {', '.join(changes)}")
        return result


async def _later(seconds: float, ask: Callable[[], Awaitable[dict[str, int]]]) -> dict[str, int]:
    await asyncio.sleep(seconds)
    return await ask()


async def _begun(bridge: Running, people: People, size: Bytes, records: int) -> int:
    """Wait for the hooks and link every record; return the bytes of the empty store."""
    await _until(bridge, "hooks are registered", lambda: bool(people.crm.state.hooks and people.erp.state.hooks))
    empty = await size()
    people.make(records)
    await _until(bridge, f"{records} records are linked", people.pair)
    return empty


async def _until(bridge: Running, what: str, holds: Callable[[], bool], seconds: float = START_SECONDS) -> None:
    end = time.monotonic() + seconds
    while not holds():
        bridge.check()
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}; {bridge.tail()}"
        await asyncio.sleep(0.2)


async def _judged(work: Soak, site: Site, store: str, per_thousand: float) -> Result:
    people, faults = work.people, []
    people.crm.faults.clear()
    people.erp.faults.clear()
    end = time.monotonic() + CALM_SECONDS
    while time.monotonic() < end:
        if not people.differing():
            break
        await asyncio.sleep(0.5)
    if left := people.differing():
        faults.append(f"{len(left)} records did not become equal: {left[:3]}")
    status = (await asyncio.to_thread(fetch, f"http://127.0.0.1:{site.admin}/status")).json()
    faults += [f"dead letter: {row}" for row in status["dead letters"][:3]]
    if code := await asyncio.to_thread(work.bridge.stop):
        faults.append(f"the bridge ended with {code}")
    log = work.bridge.log.read_text()
    faults += [f"log: {line[:1500]}" for line in log.splitlines() if FAULTY.search(line)][:3]
    slopes = {
        figure: slope([point for point in points if point[0] >= WARM_UP * work.seconds])
        for figure, points in work.samples.points.items()
    }
    faults += [
        f"{figure} grows by {one.value * 3600:.2f} an hour"
        for figure, one in slopes.items()
        if not is_flat(figure, one) and one.value > 0
    ]
    facts = [
        f"{store}: {people.edits} edits, {people.wire.sent} callbacks, {people.wire.refused} of them refused, and "
        f"{work.troubles} troubles",
        f"{store}: {per_thousand / 1000:.0f} kB of store for 1,000 linked records",
    ]
    return Result(store, slopes, facts, faults)
