"""python -m tests.field.failover.throughput --records 600: creates a second with one, two and three instances

All on one PostgreSQL without a standby. The simulators run in this process. On few cores, the simulators or the machine
are measured; the CPU column says what an instance used for a record.
"""

import argparse
import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.field.failover.cluster import Cluster, cluster
from tests.field.failover.run import DATABASE
from tests.field.failover.world import World, world
from tests.field.tables import table

HEADS = ("instances", "records", "seconds", "records a second", "against one", "CPU of all instances for a record")
PATIENCE_SECONDS = 900.0


def _cpu_seconds(here: World) -> float:
    ticks = 0
    for one in here.instances:
        assert one.daemon is not None
        fields = Path(f"/proc/{one.daemon.process.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


async def _measured(servers: Cluster, folder: Path, number: int, records: int) -> tuple[float, float]:
    """Return the seconds, and the instances' CPU seconds, until this number of records has arrived."""
    await servers.primary.sql(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    await servers.primary.sql(f"CREATE DATABASE {DATABASE}")
    async with world(folder, servers.url(DATABASE), number, seed=number) as here:
        before, began = _cpu_seconds(here), time.monotonic()
        for _ in range(records):
            here.people.create()
        arrived = await here.until("", lambda: sum(here.arrived().values()) >= records, PATIENCE_SECONDS)
        assert arrived, f"only {sum(here.arrived().values())} of {records} arrived; log: {here.instances[0].log}"
        return time.monotonic() - began, _cpu_seconds(here) - before


async def _all(records: int, folder: Path, servers: Cluster) -> list[tuple[str, ...]]:
    servers.primary.init()
    servers.primary.start()
    rows: list[tuple[str, ...]] = []
    first = 0.0
    for number in (1, 2, 3):
        (folder / str(number)).mkdir()
        seconds, cpu = await _measured(servers, folder / str(number), number, records)
        first = first or records / seconds
        rate = records / seconds
        rows.append(
            (
                str(number),
                str(records),
                f"{seconds:.1f}",
                f"{rate:.0f}",
                f"{rate / first:.2f} x",
                f"{1000 * cpu / records:.1f} ms",
            )
        )
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=600)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # no process is left behind
    with TemporaryDirectory(prefix="throughput-", ignore_cleanup_errors=True) as name, cluster() as servers:
        rows = asyncio.run(_all(asked.records, Path(name), servers))
    print(table(HEADS, rows))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
