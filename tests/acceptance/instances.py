"""Two instances of the bridge on one PostgreSQL, as an operator runs them: two processes behind one proxy.

Both products are simulated in this process, on two ports each. The port of a call shows which instance made it. The
ledger of people and calls is the one of the storms on virtual time. The test reads from the store what an instance
knows of its own writes.
"""

import asyncio
import json
import random
import signal
import time
from collections.abc import AsyncIterator, Mapping, Set
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy.engine import make_url

from bridge.simulators.deskera import DeskeraSimulator
from bridge.simulators.deskera import Options as DeskeraOptions
from bridge.simulators.pipedrive import Options as PipedriveOptions
from bridge.simulators.pipedrive import PipedriveSimulator
from bridge.simulators.world import HttpDelivery, WallClock, make_world
from tests.acceptance.gates import HOST, Gate, port, unix
from tests.acceptance.seen import SeenBy, served, watched
from tests.acceptance.site import PATIENCE_SECONDS, Daemon, Site
from tests.storms.eyes import Eyes
from tests.storms.ledger import Ledger, Place
from tests.storms.site import CRM, ERP

NAMES = ("one", "two")
ACCOUNT = PipedriveOptions(
    burst_limit=None, search_burst_limit=None, daily_tokens=1_000_000_000, time_scale=60.0, control=False
)
SETTINGS = {
    "SYNC__WORKERS": "8",
    "SYNC__ATTEMPTS_LIMIT": "1000",
    "SYNC__BACKOFF_FIRST_SECONDS": "0.5",
    "SYNC__BACKOFF_CAP_SECONDS": "3",
    "SYNC__DELETE_LIMIT": "100000",
    "SYNC__LOOP_WRITES": "100000",
}
KIND_OF = {"organizations": "company", "people": "person", "deals": "deal"}
SETTLED = (
    "SELECT mapping, left_rec, right_rec, sent_left, sent_right FROM links WHERE state NOT IN ('intended', 'doubt')"
)
CUT_OFF = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> $1"


@dataclass
class Instance(Site):
    """One instance: a folder, a settings file, its own ports, and its connection to the database."""

    public: int = 0
    database: Gate | None = None
    daemon: Daemon | None = None
    kills: int = 0

    def environment(self) -> Mapping[str, str]:
        changes = {**SETTINGS, "PUBLIC_URL": f"http://{HOST}:{self.public}"}
        return {**super().environment(), **{f"BRIDGE_{name}": value for name, value in changes.items()}}

    async def up(self) -> None:
        """Start the process, and start it again if the database was not reachable, as a service manager would."""
        end = time.monotonic() + 3 * PATIENCE_SECONDS
        if self.daemon is not None:
            self.daemon.process.send_signal(signal.SIGCONT)
        while self.daemon is None:
            try:
                self.daemon = await asyncio.to_thread(self.start)
            except AssertionError:
                if time.monotonic() > end:
                    raise

    async def freeze(self) -> None:
        """Stop the process with SIGSTOP; `up` lets it continue."""
        if self.daemon is not None:
            self.daemon.process.send_signal(signal.SIGSTOP)

    async def kill(self) -> None:
        """End the process with kill -9."""
        if self.daemon is not None:
            daemon, self.daemon = self.daemon, None
            self.kills += 1
            await asyncio.to_thread(daemon.kill)

    async def stop(self) -> int | None:
        """End the process with SIGTERM and return its exit code, or None when it did not run."""
        if self.daemon is None:
            return None
        daemon, self.daemon = self.daemon, None
        daemon.process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(daemon.process.wait, PATIENCE_SECONDS)

    async def health(self) -> Any:
        answer = await asyncio.to_thread(self.get, "/health")
        return answer.json() if answer.text else {"status": "no answer"}

    def synchronized(self) -> int:
        """Return how many claims this instance ended, by its log."""
        return self.log.read_text().count("message=synchronized")


