"""A seeded storm: people edit, callbacks get lost, systems and workers fail; then everything must be in sync.

`python -m tests.sync.storm --seeds N --from K` runs many seeds; a failing seed prints how to run it again.
"""

import argparse
import asyncio
import random
import sys
import tempfile
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from bridge.domain.errors import OutcomeUnknown, RateLimited, RetryLater, Unreachable
from bridge.domain.record import Side
from bridge.domain.seams import Seams
from bridge.store import open_store
from bridge.store.model import Task
from bridge.sync.reasons import Reason
from bridge.sync.situation import Limits
from bridge.sync.worker import Worker
from tests.clock import FakeClock
from tests.product import FakeProduct
from tests.sync.bench import Bench, make_bench
from tests.sync.model import Model
from tests.sync.traits import MAPPINGS, new_product

WRITES = ("create", "update", "delete")
KEYS = {"people": ("person", "email"), "companies": ("company", "name")}
SILENCE = 100_000.0
UNSEEN_SECONDS = 900.0  # a lost create is found within this time, however often the process is killed
FOLDER = "/dev/shm" if Path("/dev/shm").is_dir() else None  # a store in memory is several times faster


class Killed(asyncio.CancelledError):
    """The process is killed in the middle of its work."""


@dataclass
class Storm:
    """One seed. `calm` switches every fault off."""

    seed: int
    bench: Bench
    chance: random.Random
    model: Model = field(default_factory=Model)
    calm: bool = False
    working: bool = False
    callbacks: list[tuple[str, str, str, str]] = field(default_factory=list)
    numbers: Any = field(default_factory=lambda: count(1))
    log: list[str] = field(default_factory=list)

    # -- people -----------------------------------------------------------------------------------------------------
    def act(self) -> None:
        """A person does something on either side, and a callback may report it."""
        product = self.chance.choice((self.bench.crm, self.bench.erp))
        acts = (self._create, self._create_company, self._edit, self._edit, self._edit, self._edit)
        act = self.chance.choice((*acts, self._delete, self._restore, self._merge, self._assign))
        told = act(product)
        if told is None:
            return
        entity, record_id, kind = told
        self.log.append(f"{self.bench.store.now():.1f} {act.__name__} {product.system} {entity} {record_id}")
        for _ in range(self.chance.choice((0, 1, 1, 1, 2))):
            self.callbacks.append((product.system, entity, record_id, kind))

    def _number(self) -> int:
        return int(next(self.numbers))

    def _create(self, product: FakeProduct) -> tuple[str, str, str]:
        number = self._number()
        values: dict[str, Any] = {"name": f"Person {number}", "email": f"p{number}@x.example"}
        if self.chance.random() < 0.5:
            values["company_id"] = self._some(product, "company")
        record_id = product.person_creates("person", **values)
        self.model.created(product.system, "person", record_id, values)
        return "person", record_id, "created"

    def _create_company(self, product: FakeProduct) -> tuple[str, str, str]:
        values = {"name": f"Company {self._number():04}"}
        record_id = product.person_creates("company", **values)
        self.model.created(product.system, "company", record_id, values)
        return "company", record_id, "created"

    def _some(self, product: FakeProduct, entity: str) -> str | None:
        found = sorted(product.live(entity), key=int)
        return self.chance.choice(found) if found else None

    def _unseen(self, product: FakeProduct, entity: str, record_id: str) -> bool:
        """Whether it is a copy so new that the bridge may not know it: if deleted now, nothing shows it existed."""
        row = product.rows[entity, record_id]
        young = (product.clock.now() - row.created).total_seconds() < UNSEEN_SECONDS
        return young and (product.system, entity, record_id) not in self.model.made

    def _edit(self, product: FakeProduct) -> tuple[str, str, str] | None:
        record_id = self._some(product, "person")
        if record_id is None:
            return None
        name = self.chance.choice(("name", "phone", "notes"))
        value = self.chance.choice((f"{name} {self._number()}", f"{name} {self._number()}", None))
        if name == "name":
            value = value or f"name {self._number()}"
        product.person_edits("person", record_id, **{name: value})
        self.model.edited(product.system, "person", product.rows["person", record_id].fields["email"], name, value)
        return "person", record_id, "changed"

    def _assign(self, product: FakeProduct) -> tuple[str, str, str] | None:
        record_id, company = self._some(product, "person"), self._some(product, "company")
        if record_id is None or company is None:
            return None
        product.person_edits("person", record_id, company_id=company)
        named = product.rows["company", company].fields["name"]
        self.model.edited(product.system, "person", product.rows["person", record_id].fields["email"], "company", named)
        return "person", record_id, "changed"

    def _delete(self, product: FakeProduct) -> tuple[str, str, str] | None:
        entity = self.chance.choice(("person", "person", "company"))
        record_id = self._some(product, entity)
        if record_id is None or self.chance.random() < 0.5 or self._unseen(product, entity, record_id):
            return None
        if len(product.live(entity)) == 1:
            return None  # if a product only answers 404 for deleted records, an empty one looks like lost visibility
        product.person_deletes(entity, record_id)
        self.model.deleted(product.system, entity, product.rows[entity, record_id].fields)
        return entity, record_id, "deleted"

    def _restore(self, product: FakeProduct) -> tuple[str, str, str] | None:
        dead = [key for key, row in product.rows.items() if row.deleted and row.merged_into is None]
        if not dead or self.chance.random() < 0.5:
            return None
        entity, record_id = self.chance.choice(sorted(dead))
        product.person_restores(entity, record_id)
        self.model.restored(product.system, entity, product.rows[entity, record_id].fields)
        return entity, record_id, "changed"

    def _merge(self, product: FakeProduct) -> tuple[str, str, str] | None:
        entity = self.chance.choice(("person", "company"))
        loser, survivor = self._some(product, entity), self._some(product, entity)
        if loser is None or survivor is None or loser == survivor or self.chance.random() < 0.7:
            return None
        product.person_merges(entity, loser, survivor)
        self.model.merged(entity, product.rows[entity, loser].fields, product.rows[entity, survivor].fields)
        return entity, loser, "deleted"

    # -- faults -----------------------------------------------------------------------------------------------------
    def fail(self, product: FakeProduct, name: str) -> None:
        """Let a call fail at random: read errors, lost answers, limits, and the death of the process."""
        if not self.working or self.calm or self.chance.random() > 0.06:
            return
        when, call = name.split(" ")
        if call in WRITES:
            errors: Sequence[Exception | Killed] = (OutcomeUnknown(product.system, "time-out"), Killed())
            if when == "before":
                errors = (*errors, RateLimited(product.system, "limit", 5.0), Unreachable(product.system, "refused"))
            raise self.chance.choice(errors)
        if when == "before":
            raise self.chance.choice(
                (RetryLater(product.system, "502"), RateLimited(product.system, "limit", 3.0), Killed())
            )

    async def failpoint(self, name: str) -> None:
        if self.working and not self.calm and not name.startswith("store.") and self.chance.random() < 0.04:
            raise Killed

    # -- the bridge -------------------------------------------------------------------------------------------------
    async def deliver(self, all_of_it: bool = False) -> None:
        """Deliver some of the callbacks, in any order. Some never arrive."""
        self.chance.shuffle(self.callbacks)
        for _ in range(len(self.callbacks) if all_of_it else self.chance.randint(0, len(self.callbacks))):
            callback = self.callbacks.pop()
            if self.chance.random() > 0.2:
                await self.bench.tell(*callback)

    async def turn(self) -> int:
        """Run one round of claims: at the same time in every fourth seed, otherwise one after the other."""
        bench = self.bench
        limits = bench.parts.limits
        claims = await bench.store.tasks.claim(4, bench.parts.scopes, limits.lease_seconds, bench.systems.blocked)
        self.working = True
        if self.seed % 4 == 0:
            results = await asyncio.gather(*(bench.worker._work(one) for one in claims), return_exceptions=True)
        else:
            results = [await self._alone(claim) for claim in claims]
        self.working = False
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
                raise result
        if any(isinstance(result, asyncio.CancelledError) for result in results):
            bench.worker = Worker(bench.parts, bench.systems)
        return len(claims)

    async def _alone(self, claim: Any) -> BaseException | None:
        try:
            await self.bench.worker._work(claim)
        except asyncio.CancelledError as killed:
            return killed
        return None

    async def work_until_idle(self) -> None:
        bench, turns = self.bench, 0
        while True:
            turns += 1
            if turns > 3000:
                raise AssertionError("the bridge never comes to rest")
            if await self.turn():
                continue
            due = await bench.store.tasks.next_due(bench.parts.scopes, bench.systems.blocked)
            nexts = [at for at in (due, *bench.systems.next_probe.values()) if at is not None]
            if not nexts or min(nexts) > bench.store.now() + SILENCE:
                return
            bench.clock.advance(max(0.2, min(nexts) - bench.store.now()))
            await bench._probe()

    async def rage(self, steps: int) -> None:
        for _ in range(steps):
            self.act()
            if self.chance.random() < 0.5:
                await self.deliver()
            if self.chance.random() < 0.7:
                await self.turn()
            self.bench.clock.advance(self.chance.choice((0.0, 0.1, 0.4, 1.0, 3.0, 20.0, 130.0)))
            await self.bench._probe()

    async def heal(self) -> None:
        """End the faults, and report every record twice, as a full reconcile does. Then everything must be in sync."""
        self.calm = True
        self.bench.clock.advance(400.0)
        for _ in range(2):
            await self._tell_all()
            await self.work_until_idle()
        writes = len(self.bench.crm.writes()) + len(self.bench.erp.writes())
        await self._tell_all()
        await self.work_until_idle()
        again = len(self.bench.crm.writes()) + len(self.bench.erp.writes()) - writes
        self.calm = False
        problems = self.model.check(self.bench.crm, self.bench.erp)
        if again:
            problems.append(f"{again} writes although nothing had changed")
        problems += await self._left_over()
        if problems:
            raise AssertionError("; ".join(problems))

    async def _tell_all(self) -> None:
        for product in (self.bench.crm, self.bench.erp):
            for (entity, record_id), row in list(product.rows.items()):
                evident = row.deleted and not product.hard_delete
                await self.bench.tell(product.system, entity, record_id, "deleted" if evident else "changed")

    def _is_held(self, task: Task) -> bool:
        """Whether it is a rightly held duplicate: another live record of its side shows its match key.

        Merges make duplicates: a company whose counterpart went into another one takes the name of that one.
        """
        if task.code != Reason.HELD_AS_DUPLICATE:
            return False
        entity, key = KEYS[task.key.mapping]
        live = self.bench.product("crm" if task.key.side is Side.LEFT else "erp").live(entity)
        own = live.get(task.key.record_id, {}).get(key)
        return bool(own) and any(row[key] == own for record_id, row in live.items() if record_id != task.key.record_id)

    async def _left_over(self) -> list[str]:
        """Return what is open, dead or not counted although all faults have ended."""
        letters = [task for task, _ in await self.bench.store.dead_letters.list()]
        problems = [f"dead letter: {task.key} {task.reason}" for task in letters if not self._is_held(task)]
        problems += [f"unsettled link {link}" for link in await self.bench.store.links.unsettled()]
        for name, totals in (await self.bench.store.tasks.totals()).items():
            parts = ("applied", "unchanged", "coalesced", "filtered", "waiting", "dead", "discarded")
            if totals["accepted"] != sum(totals[part] for part in parts) or totals["waiting"]:
                problems.append(f"accounting of {name}: {totals}")
        return problems


