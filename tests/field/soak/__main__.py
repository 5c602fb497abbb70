"""python -m tests.field.soak --minutes 30 --store sqlite|postgres|both: steady edits with faults; does anything grow?

Exit code 1 when a figure's slope is not zero within noise, or when records did not become equal.
"""

import argparse
import asyncio
import signal
import sys
from contextlib import nullcontext
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

import asyncpg

from tests.bench.__main__ import STORES, postgres_server
from tests.field.soak.run import HEADS, Result, soak
from tests.field.tables import table

SWIFT = ("ALTER SYSTEM SET autovacuum_naptime = '5s'", "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
"""Autovacuum runs every 5 s instead of every minute, because the days of a soak last seconds."""


async def _prepared(server: str) -> None:
    conn = await asyncpg.connect(server)
    for statement in SWIFT:
        await conn.execute(statement)
    await conn.close()


def _one(store: str, seconds: float, seed: int, records: int) -> Result:
    with (
        TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as name,
        postgres_server() if store == "postgres" else nullcontext("sqlite:///bridge.sqlite") as url,
    ):
        if store == "postgres":
            asyncio.run(_prepared(url))
        result = asyncio.run(soak(Path(name), store, url, seconds, seed, records))
        if result.faults:
            copyfile(Path(name) / "bridge.log", f"soak-{store}.log")
        return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0, help="of each store")
    parser.add_argument("--store", choices=list(STORES), default="both")
    parser.add_argument("--records", type=int, default=300, help="that are edited again and again")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # no process is left behind
    results = []
    for store in STORES[asked.store]:
        result = _one(store, asked.minutes * 60, asked.seed, asked.records)
        results.append(result)
        faults = [f"FAULT  {store}: {fault}" for fault in result.faults]
        print("\n".join([table(HEADS, result.rows()), *result.facts, *faults]), flush=True)  # noqa: T201
    return 1 if any(result.faults for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
