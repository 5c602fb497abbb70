"""The subjects, the bridge and the forwarder, each over its own simulators: one interface for all phases."""

import asyncio
import sys
import time
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bridge.app.seams import system_seams
from bridge.store.engine import Store, open_store
from tests.bench.child import ROOT, Child
from tests.bench.counted import read_counts
from tests.bench.hot import find_py_spy
from tests.bench.site import MAPPING, Site

START_SECONDS = 1800.0
COMMAND_SECONDS = 300.0
LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Snapshot:
    """Running totals of a subject. `calls`: "PRODUCT METHOD /path/{template}" -> how often."""

    cpu_seconds: float
    statements: int
    transactions: int
    calls: Counter[str]


class People:
    """The simulators' process, and the benchmark's calls to it."""

    def __init__(self, http: aiohttp.ClientSession, folder: Path) -> None:
        self.child = Child(["-m", "tests.bench.world"], folder / "world.log", speaks=True)
        self._http = http
        self.pipedrive: str = self.child.said["pipedrive"]
        self.deskera: str = self.child.said["deskera"]
        self._control: str = self.child.said["control"]

    async def ask(self, what: str, **asked: Any) -> Any:
        """POST to a route of `tests.bench.world`; return its JSON."""
        async with self._http.post(f"{self._control}/{what}", json=asked) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def figures(self) -> dict[str, Any]:
        async with self._http.get(f"{self._control}/figures") as answer:
            answer.raise_for_status()
            figures: dict[str, Any] = await answer.json()
        if figures.get("lost"):
            raise RuntimeError(f"{figures['lost']} callbacks were refused again and again")
        return figures