@dataclass
class Post:
    """Sends the vendors' callbacks over real HTTP and keeps the answers: (address, body, status; None: no answer)."""

    inner: HttpDelivery = field(default_factory=HttpDelivery)
    answers: list[tuple[str, bytes, int | None]] = field(default_factory=list)

    async def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout: float) -> int:
        try:
            status = await self.inner(method, url, headers, body, timeout)
        except (OSError, TimeoutError):
            self.answers.append((url, body, None))
            raise
        self.answers.append((url, body, status))
        return status

    def statuses(self) -> set[int | None]:
        return {status for _, _, status in self.answers}


@dataclass
class Instances:
    """Everything of one run. `sql`: the test's own connection to the database, which does not pass a gate."""

    both: list[Instance]
    crm: PipedriveSimulator
    erp: DeskeraSimulator
    post: Post
    balancer: Gate
    sql: asyncpg.Connection
    clock: Any = time
    faults: list[str] = field(default_factory=list)
    seen: list[SeenBy] = field(default_factory=list)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.eyes, self.ledger = Eyes(self.crm, self.erp), Ledger()
        self.seen = [SeenBy(self) for _ in NAMES]

    # -- the store ----------------------------------------------------------------------------------------------------
    async def query(self, statement: str, *values: Any) -> list[Any]:
        async with self._turn:
            return list(await self.sql.fetch(statement, *values))

    async def cut_off(self) -> None:
        """Let the server end every database connection of both instances."""
        await self.query(CUT_OFF, self.sql.get_server_pid())

    async def keep_books(self) -> None:
        """Ask the store again and again which writes have a known outcome, until cancelled."""
        while True:
            open_ = [(seen, list(seen.open)) for seen in self.seen]
            if any(waiting for _, waiting in open_):
                settled = set[Place]()
                for mapping, left, right, sent_left, sent_right in await self.query(SETTLED):
                    for side, record_id, sent in (("crm", left, sent_left), ("erp", right, sent_right)):
                        if record_id is not None and sent is None:
                            settled.add((side, KIND_OF[mapping], record_id))
                for seen, waiting in open_:
                    seen.know(waiting, settled)
            await asyncio.sleep(0.1)

    async def open_work(self) -> list[str]:
        """Return the tasks, links and requests in the store that are not finished."""
        due = await self.query("SELECT mapping, side, rec, state, reason FROM tasks WHERE due IS NOT NULL")
        unsettled = "SELECT mapping, left_rec, right_rec, state FROM links WHERE state IN ('intended', 'doubt')"
        links = await self.query(f"{unsettled} OR sent_until IS NOT NULL")
        asked = await self.query("SELECT id, kind FROM requests WHERE done_at IS NULL")
        return [str(tuple(row)) for row in (*due, *links, *asked)]

    # -- waiting ------------------------------------------------------------------------------------------------------
    async def until(self, what: str, holds: Any, seconds: float = 120.0) -> None:
        """Wait until `holds()` (which may be a coroutine function) is true."""
        end = time.monotonic() + seconds
        while True:
            held = holds()
            if held if not asyncio.iscoroutine(held) else await held:
                return
            logs = ", ".join(str(instance.log) for instance in self.both)
            assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}; logs: {logs}"
            await asyncio.sleep(0.1)

    async def at_rest(self, seconds: float = 180.0) -> None:
        """Wait until no callback is on its way and nothing is due in the store, three times in a row."""
        end, quiet, left = time.monotonic() + seconds, 0, [""]
        while quiet < 3:
            async with asyncio.timeout(seconds):
                await asyncio.gather(self.crm.idle(), self.erp.idle())
            left = await self.open_work()
            quiet = 0 if left else quiet + 1
            assert time.monotonic() < end, f"never at rest: {left}"
            await asyncio.sleep(0.2)

    async def hooked(self) -> None:
        """Wait until every hook is registered."""
        hooks = self.crm.state.hooks, self.erp.state.hooks
        await self.until("hooks are registered", lambda: len(hooks[0]) >= 3 and len(hooks[1]) >= 6)

    async def healthy(self, seconds: float = 180.0, *, but: Set[str] = frozenset()) -> None:
        """Wait until both instances report that they are healthy. `but`: parts that another check covers."""
        for instance in self.both:

            async def well(instance: Instance = instance) -> bool:
                health = await instance.health()
                parts = health.get("checks", {})
                failing = {name for name, found in parts.items() if any(one["status"] != "pass" for one in found)}
                return health["status"] == "pass" or (bool(failing) and failing <= but)

            try:
                await self.until(f"{instance.folder.name} is healthy", well, seconds)
            except AssertionError as error:
                checks = (await instance.health()).get("checks", {})
                bad = {name: one for name, one in checks.items() if "pass" not in str(one)}
                raise AssertionError(f"{error}: {bad}") from None

    async def both_up(self) -> None:
        await asyncio.gather(*(instance.up() for instance in self.both))

    # -- afterwards ---------------------------------------------------------------------------------------------------
    def writes(self) -> int:
        return sum(seen.writes for seen in self.seen)

    async def lost_events(self) -> list[str]:
        """Ids of Pipedrive's events that were answered with 2xx and are not in the store."""
        said = [body for url, body, status in self.post.answers if "/pipedrive/" in url and status and status < 300]
        stored = {
            event_id(row["body"]) for row in await self.query("SELECT body FROM events WHERE system = 'pipedrive'")
        }
        return sorted({event_id(body) for body in said} - stored - {""})

    def complaints(self) -> list[str]:
        """Return tracebacks of the logs, and errors that occurred while watching."""
        found = list(self.faults)
        for instance in self.both:
            lines = instance.log.read_text().splitlines()
            found += [
                f"{instance.folder.name}: {line[:3000]}" for line in lines if "Traceback" in line or "part died" in line
            ]
        return found


