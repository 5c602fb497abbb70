"""Storms with both simulated products and the real bridge, on virtual time: `python -m tests.storms --seeds N`.

People edit at random on both sides while callbacks get lost, calls fail, reads lag and the process is killed. Then all
faults end, one full reconcile runs, and every value must be one that the ledger of people's edits allows.
"""

import asyncio
import random
import shutil
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bridge.app.shipped import shipped_pairs
from bridge.domain.record import Side
from bridge.simulators.faults import CallbackFault, Trim
from bridge.store.model import LinkState, Task, TaskKey
from bridge.sync.reasons import Reason
from tests.storms.eyes import SIDES, Eyes
from tests.storms.judge import Judge
from tests.storms.ledger import Ledger
from tests.storms.life import task_factory
from tests.storms.people import People
from tests.storms.site import CRM, ERP, Site, quietly
from tests.storms.virtual import VirtualLoop
from tests.storms.watch import Watch

FOLDER = "/dev/shm" if Path("/dev/shm").is_dir() else None
PAUSES = (0.0, 0.05, 0.3, 1.0, 2.5, 8.0, 30.0)
PATIENCE_SECONDS = 4000.0
ASKED_SECONDS = 2000.0
"""A person decides what the bridge waits for after this long."""
KIND_OF = {"organizations": "company", "people": "person", "deals": "deal"}
FATES = ("applied", "unchanged", "coalesced", "filtered", "waiting", "dead", "discarded")


@dataclass(frozen=True)
class Climate:
    """The faults of this seed's storm, drawn once."""

    lose: float
    slow: float
    callbacks: tuple[CallbackFault, ...]
    crm_lag: float
    erp_lag: float
    search_lag: float
    trims: dict[tuple[str, str], Trim]
    kills: float
    erp_options: dict[str, Any]
    duplicates: str = ""
    """`duplicates` of the mappings, for records that people create again on one side; "": nobody does."""


def climate(chance: random.Random) -> Climate:
    share = chance.choice((0.0, 0.1, 0.4))
    kinds = [kind for kind in ("lose", "double", "delay", "reorder") if chance.random() < 0.6]
    trims = {}
    if chance.random() < 0.4:
        trims["erp", "contacts"] = Trim(strip=True, lengths={"name": 16, "address": 12})
    if chance.random() < 0.3:
        trims["crm", "persons"] = Trim(strip=True, lengths={"name": 18})
    if chance.random() < 0.3:
        trims["erp", "deals"] = Trim(strip=True, lengths={"name": 14})
    return Climate(
        lose=chance.choice((0.0, 0.02, 0.08)),
        slow=chance.choice((0.0, 0.0, 0.05, 0.4)),
        callbacks=tuple(
            CallbackFault(kind, probability=share, seconds=chance.choice((1.0, 20.0, 90.0))) for kind in kinds
        ),
        crm_lag=chance.choice((0.0, 0.0, 0.5, 1.5)),
        erp_lag=chance.choice((0.0, 0.0, 0.5, 1.5)),
        search_lag=chance.choice((0.0, 5.0, 60.0)),
        trims=trims,
        kills=chance.choice((0.0, 0.03, 0.1)),
        erp_options={
            "rotate_refresh": False,  # a lost answer to a rotation always needs a person
            "show_phone": chance.random() < 0.8,
            "partial_put": chance.random() < 0.3,
            "deal_updated_at": chance.random() < 0.3,
            "flag_deleted_deals": chance.random() < 0.2,
        },
    )


def mapping_files(variant: int, duplicates: str) -> dict[str, str]:
    """The shipped files: unchanged, with the other side winning conflicts, or with one more constant."""
    files = {file.name: file.read_text() for file in shipped_pairs()["pipedrive-deskera"].glob("*.yaml")}
    if duplicates == "copy":
        files = {name: text.replace("duplicates: hold ", "duplicates: copy ") for name, text in files.items()}
    if variant == 1:
        files = {name: text.replace("conflict:  crm ", "conflict:  erp ") for name, text in files.items()}
    if variant == 2:
        told = "  shown: {erp: visibility_type, value: private, set: on-create}\n\ntests:"
        files = {name: text.replace("\ntests:", told, 1) for name, text in files.items()}
    return files


