"""A site in one process on virtual time: both simulated products, the store, and the lives of the bridge in turn."""

import asyncio
import functools
import logging
import random
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bridge.app.build import Bridge, reload
from bridge.app.daemon import assembled, at_work, jobs
from bridge.app.plan import Plan, make_plan
from bridge.callbacks.routes import callback_app
from bridge.domain.seams import Seams
from bridge.runtime.scheduler import Job, Timetable
from bridge.settings.load import load_settings
from bridge.settings.model import Settings
from bridge.simulators.deskera import DeskeraSimulator
from bridge.simulators.deskera import Options as DeskeraOptions
from bridge.simulators.pipedrive import Options as PipedriveOptions
from bridge.simulators.pipedrive import PipedriveSimulator
from bridge.simulators.world import make_world
from bridge.store.instances import FileLock
from bridge.store.sqlite_file import Sqlite
from tests.storms.life import LIFE, Life, connect_mortal, inline, mortal
from tests.storms.virtual import SimulatorClock, VirtualClock, VirtualLoop
from tests.storms.wire import OWNER, Wire, outside

CRM, ERP, BRIDGE = "pipedrive.test", "deskera.test", "bridge.test"
SECRETS = {
    "SECRET": "only-for-storms-on-paper",
    "TOKEN": "sandbox-token",
    "CLIENT": "cl_priv_sandbox",
    "REFRESH": "sandbox-refresh",
}
SETTINGS = """\
instance: storm
instance_secret: {{env: SECRET}}
public_url: https://{bridge}
store: {{url: "sqlite:///bridge.sqlite"}}
mappings_dir: {mappings}
systems:
  pipedrive:
    connector: pipedrive
    options: {{base_url: "https://{crm}", api_token: {{env: TOKEN}}}}
  deskera:
    connector: deskera
    options:
      base_url: https://{erp}
      client_id: cl_pub_sandbox
      client_secret: {{env: CLIENT}}
      refresh_token: {{env: REFRESH}}
      requests_per_second: 200
sides: {{crm: pipedrive, erp: deskera}}
default_mode: live
schedule: {{audit_seconds: 120, sweep_seconds: 180, full_sweep_seconds: 100000, jitter_seconds: 0}}
sync: {{attempts_limit: 1000, backoff_cap_seconds: 60, delete_limit: 100000, loop_writes: 100000}}
"""