def event_id(body: bytes | None) -> str:
    """Return Pipedrive's own id of an event, or "" when the body is not one of its callbacks."""
    return str(json.loads(body)["meta"]["id"]) if body else ""


@asynccontextmanager
async def two_instances(
    folder: Path, store_url: str, seed: int = 1, erp: Mapping[str, Any] | None = None
) -> AsyncIterator[Instances]:
    """Start both products, the gates and both instances with their hooks. `store_url` names a unix socket."""
    post, url = Post(), make_url(store_url)
    world = make_world(WallClock(), random.Random(seed), post)
    options = DeskeraOptions(control=False, **{"rotate_refresh": False, **(erp or {})})
    crm, books = PipedriveSimulator(world, ACCOUNT), DeskeraSimulator(world, options)
    async with AsyncExitStack() as stack:
        sql = await asyncpg.connect(host=url.query["host"], user=url.username, database=url.database)
        stack.push_async_callback(sql.close)
        by_port: dict[int, SeenBy] = {}
        instances = Instances([], crm, books, post, Gate([]), sql)
        for host, product in ((CRM, crm), (ERP, books)):
            watched(product.app, host, by_port, instances.faults)
        ports = [await stack.enter_async_context(served(product.app, len(NAMES))) for product in (crm, books)]
        for number, name in enumerate(NAMES):
            by_port |= {ports[0][number]: instances.seen[number], ports[1][number]: instances.seen[number]}
            gate = await stack.enter_async_context(Gate([unix(f"{url.query['host']}/.s.PGSQL.5432")]).open())
            here = url.set(host=HOST, port=gate.port, query={}).render_as_string(hide_password=False)
            (folder / name).mkdir()
            addresses = [f"http://{HOST}:{one[number]}" for one in ports]
            instances.both.append(Instance(folder / name, *addresses, here, database=gate))
        instances.balancer = await stack.enter_async_context(
            Gate([port(instance.callbacks) for instance in instances.both]).open()
        )
        for instance in instances.both:
            instance.public = instances.balancer.port
            stack.push_async_callback(instance.kill)
        books_kept = asyncio.create_task(instances.keep_books())
        stack.push_async_callback(_ended, books_kept)
        await instances.both_up()
        await instances.hooked()
        yield instances


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()