class Subject(ABC):
    """`label`: its name in the table. `stop` ends its children, whatever happened."""

    def __init__(self, label: str, http: aiohttp.ClientSession, folder: Path) -> None:
        folder.mkdir()
        self.label, self.folder, self.http = label, folder, http
        self.people = People(http, folder)
        self.child: Child | None = None

    @abstractmethod
    async def start(self) -> None:
        """Wait until callbacks of both products are accepted."""

    @abstractmethod
    async def counts(self) -> tuple[int, int]:
        """Return SQL statements and transactions so far."""

    @abstractmethod
    async def idle(self) -> bool:
        """Whether nothing waits. Raises RuntimeError when some work can never end well."""

    @abstractmethod
    async def pause(self) -> None:
        """Accept callbacks and do nothing else."""

    @abstractmethod
    async def resume(self) -> None: ...

    def running(self) -> Child:
        assert self.child is not None, "start it first"
        self.child.check()
        return self.child

    async def snapshot(self) -> Snapshot:
        cpu = self.running().cpu_seconds()
        by_product = (await self.people.figures())["calls"]
        calls = Counter({f"{name} {call}": n for name, counts in by_product.items() for call, n in counts.items()})
        return Snapshot(cpu, *(await self.counts()), calls)

    async def at_rest(self, seconds: float) -> dict[str, Any]:
        """Return the simulators' figures once all edits have arrived, no call is running and nothing waits."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.running()
            figures = await self.people.figures()
            busy = figures["missing"] or figures["waiting"] or time.time() - figures["last_call"] < LOOK_SECONDS * 3
            if not busy and await self.idle():
                return figures
            await asyncio.sleep(LOOK_SECONDS if busy else LOOK_SECONDS * 5)
        raise RuntimeError(f"{self.label} did not come to rest within {seconds:.0f} s: {figures}; {self._tail()}")

    async def stop(self) -> None:
        for child in (self.child, self.people.child):
            if child is not None:
                child.stop()

    def _tail(self) -> str:
        return self.child.tail() if self.child else ""


class Bridge(Subject):
    """`bridge run` as a separate process, with a settings file and a mapping."""

    def __init__(
        self,
        label: str,
        http: aiohttp.ClientSession,
        folder: Path,
        store_url: str,
        *,
        profile: bool = False,
    ) -> None:
        super().__init__(label, http, folder)
        self.site = Site.written(folder / "site", store_url, self.people.pipedrive, self.people.deskera)
        self.profile = folder / "profile"
        self._counts = folder / "counts"
        self._store: Store | None = None
        self._profiled = profile and not find_py_spy()

    async def start(self) -> None:
        profile = ["--profile", str(self.profile)] if self._profiled else []
        command = ["-m", "tests.bench.counted", str(self._counts), *profile, *self._settings(), "run"]
        self.child = Child(command, self.folder / "bridge.log", speaks=False, environ=self.site.environ())
        end = time.monotonic() + START_SECONDS
        while not await self._is_up():
            self.running()
            if time.monotonic() > end:
                raise RuntimeError(f"{self.label} was not up within {START_SECONDS:.0f} s: {self._tail()}")
            await asyncio.sleep(LOOK_SECONDS)
        self._store = await open_store(self.site.store_url, system_seams())
        await self.at_rest(START_SECONDS)

    async def stop(self) -> None:
        if self._store is not None:
            await self._store.close()
        await super().stop()

    async def counts(self) -> tuple[int, int]:
        return read_counts(self._counts)

    async def idle(self) -> bool:
        """Read it directly from the store, because a request to the daemon would be measured as its work."""
        assert self._store is not None, "start it first"
        if await self._store.tasks.waiting():
            return False
        if letters := await self._store.dead_letters.list():
            raise RuntimeError(f"{self.label} has {len(letters)} dead letters, the first: {letters[0][0].reason}")
        return True

    async def full_sweeps(self) -> dict[str, float]:
        """Return when the last full sweep of each system ended, in epoch seconds."""
        assert self._store is not None, "start it first"
        cursors = await self._store.cursors.all()
        return {one.system: one.done_at for one in cursors if one.kind == "full" and one.done_at is not None}

    async def reconcile(self) -> None:
        """Request a full sweep of both systems; it continues after the command has ended."""
        await self._command("reconcile", MAPPING, "--full")

    async def pause(self) -> None:
        await self._command("pause")

    async def resume(self) -> None:
        await self._command("resume")

    async def _is_up(self) -> bool:
        """Whether hooks are registered at both products, and both were listed once for their match keys."""
        try:
            status = await self._status()
        except aiohttp.ClientError:
            return False
        indexed = {row["system"] for row in status.get("sweeps", []) if row["last complete"] != "never"}
        hooks = {row["system"]: row["state"] for row in status.get("hooks", [])}
        return len(indexed) == 2 and len(hooks) == 2 and set(hooks.values()) == {"registered"}

    async def _status(self) -> dict[str, Any]:
        async with self.http.get(f"http://127.0.0.1:{self.site.admin}/status") as answer:
            status: dict[str, Any] = await answer.json()
            return status

    async def _command(self, *words: str) -> None:
        """Run a command as an operator types it."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "bridge", *self._settings(), *words),
            cwd=ROOT,
            env=dict(self.site.environ()),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(COMMAND_SECONDS):
                said, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        if process.returncode:
            raise RuntimeError(f"bridge {' '.join(words)} failed: {said.decode()}")

    def _settings(self) -> list[str]:
        return ["--settings", str(self.site.settings)]


class Forwarder(Subject):
    async def start(self) -> None:
        where = [self.people.pipedrive, self.people.deskera, str(self.folder / "inbox.sqlite")]
        self.child = Child(["-m", "tests.bench.forwarder", *where], self.folder / "forwarder.log", speaks=True)

    async def counts(self) -> tuple[int, int]:
        status = await self._status()
        return status.get("statements", 0), status.get("transactions", 0)

    async def idle(self) -> bool:
        return not (await self._status())["waiting"]

    async def pause(self) -> None:
        await self._steer("pause")

    async def resume(self) -> None:
        await self._steer("resume")

    async def _status(self) -> dict[str, int]:
        async with self.http.get(self.running().said["url"]) as answer:
            status: dict[str, int] = await answer.json()
            return status

    async def _steer(self, verb: str) -> None:
        async with self.http.post(f"{self.running().said['url']}/{verb}") as answer:
            answer.raise_for_status()