class Site:
    """`mishap(name)` is called at every failpoint; True kills the bridge there."""

    def __init__(self, folder: Path, seed: int, loop: VirtualLoop, erp: dict[str, Any] | None = None) -> None:
        chance = random.Random(f"site {seed}")
        self.folder, self.clock = folder, VirtualClock(loop)
        self.wire = Wire(random.Random(f"wire {seed}"), outside())
        clock = SimulatorClock(self.clock, chance.choice((0.0, 0.0, 0.7, -0.6)))
        world = make_world(clock, random.Random(f"simulators {seed}"), self.wire.deliver)
        self.crm = PipedriveSimulator(world, PipedriveOptions(control=False))
        self.erp = DeskeraSimulator(
            world, DeskeraOptions(control=False, payload=chance.choice(PAYLOADS), **(erp or {}))
        )
        self.mishap: Callable[[str], bool] = lambda name: False
        self.faults = Complaints()
        self._chance, self._ids, self._copies = chance, count(1), count(1)
        self.life: Life | None = None
        self.bridge: Bridge | None = None
        self._stop = asyncio.Event()
        self.died = asyncio.Event()
        self.deaths = 0
        self._running: asyncio.Task[None] | None = None

    async def open(self, patches: ExitStack) -> None:
        """Start the products. `start` starts the bridge."""
        for target, replacement in (
            ("bridge.store.sqlite_file.connect", connect_mortal),
            ("bridge.app.build.make_plan", planned),
            ("bridge.reconcile.reconciler.REQUEST_POLL_SECONDS", 5.0),
            ("bridge.app.requests.POLL_SECONDS", 30.0),
            ("bridge.sync.worker.IDLE_SECONDS", 60.0),  # events wake the worker; polling is only a safety net
        ):
            patches.enter_context(patch(target, replacement))
        for name, method in (("in_thread", inline), ("read", mortal(Sqlite.read)), ("write", mortal(Sqlite.write))):
            patches.enter_context(patch.object(Sqlite, name, method))
        patches.enter_context(patch.object(FileLock, "take", _noted(FileLock.take)))
        patches.enter_context(self.faults.listening())
        for host, simulator in ((CRM, self.crm), (ERP, self.erp)):
            simulator.app.freeze()
            await simulator.app.startup()
            self.wire.apps[host] = simulator.app
        (self.folder / "mappings").mkdir()

    async def close(self) -> None:
        await self.kill()
        for simulator in (self.crm, self.erp):
            await simulator.app.shutdown()
            await simulator.app.cleanup()

    # -- mapping files --------------------------------------------------------------------------------------------
    def write_mappings(self, texts: dict[str, str]) -> None:
        """Write mapping files, by file name. The running bridge does not read them yet."""
        for name, text in texts.items():
            (self.folder / "mappings" / name).write_text(text)

    def settings(self) -> Settings:
        file = self.folder / "bridge.yaml"
        if not file.exists():
            file.write_text(SETTINGS.format(bridge=BRIDGE, crm=CRM, erp=ERP, mappings=self.folder / "mappings"))
        return load_settings(file, SECRETS)

    async def reload(self) -> None:
        """Do what SIGHUP does: the running bridge reads the mapping files again."""
        if self.bridge is not None and self.life is not None and not self.life.dead:
            work = self.life.start(quietly(reload(self.bridge)))
            await asyncio.wait({work})
            if not work.cancelled():
                work.result()

    # -- lives of the bridge ----------------------------------------------------------------------------------------
    async def start(self) -> None:
        """Start the bridge on its store, and wait until it works or has died."""
        await self.kill()
        life = self.life = Life()
        self.died, self._stop, up = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._running = life.start(self._live(life, up))
        waits = [asyncio.ensure_future(event.wait()) for event in (up, self.died)]
        await asyncio.wait([*waits, self._running], return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if self._running.done() and not life.dead and not self._running.cancelled():
            self._running.result()

    async def _live(self, life: Life, up: asyncio.Event) -> None:
        settings = self.settings()
        seams = Seams(
            self.clock,
            random.Random(self._chance.random()),
            lambda: f"id-{next(self._ids)}",
            f"copy-{next(self._copies)}",
            functools.partial(self._failpoint, life),
        )
        async with AsyncExitStack() as stack:
            bridge = await stack.enter_async_context(assembled(settings, seams, self.wire, planned(settings)))
            bridge.store.database.offset = 0.0
            timetable = Timetable(jobs(bridge), seams, bridge.board, jitter_seconds=0.0)
            app = callback_app(bridge.receiver)
            app[OWNER] = life
            app.freeze()
            await app.startup()
            self.wire.apps[BRIDGE] = app
            await stack.enter_async_context(at_work(bridge))
            async with asyncio.TaskGroup() as group:
                regular = [group.create_task(self._keep(timetable, job)) for job in jobs(bridge)]
                self.bridge = bridge
                up.set()
                await self._stop.wait()
                for task in regular:
                    task.cancel()

    async def _keep(self, timetable: Timetable, job: Job) -> None:
        """Run a job by the virtual clock. (APScheduler uses the machine's clock.)"""
        if job.at_start:
            await timetable.trigger(job.name)
        while True:
            await self.clock.sleep(job.every_seconds)
            await timetable.trigger(job.name)

    async def _failpoint(self, life: Life, name: str) -> None:
        if life.dead or self.mishap(name):
            self._end(life)
            raise asyncio.CancelledError

    def _end(self, life: Life) -> None:
        if not life.dead:
            life.end()
            self.deaths += 1
            self.wire.apps.pop(BRIDGE, None)
            self.died.set()

    async def kill(self) -> None:
        """Do what kill -9 does, and wait until nothing of the process is left."""
        if self.life is not None:
            self._end(self.life)
            await self.life.bury()
        self.life = self.bridge = None

    async def stop(self) -> None:
        """Do what SIGTERM does: the bridge ends in order."""
        if self.life is None or self.life.dead or self._running is None:
            return
        self.wire.apps.pop(BRIDGE, None)
        self._stop.set()
        await asyncio.wait({self._running, asyncio.ensure_future(self.died.wait())}, return_when="FIRST_COMPLETED")
        if self._running.done() and not self._running.cancelled():
            self._running.result()


PAYLOADS = ("wrapped", "flat", "id-only", "array", "form", "empty")


async def quietly(work: Any) -> None:
    """Run `work`, and ignore errors of a process that is dead."""
    try:
        await work
    except Exception:
        life = LIFE.get()
        if life is None or not life.dead:
            raise


def _noted(take: Any) -> Any:
    def noted(path: Path) -> FileLock:
        lock: FileLock = take(path)
        life = LIFE.get()
        if life is not None:
            life.locks.append(lock)
        return lock

    return noted


_PLANS: dict[str, Plan] = {}


def planned(settings: Settings) -> Plan:
    """The real plan, cached by the text of the mapping files: to load and check them takes longer than a storm."""
    files = sorted(settings.mappings_dir.iterdir())
    key = "\0".join(file.name + "\0" + file.read_text() for file in files)
    if key not in _PLANS:
        _PLANS[key] = make_plan(settings)
    return _PLANS[key]


class Complaints(logging.Handler):
    """Collects unexpected errors that the bridge logs. A storm may cause many errors, but none of these."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        life = LIFE.get()
        if life is not None and life.dead:
            return
        fault = record.exc_info[1] if record.exc_info else None
        if fault is not None and not isinstance(fault, asyncio.CancelledError):
            import traceback

            tail = traceback.format_exception(fault)[-3:]
            self.found.append(f"{record.getMessage()}: {type(fault).__name__}: {fault} {''.join(tail)[-600:]}")

    def listening(self) -> Any:
        return _listening(self)


class _listening:  # noqa: N801
    def __init__(self, handler: logging.Handler) -> None:
        self._handler = handler

    def __enter__(self) -> None:
        logging.getLogger("bridge").addHandler(self._handler)
        self._level = logging.getLogger("bridge").level
        logging.getLogger("bridge").setLevel(logging.ERROR)

    def __exit__(self, *_: object) -> None:
        logging.getLogger("bridge").removeHandler(self._handler)
        logging.getLogger("bridge").setLevel(self._level)