@dataclass
class Storm:
    """The run of one seed."""

    seed: int
    site: Site
    chance: random.Random
    climate: Climate
    people: People
    watch: Watch
    judge: Judge
    calm: bool = True
    fuse: int | None = None
    log: list[str] = field(default_factory=list)

    # -- the storm --------------------------------------------------------------------------------------------------
    async def rage(self, acts: int) -> None:
        self._blow()
        for _ in range(acts):
            for _ in range(self.chance.choice((1, 1, 1, 2, 4))):
                self.people.act()
            if self.chance.random() < 0.25:
                await self._disturb()
            await self._pause(self.chance.choice(PAUSES) * (0.5 + self.chance.random()))
        self._clear()
        if self.site.life is None or self.site.life.dead:
            await self.site.start()

    def _blow(self) -> None:
        """Start all faults of this climate."""
        self.calm, weather = False, self.site.wire.weather
        weather.lose, weather.slow = self.climate.lose, self.climate.slow
        for product, lag in ((self.site.crm, self.climate.crm_lag), (self.site.erp, self.climate.erp_lag)):
            product.faults.callbacks = list(self.climate.callbacks)
            product.faults.read_lag, product.faults.search_lag = {"*": lag}, self.climate.search_lag

    def _clear(self) -> None:
        """End all faults, except the trimming of a server, which is permanent."""
        self.calm, self.fuse = True, None
        self.site.wire.weather.lose, self.site.wire.weather.slow = 0.0, 0.0
        self.site.wire.weather.down.clear()
        for product in (self.site.crm, self.site.erp):
            trims = product.faults.trim
            product.faults.clear()
            product.faults.trim = trims

    async def _disturb(self) -> None:
        what = self.chance.choice(
            (
                self._drop_hook,
                self._silence_hook,
                self._outage,
                self._edit_mappings,
                self._expire,
                self._stop,
                self._sweep,
            )
        )
        self.log.append(f"{self.site.clock.monotonic():.2f} {what.__name__}")
        await what()

    async def _drop_hook(self) -> None:
        product = self.chance.choice((self.site.crm, self.site.erp))
        hooks = [key for key, hook in product.state.hooks.items() if not hook.get("deleted")]
        if hooks:
            product.drop_hook(self.chance.choice(hooks))

    async def _silence_hook(self) -> None:
        product = self.chance.choice((self.site.crm, self.site.erp))
        product.faults.stopped_hooks ^= set(
            self.chance.sample(sorted(product.state.hooks), min(1, len(product.state.hooks)))
        )

    async def _outage(self) -> None:
        down = self.site.wire.weather.down
        host = self.chance.choice((CRM, ERP))
        (down.discard if host in down else down.add)(host)

    async def _edit_mappings(self) -> None:
        self.site.write_mappings(mapping_files(self.chance.randrange(3), self.climate.duplicates))
        await self.site.reload()

    async def _expire(self) -> None:
        self.site.erp.expire_tokens()

    async def _stop(self) -> None:
        """Restart the bridge in order, perhaps with edited mapping files."""
        await self.site.stop()
        if self.chance.random() < 0.3:
            self.site.write_mappings(mapping_files(self.chance.randrange(3), self.climate.duplicates))
        await self.site.start()

    async def _sweep(self) -> None:
        if self.site.bridge is not None and self.site.life is not None and not self.site.life.dead:
            kind = self.chance.choice(("incremental", "full"))
            self.site.life.start(quietly(self.site.bridge.reconciler.sweep_all(kind)))

    # -- deaths -----------------------------------------------------------------------------------------------------
    def mishap(self, name: str) -> bool:
        """Whether the process dies at this failpoint. `fuse` counts the failpoints that are left."""
        if self.calm:
            return False
        if self.fuse is None and self.chance.random() < self.climate.kills / 20:
            self.fuse = self.chance.randrange(40)
        if self.fuse is None:
            return False
        self.fuse -= 1
        if self.fuse > 0:
            return False
        self.fuse = None
        self.log.append(f"{self.site.clock.monotonic():.2f} killed at {name}")
        return True

    async def _pause(self, seconds: float) -> None:
        """Let time pass, and start a bridge that died again after a while."""
        end = self.site.clock.monotonic() + seconds
        while (left := end - self.site.clock.monotonic()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self.site.died.wait()
            if self.site.life is None or self.site.life.dead:
                await self.site.clock.sleep(self.chance.choice((0.0, 1.0, 20.0)))
                await self.site.start()

    # -- afterwards -------------------------------------------------------------------------------------------------
    async def heal(self) -> list[str]:
        """Run one full reconcile without faults. Return what is wrong once nothing is due."""
        await self.site.clock.sleep(200.0)
        await self._reconcile()
        assert self.site.life is not None
        if await self.site.life.start(self._answered()):
            await self._reconcile()
        writes = self.watch.writes
        problems = self.judge.problems()
        await self._reconcile()
        if self.watch.writes != writes:
            problems.append(f"{self.watch.writes - writes} writes although nothing had changed")
        return problems + await self._left_over() + self.site.faults.found

    async def _answered(self) -> int:
        """A person confirms that records are deleted if the bridge cannot know it. Returns how many.

        If a product does not show deleted records and its last ones are gone, the account may also have lost its rights
        (a canary read comes before a delete is accepted).
        """
        assert self.site.bridge is not None
        letters = self.site.bridge.store.dead_letters
        asked = [task.key for task, _ in await letters.list() if task.code == Reason.LOST_VISIBILITY]
        return await letters.retry(asked) if asked else 0

    async def _chosen(self) -> None:
        """A person deletes all but one of the records that a lost create may have made, and retries it.

        Dead letters with several counterparts because of it are retried too. This happens if a person created the same
        thing on the other side meanwhile, and nothing distinguishes that record from the copy.
        """
        assert self.site.bridge is not None
        store = self.site.bridge.store
        for link in await store.links.unsettled():
            among = (link.payload or {}).get("among", ())
            if link.state is not LinkState.UNKNOWN or not among:
                continue
            new, old = (Side.LEFT, Side.RIGHT) if link.made == "created_left" else (Side.RIGHT, Side.LEFT)
            side, kind = SIDES[new is Side.RIGHT], KIND_OF[link.mapping]
            alive = [record_id for record_id in among if self.people.eyes.lives(side, kind, record_id)]
            for record_id in sorted(alive, key=int)[1:]:
                self.people.takes_away((side, kind, record_id))
            await store.dead_letters.retry([TaskKey(link.mapping, old, str(link.record_id(old)))])
        several = [task.key for task, _ in await store.dead_letters.list() if task.code == Reason.SEVERAL_MATCH]
        if several:
            await store.dead_letters.retry(several)

    async def _reconcile(self) -> None:
        bridge, life = self.site.bridge, self.site.life
        assert bridge is not None, "the bridge runs"
        assert life is not None
        done = await life.start(bridge.reconciler.sweep_all("full"))
        faults = [str(sweep) for sweep in done if sweep.fault]
        assert not faults, f"a full sweep ended early: {faults}"
        end = self.site.clock.monotonic() + PATIENCE_SECONDS
        asked: float | None = end - PATIENCE_SECONDS + ASKED_SECONDS
        while True:
            await self.site.clock.sleep(10.0)
            if asked is not None and self.site.clock.monotonic() > asked:
                asked = None
                await life.start(self._chosen())
            due = await life.start(bridge.store.tasks.next_due(bridge.worker.parts.scopes, bridge.systems.blocked))
            if due is None and not bridge.worker.running:
                return
            assert self.site.clock.monotonic() < end, f"the bridge never comes to rest: {await self._left_over()}"

    async def _left_over(self) -> list[str]:
        """Return what is open, dead or not counted."""
        bridge, life = self.site.bridge, self.site.life
        assert bridge is not None
        assert life is not None
        return await life.start(self._accounts(bridge.store))

    async def _accounts(self, store: Any) -> list[str]:
        letters = [task for task, _ in await store.dead_letters.list()]
        problems = [f"dead letter: {task.key} {task.reason}" for task in letters if not self._held(task)]
        problems += [f"unsettled link {link}" for link in await store.links.unsettled()]
        for name, totals in (await store.tasks.totals()).items():
            if totals["accepted"] != sum(totals[fate] for fate in FATES) or totals["waiting"]:
                problems.append(f"accounting of {name}: {totals}")
        return problems

    def _held(self, task: Task) -> bool:
        """Whether a dead letter is right: a duplicate that waits for a person."""
        kind, side = KIND_OF.get(task.key.mapping), "crm" if task.key.side is Side.LEFT else "erp"
        if kind is None or not self.judge.eyes.lives(side, kind, task.key.record_id):
            return False
        if task.code == Reason.SEVERAL_MATCH:  # created again on the other side before either was linked
            return self.judge.several(side, kind, task.key.record_id)
        return task.code == Reason.HELD_AS_DUPLICATE and self.judge.held(side, kind, task.key.record_id)

    def story(self) -> list[str]:
        lines = [*self.people.log, *self.watch.log, *self.log]
        return [str(self.climate), *sorted(lines, key=lambda line: float(line.split()[0]))]


async def weather(seed: int, acts: int, rounds: int) -> tuple[list[str], Storm]:
    """Run one seed to its end. Return the violated promises, and the storm itself."""
    chance = random.Random(seed)
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    folder = Path(tempfile.mkdtemp(prefix="bridge-storm-", dir=FOLDER))
    try:
        with ExitStack() as patches:
            again = random.Random(f"again {seed}")  # separate, so that storms without it stay as they were
            drawn = replace(climate(chance), duplicates=again.choice(("", "hold", "copy")))
            site = Site(folder, seed, loop, drawn.erp_options)
            for (side, table), trim in drawn.trims.items():
                (site.crm if side == "crm" else site.erp).faults.trim[table] = trim
            eyes, ledger = Eyes(site.crm, site.erp), Ledger()
            shows_phone = drawn.erp_options["show_phone"]
            makes_again = again if drawn.duplicates else None
            people = People(site, eyes, ledger, chance, erp_phone=shows_phone, again=makes_again)
            unread = set() if shows_phone else {("person", "phone")}
            watch = Watch(site, eyes, ledger)
            judge = Judge(eyes, ledger, drawn.trims, unread, holds=drawn.duplicates != "copy")
            storm = Storm(seed, site, chance, drawn, people, watch, judge)
            site.mishap = storm.mishap
            await site.open(patches)
            site.write_mappings(mapping_files(0, drawn.duplicates))
            await site.start()
            await site.clock.sleep(5.0)
            problems: list[str] = []
            try:
                for _ in range(rounds):
                    await storm.rage(acts)
                    problems += await storm.heal()
                    if problems:
                        break
            except AssertionError as error:
                problems.append(str(error))
            await site.close()
            return problems, storm
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(seed: int, acts: int = 25, rounds: int = 1) -> tuple[list[str], Storm]:
    """Run one seed on a loop of its own."""
    loop = VirtualLoop()
    loop.set_task_factory(task_factory)  # type: ignore[arg-type]
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(weather(seed, acts, rounds))
    finally:
        asyncio.set_event_loop(None)
        loop.close()
