"""python -m tests.field.failover.upgrade [--former FOLDER]: three instances are upgraded under load, one by one

FOLDER is a checkout of the former version, with which the instances begin. Without it, the instances are only
restarted. While the first new instance runs beside two old ones, the store has the new schema already.
"""

import argparse
import asyncio
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.field.failover.cluster import HOST, USER, Cluster, cluster
from tests.field.failover.run import DATABASE, HEADS, FailOver, Result
from tests.field.failover.world import world
from tests.field.tables import table

BESIDE_SECONDS = 6.0
"""How long old and new instances run together between two steps."""


async def _upgraded(servers: Cluster, folder: Path, former: Path | None, result: Result) -> None:
    servers.primary.init()
    servers.primary.start()
    await servers.primary.sql(f"CREATE DATABASE {DATABASE}")
    url = f"postgresql://{USER}@{HOST}:{servers.primary.port}/{DATABASE}"
    async with world(folder, url, 3, 1, former) as here:
        work = FailOver(servers, here, result, 1, trouble=False)
        versions = [await work.query("SELECT version_num FROM alembic_version")]
        working = asyncio.create_task(work.people())
        try:
            for one in here.instances:
                await asyncio.sleep(BESIDE_SECONDS)
                if code := await one.stop():
                    result.faults.append(f"{one.folder.name} ended with {code}")
                one.code = None
                await one.up()
                versions.append(await work.query("SELECT version_num FROM alembic_version"))
            await asyncio.sleep(BESIDE_SECONDS)
        finally:
            working.cancel()
        schemas = " -> ".join(dict.fromkeys(row["version_num"] for (row,) in versions))
        result.label = f"upgrade, schema {schemas}"
        result.counts["upgraded"] = len(here.instances)
        await work.judge()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--former", type=Path, help="a checkout of the former version")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # no process is left behind
    result = Result("upgrade")
    with TemporaryDirectory(prefix="upgrade-", ignore_cleanup_errors=True) as name, cluster() as servers:
        asyncio.run(_upgraded(servers, Path(name), asked.former, result))
    print(table(HEADS, [result.row()]))  # noqa: T201
    wrong = [
        *result.faults,
        *(f"lost: {one}" for one in result.lost),
        *(f"duplicated: {one}" for one in result.duplicated),
    ]
    for fault in wrong:
        print(f"FAULT  {fault}")  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
