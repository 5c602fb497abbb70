"""Several instances behind one balancer, two simulated products, people at work, and the result of each change."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.simulators.deskera import DeskeraSimulator
from bridge.simulators.deskera import Options as DeskeraOptions
from bridge.simulators.pipedrive import PipedriveSimulator
from bridge.simulators.serve import serving
from bridge.simulators.world import HttpDelivery, WallClock, make_world
from tests.acceptance.gates import Gate, port
from tests.acceptance.instances import ACCOUNT, Instance

NAME_OF = {"organization": "name", "person": "name", "deal": "title"}
TABLES = ("contacts", "deals")
Key = tuple[str, str]
"""Entity and id of a record in Pipedrive."""

QUIET = {
    "SCHEDULE__SWEEP_SECONDS": "86400",
    "SCHEDULE__FULL_SWEEP_SECONDS": "86400",
    "SCHEDULE__AUDIT_SECONDS": "86400",
    "HEALTH__AUDIT_AGE_WARN_SECONDS": "86400",
}
"""No sweep finds anything: every arrived change was reported by a callback."""


class RunningInstance(Instance):
    """One instance: a folder, a settings file, its own ports. `code`: another checkout from which it runs."""

    code: Path | None = None

    def environment(self) -> Mapping[str, str]:
        quiet = {f"BRIDGE_{name}": value for name, value in QUIET.items()}
        return {**super().environment(), **quiet, **({"PYTHONPATH": str(self.code)} if self.code else {})}


@dataclass
class Wire:
    """Callbacks over real HTTP: when each was accepted (2xx), and the name that its record had."""

    inner: HttpDelivery = field(default_factory=HttpDelivery)
    statuses: Counter[str] = field(default_factory=Counter)
    accepted: dict[Key, set[str]] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    last_at: float = 0.0

    async def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout: float) -> int:
        try:
            status = await self.inner(method, url, headers, body, timeout)
        except (OSError, TimeoutError):
            self.statuses["no answer"] += 1
            raise
        self.statuses[str(status)] += 1
        if 200 <= status < 300:
            self.last_at = time.monotonic()
            self._remember(body)
        return status

    def _remember(self, body: bytes) -> None:
        said = json.loads(body) if body.startswith(b"{") else {}
        meta, data = said.get("meta") or {}, said.get("data") or {}
        if meta.get("entity") in NAME_OF and "entity_id" in meta:
            self.ids.add(meta["id"])
            name = data.get(NAME_OF[meta["entity"]])
            self.accepted.setdefault((meta["entity"], str(meta["entity_id"])), set()).add(name)


@dataclass
class People:
    """`names`: the current name of every record. No two records ever have the same name."""

    crm: PipedriveSimulator
    chance: random.Random
    names: dict[Key, str] = field(default_factory=dict)
    edits: int = 0

    def act(self) -> None:
        """Create or edit a record, as a person."""
        if len(self.names) < 12 or self.chance.random() < 0.4:
            self.create()
        else:
            self.edit()

    def create(self) -> None:
        number = len(self.names)
        entity = ("organization", "person", "person", "deal", "person")[number % 5]
        name = f"{entity} {number:05}"
        fields: dict[str, Any] = {NAME_OF[entity]: name}
        if entity == "person":
            fields["emails"] = [{"value": f"p{number}@field.example", "label": "work", "primary": True}]
        if entity == "deal":
            fields |= {"value": number, "currency": "EUR"}
        made = self.crm.person_creates(f"{entity}s", fields)
        self.names[entity, str(made["id"])] = name

    def edit(self) -> None:
        entity, record = self.chance.choice(list(self.names))
        self.edits += 1
        name = f"{self.names[entity, record].split(' edit')[0]} edit {self.edits}"
        self.crm.person_edits(f"{entity}s", record, {NAME_OF[entity]: name})
        self.names[entity, record] = name


@dataclass
class World:
    instances: list[RunningInstance]
    crm: PipedriveSimulator
    erp: DeskeraSimulator
    wire: Wire
    balancer: Gate
    people: People

    def arrived(self) -> Counter[str]:
        """Return how many live records of the ERP have each name."""
        return Counter(str(row["name"]) for table in TABLES for row in self.erp.state.rows(table))

    def lost(self) -> list[str]:
        """Return names that were accepted in a callback, are the newest of their record, and are not at the ERP."""
        names, there = self.people.names, self.arrived()
        return sorted(
            name for key, name in names.items() if name in self.wire.accepted.get(key, ()) and not there[name]
        )

    def duplicated(self) -> list[str]:
        """Return the records that are at the ERP more than once under any of their names."""
        first = Counter[str]()
        for name, count in self.arrived().items():
            first[name.split(" edit")[0]] += count
        return sorted(name for name, count in first.items() if count > 1)

    def missing(self) -> list[str]:
        """Return the records whose newest name is not at the ERP, accepted or not."""
        there = self.arrived()
        return sorted(name for name in self.people.names.values() if not there[name])

    def lift_bans(self) -> None:
        for health in self.crm.deliveries.health.values():
            health.banned_until, health.first_try_failures = 0.0, 0

    def on_their_way(self) -> int:
        """Return how many callbacks Pipedrive still has to deliver."""
        counts = self.crm.deliveries.counts
        return counts["queued"] - sum(counts[fate] for fate in ("delivered", "failed", "banned", "forgotten"))

    async def until(self, what: str, holds: Any, seconds: float) -> bool:
        """Wait, and return whether the condition became true in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if holds():
                return True
            await asyncio.sleep(0.05)
        return bool(holds())

    async def at_rest(self, query: Any, seconds: float = 600.0) -> str:
        """Wait until no callback is on its way and nothing is due; "" or what is left. `query`: rows of a statement."""
        end, quiet, left = time.monotonic() + seconds, 0, "callbacks are on their way"
        while quiet < 3:
            self.lift_bans()
            if not self.on_their_way():
                rows = await query("SELECT mapping, side, rec, state, reason FROM tasks WHERE due IS NOT NULL")
                left = str([tuple(row) for row in rows[:5]]) if rows else ""
            quiet = quiet + 1 if not left else 0
            if time.monotonic() > end:
                return left
            await asyncio.sleep(0.3)
        return ""


@asynccontextmanager
async def world(folder: Path, store_url: str, number: int, seed: int, code: Path | None = None) -> AsyncIterator[World]:
    """Start this number of instances and wait for their hooks. `code`: another checkout from which all of them run."""
    wire, chance = Wire(), random.Random(seed)
    made = make_world(WallClock(), chance, wire)
    crm, erp = PipedriveSimulator(made, ACCOUNT), DeskeraSimulator(made, DeskeraOptions(rotate_refresh=False))
    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(serving(product.app)) for product in (crm, erp)]
        instances = []
        for at in range(number):
            (folder / f"i{at + 1}").mkdir()
            instances.append(RunningInstance(folder / f"i{at + 1}", *urls, store_url))
            instances[-1].code = code
        balancer = await stack.enter_async_context(Gate([port(one.callbacks) for one in instances]).open())
        for one in instances:
            one.public = balancer.port
            stack.push_async_callback(one.kill)
        for one in instances:  # the first one creates the tables
            await one.up()
        here = World(instances, crm, erp, wire, balancer, People(crm, chance))
        hooked = await here.until("", lambda: len(crm.state.hooks) >= 3 and len(erp.state.hooks) >= 6, 60)
        assert hooked, f"hooks were not registered; log: {instances[0].log}"
        yield here