async def storm(seed: int, steps: int = 40, rounds: int = 2) -> None:
    """Run one seed; AssertionError when a promise is broken."""
    chance, clock = random.Random(seed), FakeClock()
    ids = count(1)
    with tempfile.TemporaryDirectory(prefix="bridge-storm-", dir=FOLDER) as at:
        holder: list[Storm] = []

        async def failpoint(name: str) -> None:
            if holder:
                await holder[0].failpoint(name)

        seams = Seams(clock, random.Random(seed), lambda: f"id-{next(ids)}", "copy-1", failpoint)
        async with aclosing(_Opened(await open_store(f"sqlite:///{at}/bridge.sqlite", seams))) as opened:
            opened.store.database.offset = 0.0
            limits = Limits(attempts=1000, backoff_cap_seconds=60, deletion_limit=10_000, loop_writes=10_000)
            sides = [new_product(name, clock, chance) for name in ("crm", "erp")]
            bench = make_bench(opened.store, clock, seams, MAPPINGS, limits=limits, crm=sides[0], erp=sides[1])
            await bench.index()
            await bench.systems.start()
            run = Storm(seed, bench, chance)
            holder.append(run)
            for side in sides:
                side.fail = lambda name, side=side: run.fail(side, name)  # type: ignore[misc]
            try:
                for _ in range(rounds):
                    await run.rage(steps)
                    await run.heal()
            except AssertionError as error:
                raise AssertionError("\n".join([str(error), *run.log])) from None


@dataclass
class _Opened:
    store: Any

    async def aclose(self) -> None:
        await self.store.close()


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--from", type=int, default=0, dest="first")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--log", action="store_true", help="show what people did in a failing seed")
    chosen = parser.parse_args(arguments)
    violations = 0
    for seed in range(chosen.first, chosen.first + chosen.seeds):
        try:
            asyncio.run(storm(seed, chosen.steps))
        except AssertionError as error:
            violations += 1
            text = str(error) if chosen.log else str(error).splitlines()[0][:600]
            print(f"seed {seed}: {text}\n  again: python -m tests.sync.storm --seeds 1 --from {seed}", flush=True)  # noqa: T201
    print(f"storms: {chosen.seeds} run, {violations} violations")  # noqa: T201
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
